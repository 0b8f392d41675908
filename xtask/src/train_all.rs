//! Trains all experiments with the release binary and puts their scores in one table.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::Instant,
};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::shell::{Result, built, cargo, print, run as run_command, say};

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
    /// Seeds; every experiment is trained once with each
    #[arg(long, value_delimiter = ',', value_name = "1,2,3")]
    seeds: Vec<u64>,
    /// Epochs of every experiment [default: the recipe's]
    #[arg(long)]
    epochs: Option<usize>,
    /// Train these only [default: all]
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
    /// Folder for artifacts and summary
    #[arg(long, default_value = "artifacts")]
    artifacts: PathBuf,
}

/// What `rnn-train list --json` says of an experiment.
#[derive(Deserialize)]
struct Listed {
    name: String,
}

/// One trained experiment.
#[derive(Debug, Clone, Serialize)]
struct Outcome {
    experiment: String,
    seed: u64,
    parameters: u64,
    epochs: usize,
    seconds: f64,
    /// Training loss of the last epoch.
    final_loss: f64,
    best_epoch: u64,
    /// Accuracy (letters) of the best checkpoint.
    accuracy: Option<f64>,
    mse: Option<f64>,
    rmse: Option<f64>,
    mae: Option<f64>,
    /// Of repeating the last value.
    naive_rmse: Option<f64>,
    naive_mae: Option<f64>,
    backend: String,
    /// Price file.
    data: Option<String>,
    synthetic: bool,
}

/// All outcomes, as `summary.json` has them.
#[derive(Serialize)]
struct Summary {
    data: Option<String>,
    synthetic: bool,
    backend: String,
    /// Whether epochs and prices are such that the course's figures may stand beside.
    is_course: bool,
    outcomes: Vec<Outcome>,
}

/// What the course printed for its own runs.
const COURSE: [(&str, &str); 3] = [
    ("letters-onehot-1", "loss 0.2574, accuracy 1.0 (epoch 100)"),
    ("stock-rnn", "MSE 1652.593, RMSE 40.652, MAE 35.488"),
    ("stock-lstm", "MSE 8779.581, RMSE 93.699, MAE 88.640"),
];

pub(crate) fn run(args: &Args) -> Result<()> {
    let data = args.data.as_deref().map(absolute).transpose()?;
    build(args)?;
    let binary = built("release", "rnn-train");
    let names = experiments(&binary, &args.only)?;
    // Without seeds each experiment has its own folder, ready for `rnn-train predict`; with several, one folder a seed.
    let seeds: Vec<Option<u64>> = if args.seeds.is_empty() { vec![None] } else { args.seeds.iter().copied().map(Some).collect() };
    let runs: Vec<_> = names.iter().flat_map(|name| seeds.iter().map(move |seed| (name, *seed))).collect();

    let (mut outcomes, mut failures) = (Vec::new(), Vec::new());
    let started = Instant::now();
    for (index, (name, seed)) in runs.iter().enumerate() {
        let of_seed = seed.map_or_else(String::new, |seed| format!(", seed {seed}"));
        say(&format!("\n[{}/{}] {name}{of_seed} ({:.0} s so far)", index + 1, runs.len(), started.elapsed().as_secs_f64()));
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
        return Err(failures.join("\n"));
    }
    let summary = summarise(args, outcomes);
    write(&args.artifacts, "summary.json", &serde_json::to_string_pretty(&summary).map_err(|error| error.to_string())?)?;
    let table = table(&summary);
    write(&args.artifacts, "summary.md", &table)?;
    print(&table);
    say(&format!("written to {}: summary.md, summary.json", args.artifacts.display()));
    if failures.is_empty() { Ok(()) } else { Err(format!("not everything was trained:\n{}", failures.join("\n"))) }
}

fn build(args: &Args) -> Result<()> {
    let mut command = cargo(&["build", "--release", "-p", "rnn-train"]);
    if let Some(features) = &args.features {
        command.args(["--features", features]);
    }
    run_command(command)
}

fn experiments(binary: &Path, only: &[String]) -> Result<Vec<String>> {
    let output = Command::new(binary).args(["list", "--json"]).output().map_err(|error| format!("rnn-train: {error}"))?;
    let listed: Vec<Listed> = serde_json::from_slice(&output.stdout).map_err(|error| format!("rnn-train list: {error}"))?;
    let names: Vec<String> = listed.into_iter().map(|listed| listed.name).collect();
    if let Some(unknown) = only.iter().find(|name| !names.contains(name)) {
        return Err(format!("--only: no experiment `{unknown}`; there are {}", names.join(", ")));
    }
    Ok(names.into_iter().filter(|name| only.is_empty() || only.contains(name)).collect())
}

fn train(args: &Args, binary: &Path, folder: &Path, name: &str, seed: Option<u64>, data: Option<&Path>) -> Result<Outcome> {
    let mut command = Command::new(binary);
    command.args(["train", name, "--fresh", "--progress", "plain", "--backend", &args.backend]).arg("--artifacts").arg(folder);
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
    // The run's own results are gathered in the table; its progress stays visible on stderr.
    command.stdout(std::process::Stdio::null());
    run_command(command)?;
    let seconds = started.elapsed().as_secs_f64();

    let folder = folder.join(name);
    let (config, evaluation) = (json(&folder.join("config.json"))?, json(&folder.join("evaluation.json"))?);
    let metrics = fs::read_to_string(folder.join("metrics.csv")).map_err(|error| format!("metrics.csv: {error}"))?;
    let last = metrics.lines().last().unwrap_or_default();
    Ok(Outcome {
        experiment: name.to_owned(),
        seed: config["options"]["seed"].as_u64().unwrap_or_default(),
        parameters: config["parameters"].as_u64().unwrap_or_default(),
        epochs: metrics.lines().count() - 1,
        seconds,
        final_loss: last.split(',').nth(1).and_then(|loss| loss.parse().ok()).unwrap_or(f64::NAN),
        best_epoch: evaluation["best_epoch"].as_u64().unwrap_or_default(),
        accuracy: evaluation["accuracy"].as_f64(),
        mse: evaluation["mse"].as_f64(),
        rmse: evaluation["rmse"].as_f64(),
        mae: evaluation["mae"].as_f64(),
        naive_rmse: evaluation["baselines"][0]["rmse"].as_f64(),
        naive_mae: evaluation["baselines"][0]["mae"].as_f64(),
        backend: config["backend"].as_str().unwrap_or("?").to_owned(),
        data: config["source"]["file"].as_str().map(str::to_owned),
        synthetic: config["source"]["synthetic"].as_bool().unwrap_or_default(),
    })
}

fn summarise(args: &Args, outcomes: Vec<Outcome>) -> Summary {
    let synthetic = outcomes.iter().any(|outcome| outcome.synthetic);
    Summary {
        data: outcomes.iter().find_map(|outcome| outcome.data.clone()),
        synthetic,
        backend: outcomes.first().map(|outcome| outcome.backend.clone()).unwrap_or_default(),
        is_course: args.epochs.is_none() && !synthetic,
        outcomes,
    }
}

fn table(summary: &Summary) -> String {
    let synthetic = if summary.synthetic { " (**synthetic** data)" } else { "" };
    let prices = summary.data.as_ref().map_or_else(String::new, |file| format!(", prices from `{file}`{synthetic}"));
    let mut text = format!("Backend {}{prices}. Scores are of the best checkpoint.\n\n", summary.backend);
    text += "| experiment | seed | parameters | epochs | seconds | final loss | best epoch | accuracy | MSE | RMSE | MAE | course |\n";
    text += "|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---|\n";
    let number = |value: Option<f64>, digits: usize| value.map_or_else(String::new, |value| format!("{value:.digits$}"));
    for outcome in &summary.outcomes {
        let course = COURSE.iter().find(|(name, _)| summary.is_course && *name == outcome.experiment).map_or("", |(_, figures)| figures);
        text += &format!(
            "| {} | {} | {} | {} | {:.1} | {:.3e} | {} | {} | {} | {} | {} | {course} |\n",
            outcome.experiment,
            outcome.seed,
            outcome.parameters,
            outcome.epochs,
            outcome.seconds,
            outcome.final_loss,
            outcome.best_epoch,
            number(outcome.accuracy, 3),
            number(outcome.mse, 3),
            number(outcome.rmse, 3),
            number(outcome.mae, 3),
        );
    }
    text + &medians(&summary.outcomes) + &naive(&summary.outcomes)
}

/// Median scores of each experiment that ran with several seeds.
fn medians(outcomes: &[Outcome]) -> String {
    let mut names: Vec<&str> = outcomes.iter().map(|outcome| outcome.experiment.as_str()).collect();
    names.dedup();
    let mut text = String::new();
    for name in names {
        let of_name: Vec<&Outcome> = outcomes.iter().filter(|outcome| outcome.experiment == name).collect();
        let median = |value: fn(&Outcome) -> Option<f64>| {
            let mut values: Vec<f64> = of_name.iter().filter_map(|outcome| value(outcome)).collect();
            values.sort_by(f64::total_cmp);
            let middle = values.len() / 2;
            if values.len().is_multiple_of(2) { (values[middle - 1] + values[middle]) / 2.0 } else { values[middle] }
        };
        if of_name.len() < 2 {
            continue;
        }
        text += &if of_name[0].rmse.is_some() {
            let (rmse, mae) = (median(|outcome| outcome.rmse), median(|outcome| outcome.mae));
            format!("\n- {name}: median of {} seeds RMSE {rmse:.3}, MAE {mae:.3}", of_name.len())
        } else {
            let perfect = of_name.iter().filter(|outcome| outcome.accuracy == Some(1.0)).count();
            format!("\n- {name}: accuracy 1.0 with {perfect} of {} seeds", of_name.len())
        };
    }
    if text.is_empty() { text } else { text + "\n" }
}

fn naive(outcomes: &[Outcome]) -> String {
    match outcomes.iter().find_map(|outcome| outcome.naive_rmse.zip(outcome.naive_mae)) {
        Some((rmse, mae)) => format!("\nPredicting every value by the value before: RMSE {rmse:.3}, MAE {mae:.3}.\n"),
        None => String::new(),
    }
}

fn json(path: &Path) -> Result<Value> {
    let text = fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
    serde_json::from_str(&text).map_err(|error| format!("{}: {error}", path.display()))
}

fn write(folder: &Path, name: &str, text: &str) -> Result<()> {
    let (path, temporary) = (folder.join(name), folder.join(format!(".{name}.tmp")));
    fs::write(&temporary, text).and_then(|()| fs::rename(&temporary, &path)).map_err(|error| format!("{}: {error}", path.display()))
}

fn absolute(path: &Path) -> Result<PathBuf> {
    path.canonicalize().map_err(|error| format!("{}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(experiment: &str, seed: u64, rmse: Option<f64>, accuracy: Option<f64>) -> Outcome {
        Outcome {
            experiment: experiment.to_owned(),
            seed,
            parameters: 47,
            epochs: 100,
            seconds: 1.0,
            final_loss: 0.5,
            best_epoch: 99,
            accuracy,
            mse: rmse.map(|rmse| rmse * rmse),
            rmse,
            mae: rmse,
            naive_rmse: rmse.map(|_| 19.618),
            naive_mae: rmse.map(|_| 14.711),
            backend: "ndarray".to_owned(),
            data: rmse.map(|_| "bars.csv".to_owned()),
            synthetic: false,
        }
    }

    fn summary(is_course: bool, synthetic: bool) -> Summary {
        let letters = [1, 2].map(|seed| outcome("letters-onehot-1", seed, None, Some(if seed == 1 { 1.0 } else { 0.8 })));
        let stock = [30.0, 50.0, 40.0].into_iter().enumerate().map(|(seed, rmse)| outcome("stock-rnn", seed as u64, Some(rmse), None));
        let outcomes = letters.into_iter().chain(stock).collect();
        Summary { data: Some("bars.csv".to_owned()), synthetic, backend: "ndarray".to_owned(), is_course, outcomes }
    }

    #[test]
    fn the_table_has_a_row_a_run_and_medians_over_seeds() {
        let text = table(&summary(true, false));
        assert_eq!(text.lines().filter(|line| line.starts_with("| letters") || line.starts_with("| stock")).count(), 5);
        assert!(text.contains("stock-rnn: median of 3 seeds RMSE 40.000, MAE 40.000"), "{text}");
        assert!(text.contains("letters-onehot-1: accuracy 1.0 with 1 of 2 seeds"), "{text}");
        assert!(text.contains("MSE 1652.593, RMSE 40.652") && text.contains("RMSE 19.618, MAE 14.711"), "{text}");
    }

    #[test]
    fn synthetic_prices_are_named_and_the_course_does_not_stand_beside_them() {
        let text = table(&summary(false, true));
        assert!(text.contains("prices from `bars.csv` (**synthetic** data)") && !text.contains("1652.593"), "{text}");
    }
}
