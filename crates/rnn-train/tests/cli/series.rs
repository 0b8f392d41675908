//! Any price file: the choice of columns, the split of rows, and the scores.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::support::{Scratch, bars, bars_as, business_days, quick};

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("expected a number, got {value}"))
}

fn names(baselines: &Value) -> Vec<&str> {
    baselines
        .as_array()
        .unwrap()
        .iter()
        .map(|baseline| baseline["name"].as_str().unwrap())
        .collect()
}

#[test]
fn the_target_of_any_file_is_guessed_and_reported() {
    let scratch = Scratch::new();
    for (header, separator, dates, guess) in [
        (["day", "price", "other", "amount"], ',', "%Y-%m-%d", ["day", "price", "other,amount"]),
        (["date", "sales", "price", "promo"], ';', "%d.%m.%Y", ["date", "sales", "price,promo"]),
        (["日期", "开盘", "收盘", "成交量"], '\t', "%Y年%m月%d日", ["日期", "开盘", "收盘,成交量"]),
        (["Date", "Open", "Close", "Vol"], ',', "%m/%d/%Y", ["Date", "Open", "Close,Vol"]),
        (["trade_date", "code", "Close", "vol"], ',', "%Y%m%d", ["trade_date", "Close", "vol"]),
    ] {
        let data = scratch.file("own.csv", bars_as(header, separator, dates, 120));
        let finished = scratch.train("series", &["--data", &data, "--fresh"]);
        let [date, target, others] = guess;
        let others = others.split(',').map(|name| format!("`{name}`")).collect::<Vec<_>>();
        let message = format!(
            "own.csv: dates in `{date}`; predicting `{target}` (use --target to choose another \
             column); reading `{target}` alone, not {} (use --features to read others)",
            others.join(", ")
        );
        assert!(finished.stderr.contains(&message), "expected {message} in\n{}", finished.stderr);
        assert!(
            finished.stdout.contains(&format!("test values of `{target}` of own.csv")),
            "{}",
            finished.stdout
        );
        let options = &scratch.read_json("series", "config.json")["options"];
        assert_eq!((&options["target"], &options["features"]), (&target.into(), &[target].into()));
    }
}

#[test]
fn a_target_that_is_not_clear_is_asked_for() {
    let scratch = Scratch::new();
    let sensors = bars_as(["When", "temp", "wind", "rain"], ';', "%d.%m.%Y", 120);
    scratch.file("sensors.csv", &sensors);
    let train = |args| quick(&["train", "series"], args);
    let asks = "sensors.csv: expected one column of numbers, or one called `target`, `y`, `value`, \
                `sales` or `price`, got `temp`, `wind`, `rain` (choose the column to predict with \
                --target)";
    scratch.fails(&train(&["--data", "sensors.csv"]), 2, asks);
    scratch.file("folder/a.csv", &sensors);
    scratch.fails(&train(&["--data", "folder"]), 2, "choose the column to predict with --target");
    let note = "dates in `When`; reading `wind` alone, not `temp`, `rain` (use --features to read \
                others)";
    let finished = scratch.train("series", &["--data", "sensors.csv", "--target", "wind"]);
    assert!(finished.stderr.contains(note), "{}", finished.stderr);
    // The last of many columns is not the target.
    let numbers =
        |text: &dyn Fn(usize) -> String| (1..=300).map(text).collect::<Vec<_>>().join(",");
    let row = |(row, day): (usize, jiff::civil::Date)| {
        format!("{day},{}\n", numbers(&|column| ((row * row + column) % 97).to_string()))
    };
    let rows: String = business_days().take(120).enumerate().map(row).collect();
    let header = numbers(&|column| format!("c{column}"));
    scratch.file("wide.csv", format!("date,{header}\n{rows}"));
    let asks = "`c9`, `c10` and 290 more (choose the column to predict with --target)";
    scratch.fails(&train(&["--data", "wide.csv", "--fresh"]), 2, asks);
    let finished = scratch.train("series", &["--data", "wide.csv", "--target", "c7", "--fresh"]);
    let note = "reading `c7` alone, not `c1`, `c2`";
    assert!(finished.stderr.contains(note), "{}", finished.stderr);
    // Flags, running numbers and constants are not what is to be predicted.
    let mut row = 0;
    let bars = bars_as(["When", "temp", "wind", "rain"], ',', "%Y-%m-%d", 120);
    let line = |line: &str| {
        row += 1;
        let cells = line.split(',').collect::<Vec<_>>();
        match row {
            1 => "When,row,station,heat,dry\n".to_owned(),
            _ => format!("{},{row},7,{},{}\n", cells[0], cells[1], u8::from(row % 5 == 0)),
        }
    };
    scratch.file("one.csv", bars.lines().map(line).collect::<String>());
    let finished = scratch.train("series", &["--data", "one.csv", "--fresh"]);
    assert!(finished.stderr.contains("predicting `heat` ("), "{}", finished.stderr);
}

#[test]
fn a_column_with_a_word_is_left_out_with_a_note() {
    let scratch = Scratch::new();
    let text = bars(200).replace("volume", "visitors");
    let fifth = text.lines().nth(4).unwrap();
    let (before, _) = fifth.rsplit_once(',').unwrap();
    scratch.file("word.csv", text.replace(fifth, &format!("{before},warm")));
    let note = "note: word.csv: not reading `visitors`: line 5 has `warm`, not a number (use \
                --features to require it)";
    let finished = scratch.train("series", &["--data", "word.csv"]);
    assert!(finished.stderr.contains(note), "{}", finished.stderr);
    assert!(finished.stderr.contains("reading `open` alone, not `close` ("), "{}", finished.stderr);
    let asked = ["--data", "word.csv", "--features", "open,visitors", "--fresh"];
    scratch.fails(
        &quick(&["train", "series"], &asked),
        1,
        "word.csv, line 5, column `visitors`: expected a finite number, got `warm`",
    );
}

#[test]
fn experiments_of_prices_refuse_a_file_without_their_target() {
    let scratch = Scratch::new();
    let text = bars_as(["date", "temperature", "wind", "rain"], ',', "%Y-%m-%d", 700);
    scratch.file("sensors.csv", &text);
    scratch.file("panel/sensors.csv", &text);
    for (data, file) in [("sensors.csv", "sensors.csv"), ("panel", "panel/sensors.csv")] {
        for experiment in ["stock-gap", "stock-open"] {
            let expected = format!(
                "{file}: no column `open`, which this experiment predicts (use the experiment \
                 `series` for other data, or --target)"
            );
            scratch.fails(&quick(&["train", experiment], &["--data", data]), 2, &expected);
        }
    }
    assert!(!scratch.path("artifacts").exists());
    let chosen = ["--data", "sensors.csv", "--target", "rain", "--naive", "last-value"];
    scratch.train("stock-gap", &chosen);
    let options = &scratch.read_json("stock-gap", "config.json")["options"];
    assert_eq!(options["target"], "rain");
}

#[test]
fn uninformative_columns_are_not_guessed() {
    let scratch = Scratch::new();
    let line = |(row, line): (usize, &str)| match row {
        0 => format!("{},row,dividends,splits\n", line.replace("open", "price")),
        _ => format!(
            "{line},{row},{},{}\n",
            if row % 50 == 0 { 0.3 } else { 0.0 },
            f64::from(u8::from(row > 640))
        ),
    };
    let data = scratch.file("own.csv", bars(700).lines().enumerate().map(line).collect::<String>());
    let chosen = ["--data", &data, "--target", "price", "--transform", "residual"];
    let finished = scratch.train("stock-open", &chosen);
    // A row number changes by the same amount each time; splits change only in the test set.
    assert!(
        finished.stderr.contains("reading `price`, `close`, `volume`, `dividends` ("),
        "{}",
        finished.stderr
    );
    let asked = ["--data", &data, "--features", "price,splits", "--fresh"];
    scratch.fails(
        &quick(&["train", "series"], &asked),
        1,
        "feature `difference(splits)`: every training value is 0",
    );
}

#[test]
fn columns_features_dates_and_rows_can_be_chosen() {
    let scratch = Scratch::new();
    let header = ["when", "open", "close", "volume"];
    let data = scratch.file("own.csv", bars_as(header, ',', "%d/%m/%y", 200));
    let features = "close,difference(open),return(open),log-return(close),log(close/open),gap,\
                    weekday,month,hour";
    let [from, until] = ["2020-02-03", "2020-09-01"];
    let args = [
        "--data",
        &data,
        "--date-column",
        "when",
        "--date-format",
        "%d/%m/%y",
        "--target",
        "close",
        "--features",
        features,
    ];
    let finished = scratch.train(
        "series",
        &[&args[..], &["--from", from, "--until", until, "--test", "20"]].concat(),
    );
    assert!(!finished.stderr.contains("to choose"), "nothing is guessed: {}", finished.stderr);
    let config = scratch.read_json("series", "config.json");
    // Six numbers and three points on a circle; four units.
    assert_eq!(config["parameters"], 4 * 4 * (6 + 2 * 3 + 4 + 1) + 5);
    assert_eq!(config["options"]["features"].as_array().unwrap().len(), 9);
    let days: Vec<String> = business_days()
        .take(200)
        .map(|day| day.to_string())
        .filter(|day| (from..=until).contains(&&day[..]))
        .collect();
    assert_eq!(config["source"]["rows"], days.len());
    let (_, rows) = scratch.read_csv("series", "predictions.csv");
    assert_eq!(
        (rows.len(), &rows[0][0], &rows[19][0]),
        (20, &days[days.len() - 20], &days[days.len() - 1])
    );
}

#[test]
fn missing_values_are_named_or_filled() {
    let scratch = Scratch::new();
    let mut lines: Vec<String> = bars(120).lines().map(str::to_owned).collect();
    for line in [3, 8] {
        let (date, rest) = lines[line].split_once(',').unwrap();
        lines[line] = format!(
            "{date},{},{}",
            if line == 3 { "" } else { "N/A" },
            rest.split_once(',').unwrap().1
        );
    }
    let data = scratch.file("holes.csv", lines.join("\n"));
    scratch.fails(
        &["train", "series", "--data", &data],
        1,
        "column `open`: 2 values are missing in lines 4, 9 (set --fill to `forward` or `linear`",
    );
    assert!(!scratch.path("artifacts").exists());
    let mut weights = BTreeSet::new();
    for fill in ["forward", "linear"] {
        let args = ["--data", &data, "--fill", fill, "--fresh", "--naive", "last-value"];
        let finished = scratch.train("series", &args);
        assert!(
            finished.stderr.contains("2 missing values of column `open` filled"),
            "{}",
            finished.stderr
        );
        weights.insert(scratch.read("series", "weights.txt"));
    }
    assert_eq!(weights.len(), 2, "the two fill by other values");
    let first = lines[1].clone();
    lines[1] = first.replacen(first.split(',').nth(1).unwrap(), "", 1);
    scratch.file("holes.csv", lines.join("\n"));
    scratch.fails(
        &["train", "series", "--data", &data, "--fill", "forward", "--fresh"],
        1,
        "`forward` cannot fill 1 of them without a value before (correct the file)",
    );
}

#[test]
fn every_transform_is_inverted_and_scores_are_reproducible() {
    let scratch = Scratch::new();
    let data = scratch.file("bars.csv", bars(160));
    for (transform, naive) in [
        ("minmax", "linear"),
        ("standard", "linear"),
        ("difference", "linear"),
        ("log-return", "linear"),
        ("residual", "linear"),
        ("log-residual", "linear"),
        ("residual", "last-close"),
        ("residual", "drift"),
        ("residual", "seasonal:5"),
        ("log-residual", "mean:3"),
        ("log-residual", "last-value"),
    ] {
        scratch.train(
            "series",
            &["--data", &data, "--transform", transform, "--naive", naive, "--fresh"],
        );
        let evaluation = scratch.read_json("series", "evaluation.json");
        let again = scratch.json(&["evaluate", "series", "--json"]);
        for name in ["rmse", "mase", "skill"] {
            // Scalers read from JSON may lose their last digit.
            let [again, before] = [&again, &evaluation].map(|scores| number(&scores[name]));
            assert!((again - before).abs() <= 1e-9 * before.abs(), "{transform}: {evaluation}");
        }
        let (_, rows) = scratch.read_csv("series", "predictions.csv");
        let squares = rows
            .iter()
            .map(|row| (row[2].parse::<f64>().unwrap() - row[1].parse::<f64>().unwrap()).powi(2));
        let mse = squares.sum::<f64>() / rows.len() as f64;
        assert!((number(&evaluation["mse"]) / mse - 1.0).abs() < 1e-9, "{transform}: {evaluation}");
        // Opens are around 50; without the inverse transform, predictions are far off.
        assert!(
            mse.sqrt() < if transform == "minmax" || transform == "standard" { 20.0 } else { 4.0 },
            "{transform}, {naive}: {mse}"
        );
        assert_eq!(scratch.read_json("series", "config.json")["options"]["naive"], naive);
    }
}

#[test]
fn a_longer_horizon_has_scores_and_baselines_for_every_step() {
    let scratch = Scratch::new();
    let data = scratch.file("bars.csv", bars(200));
    let finished = scratch.train(
        "series",
        &["--data", &data, "--horizon", "3", "--season", "5", "--valid", "40", "--test", "30"],
    );
    let evaluation = scratch.read_json("series", "evaluation.json");
    let expected =
        ["last open", "last close", "drift", "season of 5", "linear", "mean of 5", "ridge AR(20)"];
    assert_eq!((&evaluation["windows"], &evaluation["horizon"]), (&28.into(), &3.into()));
    assert_eq!(names(&evaluation["baselines"]), expected);
    let steps = evaluation["steps"].as_array().unwrap();
    let mean = |of: &dyn Fn(&Value) -> f64| steps.iter().map(of).sum::<f64>() / 3.0;
    assert!((mean(&|step| number(&step["mse"])) / number(&evaluation["mse"]) - 1.0).abs() < 1e-9);
    for (index, step) in steps.iter().enumerate() {
        assert_eq!(
            (&step["step"], names(&step["baselines"])),
            (&(index + 1).into(), expected.to_vec())
        );
        let best = step["baselines"]
            .as_array()
            .unwrap()
            .iter()
            .map(|baseline| number(&baseline["rmse"]))
            .fold(f64::INFINITY, f64::min);
        assert!((number(&step["skill"]) - (1.0 - number(&step["rmse"]) / best)).abs() < 1e-9);
    }
    let last = |step: usize| number(&steps[step]["baselines"][0]["rmse"]);
    assert!(last(0) < last(1) && last(1) < last(2), "the last value is worse the further ahead");
    assert_eq!(evaluation["interval"]["quantiles"].as_array().unwrap().len(), 5);
    let (header, rows) = scratch.read_csv("series", "predictions.csv");
    let expected = "date,step,actual,predicted,lower,upper,q0.05,q0.25,q0.5,q0.75,q0.95";
    assert_eq!((&header[..], rows.len()), (expected, 3 * 28));
    for text in ["steps ahead", "\n 3, skill ", "season of 5"] {
        assert!(finished.stdout.contains(text), "{text} in {}", finished.stdout);
    }
    let day = scratch.json(&["predict", "series", &rows[0][0], "--json"]);
    assert!(
        (number(&day[0]["predicted"]) / rows[0][3].parse::<f64>().unwrap() - 1.0).abs() < 1e-5,
        "{day}"
    );
}

#[test]
fn sets_are_cut_by_rows_fractions_and_dates() {
    let scratch = Scratch::new();
    let data = scratch.file("bars.csv", bars(200));
    let days: Vec<String> = business_days().take(200).map(|day| day.to_string()).collect();
    for (test, first) in [("30", 170), ("0.1", 180), (&days[160][..], 160)] {
        let finished =
            scratch.train("series", &["--data", &data, "--test", test, "--valid", "25", "--fresh"]);
        let evaluation = scratch.read_json("series", "evaluation.json");
        assert_eq!(
            evaluation["span"],
            serde_json::json!([
                format!("{}T00:00:00", days[first]),
                format!("{}T00:00:00", days[199])
            ])
        );
        assert_eq!(
            (&evaluation["windows"], &evaluation["split"]),
            (&(200 - first).into(), &"holdout".into())
        );
        assert!(number(&evaluation["interval"]["calibrated_on"]) >= 25.0, "{evaluation}");
        assert!(
            finished.stdout.contains(&format!("{} to {}, split `holdout`", days[first], days[199])),
            "{}",
            finished.stdout
        );
    }
}

#[test]
fn rows_of_the_test_set_change_neither_weights_nor_intervals() {
    let scratch = Scratch::new();
    let text = bars(200);
    let changed = |rows: std::ops::Range<usize>| {
        let line = |(row, line): (usize, &str)| {
            let (date, _) = line.split_once(',').unwrap();
            if rows.contains(&row) {
                format!("{date},{},{},7\n", 90 + row % 3, 95 + row % 4)
            } else {
                format!("{line}\n")
            }
        };
        text.lines().enumerate().map(line).collect::<String>()
    };
    let run = |rows| {
        let data = scratch.file("bars.csv", changed(rows));
        let flags = ["--data", &data, "--valid", "30", "--test", "30", "--fresh"];
        let split_conformal = ["--naive", "last-value", "--epochs", "5"];
        scratch.train("series", &[&flags[..], &split_conformal].concat());
        let evaluation = scratch.read_json("series", "evaluation.json");
        (
            scratch.read("series", "weights.txt"),
            evaluation["interval"]["half_widths"].clone(),
            number(&evaluation["rmse"]),
        )
    };
    // Line 0 is the header. Rows 171 to 200 are the test set; the validation rows before them are
    // its inputs.
    let (weights, widths, rmse) = run(0..0);
    let other = run(171..201);
    assert!(weights == other.0 && widths == other.1 && rmse != other.2, "{widths} {other:?}");
    assert_ne!(widths, run(140..165).1, "intervals come from the validation set");
}

#[test]
fn the_best_weights_are_those_of_the_smallest_validation_loss() {
    let scratch = Scratch::new();
    let data = scratch.file("bars.csv", bars(200));
    scratch.train("series", &["--data", &data, "--epochs", "8", "--learning-rate", "0.05"]);
    let (_, rows) = scratch.read_csv("series", "metrics.csv");
    let losses: Vec<f64> = rows.iter().map(|row| row[2].parse().unwrap()).collect();
    let best =
        (0..losses.len()).min_by(|&one, &other| losses[one].total_cmp(&losses[other])).unwrap();
    let evaluation = scratch.read_json("series", "evaluation.json");
    assert_eq!(evaluation["best_epoch"], best + 1, "{losses:?}");
    assert_eq!(scratch.read_json("series", "checkpoint/manifest.json")["best"]["epoch"], best + 1);
}

#[test]
fn a_model_worse_than_its_baseline_gets_a_verdict() {
    let scratch = Scratch::new();
    let data = scratch.file("bars.csv", bars(200));
    let finished = scratch
        .train("series", &["--data", &data, "--transform", "minmax", "--learning-rate", "1e-6"]);
    let best = "The model loses to a baseline: its RMSE is ";
    assert!(
        finished.stdout.contains(best) && scratch.ok(&["evaluate", "series"]).stdout.contains(best),
        "{}",
        finished.stdout
    );
    assert!(number(&scratch.read_json("series", "evaluation.json")["skill"]) < 0.0);
    for name in ["model", "last open", "last close", "drift", "mean of 5", "ridge AR(20)"] {
        assert!(finished.stdout.contains(&format!("\n {name} ")), "{name} in {}", finished.stdout);
    }
    assert!(!finished.stdout.contains("season of"));
}

#[test]
fn predictions_have_intervals_with_the_reported_coverage() {
    let scratch = Scratch::new();
    let data = scratch.file("bars.csv", bars(300));
    let mut widths = Vec::new();
    for level in ["0.5", "0.9"] {
        let flags = ["--data", &data, "--naive", "last-value", "--fresh", "--interval", level];
        let finished = scratch.train("series", &flags);
        let interval = scratch.read_json("series", "evaluation.json")["interval"].clone();
        let (header, rows) = scratch.read_csv("series", "predictions.csv");
        assert_eq!(header, "date,actual,predicted,lower,upper");
        let rows: Vec<[f64; 4]> = rows
            .iter()
            .map(|row| [1, 2, 3, 4].map(|column| row[column].parse().unwrap()))
            .collect();
        assert!(
            rows.iter().all(|[_, predicted, lower, upper]| lower < predicted && predicted < upper)
        );
        let inside = rows
            .iter()
            .filter(|[actual, _, lower, upper]| (lower..=upper).contains(&actual))
            .count();
        assert_eq!(number(&interval["coverage"]), inside as f64 / rows.len() as f64);
        assert_eq!(
            (number(&interval["level"]), &interval["calibrated_on"]),
            (level.parse().unwrap(), &45.into())
        );
        assert!(
            finished.stdout.contains("% intervals, calibrated on 45 validation windows, cover "),
            "{}",
            finished.stdout
        );
        widths.push(number(&interval["mean_width"]));
    }
    assert!(widths[0] < widths[1], "{widths:?}");
}
