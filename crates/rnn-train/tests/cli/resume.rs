//! Training further.

use std::{
    process::Stdio,
    thread,
    time::{Duration, Instant},
};

use crate::support::Scratch;

fn losses(scratch: &Scratch, experiment: &str, column: usize) -> Vec<f64> {
    let rows = scratch.read(experiment, "metrics.csv");
    rows.lines().skip(1).map(|line| line.split(',').nth(column).unwrap().parse().unwrap()).collect()
}

#[test]
fn a_second_run_goes_on_from_the_best_epoch_of_the_first() {
    let scratch = Scratch::new();
    scratch.ok(&["train", "letters-embedding-4", "--epochs", "20", "--progress", "none"]);
    let best = scratch.json(&["evaluate", "letters-embedding-4", "--json"])["loss"].as_f64().unwrap();
    // A step so small that it changes nothing: the first loss of the second run is the loss of where it starts.
    let args = ["train", "letters-embedding-4", "--epochs", "1", "--learning-rate", "1e-12", "--progress", "none"];
    let finished = scratch.ok(&args);
    assert!(finished.stderr.contains("going on from epoch 20"), "{}", finished.stderr);
    let all = losses(&scratch, "letters-embedding-4", 1);
    assert_eq!(all.len(), 21, "epochs of both runs are kept");
    assert!((all[20] - best).abs() < 1e-5, "{} {best}", all[20]);
}

#[test]
fn a_stock_run_goes_on_with_its_data_and_keeps_the_better_checkpoint() {
    let scratch = Scratch::new();
    let data = scratch.prices("prices.csv", 520);
    scratch.ok(&["train", "stock-rnn", "--epochs", "3", "--data", &data, "--progress", "none"]);
    let first = losses(&scratch, "stock-rnn", 2);
    let best = first.iter().copied().fold(f64::INFINITY, f64::min);
    let finished = scratch.ok(&["train", "stock-rnn", "--epochs", "1", "--learning-rate", "1e-12", "--progress", "none"]);
    assert!(finished.stderr.contains("prices.csv as before"), "{}", finished.stderr);
    let all = losses(&scratch, "stock-rnn", 2);
    assert_eq!(all.len(), 4);
    assert!((all[3] - best).abs() < 1e-6 * best.max(1.0), "starts from the best weights: {all:?}");

    // One wild epoch is worse and does not replace the best.
    scratch.ok(&["train", "stock-rnn", "--epochs", "1", "--learning-rate", "0.5", "--progress", "none"]);
    let after = scratch.json(&["evaluate", "stock-rnn", "--json"]);
    let best_epoch = after["best_epoch"].as_u64().unwrap();
    assert!(best_epoch <= 4, "{after}");

    // The next run starts from the best weights, not from the last.
    let finished = scratch.ok(&["train", "stock-rnn", "--epochs", "1", "--learning-rate", "1e-12", "--progress", "none"]);
    assert!(finished.stderr.contains(&format!("going on from epoch {best_epoch} ")), "{}", finished.stderr);
    let all = losses(&scratch, "stock-rnn", 2);
    assert!(all[4] > 2.0 * best && (all[5] - best).abs() < 1e-6 * best.max(1.0), "epoch 5 was wild, epoch 6 starts from the best: {all:?}");
}

#[test]
fn other_data_starts_the_comparison_anew_and_a_failure_on_it_changes_nothing() {
    let scratch = Scratch::new();
    let (a, b) = (scratch.prices("a.csv", 420), scratch.prices("b.csv", 500));
    scratch.ok(&["train", "stock-rnn", "--epochs", "1", "--data", &a, "--progress", "none"]);
    let before = scratch.json(&["evaluate", "stock-rnn", "--json"]);
    let failed = scratch.run(&["train", "stock-rnn", "--epochs", "1", "--data", &b, "--learning-rate", "1e38", "--progress", "none"]);
    assert_eq!(failed.code, 1, "{}", failed.stderr);
    assert_eq!(scratch.json(&["evaluate", "stock-rnn", "--json"]), before, "the model is still one of a.csv");
    let finished = scratch.ok(&["train", "stock-rnn", "--epochs", "1", "--data", &b, "--progress", "none"]);
    assert!(finished.stderr.contains("what counts as best starts anew"), "{}", finished.stderr);
    assert_eq!(scratch.json(&["evaluate", "stock-rnn", "--json"])["data"]["file"], "b.csv");
}

#[test]
fn fresh_starts_over() {
    let scratch = Scratch::new();
    scratch.ok(&["train", "letters-onehot-1", "--epochs", "5", "--progress", "none"]);
    let first = scratch.read("letters-onehot-1", "weights.txt");
    let finished = scratch.ok(&["train", "letters-onehot-1", "--epochs", "5", "--fresh", "--progress", "none"]);
    assert!(!finished.stderr.contains("going on"), "{}", finished.stderr);
    assert_eq!(losses(&scratch, "letters-onehot-1", 1).len(), 5);
    assert_eq!(scratch.read("letters-onehot-1", "weights.txt"), first);
}

#[test]
fn a_folder_is_one_trainings_until_it_ends_however_it_ends() {
    let scratch = Scratch::new();
    let long = ["train", "letters-onehot-1", "--epochs", "1000000", "--progress", "none"];
    let mut first = scratch.command(&long).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let metrics = scratch.artifact("letters-onehot-1", "metrics.csv");
    let started = Instant::now();
    while !metrics.exists() && started.elapsed() < Duration::from_secs(60) {
        thread::sleep(Duration::from_millis(5));
    }
    let second = scratch.run(&["train", "letters-onehot-1", "--epochs", "1"]);
    let fresh = scratch.run(&["train", "letters-onehot-1", "--epochs", "1", "--fresh"]);
    let id = first.id();
    first.kill().unwrap();
    first.wait().unwrap();
    for refused in [second, fresh] {
        assert_eq!(refused.code, 1, "{}", refused.stderr);
        assert!(refused.stderr.contains(&format!("letters-onehot-1 is in use by process {id}, since 2")), "{}", refused.stderr);
    }
    scratch.ok(&["train", "letters-onehot-1", "--epochs", "1", "--progress", "none"]);
}
