//! `verify` names every damaged file, and nothing else.

use std::fs;

use crate::support::{Scratch, bars, quick};

#[test]
fn verify_finds_every_changed_file_of_a_run() {
    let scratch = Scratch::new();
    scratch.file("bars.csv", bars(200));
    scratch.train("series", &["--data", "bars.csv"]);
    scratch.ok(&["train", "letters-onehot-1", "--epochs", "2", "--progress", "none"]);
    let whole = scratch.ok(&["verify"]);
    for expected in
        ["artifacts/series: finished, best epoch ", "artifacts/letters-onehot-1: finished"]
    {
        assert!(whole.stdout.contains(expected), "{}", whole.stdout);
    }
    for unexpected in ["without a checksum", "unknown", "DAMAGED"] {
        assert!(!whole.stdout.contains(unexpected), "{}", whole.stdout);
    }
    let folder = scratch.path("artifacts/series");
    let of =
        |name: &str| fs::read_dir(folder.join(name)).unwrap().map(|entry| entry.unwrap().path());
    let files = of("").chain(of("checkpoint")).filter(|path| {
        path.is_file() && path.extension().is_some_and(|extension| extension != "lock")
    });
    let mut count = 0;
    for path in files {
        let kept = fs::read(&path).unwrap();
        let mut changed = kept.clone();
        let middle = changed.len() / 2;
        changed[middle] ^= 1;
        fs::write(&path, &changed).unwrap();
        let name = path.strip_prefix(&folder).unwrap().display().to_string();
        let finished = scratch.run(&["verify", "artifacts/series"]);
        let expected = format!("  DAMAGED {name}: ");
        assert_eq!(finished.code, 1, "{name}: {}", finished.stdout);
        assert_eq!(finished.stdout.matches("DAMAGED").count(), 1, "{name}: {}", finished.stdout);
        assert!(finished.stdout.contains(&expected), "{name}: {}", finished.stdout);
        assert!(finished.stderr.contains("artifacts/series: 1 of "), "{}", finished.stderr);
        fs::write(&path, kept).unwrap();
        count += 1;
    }
    assert!(count > 15, "{count} files");
    // Reports and metrics are missed, too.
    for name in ["loss.png", "predictions.csv", "weights.txt", "metrics.csv"] {
        let moved = scratch.path("moved");
        fs::rename(folder.join(name), &moved).unwrap();
        scratch.fails(&["verify"], 1, "1 of ");
        fs::rename(moved, folder.join(name)).unwrap();
    }
    scratch.file("artifacts/series/notes.txt", "mine");
    scratch.file("artifacts/series/.loss.svg.tmp", "half");
    let others = scratch.ok(&["verify"]).stdout;
    assert!(others.contains("1 file left by a killed process: .loss.svg.tmp"), "{others}");
    assert!(others.contains("1 file unknown: notes.txt"), "{others}");
    scratch.fails(&["verify", "nowhere"], 1, "nowhere: cannot be read: ");
    scratch.file("empty/file.txt", "");
    scratch.fails(&["verify", "bars"], 1, "bars: cannot be read: ");
}

#[test]
fn verify_reads_searches_seeds_and_backtests() {
    let scratch = Scratch::new();
    scratch.file("bars.csv", bars(200));
    scratch.file("space.toml", "learning_rate = [0.001, 0.1]\n");
    let few = ["--data", "bars.csv", "--epochs", "1"];
    let search = ["search", "series", "--method", "grid", "--space", "space.toml"];
    scratch.ok(&quick(&search, &few));
    scratch.ok(&quick(&["train", "series", "--seeds", "2"], &few));
    scratch.ok(&quick(&["backtest", "series", "--folds", "2"], &few));
    let folders = scratch.json(&["verify", "--json"]);
    let folders = folders.as_array().unwrap();
    // Three trials, two seeds, two folds.
    let runs = folders.iter().filter(|folder| folder["run"].is_string()).count();
    assert_eq!(runs, 3 + 2 + 2, "{folders:?}");
    for name in [
        "seeds.json",
        "seeds/seeds.json",
        "backtest.json",
        "search/search.json",
        "search/trial-001/trial.json",
    ] {
        let path = scratch.artifact("series", name);
        let kept = fs::read_to_string(&path).unwrap();
        fs::write(&path, kept.replacen('1', "2", 1)).unwrap();
        scratch.fails(&["verify"], 1, "1 of ");
        fs::write(&path, kept).unwrap();
    }
    for name in ["search/search.json", "search/test.json", "search/trial-001/trial.json"] {
        let path = scratch.artifact("series", name);
        let kept = fs::read(&path).unwrap();
        fs::remove_file(&path).unwrap();
        scratch.fails(&["verify"], 1, "1 of ");
        fs::write(&path, kept).unwrap();
    }
    scratch.ok(&["forecast", "series", "--mean-of-seeds"]);
    assert!(!scratch.ok(&["verify"]).stdout.contains("unknown"));
}
