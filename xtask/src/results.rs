//! The README's table of forecasts: the course's experiments and those with an honest split over several seeds, beside the baselines, and a backtest.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Instant,
};

use serde_json::Value;

use crate::shell::{Result, built, cargo, print, run as run_command, say};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Price file [default: the embedded synthetic sample]
    #[arg(long, value_name = "FILE")]
    data: Option<PathBuf>,
    /// Seeds, from 1 on
    #[arg(long, default_value_t = 5)]
    seeds: u32,
    /// Folds of the backtest
    #[arg(long, default_value_t = 5)]
    folds: u32,
    /// Epochs of every run [default: the recipes']; figures of fewer mean little
    #[arg(long)]
    epochs: Option<u32>,
    /// Folder for artifacts and tables
    #[arg(long, default_value = "artifacts/results")]
    artifacts: PathBuf,
}

/// Experiments, and what is known of the same from elsewhere on the course's file.
const EXPERIMENTS: [(&str, &str); 5] = [
    ("stock-rnn", "the course 40.65 / 35.49; Keras, same recipe 31.4 / 26.3"),
    ("stock-lstm", "the course 93.70 / 88.64; Keras, same recipe 35.0 / 28.8"),
    ("stock-gru", ""),
    ("stock-open", ""),
    ("stock-gap", ""),
];
/// SHA-256 of the course's file, beside whose figures those of elsewhere may stand.
const COURSE_FILE: &str = "010ba7f99b4f532a1caddee40bf9239ec1684160d943a5ad14213ecf566b019a";
/// What is backtested.
const BACKTESTED: &str = "stock-gap";

pub(crate) fn run(args: &Args) -> Result<()> {
    let data = args.data.as_deref().map(|path| path.canonicalize().map_err(|error| format!("{}: {error}", path.display()))).transpose()?;
    run_command(cargo(&["build", "--release", "-p", "rnn-train"]))?;
    let command = |words: &[&str]| {
        let mut command = Command::new(built("release", "rnn-train"));
        command.args(words).arg("--artifacts").arg(&args.artifacts).stdout(Stdio::null()).env_remove("RNN_STOCK_CSV");
        if let Some(data) = &data {
            command.arg("--data").arg(data);
        }
        if let Some(epochs) = args.epochs {
            command.args(["--epochs", &epochs.to_string()]);
        }
        command
    };
    let started = Instant::now();
    let (seeds, folds) = (args.seeds.to_string(), args.folds.to_string());
    let mut reports = Vec::new();
    for (experiment, _) in EXPERIMENTS {
        say(&format!("\n{experiment}, seeds 1 to {seeds} ({:.0} s so far)", started.elapsed().as_secs_f64()));
        run_command(command(&["train", experiment, "--seeds", &seeds, "--seed", "1", "--backend", "ndarray"]))?;
        reports.push(read(&args.artifacts.join(experiment).join("seeds.json"))?);
    }
    say(&format!("\n{BACKTESTED}, {folds} folds ({:.0} s so far)", started.elapsed().as_secs_f64()));
    run_command(command(&["backtest", BACKTESTED, "--folds", &folds, "--seed", "1", "--backend", "ndarray"]))?;
    let backtest = read(&args.artifacts.join(BACKTESTED).join("backtest.json"))?;
    let text = table(&reports, &backtest);
    let path = args.artifacts.join("results.md");
    fs::write(&path, &text).map_err(|error| format!("{}: {error}", path.display()))?;
    print(&text);
    say(&format!("written to {} ({:.0} s)", path.display(), started.elapsed().as_secs_f64()));
    Ok(())
}

fn read(path: &Path) -> Result<Value> {
    let text = fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
    serde_json::from_str(&text).map_err(|error| format!("{}: {error}", path.display()))
}

fn table(reports: &[Value], backtest: &Value) -> String {
    let mean = &reports[0]["mean"];
    let data = &mean["data"];
    let synthetic = if data["synthetic"] == true { " (**synthetic** data)" } else { "" };
    let count = reports[0]["models"].as_array().map_or(0, Vec::len);
    let part = |value: &Value| value.as_str().unwrap_or_default().get(..10).unwrap_or_default().to_owned();
    let mut text = format!(
        "`{}`{synthetic}, {} test days, {} to {}; medians of seeds 1 to {count}.\n\n",
        data["file"].as_str().unwrap_or_default(),
        mean["windows"],
        part(&mean["span"][0]),
        part(&mean["span"][1])
    );
    text += "| | RMSE | MAE | RMSE of the seeds | 90% interval covers | elsewhere, RMSE / MAE |\n|---|---:|---:|---|---:|---|\n";
    let is_course = data["sha256"] == COURSE_FILE;
    for (report, (name, elsewhere)) in reports.iter().zip(EXPERIMENTS) {
        let models = report["models"].as_array().map_or(&[][..], Vec::as_slice);
        let mut all: Vec<f64> = models.iter().filter_map(|model| model["rmse"].as_f64()).collect();
        all.sort_by(f64::total_cmp);
        let all = all.iter().map(|rmse| format!("{rmse:.2}")).collect::<Vec<_>>().join(" ");
        let mut coverage: Vec<f64> = models.iter().filter_map(|model| model["coverage"].as_f64()).collect();
        coverage.sort_by(f64::total_cmp);
        let coverage = match (coverage.first(), coverage.last()) {
            (Some(least), Some(most)) => format!("{:.1} to {:.1}%", 100.0 * least, 100.0 * most),
            _ => String::new(),
        };
        let (rmse, mae) = (number(&report["median"]["rmse"]), number(&report["median"]["mae"]));
        text += &format!("| `{name}` | {rmse} | {mae} | {all} | {coverage} | {} |\n", if is_course { elsewhere } else { "" });
        if coverage.is_empty() {
            continue;
        }
        let mean = &report["mean"];
        text += &format!(
            "| `{name}`, mean of the models | {} | {} | | {} | |\n",
            number(&mean["rmse"]),
            number(&mean["mae"]),
            percent(&mean["interval"]["coverage"])
        );
    }
    for baseline in mean["baselines"].as_array().map_or(&[][..], Vec::as_slice) {
        let name = baseline["name"].as_str().unwrap_or_default();
        text += &format!("| {name} | {} | {} | | | |\n", number(&baseline["rmse"]), number(&baseline["mae"]));
    }
    text + &folds(backtest)
}

fn folds(backtest: &Value) -> String {
    let folds = backtest["folds"].as_array().map_or(&[][..], Vec::as_slice);
    let mut text = format!("\n`{BACKTESTED}`, backtest of {} folds over the whole file:\n\n", folds.len());
    text += "| fold | rows before | test part | days | RMSE | MAE | last close, RMSE / MAE | skill | 90% interval covers |\n";
    text += "|---|---:|---|---:|---:|---:|---:|---:|---:|\n";
    let row =
        |name: &str, before: String, part: String, days: String, scores: &Value, baselines: &Value, skill: &Value, coverage: &Value| {
            let close = baselines.as_array().and_then(|all| all.iter().find(|baseline| baseline["name"] == "last close"));
            let close = close.map_or_else(String::new, |close| format!("{} / {}", number(&close["rmse"]), number(&close["mae"])));
            let skill = format!("{:+.1}%", 100.0 * skill.as_f64().unwrap_or(f64::NAN));
            let (rmse, mae, coverage) = (number(&scores["rmse"]), number(&scores["mae"]), percent(coverage));
            format!("| {name} | {before} | {part} | {days} | {rmse} | {mae} | {close} | {skill} | {coverage} |\n")
        };
    let mut days = 0;
    for fold in folds {
        let day = |index: usize| fold["span"][index].as_str().unwrap_or_default().get(..10).unwrap_or_default().to_owned();
        days += fold["windows"].as_u64().unwrap_or(0);
        text += &row(
            &fold["fold"].to_string(),
            fold["rows_before"].to_string(),
            format!("{} to {}", day(0), day(1)),
            fold["windows"].to_string(),
            fold,
            &fold["baselines"],
            &fold["skill"],
            &fold["interval"]["coverage"],
        );
    }
    let (overall, baselines) = (&backtest["overall"], &backtest["baselines"]);
    text + &row("all", String::new(), String::new(), days.to_string(), overall, baselines, &backtest["skill"], &backtest["coverage"])
}

fn number(value: &Value) -> String {
    value.as_f64().map_or_else(|| "-".to_owned(), |number| format!("{number:.2}"))
}

fn percent(value: &Value) -> String {
    value.as_f64().map_or_else(|| "-".to_owned(), |share| format!("{:.1}%", 100.0 * share))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_table_has_medians_baselines_and_folds() {
        let scores = |rmse: f64| json!({ "rmse": rmse, "mae": rmse / 2.0, "coverage": 0.9 });
        let baselines = json!([{ "name": "last close", "rmse": 11.933, "mae": 7.464 }]);
        let report = json!({
            "models": [scores(12.0), scores(11.5)],
            "median": scores(11.75),
            "mean": {
                "rmse": 11.6, "mae": 5.8, "windows": 240, "baselines": baselines, "interval": { "coverage": 0.9 },
                "data": { "file": "bars.csv", "synthetic": false, "sha256": COURSE_FILE }, "span": ["2019-05-06T00:00:00", "2020-04-24T00:00:00"],
            },
        });
        let fold = json!({
            "fold": 1, "rows_before": 404, "windows": 404, "rmse": 2.0, "mae": 1.0, "skill": 0.01, "baselines": baselines,
            "span": ["2012-01-01T00:00:00", "2013-01-01T00:00:00"], "interval": { "coverage": 0.88 },
        });
        let backtest = json!({ "folds": [fold], "overall": scores(2.0), "baselines": baselines, "skill": -0.01, "coverage": 0.88 });
        let reports = vec![report; EXPERIMENTS.len()];
        let text = table(&reports, &backtest);
        assert!(text.contains("| `stock-gap` | 11.75 | 5.88 | 11.50 12.00 | 90.0 to 90.0% |  |"), "{text}");
        assert!(text.contains("240 test days, 2019-05-06 to 2020-04-24; medians of seeds 1 to 2."), "{text}");
        assert!(text.contains("| last close | 11.93 | 7.46 |") && text.contains("the course 40.65 / 35.49"), "{text}");
        assert!(text.contains("| 1 | 404 | 2012-01-01 to 2013-01-01 | 404 | 2.00 | 1.00 | 11.93 / 7.46 | +1.0% | 88.0% |"), "{text}");
        assert!(text.contains("| all |  |  | 404 | 2.00 | 1.00 | 11.93 / 7.46 | -1.0% | 88.0% |"), "{text}");
    }
}
