use std::f64::consts::TAU;

use super::*;
use crate::CsvFile;

fn feature(text: &str) -> Feature {
    let header = "date,open,close,high,low,Volume\n";
    tests::with_file(header, |path| {
        Feature::parse(text, CsvFile::open(path, None).unwrap().columns())
    })
    .unwrap()
}

/// Returns a feature in rows 2 and 3: the open is 100, 110, 99, the close is 1 more.
fn second_and_third(text: &str) -> Vec<Vec<f64>> {
    let columns = feature(text).values(&table(0..3, |row| [100.0, 110.0, 99.0][row])).unwrap();
    columns.iter().map(|values| values[1..].to_vec()).collect()
}

#[test]
fn features_have_their_documented_values() {
    let (ln, open, close) = (f64::ln, [100.0, 110.0, 99.0], [101.0, 111.0, 100.0]);
    for (text, expected) in [
        ("open", [open[1], open[2]]),
        ("difference(open)", [10.0, -11.0]),
        (
            "asinh-difference(open)",
            [f64::asinh(110.0) - f64::asinh(100.0), f64::asinh(99.0) - f64::asinh(110.0)],
        ),
        ("return(open)", [10.0 / 100.0, -11.0 / 110.0]),
        ("log-return(open)", [ln(110.0 / 100.0), ln(99.0 / 110.0)]),
        ("log(close/open)", [ln(close[1] / open[1]), ln(close[2] / open[2])]),
        ("gap", [ln(open[1] / close[0]), ln(open[2] / close[1])]),
    ] {
        assert_eq!(second_and_third(text), [expected], "{text}");
    }
}

/// Returns rows at some times.
fn table_at(times: Vec<DateTime>) -> Table {
    let values = vec![1.0; times.len()];
    Table::from_columns("times", times, [("open", values)]).unwrap()
}

#[test]
fn features_of_earlier_rows_have_their_documented_values() {
    let squares = table(0..8, |row| (row * row) as f64);
    for (text, expected) in [
        ("level(open)", [25.0, 36.0, 49.0]),
        ("flag(open)", [25.0, 36.0, 49.0]),
        ("lag(open, 3)", [4.0, 9.0, 16.0]),
        ("change(open, 2)", [25.0 - 9.0, 36.0 - 16.0, 49.0 - 25.0]),
        ("rolling-mean(open, 3)", [50.0 / 3.0, 77.0 / 3.0, 110.0 / 3.0]),
        ("lag(difference(open), 2)", [9.0 - 4.0, 16.0 - 9.0, 25.0 - 16.0]),
        ("rolling-mean(change(open, 2), 2)", [14.0, 18.0, 22.0]),
    ] {
        let values = feature(text).values(&squares).unwrap();
        assert_eq!(values[0][5..], expected, "{text}");
    }
    assert_eq!(feature("change(open, 2)").values(&squares).unwrap()[0][..3], [0.0, 0.0, 4.0]);
    for (text, rows) in [
        ("level(open)", 0),
        ("lag(open, 3)", 3),
        ("rolling-mean(open, 3)", 2),
        ("lag(difference(open), 2)", 3),
        ("rolling-mean(change(open, 2), 2)", 3),
    ] {
        assert_eq!(feature(text).look_back(), rows, "{text}");
    }
}

#[test]
fn times_of_the_calendar_have_harmonics() {
    let day = date(2020, 4, 24).at(18, 0, 0, 0); // a Friday, day 115 of 366
    let row = table_at(vec![day]);
    for (text, fraction) in [
        ("time-of-day(2)", 0.75),
        ("time-of-week(2)", 4.75 / 7.0),
        ("time-of-year(2)", 114.75 / 366.0),
    ] {
        let numbers = feature(text).numbers(&row, 0);
        let expected = [1.0, 2.0].map(|multiple| (TAU * fraction * multiple).sin_cos());
        let expected = expected.map(<[f64; 2]>::from).concat();
        for (number, expected) in numbers.iter().zip(&expected) {
            assert!((number - expected).abs() < 1e-12, "{text}: {numbers:?}");
        }
        assert_eq!(feature(text).values(&row).unwrap().len(), 4);
    }
}

#[test]
fn calendar_features_are_sine_and_cosine() {
    let day = date(2020, 4, 24).at(18, 59, 0, 0); // a Friday
    for (text, fraction) in [("weekday", 4.0 / 7.0), ("month", 3.0 / 12.0), ("hour", 18.0 / 24.0)] {
        let row = table_at(vec![day]);
        assert_eq!(
            feature(text).numbers(&row, 0),
            [(TAU * fraction).sin(), (TAU * fraction).cos()],
            "{text}"
        );
    }
    let columns = feature("weekday").values(&table(0..3, wobbly)).unwrap();
    assert_eq!((columns.len(), columns[0].len()), (2, 3));
    assert_eq!(
        [columns[0][2], columns[1][2]],
        [(TAU * 4.0 / 7.0).sin(), (TAU * 4.0 / 7.0).cos()],
        "3 January is a Friday"
    );
}

#[test]
fn dates_do_not_hide_the_calendar() {
    for (header, cells) in [
        ("Month,y", "2020-01,5"),
        ("year,month,day,hour,y", "2020,1,2,3,5"),
        ("Weekday,y", "2020-01-02,5"),
    ] {
        let file =
            CsvFile::from_bytes("a.csv".as_ref(), format!("{header}\n{cells}\n").as_bytes(), None);
        let columns = file.unwrap().columns().clone();
        for (text, expected) in
            [("month", Feature::Month), ("hour", Feature::Hour), ("weekday", Feature::Weekday)]
        {
            assert_eq!(Feature::parse(text, &columns).unwrap(), expected, "{header}");
        }
    }
    let text = &b"date,month,y\n2020-01-02,7,5\n"[..];
    let file = CsvFile::from_bytes("a.csv".as_ref(), text, None).unwrap();
    let column = Feature::Column("month".to_owned());
    assert_eq!(Feature::parse("month", file.columns()).unwrap(), column, "a column of numbers");
}

#[test]
fn changes_start_at_the_second_row() {
    for (text, first) in [
        ("open", 0),
        ("log(close/open)", 0),
        ("weekday", 0),
        ("difference(close)", 1),
        ("log-return(close)", 1),
        ("gap", 1),
    ] {
        let config = SeriesConfig { features: vec![open(), feature(text)], ..config() };
        let series = series(table(0..60, wobbly), &config);
        assert_eq!(
            (series.first_origin(), series.origins(Subset::Train).next().unwrap()),
            (4 + first, 4 + first),
            "{text}"
        );
    }
}

#[test]
fn features_round_trip_as_text() {
    for text in [
        "open",
        "difference(open)",
        "return(open)",
        "log-return(open)",
        "log(high/low)",
        "gap",
        "weekday",
        "month",
        "hour",
        "level(open)",
        "flag(open)",
        "lag(log-return(open), 7)",
        "change(level(open), 7)",
        "rolling-mean(lag(level(open), 2), 7)",
        "time-of-day(3)",
        "time-of-week(1)",
        "time-of-year(50)",
    ] {
        assert_eq!(feature(text).to_string(), text);
    }
    for (text, written) in [
        ("OPEN", "open"),
        (" return( volume ) ", "return(Volume)"),
        ("log(High / Low)", "log(high/low)"),
        ("lag( OPEN ,7 )", "lag(level(open), 7)"),
    ] {
        assert_eq!(feature(text).to_string(), written);
    }
}

#[test]
fn a_feature_lists_its_columns() {
    assert_eq!(feature("gap").columns(), ["open", "close"]);
    assert_eq!(feature("log(high/low)").columns(), ["high", "low"]);
    assert_eq!(feature("hour").columns(), [""; 0]);
    let features = ["gap", "close", "log(open/low)", "month"].map(feature).to_vec();
    let config = SeriesConfig { close: Some("close".to_owned()), features, ..config() };
    assert_eq!(config.columns(), ["open", "close", "low"], "the target first, without duplicates");
}

#[test]
fn a_column_takes_precedence_over_a_word() {
    tests::with_file("date,gap,hour\n", |path| {
        let file = CsvFile::open(path, None).unwrap();
        assert_eq!(
            Feature::parse("gap", file.columns()).unwrap(),
            Feature::Column("gap".to_owned())
        );
        assert_eq!(Feature::parse("weekday", file.columns()).unwrap(), Feature::Weekday);
    });
}

#[test]
fn a_malformed_feature_is_an_error_with_the_known_forms() {
    let known = "a feature is a column, level(c), flag(c), difference(c), return(c), \
                 asinh-difference(c), log-return(c), log(a/b), lag(c, rows), change(c, rows), \
                 rolling-mean(c, rows), lead(c, rows), static(v), time-of-day(n), \
                 time-of-week(n), time-of-year(n), gap, \
                 weekday, month or hour";
    for (text, expected) in [
        ("ratio(open)", format!("feature `ratio(open)`: unknown function `ratio`; {known}")),
        (
            "logreturn(open)",
            format!("unknown function `logreturn` (did you mean `log-return`?); {known}"),
        ),
        ("weekdy", "column `weekdy` is missing (did you mean `weekday`?)".to_owned()),
        (
            "log(open)",
            "feature `log(open)`: expected two columns, as in log(high/close)".to_owned(),
        ),
        (
            "lag(open)",
            "feature `lag(open)`: expected a number of rows, as in lag(open, 7)".to_owned(),
        ),
        (
            "lag(open, 0)",
            "feature `lag(open, 0)`: expected a number from 1 to 100000, got `0`".to_owned(),
        ),
        (
            "time-of-day(51)",
            "feature `time-of-day(51)`: expected a number from 1 to 50, got `51`".to_owned(),
        ),
        (
            "lag(weekday, 2)",
            "feature `lag(weekday, 2)`: expected a column, got `weekday`".to_owned(),
        ),
        (
            "lag(lag(open, 60000), 60000)",
            "feature `lag(lag(open, 60000), 60000)`: looks back 120000 rows, at most 100000"
                .to_owned(),
        ),
        ("lead(open)", "expected a number of rows, as in lead(open, 7)".to_owned()),
        ("lead(opne, 1)", "column `opne` is missing (did you mean `open`?)".to_owned()),
        ("static()", "expected a value of the series, as in static(size)".to_owned()),
        ("lag(lead(open, 2), 1)", "expected a column, got `lead(open, 2)`".to_owned()),
        ("opne", "column `opne` is missing (did you mean `open`?)".to_owned()),
        ("return(opne)", "column `opne` is missing (did you mean `open`?)".to_owned()),
        ("return(open", "column `return(open` is missing".to_owned()),
        ("log(open/close/low)", "column `close/low` is missing (did you mean `close`?)".to_owned()),
        ("gap", "column `open` appears 2 times".to_owned()),
        ("open", "column `open` appears 2 times".to_owned()),
    ] {
        let header = if expected.contains("2 times") {
            "date,open,open,close\n"
        } else {
            "date,open,close\n"
        };
        let problem = tests::with_file(header, |path| {
            Feature::parse(text, CsvFile::open(path, None).unwrap().columns())
        })
        .unwrap_err()
        .to_string();
        assert!(problem.contains(&expected), "{problem}\nshould contain\n{expected}");
    }
}

#[test]
fn undefined_ratios_are_errors_with_the_line() {
    let zero_at = |zero: usize| move |row: usize| if row == zero { 0.0 } else { 100.0 };
    for text in ["log-return(open)", "log(open/close)", "log(close/open)", "gap"] {
        let problem = without_path(&feature(text).values(&table(0..5, zero_at(2))).unwrap_err());
        assert!(
            problem.starts_with(
                ", line 4, column `open`: expected a number above 0 for a logarithm, got 0"
            ),
            "{problem}"
        );
    }
    let problem =
        without_path(&feature("return(open)").values(&table(0..5, zero_at(2))).unwrap_err());
    assert_eq!(
        problem,
        ", line 4, column `open`: expected a number other than 0 as the base of return(open), got \
         `0` (correct the value, or choose another feature)"
    );
    assert_eq!(
        feature("return(open)").values(&table(0..5, zero_at(4))).unwrap()[0][4],
        -1.0,
        "the last value is not a base"
    );
    assert!(
        feature("return(open)").values(&table(0..5, |row| row as f64 - 4.0)).is_ok(),
        "negative bases are allowed"
    );
}
