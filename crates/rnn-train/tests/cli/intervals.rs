//! Intervals from out-of-fold errors, which adapt to new rows.

use serde_json::Value;

use crate::support::{Scratch, bars};

/// Daily sales from a Monday on: a weekly season around a level, with noise.
fn sales(rows: usize, value: impl Fn(usize, f64) -> f64) -> String {
    let mut state = 3u32;
    let mut noise = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        f64::from(state >> 8) / f64::from(1 << 24) - 0.5
    };
    let first = jiff::civil::date(2024, 1, 1);
    let mut text = "date,sales\n".to_owned();
    for row in 0..rows {
        let day = first.checked_add(jiff::Span::new().days(row as i64)).unwrap();
        text += &format!("{day},{}\n", value(row, noise()));
    }
    text
}

fn weekly(row: usize, noise: f64) -> f64 {
    [50.0, 48.0, 52.0, 55.0, 70.0, 90.0, 30.0][row % 7] + 6.0 * noise
}

fn numbers(row: &[String]) -> Vec<f64> {
    row.iter().map(|cell| cell.parse().unwrap()).collect()
}

fn width(value: &Value) -> f64 {
    value["upper"].as_f64().unwrap() - value["lower"].as_f64().unwrap()
}

#[test]
fn seventy_days_give_intervals_and_quantiles_with_scores() {
    let scratch = Scratch::new();
    let data = scratch.file("sales.csv", sales(70, weekly));
    // The defaults of the experiment, but for the time of the training.
    let flags = ["train", "series", "--data", &data, "--horizon", "7", "--epochs", "2"];
    let finished = scratch.ok(&[&flags[..], &["--progress", "none"]].concat());
    let (header, rows) = scratch.read_csv("series", "predictions.csv");
    assert_eq!(header, "date,step,actual,predicted,lower,upper,q0.05,q0.25,q0.5,q0.75,q0.95");
    let rows: Vec<Vec<f64>> = rows.iter().map(|row| numbers(&row[2..])).collect();
    let (mut inside, mut loss) = (0, 0.0);
    for row in &rows {
        let [actual, predicted, lower, upper] = row[..4].try_into().unwrap();
        let quantiles = &row[4..];
        assert!(quantiles.is_sorted() && lower < predicted && predicted < upper, "{row:?}");
        assert_eq!((lower, predicted, upper), (quantiles[0], quantiles[2], quantiles[4]));
        inside += usize::from((lower..=upper).contains(&actual));
        for (quantile, at) in quantiles.iter().zip([0.05, 0.25, 0.5, 0.75, 0.95]) {
            let above = actual - quantile;
            loss += f64::max(at * above, (at - 1.0) * above);
        }
    }
    let scores = scratch.read_json("series", "evaluation.json");
    let seasonal = scores["baselines"].as_array().unwrap().iter();
    let mut seasonal = seasonal.filter(|one| one["name"] == "season of 7");
    let seasonal = seasonal.next().unwrap();
    let [error, naive] = [&scores, seasonal].map(|one| one["mae"].as_f64().unwrap());
    assert!(error < naive, "{error} and {naive} of the seasonal naive");
    let interval = scores["interval"].clone();
    let number = |name: &str| interval[name].as_f64().unwrap();
    assert_eq!((&interval["method"], number("level")), (&"adaptive".into(), 0.9));
    assert_eq!(number("coverage"), inside as f64 / rows.len() as f64);
    assert!((number("pinball") - loss / (5 * rows.len()) as f64).abs() < 1e-9, "{interval}");
    assert!((0.0..6.0).contains(&number("crps")) && number("crps") > 0.0, "{interval}");
    assert!(number("calibrated_on") >= 10.0 && interval["quantiles"][4]["quantile"] == 0.95);
    for text in ["earlier windows, cover ", "each quantile: 0.05: ", " Mean pinball", ", CRPS: "] {
        assert!(finished.stdout.contains(text), "{text} in {}", finished.stdout);
    }
    assert_eq!(scratch.json(&["evaluate", "series", "--json"])["interval"], interval);
}

#[test]
fn intervals_follow_the_level_and_grow_beyond_the_horizon() {
    let scratch = Scratch::new();
    let mut walk = 100.0;
    let steps: Vec<f64> = sales(200, |_, noise| noise)
        .lines()
        .skip(1)
        .map(|line| {
            walk += line.split_once(',').unwrap().1.parse::<f64>().unwrap();
            walk
        })
        .collect();
    let data = scratch.file("walk.csv", sales(200, |row, _| steps[row]));
    let flags = ["--data", &data, "--naive", "linear", "--season", "0", "--horizon", "3"];
    scratch.train("series", &flags);
    let all = scratch.json(&["forecast", "series", "--steps", "24", "--json"]);
    let values = all[0]["values"].as_array().unwrap();
    let widths: Vec<f64> = values.iter().map(width).collect();
    assert!(widths[2..].is_sorted() && widths[23] > 1.5 * widths[2], "{widths:?}");
    assert!(values.iter().all(|value| value["quantiles"].as_array().unwrap().len() == 5));
    // Fewer steps have the intervals of the first ones.
    let one = scratch.json(&["forecast", "series", "--steps", "1", "--json"]);
    assert_eq!(one[0]["values"][0], values[0]);

    let wide = scratch.json(&["forecast", "series", "--interval", "0.99", "--json"]);
    assert!(width(&wide[0]["values"][0]) > 1.2 * widths[0], "{wide}");
    let header = "series,date,value,lower,upper,q0.005,q0.25,q0.5,q0.75,q0.995";
    assert_eq!(scratch.read_csv("series", "forecast.csv").0, header);
    scratch.ok(&["forecast", "series", "--interval", "none"]);
    assert_eq!(scratch.read_csv("series", "forecast.csv").0, "series,date,value,lower,upper");
}

#[test]
fn later_rows_do_not_change_an_interval() {
    let scratch = Scratch::new();
    let run = |changed: usize| {
        let text = sales(200, |row, noise| match row < changed {
            true => weekly(row, noise),
            false => 400.0 + 300.0 * noise,
        });
        let data = scratch.file("sales.csv", text);
        let flags = ["--data", &data, "--naive", "linear", "--season", "7", "--horizon", "2"];
        scratch.train("series", &[&flags[..], &["--test", "40", "--fresh"]].concat());
        let rows = scratch.read_csv("series", "predictions.csv").1;
        rows.iter().map(|row| row[3..].to_vec()).collect::<Vec<_>>()
    };
    let (one, other) = (run(200), run(180));
    // Origins 160 to 180 read no changed row, and each has two lines.
    assert_eq!(one[..2 * 21], other[..2 * 21]);
    assert_ne!(one[2 * 21..], other[2 * 21..]);
    let width = |row: &Vec<String>| numbers(row)[2] - numbers(row)[1];
    assert!(width(&other[2 * 30]) > 3.0 * width(&one[2 * 30]), "errors widen later intervals");
}

#[test]
fn each_series_of_a_panel_has_its_own_intervals() {
    let scratch = Scratch::new();
    for (name, size) in [("calm", 0.1), ("wild", 4.0)] {
        let text = sales(120, |row, noise| 100.0 + size * weekly(row, noise));
        scratch.file(&format!("shops/{name}.csv"), text);
    }
    scratch.train("series", &["--data", "shops", "--naive", "linear", "--season", "7"]);
    let (header, rows) = scratch.read_csv("series", "predictions.csv");
    assert_eq!(header, "series,date,actual,predicted,lower,upper,q0.05,q0.25,q0.5,q0.75,q0.95");
    let width = |name: &str| {
        let of = rows.iter().filter(|row| row[0] == name).map(|row| numbers(&row[4..6]));
        of.map(|bounds| bounds[1] - bounds[0]).sum::<f64>()
    };
    assert!(width("wild.csv") > 10.0 * width("calm.csv"));
}

#[test]
fn tiny_series_and_series_of_zeros_have_intervals_of_numbers() {
    let scratch = Scratch::new();
    let rare = |row: usize, noise: f64| if noise > 0.3 { (row % 5) as f64 } else { 0.0 };
    for (rows, horizon, value) in [
        (16, "2", weekly as fn(usize, f64) -> f64),
        (60, "3", rare),
        (60, "1", |row, _| 5.0 + row as f64),
    ] {
        let data = scratch.file("sales.csv", sales(rows, value));
        let flags = ["--data", &data, "--naive", "linear", "--window", "2", "--horizon", horizon];
        let sets = ["--valid", "0.2", "--test", "0.25", "--interval", "0.99", "--fresh"];
        scratch.train("series", &[&flags[..], &sets].concat());
        for row in scratch.read_csv("series", "predictions.csv").1 {
            let from = if horizon == "1" { 2 } else { 3 };
            let bounds = numbers(&row[from + 1..]);
            assert!(bounds.iter().all(|bound| bound.is_finite() && *bound >= 0.0), "{row:?}");
        }
        let all = scratch.json(&["forecast", "series", "--steps", "9", "--json"]);
        let values = all[0]["values"].as_array().unwrap();
        assert!(values.iter().all(|value| width(value) >= 0.0), "{all}");
    }
}

#[test]
fn other_bases_keep_split_conformal_intervals() {
    let scratch = Scratch::new();
    let data = scratch.file("bars.csv", bars(200));
    scratch.train("series", &["--data", &data, "--naive", "last-value"]);
    let interval = scratch.read_json("series", "evaluation.json")["interval"].clone();
    assert_eq!(interval["method"], "split-conformal");
    assert!(interval["crps"].is_null() && interval["quantiles"].is_null(), "{interval}");
    assert_eq!(
        scratch.read_csv("series", "predictions.csv").0,
        "date,actual,predicted,lower,upper"
    );
}
