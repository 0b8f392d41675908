//! Folders that version 0.1.0 wrote, without checksums of results, are read, resumed and verified.

use std::{fs, path::Path};

use crate::support::{Scratch, copied};

/// A copy of the folders.
fn folders() -> Scratch {
    let scratch = Scratch::new();
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/folders/0.1");
    copied(&from, &scratch.path("."));
    scratch
}

const RUN: [&str; 16] = [
    "train",
    "series",
    "--patience",
    "0",
    "--data",
    "sensor.csv",
    "--units",
    "4",
    "--window",
    "8",
    "--progress",
    "none",
    "--backend",
    "ndarray",
    "--epochs",
    "200",
];

#[test]
fn a_finished_run_is_evaluated_compared_and_trained_further() {
    let scratch = folders();
    let evaluate =
        ["evaluate", "series", "--artifacts", "finished", "--data", "sensor.csv", "--json"];
    let scores = scratch.json(&evaluate);
    let rmse = |value: &serde_json::Value| value["rmse"].as_f64().unwrap();
    let before = scratch.read_json_at("finished/series/evaluation.json");
    assert!((rmse(&scores) / rmse(&before) - 1.0).abs() < 1e-4, "{scores}");
    let compared = scratch.json(&["compare", "finished/series", "finished/series", "--json"]);
    assert!(compared.to_string().contains("best epoch"), "{compared}");
    let verified = scratch.ok(&["verify", "finished"]).stdout;
    assert!(verified.contains("finished, best epoch 3"), "{verified}");
    assert!(verified.contains("without a checksum: metrics.csv  evaluation.json"), "{verified}");
    let args = [&RUN[..14], &["--epochs", "2", "--artifacts", "finished"]].concat();
    let trained = scratch.ok(&args);
    assert!(trained.stderr.contains("continuing from epoch 3, the best"), "{}", trained.stderr);
    // Its results have checksums now.
    let verified = scratch.ok(&["verify", "finished"]).stdout;
    assert!(!verified.contains("without a checksum: metrics.csv"), "{verified}");
}

#[test]
fn an_interrupted_run_is_resumed_to_the_same_scores() {
    let scratch = folders();
    let args = [&RUN[..], &["--artifacts", "interrupted"]].concat();
    let resumed = scratch.ok(&args);
    assert!(resumed.stderr.contains("resuming the interrupted run after epoch 131 of 200"));
    let scores = scratch.read_json_at("interrupted/series/evaluation.json");
    // The score of version 0.1.0 without an interruption. Other processors differ in rounding.
    let expected = 0.026_542_344_862_319_95;
    assert!((scores["rmse"].as_f64().unwrap() / expected - 1.0).abs() < 1e-2, "{scores}");
    let verified = scratch.ok(&["verify", "interrupted"]).stdout;
    assert!(!verified.contains("without a checksum"), "{verified}");
}

#[test]
fn a_search_is_resumed_and_seeds_are_read() {
    let scratch = folders();
    let read = |name: &str| fs::read_to_string(scratch.path("search/series/search").join(name));
    let before = scratch.read_json_at("search/series/search/search.json");
    let again = scratch.ok(&[
        "search",
        "series",
        "--artifacts",
        "search",
        "--space",
        "space.toml",
        "--method",
        "grid",
        "--epochs",
        "1",
        "--units",
        "4",
        "--window",
        "8",
        "--backend",
        "ndarray",
        // The recipe has changed since.
        "--features",
        "open,close,high,low,volume",
        "--batch-size",
        "256",
        "--patience",
        "10",
        "--naive",
        "last-value",
        "--season",
        "0",
        "--purge",
        "0",
    ]);
    assert!(again.stderr.contains("3 trainings, 3 already finished"), "{}", again.stderr);
    let after = scratch.read_json_at("search/series/search/search.json");
    assert_eq!(after["tested"], before["tested"], "{}", read("search.json").unwrap());
    let forecast = ["forecast", "series", "--artifacts", "seeds", "--mean-of-seeds", "--json"];
    assert!(scratch.json(&forecast)[0]["values"][0]["value"].is_number());
    scratch.ok(&["verify", "seeds"]);
}
