//! `--fresh` destroys no run before the new one is finished or better.

use std::{
    fs,
    path::PathBuf,
    process::{Command, Stdio},
    thread,
    time::Duration,
};

use crate::{
    support::{Finished, Scratch, bars, copied, quick},
    survival::{Run, limited, same},
};

const EXPERIMENT: &str = "letters-onehot-1";

fn run(scratch: &Scratch, folder: &str, options: &[&str]) -> Run {
    Run {
        program: PathBuf::from(env!("CARGO_BIN_EXE_rnn-train")),
        folder: scratch.path(folder),
        experiment: EXPERIMENT,
        options: options.iter().map(|option| (*option).to_owned()).collect(),
    }
}

/// The largest file that a limited run may write, in blocks of 512 bytes. The first checkpoint is
/// smaller, and the metrics of 600 epochs are larger.
const BLOCKS: u64 = 40;

#[test]
fn a_failed_fresh_run_gives_way_to_the_finished_run() {
    let scratch = Scratch::new();
    let before = run(&scratch, "run", &["--epochs", "300", "--seed", "4"]);
    before.train(&[]).unwrap();
    copied(&before.results(), &scratch.path("kept"));
    let fails = run(&scratch, "run", &["--epochs", "600", "--learning-rate", "1e-9"]);
    let ended = limited(&fails, BLOCKS, &["--fresh"]).unwrap();
    assert_eq!(ended.code, Some(1), "{}", ended.stderr);
    let message = "the run failed; the previous run is restored";
    assert!(ended.stderr.contains(message), "{}", ended.stderr);
    same(&scratch.path("kept"), &before.results()).unwrap();
    assert!(before.evaluate().unwrap());
    // Not finite: the same.
    let explodes = run(&scratch, "run", &["--epochs", "50", "--learning-rate", "1e38"]);
    let ended = explodes.end(explodes.start(&["--fresh"]).unwrap()).unwrap();
    assert!(ended.code == Some(1) && ended.stderr.contains(message), "{}", ended.stderr);
    same(&scratch.path("kept"), &before.results()).unwrap();
}

#[test]
fn a_failed_fresh_run_with_a_lower_loss_has_the_better_claim() {
    let scratch = Scratch::new();
    run(&scratch, "run", &["--epochs", "1", "--learning-rate", "1e-9"]).train(&[]).unwrap();
    let better = run(&scratch, "run", &["--epochs", "600", "--learning-rate", "0.01"]);
    let ended = limited(&better, BLOCKS, &["--fresh"]).unwrap();
    assert_eq!(ended.code, Some(1), "{}", ended.stderr);
    assert!(ended.stderr.contains("replaces the previous run, since its loss is lower"));
    assert!(!better.results().join(".before").exists());
    // It resumes without the limit.
    better.train(&[]).unwrap();
    assert!(better.stderr().contains("resuming the interrupted run"), "{}", better.stderr());
}

#[test]
fn a_killed_fresh_run_is_resumed_and_meanwhile_the_finished_run_is_read() {
    let scratch = Scratch::new();
    let before = run(&scratch, "run", &["--epochs", "300", "--seed", "4"]);
    before.train(&[]).unwrap();
    copied(&before.results(), &scratch.path("kept"));
    let options = ["--epochs", "3000", "--seed", "5"];
    let whole = run(&scratch, "whole", &options);
    whole.train(&[]).unwrap();
    let fresh = run(&scratch, "run", &options);
    let kill_after_its_first_checkpoint = || {
        let mut child = fresh.start(&["--fresh"]).unwrap();
        let [backup, manifest] = [".before/config.json", "checkpoint/manifest.json"]
            .map(|name| fresh.results().join(name));
        while !(backup.exists() && manifest.exists()) {
            assert!(child.try_wait().unwrap().is_none(), "it was to be killed: {}", fresh.stderr());
            thread::sleep(Duration::from_millis(1));
        }
        child.kill().unwrap();
        child.wait().unwrap();
    };
    for _ in 0..2 {
        // The second one finds an unfinished run and the backup.
        kill_after_its_first_checkpoint();
        assert!(before.evaluate().unwrap());
        assert!(before.stderr().contains("reading the previous run"), "{}", before.stderr());
        same(&scratch.path("kept"), &before.results().join(".before")).unwrap();
    }
    // A failure of the third start restores the run, too.
    copied(&scratch.path("run"), &scratch.path("fails"));
    let fails = run(&scratch, "fails", &["--epochs", "600", "--learning-rate", "1e-9"]);
    limited(&fails, BLOCKS, &["--fresh"]).unwrap();
    fs::remove_file(fails.results().join(".train.lock")).unwrap();
    same(&scratch.path("kept"), &fails.results()).unwrap();
    fresh.train(&[]).unwrap();
    assert!(fresh.stderr().contains("resuming the interrupted run"), "{}", fresh.stderr());
    same(&whole.results(), &fresh.results()).unwrap();
}

/// Runs a command with a limit on the size of files, in blocks of 512 bytes.
fn limited_command(scratch: &Scratch, blocks: u64, args: &[&str]) -> Finished {
    let mut command = Command::new("sh");
    command.args(["-c", &format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$@\""), "sh"]);
    command.arg(env!("CARGO_BIN_EXE_rnn-train")).args(args).current_dir(scratch.path("."));
    scratch.finish(command, "")
}

#[test]
fn a_failed_fresh_search_gives_way_to_the_previous_search() {
    let scratch = Scratch::new();
    scratch.file("bars.csv", bars(200));
    scratch.file("space.toml", "learning_rate = [0.001, 0.1]\n");
    let search = quick(
        &["search", "series", "--method", "grid"],
        &["--space", "space.toml", "--data", "bars.csv", "--epochs", "1"],
    );
    scratch.ok(&search);
    copied(&scratch.artifact("series", "search"), &scratch.path("kept"));
    let fresh = [&search[..], &["--fresh"]].concat();
    let failed = limited_command(&scratch, 1, &fresh);
    assert!(failed.code == 1 && failed.stderr.contains("search is restored"), "{}", failed.stderr);
    same(&scratch.path("kept"), &scratch.artifact("series", "search")).unwrap();
    // A killed one is resumed, and the previous one kept until then.
    let many = [&fresh[..fresh.len()], &["--search-seed", "2"]].concat();
    let mut child = scratch.command(&many).stderr(Stdio::null()).spawn().unwrap();
    let label = scratch.artifact("series", "search/trial-001/trial.json");
    let backup = scratch.artifact("series", ".search.before");
    while !(backup.exists() && label.exists()) {
        thread::sleep(Duration::from_millis(1));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    same(&scratch.path("kept"), &backup).unwrap();
    scratch.ok(&[&search[..], &["--search-seed", "2"]].concat());
    assert!(!backup.exists() && scratch.artifact("series", "search/test.json").exists());
    // Killed after the move: the previous one is moved back.
    fs::rename(scratch.artifact("series", "search"), &backup).unwrap();
    let again = scratch.ok(&[&search[..], &["--search-seed", "2"]].concat());
    assert!(!again.stderr.contains("retraining") && !backup.exists(), "{}", again.stderr);
}

#[test]
fn failed_seeds_leave_the_previous_models() {
    let scratch = Scratch::new();
    scratch.file("bars.csv", bars(200));
    let few = ["--data", "bars.csv", "--epochs", "1", "--naive", "last-value"];
    scratch.ok(&quick(&["train", "series", "--seeds", "2"], &few));
    let forecast = ["forecast", "series", "--mean-of-seeds", "--json"];
    let before = scratch.json(&forecast);
    for seed in ["1", "50"] {
        let other = quick(&["train", "series", "--seeds", "2", "--cell", "gru"], &few);
        let failed = limited_command(&scratch, 1, &[&other[..], &["--seed", seed]].concat());
        assert_eq!(failed.code, 1, "{}", failed.stderr);
        assert_eq!(scratch.json(&forecast), before, "{seed}");
    }
    // Killed between the two renames.
    let [models, moved] = ["seeds", ".seeds.before"].map(|name| scratch.artifact("series", name));
    fs::rename(&models, &moved).unwrap();
    assert_eq!(scratch.json(&forecast), before);
    scratch.ok(&quick(&["train", "series", "--seeds", "2", "--seed", "7"], &few));
    assert!(!moved.exists() && models.join("7").exists() && !models.join("1").exists());
    assert_ne!(scratch.json(&forecast), before);
}

#[test]
fn a_run_is_read_while_its_files_are_moved() {
    let scratch = Scratch::new();
    scratch.ok(&["train", EXPERIMENT, "--epochs", "3", "--progress", "none"]);
    let evaluate = ["evaluate", EXPERIMENT, "--json"];
    let before = scratch.json(&evaluate);
    let folder = scratch.path("artifacts").join(EXPERIMENT);
    let run = folder.display().to_string();
    fs::create_dir(folder.join(".before")).unwrap();
    for name in ["checkpoint", "config.json", "metrics.csv", "loss.svg", "evaluation.json"] {
        fs::rename(folder.join(name), folder.join(".before").join(name)).unwrap();
        assert_eq!(scratch.json(&evaluate), before, "{name} is moved");
        scratch.ok(&["compare", EXPERIMENT, &run]);
    }
    scratch.ok(&["train", EXPERIMENT, "--epochs", "1", "--progress", "none"]);
    assert!(!folder.join(".before").exists());
}
