//! `forecast`: the rows after the last one.

use std::fs;

use serde_json::Value;

use crate::support::{Scratch, bars, business_days, unfinished};

fn values(forecast: &Value) -> Vec<Value> {
    forecast["values"].as_array().unwrap().clone()
}

#[test]
fn forecasts_are_of_the_next_business_days_with_intervals_and_files() {
    let scratch = Scratch::new();
    let data = scratch.file("bars.csv", bars(200));
    scratch.train("series", &["--data", &data, "--horizon", "4"]);
    let forecast = scratch.json(&["forecast", "series", "--json"]);
    let expected: Vec<String> =
        business_days().skip(200).take(4).map(|day| day.to_string()).collect();
    let times: Vec<String> = values(&forecast[0])
        .iter()
        .map(|value| value["time"].as_str().unwrap()[..10].to_owned())
        .collect();
    assert_eq!((times, &forecast[0]["series"]), (expected.clone(), &"bars.csv".into()));
    for value in values(&forecast[0]) {
        let [lower, point, upper] =
            ["lower", "value", "upper"].map(|name| value[name].as_f64().unwrap());
        assert!(lower < point && point < upper && (20.0..80.0).contains(&point), "{value}");
    }
    // `predict` gives the same value for the row after the last one.
    let next = scratch.json(&["predict", "series", "--json"])[0]["predicted"].as_f64().unwrap();
    scratch.fails(
        &["predict", "series", "--probability"],
        2,
        "--probability: needs a letters experiment",
    );
    scratch.fails(&["predict", "series", "a"], 2, "INPUTS: expected a date");
    assert!((forecast[0]["values"][0]["value"].as_f64().unwrap() / next - 1.0).abs() < 1e-6);

    let finished = scratch.ok(&["forecast", "series", "--steps", "2"]);
    assert!(
        finished.stdout.contains("bars.csv, last row ") && finished.stdout.contains("90% interval"),
        "{}",
        finished.stdout
    );
    let (header, rows) = scratch.read_csv("series", "forecast.csv");
    assert_eq!(
        (&header[..], rows.len(), &rows[1][1]),
        ("series,date,value,lower,upper,q0.05,q0.25,q0.5,q0.75,q0.95", 2, &expected[1])
    );
    let kept = values(&scratch.read_json("series", "forecast.json")[0]);
    assert!(
        kept.iter().zip(values(&forecast[0])).all(|(kept, value)| kept["value"] == value["value"]),
        "fewer steps are the first ones"
    );
    assert!(scratch.read("series", "forecast.svg").contains("forecast of bars.csv"));
    assert_eq!(&fs::read(scratch.artifact("series", "forecast.png")).unwrap()[..4], b"\x89PNG");
    assert_eq!(unfinished(&scratch.path("artifacts")).len(), 0);

    let width = |level: &str| {
        let value =
            scratch.json(&["forecast", "series", "--interval", level, "--json"])[0]["values"][0]
                .clone();
        value["upper"].as_f64().unwrap() - value["lower"].as_f64().unwrap()
    };
    assert!(width("0.5") < width("0.9"));
}

#[test]
fn long_forecasts_continue_from_their_own_values() {
    let scratch = Scratch::new();
    let data = scratch.file("bars.csv", bars(200));
    for (features, transform) in [
        ("open", "residual"),
        ("open,weekday,log-return(open),difference(open),return(open)", "log-return"),
        ("month", "minmax"),
    ] {
        let args = [
            "--data",
            &data,
            "--features",
            features,
            "--transform",
            transform,
            "--horizon",
            "2",
            "--fresh",
        ];
        scratch.train("series", &args);
        let two = values(&scratch.json(&["forecast", "series", "--json"])[0]);
        let seven = values(&scratch.json(&["forecast", "series", "--steps", "7", "--json"])[0]);
        assert_eq!(seven.len(), 7);
        for (one, other) in two.iter().zip(&seven) {
            assert_eq!(
                (&one["time"], &one["value"]),
                (&other["time"], &other["value"]),
                "{features}"
            );
        }
        assert!(
            seven.iter().all(|value| value["value"].is_number() && value["lower"].is_number()),
            "{seven:?}"
        );

        // The third step is the first one of a file that already has the first two.
        let mut text = bars(200);
        for value in &two {
            text +=
                &format!("{},{},50,1000\n", &value["time"].as_str().unwrap()[..10], value["value"]);
        }
        let longer = scratch.file("longer.csv", text);
        let next = values(&scratch.json(&["forecast", "series", "--data", &longer, "--json"])[0]);
        assert_eq!(next[0]["time"], seven[2]["time"]);
        let (one, other) =
            (next[0]["value"].as_f64().unwrap(), seven[2]["value"].as_f64().unwrap());
        assert!((one / other - 1.0).abs() < 1e-5, "{features}: {one} {other}");
    }
    scratch.fails(
        &["forecast", "series", "--steps", "5000"],
        2,
        "needs at least 9 forecasts of 5000 steps in the validation set, which has 0",
    );
}

#[test]
fn forecasts_that_need_what_is_not_known_are_refused_with_advice() {
    let scratch = Scratch::new();
    let data = scratch.file("bars.csv", bars(200));
    scratch.fails(
        &["forecast", "series"],
        1,
        "series: not trained yet in artifacts/series (run `rnn-train train series` first)",
    );
    scratch.fails(
        &["forecast", "letters-onehot-1"],
        2,
        "forecast: needs a time-series experiment, and letters-onehot-1 learns letters",
    );
    assert!(!scratch.path("artifacts").exists());
    let split_conformal = ["--naive", "last-value"];
    let flags = ["--data", &data, "--features", "open,close"];
    scratch.train("series", &[&flags[..], &split_conformal].concat());
    scratch.file("head.csv", "date,open,close,volume\n");
    scratch.file("short.csv", bars(8));
    fs::create_dir(scratch.path("nothing")).unwrap();
    for (args, code, expected) in [
        (
            &["--steps", "2"][..],
            2,
            "2 steps: the model predicts 1 at once, and its features of later rows are unknown \
             (train it with --fresh --horizon 2)",
        ),
        (&["--steps", "0"], 2, "from 1 to 1,000,000"),
        (&["--steps", "-4"], 2, "from 1 to 1,000,000, got `-4`"),
        (&["--interval", "0"], 2, "expected a number above 0 and below 1, or none, got `0`"),
        (&["--interval", "1"], 2, "got `1`"),
        (&["--interval", "90"], 2, "got `90`"),
        (&["--interval", "0.999"], 2, "interval level 0.999: needs at least 999 forecasts"),
        (&["--mean-of-seeds"], 1, "no models of several seeds yet"),
        (&["--data", "nowhere.csv"], 1, "nowhere.csv: cannot be read"),
        (&["--data", "nothing"], 1, "nothing: the folder has no .csv file"),
        (&["--data", "head.csv"], 1, "head.csv: "),
        (&["--data", "short.csv"], 2, "training set: too short for a window (use a smaller"),
    ] {
        scratch.fails(&[&["forecast", "series"], args].concat(), code, expected);
    }
    assert!(!scratch.artifact("series", "forecast.csv").exists());
}

#[test]
fn monthly_and_hourly_dates_continue() {
    let scratch = Scratch::new();
    let value = |row: i32| 20 + row * 37 % 11;
    for (name, dates, expected) in [
        (
            "month",
            (0..120)
                .map(|row| format!("{}-{:02}-01", 2000 + row / 12, row % 12 + 1))
                .collect::<Vec<_>>(),
            ["2010-01-01", "2010-02-01"],
        ),
        (
            "hour",
            (0..120).map(|row| format!("2024-03-{:02} {:02}:30", row / 24 + 1, row % 24)).collect(),
            ["2024-03-06 00:30", "2024-03-06 01:30"],
        ),
    ] {
        let rows: String =
            dates.iter().zip(0..).map(|(date, row)| format!("{date},{}\n", value(row))).collect();
        let data = scratch.file(&format!("{name}.csv"), "date,value\n".to_owned() + &rows);
        scratch.train("series", &["--data", &data, "--fresh"]);
        scratch.ok(&["forecast", "series", "--steps", "2"]);
        let (_, rows) = scratch.read_csv("series", "forecast.csv");
        assert_eq!([&rows[0][1], &rows[1][1]], expected, "{name}");
    }
}
