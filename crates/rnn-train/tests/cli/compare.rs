//! `compare`: two runs side by side.

use std::fs;

use crate::support::{Scratch, bars};

#[test]
fn two_runs_are_compared() {
    let scratch = Scratch::new();
    let data = scratch.file("bars.csv", bars(200));
    scratch.train("series", &["--data", &data, "--epochs", "4"]);
    scratch.train(
        "series",
        &[
            "--data",
            &data,
            "--epochs",
            "3",
            "--units",
            "6",
            "--loss",
            "mse",
            "--schedule",
            "cosine",
            "--artifacts",
            "other",
        ],
    );
    let shown = scratch.ok(&["compare", "series", "other/series"]).stdout;
    for line in [
        " A  series",
        " B  other/series",
        "settings that differ",
        "units",
        "[4]",
        "[6]",
        "schedule",
        "valid_loss after epoch",
        "rmse",
    ] {
        assert!(shown.contains(line), "{line}: {shown}");
    }
    assert!(
        shown.contains("warning: `loss` differs, so the losses have different units"),
        "{shown}"
    );
    let report = scratch.json(&[
        "compare",
        "series",
        "other/series",
        "--metric",
        "learning_rate",
        "--out",
        "pictures.svg",
        "--json",
    ]);
    assert_eq!(
        (
            report["curves"][0].as_array().unwrap().len(),
            report["curves"][1].as_array().unwrap().len()
        ),
        (4, 3)
    );
    assert!(
        scratch.path("artifacts/compare.svg").exists()
            && scratch.path("artifacts/compare.png").exists()
            && scratch.path("pictures.svg").exists()
    );
    let names: Vec<&str> = report["settings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|line| line["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["epochs", "loss", "parameters", "schedule", "units"]);

    let same = scratch.ok(&["compare", "series", "series"]).stdout;
    assert!(same.contains("All settings are the same.") && !same.contains("warning:"), "{same}");
    assert!(!shown.contains("SYNTHETIC"), "{shown}");
    scratch.train("series", &["--artifacts", "sample"]);
    let sample =
        scratch.ok(&["compare", "sample/series", "sample/series", "--out", "sample"]).stdout;
    assert!(
        sample.contains("(SYNTHETIC data)")
            && fs::read_to_string(scratch.path("sample.svg")).unwrap().contains("(SYNTHETIC data)"),
        "{sample}"
    );
    scratch.ok(&["train", "letters-onehot-1", "--epochs", "2", "--progress", "none"]);
    let letters = scratch.ok(&["compare", "letters-onehot-1", "series"]).stdout;
    assert!(
        letters.contains("train_loss after epoch")
            && letters.contains(
                "warning: a letters run and a time-series run share only their training times"
            ),
        "{letters}"
    );
    scratch.fails(
        &["compare", "letters-onehot-1", "series", "--metric", "valid_loss"],
        2,
        "letters-onehot-1: no valid_loss in its metrics.csv",
    );
    scratch.fails(
        &["compare", "series", "nothing"],
        1,
        "error: nothing: no run folder and no experiment of that name (see `rnn-train list`)",
    );
    scratch.fails(&["compare", "series"], 2, "<SECOND>");
}
