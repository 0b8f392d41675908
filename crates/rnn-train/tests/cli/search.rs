//! `search`: many trainings, ranked on the validation set.

use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;

use crate::support::{Scratch, bars, quick};

const SPACE: &str = "units = [[3], [5]]\nlearning_rate = { min = 1e-3, max = 0.1, log = true }\n";

/// The rows of `search.csv` without their seconds.
fn table(scratch: &Scratch, root: &str) -> Vec<Vec<String>> {
    let text = fs::read_to_string(scratch.path(root).join("series/search/search.csv")).unwrap();
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let header = reader.headers().unwrap().clone();
    let seconds = header.iter().position(|name| name == "seconds").unwrap();
    let rows = reader.records().map(|row| row.unwrap());
    rows.map(|row| {
        row.iter()
            .enumerate()
            .filter(|(index, _)| *index != seconds)
            .map(|(_, cell)| cell.to_owned())
            .collect()
    })
    .collect()
}

fn column(rows: &[Vec<String>], index: usize) -> Vec<f64> {
    rows.iter().map(|row| row[index].parse().unwrap()).collect()
}

fn search<'a>(args: &[&'a str]) -> Vec<&'a str> {
    quick(&["search", "series", "--space", "space.toml", "--data", "bars.csv"], args)
}

fn prepared() -> Scratch {
    let scratch = Scratch::new();
    scratch.file("bars.csv", bars(200));
    scratch.file("space.toml", SPACE);
    scratch
}

/// Waits up to a minute for a condition; returns whether it holds.
fn in_time(is: impl Fn() -> bool) -> bool {
    let started = Instant::now();
    while !is() {
        if started.elapsed() > Duration::from_secs(60) {
            return false;
        }
        thread::sleep(Duration::from_millis(2));
    }
    true
}

/// Starts a command, and kills it as soon as a file is there.
fn kill_once_there(mut command: Command, path: &Path) {
    let mut child = command.stderr(Stdio::null()).stdout(Stdio::null()).spawn().unwrap();
    let there = in_time(|| path.exists());
    let ended = child.try_wait().unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(
        there && ended.is_none(),
        "{}: {there}, it was to be killed and had ended: {ended:?}",
        path.display()
    );
}

/// Flags without those of the space.
fn without_units(args: Vec<&str>) -> Vec<&str> {
    let place = args.iter().position(|arg| *arg == "--units").unwrap();
    [&args[..place], &args[place + 2..]].concat()
}

#[test]
fn trials_are_ranked_on_the_validation_set_and_the_best_is_scored_once() {
    let scratch = prepared();
    let finished = scratch.ok(&without_units(search(&[
        "--trials",
        "4",
        "--epochs",
        "3",
        "--naive",
        "last-value",
        "--progress",
        "plain",
    ])));
    assert!(
        finished.stderr.contains("5 trainings; ") && finished.stderr.contains("(best so far)"),
        "{}",
        finished.stderr
    );
    let rows = table(&scratch, "artifacts");
    assert_eq!(
        rows.iter().map(|row| row[0].as_str()).collect::<Vec<_>>(),
        ["0", "1", "2", "3", "4"]
    );
    let scores = column(&rows, 3);
    let lowest = (0..5).min_by(|&one, &other| scores[one].total_cmp(&scores[other])).unwrap();
    assert_eq!(scores, column(&rows, 4), "ranked by RMSE");

    // A trial equals a run of `train` with the same settings.
    let settings =
        |trial: usize| [rows[trial][8].trim_matches(['[', ']']).to_owned(), rows[trial][9].clone()];
    let [units, rate] = settings(2);
    let single = [
        "--data",
        "bars.csv",
        "--naive",
        "last-value",
        "--epochs",
        "3",
        "--units",
        &units,
        "--learning-rate",
        &rate,
        "--score",
        "valid",
        "--artifacts",
        "single",
    ];
    scratch.train("series", &single);
    let read = |path: &str| fs::read_to_string(scratch.path(path)).unwrap();
    assert!(
        read("single/series/weights.txt")
            == read("artifacts/series/search/trial-002/series/weights.txt")
    );
    let evaluation: Value =
        serde_json::from_str(&read("artifacts/series/search/trial-002/series/evaluation.json"))
            .unwrap();
    assert_eq!(
        (evaluation["set"].as_str().unwrap(), evaluation["rmse"].as_f64().unwrap()),
        ("valid", scores[2])
    );
    scratch.ok(&[
        "compare",
        "artifacts/series/search/trial-001/series",
        "artifacts/series/search/trial-002/series",
    ]);

    // The file of the best settings reproduces the best trial and the printed scores of the test
    // set.
    let told = finished.stdout.split_once("Test set, scored once, after the choice of ").unwrap().1;
    let name = told.split_once(':').unwrap().0;
    let lead = format!(
        "trial-{lowest:03} has the lowest score, but its lead over the baseline configuration is \
         within the noise of the validation set. So {name} is chosen."
    );
    assert!(
        name == format!("trial-{lowest:03}") || finished.stdout.contains(&lead),
        "{}",
        finished.stdout
    );
    scratch.ok(&[
        "--config",
        "artifacts/series/search/best.toml",
        "train",
        "series",
        "--artifacts",
        "best",
        "--progress",
        "none",
    ]);
    assert!(
        read("best/series/weights.txt")
            == read(&format!("artifacts/series/search/{name}/series/weights.txt"))
    );
    let test: Value = serde_json::from_str(&read("artifacts/series/search/test.json")).unwrap();
    let again: Value = serde_json::from_str(&read("best/series/evaluation.json")).unwrap();
    assert_eq!(
        (&test["set"], &test["rmse"], &test["interval"]),
        (&"test".into(), &again["rmse"], &again["interval"])
    );
    for picture in ["search.svg", "search.png"] {
        assert!(scratch.artifact("series/search", picture).exists());
    }

    // More trials extend the same list, with any number of jobs.
    let more = scratch.ok(&without_units(search(&[
        "--trials",
        "6",
        "--epochs",
        "3",
        "--naive",
        "last-value",
        "--progress",
        "plain",
        "--jobs",
        "1",
    ])));
    assert!(more.stderr.contains("7 trainings, 5 already finished"), "{}", more.stderr);
    assert_eq!(table(&scratch, "artifacts")[..5], rows[..]);
    let report = scratch.json(&without_units(search(&[
        "--trials",
        "6",
        "--epochs",
        "3",
        "--naive",
        "last-value",
        "--json",
        "--artifacts",
        "other",
        "--jobs",
        "2",
    ])));
    assert_eq!(table(&scratch, "other"), table(&scratch, "artifacts"));
    assert_eq!(
        (
            report["trials"].as_array().unwrap().len(),
            report["test_scored"].as_array().unwrap().len()
        ),
        (7, 1)
    );
    assert_eq!(report["complete"], true);
    // A smaller number of trials keeps the others, and scores nothing again.
    let fewer = scratch.json(&without_units(search(&[
        "--trials",
        "2",
        "--epochs",
        "3",
        "--naive",
        "last-value",
        "--json",
        "--artifacts",
        "other",
    ])));
    assert_eq!(fewer, report);
}

#[test]
fn a_search_begins_near_the_baseline_and_leaves_it_for_a_clear_win_only() {
    let scratch = prepared();
    scratch.file("base.toml", "learning_rate = 1e-7\ntransform = \"minmax\"\n");
    scratch.file("space.toml", "learning_rate = [1e-8, 1e-7, 0.05]\ndropout = [0.0, 0.2]\n");
    let base = ["--config", "base.toml", "--trials", "4", "--epochs", "10", "--naive", "linear"];
    let finished = scratch.ok(&search(&base));
    let rows = table(&scratch, "artifacts");
    // Dropout and learning rate in the order of their names.
    let settings: Vec<[&str; 2]> = rows.iter().map(|row| [&row[8][..], &row[9]]).collect();
    let expected = [["1e-7", "0"], ["0.05", "0"], ["1e-7", "0.2"], ["1e-8", "0"]];
    assert_eq!(settings[..4], expected, "one setting of the baseline configuration each");
    assert!(
        finished.stdout.contains("Test set, scored once, after the choice of trial-001: "),
        "{}",
        finished.stdout
    );
    // Without that value no trial beats the baseline configuration.
    scratch.file("space.toml", "learning_rate = [1e-8, 1e-7]\n");
    let finished = scratch.ok(&search(&[&base[..], &["--fresh"]].concat()));
    assert!(finished.stdout.contains("after the choice of baseline: "), "{}", finished.stdout);
    assert!(
        finished.stdout.contains(" ties with the baseline configuration: 1 trial"),
        "{}",
        finished.stdout
    );
}

#[test]
fn a_killed_search_resumes_with_the_same_trials_and_results() {
    let scratch = prepared();
    let args = |root| {
        without_units(search(&[
            "--trials",
            "5",
            "--epochs",
            "20",
            "--jobs",
            "1",
            "--artifacts",
            root,
        ]))
    };
    scratch.ok(&args("whole"));
    kill_once_there(
        scratch.command(&args("killed")),
        &scratch.path("killed/series/search/trial-002/trial.json"),
    );
    let weights = scratch.path("killed/series/search/trial-001/series/weights.txt");
    let written = fs::metadata(&weights).unwrap().modified().unwrap();
    scratch.ok(&args("killed"));
    assert_eq!(
        fs::metadata(&weights).unwrap().modified().unwrap(),
        written,
        "a finished trial is not trained again"
    );
    assert_eq!(table(&scratch, "killed"), table(&scratch, "whole"));
    let test = |root: &str| {
        fs::read_to_string(scratch.path(root).join("series/search/test.json")).unwrap()
    };
    assert!(test("killed") == test("whole"));
}

#[test]
fn the_training_of_a_killed_search_ends_with_it() {
    let scratch = prepared();
    let artifacts = scratch.path("artifacts").display().to_string();
    let args =
        search(&["--trials", "1", "--epochs", "100000", "--jobs", "1", "--artifacts", &artifacts]);
    let command = scratch.command(&without_units(args));
    kill_once_there(command, &scratch.artifact("series/search/baseline/series", "metrics.csv"));
    // A worker has the artifacts folder in its arguments, so none of them is left.
    let ended = || {
        fs::read_dir("/proc").unwrap().flatten().all(|process| {
            let arguments = fs::read(process.path().join("cmdline")).unwrap_or_default();
            !String::from_utf8_lossy(&arguments)
                .contains(scratch.path("artifacts").to_str().unwrap())
        })
    };
    assert!(in_time(ended), "it still trains");
}

#[test]
fn halving_gives_the_best_third_more_epochs() {
    let scratch = prepared();
    let finished = scratch.ok(&without_units(search(&[
        "--trials",
        "5",
        "--epochs",
        "9",
        "--method",
        "halving",
        "--metric",
        "mae",
        "--progress",
        "plain",
    ])));
    assert!(finished.stderr.contains("rung 1 of 3: 5 trials of 1 epoch"), "{}", finished.stderr);
    let rows = table(&scratch, "artifacts");
    let rung = |rung: &str| rows.iter().filter(|row| row[1] == rung).cloned().collect::<Vec<_>>();
    assert_eq!((rung("").len(), rung("0").len(), rung("1").len(), rung("2").len()), (1, 5, 2, 1));
    let mut first = rung("0");
    first
        .sort_by(|one, other| one[3].parse::<f64>().unwrap().total_cmp(&other[3].parse().unwrap()));
    let mut kept = [first[0][0].clone(), first[1][0].clone()];
    kept.sort();
    assert_eq!(rung("1").iter().map(|row| row[0].clone()).collect::<Vec<_>>(), kept);
    assert_eq!(column(&rung("1"), 3), column(&rung("1"), 5), "ranked by MAE");
    assert!(
        finished.stdout.contains("ranked by validation MAE") && finished.stdout.contains("-rung-2"),
        "{}",
        finished.stdout
    );
}

#[test]
fn a_grid_skips_invalid_combinations_and_survives_failures() {
    let scratch = prepared();
    scratch.file(
        "space.toml",
        "optimizer = [\"adam\", \"adamw\"]\nweight_decay = [0.0, 0.1]\n\
         learning_rate = [0.01, 1e300]\n",
    );
    let args = search(&["--method", "grid", "--progress", "plain"]);
    let finished = scratch.ok(&args);
    assert!(
        finished.stderr.contains(
            "skipped 2 invalid combinations; the first: --weight-decay 0.1: adam has no weight"
        ),
        "{}",
        finished.stderr
    );
    assert!(
        finished.stderr.contains("failed: training stopped: the loss is "),
        "{}",
        finished.stderr
    );
    assert!(finished.stdout.contains("3 failed (see search.csv)"), "{}", finished.stdout);
    let rows = table(&scratch, "artifacts");
    assert_eq!(rows.iter().filter(|row| row[2] == "failed").count(), 3);
    assert!(
        rows.iter()
            .filter(|row| row[2] == "failed")
            .all(|row| row.last().unwrap().contains("the loss is "))
    );
    scratch.fails(
        &[&args[..], &["--trials", "3"]].concat(),
        2,
        "--trials 3: the grid has 6 points",
    );
}

#[test]
fn trials_of_all_windows_are_scored_on_the_same_days() {
    let scratch = prepared();
    scratch.file("space.toml", "window = [3, 9, 20]\n");
    let args = search(&["--method", "grid"]);
    let place = args.iter().position(|arg| *arg == "--window").unwrap();
    scratch.ok(&[&args[..place], &args[place + 2..]].concat());
    let spans: Vec<(Value, Value)> = (0..4)
        .map(|trial| {
            let trial =
                if trial == 0 { "baseline".to_owned() } else { format!("trial-{trial:03}") };
            let evaluation =
                scratch.read_json(&format!("series/search/{trial}/series"), "evaluation.json");
            (evaluation["span"].clone(), evaluation["windows"].clone())
        })
        .collect();
    assert_eq!(
        (spans[0].1.as_u64(), spans.iter().all(|span| *span == spans[0])),
        (Some(30), true),
        "{spans:?}"
    );
    let options = &scratch.read_json("series/search/trial-001/series", "config.json")["options"];
    assert_eq!(options["window"], 3);
    let options = &scratch.read_json("series/search/baseline/series", "config.json")["options"];
    assert_eq!(options["window"], 20, "that of the recipe");
}

#[test]
fn invalid_searches_fail_before_any_training() {
    let scratch = prepared();
    scratch.prices("prices.csv", 700);
    let refused = |space: &str, args: &[&str], code: i32, expected: &str| {
        scratch.file("space.toml", space);
        scratch.fails(&without_units(search(args)), code, expected);
    };
    refused(
        "units = [[3]]\nlerning_rate = [0.1]\n",
        &[],
        1,
        "space.toml, line 2: unknown key `lerning_rate`; did you mean `learning_rate`?",
    );
    refused(
        "dropout = { min = 0.5, max = 0.1 }",
        &[],
        1,
        "space.toml, line 1: `dropout`: expected min below max, got min 0.5 and max 0.1",
    );
    refused("batch_size = [8]\nloss = []", &[], 1, "line 2: `loss`: expected a list like");
    refused(
        "\nbatch_size = [0]",
        &[],
        1,
        "line 2: `batch_size`: expected a whole number from 1 to 1,000,000, got `0`",
    );
    refused(
        "schedule = [\"step:2:0.5\"]",
        &[],
        1,
        "line 1: `schedule = \"step:2:0.5\"`: --schedule step:2:0.5: the first change comes after \
         2 epochs, too long for a run",
    );
    refused(
        "valid = [20, 30]",
        &[],
        1,
        "line 1: `valid`: selects which values are predicted and scored",
    );
    scratch.file("space.toml", "window = [3, 250]");
    let args = search(&[]);
    let place = args.iter().position(|arg| *arg == "--window").unwrap();
    scratch.fails(
        &[&args[..place], &args[place + 2..]].concat(),
        2,
        "space.toml: no room for windows of 250 rows: bars.csv: 200 rows are too few",
    );
    refused(SPACE, &["--trials", "0"], 2, "from 1 to 10,000, got `0`");
    refused(SPACE, &["--trials", "1000000"], 2, "from 1 to 10,000, got `1000000`");
    refused(SPACE, &["--threads", "5000"], 2, "from 1 to 1,024, got `5000`");
    refused(SPACE, &["--minutes", "0"], 2, "expected a number above 0, got `0`");
    refused(SPACE, &["--method", "bayes"], 2, "expected one of random, grid, halving, got `bayes`");
    refused(SPACE, &["--score", "test"], 2, "--score: not available for searches");
    refused(
        SPACE,
        &["--learning-rate", "0.1"],
        2,
        "--learning-rate: `learning_rate` is also a key of space.toml",
    );
    refused(SPACE, &["--method", "grid"], 1, "line 2: `learning_rate`: a grid needs `steps`");
    refused("epochs = [1, 2]", &["--method", "halving"], 2, "--epochs: `epochs` is also a key");
    refused("interval = [0.8, 0.9]", &[], 1, "line 1: `interval`: not a training setting");
    refused(
        SPACE,
        &["--method", "halving", "--epochs", "9", "--trials", "9", "--warmup", "1"],
        1,
        "in the first rung of 1 epoch: --warmup 1: the warm-up takes 1 epochs, too long for a run \
         of 1 epoch",
    );
    refused(
        SPACE,
        &["--split", "course", "--interval", "none"],
        2,
        "the `course` split has no validation set",
    );
    scratch.fails(
        &["search", "letters-onehot-1", "--space", "space.toml"],
        2,
        "search: needs a time-series experiment, and letters-onehot-1 learns letters",
    );
    scratch.fails(
        &["search", "stock-lstm", "--space", "space.toml", "--data", "prices.csv"],
        2,
        "stock-lstm: the `course` split has no validation set",
    );
    scratch.fails(&["search", "stock-gap"], 2, "--space: expected a file of settings to try");
    scratch.fails(
        &["search", "series", "--space", "nothing.toml"],
        1,
        "nothing.toml: cannot be read",
    );
    assert!(!scratch.path("artifacts").exists());
}

#[test]
fn a_search_obeys_its_time_limit_and_refuses_a_different_plan() {
    let scratch = prepared();
    let args = |more: &[&'static str]| without_units(search(&[&["--trials", "2"], more].concat()));
    scratch.fails(
        &args(&["--minutes", "1e-9"]),
        1,
        "search: no training finished in time (use more --minutes)",
    );
    scratch.ok(&args(&[]));
    scratch.fails(
        &args(&["--batch-size", "8"]),
        1,
        "belongs to a search with batch_size = 16, not 8 (use --fresh to start over",
    );
    scratch.fails(
        &args(&["--metric", "mae"]),
        1,
        "belongs to a search with metric = rmse, not mae",
    );
    scratch.file("space.toml", SPACE.replace("[5]", "[6]"));
    scratch.fails(&args(&[]), 1, "a search with the space of units = [[3],[5]], not [[3],[6]]");
    scratch.file("bars.csv", bars(201));
    scratch.ok(&args(&["--fresh"]));
    // A trial on changed data does not count as a trial of this search.
    let evaluation = scratch.artifact("series/search/trial-002/series", "evaluation.json");
    let config = scratch.artifact("series/search/trial-002/series", "config.json");
    let text = fs::read_to_string(&config).unwrap();
    let sha256 = serde_json::from_str::<Value>(&text).unwrap()["source"]["sha256"]
        .as_str()
        .unwrap()
        .to_owned();
    fs::write(&config, text.replace(&sha256, &sha256.chars().rev().collect::<String>())).unwrap();
    let again = scratch.ok(&without_units(search(&["--trials", "2", "--progress", "plain"])));
    assert!(again.stderr.contains("3 trainings, 2 already finished"), "{}", again.stderr);
    fs::write(&evaluation, "{").unwrap();
    let again = scratch.ok(&without_units(search(&["--trials", "2", "--progress", "plain"])));
    assert!(again.stderr.contains("note: retraining trial-002: "), "{}", again.stderr);
    scratch.file("bars.csv", bars(202));
    scratch.fails(&args(&[]), 1, "belongs to a search with data_sha256 = ");
}

#[test]
fn two_searches_cannot_share_a_folder() {
    let scratch = prepared();
    let args = without_units(search(&["--trials", "1", "--epochs", "100000", "--jobs", "1"]));
    let mut first =
        scratch.command(&args).stderr(Stdio::null()).stdout(Stdio::null()).spawn().unwrap();
    let begun = in_time(|| scratch.artifact("series/search", "search.json").exists());
    let second = scratch.run(&without_units(search(&["--trials", "1"])));
    first.kill().unwrap();
    let id = first.id();
    first.wait().unwrap();
    assert!(begun);
    assert_eq!(second.code, 1, "{}", second.stderr);
    assert!(
        second.stderr.contains(&format!("is in use by process {id}, since 2")),
        "{}",
        second.stderr
    );
    scratch.ok(&without_units(search(&["--trials", "1", "--fresh"])));
}

#[test]
fn the_test_set_stays_unseen_until_all_trials_are_trained() {
    let scratch = prepared();
    // Only the first trainings start in time.
    let args = |minutes: &'static str| {
        without_units(search(&[
            "--trials",
            "30",
            "--epochs",
            "60",
            "--jobs",
            "1",
            "--minutes",
            minutes,
        ]))
    };
    let stopped = scratch.ok(&args("0.002"));
    assert!(
        stopped.stdout.contains(
            "Stopped by --minutes; the same command resumes. The test set is scored once all"
        ),
        "{}",
        stopped.stdout
    );
    assert!(
        !scratch.artifact("series/search", "test.json").exists()
            && scratch.artifact("series/search", "best.toml").exists()
    );
    let finished = scratch.ok(&args("100"));
    assert!(
        finished.stdout.contains("Test set, scored once, after the choice of ")
            && !finished.stdout.contains("Stopped"),
        "{}",
        finished.stdout
    );
}

#[test]
fn values_of_the_test_set_change_no_trial() {
    let scratch = prepared();
    let args = |root| without_units(search(&["--trials", "3", "--artifacts", root]));
    scratch.ok(&args("one"));
    let text = bars(200);
    let lines: Vec<String> = text
        .lines()
        .enumerate()
        .map(|(row, line)| if row > 172 { line.replace(",1", ",9") } else { line.to_owned() })
        .collect();
    assert_ne!(lines.join("\n"), text.trim_end());
    scratch.file("bars.csv", lines.join("\n"));
    scratch.ok(&args("other"));
    assert_eq!(table(&scratch, "one"), table(&scratch, "other"));
}

#[test]
fn commands_of_several_runs_inherit_the_data() {
    let scratch = prepared();
    scratch.train("series", &["--data", "bars.csv", "--target", "close"]);
    for command in [
        &["find-lr", "series", "--steps", "20"][..],
        &["train", "series", "--seeds", "2", "--epochs", "1"],
        &["search", "series", "--space", "space.toml", "--trials", "1", "--epochs", "1"],
    ] {
        let finished = scratch.ok(command);
        assert!(
            finished.stderr.contains("bars.csv, as in the previous run (use --data to change it)"),
            "{command:?}: {}",
            finished.stderr
        );
        assert!(!finished.stdout.contains("SYNTHETIC"), "{}", finished.stdout);
    }
    assert_eq!(
        scratch.read_json("series", "search/baseline/series/config.json")["options"]["target"],
        "close"
    );
}

#[cfg(target_os = "linux")]
#[test]
fn memory_does_not_grow_with_trials_that_are_not_started() {
    let scratch = prepared();
    let peak = |trials: &str| {
        let options = [
            "--method",
            "halving",
            "--epochs",
            "9",
            "--minutes",
            "0.0000001",
            "--naive",
            "last-value",
        ];
        let options = [&options[..], &["--trials", trials, "--artifacts", trials]].concat();
        let (finished, memory) = scratch.run_measured(&without_units(search(&options)));
        assert_eq!(finished.code, 1, "{}", finished.stderr);
        assert!(finished.stderr.contains("no training finished in time"), "{}", finished.stderr);
        let text = fs::read_to_string(scratch.path(trials).join("series/search/search.json"));
        let planned: Value = serde_json::from_str(&text.unwrap()).unwrap();
        assert_eq!(planned["trials"].to_string(), trials);
        memory
    };
    let (few, many) = (peak("100"), peak("10000"));
    // Each trial has two numbers, and the draws a hash until they are checked.
    assert!(many < few + (2 << 20), "{few} bytes for 100 trials, {many} for 10,000");
}

#[test]
fn a_search_with_too_many_trials_in_its_file_is_refused() {
    let scratch = prepared();
    let args = without_units(search(&["--trials", "1", "--epochs", "1"]));
    scratch.ok(&args);
    let path = scratch.artifact("series/search", "search.json");
    let text = fs::read_to_string(&path).unwrap();
    let more = text.replacen("\"trials\": 1,", "\"trials\": 1000000000,", 1);
    assert_ne!(text, more);
    fs::write(&path, more).unwrap();
    scratch.fails(&args, 1, "search.json");
}

#[test]
fn a_trial_killed_while_its_run_ended_is_trained_again() {
    let scratch = prepared();
    let args = without_units(search(&["--trials", "2", "--progress", "plain"]));
    scratch.ok(&args);
    let before = table(&scratch, "artifacts");
    let checkpoint = scratch.path("artifacts/series/search/trial-002/series/checkpoint");
    let manifest = checkpoint.join("manifest.json");
    // The scores are written, but the run has not ended.
    fs::copy(checkpoint.join("manifest.before.json"), &manifest).unwrap();
    let again = scratch.ok(&args);
    assert!(again.stderr.contains("3 trainings, 2 already finished"), "{}", again.stderr);
    assert_eq!(table(&scratch, "artifacts"), before);
    let ended: Value = serde_json::from_str(&fs::read_to_string(manifest).unwrap()).unwrap();
    assert!(ended["last"].is_null());
}

#[test]
fn series_are_searched_without_a_file_of_settings() {
    let scratch = Scratch::new();
    scratch.file("bars.csv", bars(200));
    let flags = ["--data", "bars.csv", "--trials", "2", "--cell", "gru", "--epochs", "1"];
    scratch.ok(&without_units(quick(&["search", "series"], &flags)));
    let board = fs::read_to_string(scratch.artifact("series", "search/search.csv")).unwrap();
    let header = board.lines().next().unwrap();
    assert!(header.contains("units") && header.contains("dropout"), "{header}");
    assert!(!header.contains("cell"), "a given setting is not searched: {header}");
    let problem = "only `series` has a built-in space";
    scratch.fails(&["search", "stock-gap", "--trials", "1"], 2, problem);
}
