//! The tables of what surrounds models of series: folds of a backtest at once, and windows of thousands of series.

use std::{fs, process::Command};

use serde_json::Value;

use super::{
    Effort, child,
    program::Setup,
    spread::{Spread, count, mebibytes, number, ratio},
    table::markdown,
    turns::Turns,
};
use crate::shell::{Result, root};

const FOLDS: usize = 5;

/// A backtest of stock-lstm.
pub(super) fn backtest(setup: &Setup, effort: &Effort) -> Result<String> {
    let epochs = effort.epochs.to_string();
    at_once(setup, effort, "Backtest", &["backtest", "stock-lstm", "--folds", &FOLDS.to_string(), "--epochs", &epochs])
}

/// A search of stock-gap over the README's space.
pub(super) fn search(setup: &Setup, effort: &Effort) -> Result<String> {
    let (space, epochs) = (root().join(SPACE), effort.epochs.to_string());
    let space = space.to_str().ok_or("the path of the workspace is no UTF-8 text")?;
    let trials = if effort.quick { "3" } else { "12" };
    let args = ["search", "stock-gap", "--space", space, "--trials", trials, "--fresh", "--patience", "0", "--epochs", &epochs];
    at_once(setup, effort, "Search", &args)
}

const SPACE: &str = "assets/stock-gap-space.toml";

/// A command of several trainings, with one after another and with as many at once as there are processors, in turn.
fn at_once(setup: &Setup, effort: &Effort, title: &'static str, args: &[&str]) -> Result<String> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    // (name, trainings at once, threads of each)
    let ways =
        [("at once, a thread each", cores, 1), ("one after another, all threads", 1, cores), ("one after another, one thread", 1, 1)];
    let order: Vec<usize> = (0..effort.rounds).flat_map(|_| 0..ways.len()).collect();
    let mut turns = Turns::new(title, order.iter().map(|&index| ways[index].0.to_owned()).collect());
    let mut seconds = vec![Vec::new(); ways.len()];
    for index in order {
        let (_, jobs, threads) = ways[index];
        let mut command = Command::new(setup.program("rnn-train"));
        command.args(args).args(["--progress", "none", "--backend", "ndarray"]);
        command.args(["--jobs", &jobs.to_string(), "--threads", &threads.to_string()]).arg("--artifacts").arg(setup.scratch.join(args[0]));
        if let Some(data) = &setup.data {
            command.arg("--data").arg(data);
        }
        seconds[index].push(turns.take(|| child::run(command))?.seconds);
    }
    let spreads: Vec<Spread> = seconds.iter().filter_map(|seconds| Spread::of(seconds)).collect();
    let ours = spreads.first().map(|spread| spread.median);
    let row = |((name, jobs, threads), spread): (&(&str, usize, usize), &Spread)| {
        vec![(*name).to_owned(), jobs.to_string(), threads.to_string(), number(spread.median), spread.range(), ratio(spread.median, ours)]
    };
    let rows: Vec<Vec<String>> = ways.iter().zip(&spreads).map(row).collect();
    // Where the space lies is of no interest.
    let shown = args.join(" ").replace(&root().join(SPACE).display().to_string(), SPACE);
    Ok(format!(
        "## {title}\n\n{}\n`{shown}`, median of {} in turn.\n{}",
        markdown(&["trainings", "jobs", "threads a job", "s", "range", "to the first"], 1, &rows),
        count(effort.rounds, "run"),
        turns.warning()
    ))
}

/// Five thousand synthetic series: reading them, cutting their windows, training on them.
pub(super) fn panel(setup: &Setup, effort: &Effort) -> Result<String> {
    let (series, rows) = if effort.quick { (100, 500) } else { (5000, 2500) };
    let folder = setup.scratch.join("panel");
    let program = || Command::new(setup.program("panel"));
    let mut write = program();
    write.arg("write").arg(&folder).args(["--series", &series.to_string(), "--rows", &rows.to_string()]);
    child::run(write)?;
    let mut lines = Vec::new();
    for (what, features) in [("open", "open"), ("six features", "open,high,low,close,volume,gap")] {
        for windows in [100_000, 2_000_000] {
            let mut cut = program();
            cut.arg("cut").arg(&folder).args(["--features", features, "--windows", &windows.to_string()]);
            cut.env("RAYON_NUM_THREADS", "1");
            let finished = child::run(cut)?;
            let said = finished.lines().pop().ok_or("panel said nothing")?;
            let field = |name: &str| said[name].as_f64().unwrap_or(f64::NAN);
            let grown = (field("resident_after") - field("resident_before")) / (1 << 20) as f64;
            lines.push(vec![
                format!("{what}, {:.0} windows of 60 rows", field("cut")),
                format!("{:.2}", field("windows_a_second") / 1e6),
                format!("{grown:.0} MiB"),
                mebibytes(finished.peak),
                format!("{:.0} s, {:.2}", field("read_seconds"), field("rows_a_second") / 1e6),
            ]);
        }
    }
    let training = train(setup, &folder)?;
    fs::remove_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    Ok(format!(
        "## Panel\n\n{}\n{series} **synthetic** series of {rows} rows; windows of the training part in random order, in batches of 256, on one \
         thread.\n\n{training}\n",
        markdown(&["", "million windows a second", "memory grew by", "peak", "reading: seconds, million rows a second"], 1, &lines)
    ))
}

fn train(setup: &Setup, folder: &std::path::Path) -> Result<String> {
    let mut command = Command::new(setup.program("rnn-train"));
    command.args(["train", "stock-gap", "--fresh", "--progress", "none", "--backend", "ndarray", "--epochs", "2", "--samples", "50000"]);
    command.args(["--valid", "0.05", "--test", "0.05"]).arg("--data").arg(folder).arg("--artifacts").arg(setup.scratch.join("artifacts"));
    let finished = child::run(command)?;
    let evaluation = setup.scratch.join("artifacts/stock-gap/evaluation.json");
    let text = fs::read_to_string(&evaluation).map_err(|error| format!("{}: {error}", evaluation.display()))?;
    let scores: Value = serde_json::from_str(&text).map_err(|error| error.to_string())?;
    Ok(format!(
        "`train stock-gap --samples 50000 --epochs 2` on them, {} test windows scored: {} s, peak memory {}.",
        scores["windows"],
        number(finished.seconds),
        mebibytes(finished.peak)
    ))
}
