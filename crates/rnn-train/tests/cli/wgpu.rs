//! Training with wgpu: the same results as on the CPU, and a clear error if the GPU fails.

use crate::support::{Scratch, unfinished};

/// Largest relative difference of a loss from the CPU: sums of f32 in a different order. Measured
/// on lavapipe: 4e-6 (stock-rnn), 2e-7 (letters).
const LOSS: f64 = 1e-4;
/// Largest difference of a weight from the CPU. Adam divides a gradient by its size. So rounding of
/// a gradient near zero becomes a fraction of a step of 0.001. Measured on lavapipe: 4e-6
/// (stock-rnn), 2e-7 (letters).
const WEIGHT: f64 = 1e-4;

/// Trains on ndarray and on wgpu with the same seed, and compares the metrics of every epoch and
/// all weights.
fn agrees(args: &[&str]) {
    let experiment = args[0];
    let trained = |backend: &str| {
        let scratch = Scratch::new();
        let data = scratch.prices("prices.csv", 520);
        let mut all = vec!["train"];
        all.extend(args);
        all.extend(["--backend", backend, "--progress", "none"]);
        // The whole embedded sample, or less for slow experiments.
        if experiment == "stock-lstm" || experiment == "stock-gru" {
            all.extend(["--data", &data]);
        }
        scratch.ok(&all);
        let columns = |row: &str| {
            row.split(',').take(5).map(|value| value.parse().ok()).collect::<Vec<Option<f64>>>()
        };
        let epochs: Vec<_> =
            scratch.read(experiment, "metrics.csv").lines().skip(1).flat_map(columns).collect();
        let weights: Vec<Option<f64>> = scratch
            .read(experiment, "weights.txt")
            .split_whitespace()
            .map(|word| word.parse().ok())
            .collect();
        (epochs, weights)
    };
    let (cpu, gpu) = (trained("ndarray"), trained("wgpu"));
    let worst = |ours: &[Option<f64>], theirs: &[Option<f64>], relative: bool| {
        assert_eq!(ours.len(), theirs.len(), "{experiment}: not as many numbers");
        let error = |(ours, theirs): (&Option<f64>, &Option<f64>)| match (ours, theirs) {
            (Some(ours), Some(theirs)) => {
                (ours - theirs).abs() / if relative { theirs.abs().max(1e-9) } else { 1.0 }
            }
            (None, None) => 0.0,
            _ => f64::INFINITY,
        };
        assert!(theirs.iter().flatten().count() > 1, "{experiment}: hardly a number");
        // A NaN is larger than anything.
        ours.iter()
            .zip(theirs)
            .map(error)
            .fold(0.0, |worst: f64, error| if error <= worst { worst } else { error })
    };
    let (losses, weights) = (worst(&gpu.0, &cpu.0, true), worst(&gpu.1, &cpu.1, false));
    assert!(
        losses <= LOSS && weights <= WEIGHT,
        "{experiment}: losses differ by {losses:e}, weights by {weights:e}"
    );
}

#[test]
fn letters_onehot_1_trains_like_on_the_cpu() {
    agrees(&["letters-onehot-1", "--epochs", "20"]);
}

#[test]
fn letters_onehot_4_trains_like_on_the_cpu() {
    agrees(&["letters-onehot-4", "--epochs", "20"]);
}

#[test]
fn letters_embedding_1_trains_like_on_the_cpu() {
    agrees(&["letters-embedding-1", "--epochs", "20"]);
}

#[test]
fn letters_embedding_4_trains_like_on_the_cpu() {
    agrees(&["letters-embedding-4", "--epochs", "20"]);
}

#[test]
fn an_epoch_of_stock_rnn_equals_that_on_the_cpu() {
    agrees(&["stock-rnn", "--epochs", "1"]);
}

#[test]
fn an_epoch_of_stock_lstm_equals_that_on_the_cpu() {
    agrees(&["stock-lstm", "--epochs", "1"]);
}

#[test]
fn an_epoch_of_stock_gru_equals_that_on_the_cpu() {
    agrees(&["stock-gru", "--epochs", "1"]);
}

#[test]
fn the_adapter_is_listed_with_its_limits() {
    let devices = Scratch::new().json(&["devices", "--json"]);
    let adapter = devices
        .as_array()
        .unwrap()
        .iter()
        .find(|device| device["backend"] == "wgpu")
        .expect("an adapter");
    assert!(["GPU", "software adapter"].contains(&adapter["kind"].as_str().unwrap()), "{adapter}");
    assert!(
        adapter["limits"].as_object().unwrap().values().all(|limit| limit.as_u64() > Some(0)),
        "{adapter}"
    );
    let routes = adapter["routes"].as_array().unwrap();
    assert!(
        routes.iter().all(|route| route["route"] != "unknown: the device does not respond"),
        "{adapter}"
    );
}

#[test]
fn a_run_beyond_the_gpu_limits_names_the_gpu_and_keeps_the_checkpoint() {
    let scratch = Scratch::new();
    let devices = scratch.json(&["devices", "--json"]);
    let adapter = devices
        .as_array()
        .unwrap()
        .iter()
        .find(|device| device["backend"] == "wgpu")
        .expect("an adapter");
    let buffer = adapter["limits"]["bytes_a_buffer"].as_u64().unwrap() as usize;
    // The inputs of the four gates of the first layer: 60 steps, 80 units, 4 bytes.
    let too_many = buffer / (60 * 4 * 80 * 4) + 1;
    let data = scratch.prices("prices.csv", too_many + 60 + 300);
    scratch.ok(&[
        "train",
        "stock-lstm",
        "--epochs",
        "1",
        "--data",
        &data,
        "--progress",
        "none",
        "--backend",
        "ndarray",
    ]);
    let evaluate = || scratch.json(&["evaluate", "stock-lstm", "--json", "--backend", "ndarray"]);
    let before = evaluate();

    let batch = too_many.to_string();
    let failed = scratch.run(&[
        "train",
        "stock-lstm",
        "--epochs",
        "1",
        "--batch-size",
        &batch,
        "--backend",
        "wgpu",
        "--progress",
        "none",
    ]);
    assert_eq!(failed.code, 1, "{}", failed.stderr);
    let name = adapter["name"].as_str().unwrap();
    for expected in [
        &format!("error: {name}: "),
        "use a smaller --batch-size, or --backend ndarray",
        "saved checkpoints are intact",
    ] {
        assert!(failed.stderr.contains(expected), "expected `{expected}` in\n{}", failed.stderr);
    }
    assert!(
        !failed.stderr.contains("internal error") && !failed.stderr.contains("panicked"),
        "{}",
        failed.stderr
    );
    assert_eq!(evaluate(), before);
    assert_eq!(unfinished(&scratch.path("artifacts")), Vec::<std::path::PathBuf>::new());
    let going_on = [
        "train",
        "stock-lstm",
        "--epochs",
        "1",
        "--learning-rate",
        "1e-12",
        "--backend",
        "ndarray",
        "--progress",
        "none",
    ];
    assert!(
        scratch.ok(&going_on).stderr.contains("continuing from epoch 1"),
        "the checkpoint can be continued"
    );
}
