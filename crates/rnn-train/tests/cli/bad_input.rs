//! Mistakes of newcomers with time series: errors with the place, the expectation, the found value
//! and the fix.

use std::fs;

use crate::support::{Scratch, bars, price_text, quick};

#[test]
fn missing_columns_and_features_get_a_suggestion() {
    let scratch = Scratch::new();
    scratch.file("bars.csv", bars(200));
    scratch.file("twice.csv", bars(200).replace("close", "open"));
    for (args, code, expected) in [
        (
            &["--features", "opne"][..],
            1,
            "line 1: column `opne` is missing (did you mean `open`?); the header has `date`, \
             `open`",
        ),
        (
            &["--features", "open,log-return(clsoe)"],
            1,
            "column `clsoe` is missing (did you mean `close`?)",
        ),
        (
            &["--features", "logreturn(close)"],
            1,
            "unknown function `logreturn` (did you mean `log-return`?); a feature is a column, \
             level(c)",
        ),
        (&["--features", "log(open)"], 1, "expected two columns, as in log(high/close)"),
        (&["--features", "open close"], 1, "column `open close` is missing"),
        (&["--features", "log(open/close"], 1, "column `log(open/close` is missing"),
        (&["--features", ""], 2, "at least one recurrent layer and one feature"),
        (&["--target", "vloume"], 1, "column `vloume` is missing (did you mean `volume`?)"),
        (
            &["--target", "date"],
            1,
            "line 2, column `date`: expected a finite number, got `2020-01-01` (correct the value, \
             or choose other columns)",
        ),
        (&["--date-column", "day"], 1, "column `day` is missing"),
        (&["--date-column", "open"], 1, "column `open`: expected a date like 2020-04-24"),
        (
            &["--date-format", "%d.%m.%Y"],
            1,
            "line 2, column `date`: expected a date like 24.04.2020, got `2020-01-01`",
        ),
        (
            &["--date-format", "%Q"],
            1,
            "line 2, column `date`: expected a date of the format %Q, got `2020-01-01`",
        ),
        (&["--data", "twice.csv"], 1, "line 1: column `open` appears 2 times, expected once"),
    ] {
        let data = if args[0] == "--data" { &[][..] } else { &["--data", "bars.csv"] };
        scratch.fails(&quick(&["train", "series"], &[data, args].concat()), code, expected);
    }
    scratch.fails(
        &quick(&["train", "stock-rnn"], &["--data", "bars.csv", "--target", "opne"]),
        1,
        "column `opne` is missing (did you mean `open`?)",
    );
    let other = scratch.file("other.csv", bars(500).replace("open", "price"));
    scratch.fails(
        &quick(&["train", "stock-lstm"], &["--data", &other]),
        1,
        "column `open` is missing",
    );
    assert!(!scratch.path("artifacts").exists());
}

#[test]
fn values_out_of_bounds_are_refused() {
    let scratch = Scratch::new();
    scratch.file("bars.csv", bars(200));
    for (args, expected) in [
        (&["--units", "0"][..], "expected a whole number from 1 to 1,000,000, got `0`"),
        (&["--units", "4,"], "from 1 to 1,000,000, got ``"),
        (&["--units", "-4"], "from 1 to 1,000,000, got `-4`"),
        (&["--units", "1000000"], "--units 1000000: a layer has at most 10000 hidden units"),
        (&["--dropout", "1"], "expected a number of at least 0 and below 1, got `1`"),
        (&["--dropout", "-0.1"], "got `-0.1`"),
        (&["--patience", "-1"], "expected a whole number of at least 0, got `-1`"),
        (&["--patience", "soon"], "expected a whole number of at least 0, got `soon`"),
        (&["--samples", "-1"], "at least 0, got `-1`"),
        (&["--seed", "-1"], "at least 0, got `-1`"),
        (&["--season", "-1"], "season lengths in rows like 24,168, got `-1`"),
        (&["--window", "0"], "from 1 to 1,000,000, got `0`"),
        (&["--window", "-5"], "from 1 to 1,000,000, got `-5`"),
        (&["--horizon", "0"], "from 1 to 1,000,000, got `0`"),
        (&["--epochs", "-1"], "from 1 to 1,000,000, got `-1`"),
        (&["--epochs", "1.5"], "from 1 to 1,000,000, got `1.5`"),
        (&["--weight-decay", "-1"], "expected a number of at least 0, got `-1`"),
        (&["--clip-norm", "inf"], "expected a number of at least 0, got `inf`"),
        (&["--interval", "1.5"], "expected a number above 0 and below 1, or none, got `1.5`"),
        (&["--interval", "-0.9"], "got `-0.9`"),
        (&["--interval", "nan"], "got `nan`"),
        (&["--valid", "0"], "expected a number of rows, a fraction like 0.15 or a date, got `0`"),
        (&["--valid", "-20"], "or a date, got `-20`"),
        (&["--test", "1.5"], "or a date, got `1.5`"),
        (&["--test", "yesterday"], "or a date, got `yesterday`"),
        (&["--from", "01.02.2020"], "expected a date like 2020-04-24, got `01.02.2020`"),
        (&["--until", "2020-02-30"], "expected a date like 2020-04-24, got `2020-02-30`"),
        (&["--loss", "rmse"], "expected one of mse, huber, mae, quantile, got `rmse`"),
        (&["--optimizer", "lion"], "expected one of adam, adamw, sgd, rmsprop, got `lion`"),
        (&["--cell", "rnn"], "expected one of simple-rnn, lstm, gru, got `rnn`"),
        (&["--split", "random"], "expected one of course, holdout, got `random`"),
        (&["--transform", "log"], "log-return, residual, log-residual, asinh-residual, got `log`"),
        (
            &["--naive", "seasonal:1000"],
            "naive forecast seasonal:1000: the season length must be less than the ",
        ),
        (&["--naive", "seasonal:0"], "seasonal:ROWS or mean:ROWS, got `seasonal:0`"),
        (&["--fill", "zero"], "expected none, forward or linear, got `zero`"),
        (&["--windw", "5"], "a similar argument exists: '--window'"),
        (
            &["--optimizer", "adam", "--weight-decay", "0.1"],
            "--weight-decay 0.1: adam has no weight decay (use --optimizer adamw)",
        ),
        (
            &["--naive", "last-value", "--interval", "0.99"],
            "interval level 0.99: needs at least 99 forecasts of 1 step in the validation set, \
             which has 30 (use a larger",
        ),
        (
            &["--season", "500"],
            "season length 500: must be less than the 140 rows of the training set (use a smaller \
             --season)",
        ),
        (
            &["--schedule", "warm"],
            "expected constant, cosine, cosine:EPOCHS (with restarts), step:EPOCHS:FACTOR",
        ),
        (
            &["--schedule", "step:0:0.5"],
            "with whole epochs from 1 and factors between 0 and 1, got `step:0:0.5`",
        ),
        (
            &["--schedule", "step:2:0.5"],
            "--schedule step:2:0.5: the first change comes after 2 epochs, too long for a run of 2 \
             epochs (use more --epochs or a shorter schedule)",
        ),
        (
            &["--schedule", "cosine:3"],
            "--schedule cosine:3: the first cycle takes 3 epochs, too long for a run of 2 epochs",
        ),
        (
            &["--schedule", "plateau:2:0.5"],
            "--schedule plateau:2:0.5: the schedule waits 2 epochs, too long for a run of 2 epochs",
        ),
        (
            &["--schedule", "cosine", "--learning-rate", "3"],
            "--schedule cosine with rate 3: Initial learning rate must be greater than 0 and at \
             most 1",
        ),
        (
            &["--warmup", "2"],
            "--warmup 2: the warm-up takes 2 epochs, too long for a run of 2 epochs",
        ),
        (&["--warmup", "-1"], "expected a number of at least 0, got `-1`"),
        (
            &["--loss", "quantile", "--quantiles", "0.1,0.9"],
            "--quantiles: expected rising values including 0.5, like 0.05,0.5,0.95, got 0.1,0.9",
        ),
        (&["--loss", "quantile", "--quantiles", "0.5,0.1"], "got 0.5,0.1"),
        (&["--loss", "quantile", "--quantiles", "0.5"], "0.95, got 0.5"),
        (
            &["--loss", "quantile", "--quantiles", "0,0.5"],
            "expected a number above 0 and below 1, got `0`",
        ),
        (
            &["--loss", "quantile", "--interval", "0.8"],
            "--interval: the quantile loss takes its intervals from the outer quantiles",
        ),
        (
            &["--loss", "quantile", "--horizon", "2", "--transform", "difference"],
            "quantiles of changes do not add up over 2 steps",
        ),
        (
            &["--split", "course", "--interval", "0.9"],
            "prediction intervals need a validation set; the `course` split has none (use --split \
             holdout)",
        ),
        (
            &["--loss", "mse", "--quantiles", "0.1,0.5,0.9"],
            "--quantiles: only the quantile loss has quantiles (use --loss quantile)",
        ),
        (
            &["--transform", "minmax", "--naive", "drift"],
            "--naive: only residuals are differences from a naive forecast",
        ),
        (
            &["--optimizer", "adam", "--momentum", "0.5"],
            "--momentum 0.5: adam takes no momentum (use --optimizer sgd)",
        ),
        (&["--score", "train"], "expected one of test, valid, got `train`"),
        (
            &["--split", "course", "--interval", "none", "--score", "valid"],
            "--score valid: the `course` split has no separate validation set",
        ),
        (
            &["--split", "course", "--interval", "0.8"],
            "prediction intervals need a validation set; the `course` split has none (use --split \
             holdout)",
        ),
    ] {
        scratch.fails(
            &quick(&["train", "series"], &[&["--data", "bars.csv"], args].concat()),
            2,
            expected,
        );
    }
    assert!(!scratch.path("artifacts").exists());
}

#[test]
fn sets_that_do_not_fit_are_refused_with_the_row_counts() {
    let scratch = Scratch::new();
    scratch.file("bars.csv", bars(200));
    for (args, expected) in [
        (
            &["--window", "500"][..],
            "bars.csv: 200 rows are too few: 503 are needed, as the training set needs a window of \
             500 rows",
        ),
        (
            &["--horizon", "31"],
            "the test set predicts 30 rows (0.15), fewer than the horizon of 31 rows",
        ),
        (&["--horizon", "100"], "200 rows are too few: 305 are needed"),
        (&["--test", "300"], "the test set (300) does not fit"),
        (&["--test", "2030-01-01"], "the test set (2030-01-01) does not fit"),
        (&["--test", "2020-01-02"], "the test set (2020-01-02) does not fit"),
        (&["--valid", "2030-01-01"], "the validation set (2030-01-01) does not fit"),
        (&["--valid", "165"], "no rows are left to train on"),
        (&["--valid", "0.99"], "the validation set (0.99) does not fit"),
        (
            &["--from", "2020-09-01", "--until", "2020-02-01"],
            "no rows from 2020-09-01 to 2020-02-01",
        ),
        (
            &["--from", "2035-01-01"],
            "no rows from 2035-01-01 on; its rows are from 2020-01-01 to 2020-10-06",
        ),
        (&["--until", "2020-01-08"], "6 rows are too few"),
    ] {
        scratch.fails(
            &quick(&["train", "series"], &[&["--data", "bars.csv"], args].concat()),
            1,
            expected,
        );
    }
    scratch.file("prices.csv", price_text(700));
    scratch.fails(
        &quick(&["train", "stock-rnn"], &["--data", "prices.csv", "--horizon", "300"]),
        1,
        "fewer than the horizon of 300 rows",
    );
    assert!(!scratch.path("artifacts").exists());
}

#[test]
fn files_and_folders_without_series_are_refused() {
    let scratch = Scratch::new();
    fs::create_dir(scratch.path("nothing")).unwrap();
    scratch.file("texts/readme.md", "no series");
    scratch.file("empty.csv", "");
    scratch.file("blank.csv", "\n\n\n");
    scratch.file("head.csv", "date,open,close\n");
    scratch.file("words.csv", "date,name\n2020-01-01,abc\n2020-01-02,def\n");
    scratch.file("dates.csv", "date\n2020-01-01\n2020-01-02\n");
    scratch.file("numbers.csv", "a,b\n1,2\n3,4\n");
    scratch
        .file("bytes.csv", [&b"date,open\n2020-01-01,"[..], &[0xff, 0xfe, 0x00], b"\n"].concat());
    scratch.file("picture.csv", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0");
    for (data, expected) in [
        ("nothing", "nothing: the folder has no .csv file (choose a folder of CSV files)"),
        ("texts", "texts: the folder has no .csv file"),
        ("nowhere.csv", "nowhere.csv: cannot be read: "),
        (
            "empty.csv",
            "empty.csv, line 1: the file is empty (write a header, then one row per date)",
        ),
        ("blank.csv", "blank.csv, line 1: the file is empty"),
        ("head.csv", "head.csv: has no rows (add one per date)"),
        ("words.csv", "words.csv: no column holds numbers in every row"),
        ("dates.csv", "dates.csv: no column holds numbers in every row"),
        ("numbers.csv", "the header has `a`, `b` (choose one with --date-column)"),
        ("bytes.csv", "bytes.csv"),
        ("picture.csv", "picture.csv, line "),
    ] {
        for command in ["train", "backtest"] {
            scratch.fails(&[command, "series", "--data", data], 1, expected);
        }
    }
    assert!(!scratch.path("artifacts").exists());
}

#[test]
fn logarithms_of_zero_name_the_line() {
    let scratch = Scratch::new();
    let text = bars(200);
    let fifth = text.lines().nth(5).unwrap();
    let (date, rest) = fifth.split_once(',').unwrap();
    let zero = format!("{date},0,{}", rest.split_once(',').unwrap().1);
    scratch.file("zero.csv", text.replace(fifth, &zero));
    let logarithm = "zero.csv, line 6, column `open`: expected a number above 0 for a logarithm, \
                     got 0 (set --transform to `residual` or `asinh-residual`; as a feature choose \
                     asinh-difference(c), level(c) or difference(c))";
    for args in [
        &["--transform", "log-return"][..],
        &["--transform", "log-residual"],
        &["--features", "close,log-return(open)"],
        &["--features", "log(close/open)"],
        &["--features", "gap"],
    ] {
        scratch.fails(
            &quick(&["train", "series"], &[&["--data", "zero.csv"], args].concat()),
            1,
            logarithm,
        );
    }
    let of_share = "line 6, column `open`: expected a number other than 0 as the base of \
                    return(open), got `0`";
    scratch.fails(
        &quick(&["train", "series"], &["--data", "zero.csv", "--features", "return(open)"]),
        1,
        of_share,
    );
    assert!(!scratch.path("artifacts").exists());
    let features = "open,asinh-difference(open),difference(close)";
    scratch.train("series", &["--data", "zero.csv", "--features", features]);
    assert!(
        scratch.read_json("series", "evaluation.json")["mape"].is_number(),
        "the zero is in the training set"
    );
    let asinh = ["--data", "zero.csv", "--transform", "asinh-residual", "--fresh"];
    scratch.train("series", &asinh);
    assert!(scratch.read_json("series", "evaluation.json")["mase"].as_f64().unwrap() < 2.0);
}

#[test]
fn errors_of_settings_files_have_a_line() {
    let scratch = Scratch::new();
    scratch.file("bars.csv", bars(200));
    for (text, code, expected) in [
        (
            "seed = 1\nwindwo = 3\n",
            1,
            "error: run.toml, line 2: unknown key `windwo`; did you mean `window`? (`rnn-train \
             config EXPERIMENT` prints all keys)",
        ),
        ("[training]\nepochs = 3\n", 1, "run.toml, line 1: unknown key `training`"),
        (
            "seed = 1\ninterval = 1.5\n",
            1,
            "run.toml, line 2: `interval`: expected a number above 0 and below 1, or none, got \
             `1.5`",
        ),
        ("transform = \"log\"\n", 1, "asinh-residual, got `log`"),
        ("from = 2020-13-01\n", 1, "run.toml, line 1: `from`: invalid date"),
        ("from = [2020]\n", 1, "expected a text in quotes or a number"),
        ("from = { day = 1 }\n", 1, "expected a text in quotes or a number"),
        ("patience = -3\n", 1, "run.toml, line 1: `patience`: invalid value"),
        ("window = true\n", 1, "expected a text in quotes or a number"),
        ("epochs 3\n", 1, "run.toml, line 1: key with no value, expected `=`"),
        ("epochs = 3\nepochs = 4\n", 1, "run.toml, line 2: duplicate key"),
        ("units = []\n", 2, "at least one recurrent layer and one feature"),
        ("features = []\n", 2, "at least one recurrent layer and one feature"),
        ("features = \"open\"\n", 1, "run.toml, line 1: `features`: invalid type"),
        ("data = 3\n", 1, "run.toml, line 1: `data`: invalid type"),
    ] {
        let file = scratch.file("run.toml", text);
        scratch.fails(
            &["train", "series", "--data", "bars.csv", "--config", &file],
            code,
            expected,
        );
    }
    scratch.file("run.toml", [0xff, 0xfe]);
    scratch.fails(&["train", "series", "--config", "run.toml"], 1, "run.toml: cannot be read: ");
    scratch.fails(&["train", "series", "--config", "."], 1, ".: cannot be read: ");
    assert!(!scratch.path("artifacts").exists());
}

#[test]
fn letters_experiments_refuse_time_series_options() {
    let scratch = Scratch::new();
    for args in [
        ["--window", "5"],
        ["--interval", "0.9"],
        ["--features", "open"],
        ["--units", "4"],
        ["--fill", "linear"],
        ["--loss", "mae"],
    ] {
        let expected = format!("{}: needs a time-series experiment, and letters-onehot-1", args[0]);
        scratch.fails(&[&["train", "letters-onehot-1"], &args[..]].concat(), 2, &expected);
    }
    for command in ["evaluate", "predict"] {
        scratch.fails(
            &[command, "letters-onehot-1", "--data", "bars.csv"],
            2,
            "--data: needs a time-series experiment",
        );
    }
    assert!(!scratch.path("artifacts").exists());
    // One settings file may serve all experiments.
    let file = scratch.file("all.toml", "window = 5\nepochs = 3\npatience = 0\n");
    scratch.ok(&["train", "letters-onehot-1", "--config", &file]);
    assert_eq!(
        scratch.read_json("letters-onehot-1", "config.json")["options"]["window"],
        serde_json::Value::Null
    );
}

#[cfg(target_os = "linux")]
#[test]
fn paths_that_are_not_utf8_are_refused_before_anything_is_written() {
    use std::{ffi::OsStr, os::unix::ffi::OsStrExt};
    let scratch = Scratch::new();
    let odd = OsStr::from_bytes(b"b\xffrs.csv");
    fs::write(scratch.path("").join(odd), bars(200)).unwrap();
    for args in [
        &["train", "series"][..],
        &["backtest", "series"],
        &["train", "series", "--seeds", "2"],
        &["train", "letters-onehot-1"],
    ] {
        let mut command = scratch.command(args);
        command.arg("--data").arg(odd);
        let finished = scratch.finish(command, "");
        assert_eq!(finished.code, 2, "{args:?}: {}", finished.stderr);
        assert!(
            finished.stderr.contains("is not UTF-8 text")
                && !finished.stderr.contains("internal error"),
            "{}",
            finished.stderr
        );
    }
    let mut command = scratch.command(&["config", "series"]);
    command.env("RNN_STOCK_CSV", odd);
    assert_eq!(scratch.finish(command, "").code, 2);
    assert!(!scratch.path("artifacts").exists());
}
