//! Columns known in the future, and values of whole series.

use std::fs;

use serde_json::Value;

use crate::support::{Scratch, quick};

const ROWS: usize = 200;

/// The day of a row.
fn day(row: usize) -> String {
    let first = jiff::civil::date(2020, 1, 1);
    first.checked_add(jiff::Span::new().days(row as i64)).unwrap().to_string()
}

fn noise(row: usize) -> f64 {
    ((row as f64 * 12.9898).sin() * 43_758.545_3).rem_euclid(1.0)
}

fn promo(row: usize) -> u8 {
    u8::from(noise(3 * row + 1) > 0.6)
}

fn sales(row: usize) -> f64 {
    50.0 + 20.0 * f64::from(promo(row)) + 4.0 * noise(row)
}

/// Daily sales up to a row, with promotions and prices up to a later one.
fn shop(rows: usize, all: usize, promo: impl Fn(usize) -> u8) -> String {
    let mut text = "date,sales,price,promo\n".to_owned();
    for row in 0..all {
        let sales = if row < rows { format!("{:.3}", sales(row)) } else { String::new() };
        text += &format!("{},{sales},{:.2},{}\n", day(row), 9.0 + noise(row / 10), promo(row));
    }
    text
}

/// The rows after the last one alone, with columns in another order.
fn next(rows: std::ops::Range<usize>) -> String {
    let row = |row: usize| format!("{};{};{:.2}\n", promo(row), day(row), 9.0 + noise(row / 10));
    "promo;date;price\n".to_owned() + &rows.map(row).collect::<String>()
}

fn values(forecast: &Value) -> Vec<f64> {
    let values = forecast[0]["values"].as_array().unwrap();
    values.iter().map(|value| value["value"].as_f64().unwrap()).collect()
}

fn times(forecast: &Value) -> Vec<String> {
    let values = forecast[0]["values"].as_array().unwrap();
    values.iter().map(|value| value["time"].as_str().unwrap()[..10].to_owned()).collect()
}

const FLAGS: [&str; 6] = ["--future", "promo,price", "--horizon", "3", "--window", "7"];

fn train(scratch: &Scratch, data: &str, more: &[&str]) -> String {
    scratch.train("series", &[&["--data", data], &FLAGS[..], more].concat()).stderr
}

#[test]
fn known_values_of_later_rows_improve_forecasts_and_are_used_alike() {
    let scratch = Scratch::new();
    let data = scratch.file("shop.csv", shop(ROWS, ROWS + 7, promo));
    let printed = train(&scratch, &data, &["--epochs", "80", "--units", "16"]);
    for message in [
        "shop.csv: 7 rows up to 2020-07-25 have only `promo`, `price`",
        "predicting `sales` (use --target to choose another column); reading `sales`, \
         `level(promo)`, `level(price)` (use --features to choose others); also reading `promo`, \
         `price` up to 3 rows ahead",
    ] {
        assert!(printed.contains(message), "expected {message} in\n{printed}");
    }
    let scores = scratch.read_scores("series", "evaluation.json");
    assert_eq!(scratch.json(&["evaluate", "series", "--json"]), scores);
    let mae = scores["mae"].as_f64().unwrap();
    assert!(mae < 4.0, "a promotion is worth 20, and the noise is 1: {mae}");

    let forecast = scratch.json(&["forecast", "series", "--json"]);
    assert_eq!(times(&forecast), [ROWS, ROWS + 1, ROWS + 2].map(day));
    for (row, value) in (ROWS..).zip(values(&forecast)) {
        assert!((value - 52.0 - 20.0 * f64::from(promo(row))).abs() < 9.0, "{row}: {value}");
    }
    // The same from a file of its own, after the data that ends with the last value.
    let known = scratch.file("known.csv", shop(ROWS, ROWS, promo));
    let later = scratch.file("next.csv", next(ROWS..ROWS + 7));
    let args =
        ["forecast", "series", "--data", &known, "--future-data", &later, "--steps", "6", "--json"];
    let six = scratch.json(&args);
    assert_eq!(values(&six)[..3], values(&forecast));
    assert_eq!(times(&six), (ROWS..ROWS + 6).map(day).collect::<Vec<_>>());
    let day =
        scratch.json(&["predict", "series", "--data", &known, "--future-data", &later, "--json"]);
    assert!((day[0]["predicted"].as_f64().unwrap() / values(&six)[0] - 1.0).abs() < 1e-6);

    // The second half of a long forecast reads the values after its first.
    let longer = scratch.file("longer.csv", {
        let mut text = shop(ROWS, ROWS, promo);
        for (row, value) in (ROWS..).zip(&values(&six)[..3]) {
            text += &format!(
                "{},{value},{:.2},{}\n",
                self::day(row),
                9.0 + noise(row / 10),
                promo(row)
            );
        }
        text + &shop(ROWS, ROWS + 7, promo)
            .lines()
            .skip(1 + ROWS + 3)
            .fold(String::new(), |text, line| text + line + "\n")
    });
    let rest = scratch.json(&["forecast", "series", "--data", &longer, "--json"]);
    for (one, other) in values(&rest).iter().zip(&values(&six)[3..]) {
        assert!((one / other - 1.0).abs() < 1e-4, "{one} {other}");
    }
}

#[test]
fn only_values_up_to_the_horizon_change_a_forecast() {
    let scratch = Scratch::new();
    let data = scratch.file("shop.csv", shop(ROWS, ROWS, promo));
    train(&scratch, &data, &["--epochs", "3"]);
    let forecast = |changed: usize| {
        let promo = |row| if row == changed { 1 - promo(row) } else { promo(row) };
        let data = scratch.file("other.csv", shop(ROWS, ROWS + 9, promo));
        values(&scratch.json(&["forecast", "series", "--data", &data, "--json"]))
    };
    let first = forecast(usize::MAX);
    assert_eq!(forecast(ROWS + 3), first);
    assert_ne!(forecast(ROWS + 2), first);
    assert_ne!(forecast(ROWS), first);

    // Nor do known values of the test set change what is learned.
    let scores = |changed: usize| {
        let promo = |row| if row >= changed { 1 - promo(row) } else { promo(row) };
        let data = scratch.file("test.csv", shop(ROWS, ROWS, promo));
        train(&scratch, &data, &["--epochs", "2", "--fresh"]);
        scratch.read("series", "weights.txt")
    };
    assert_eq!(scores(ROWS), scores(ROWS - 27), "the last rows of the test set");
    assert_ne!(scores(ROWS), scores(20));
}

#[test]
fn a_forecast_needs_the_known_values_of_its_own_rows_alone() {
    let scratch = Scratch::new();
    let data = scratch.file("shop.csv", shop(ROWS, ROWS, promo));
    train(&scratch, &data, &["--epochs", "2"]);
    let forecast = |rows: usize, steps: &'static str| {
        scratch.file("next.csv", next(ROWS..ROWS + rows));
        ["forecast", "series", "--future-data", "next.csv", "--json", "--steps", steps]
    };
    // The model predicts three rows at once.
    for (rows, steps) in [(1, "1"), (2, "2"), (4, "4"), (8, "8")] {
        let all = values(&scratch.json(&forecast(rows, steps)));
        assert!(all.len() == rows && all.iter().all(|value| *value > 0.0), "{steps}: {all:?}");
    }
    let more = values(&scratch.json(&forecast(9, "4")));
    let less = values(&scratch.json(&forecast(4, "4")));
    assert_eq!(more[..3], less[..3], "the first block has all its values");
    let problem = "column `promo` has no value for 2020-07-23: a forecast of 5 rows after \
                   2020-07-18 needs it up to 2020-07-23";
    scratch.fails(&forecast(4, "5"), 1, problem);
}

#[test]
fn a_run_with_known_values_is_backtested_continued_and_exported() {
    let scratch = Scratch::new();
    let data = scratch.file("shop.csv", shop(ROWS, ROWS, promo));
    let later = scratch.file("next.csv", next(ROWS..ROWS + 3));
    train(&scratch, &data, &["--future-data", &later, "--epochs", "2"]);
    let config = scratch.read_json("series", "config.json");
    let options = &config["options"];
    assert_eq!(options["future"], serde_json::json!(["promo", "price"]));
    assert!(options["future_data"].as_str().unwrap().ends_with("next.csv"));
    let first = values(&scratch.json(&["forecast", "series", "--json"]));
    scratch.ok(&["export", "series", "--format", "safetensors", "--out", "out.safetensors"]);
    let exported = fs::read(scratch.path("out.safetensors")).unwrap();
    let exported = String::from_utf8_lossy(&exported[..20_000.min(exported.len())]).into_owned();
    assert!(exported.contains("lead(promo, 3)") && !exported.contains("next.csv"), "{exported}");

    // The file is only read where rows after the last one are needed.
    fs::remove_file(scratch.path("next.csv")).unwrap();
    scratch.ok(&["evaluate", "series"]);
    scratch.fails(&["forecast", "series"], 1, "next.csv: cannot be read");
    let report = scratch.json(&quick(&["backtest", "series"], &["--folds", "2", "--json"]));
    assert_eq!(report["folds"].as_array().unwrap().len(), 2);
    let fold = fs::read_to_string(scratch.artifact("series", "backtest/fold-1/series/config.json"));
    assert!(fold.unwrap().contains("lead(price, 1)"));

    let args = quick(&["backtest", "series"], &["--future-data", "next.csv"]);
    scratch.fails(&args, 2, "--future-data: not available for backtests");
    scratch.file("next.csv", next(ROWS..ROWS + 3));
    let printed = scratch.train("series", &["--epochs", "1", "--window", "7"]).stderr;
    assert!(printed.contains("continuing from epoch"), "{printed}");
    assert_eq!(values(&scratch.json(&["forecast", "series", "--json"])).len(), first.len());
    scratch.fails(
        &quick(&["train", "series"], &["--future", "promo"]),
        1,
        "feature `lead(price, 1)`: the column is not known in the future (add `price` to `future`)",
    );
}

#[test]
fn missing_and_misplaced_known_values_are_errors_with_their_place() {
    let scratch = Scratch::new();
    let data = scratch.file("shop.csv", shop(ROWS, ROWS, promo));
    train(&scratch, &data, &["--epochs", "1"]);
    let needs = |time: &str, last: &str| {
        format!(
            "shop.csv: column `promo` has no value for {time}: a forecast of 3 rows after \
             2020-07-18 needs it up to {last} (add rows after the last value, or use \
             --future-data)"
        )
    };
    scratch.fails(&["forecast", "series"], 1, &needs("2020-07-19", "2020-07-21"));
    // The last row has its own known values; the row after it has none.
    scratch.ok(&["predict", "series", "2020-07-18"]);
    scratch.fails(&["predict", "series"], 1, "a forecast of 1 row after 2020-07-18 needs it");
    let file = |name: &str, text: String| scratch.file(name, text);
    for (text, code, expected) in [
        (next(ROWS..ROWS + 2), 1, needs("2020-07-21", "2020-07-21")),
        (
            next(ROWS..ROWS + 4).replace(&day(ROWS + 1), "2020-07-20 12:00"),
            1,
            "next.csv, line 3".to_owned(),
        ),
        (
            next(ROWS + 1..ROWS + 4),
            1,
            "next.csv, line 2: expected 2020-07-19, the next row after 2020-07-18 of a series that \
             is daily, got 2020-07-20"
                .to_owned(),
        ),
        (
            next(ROWS..ROWS + 4).replace(&day(ROWS + 3), &day(ROWS + 9)),
            1,
            "next.csv, line 5: expected 2020-07-22, the next row after 2020-07-21".to_owned(),
        ),
        (
            next(ROWS..ROWS + 4).replace("promo", "discount"),
            1,
            "next.csv, line 1: column `promo` is missing".to_owned(),
        ),
        (
            next(ROWS..ROWS + 4).replace("\n0;", "\n;").replace("\n1;", "\n;"),
            1,
            "missing in line".to_owned(),
        ),
        (next(0..ROWS), 1, needs("2020-07-19", "2020-07-21")),
    ] {
        file("next.csv", text);
        scratch.fails(&["forecast", "series", "--future-data", "next.csv"], code, &expected);
    }
    scratch.fails(
        &["forecast", "series", "--future-data", "nowhere.csv"],
        1,
        "nowhere.csv: cannot be read",
    );
    file("next.csv", next(ROWS..ROWS + 7));
    let args = ["forecast", "series", "--future-data", "next.csv", "--steps", "8"];
    scratch.fails(&args, 1, "column `promo` has no value for 2020-07-26");
    file("both.csv", shop(ROWS, ROWS + 3, promo));
    let args = ["forecast", "series", "--data", "both.csv", "--future-data", "next.csv"];
    scratch.fails(&args, 1, "both.csv has rows after its last value already, from 2020-07-19 on");
    // A column that ends before the last value of the target.
    let early = shop(ROWS, ROWS, promo).replace(",1\n", ",\n");
    file("early.csv", early);
    let fresh = |args: &[&'static str]| quick(&["train", "series", "--fresh"], args);
    scratch.fails(
        &fresh(&["--data", "early.csv", "--target", "sales", "--future", "promo"]),
        1,
        "early.csv, column `promo`: ",
    );
    for (args, code, expected) in [
        (
            &["--target", "sales", "--future", "sales"][..],
            2,
            "--future sales: the target is not known in the future",
        ),
        (&["--future", "prmo"], 1, "column `prmo` is missing (did you mean `promo`?)"),
        (
            &["--features", "sales,lead(promo, 1)"],
            1,
            "feature `lead(promo, 1)`: the column is not known in the future (add `promo` to \
             `future`)",
        ),
        (
            &["--future", "promo", "--features", "sales,lead(promo, 2)"],
            1,
            "feature `lead(promo, 2)`: expected at most the horizon of 1 rows, got 2",
        ),
        (&["--future-data", "next.csv"], 2, "--future-data: no column is known in the future"),
        (&["--static-data", "next.csv"], 2, "--static-data next.csv: the data has one series"),
    ] {
        let args = fresh(&[&["--data", "shop.csv"], args].concat());
        scratch.fails(&args, code, expected);
    }
    scratch.ok(&["evaluate", "series"]);
}

/// Three shops whose sales depend on their size and region, with later promotions.
fn shops(rows: usize, all: usize) -> String {
    let mut text = "shop,date,sales,promo\n".to_owned();
    for (name, level) in [("A", 1.0), ("B", 2.0), ("C", 4.0)] {
        for row in 0..all {
            let sales =
                if row < rows { format!("{:.3}", level * sales(row)) } else { String::new() };
            text += &format!("{name},{},{sales},{}\n", day(row), promo(row));
        }
    }
    text
}

const PANEL: [&str; 8] =
    ["--data", "shops.csv", "--series-column", "shop", "--target", "sales", "--horizon", "2"];

#[test]
fn a_panel_reads_known_values_and_values_of_each_series() {
    let scratch = Scratch::new();
    scratch.file("shops.csv", shops(120, 120));
    scratch.file("about.csv", "shop,size,region\nC,40,north\nA,10,north\nB,20,south\n");
    let more = ["--future", "promo", "--static-data", "about.csv", "--naive", "last-value"];
    scratch.train("series", &[&PANEL[..], &more].concat());
    let config = scratch.read_json("series", "config.json");
    let features: Vec<&str> = config["options"]["features"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one.as_str().unwrap())
        .collect();
    assert_eq!(
        features,
        [
            "sales",
            "level(promo)",
            "lead(promo, 1)",
            "lead(promo, 2)",
            "static(size)",
            "static(region=north)",
            "static(region=south)"
        ]
    );
    let later: String = ["A", "B", "C"]
        .iter()
        .flat_map(|name| (120..122).map(move |row| format!("{name},{},{}\n", day(row), promo(row))))
        .collect();
    scratch.file("next.csv", "shop,date,promo\n".to_owned() + &later);
    let forecast = scratch.json(&["forecast", "series", "--future-data", "next.csv", "--json"]);
    assert_eq!(forecast.as_array().unwrap().len(), 3);
    // One row for each series also says whose it is.
    scratch.file("one.csv", {
        let rows = later.lines().step_by(2).map(|line| line.to_owned() + "\n");
        "shop,date,promo\n".to_owned() + &rows.collect::<String>()
    });
    let problem = "series `A`: column `promo` has no value for 2020-05-01";
    let problem = problem.replace("series `A`", "A");
    scratch.fails(&["forecast", "series", "--future-data", "one.csv"], 1, &problem);
    // The same rows in the data.
    scratch.file("all.csv", shops(120, 122));
    let other = scratch.json(&["forecast", "series", "--data", "all.csv", "--json"]);
    assert_eq!(other[2]["values"], forecast[2]["values"]);
    // Another value of a series changes its forecast.
    let scores = scratch.read_scores("series", "evaluation.json");
    assert_eq!(scratch.json(&["evaluate", "series", "--json"]), scores);
    scratch.file("about.csv", "shop,size,region\nC,10,south\nA,10,north\nB,20,south\n");
    scratch.fails(&["evaluate", "series"], 1, "has changed since the model was trained on it");
    let changed = scratch.json(&["forecast", "series", "--data", "all.csv", "--json"]);
    assert_ne!(changed[2]["values"], other[2]["values"]);

    for (about, expected) in [
        (
            "shop,size,region\nA,10,north\nB,20,south\n",
            "about.csv: column `shop` has no row for the series `C` of shops.csv, series `C` (add",
        ),
        ("shop,size\nA,1\nB,\nC,2\n", "about.csv, line 3, column `size`: expected a value"),
        ("", "about.csv, line 1: the file is empty"),
    ] {
        scratch.file("about.csv", about);
        scratch.fails(
            &quick(&["train", "series", "--fresh"], &[&PANEL[..], &more].concat()),
            1,
            expected,
        );
    }
    scratch.file("about.csv", "shop,size\nA,1\nB,2\n");
    let skip = [&PANEL[..], &more, &["--skip-bad", "--fresh"]].concat();
    let printed = scratch.train("series", &skip).stderr;
    assert!(printed.contains("2 series") && printed.contains("1 skipped"), "{printed}");
    let named = [&PANEL[..], &more, &["--fresh", "--features", "sales,static(sise)"]].concat();
    scratch.fails(
        &quick(&["train", "series"], &named),
        2,
        "feature `static(sise)`: about.csv has no value `sise` (did you mean `size`?)",
    );
}

#[test]
fn a_folder_of_series_takes_a_folder_of_known_values() {
    let scratch = Scratch::new();
    for name in ["a", "b"] {
        scratch.file(&format!("panel/{name}.csv"), shop(ROWS, ROWS, promo));
        scratch.file(&format!("later/{name}.csv"), next(ROWS..ROWS + 3));
    }
    scratch.file("about.csv", "file,size\na,10\nb.csv,20\n");
    train(&scratch, "panel", &["--static-data", "about.csv", "--epochs", "1"]);
    let args = ["forecast", "series", "--future-data", "later", "--json"];
    let forecast = scratch.json(&args);
    assert_eq!(forecast.as_array().unwrap().len(), 2);
    // A file with a column of labels has the same rows.
    let long: String = ["a", "b.csv"]
        .iter()
        .flat_map(|name| (ROWS..ROWS + 3).map(move |row| (name, row)))
        .map(|(name, row)| {
            format!("{name},{},{},{:.2}\n", day(row), promo(row), 9.0 + noise(row / 10))
        })
        .collect();
    scratch.file("long.csv", "series,date,promo,price\n".to_owned() + &long);
    let of_long = ["forecast", "series", "--future-data", "long.csv", "--json"];
    assert_eq!(scratch.json(&of_long), forecast);
    fs::rename(scratch.path("later/a.csv"), scratch.path("later/c.csv")).unwrap();
    scratch.fails(&args, 1, "a.csv: column `promo` has no value for 2020-07-19");
    fs::rename(scratch.path("later/b.csv"), scratch.path("later/d.csv")).unwrap();
    scratch.fails(&args, 2, "--future-data later: none of its series is one of the data");
}
