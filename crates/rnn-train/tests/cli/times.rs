//! Dates as files have them: their forecasts, series in one table, and gaps.

use jiff::{ToSpan, civil::DateTime};

use crate::support::{Scratch, quick};

fn wave(row: usize) -> f64 {
    50.0 + 8.0 * (row as f64 / 5.0).sin() + (row * 7 % 11) as f64 / 10.0
}

/// A file with these dates.
fn rows(dates: impl Iterator<Item = String>) -> String {
    let rows = dates.enumerate().map(|(row, date)| format!("{date},{:.3}\n", wave(row)));
    format!("date,value\n{}", rows.collect::<String>())
}

/// Trains on dates for an epoch; returns the messages and the dates of the forecast of three steps.
fn forecast(scratch: &Scratch, text: &str) -> (String, Vec<String>) {
    let data = scratch.file("data.csv", text);
    let flags = ["--data", &data, "--epochs", "1", "--fresh", "--interval", "none"];
    let trained = scratch.train("series", &flags);
    scratch.ok(&["forecast", "series", "--steps", "3"]);
    let (_, rows) = scratch.read_csv("series", "forecast.csv");
    (trained.stderr, rows.into_iter().map(|row| row[1].clone()).collect())
}

#[test]
fn forecasts_continue_quarters_weeks_months_years_and_counts() {
    let scratch = Scratch::new();
    let days = |row: i64| jiff::civil::date(2020, 1, 1).checked_add(row.days()).unwrap();
    type Dates = fn(i64) -> String;
    let cases: [(Dates, &str, [&str; 3]); 4] = [
        (
            |row| format!("{}Q{}", 1970 + row / 4, row % 4 + 1),
            "dates in `date` are quarters, as their first days",
            ["2000-01-01", "2000-04-01", "2000-07-01"],
        ),
        (
            |row| format!("{}-W{:02}", 2018 + row / 50, row % 50 + 1),
            "dates in `date` are ISO weeks, as their first days",
            ["2020-05-18", "2020-05-25", "2020-06-01"],
        ),
        (
            |row| format!("{}", 1900 + row),
            "years, as their first days",
            ["2020-01-01", "2021-01-01", "2022-01-01"],
        ),
        (
            |row| format!("{}", 1_587_686_400_000 + row * 300_000),
            "Unix milliseconds, times in UTC",
            ["2020-04-24 10:00", "2020-04-24 10:05", "2020-04-24 10:10"],
        ),
    ];
    for (dates, note, next) in cases {
        let (messages, forecast) = forecast(&scratch, &rows((0..120).map(dates)));
        assert!(
            messages.contains(&format!("note: data.csv: {}", "dates in `date` are")),
            "{messages}"
        );
        assert!(messages.contains(note), "{note} in {messages}");
        assert_eq!(forecast, next);
    }
    let (messages, plain) = forecast(&scratch, &rows((0..120).map(|row| days(row).to_string())));
    assert_eq!(plain, ["2020-04-30", "2020-05-01", "2020-05-02"]);
    assert!(!messages.contains("dates in `date` are"), "plain dates need no note: {messages}");
}

#[test]
fn hours_over_the_end_of_summer_time_keep_their_order() {
    let scratch = Scratch::new();
    let first: DateTime = "2024-10-24T00:00".parse().unwrap();
    // 2:00 comes twice on October 27.
    let hours = (0..120).map(|hour: i64| first + (hour - i64::from(hour > 74)).hours());
    let text = rows(hours.map(|time| time.strftime("%Y-%m-%d %H:%M").to_string()));
    assert_eq!(text.matches("2024-10-27 02:00").count(), 2);
    let (_, next) = forecast(&scratch, &text);
    assert_eq!(next, ["2024-10-28 23:00", "2024-10-29", "2024-10-29 01:00"]);
    // With a named zone the hour that will be missing is left out.
    let first: DateTime = "2024-03-26T03:00".parse().unwrap();
    let hours = (0..119).map(|hour: i64| first + hour.hours());
    let text = rows(hours.map(|time| format!("{time}+01:00[Europe/Berlin]")));
    let (_, next) = forecast(&scratch, &text);
    assert_eq!(next, ["2024-03-31 03:00", "2024-03-31 04:00", "2024-03-31 05:00"]);
}

#[test]
fn a_table_of_several_series_is_a_panel() {
    let scratch = Scratch::new();
    let mut text = "unique_id,ds,y\n".to_owned();
    for (name, level) in [("north", 1.0), ("south", 10.0)] {
        for row in 0..120 {
            let day = jiff::civil::date(2020, 1, 1).checked_add((row as i64).days()).unwrap();
            text += &format!("{name},{day},{:.3}\n", level * wave(row));
        }
    }
    let data = scratch.file("long.csv", &text);
    let trained =
        scratch.train("series", &["--data", &data, "--epochs", "1", "--interval", "none"]);
    for note in
        ["long.csv: one series for each `unique_id`", "long.csv: 2 series, 240 rows in total"]
    {
        assert!(trained.stderr.contains(note), "{note} in {}", trained.stderr);
    }
    let config = scratch.read_json("series", "config.json");
    assert_eq!((&config["source"]["series"], &config["source"]["rows"]), (&2.into(), &240.into()));
    let forecast = scratch.json(&["forecast", "series", "--json"]);
    assert_eq!(
        (&forecast[0]["series"], &forecast[1]["series"]),
        (&"north".into(), &"south".into())
    );
    assert_eq!(
        scratch.json(&["evaluate", "series", "--json"]),
        scratch.read_scores("series", "evaluation.json")
    );
    // By another column only if it is named.
    let other = scratch.file("other.csv", text.replace("unique_id", "place"));
    let flags = quick(&["train", "series"], &["--data", &other, "--fresh", "--interval", "none"]);
    scratch.fails(&flags, 1, "name the column of several series with --series-column");
    let named = scratch.ok(&[&flags[..], &["--series-column", "place"]].concat());
    assert!(named.stderr.contains("one series for each `place`"), "{}", named.stderr);
    assert_eq!(scratch.read_json("series", "config.json")["options"]["series_column"], "place");
    scratch.ok(&["evaluate", "series"]);
}

#[test]
fn a_folder_may_hold_tables_of_several_series() {
    let scratch = Scratch::new();
    for file in ["a", "b"] {
        let mut text = "ticker,date,close\n".to_owned();
        for row in 0..240 {
            let (name, day) = (if row < 120 { "X" } else { "Y" }, i64::from(row % 120));
            let day = jiff::civil::date(2020, 1, 1).checked_add(day.days()).unwrap();
            text += &format!("{file}{name},{day},{:.3}\n", wave(row as usize));
        }
        scratch.file(&format!("folder/{file}.csv"), text);
    }
    let flags = ["--data", "folder", "--epochs", "1", "--interval", "none"];
    let trained = scratch.train("series", &flags);
    assert!(trained.stderr.contains("folder: 4 series, 480 rows in total"), "{}", trained.stderr);
}

#[test]
fn a_bad_series_of_a_table_is_named_or_skipped() {
    let scratch = Scratch::new();
    let mut text = "ticker,date,close\n".to_owned();
    for name in ["A", "B", "C"] {
        for row in 0..if name == "C" { 4 } else { 100 } {
            let day = jiff::civil::date(2020, 1, 1).checked_add((row as i64).days()).unwrap();
            let is_bad = name == "B" && row == 7;
            let value = if is_bad { String::new() } else { wave(row).to_string() };
            text += &format!("{name},{day},{value}\n");
        }
    }
    let data = scratch.file("long.csv", text);
    let flags = quick(&["train", "series"], &["--data", &data, "--interval", "none"]);
    scratch.fails(
        &flags,
        1,
        "long.csv, series `B`, column `close`: 1 value is missing in line 109",
    );
    let skipped = scratch.ok(&[&flags[..], &["--skip-bad"]].concat());
    for message in ["skipped: long.csv, series `B`", "skipped: long.csv, series `C`", "1 series, "]
    {
        assert!(skipped.stderr.contains(message), "{message} in {}", skipped.stderr);
    }
}

#[test]
fn the_first_series_of_a_table_may_be_the_bad_one() {
    let scratch = Scratch::new();
    let mut text = "ticker,date,close\n".to_owned();
    for name in ["A", "B"] {
        for row in 0..100 {
            let day = jiff::civil::date(2020, 1, 1).checked_add((row as i64).days()).unwrap();
            let is_bad = name == "A" && row == 7;
            let value = if is_bad { String::new() } else { wave(row).to_string() };
            text += &format!("{name},{day},{value}\n");
        }
    }
    let data = scratch.file("long.csv", text);
    let flags = ["--data", &data, "--epochs", "1", "--interval", "none", "--skip-bad"];
    let trained = scratch.train("series", &flags);
    assert!(trained.stderr.contains("skipped: long.csv, series `A`"), "{}", trained.stderr);
}

#[test]
fn windows_and_forecasts_cross_no_gap_longer_than_max_gap() {
    let scratch = Scratch::new();
    let day = |row: i64| jiff::civil::date(2020, 1, 1).checked_add(row.days()).unwrap().to_string();
    let data =
        scratch.file("gaps.csv", rows((0..130).filter(|row| !(20..30).contains(row)).map(day)));
    let flags = ["--data", &data, "--epochs", "1", "--interval", "none", "--naive", "last-value"];
    let trained = scratch.train("series", &[&flags[..], &["--max-gap", "7d"]].concat());
    assert!(
        trained.stderr.contains(
            "gaps.csv: 1 gap longer than max-gap 7d; 6 of 114 windows cross one and are left out"
        ),
        "{}",
        trained.stderr
    );
    let options = &scratch.read_json("series", "config.json")["options"];
    assert_eq!(options["max_gap"], "7d");
    let again = scratch.ok(&["evaluate", "series"]);
    assert!(again.stderr.contains("6 of 114 windows cross one"), "{}", again.stderr);
    scratch.fails(
        &["predict", "series", "2020-02-01"],
        2,
        "crosses the gap from 2020-01-20 to 2020-01-31",
    );
    // A filled gap is none.
    let filled = [&flags[..], &["--max-gap", "10", "--fill", "linear", "--fresh"]].concat();
    let trained = scratch.train("series", &filled);
    for note in [
        "10 missing rows added (rows are daily)",
        "0 gaps longer than max-gap 10; 0 of 124 windows",
    ] {
        assert!(trained.stderr.contains(note), "{note} in {}", trained.stderr);
    }
    // A forecast behind a gap is refused.
    let recent = rows((0..130).filter(|row| !(115..127).contains(row)).map(day));
    let data = scratch.file("recent.csv", recent);
    let flags = ["--data", &data, "--epochs", "1", "--interval", "none", "--fresh"];
    scratch.train("series", &[&flags[..], &["--max-gap", "3"]].concat());
    scratch.fails(&["forecast", "series"], 2, "longer than --max-gap");
    scratch.fails(
        &quick(&["train", "series"], &["--data", &data, "--max-gap", "soon"]),
        2,
        "expected a number of missing steps, or a time such as 30m, 12h or 7d, got `soon`",
    );
}

#[test]
fn backtests_respect_max_gap() {
    let scratch = Scratch::new();
    let day = |row: i64| jiff::civil::date(2020, 1, 1).checked_add(row.days()).unwrap().to_string();
    let data =
        scratch.file("gaps.csv", rows((0..170).filter(|row| !(100..110).contains(row)).map(day)));
    let flags = ["--data", &data, "--epochs", "1", "--folds", "2", "--interval", "none", "--json"];
    let flags = [&flags[..], &["--naive", "last-value"]].concat();
    let windows = |more: &[&str]| {
        let report = scratch.json(&quick(&["backtest", "series"], &[&flags[..], more].concat()));
        let folds = report["folds"].as_array().unwrap();
        folds.iter().map(|fold| fold["windows"].as_u64().unwrap()).sum::<u64>()
    };
    assert_eq!(windows(&[]) - windows(&["--max-gap", "2"]), 6);
}

#[test]
fn a_forecast_after_the_year_9999_is_an_error() {
    let scratch = Scratch::new();
    let last = jiff::civil::date(9999, 12, 30);
    let day = |row: i64| last.checked_sub((119 - row).days()).unwrap().to_string();
    let data = scratch.file("far.csv", rows((0..120).map(day)));
    scratch.train("series", &["--data", &data, "--epochs", "1", "--interval", "none"]);
    scratch.fails(
        &["forecast", "series", "--steps", "3"],
        2,
        "far.csv: 3 steps end after the year 9999, the last of dates (use --steps 1)",
    );
    scratch.ok(&["forecast", "series", "--steps", "1"]);
}

#[test]
fn a_config_without_the_newer_keys_is_still_read() {
    let scratch = Scratch::new();
    let text = rows((0..120).map(|row: i64| {
        jiff::civil::date(2020, 1, 1).checked_add(row.days()).unwrap().to_string()
    }));
    let data = scratch.file("data.csv", text);
    scratch.train("series", &["--data", &data, "--epochs", "1", "--interval", "none"]);
    let options = &scratch.read_json("series", "config.json")["options"];
    assert_eq!((options.get("max_gap"), options.get("series_column")), (None, None));
    scratch.ok(&["evaluate", "series"]);
}
