//! One model over a folder of series.

use std::fs;

use crate::support::{Scratch, bars, quick};

/// A folder of series, each at a different level.
fn panel(scratch: &Scratch) -> String {
    for (name, factor) in [("a.csv", 1.0), ("b.csv", 10.0), ("c.CSV", 0.1)] {
        let line = |line: &str| {
            let mut values = line.split(',');
            let date = values.next().unwrap();
            let rest = values.map(|value| {
                value
                    .parse::<f64>()
                    .map_or_else(|_| value.to_owned(), |value| (value * factor).to_string())
            });
            [date.to_owned()].into_iter().chain(rest).collect::<Vec<_>>().join(",") + "\n"
        };
        scratch.file(
            &format!("panel/{name}"),
            bars(if name == "b.csv" { 150 } else { 160 }).lines().map(line).collect::<String>(),
        );
    }
    scratch.file("panel/readme.txt", "no series");
    "panel".to_owned()
}

#[test]
fn one_model_learns_a_folder_and_windows_never_cross_series() {
    let scratch = Scratch::new();
    let data = panel(&scratch);
    let finished = scratch
        .train("series", &["--data", &data, "--valid", "2020-05-20", "--test", "2020-07-01"]);
    assert!(
        finished.stderr.contains("panel: 3 series, 470 rows in total\n"),
        "{}",
        finished.stderr
    );
    let config = scratch.read_json("series", "config.json");
    assert_eq!(
        (&config["source"]["series"], &config["source"]["rows"], &config["source"]["file"]),
        (&3.into(), &470.into(), &"panel".into())
    );
    let (header, rows) = scratch.read_csv("series", "predictions.csv");
    assert_eq!(header, "series,date,actual,predicted,lower,upper,q0.05,q0.25,q0.5,q0.75,q0.95");
    // `b.csv` ends ten rows earlier. All series are split on the same days, and no window mixes
    // series.
    let of = |name: &str| rows.iter().filter(|row| row[0] == name).collect::<Vec<_>>();
    assert_eq!((of("a.csv").len(), of("b.csv").len(), of("c.CSV").len()), (30, 20, 30));
    for (name, level) in [("a.csv", 50.0), ("b.csv", 500.0), ("c.CSV", 5.0)] {
        let predicted =
            of(name).iter().map(|row| row[3].parse::<f64>().unwrap()).collect::<Vec<_>>();
        assert!(
            predicted.iter().all(|value| (0.6..1.4).contains(&(value / level))),
            "{name}: {predicted:?}"
        );
    }
    assert_eq!(
        scratch.json(&["evaluate", "series", "--json"]),
        scratch.read_scores("series", "evaluation.json")
    );
    // A series alone in a folder gets the same prediction as among others.
    fs::create_dir(scratch.path("one")).unwrap();
    fs::copy(scratch.path("panel/b.csv"), scratch.path("one/b.csv")).unwrap();
    let day = &of("b.csv")[0][1];
    let among = scratch.json(&["predict", "series", day, "--json"]);
    assert_eq!((among.as_array().unwrap().len(), &among[1]["series"]), (3, &"b.csv".into()));
    let alone = scratch.json(&["predict", "series", day, "--data", "one", "--json"]);
    assert_eq!(among[1]["predicted"], alone[0]["predicted"]);

    let forecast = scratch.json(&["forecast", "series", "--json"]);
    let names: Vec<&str> = forecast
        .as_array()
        .unwrap()
        .iter()
        .map(|forecast| forecast["series"].as_str().unwrap())
        .collect();
    assert_eq!(
        (names, scratch.read_csv("series", "forecast.csv").1.len()),
        (vec!["a.csv", "b.csv", "c.CSV"], 3)
    );
}

#[test]
fn a_bad_file_of_a_folder_is_named_or_skipped() {
    let scratch = Scratch::new();
    let data = panel(&scratch);
    let flags = quick(&["train", "series"], &["--data", &data]);
    for (text, problem) in [
        (
            bars(160).replacen("2020-01-06", "yesterday", 1),
            "aa.csv, line 5, column `date`: expected a date like 2020-04-24, got `yesterday`",
        ),
        (bars(160).replace("open", "price"), "aa.csv, line 1: column `open` is missing"),
        (bars(4), "aa.csv: 4 rows are too few"),
        (String::new(), "aa.csv, line 1: the file is empty"),
        ("date,open,close,volume\n".to_owned(), "aa.csv: has no rows (add one per date)"),
    ] {
        scratch.file("panel/aa.csv", text);
        scratch.fails(&flags, 1, problem);
        scratch.fails(
            &flags,
            1,
            " (with train or backtest, use --skip-bad to skip and report such files)",
        );
    }
    scratch.file("panel/ab.csv", "date;x\n");
    assert!(!scratch.path("artifacts").exists());
    let finished = scratch.ok(&[&flags[..], &["--skip-bad"]].concat());
    for message in [
        "skipped: panel/aa.csv",
        "skipped: panel/ab.csv",
        "panel: 3 series, 470 rows in total, 2 skipped",
    ] {
        assert!(finished.stderr.contains(message), "{message} in {}", finished.stderr);
    }
    assert_eq!(scratch.read_json("series", "config.json")["source"]["series"], 3);
    let again = scratch.ok(&["evaluate", "series"]);
    assert!(
        again.stderr.contains("panel/aa.csv: ")
            && again.stderr.contains("3 series, 470 rows in total, 2 skipped"),
        "as it was trained: {}",
        again.stderr
    );
}

#[test]
fn a_folder_with_only_bad_files_is_an_error() {
    let scratch = Scratch::new();
    for name in ["bad/x.csv", "bad/y.csv"] {
        scratch.file(name, "date,open\n2020-01-01,abc\n");
    }
    scratch.fails(
        &["train", "series", "--data", "bad", "--target", "open"],
        1,
        "bad/x.csv, line 2, column `open`: expected a finite number",
    );
    let skip = ["train", "series", "--data", "bad", "--target", "open", "--skip-bad"];
    scratch.fails(&skip, 1, "no file of the folder is usable; the first: bad/x.csv, line 2");
    scratch.fails(&skip, 1, "skipped: bad/y.csv, line 2");
    assert!(!scratch.path("artifacts").exists());
}

#[test]
fn a_folder_with_a_changed_file_is_different_data() {
    let scratch = Scratch::new();
    let data = panel(&scratch);
    scratch.train("series", &["--data", &data]);
    let hash = || {
        scratch.read_json("series", "config.json")["source"]["sha256"].as_str().unwrap().to_owned()
    };
    let before = hash();
    fs::write(scratch.path("panel/b.csv"), bars(150)).unwrap();
    scratch.fails(
        &["evaluate", "series"],
        1,
        "has changed since the model was trained on it (use --data to read it anyway)",
    );
    scratch.ok(&["evaluate", "series", "--data", &data]);
    let finished = scratch.ok(&["train", "series", "--epochs", "1"]);
    assert!(
        finished.stderr.contains("the data has changed, so earlier losses are ignored"),
        "{}",
        finished.stderr
    );
    assert_ne!(hash(), before);
}

#[test]
fn a_folder_is_backtested_and_trained_with_several_seeds() {
    let scratch = Scratch::new();
    let data = panel(&scratch);
    let report =
        scratch.json(&quick(&["backtest", "series"], &["--data", &data, "--folds", "2", "--json"]));
    assert_eq!(report["data"]["series"], 3);
    assert!(scratch.read_csv("series", "backtest.csv").0.starts_with("fold,series,date,"));
    scratch.train("series", &["--data", &data, "--seeds", "2"]);
    assert_eq!(
        scratch
            .json(&["forecast", "series", "--mean-of-seeds", "--json"])
            .as_array()
            .unwrap()
            .len(),
        3
    );
}
