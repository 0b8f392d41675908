//! Kills at random moments; `cargo xtask soak` repeats them hundreds of times.

use std::path::PathBuf;

use crate::{
    support::{Scratch, bars},
    survival::{Killed, Random, Run, Subject, round},
};

fn run(scratch: &Scratch, folder: &str, experiment: &'static str, options: &[&str]) -> Run {
    let options = options.iter().map(|option| (*option).to_owned()).collect();
    Run {
        program: PathBuf::from(env!("CARGO_BIN_EXE_rnn-train")),
        folder: scratch.path(folder),
        experiment,
        options,
    }
}

/// Kills runs `kills` times in total, each from scratch or over a previous run, and lets each run
/// finish.
fn survives(
    scratch: &Scratch,
    experiment: &'static str,
    options: &[&str],
    before: Option<&[&str]>,
    kills: usize,
) {
    let whole = run(scratch, "whole", experiment, options);
    let life = whole.train(&[]).unwrap();
    let before = before.map(|options| run(scratch, "before", experiment, options));
    if let Some(before) = &before {
        before.train(&[]).unwrap();
    }
    let folders = before.as_ref().map(Run::results);
    let killed = whole.in_folder(scratch.path("killed"));
    let mut subject =
        Subject { run: &killed, whole: &whole.results(), life, before: folders.as_deref() };
    let (mut random, mut all) = (Random::new(7), Killed::default());
    while all.kills < kills {
        all += round(&mut subject, kills - all.kills, &mut random).unwrap();
    }
    assert!(all.resumed > 0 && all.ends > 0, "{life:?} undisturbed, {all:?}");
}

#[test]
fn letters_runs_killed_at_random_end_with_the_same_bytes() {
    let scratch = Scratch::new();
    let options = ["--epochs", "400", "--learning-rate", "0.001", "--seed", "7"];
    survives(&scratch, "letters-embedding-4", &options, None, 12);
}

#[test]
fn price_runs_killed_during_a_fresh_start_lose_no_run() {
    let scratch = Scratch::new();
    let data = scratch.path(&scratch.file("bars.csv", bars(700))).display().to_string();
    let settings = ["--units", "8,8", "--window", "20", "--data", &data];
    let options =
        [&settings[..], &["--epochs", "60", "--schedule", "cosine", "--seed", "5"]].concat();
    let before = [&settings[..], &["--epochs", "2", "--seed", "6"]].concat();
    survives(&scratch, "stock-gru", &options, Some(&before), 12);
}
