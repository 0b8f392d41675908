//! `--fresh` destroys no run before the new one is finished or better.

use std::{fs, path::PathBuf, thread, time::Duration};

use crate::{
    support::{Scratch, copied},
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
    assert!(!ended.stderr.contains("is restored"), "{}", ended.stderr);
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
