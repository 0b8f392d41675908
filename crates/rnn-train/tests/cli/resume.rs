//! Continued and resumed training.

use std::{
    fs,
    process::Stdio,
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;

use crate::support::{Scratch, bars, copied};

fn losses(scratch: &Scratch, experiment: &str, column: usize) -> Vec<f64> {
    let rows = scratch.read(experiment, "metrics.csv");
    rows.lines().skip(1).map(|line| line.split(',').nth(column).unwrap().parse().unwrap()).collect()
}

#[test]
fn a_second_run_continues_from_the_best_epoch_of_the_first() {
    let scratch = Scratch::new();
    scratch.ok(&["train", "letters-embedding-4", "--epochs", "20", "--progress", "none"]);
    let best =
        scratch.json(&["evaluate", "letters-embedding-4", "--json"])["loss"].as_f64().unwrap();
    // The steps are too small to change the weights. So the first loss of the second run is that
    // of its start.
    let args = [
        "train",
        "letters-embedding-4",
        "--epochs",
        "1",
        "--learning-rate",
        "1e-12",
        "--progress",
        "none",
    ];
    let finished = scratch.ok(&args);
    assert!(finished.stderr.contains("continuing from epoch 20"), "{}", finished.stderr);
    let all = losses(&scratch, "letters-embedding-4", 1);
    assert_eq!(all.len(), 21, "epochs of both runs are kept");
    assert!((all[20] - best).abs() < 1e-5, "{} {best}", all[20]);
}

#[test]
fn a_continued_stock_run_keeps_its_data_and_the_better_checkpoint() {
    let scratch = Scratch::new();
    let data = scratch.prices("prices.csv", 520);
    scratch.ok(&["train", "stock-rnn", "--epochs", "3", "--data", &data, "--progress", "none"]);
    let first = losses(&scratch, "stock-rnn", 2);
    let best = first.iter().copied().fold(f64::INFINITY, f64::min);
    let finished = scratch.ok(&[
        "train",
        "stock-rnn",
        "--epochs",
        "1",
        "--learning-rate",
        "1e-12",
        "--progress",
        "none",
    ]);
    assert!(finished.stderr.contains("prices.csv, as in the previous run"), "{}", finished.stderr);
    let all = losses(&scratch, "stock-rnn", 2);
    assert_eq!(all.len(), 4);
    assert!((all[3] - best).abs() < 1e-6 * best.max(1.0), "starts from the best weights: {all:?}");

    // A diverging epoch does not replace the best one.
    scratch.ok(&[
        "train",
        "stock-rnn",
        "--epochs",
        "1",
        "--learning-rate",
        "0.5",
        "--progress",
        "none",
    ]);
    let after = scratch.json(&["evaluate", "stock-rnn", "--json"]);
    let best_epoch = after["best_epoch"].as_u64().unwrap();
    assert!(best_epoch <= 4, "{after}");

    // The next run starts from the best weights, not from the last.
    let finished = scratch.ok(&[
        "train",
        "stock-rnn",
        "--epochs",
        "1",
        "--learning-rate",
        "1e-12",
        "--progress",
        "none",
    ]);
    assert!(
        finished.stderr.contains(&format!("continuing from epoch {best_epoch}, ")),
        "{}",
        finished.stderr
    );
    let all = losses(&scratch, "stock-rnn", 2);
    assert!(
        all[4] > 2.0 * best && (all[5] - best).abs() < 1e-6 * best.max(1.0),
        "epoch 5 was wild, epoch 6 starts from the best: {all:?}"
    );
}

#[test]
fn different_data_restarts_the_comparison_and_a_failure_on_it_changes_nothing() {
    let scratch = Scratch::new();
    let (a, b) = (scratch.prices("a.csv", 420), scratch.prices("b.csv", 500));
    scratch.ok(&["train", "stock-rnn", "--epochs", "1", "--data", &a, "--progress", "none"]);
    let before = scratch.json(&["evaluate", "stock-rnn", "--json"]);
    let failed = scratch.run(&[
        "train",
        "stock-rnn",
        "--epochs",
        "1",
        "--data",
        &b,
        "--learning-rate",
        "1e38",
        "--progress",
        "none",
    ]);
    assert_eq!(failed.code, 1, "{}", failed.stderr);
    assert_eq!(
        scratch.json(&["evaluate", "stock-rnn", "--json"]),
        before,
        "the model is still one of a.csv"
    );
    let finished =
        scratch.ok(&["train", "stock-rnn", "--epochs", "1", "--data", &b, "--progress", "none"]);
    assert!(
        finished.stderr.contains("the data has changed, so earlier losses are ignored"),
        "{}",
        finished.stderr
    );
    assert_eq!(scratch.json(&["evaluate", "stock-rnn", "--json"])["data"]["file"], "b.csv");
}

#[test]
fn fresh_starts_over() {
    let scratch = Scratch::new();
    scratch.ok(&["train", "letters-onehot-1", "--epochs", "5", "--progress", "none"]);
    let first = scratch.read("letters-onehot-1", "weights.txt");
    let finished = scratch.ok(&[
        "train",
        "letters-onehot-1",
        "--epochs",
        "5",
        "--fresh",
        "--progress",
        "none",
    ]);
    assert!(!finished.stderr.contains("continuing from"), "{}", finished.stderr);
    assert_eq!(losses(&scratch, "letters-onehot-1", 1).len(), 5);
    assert_eq!(scratch.read("letters-onehot-1", "weights.txt"), first);
}

#[test]
fn only_one_training_uses_a_folder_at_a_time() {
    let scratch = Scratch::new();
    let long = ["train", "letters-onehot-1", "--epochs", "1000000", "--progress", "none"];
    let mut first =
        scratch.command(&long).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
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
        assert!(
            refused
                .stderr
                .contains(&format!("letters-onehot-1 is in use by process {id}, since 2")),
            "{}",
            refused.stderr
        );
    }
    scratch.ok(&["train", "letters-onehot-1", "--epochs", "1", "--progress", "none"]);
}

/// Asserts that two runs left the same files, except for the durations of epochs.
pub(crate) fn same(scratch: &Scratch, roots: [&str; 2], experiment: &str) {
    let [one, other] = roots.map(|root| left(scratch, root, experiment));
    for (name, (one, other)) in LEFT.iter().zip(one.iter().zip(&other)) {
        let differs = one.lines().zip(other.lines()).find(|(one, other)| one != other);
        assert!(
            one == other,
            "{name} of {roots:?}: {differs:?}, {} and {} lines",
            one.lines().count(),
            other.lines().count()
        );
    }
}

const LEFT: [&str; 4] =
    ["weights.txt", "metrics.csv", "evaluation.json", "checkpoint/manifest.json"];

fn left(scratch: &Scratch, root: &str, experiment: &str) -> [String; 4] {
    let read =
        |name: &str| fs::read_to_string(scratch.path(root).join(experiment).join(name)).unwrap();
    let metrics = read("metrics.csv")
        .lines()
        .map(|line| line.rsplitn(3, ',').nth(2).unwrap().to_owned() + "\n")
        .collect();
    // Burn draws new parameter names for its files in each process.
    let manifest: Value = serde_json::from_str(&read("checkpoint/manifest.json")).unwrap();
    let named = ["epoch", "loss", "data", "scalers"].map(|name| manifest["best"][name].to_string());
    [
        read("weights.txt"),
        metrics,
        read("evaluation.json"),
        named.concat() + &manifest["last"].to_string(),
    ]
}

/// Kills a training several times at pseudorandom moments, resumes it each time, and finally lets
/// it finish. Returns how often it resumed.
fn killed(scratch: &Scratch, root: &str, args: &[&str], times: u64) -> usize {
    let args = [args, &["--artifacts", root]].concat();
    let mut resumed = 0;
    for kill in 0..=times {
        let errors = scratch.path("errors.txt");
        let mut command = scratch.command(&args);
        let mut child = command
            .stdout(Stdio::null())
            .stderr(fs::File::create(&errors).unwrap())
            .spawn()
            .unwrap();
        if kill < times {
            thread::sleep(Duration::from_millis(500 + (kill * 7919) % 900));
            if child.try_wait().unwrap().is_some() {
                // On a fast machine, it may finish before the last kill.
                assert!(kill > 0, "{}", fs::read_to_string(&errors).unwrap());
                break;
            }
            child.kill().unwrap();
            child.wait().unwrap();
            // No file is incomplete: a checkpoint can be evaluated.
            let evaluated = scratch.run(&["evaluate", args[1], "--artifacts", root]);
            assert!(
                evaluated.code == 0 || evaluated.stderr.contains("not trained yet"),
                "{}",
                evaluated.stderr
            );
        } else {
            assert!(child.wait().unwrap().success(), "{}", fs::read_to_string(&errors).unwrap());
        }
        resumed += usize::from(
            fs::read_to_string(&errors)
                .unwrap()
                .contains("resuming the interrupted run after epoch "),
        );
    }
    resumed
}

#[test]
fn a_killed_letters_training_resumes_to_the_same_bytes() {
    let scratch = Scratch::new();
    let args = [
        "train",
        "letters-embedding-4",
        "--epochs",
        "6000",
        "--learning-rate",
        "0.0002",
        "--progress",
        "none",
    ];
    scratch.ok(&[&args[..], &["--artifacts", "whole"]].concat());
    assert!(killed(&scratch, "killed", &args, 4) > 0);
    same(&scratch, ["killed", "whole"], "letters-embedding-4");
    // A finished run continues from its best weights.
    let further =
        scratch.ok(&["train", "letters-embedding-4", "--epochs", "1", "--artifacts", "killed"]);
    assert!(further.stderr.contains("continuing from epoch "), "{}", further.stderr);
}

#[test]
fn a_killed_series_training_resumes_its_schedule_patience_and_optimizer() {
    let scratch = Scratch::new();
    let data = scratch.file("bars.csv", bars(1500));
    let settings = [
        "--units",
        "24",
        "--window",
        "20",
        "--batch-size",
        "16",
        "--dropout",
        "0.2",
        "--learning-rate",
        "0.01",
        "--seed",
        "3",
    ];
    let run = [
        "--epochs",
        "150",
        "--patience",
        "60",
        "--schedule",
        "plateau:2:0.7",
        "--warmup",
        "1.5",
        "--progress",
        "none",
    ];
    let args = [&["train", "series", "--data", &data][..], &settings, &run].concat();
    scratch.ok(&[&args[..], &["--artifacts", "whole"]].concat());
    assert!(killed(&scratch, "killed", &args, 4) > 0);
    same(&scratch, ["killed", "whole"], "series");
    // Resuming needs no flags: all settings of the interrupted run are kept.
    let mut child = scratch
        .command(&[&args[..], &["--artifacts", "plain"]].concat())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let manifest = scratch.path("plain/series/checkpoint/manifest.json");
    let started = Instant::now();
    while !manifest.exists() && started.elapsed() < Duration::from_secs(60) {
        thread::sleep(Duration::from_millis(2));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    // Different settings start a new run, with a note.
    copied(&scratch.path("plain"), &scratch.path("other"));
    let other = scratch.ok(&[
        "train",
        "series",
        "--epochs",
        "1",
        "--schedule",
        "constant",
        "--warmup",
        "0",
        "--artifacts",
        "other",
    ]);
    assert!(
        other
            .stderr
            .contains("the previous run was interrupted, but settings or data have changed")
            && other.stderr.contains("continuing from epoch "),
        "{}",
        other.stderr
    );
    let plain = scratch.ok(&["train", "series", "--artifacts", "plain"]);
    assert!(plain.stderr.contains("resuming the interrupted run after epoch "), "{}", plain.stderr);
    same(&scratch, ["plain", "whole"], "series");
}

#[test]
fn a_killed_training_with_known_values_resumes_to_the_same_bytes() {
    let scratch = Scratch::new();
    let data = scratch.file("bars.csv", bars(900));
    let args = [
        "train",
        "series",
        "--data",
        &data,
        "--target",
        "close",
        "--future",
        "volume",
        "--horizon",
        "3",
        "--units",
        "24",
        "--batch-size",
        "8",
        "--epochs",
        "60",
        "--patience",
        "60",
        "--dropout",
        "0.2",
        "--seed",
        "3",
        "--progress",
        "none",
    ];
    scratch.ok(&[&args[..], &["--artifacts", "whole"]].concat());
    let args = [&args[..], &["--artifacts", "killed"]].concat();
    let mut child =
        scratch.command(&args).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let manifest = scratch.path("killed/series/checkpoint/manifest.json");
    let started = Instant::now();
    while !manifest.exists() && started.elapsed() < Duration::from_secs(60) {
        thread::sleep(Duration::from_millis(2));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let resumed = scratch.ok(&args).stderr;
    assert!(resumed.contains("resuming the interrupted run after epoch "), "{resumed}");
    same(&scratch, ["killed", "whole"], "series");
    let fit = |root: &str| {
        let manifest =
            fs::read_to_string(scratch.path(root).join("series/checkpoint/manifest.json"));
        let manifest: Value = serde_json::from_str(&manifest.unwrap()).unwrap();
        manifest["best"]["scalers"].to_string()
    };
    assert!(fit("whole").contains("effects"), "{:.300}", fit("whole"));
    assert_eq!(fit("whole"), fit("killed"));
}
