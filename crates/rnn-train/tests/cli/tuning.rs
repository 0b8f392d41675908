//! Learning-rate schedules, quantiles, the range test, and scores of the validation set.

use crate::support::{Scratch, bars, quick};

fn rates(scratch: &Scratch, experiment: &str) -> Vec<f64> {
    let (header, rows) = scratch.read_csv(experiment, "metrics.csv");
    let place = header.split(',').position(|name| name == "learning_rate").unwrap();
    rows.iter().map(|row| row[place].parse().unwrap()).collect()
}

#[test]
fn schedules_record_their_rate_and_restart_in_a_later_run() {
    let scratch = Scratch::new();
    let step = [
        "train",
        "letters-onehot-1",
        "--progress",
        "none",
        "--epochs",
        "4",
        "--learning-rate",
        "0.5",
        "--schedule",
        "step:2:0.5",
    ];
    scratch.ok(&step);
    assert_eq!(rates(&scratch, "letters-onehot-1"), [0.5, 0.5, 0.25, 0.25]);
    scratch.ok(&step);
    assert_eq!(rates(&scratch, "letters-onehot-1"), [0.5, 0.5, 0.25, 0.25, 0.5, 0.5, 0.25, 0.25]);
    let later = scratch.ok(&[
        "train",
        "letters-onehot-1",
        "--progress",
        "none",
        "--epochs",
        "2",
        "--warmup",
        "1",
    ]);
    assert!(
        later.stderr.contains("changed since the previous run: ")
            && later.stderr.contains("schedule constant (before: step:2:0.5)"),
        "{}",
        later.stderr
    );
}

#[test]
fn a_plateau_lowers_the_learning_rate() {
    let scratch = Scratch::new();
    // A learning rate too small to change a weight.
    let args = [
        "--epochs",
        "6",
        "--learning-rate",
        "1e-20",
        "--schedule",
        "plateau:2:0.5",
        "--progress",
        "none",
    ];
    scratch.ok(&[&["train", "letters-onehot-1"], &args[..]].concat());
    assert_eq!(rates(&scratch, "letters-onehot-1"), [1e-20, 1e-20, 1e-20, 5e-21, 5e-21, 2.5e-21]);
}

#[test]
fn the_rate_of_every_step_follows_the_schedule() {
    let scratch = Scratch::new();
    let data = scratch.file("bars.csv", bars(200));
    let args = [
        "--data",
        &data,
        "--epochs",
        "4",
        "--learning-rate",
        "0.08",
        "--schedule",
        "cosine",
        "--warmup",
        "1",
        "--batch-size",
        "5",
    ];
    scratch.train("series", &args);
    let rates = rates(&scratch, "series");
    // The last step of the warm-up is one step below the rate; the cosine ends one step above 0.
    assert!(
        rates[0] < 0.08
            && rates[0] > 0.07
            && rates[1] < 0.08
            && rates[2] < rates[1]
            && rates[3] < 0.001,
        "{rates:?}"
    );
    let weights = scratch.read("series", "weights.txt");
    scratch.train("series", &[&args[..], &["--fresh"]].concat());
    assert!(scratch.read("series", "weights.txt") == weights, "the same run, the same weights");
}

#[test]
fn quantiles_never_cross_in_any_file_and_are_scored() {
    let scratch = Scratch::new();
    let data = scratch.file("bars.csv", bars(300));
    let quantiles = ["--loss", "quantile", "--quantiles", "0.1,0.25,0.5,0.75,0.9"];
    scratch.train(
        "series",
        &[
            &[
                "--data",
                &data,
                "--horizon",
                "2",
                "--target",
                "open",
                "--features",
                "open",
                "--epochs",
                "30",
            ],
            &quantiles[..],
        ]
        .concat(),
    );
    let (header, rows) = scratch.read_csv("series", "predictions.csv");
    assert_eq!(header, "date,step,actual,predicted,lower,upper,q0.1,q0.25,q0.5,q0.75,q0.9");
    let rows: Vec<Vec<f64>> = rows
        .iter()
        .map(|row| row[2..].iter().map(|cell| cell.parse().unwrap()).collect())
        .collect();
    for row in &rows {
        assert!(row[4..].windows(2).all(|pair| pair[0] < pair[1]), "{row:?}");
        assert_eq!(
            (row[1], row[2], row[3]),
            (row[6], row[4], row[8]),
            "the middle is the forecast, the outer ones its interval"
        );
    }
    let interval = &scratch.read_json("series", "evaluation.json")["interval"];
    let fraction = |is: &dyn Fn(&Vec<f64>) -> bool| {
        rows.iter().filter(|row| is(row)).count() as f64 / rows.len() as f64
    };
    assert_eq!(
        (&interval["method"], &interval["quantiles"][1]["quantile"]),
        (&"quantiles".into(), &0.25.into())
    );
    assert!((interval["level"].as_f64().unwrap() - 0.8).abs() < 1e-12);
    assert_eq!(
        interval["coverage"].as_f64().unwrap(),
        fraction(&|row| row[2] <= row[0] && row[0] <= row[3])
    );
    assert_eq!(
        interval["quantiles"][1]["below"].as_f64().unwrap(),
        fraction(&|row| row[0] <= row[5])
    );

    let shown = scratch.ok(&["forecast", "series"]);
    assert!(shown.stdout.contains("80% interval"), "{}", shown.stdout);
    let (header, rows) = scratch.read_csv("series", "forecast.csv");
    assert_eq!(
        (header.as_str(), rows.len()),
        ("series,date,value,lower,upper,q0.1,q0.25,q0.5,q0.75,q0.9", 2)
    );
    let beyond = scratch.ok(&["forecast", "series", "--steps", "5"]);
    assert!(
        beyond.stderr.contains("no intervals: the model has quantiles for 2 rows")
            && !beyond.stdout.contains("interval"),
        "{}",
        beyond.stderr
    );
    assert_eq!(scratch.read_csv("series", "forecast.csv").0, "series,date,value,lower,upper");
    scratch.fails(
        &["forecast", "series", "--interval", "0.5"],
        2,
        "--interval: the quantile loss takes its intervals from",
    );
    scratch.fails(
        &quick(&["train", "series"], &["--data", &data, "--quantiles", "0.1,0.5,0.9"]),
        1,
        "was trained with quantiles = [0.1,0.25,0.5,0.75,0.9]",
    );
    // Several seeds and backtests support quantiles, too.
    let seeds = scratch.ok(&quick(
        &["train", "series"],
        &[&["--data", &data, "--seeds", "2"], &quantiles[..]].concat(),
    ));
    assert!(seeds.stdout.contains("mean forecast"), "{}", seeds.stdout);
    scratch.ok(&["forecast", "series", "--mean-of-seeds"]);
    let report = scratch.json(&quick(
        &["backtest", "series"],
        &[&["--data", &data, "--folds", "2", "--json"], &quantiles[..]].concat(),
    ));
    assert!(report["coverage"].as_f64().unwrap() > 0.0, "{report}");
}

#[test]
fn the_validation_set_can_be_scored_instead_of_the_test_set() {
    let scratch = Scratch::new();
    let data = scratch.file("bars.csv", bars(200));
    let finished = scratch.train("series", &["--data", &data, "--score", "valid"]);
    let evaluation = scratch.read_json("series", "evaluation.json");
    assert_eq!(
        (&evaluation["set"], &evaluation["windows"], &evaluation["interval"]),
        (&"valid".into(), &30.into(), &serde_json::Value::Null)
    );
    assert!(
        finished.stdout.contains("30 validation values of")
            && finished.stdout.contains("The test set was not scored."),
        "{}",
        finished.stdout
    );
    // The values of the test set change nothing.
    let weights = scratch.read("series", "weights.txt");
    let text = bars(200);
    let lines: Vec<&str> = text.lines().collect();
    let changed: Vec<String> = (0..lines.len())
        .map(|row| if row > 172 { lines[row].replace(",1", ",9") } else { lines[row].to_owned() })
        .collect();
    assert_ne!(changed.join("\n"), lines.join("\n"));
    let other = scratch.file("other.csv", changed.join("\n"));
    scratch.train("series", &["--data", &other, "--score", "valid", "--fresh"]);
    let again = scratch.read_json("series", "evaluation.json");
    assert!(
        weights == scratch.read("series", "weights.txt") && again["rmse"] == evaluation["rmse"]
    );
    scratch.fails(
        &["backtest", "series", "--data", &data, "--score", "valid"],
        2,
        "--score: not available for backtests",
    );
}

#[test]
fn a_range_test_suggests_a_rate_and_keeps_the_previous_run() {
    let scratch = Scratch::new();
    scratch.ok(&["train", "letters-onehot-4", "--epochs", "2", "--progress", "none"]);
    let weights = scratch.read("letters-onehot-4", "weights.txt");
    let args = [
        "find-lr",
        "letters-onehot-4",
        "--lowest",
        "1e-5",
        "--steps",
        "60",
        "--optimizer",
        "sgd",
        "--momentum",
        "0",
    ];
    let finished = scratch.ok(&args);
    assert!(
        finished.stdout.contains("Suggested: --learning-rate ")
            && finished.stdout.contains("Why: the loss falls from"),
        "{}",
        finished.stdout
    );
    let (header, rows) = scratch.read_csv("letters-onehot-4", "find-lr.csv");
    assert_eq!((header.as_str(), rows.len()), ("step,learning_rate,loss,smoothed", 60));
    let report = scratch.read_json("letters-onehot-4", "find-lr.json");
    let rate = |index: usize| report["points"][index]["learning_rate"].as_f64().unwrap();
    assert!((rate(0) - 1e-5).abs() < 1e-15 && (rate(59) - 1.0).abs() < 1e-9, "{report}");
    assert_eq!(
        scratch.json(&[&args[..], &["--json"]].concat()),
        report,
        "the same seed, the same numbers"
    );
    for picture in ["find-lr.svg", "find-lr.png"] {
        assert!(scratch.artifact("letters-onehot-4", picture).exists());
    }
    assert!(scratch.read("letters-onehot-4", "weights.txt") == weights);

    let data = scratch.file("bars.csv", bars(200));
    let series = scratch.json(&[
        "find-lr", "series", "--data", &data, "--units", "4", "--window", "5", "--steps", "40",
        "--json",
    ]);
    assert!(series["points"].as_array().unwrap().len() > 10, "{series}");
    for (args, expected) in [
        (
            &["--lowest", "1", "--highest", "10"][..],
            "--lowest, --highest: expected rates from 1e-12 to 1e3, the highest at least 100 times \
             the lowest",
        ),
        (&["--lowest", "1e-300"], "--lowest, --highest: expected rates"),
        (
            &["--epochs", "3"],
            "--epochs: not available for a range test (use --steps, --lowest and --highest)",
        ),
        (&["--steps", "3"], "--steps 3: a range test needs at least 20 steps"),
        (&["--lowest", "0"], "expected a number above 0, got `0`"),
    ] {
        scratch.fails(&[&["find-lr", "letters-onehot-1"], args].concat(), 2, expected);
    }
}

#[test]
fn an_untrained_median_is_the_naive_forecast() {
    let scratch = Scratch::new();
    let data = scratch.file("bars.csv", bars(200));
    let rmse = |quantiles: &str| {
        // The learning rate is too small to change the initial weights.
        let args = [
            "--data",
            &data,
            "--fresh",
            "--epochs",
            "1",
            "--learning-rate",
            "1e-20",
            "--loss",
            "quantile",
            "--quantiles",
            quantiles,
        ];
        scratch.train("series", &args);
        scratch.read_json("series", "evaluation.json")["rmse"].as_f64().unwrap()
    };
    let (middle, first, last) = (rmse("0.05,0.5,0.95"), rmse("0.5,0.95"), rmse("0.1,0.2,0.5"));
    assert!(
        (middle - first).abs() < 1e-6 && (middle - last).abs() < 1e-6,
        "{middle} {first} {last}"
    );
}

#[test]
fn a_run_can_be_scored_on_either_set_and_a_perfect_baseline_is_reported() {
    let scratch = Scratch::new();
    let data = scratch.file("bars.csv", bars(200));
    scratch.train("series", &["--data", &data]);
    let both = ["test", "valid"]
        .map(|part| scratch.json(&["evaluate", "series", "--score", part, "--json"]));
    assert_eq!(
        (&both[0]["set"], &both[1]["set"], both[0]["rmse"] == both[1]["rmse"]),
        (&"test".into(), &"valid".into(), false)
    );
    assert_eq!(scratch.json(&["evaluate", "series", "--json"]), both[0]);
    scratch.fails(
        &["evaluate", "letters-onehot-1", "--score", "test"],
        2,
        "--score: needs a time-series experiment, and letters-onehot-1 learns letters",
    );
    // Intervals of a forecast do not depend on the scored set.
    let forecast = scratch.json(&["forecast", "series", "--json"]);
    scratch.train("series", &["--data", &data, "--fresh", "--score", "valid"]);
    assert_eq!(scratch.json(&["forecast", "series", "--json"]), forecast);
    let seeds = scratch
        .ok(&quick(&["train", "series"], &["--data", &data, "--score", "valid", "--seeds", "2"]));
    assert!(seeds.stdout.contains("30 validation values of"), "{}", seeds.stdout);
    scratch.fails(
        &quick(
            &["train", "series"],
            &["--data", &data, "--split", "course", "--interval", "none", "--purge", "9"],
        ),
        2,
        "--purge: the `course` split has no gap between its sets",
    );

    let rows: String = (0..200)
        .map(|row| {
            format!(
                "{},{}\n",
                jiff::civil::date(2020, 1, 1).saturating_add(jiff::Span::new().days(row)),
                [1, 4, 2, 8, 5][row as usize % 5]
            )
        })
        .collect();
    let periodic = scratch.file("periodic.csv", format!("date,value\n{rows}"));
    let args = ["--data", &periodic, "--fresh", "--season", "5", "--score", "valid"];
    let finished = scratch.train("series", &args);
    assert!(
        finished.stdout.contains("`seasonal naive 5` has no error here")
            || finished.stdout.contains("has no error here"),
        "{}",
        finished.stdout
    );
    let report = scratch.json(&quick(
        &["backtest", "series"],
        &["--data", &periodic, "--season", "5", "--folds", "2", "--interval", "none", "--json"],
    ));
    assert!(report["folds"][0]["skill"].is_null(), "{report}");
}
