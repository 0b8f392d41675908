//! Trains all experiments with the release binary and prints their scores as one table.

use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Instant,
};

use serde_json::{Value, json};

use crate::{
    progress::Progress,
    shell::{Result, absolute, built, cargo, json as read, print, run as run_command, say},
    table::{Spread, markdown},
};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Price file [default: RNN_STOCK_CSV, else the embedded synthetic sample]
    #[arg(long, value_name = "FILE")]
    data: Option<PathBuf>,
    /// Backend, as for rnn-train
    #[arg(long, default_value = "auto")]
    backend: String,
    /// Cargo features to build with, e.g. wgpu
    #[arg(long)]
    features: Option<String>,
    /// Seeds; every experiment is trained once per seed
    #[arg(long, value_delimiter = ',', value_name = "1,2,3")]
    seeds: Vec<u64>,
    /// Epochs of every experiment [default: the recipe's]
    #[arg(long)]
    epochs: Option<usize>,
    /// Train only these experiments [default: all]
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
    /// Folder for artifacts and summary
    #[arg(long, default_value = "artifacts")]
    artifacts: PathBuf,
}

/// Scores that the course printed for its runs.
const COURSE: [(&str, &str); 3] = [
    ("letters-onehot-1", "loss 0.2574, accuracy 1.0 (epoch 100)"),
    ("stock-rnn", "MSE 1652.593, RMSE 40.652, MAE 35.488"),
    ("stock-lstm", "MSE 8779.581, RMSE 93.699, MAE 88.640"),
];

pub(crate) fn run(args: &Args) -> Result<()> {
    let data = absolute(args.data.as_deref())?;
    build(args)?;
    let binary = built("release", "rnn-train");
    let names = experiments(&binary, &args.only)?;
    // With at most one seed, each experiment has its own folder, ready for `rnn-train predict`.
    // With several seeds, each seed has a folder.
    let seeds: Vec<Option<u64>> = if args.seeds.is_empty() {
        vec![None]
    } else {
        args.seeds.iter().copied().map(Some).collect()
    };
    let runs: Vec<_> =
        names.iter().flat_map(|name| seeds.iter().map(move |seed| (name, *seed))).collect();

    let (mut outcomes, mut failures, mut progress) =
        (Vec::new(), Vec::new(), Progress::new("trainings", runs.len()));
    for (index, (name, seed)) in runs.iter().enumerate() {
        let of_seed = seed.map_or_else(String::new, |seed| format!(", seed {seed}"));
        progress.say(index, &format!(", next {name}{of_seed}"));
        let folder = match seed {
            Some(seed) if seeds.len() > 1 => args.artifacts.join(format!("seed-{seed}")),
            _ => args.artifacts.clone(),
        };
        match train(args, &binary, &folder, name, *seed, data.as_deref()) {
            Ok(outcome) => outcomes.push(outcome),
            Err(error) => failures.push(format!("{name}{of_seed}: {error}")),
        }
    }
    if outcomes.is_empty() {
        return Err(failures.join("\n").into());
    }
    let summary = summarise(args, outcomes);
    let table = table(&summary);
    write(&args.artifacts, "summary.json", &format!("{summary:#}"))?;
    write(&args.artifacts, "summary.md", &table)?;
    print(&table);
    say(&format!("written to {}: summary.md, summary.json", args.artifacts.display()));
    if failures.is_empty() {
        Ok(())
    } else {
        Err(format!("some trainings failed:\n{}", failures.join("\n")).into())
    }
}

fn build(args: &Args) -> Result<()> {
    let mut command = cargo(&["build", "--release", "-p", "rnn-train"]);
    if let Some(features) = &args.features {
        command.args(["--features", features]);
    }
    run_command(command)
}

fn experiments(binary: &Path, only: &[String]) -> Result<Vec<String>> {
    let output = Command::new(binary).args(["list", "--json"]).output()?;
    let listed: Vec<Value> = serde_json::from_slice(&output.stdout)?;
    let names: Vec<String> =
        listed.iter().filter_map(|listed| Some(listed["name"].as_str()?.to_owned())).collect();
    if let Some(unknown) = only.iter().find(|name| !names.contains(name)) {
        return Err(format!(
            "--only: no experiment `{unknown}` (choose from {})",
            names.join(", ")
        )
        .into());
    }
    Ok(names.into_iter().filter(|name| only.is_empty() || only.contains(name)).collect())
}

fn train(
    args: &Args,
    binary: &Path,
    folder: &Path,
    name: &str,
    seed: Option<u64>,
    data: Option<&Path>,
) -> Result<Value> {
    let mut command = Command::new(binary);
    command
        .args(["train", name, "--fresh", "--progress", "plain", "--backend", &args.backend])
        .arg("--artifacts")
        .arg(folder);
    if let Some(seed) = seed {
        command.arg("--seed").arg(seed.to_string());
    }
    if let Some(epochs) = args.epochs {
        command.arg("--epochs").arg(epochs.to_string());
    }
    if let Some(data) = data.filter(|_| !name.starts_with("letters-")) {
        command.arg("--data").arg(data);
    }
    let started = Instant::now();
    // The table collects the run's results; its progress stays visible on stderr.
    command.stdout(Stdio::null());
    run_command(command)?;
    let seconds = started.elapsed().as_secs_f64();

    let folder = folder.join(name);
    let (config, evaluation) =
        (read(&folder.join("config.json"))?, read(&folder.join("evaluation.json"))?);
    let metrics = fs_err::read_to_string(folder.join("metrics.csv"))?;
    let last = metrics.lines().last().unwrap_or_default();
    Ok(json!({
        "experiment": name,
        "seed": config["options"]["seed"],
        "parameters": config["parameters"],
        "epochs": metrics.lines().count() - 1,
        "seconds": seconds,
        // Training loss of the last epoch.
        "final_loss": last.split(',').nth(1).and_then(|loss| loss.parse::<f64>().ok()),
        // Scores of the best checkpoint.
        "best_epoch": evaluation["best_epoch"],
        "accuracy": evaluation["accuracy"],
        "mse": evaluation["mse"],
        "rmse": evaluation["rmse"],
        "mae": evaluation["mae"],
        // Scores of the naive forecast, which repeats the last value.
        "naive_rmse": evaluation["baselines"][0]["rmse"],
        "naive_mae": evaluation["baselines"][0]["mae"],
        "backend": config["backend"],
        "data": config["source"]["file"],
        "synthetic": config["source"]["synthetic"] == true,
    }))
}

/// All outcomes, and whether epochs and prices allow a comparison with the course's figures.
fn summarise(args: &Args, outcomes: Vec<Value>) -> Value {
    let synthetic = outcomes.iter().any(|outcome| outcome["synthetic"] == true);
    json!({
        "data": outcomes.iter().map(|outcome| &outcome["data"]).find(|data| data.is_string()),
        "synthetic": synthetic,
        "backend": outcomes[0]["backend"],
        "is_course": args.epochs.is_none() && !synthetic,
        "outcomes": outcomes,
    })
}

fn table(summary: &Value) -> String {
    let synthetic = if summary["synthetic"] == true { " (**synthetic** data)" } else { "" };
    let prices = summary["data"]
        .as_str()
        .map_or_else(String::new, |file| format!(", prices from `{file}`{synthetic}"));
    let outcomes = summary["outcomes"].as_array().map_or(&[][..], Vec::as_slice);
    let number =
        |value: &Value| value.as_f64().map_or_else(String::new, |value| format!("{value:.3}"));
    let course = |name: &Value| {
        COURSE
            .iter()
            .find(|(course, _)| summary["is_course"] == true && *name == *course)
            .map_or("", |(_, figures)| figures)
    };
    let row = |outcome: &Value| {
        let text = |name: &str| outcome[name].to_string();
        let figure = |name: &str| outcome[name].as_f64().unwrap_or(f64::NAN);
        let scores = ["accuracy", "mse", "rmse", "mae"].map(|name| number(&outcome[name]));
        let mut row = vec![
            outcome["experiment"].as_str().unwrap_or_default().to_owned(),
            text("seed"),
            text("parameters"),
            text("epochs"),
        ];
        row.extend([
            format!("{:.1}", figure("seconds")),
            format!("{:.3e}", figure("final_loss")),
            text("best_epoch"),
        ]);
        row.extend(scores);
        row.push(course(&outcome["experiment"]).to_owned());
        row
    };
    let columns = [
        "experiment",
        "seed",
        "parameters",
        "epochs",
        "seconds",
        "final loss",
        "best epoch",
        "accuracy",
        "MSE",
        "RMSE",
        "MAE",
        "course",
    ];
    format!(
        "Backend {}{prices}. Scores are of the best checkpoint.\n\n{}{}{}",
        summary["backend"].as_str().unwrap_or("?"),
        markdown(&columns, 1, &outcomes.iter().map(row).collect::<Vec<_>>()),
        medians(outcomes),
        naive(outcomes)
    )
}

/// Median scores of each experiment with several seeds.
fn medians(outcomes: &[Value]) -> String {
    let mut text = String::new();
    for of_name in outcomes
        .chunk_by(|one, next| one["experiment"] == next["experiment"])
        .filter(|of_name| of_name.len() > 1)
    {
        let median = |score: &str| {
            Spread::of(of_name.iter().filter_map(|outcome| outcome[score].as_f64()))
                .map(|spread| spread.median)
        };
        let (name, count) = (of_name[0]["experiment"].as_str().unwrap_or_default(), of_name.len());
        text += &if let (Some(rmse), Some(mae)) = (median("rmse"), median("mae")) {
            format!("\n- {name}: median of {count} seeds RMSE {rmse:.3}, MAE {mae:.3}")
        } else {
            let perfect = of_name.iter().filter(|outcome| outcome["accuracy"] == 1.0).count();
            format!("\n- {name}: accuracy 1.0 with {perfect} of {count} seeds")
        };
    }
    if text.is_empty() { text } else { text + "\n" }
}

fn naive(outcomes: &[Value]) -> String {
    let scores =
        |outcome: &Value| Some((outcome["naive_rmse"].as_f64()?, outcome["naive_mae"].as_f64()?));
    outcomes.iter().find_map(scores).map_or_else(String::new, |(rmse, mae)| {
        format!("\nNaive forecast (predicts the previous value): RMSE {rmse:.3}, MAE {mae:.3}.\n")
    })
}

fn write(folder: &Path, name: &str, text: &str) -> Result<()> {
    let temporary = folder.join(format!(".{name}.tmp"));
    fs_err::write(&temporary, text)?;
    Ok(fs_err::rename(&temporary, folder.join(name))?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn summary(is_course: bool, synthetic: bool) -> Value {
        let letters = [1.0, 0.8]
            .map(|accuracy| json!({ "experiment": "letters-onehot-1", "accuracy": accuracy }));
        let stock = |rmse: f64| {
            json!({
                "experiment": "stock-rnn", "rmse": rmse, "mae": rmse,
                "naive_rmse": 19.618, "naive_mae": 14.711,
            })
        };
        let outcomes: Vec<Value> =
            letters.into_iter().chain([30.0, 50.0, 40.0].map(stock)).collect();
        json!({
            "data": "bars.csv", "synthetic": synthetic, "backend": "ndarray",
            "is_course": is_course, "outcomes": outcomes,
        })
    }

    #[test]
    fn the_table_has_a_row_per_run_and_medians_over_seeds() {
        let text = table(&summary(true, false));
        assert_eq!(
            text.lines()
                .filter(|line| line.starts_with("| letters") || line.starts_with("| stock"))
                .count(),
            5
        );
        assert!(text.contains("stock-rnn: median of 3 seeds RMSE 40.000, MAE 40.000"), "{text}");
        assert!(text.contains("letters-onehot-1: accuracy 1.0 with 1 of 2 seeds"), "{text}");
        assert!(
            text.contains("MSE 1652.593, RMSE 40.652") && text.contains("RMSE 19.618, MAE 14.711"),
            "{text}"
        );
    }

    #[test]
    fn synthetic_prices_are_marked_and_shown_without_course_figures() {
        let text = table(&summary(false, true));
        assert!(
            text.contains("prices from `bars.csv` (**synthetic** data)")
                && !text.contains("1652.593"),
            "{text}"
        );
    }
}
