//! Prints the table of forecasts of prices, or that of seasonal series.
//!
//! The first has the course's experiments and those with a holdout split, over several seeds. It
//! also has the baselines and a backtest.

use std::{
    path::PathBuf,
    process::{Command, Stdio},
};

use serde_json::Value;

use crate::{
    progress::Progress,
    seasonal,
    shell::{Result, absolute, built, cargo, json, print, run as run_command, say},
    table::{Spread, markdown},
};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Price file [default: the embedded synthetic sample]
    #[arg(long, value_name = "FILE")]
    data: Option<PathBuf>,
    /// Folder of seasonal series with a `meta.json`: print their table instead
    #[arg(long, value_name = "DIR", conflicts_with = "data")]
    series: Option<PathBuf>,
    /// Seeds, from 1 on
    #[arg(long, default_value_t = 5)]
    seeds: u32,
    /// Folds of the backtest
    #[arg(long, default_value_t = 5)]
    folds: u32,
    /// Epochs of every run; fewer than the recipes' give meaningless figures [default: the
    /// recipes']
    #[arg(long)]
    epochs: Option<u32>,
    /// Folder for artifacts and tables
    #[arg(long, default_value = "artifacts/results")]
    artifacts: PathBuf,
}

/// Experiments, with published RMSE / MAE of the same model on the course's file.
const EXPERIMENTS: [(&str, &str); 5] = [
    ("stock-rnn", "the course 40.65 / 35.49; Keras, same recipe 31.4 / 26.3"),
    ("stock-lstm", "the course 93.70 / 88.64; Keras, same recipe 35.0 / 28.8"),
    ("stock-gru", ""),
    ("stock-open", ""),
    ("stock-gap", ""),
];
/// SHA-256 of the course's file. Published figures are shown only for this file.
const COURSE_FILE: &str = "010ba7f99b4f532a1caddee40bf9239ec1684160d943a5ad14213ecf566b019a";
/// Experiment of the backtest.
const BACKTESTED: &str = "stock-gap";

pub(crate) fn run(args: &Args) -> Result<()> {
    let data = absolute(args.data.as_deref())?;
    run_command(cargo(&["build", "--release", "-p", "rnn-train"]))?;
    if let Some(folder) = absolute(args.series.as_deref())? {
        return seasonal::run(&folder, args.seeds, &args.artifacts);
    }
    let command = |words: &[&str]| {
        let mut command = Command::new(built("release", "rnn-train"));
        command
            .args(words)
            .arg("--artifacts")
            .arg(&args.artifacts)
            .stdout(Stdio::null())
            .env_remove("RNN_STOCK_CSV");
        if let Some(data) = &data {
            command.arg("--data").arg(data);
        }
        if let Some(epochs) = args.epochs {
            command.args(["--epochs", &epochs.to_string()]);
        }
        command
    };
    let (seeds, folds) = (args.seeds.to_string(), args.folds.to_string());
    let (mut reports, mut progress) =
        (Vec::new(), Progress::new("experiments", EXPERIMENTS.len() + 1));
    for (index, (experiment, _)) in EXPERIMENTS.into_iter().enumerate() {
        progress.say(index, &format!(", next {experiment}, seeds 1 to {seeds}"));
        run_command(command(&[
            "train",
            experiment,
            "--seeds",
            &seeds,
            "--seed",
            "1",
            "--backend",
            "ndarray",
        ]))?;
        reports.push(json(&args.artifacts.join(experiment).join("seeds.json"))?);
    }
    progress.say(EXPERIMENTS.len(), &format!(", next {BACKTESTED}, {folds} folds"));
    run_command(command(&[
        "backtest",
        BACKTESTED,
        "--folds",
        &folds,
        "--seed",
        "1",
        "--backend",
        "ndarray",
    ]))?;
    let backtest = json(&args.artifacts.join(BACKTESTED).join("backtest.json"))?;
    let text = table(&reports, &backtest);
    let path = args.artifacts.join("results.md");
    fs_err::write(&path, &text)?;
    print(&text);
    say(&format!("written to {}", path.display()));
    Ok(())
}

fn table(reports: &[Value], backtest: &Value) -> String {
    let mean = &reports[0]["mean"];
    let data = &mean["data"];
    let synthetic = if data["synthetic"] == true { " (**synthetic** data)" } else { "" };
    let is_course = data["sha256"] == COURSE_FILE;
    let mut rows = Vec::new();
    for (report, (name, elsewhere)) in reports.iter().zip(EXPERIMENTS) {
        let of_models = |name: &str| {
            all(&report["models"])
                .iter()
                .filter_map(|model| model[name].as_f64())
                .collect::<Vec<_>>()
        };
        let mut seeds = of_models("rmse");
        seeds.sort_by(f64::total_cmp);
        let seeds = seeds.iter().map(|rmse| format!("{rmse:.2}")).collect::<Vec<_>>().join(" ");
        let coverage = Spread::of(of_models("coverage"));
        let range = coverage.map_or_else(String::new, |spread| {
            format!("{:.1} to {:.1}%", 100.0 * spread.least, 100.0 * spread.most)
        });
        let elsewhere = if is_course { elsewhere } else { "" };
        rows.push(row(
            &format!("`{name}`"),
            &report["median"],
            [seeds, range, elsewhere.to_owned()],
        ));
        if coverage.is_some() {
            let coverage = percent(&report["mean"]["interval"]["coverage"]);
            rows.push(row(
                &format!("`{name}`, mean of the models"),
                &report["mean"],
                [String::new(), coverage, String::new()],
            ));
        }
    }
    let baselines = all(&mean["baselines"]).iter();
    rows.extend(baselines.map(|baseline| {
        row(baseline["name"].as_str().unwrap_or_default(), baseline, Default::default())
    }));
    let columns =
        ["", "RMSE", "MAE", "RMSE of the seeds", "90% interval covers", "elsewhere, RMSE / MAE"];
    format!(
        "`{}`{synthetic}, {} test days, {}; medians of seeds 1 to {}.\n\n{}{}",
        data["file"].as_str().unwrap_or_default(),
        mean["windows"],
        span(mean),
        all(&reports[0]["models"]).len(),
        markdown(&columns, 1, &rows),
        folds(backtest)
    )
}

/// A row: name, scores, and further cells.
fn row(name: &str, scores: &Value, others: [String; 3]) -> Vec<String> {
    [name.to_owned(), number(&scores["rmse"]), number(&scores["mae"])]
        .into_iter()
        .chain(others)
        .collect()
}

fn all(list: &Value) -> &[Value] {
    list.as_array().map_or(&[], Vec::as_slice)
}

/// First and last day that was scored.
fn span(scored: &Value) -> String {
    let day = |index: usize| {
        scored["span"][index].as_str().and_then(|time| time.get(..10)).unwrap_or_default()
    };
    format!("{} to {}", day(0), day(1))
}

fn folds(backtest: &Value) -> String {
    let folds = all(&backtest["folds"]);
    let line = |name: String,
                [before, set, days]: [String; 3],
                scores: &Value,
                of: &Value,
                coverage: &Value| {
        let close = all(&of["baselines"]).iter().find(|baseline| baseline["name"] == "last close");
        let close = close.map_or_else(String::new, |close| {
            format!("{} / {}", number(&close["rmse"]), number(&close["mae"]))
        });
        let skill = format!("{:+.1}%", 100.0 * of["skill"].as_f64().unwrap_or(f64::NAN));
        vec![
            name,
            before,
            set,
            days,
            number(&scores["rmse"]),
            number(&scores["mae"]),
            close,
            skill,
            percent(coverage),
        ]
    };
    let of_fold = |fold: &Value| {
        let middle = [fold["rows_before"].to_string(), span(fold), fold["windows"].to_string()];
        line(fold["fold"].to_string(), middle, fold, fold, &fold["interval"]["coverage"])
    };
    let mut rows: Vec<Vec<String>> = folds.iter().map(of_fold).collect();
    let days: u64 = folds.iter().filter_map(|fold| fold["windows"].as_u64()).sum();
    let middle = [String::new(), String::new(), days.to_string()];
    rows.push(line(
        "all".to_owned(),
        middle,
        &backtest["overall"],
        backtest,
        &backtest["coverage"],
    ));
    let columns = [
        "fold",
        "rows before",
        "test set",
        "days",
        "RMSE",
        "MAE",
        "last close, RMSE / MAE",
        "skill",
        "90% interval covers",
    ];
    format!(
        "\n`{BACKTESTED}`, backtest of {} folds over the whole file:\n\n{}",
        folds.len(),
        markdown(&columns, 1, &rows)
    )
}

fn number(value: &Value) -> String {
    value.as_f64().map_or_else(|| "-".to_owned(), |number| format!("{number:.2}"))
}

fn percent(value: &Value) -> String {
    value.as_f64().map_or_else(|| "-".to_owned(), |fraction| format!("{:.1}%", 100.0 * fraction))
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
                "rmse": 11.6, "mae": 5.8, "windows": 240, "baselines": baselines,
                "interval": { "coverage": 0.9 },
                "data": { "file": "bars.csv", "synthetic": false, "sha256": COURSE_FILE },
                "span": ["2019-05-06T00:00:00", "2020-04-24T00:00:00"],
            },
        });
        let fold = json!({
            "fold": 1, "rows_before": 404, "windows": 404,
            "rmse": 2.0, "mae": 1.0, "skill": 0.01, "baselines": baselines,
            "span": ["2012-01-01T00:00:00", "2013-01-01T00:00:00"],
            "interval": { "coverage": 0.88 },
        });
        let backtest = json!({
            "folds": [fold], "overall": scores(2.0), "baselines": baselines,
            "skill": -0.01, "coverage": 0.88,
        });
        let reports = vec![report; EXPERIMENTS.len()];
        let text = table(&reports, &backtest)
            .split(' ')
            .filter(|word| !word.is_empty())
            .collect::<Vec<_>>()
            .join(" ");
        assert!(
            text.contains("| `stock-gap` | 11.75 | 5.88 | 11.50 12.00 | 90.0 to 90.0% | |"),
            "{text}"
        );
        assert!(
            text.contains("240 test days, 2019-05-06 to 2020-04-24; medians of seeds 1 to 2."),
            "{text}"
        );
        assert!(
            text.contains("| last close | 11.93 | 7.46 |")
                && text.contains("the course 40.65 / 35.49"),
            "{text}"
        );
        assert!(
            text.contains(
                "| 1 | 404 | 2012-01-01 to 2013-01-01 | 404 | 2.00 | 1.00 | 11.93 / 7.46 | +1.0% | \
                 88.0% |"
            ),
            "{text}"
        );
        assert!(
            text.contains("| all | | | 404 | 2.00 | 1.00 | 11.93 / 7.46 | -1.0% | 88.0% |"),
            "{text}"
        );
    }
}
