//! Small hard cases: level shifts, zeros, lines, constants, long seasons.

use jiff::{Span, civil::date};
use serde_json::Value;

use crate::support::{Scratch, bars, business_days, quick};

/// A file of daily values.
fn daily(rows: usize, value: impl Fn(usize) -> f64) -> String {
    let line = |row: usize| {
        let day = date(2020, 1, 1).checked_add(Span::new().days(row as i64)).unwrap();
        format!("{day},{}\n", value(row))
    };
    format!("date,value\n{}", (0..rows).map(line).collect::<String>())
}

/// Noise of mean 0 and size 1, the same for the same row.
fn noise(row: usize) -> f64 {
    let mixed = (row as u32).wrapping_mul(2_654_435_761) ^ 0x9e37_79b9;
    let mixed = (mixed ^ mixed >> 15).wrapping_mul(2_246_822_519);
    f64::from((mixed ^ mixed >> 13) >> 8) / f64::from(1 << 24) - 0.5
}

/// Bars with an unadjusted 10:1 split, in a row counted from 0.
fn split_bars(rows: usize, from: usize, header: [&str; 2]) -> String {
    let mut text = format!("date,{},{},volume\n", header[0], header[1]);
    for (row, line) in bars(rows).lines().skip(1).enumerate() {
        let cells: Vec<&str> = line.split(',').collect();
        let price =
            |cell: usize| cells[cell].parse::<f64>().unwrap() * if row < from { 1.0 } else { 0.1 };
        text += &format!("{},{:.4},{:.4},{}\n", cells[0], price(1), price(2), cells[3]);
    }
    text
}

fn values(forecast: &Value) -> Vec<f64> {
    let values = forecast[0]["values"].as_array().unwrap();
    values.iter().map(|value| value["value"].as_f64().unwrap()).collect()
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("expected a number, got {value}"))
}

#[test]
fn prices_with_an_unadjusted_split_are_refused_adjusted_or_kept() {
    let scratch = Scratch::new();
    scratch.file("prices.csv", split_bars(200, 100, ["open", "close"]));
    let day = business_days().nth(100).unwrap();
    let cause = format!(
        "times its level on {day} and stays there, as prices do after an unadjusted 10:1 split"
    );
    let sets = ["--valid", "40", "--test", "30"];
    let train = |experiment: &'static str, args: &[&'static str]| {
        let data = ["--data", "prices.csv"];
        quick(&["train", experiment], &[&data[..], &sets, args].concat())
    };
    for experiment in ["series", "stock-gap", "stock-open"] {
        let args = train(experiment, &[]);
        scratch.fails(&args, 2, "prices.csv: `open` falls to 0.1");
        scratch.fails(&args, 2, &format!("{cause} (use --level-shifts adjust to multiply"));
        scratch.fails(&args, 2, "or --level-shifts keep to train on the values as they are)");
    }
    assert!(!scratch.path("artifacts").exists());

    let finished = scratch.ok(&train("stock-gap", &["--level-shifts", "adjust"]));
    let note = format!("{cause}; the rows before are multiplied by 0.1");
    assert!(finished.stderr.contains(&note), "{}", finished.stderr);
    let gap = |name: &str| number(&scratch.read_json("stock-gap", "evaluation.json")[name]);
    let adjusted = gap("mase");
    assert!(adjusted < 1.5, "{adjusted}");
    let forecast = values(&scratch.json(&["forecast", "stock-gap", "--json"]));
    assert!((4.0..7.0).contains(&forecast[0]), "in the units of the last rows: {forecast:?}");
    assert_eq!(
        scratch.json(&["evaluate", "stock-gap", "--json"]),
        scratch.read_scores("stock-gap", "evaluation.json")
    );
    // The same model reads a file with a later split.
    scratch.file("later.csv", split_bars(200, 180, ["open", "close"]));
    let finished = scratch.ok(&["forecast", "stock-gap", "--data", "later.csv"]);
    assert!(finished.stderr.contains("trained before is in other units"), "{}", finished.stderr);
    let finished = scratch.ok(&train("stock-gap", &["--level-shifts", "keep", "--fresh"]));
    assert!(finished.stderr.contains("10:1 split; the values are kept"), "{}", finished.stderr);
    assert!(gap("mase") < adjusted, "the shift is part of the scale");

    // Nothing is refused for what the test set has.
    scratch.file("late.csv", split_bars(200, 180, ["open", "close"]));
    let late = quick(&["train", "series"], &[&["--data", "late.csv"][..], &sets].concat());
    let finished = scratch.ok(&late);
    assert!(finished.stderr.contains("warning: late.csv: `open` falls to"), "{}", finished.stderr);
}

#[test]
fn other_series_with_a_level_shift_have_a_warning() {
    let scratch = Scratch::new();
    let flow = |row| (10.0 + noise(row)) * if row < 90 { 1.0 } else { 4.0 };
    scratch.file("flow.csv", daily(200, flow).replace("value", "flow"));
    let finished = scratch.train("series", &["--data", "flow.csv"]);
    let warning = "times its level on 2020-03-31 and stays there, a level shift, as by other units \
                   or another source, or as prices do after an unadjusted 1:4 reverse split (use \
                   --level-shifts adjust to multiply the rows before by";
    assert!(finished.stderr.contains("warning: flow.csv: `flow` rises to "));
    assert!(finished.stderr.contains(warning), "{}", finished.stderr);
    // Each series of a folder is adjusted.
    scratch.file("folder/one.csv", daily(200, flow));
    scratch.file("folder/other.csv", daily(200, |row| 5.0 + noise(row)));
    let finished = scratch.train("series", &["--data", "folder", "--artifacts", "folders"]);
    let warning = "warning: folder: one.csv: `value` rises to ";
    assert!(finished.stderr.contains(warning), "{}", finished.stderr);
    let args = ["--data", "folder", "--level-shifts", "adjust", "--artifacts", "adjusted"];
    let finished = scratch.train("series", &args);
    assert!(finished.stderr.contains("the rows before are multiplied by"), "{}", finished.stderr);
}

#[test]
fn a_line_is_forecast_as_a_line() {
    let scratch = Scratch::new();
    scratch.file("line.csv", daily(150, |row| 7.0 + 3.0 * row as f64));
    scratch.train("series", &["--data", "line.csv", "--horizon", "5"]);
    let forecast = values(&scratch.json(&["forecast", "series", "--json"]));
    for (step, value) in forecast.iter().enumerate() {
        let expected = 7.0 + 3.0 * (150 + step) as f64;
        assert!((value / expected - 1.0).abs() < 0.002, "{step}: {value}, not {expected}");
    }
}

#[test]
fn a_constant_series_is_refused_and_a_constant_stretch_is_not() {
    let scratch = Scratch::new();
    scratch.file("constant.csv", daily(150, |_| 7.0));
    scratch.fails(
        &quick(&["train", "series"], &["--data", "constant.csv"]),
        1,
        "column `value`: every training value is 7, and a constant series cannot be scaled",
    );
    let week = |row: usize| 20.0 + 5.0 * (row as f64 * std::f64::consts::TAU / 7.0).sin();
    let stretch = |row| if (60..100).contains(&row) { 20.0 } else { week(row) + noise(row) };
    scratch.file("stretch.csv", daily(280, stretch));
    scratch.train("series", &["--data", "stretch.csv"]);
    let evaluation = scratch.read_json("series", "evaluation.json");
    let seasonal = evaluation["baselines"].as_array().unwrap().iter();
    let mut seasonal = seasonal.filter(|one| one["name"] == "season of 7");
    let naive = number(&seasonal.next().expect("the season is found")["rmse"]);
    assert!(number(&evaluation["rmse"]) < 0.95 * naive, "{evaluation}");
}

#[test]
fn a_season_that_is_too_long_is_an_error_with_the_fix() {
    let scratch = Scratch::new();
    scratch.file("short.csv", daily(120, |row| 20.0 + noise(row)));
    let train = |args| quick(&["train", "series"], args);
    let problem = "season length 100: must be less than the";
    scratch.fails(&train(&["--data", "short.csv", "--season", "100"]), 2, problem);
    scratch.fails(&train(&["--data", "short.csv", "--season", "100"]), 2, "a smaller --season");
    // Longer than a third of the rows, and still one season before each forecast.
    scratch.train("series", &["--data", "short.csv", "--season", "50"]);
    let evaluation = scratch.read_json("series", "evaluation.json");
    assert!(number(&evaluation["rmse"]) < 1.0, "{evaluation}");
}

#[test]
fn demand_that_is_mostly_zero_has_scores_that_mean_something() {
    let scratch = Scratch::new();
    let demand = |row: usize| if row % 4 == 1 { (3.0 + 4.0 * noise(row)).round() } else { 0.0 };
    scratch.file("demand.csv", daily(300, demand).replace("value", "demand"));
    let finished = scratch.train("series", &["--data", "demand.csv"]);
    assert!(
        finished.stderr.contains("of the values of `demand` are 0, so their median is 0 (use"),
        "{}",
        finished.stderr
    );
    let told = "% of the values of `demand` are 0. MAE, MASE and sMAPE then favour a forecast of \
                0; compare RMSSE: model ";
    assert!(finished.stdout.contains(told), "{}", finished.stdout);
    let evaluation = scratch.read_json("series", "evaluation.json");
    assert!(evaluation["mape"].is_null());
    assert!((0.7..0.8).contains(&number(&evaluation["zeros"])), "{evaluation}");
    for name in ["rmsse", "bias", "mase"] {
        assert!(number(&evaluation[name]).is_finite(), "{evaluation}");
    }
    let finished = scratch.train("series", &["--data", "demand.csv", "--loss", "mse", "--fresh"]);
    assert!(!finished.stderr.contains("median is 0"), "{}", finished.stderr);
}

#[test]
fn mase_is_scaled_by_all_rows_before_the_scored_set() {
    let scratch = Scratch::new();
    let all: Vec<f64> = (0..120).map(|row| 50.0 + 10.0 * noise(row)).collect();
    scratch.file("noise.csv", daily(120, |row| all[row]));
    let args = ["--data", "noise.csv", "--valid", "30", "--test", "20"];
    let finished = scratch.train("series", &[&args[..], &["--season", "3"]].concat());
    assert!(finished.stdout.contains("MASE"));
    for (set, rows) in [("test", 100), ("valid", 70)] {
        let args = ["--score", set, "--season", "3", "--fresh"];
        let data = ["--data", "noise.csv", "--valid", "30", "--test", "20"];
        scratch.train("series", &[&data[..], &args].concat());
        let evaluation = scratch.read_json("series", "evaluation.json");
        let changes = all[..rows].windows(4).map(|pair| pair[3] - pair[0]);
        let absolute = changes.clone().map(f64::abs).sum::<f64>() / (rows - 3) as f64;
        let squared = changes.map(|change| change * change).sum::<f64>() / (rows - 3) as f64;
        let mase = number(&evaluation["mae"]) / absolute;
        assert!((number(&evaluation["mase"]) / mase - 1.0).abs() < 1e-6, "{set}: {evaluation}");
        let rmsse = number(&evaluation["rmse"]) / squared.sqrt();
        assert!((number(&evaluation["rmsse"]) / rmsse - 1.0).abs() < 1e-6, "{set}: {evaluation}");
    }
}
