//! `backtest`: folds, each trained on the rows before its test set.

use std::fs;

use serde_json::Value;

use crate::support::{Scratch, bars, business_days, quick, unfinished};

fn backtest(scratch: &Scratch, args: &[&str]) -> Value {
    scratch.json(&quick(&["backtest", "series", "--json"], args))
}

fn column(report: &Value, name: &str) -> Vec<u64> {
    report["folds"].as_array().unwrap().iter().map(|fold| fold[name].as_u64().unwrap()).collect()
}

#[test]
fn folds_expand_or_slide_over_the_end_of_the_data() {
    let scratch = Scratch::new();
    let data = scratch.file("bars.csv", bars(262));
    for (kind, before) in [("expanding", [67, 132, 197]), ("sliding", [67; 3])] {
        let report = backtest(
            &scratch,
            &["--data", &data, "--folds", "3", &format!("--{kind}"), "--interval", "0.5"],
        );
        assert_eq!(
            (&report["kind"], column(&report, "rows_before")),
            (&kind.into(), before.to_vec())
        );
        assert_eq!(
            (column(&report, "fold"), column(&report, "windows")),
            (vec![1, 2, 3], vec![65; 3]),
            "the remaining rows go to the first fold"
        );
        assert_eq!(
            scratch.read_scores("series", "backtest.json"),
            report,
            "the printed report is also written"
        );
        let days: Vec<String> =
            business_days().take(262).map(|day| format!("{day}T00:00:00")).collect();
        for (index, fold) in report["folds"].as_array().unwrap().iter().enumerate() {
            let start = 67 + 65 * index;
            assert_eq!(fold["span"], serde_json::json!([days[start], days[start + 64]]));
            assert!(
                fold["baselines"].as_array().unwrap().len() == 6 && fold["skill"].is_number(),
                "{fold}"
            );
        }
        let mean = |name: &str| {
            report["folds"]
                .as_array()
                .unwrap()
                .iter()
                .map(|fold| fold[name].as_f64().unwrap())
                .sum::<f64>()
                / 3.0
        };
        assert!(
            (mean("mse") / report["overall"]["mse"].as_f64().unwrap() - 1.0).abs() < 1e-9,
            "folds of equal length have equal weight"
        );
        assert!(report["coverage"].is_number() && report["skill"].is_number(), "{report}");
        let (header, rows) = scratch.read_csv("series", "backtest.csv");
        assert_eq!(
            (&header[..], rows.len(), &rows[65][0][..]),
            ("fold,date,actual,predicted,lower,upper,q0.25,q0.5,q0.75", 195, "2")
        );
    }
    assert!(scratch.read("series", "backtest.svg").contains("3 folds of bars.csv"));
    assert_eq!(&fs::read(scratch.artifact("series", "backtest.png")).unwrap()[..4], b"\x89PNG");
    assert_eq!(unfinished(&scratch.path("artifacts")).len(), 0);
}

#[test]
fn parallel_folds_give_the_same_bytes_as_sequential_folds_and_single_runs() {
    let scratch = Scratch::new();
    let data = scratch.file("bars.csv", bars(200));
    let mut tables = Vec::new();
    for jobs in ["1", "2"] {
        let args = [
            "--data",
            &data,
            "--folds",
            "2",
            "--jobs",
            jobs,
            "--threads",
            "1",
            "--progress",
            "plain",
        ];
        let finished = scratch.ok(&quick(&["backtest", "series"], &args));
        for message in ["2 folds (expanding), ", "fold 1: RMSE ", "fold 2: RMSE "] {
            assert!(finished.stderr.contains(message), "{message} in {}", finished.stderr);
        }
        assert!(
            finished.stdout.starts_with(
                "series, 2 folds (expanding) of bars.csv\n fold     rows before  test set"
            ),
            "{}",
            finished.stdout
        );
        assert!(
            finished.stdout.contains("\n overall ")
                && finished.stdout.contains("Over all folds, the model "),
            "{}",
            finished.stdout
        );
        tables.push(scratch.read("series", "backtest.csv"));
    }
    assert!(tables[0] == tables[1], "one job and two");

    let days: Vec<String> = business_days().take(200).map(|day| day.to_string()).collect();
    let (test, until) = (&days[68], &days[133]);
    scratch.train(
        "series",
        &[
            "--data",
            &data,
            "--artifacts",
            "hand",
            "--until",
            until,
            "--test",
            test,
            "--valid",
            "0.15",
        ],
    );
    let by_hand = fs::read_to_string(scratch.path("hand/series/weights.txt")).unwrap();
    assert!(by_hand == scratch.read("series", "backtest/fold-1/series/weights.txt"));
    assert!(
        !scratch.artifact("series", "config.json").exists(),
        "a backtest writes no run of the experiment"
    );
    scratch.fails(&["evaluate", "series"], 1, "series: not trained yet in ");
}

#[test]
fn folds_of_hourly_data_end_at_the_right_hour_and_odd_column_names_work() {
    let scratch = Scratch::new();
    let mut text = "when,\"Load, MW\",temp\n".to_owned();
    for hour in 0..180 {
        let load = 100 + hour * 37 % 23;
        text +=
            &format!("2024-01-{:02} {:02}:00,{load},{}\n", 1 + hour / 24, hour % 24, hour * 11 % 7);
    }
    let data = scratch.file("hourly.csv", text);
    let report = backtest(
        &scratch,
        &["--data", &data, "--folds", "2", "--until", "2024-01-08 02:00", "--target", "load, mw"],
    );
    assert_eq!(
        column(&report, "windows"),
        [57; 2],
        "a fold that ends at midnight has no later rows of that day: {report}"
    );
    assert_eq!(report["folds"][0]["span"][1], "2024-01-05T17:00:00");
    let report =
        backtest(&scratch, &["--data", &data, "--folds", "2", "--until", "2024-01-06 23:00"]);
    assert_eq!(
        (column(&report, "windows"), &report["folds"][0]["span"][1]),
        (vec![48; 2], &"2024-01-04T23:00:00".into())
    );
    let report = backtest(
        &scratch,
        &[
            "--data",
            &data,
            "--folds",
            "2",
            "--from",
            "2024-01-01 01:00",
            "--until",
            "2024-01-07 00:30",
        ],
    );
    assert_eq!(
        (column(&report, "windows"), &report["folds"][0]["span"][1]),
        (vec![48; 2], &"2024-01-05T00:00:00".into())
    );
}

#[test]
fn invalid_backtests_fail_before_any_training() {
    let scratch = Scratch::new();
    let data = scratch.file("bars.csv", bars(200));
    for (args, code, expected) in [
        (&["--folds", "0"][..], 2, "from 1 to 1,000,000"),
        (&["--folds", "-3"], 2, "from 1 to 1,000,000, got `-3`"),
        (&["--folds", "150", "--naive", "last-value"], 2, "fold 1 of 150: "),
        (&["--folds", "350"], 2, "--folds 350: too many for 200 rows (use at most "),
        (&["--folds", "1000000"], 2, "--folds 1000000: too many for 200 rows (use at most "),
        (&["--folds", "5", "--horizon", "40"], 2, "folds"),
        (
            &["--folds", "5", "--valid", "2020-05-01"],
            2,
            "--valid 2020-05-01: one date cannot start the validation set of every fold",
        ),
        (
            &["--folds", "5", "--naive", "last-value", "--interval", "0.99"],
            2,
            "fold 1 of 5: interval level 0.99: needs at least 99 forecasts",
        ),
        (
            &["--folds", "5", "--season", "30"],
            2,
            "fold 1 of 5: season length 30: must be less than the ",
        ),
        (
            &["--folds", "2", "--optimizer", "adam", "--weight-decay", "0.5"],
            2,
            "--weight-decay 0.5: adam has no weight decay (use --optimizer adamw)",
        ),
        (&["--folds", "2", "--expanding", "--sliding"], 2, "cannot be used with"),
        (
            &["--folds", "2", "--target", "opne"],
            1,
            "column `opne` is missing (did you mean `open`?)",
        ),
        (&["--folds", "2", "--fill", "back"], 2, "expected none, forward or linear, got `back`"),
    ] {
        scratch.fails(&quick(&["backtest", "series", "--data", &data], args), code, expected);
    }
    scratch.fails(
        &["backtest", "series", "--data", "nowhere.csv"],
        1,
        "error: nowhere.csv: cannot be read",
    );
    scratch.fails(&["backtest", "letters-onehot-1"], 2, "backtest: needs a time-series experiment");
    scratch.fails(&["backtest", "seires"], 2, "did you mean `series`?");
    assert!(!scratch.path("artifacts").exists());
}

#[test]
fn a_typed_validation_set_counts_even_if_it_equals_the_recipe() {
    let scratch = Scratch::new();
    let data = scratch.file("bars.csv", bars(262));
    let args = [
        "backtest",
        "stock-gap",
        "--data",
        &data,
        "--folds",
        "2",
        "--epochs",
        "1",
        "--interval",
        "none",
        "--progress",
        "none",
    ];
    scratch.ok(&args);
    let config = scratch.ok(&["config", "stock-gap"]).stdout;
    let file = scratch.file("run.toml", &config);
    scratch.ok(&[&args[..], &["--config", &file]].concat());
    let finished = scratch.run(&[&args[..], &["--valid", "240"]].concat());
    assert_eq!(finished.code, 2);
    assert!(
        finished.stderr.contains("the validation set (240) does not fit"),
        "{}",
        finished.stderr
    );
}
