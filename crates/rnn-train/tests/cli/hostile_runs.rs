//! Folders of runs that somebody has tampered with: nothing is read without bound, and nothing outside is written or removed.

use std::{
    fs::{self, File},
    path::Path,
};

use serde_json::{Value, json};

use crate::support::{Scratch, bars, quick, sealed};

const LETTERS: &str = "letters-onehot-1";

fn train(scratch: &Scratch) {
    scratch.ok(&["train", LETTERS, "--epochs", "1", "--fresh", "--progress", "none"]);
}

#[cfg(target_os = "linux")]
#[test]
fn files_of_a_run_that_are_huge_deep_or_no_files_are_refused() {
    let scratch = Scratch::new();
    train(&scratch);
    let deep = "[".repeat(1_000_000) + "\n1\n";
    for (name, args) in [
        ("config.json", &["train", LETTERS][..]),
        ("metrics.csv", &["compare", LETTERS, LETTERS]),
        ("config.json", &["evaluate", LETTERS]),
        ("checkpoint/manifest.json", &["evaluate", LETTERS]),
    ] {
        let path = scratch.artifact(LETTERS, name);
        let kept = fs::read(&path).unwrap();
        let refused = |what: &str, expected: &str| {
            let (finished, memory) = scratch.run_measured(args);
            let said = &finished.stderr;
            assert!(finished.code == 1 && said.contains(&format!("{LETTERS}/{name}: ")), "{name} {what}: {} {said}", finished.code);
            assert!(said.contains(expected) && said.len() < 3000 && !said.contains("internal error"), "{name} {what}: {said}");
            assert!(memory < 400 << 20, "{name} {what}: {} MiB", memory >> 20);
        };
        File::create(&path).unwrap().set_len(1 << 30).unwrap();
        refused("huge", "it has more than");
        fs::write(&path, &deep).unwrap();
        refused("deep", if name == "metrics.csv" { "got: " } else { "recursion limit exceeded" });
        fs::write(&path, b"\xff\xfe{\0").unwrap();
        refused("utf-16", "expected UTF-8 text, got UTF-16");
        fs::remove_file(&path).unwrap();
        fs::create_dir(&path).unwrap();
        refused("folder", "it is a folder");
        fs::remove_dir(&path).unwrap();
        std::os::unix::fs::symlink("/dev/zero", &path).unwrap();
        refused("device", "it is a pipe or a device");
        fs::remove_file(&path).unwrap();
        fs::write(&path, kept).unwrap();
    }
    scratch.ok(&["evaluate", LETTERS]);
}

/// All files below a folder, with their contents.
fn files(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push((path.display().to_string(), fs::read(&path).unwrap()));
        }
    }
    found.sort();
    found
}

#[test]
fn what_a_run_says_of_paths_leads_nowhere_else() {
    let scratch = Scratch::new();
    let outside = scratch.path("outside");
    for name in ["model-1.bpk", "optimizer-1.bpk", "config.json", "7/series/config.json"] {
        scratch.file(&format!("outside/{name}"), "not yours");
    }
    scratch.file("bars.csv", bars(200));
    let before = files(&outside);
    scratch.train("series", &["--data", "bars.csv"]);
    let change = |name: &str, change: &dyn Fn(&mut Value)| {
        let mut document = scratch.read_json("series", name);
        change(&mut document);
        let sealed = if name == "seeds.json" { document.to_string() } else { sealed(document) };
        fs::write(scratch.artifact("series", name), sealed).unwrap();
    };
    // A folder of results in the settings of a run is nobody's wish.
    change("config.json", &|config| config["options"]["artifacts"] = json!(outside));
    scratch.train("series", &[]);
    scratch.ok(&quick(&["backtest", "series", "--folds", "2"], &["--data", "bars.csv", "--epochs", "1"]));
    scratch.ok(&quick(&["train", "series", "--seeds", "2"], &["--epochs", "1"]));
    for (place, hostile) in [
        ("/best/epoch", json!("../../../outside/model-1")),
        ("/best/epoch", json!(-1)),
        ("/best/files/0/epoch", json!(1.5)),
        ("/best/files/0/step", json!("/../../../outside/1")),
        ("/best/files/0/bytes", json!(1e300)),
        ("/best/files", json!(["../outside"])),
        ("/experiment", json!("../outside")),
        ("/best/data", json!({ "file": "x", "path": ["../outside"], "sha256": "", "rows": 1, "series": 1, "synthetic": false })),
    ] {
        let kept = scratch.read("series", "checkpoint/manifest.json");
        change("checkpoint/manifest.json", &|manifest| *manifest.pointer_mut(place).unwrap() = hostile.clone());
        scratch.fails(&["evaluate", "series"], 1, "manifest.json: cannot be read (");
        fs::write(scratch.artifact("series", "checkpoint/manifest.json"), kept).unwrap();
    }
    // A hash is a part of a name: what is no hash is left out of it.
    let kept = scratch.read("series", "checkpoint/manifest.json");
    change("checkpoint/manifest.json", &|manifest| manifest["best"]["files"][0]["sha256"] = json!("../../../outside/model"));
    scratch.fails(&["evaluate", "series"], 1, "checkpoint/model-");
    // Nor is memory taken that a manifest asks for.
    change("checkpoint/manifest.json", &|manifest| manifest["best"]["files"][0]["bytes"] = json!(1u64 << 60));
    scratch.fails(&["evaluate", "series"], 1, "cannot be read");
    fs::write(scratch.artifact("series", "checkpoint/manifest.json"), kept).unwrap();
    change("seeds.json", &|seeds| seeds["models"][0]["seed"] = json!("../../../outside/7"));
    scratch.fails(&["forecast", "series", "--mean-of-seeds"], 1, "seeds.json: expected the scores of models");
    assert_eq!(files(&outside), before);
}
