//! Makes the tables of whole processes, from start to end: with imports, reading data, evaluation
//! and writing files.

use std::process::Command;

use super::{
    criterion,
    program::{Program, Setup},
    turns::Turns,
};
use crate::{
    process,
    shell::{Result, json, root},
    table::{Spread, count, markdown, mebibytes, number, ratio},
};

const FOLDS: usize = 5;
const SPACE: &str = "assets/stock-gap-space.toml";

/// Whole trainings of our program and of other frameworks.
pub(super) fn whole(setup: &Setup) -> Result<String> {
    let epochs = if setup.quick { 3 } else { 50 };
    let mut programs = setup.programs()[..1].to_vec();
    programs.extend(setup.frameworks.iter().cloned());
    let names = programs.iter().map(|program| vec![program.name()]).collect::<Vec<_>>();
    let (table, warning) =
        in_turn(setup, "turns of whole processes", &["program"], &names, |index| {
            programs[index].train(setup, "lstm", epochs)
        })?;
    Ok(format!(
        "## Whole processes\n\n{table}\nstock-lstm, {}, median of {} in turn, start-up, evaluation \
         and files included.\n{warning}",
        count(epochs, "epoch"),
        count(setup.rounds, "run"),
    ))
}

/// A backtest of stock-lstm.
pub(super) fn backtest(setup: &Setup) -> Result<String> {
    let epochs = setup.epochs.to_string();
    several(
        setup,
        "Backtest",
        &["backtest", "stock-lstm", "--folds", &FOLDS.to_string(), "--epochs", &epochs],
    )
}

/// A search of stock-gap over the README's search space.
pub(super) fn search(setup: &Setup) -> Result<String> {
    let (epochs, trials) = (setup.epochs.to_string(), if setup.quick { "3" } else { "12" });
    let args = [
        "search",
        "stock-gap",
        "--space",
        SPACE,
        "--trials",
        trials,
        "--fresh",
        "--patience",
        "0",
        "--epochs",
        &epochs,
    ];
    several(setup, "Search", &args)
}

/// A command with several trainings: one after another, and as many in parallel as there are CPUs.
fn several(setup: &Setup, title: &'static str, args: &[&str]) -> Result<String> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    // (name, parallel trainings, threads of each)
    let ways = [
        ("in parallel, one thread each", cores, 1),
        ("one after another, all threads", 1, cores),
        ("one after another, one thread", 1, 1),
    ];
    let names = ways
        .map(|(name, jobs, threads)| vec![name.to_owned(), jobs.to_string(), threads.to_string()]);
    let (table, warning) =
        in_turn(setup, title, &["trainings", "jobs", "threads per job"], &names, |index| {
            let mut command = setup.rnn_train(args);
            command.args([
                "--progress",
                "none",
                "--backend",
                "ndarray",
                "--jobs",
                &names[index][1],
                "--threads",
                &names[index][2],
            ]);
            command.arg("--artifacts").arg(setup.scratch.join(args[0])).current_dir(root());
            Ok(command)
        })?;
    Ok(format!(
        "## {title}\n\n{table}\n`{}`, median of {} in turn.\n{warning}",
        args.join(" "),
        count(setup.rounds, "run")
    ))
}

/// Runs the commands in turn. Returns their table, whose first columns are given, and a warning to
/// print under it.
fn in_turn(
    setup: &Setup,
    what: &'static str,
    columns: &[&str],
    names: &[Vec<String>],
    command: impl Fn(usize) -> Result<Command>,
) -> Result<(String, String)> {
    let mut turns = Turns::new(what, setup.rounds * names.len());
    let first: Vec<String> = names.iter().map(|name| name[0].clone()).collect();
    let measured = turns.rounds(setup.rounds, &first, |index| {
        let finished = process::run(command(index)?)?;
        Ok((vec![finished.seconds], finished))
    })?;
    let spreads: Vec<Option<Spread>> =
        measured.iter().map(|one| Spread::of(one.seconds.iter().copied())).collect();
    let ours = spreads[0].map(|spread| spread.median);
    let rows = names.iter().zip(&spreads).zip(&measured).filter_map(|((name, spread), one)| {
        let figures = [
            number(spread.as_ref()?.median),
            spread.as_ref()?.range(),
            ratio(spread.as_ref()?.median, ours),
            mebibytes(one.peak),
        ];
        Some(name.iter().cloned().chain(figures).collect())
    });
    let columns = [columns, &["s", "range", "to the first", "peak memory"]].concat();
    Ok((markdown(&columns, 1, &rows.collect::<Vec<_>>()), turns.warning()))
}

/// Five thousand synthetic series: Criterion's bench and a training.
pub(super) fn panel(setup: &Setup) -> Result<String> {
    let (series, rows) = if setup.quick { ("100", "500") } else { ("5000", "2500") };
    let folder = setup.scratch.join("panel");
    let mut turns = Turns::new("turns of panels", 3);
    let mut text = String::new();
    for features in ["open", "six features"] {
        let variables = [
            ("PANEL_FOLDER", &*folder.to_string_lossy()),
            ("PANEL_SERIES", series),
            ("PANEL_ROWS", rows),
            ("RAYON_NUM_THREADS", "1"),
        ];
        let finished = turns.take(features, || {
            criterion::run(setup, "panel", &format!("^panel, {features}/"), variables)
        })?;
        finished.lines.iter().for_each(|(_, line)| text += &format!("{line}\n"));
        text += &format!("peak memory {}\n", mebibytes(finished.peak));
    }
    // The panel replaces the price file.
    let panel =
        Setup { data: Some(folder.clone()), scratch: setup.scratch.clone(), ..Setup::default() };
    let mut command = Program::Ours("ndarray".to_owned()).train(&panel, "gap", 2)?;
    command.args(["--samples", "50000", "--valid", "0.05", "--test", "0.05"]);
    let finished = turns.take("training", || process::run(command))?;
    let scores = json(&setup.scratch.join("stock-gap/evaluation.json"))?;
    fs_err::remove_dir_all(&folder)?;
    Ok(format!(
        "## Panel\n\n```\n{text}```\n\n{series} **synthetic** series of {rows} rows; windows of \
         the training set in random order, in batches of 256, on one thread.\n\n`train stock-gap \
         --samples 50000 --epochs 2` on them, {} test windows scored: {} s, peak memory {}.\n{}",
        scores["windows"],
        number(finished.seconds),
        mebibytes(finished.peak),
        turns.warning()
    ))
}
