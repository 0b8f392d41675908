//! Results that are read back are checked, and so are numbers behind a matching checksum.

use std::{fs, path::Path};

use serde_json::json;

use crate::{
    hostile_runs::change,
    support::{Scratch, bars, copied, quick},
};

fn trained() -> Scratch {
    let scratch = Scratch::new();
    scratch.file("bars.csv", bars(200));
    scratch.train("series", &["--data", "bars.csv"]);
    scratch
}

/// Replaces a text in a file of the experiment, without its checksum.
fn edit(scratch: &Scratch, name: &str, from: &str, to: &str) {
    let text = scratch.read("series", name);
    assert!(text.contains(from), "{name}: {text}");
    fs::write(scratch.artifact("series", name), text.replacen(from, to, 1)).unwrap();
}

#[test]
fn changed_scores_and_metrics_are_refused() {
    let scratch = trained();
    let compare = ["compare", "series", "series"];
    scratch.ok(&compare);
    let kept = scratch.read("series", "evaluation.json");
    edit(&scratch, "evaluation.json", "\"best_epoch\": ", "\"best_epoch\": 1");
    let changed = "expected scores, but it does not match its checksum";
    scratch.fails(&compare, 1, &format!("evaluation.json: {changed}"));
    fs::write(scratch.artifact("series", "evaluation.json"), kept).unwrap();
    scratch.ok(&compare);
    edit(&scratch, "metrics.csv", "\n2,", "\n3,");
    let changed = "got: line 3, which does not match its checksum";
    scratch.fails(
        &compare,
        1,
        &format!("metrics.csv: expected the epochs of earlier runs, {changed}"),
    );
}

#[test]
fn a_changed_trial_is_trained_again_and_the_ranking_stays() {
    let scratch = Scratch::new();
    scratch.file("bars.csv", bars(200));
    scratch.file("space.toml", "learning_rate = [0.001, 0.1]\n");
    let args = quick(
        &["search", "series", "--method", "grid"],
        &["--space", "space.toml", "--data", "bars.csv", "--epochs", "1"],
    );
    scratch.ok(&args);
    let files = ["best.toml", "test.json", "search.json"];
    let read = || files.map(|name| scratch.read("series/search", name));
    let before = read();
    for trial in ["trial-001", "trial-002", "baseline"] {
        for (name, from, to) in [
            ("series/evaluation.json", "\"rmse\": ", "\"rmse\": 0.0000"),
            ("series/metrics.csv", "\n1,", "\n7,"),
            ("trial.json", "\"trial\": ", "\"trial\": 1"),
        ] {
            let name = format!("search/{trial}/{name}");
            edit(&scratch, &name, from, to);
            let again = scratch.ok(&args);
            assert!(again.stderr.contains(&format!("retraining {trial}: ")), "{}", again.stderr);
            assert_eq!(read(), before, "{name}");
        }
    }
    edit(&scratch, "search/search.json", "\"trials\": 2", "\"trials\": 9");
    let damaged = "search.json: expected a search, but it does not match its checksum";
    scratch.fails(&args, 1, damaged);
}

#[test]
fn changed_scores_of_seeds_are_refused() {
    let scratch = Scratch::new();
    scratch.file("bars.csv", bars(200));
    scratch
        .ok(&quick(&["train", "series", "--seeds", "2"], &["--data", "bars.csv", "--epochs", "1"]));
    edit(&scratch, "seeds/seeds.json", "\"seed\": 1", "\"seed\": 7");
    scratch.fails(
        &["forecast", "series", "--mean-of-seeds"],
        1,
        "seeds.json: expected the scores of models, but it does not match its checksum",
    );
}

#[test]
fn numbers_behind_a_matching_checksum_are_checked_before_they_are_used() {
    let scratch = trained();
    let [config, manifest] = ["config.json", "checkpoint/manifest.json"];
    let kept = [config, manifest].map(|name| scratch.read("series", name));
    let large = u64::MAX;
    let commands = [&["evaluate", "series"][..], &["train", "series", "--epochs", "2"]];
    type Harm<'a> = (&'a str, &'a str, serde_json::Value, &'a str);
    let harms: [Harm<'_>; 11] = [
        (config, "/options/units", json!([10_000, 10_000]), "holds a"),
        (config, "/options/units", json!([10_000]), "holds a"),
        (config, "/options/horizon", json!(1_000_000), ""),
        (config, "/options/window", json!(large), ""),
        (manifest, "/best/scalers/inputs", json!([]), "expected 1 scalers, one per input, got 0"),
        (
            manifest,
            "/best/scalers/target",
            json!({"standard": {"mean": 0.0, "deviation": 0.0}}),
            "manifest.json: is damaged: a scaler has no range",
        ),
        (manifest, "/best/scalers/target", json!({"min-max": {"min": -1e308, "max": 1e307}}), ""),
        (manifest, "/best/epoch", json!(large), "manifest.json: is damaged"),
        (manifest, "/best/epoch", json!(0), "manifest.json: is damaged"),
        (manifest, "/best/files/0/epoch", json!(large), "manifest.json: is damaged"),
        (manifest, "/best/files/0/bytes", json!(large), "manifest.json: is damaged"),
    ];
    for (name, pointer, value, expected) in harms {
        change(&scratch, name, |document| *document.pointer_mut(pointer).unwrap() = value.clone());
        for command in commands {
            // `train` replaces a damaged manifest by an earlier one, and fits new scalers.
            let is_refitted = expected.contains("scalers, one") || pointer.ends_with("target");
            if command[0] == "train" && (is_refitted || expected.contains("is damaged")) {
                continue;
            }
            #[cfg(target_os = "linux")]
            let (finished, memory) = scratch.run_measured(command);
            #[cfg(not(target_os = "linux"))]
            let (finished, memory) = (scratch.run(command), 0);
            let message = &finished.stderr;
            assert!(
                finished.code != 0 && message.contains(expected),
                "{pointer} {value}: {message}"
            );
            assert!(!message.contains("internal error"), "{pointer} {value}: {message}");
            assert!(!message.contains("panicked"), "{pointer} {value}: {message}");
            assert!(memory < 200 << 20, "{pointer} {value}: {} MiB", memory >> 20);
        }
        for (name, text) in [config, manifest].iter().zip(&kept) {
            fs::write(scratch.artifact("series", name), text).unwrap();
        }
    }
    scratch.ok(commands[0]);
}

#[test]
fn an_epoch_beyond_all_bounds_does_not_wrap() {
    let scratch = trained();
    for name in ["manifest.json", "manifest.before.json", "manifest.older.json"] {
        let name = format!("checkpoint/{name}");
        if scratch.artifact("series", &name).exists() {
            change(&scratch, &name, |manifest| {
                manifest["best"]["epoch"] = json!(u64::MAX);
                for file in manifest["best"]["files"].as_array_mut().unwrap() {
                    file["epoch"] = json!(u64::MAX);
                }
            });
        }
    }
    scratch.fails(
        &["train", "series", "--epochs", "2"],
        1,
        "manifest.json: is damaged: the entry of a file is out of range (no other checkpoint is \
         intact; use --fresh to start over)",
    );
}

#[test]
fn a_run_with_one_checkpoint_has_a_copy_of_it() {
    let scratch = Scratch::new();
    scratch.file("bars.csv", bars(200));
    scratch.train("series", &["--data", "bars.csv", "--epochs", "1"]);
    let evaluate = ["evaluate", "series", "--json"];
    let score = scratch.json(&evaluate);
    let best = ["model", "optimizer", "scheduler"].map(|part| scratch.best("series", part));
    copied(&scratch.path("artifacts"), &scratch.path("kept"));
    let damaged = |path: &Path| {
        fs::remove_dir_all(scratch.path("artifacts")).unwrap();
        copied(&scratch.path("kept"), &scratch.path("artifacts"));
        assert!(path.exists(), "{}", path.display());
        fs::write(path, "damaged").unwrap();
    };
    for path in best {
        let copy = path.with_extension("copy.bpk");
        let kept = fs::read(&path).unwrap();
        damaged(&path);
        assert_eq!(scratch.json(&evaluate), score, "{}", path.display());
        scratch.train("series", &[]);
        damaged(&copy);
        assert_eq!(scratch.json(&evaluate), score, "{}", path.display());
        scratch.train("series", &[]);
        // A training that cannot start has repaired the files.
        damaged(&path);
        scratch.fails(&quick(&["train", "series"], &["--units", "9"]), 1, "was trained with units");
        assert_eq!(fs::read(&path).unwrap(), kept);
    }
    damaged(&scratch.artifact("series", "checkpoint/manifest.json"));
    scratch.fails(&evaluate, 1, "run `train` to resume from an earlier checkpoint");
    let trained = scratch.train("series", &[]);
    let expected = "falling back to the checkpoint after epoch 1";
    assert!(trained.stderr.contains(expected), "{}", trained.stderr);
}
