//! Manipulated run folders: reads are bounded, and nothing outside is written or removed.

use std::{
    fs::{self, File},
    path::Path,
};

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::support::{Scratch, bars, quick};

const LETTERS: &str = "letters-onehot-1";

fn train(scratch: &Scratch) {
    scratch.ok(&["train", LETTERS, "--epochs", "1", "--fresh", "--progress", "none"]);
}

#[cfg(target_os = "linux")]
#[test]
fn huge_deep_or_special_files_of_a_run_are_refused() {
    let scratch = Scratch::new();
    train(&scratch);
    let deep = "[".repeat(1_000_000) + "\n1\n";
    for (name, args, said_of_deep) in [
        ("config.json", &["train", LETTERS][..], "recursion limit exceeded at line 1"),
        ("config.json", &["evaluate", LETTERS], "recursion limit exceeded at line 1"),
        ("checkpoint/manifest.json", &["evaluate", LETTERS], "recursion limit exceeded at line 1"),
        (
            "metrics.csv",
            &["compare", LETTERS, LETTERS],
            "expected the epochs of earlier runs, got: the columns [[[",
        ),
    ] {
        let path = scratch.artifact(LETTERS, name);
        let kept = fs::read(&path).unwrap();
        let refused = |what: &str, expected: &str| {
            let (finished, memory) = scratch.run_measured(args);
            let message = &finished.stderr;
            assert!(
                finished.code == 1 && message.contains(&format!("{LETTERS}/{name}: ")),
                "{name} {what}: {} {message}",
                finished.code
            );
            assert!(
                message.contains(expected)
                    && message.len() < 3000
                    && !message.contains("internal error"),
                "{name} {what}: {message}"
            );
            assert!(memory < 400 << 20, "{name} {what}: {} MiB", memory >> 20);
        };
        File::create(&path).unwrap().set_len(1 << 30).unwrap();
        refused("huge", "expected at most");
        fs::write(&path, &deep).unwrap();
        refused("deep", said_of_deep);
        fs::write(&path, b"\xff\xfe{\0").unwrap();
        refused("utf-16", "expected UTF-8 text, got UTF-16");
        fs::remove_file(&path).unwrap();
        fs::create_dir(&path).unwrap();
        refused("folder", "expected an ordinary file, got a folder");
        fs::remove_dir(&path).unwrap();
        std::os::unix::fs::symlink("/dev/zero", &path).unwrap();
        refused("device", "expected an ordinary file, got a symbolic link (remove the link)");
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

/// Changes a JSON file of an experiment and updates its checksum.
pub(crate) fn change(scratch: &Scratch, name: &str, change: impl FnOnce(&mut Value)) {
    let mut document = scratch.read_json("series", name);
    let sealed = document.as_object_mut().unwrap().remove("sha256").is_some();
    change(&mut document);
    if sealed {
        let hash: String =
            Sha256::digest(document.to_string()).iter().map(|byte| format!("{byte:02x}")).collect();
        document["sha256"] = hash.into();
    }
    fs::write(scratch.artifact("series", name), document.to_string()).unwrap();
}

#[test]
fn paths_in_a_run_cannot_lead_outside() {
    let scratch = Scratch::new();
    let outside = scratch.path("outside");
    for name in ["model-1.bpk", "optimizer-1.bpk", "config.json", "7/series/config.json"] {
        scratch.file(&format!("outside/{name}"), "not yours");
    }
    scratch.file("bars.csv", bars(200));
    let before = files(&outside);
    scratch.train("series", &["--data", "bars.csv"]);
    // The output folder in the settings of a run is ignored.
    change(&scratch, "config.json", |config| config["options"]["artifacts"] = json!(outside));
    scratch.train("series", &[]);
    scratch.ok(&quick(
        &["backtest", "series", "--folds", "2"],
        &["--data", "bars.csv", "--epochs", "1"],
    ));
    scratch.ok(&quick(&["train", "series", "--seeds", "2"], &["--epochs", "1"]));
    let kept = scratch.read("series", "checkpoint/manifest.json");
    for (place, hostile, expected) in [
        ("epoch", json!("../../../outside/model-1"), "manifest.json: cannot be read (invalid type"),
        ("epoch", json!(-1), "manifest.json: cannot be read (invalid value"),
        ("files", json!([[], [], []]), "manifest.json: cannot be read ("),
        (
            "files",
            json!(vec![
                json!({ "epoch": 1, "step": 0, "bytes": 9, "sha256": "../../../outside/model-1" });
                3
            ]),
            "manifest.json: is damaged: the entry of a file is out of range",
        ),
    ] {
        change(&scratch, "checkpoint/manifest.json", |manifest| manifest["best"][place] = hostile);
        scratch.fails(&["evaluate", "series"], 1, expected);
        fs::write(scratch.artifact("series", "checkpoint/manifest.json"), &kept).unwrap();
    }
    change(&scratch, "seeds/seeds.json", |seeds| {
        seeds["models"][0]["seed"] = json!("../../../outside/7")
    });
    scratch.fails(
        &["forecast", "series", "--mean-of-seeds"],
        1,
        "seeds.json: expected the scores of models",
    );
    assert_eq!(files(&outside), before);
}

#[test]
fn checkpoint_files_are_read_up_to_the_size_in_the_manifest() {
    let scratch = Scratch::new();
    scratch.file("bars.csv", bars(200));
    scratch.train("series", &["--data", "bars.csv", "--naive", "last-value"]);
    let path = scratch.best("series", "model");
    let name = path.file_name().unwrap().to_str().unwrap();
    let model = File::options().write(true).open(&path).unwrap();
    model.set_len(1 << 40).unwrap();
    scratch.fails(
        &["evaluate", "series"],
        1,
        &format!("{name}: has 1099511627776 bytes, expected"),
    );
    change(&scratch, "checkpoint/manifest.json", |manifest| {
        manifest["best"]["files"][0]["bytes"] = json!(1u64 << 40)
    });
    scratch.fails(
        &["evaluate", "series"],
        1,
        "manifest.json: is damaged: the entry of a file is out of range",
    );
}

#[test]
fn a_checkpoint_that_makes_burn_panic_is_named() {
    let scratch = Scratch::new();
    scratch.file("bars.csv", bars(200));
    scratch.train("series", &["--data", "bars.csv"]);
    let folder = scratch.artifact("series", "checkpoint");
    let old = scratch.best("series", "optimizer");
    let old = old.file_name().unwrap().to_str().unwrap();
    let mut bytes = fs::read(folder.join(old)).unwrap();
    // Moments without parameter ids; everything else is unchanged.
    while let Some(place) = bytes.windows(8).position(|key| key == b"param_id") {
        bytes[place..place + 8].copy_from_slice(b"param_ix");
    }
    let hash: String = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    let new = format!("{}-{}.bpk", old.rsplit_once('-').unwrap().0, &hash[..8]);
    fs::write(folder.join(&new), bytes).unwrap();
    change(&scratch, "checkpoint/manifest.json", |manifest| {
        manifest["best"]["files"][1]["sha256"] = hash.into()
    });
    for name in ["manifest.before.json", "manifest.older.json"] {
        drop(fs::remove_file(folder.join(name)));
    }
    scratch.fails(
        &["train", "series"],
        1,
        &format!("{new}: cannot be read: Record I/O error: Optimizer record tensors should carry"),
    );
    scratch.ok(&["evaluate", "series"]);
}

#[cfg(unix)]
#[test]
fn links_in_a_folder_are_replaced_and_their_targets_stay() {
    let scratch = Scratch::new();
    scratch.file("outside/file", "not yours");
    let before = files(&scratch.path("outside"));
    let folder = scratch.path("artifacts").join(LETTERS);
    fs::create_dir_all(folder.join("checkpoint")).unwrap();
    let names = [
        "loss.svg",
        "metrics.csv",
        "model.safetensors",
        ".loss.svg.tmp",
        ".config.json.tmp",
        ".writable",
        "..writable.tmp",
        "checkpoint/.manifest.json.tmp",
    ];
    for name in names {
        std::os::unix::fs::symlink(scratch.path("outside/file"), folder.join(name)).unwrap();
    }
    train(&scratch);
    assert!(!folder.join("loss.svg").is_symlink());
    fs::remove_file(folder.join(".train.lock")).unwrap();
    std::os::unix::fs::symlink(scratch.path("outside/file"), folder.join(".train.lock")).unwrap();
    scratch.fails(
        &["train", LETTERS],
        1,
        ".train.lock: cannot be written: expected an ordinary file, got a symbolic link",
    );
    scratch.ok(&["evaluate", LETTERS]);
    assert_eq!(files(&scratch.path("outside")), before);
}
