use std::collections::BTreeSet;

use super::*;
use crate::{CsvFile, Scaler};

const SUBSETS: [Subset; 3] = [Subset::Train, Subset::Valid, Subset::Test];

fn course(window: usize) -> SeriesConfig {
    SeriesConfig { window, horizon: 1, split: Split::Course, ..config() }
}

fn holdout(window: usize, horizon: usize, valid: SetSize, test: SetSize) -> SeriesConfig {
    SeriesConfig { window, horizon, split: Split::holdout(valid, test), ..config() }
}

fn counts(panel: &Panel) -> [usize; 3] {
    SUBSETS.map(|subset| panel.windows(subset).len())
}

/// Returns all rows in windows of a set, inputs and targets.
fn seen(panel: &Panel, subset: Subset, config: &SeriesConfig) -> BTreeSet<usize> {
    let windows = panel.windows(subset);
    let origins = windows.iter().map(|window| window.unwrap().origin());
    origins.flat_map(|origin| origin - config.window..origin + config.horizon).collect()
}

/// Returns all rows that windows of a set predict.
fn targets(panel: &Panel, subset: Subset, config: &SeriesConfig) -> BTreeSet<usize> {
    let windows = panel.windows(subset);
    let origins = windows.iter().map(|window| window.unwrap().origin());
    origins.flat_map(|origin| origin..origin + config.horizon).collect()
}

#[test]
fn the_course_split_of_the_sample_has_2066_and_240_windows() {
    let table = CsvFile::sample(None).unwrap().read(&["open"], &ReadOptions::default()).unwrap();
    let (train, rest) = table.column("open").unwrap().split_at(2426 - 300);
    let expected = Scaler::min_max(train.iter().copied(), "open").unwrap();
    assert_ne!(Scaler::min_max(train.iter().chain(rest).copied(), "open").unwrap(), expected);
    let panel = course(60).init(table).unwrap();
    assert_eq!(counts(&panel), [2066, 240, 240], "the test set is also the validation set");
    assert_eq!(
        panel.series[0].scalers,
        Scalers { inputs: vec![expected], target: expected, linear: None }
    );
}

#[test]
fn the_course_split_fits_scalers_on_the_training_set() {
    let panel = course(60).init(table(0..500, |row| row as f64)).unwrap();
    assert_eq!(counts(&panel), [140, 240, 240]);
    let series = &panel.series[0];
    assert_eq!(series.scalers.target, Scaler::MinMax { min: 0.0, max: 199.0 });
    assert_eq!(SUBSETS.map(|subset| series.rows(subset)), [0..200, 200..500, 200..500]);
    let first = panel.windows(Subset::Test).get(0).unwrap();
    assert_eq!((first.origin(), first.values()[0]), (260, (200.0f64 / 199.0) as f32));
    assert_eq!(first.targets().collect::<Vec<_>>(), [(260.0f64 / 199.0) as f32]);
    assert_eq!((panel.starts.valid, panel.starts.test), (None, series.times[260]));
}

#[test]
fn too_few_rows_for_the_course_are_an_error_with_the_needed_number() {
    assert_eq!(counts(&course(60).init(table(0..361, wobbly)).unwrap()), [1, 240, 240]);
    let fix = "(use more rows, or a smaller window or horizon)";
    let why = "the last 300 rows are the test set, and each set needs a window of 60 rows and a \
               row to predict";
    assert_eq!(
        problem(table(0..360, wobbly), &course(60)),
        format!(": 360 rows are too few: 361 are needed, as {why} {fix}")
    );
    let looks_back = SeriesConfig { transform: Transform::Difference, ..course(60) };
    let why = "the training set has 61 and needs 62: a window of 60, a horizon of 1 and the row \
               before";
    assert_eq!(
        problem(table(0..361, wobbly), &looks_back),
        format!(": 361 rows are too few: 362 are needed, as {why} {fix}")
    );
    assert_eq!(counts(&looks_back.init(table(0..362, wobbly)).unwrap()), [1, 240, 240]);
}

#[test]
fn no_target_is_in_a_window_of_an_earlier_set() {
    for (window, horizon) in [(1, 1), (4, 1), (4, 3), (10, 5), (3, 10), (20, 20)] {
        for (valid, test) in [
            (SetSize::Rows(20), SetSize::Rows(25)),
            (SetSize::Rows(horizon), SetSize::Rows(horizon)),
            (SetSize::Fraction(0.1), SetSize::Fraction(0.15)),
            (SetSize::From(date(2020, 5, 1).into()), SetSize::From(date(2020, 6, 20).into())),
            (SetSize::Rows(21), SetSize::From(date(2020, 6, 15).at(12, 0, 0, 0))),
        ] {
            let mut config = holdout(window, horizon, valid, test);
            config.features.push(Feature::Difference("open".to_owned()));
            let panel = config.init(table(0..200, wobbly)).unwrap();
            let [train, valid_targets, test_targets] =
                SUBSETS.map(|subset| targets(&panel, subset, &config));
            let case = format!("window {window}, horizon {horizon}, {valid} and {test}");
            let rows = valid_targets.first().unwrap()..=valid_targets.last().unwrap();
            assert!(seen(&panel, Subset::Train, &config).last() < Some(rows.start()), "{case}");
            assert!(seen(&panel, Subset::Valid, &config).last() < test_targets.first(), "{case}");
            let first = 1 + window;
            assert_eq!((train.first(), test_targets.last()), (Some(&first), Some(&199)), "{case}");
            assert_eq!(
                train.len() + valid_targets.len() + test_targets.len(),
                200 - first,
                "every row after the first window is a target: {case}"
            );
        }
    }
}

#[test]
fn sets_predict_the_requested_number_of_rows() {
    let predicted = |config: &SeriesConfig| counts(&config.init(table(0..200, wobbly)).unwrap());
    assert_eq!(
        predicted(&holdout(4, 1, SetSize::Rows(20), SetSize::Rows(25))),
        [200 - 4 - 20 - 25, 20, 25]
    );
    assert_eq!(
        predicted(&holdout(4, 3, SetSize::Rows(20), SetSize::Rows(25))),
        [200 - 4 - 20 - 25 - 2, 18, 23]
    );
    assert_eq!(
        predicted(&holdout(10, 5, SetSize::Rows(5), SetSize::Rows(5))),
        [200 - 10 - 10 - 4, 1, 1]
    );
    assert_eq!(
        predicted(&holdout(4, 1, SetSize::Fraction(0.1), SetSize::Fraction(0.128))),
        [150, 20, 26],
        "fractions of all rows, rounded"
    );
    let test = date(2020, 1, 1).checked_add(175.days()).unwrap();
    assert_eq!(
        predicted(&holdout(4, 1, SetSize::Rows(20), SetSize::From(test.into()))),
        [151, 20, 25]
    );
    let valid = date(2020, 1, 1).checked_add(155.days()).unwrap();
    assert_eq!(
        predicted(&holdout(4, 1, SetSize::From(valid.into()), SetSize::From(test.into()))),
        [151, 20, 25],
    );
    let panel =
        holdout(4, 1, SetSize::Rows(20), SetSize::Rows(25)).init(table(0..200, wobbly)).unwrap();
    assert_eq!(
        (panel.starts.valid, panel.starts.test),
        (Some(valid.into()), test.into()),
        "times of the first predicted rows"
    );
}

#[test]
fn a_split_that_does_not_fit_is_an_error_with_the_reason() {
    let of_100 = |config: &SeriesConfig| problem(table(0..100, wobbly), config);
    let rows = SetSize::Rows;
    let start = "it must start after a window of 10 rows and before row";
    let given = "of 100 rows, 2020-01-01 to 2020-04-09 (choose another size or date)";
    let horizon = "fewer than the horizon of 3 rows (choose a larger set or a smaller horizon)";
    for (config, expected) in [
        (
            holdout(100, 1, rows(1), rows(1)),
            "100 rows are too few: 103 are needed, as the training set needs a window of 100 rows, \
             and each set a horizon of 1 rows (use more rows, or a smaller window or horizon)"
                .into(),
        ),
        (
            holdout(10, 3, rows(3), rows(95)),
            format!("the test set (95) does not fit: {start} 101 {given}"),
        ),
        (
            holdout(10, 3, rows(3), rows(101)),
            format!("the test set (101) does not fit: {start} 101 {given}"),
        ),
        (
            holdout(10, 3, rows(85), rows(10)),
            format!("the validation set (85) does not fit: {start} 91 {given}"),
        ),
        (
            holdout(10, 3, rows(3), SetSize::From(date(2021, 1, 1).into())),
            format!("the test set (2021-01-01) does not fit: {start} 101 {given}"),
        ),
        (
            holdout(10, 3, SetSize::From(date(2020, 3, 20).into()), rows(25)),
            format!("the validation set (2020-03-20) does not fit: {start} 76 {given}"),
        ),
        (
            holdout(10, 3, rows(5), SetSize::Fraction(0.001)),
            format!("the test set (0.001) does not fit: {start} 101 {given}"),
        ),
        (holdout(10, 3, rows(3), rows(2)), format!("the test set predicts 2 rows (2), {horizon}")),
        (
            holdout(10, 3, rows(2), rows(3)),
            format!("the validation set predicts 2 rows (2), {horizon}"),
        ),
        (
            holdout(10, 3, rows(50), rows(38)),
            "no rows are left to train on: 12 come before the validation set, and a window of 10 \
             and a horizon of 3 need 13 (choose smaller sets or a smaller window)"
                .into(),
        ),
        (
            SeriesConfig { transform: Transform::Difference, ..holdout(10, 3, rows(50), rows(37)) },
            "100 rows are too few: 101 are needed, as the training set has 13 and needs 14: a \
             window of 10, a horizon of 3 and the row before (use more rows, or a smaller window \
             or horizon)"
                .into(),
        ),
    ] {
        assert_eq!(of_100(&config), format!(": {expected}"));
    }
    assert_eq!(
        counts(&holdout(10, 3, rows(50), rows(37)).init(table(0..100, wobbly)).unwrap()),
        [1, 48, 35]
    );
}

#[test]
fn a_horizon_longer_than_the_test_set_of_the_course_is_an_error() {
    let config = |horizon| SeriesConfig { horizon, ..course(60) };
    assert_eq!(counts(&config(240).init(table(0..800, wobbly)).unwrap()), [201, 1, 1]);
    let text = problem(table(0..800, wobbly), &config(241));
    assert!(
        text.starts_with(
            ": the test set predicts 240 rows (240), fewer than the horizon of 241 rows (choose "
        ),
        "{text}"
    );
    let text = problem(table(0..361, wobbly), &config(2));
    assert!(
        text.starts_with(": 361 rows are too few: 362 are needed, as the training set has 61 "),
        "{text}"
    );
}

#[test]
fn set_sizes_are_rows_fractions_or_dates() {
    for (text, size) in [
        ("250", SetSize::Rows(250)),
        ("1", SetSize::Rows(1)),
        ("0.15", SetSize::Fraction(0.15)),
        ("2020-04-24", SetSize::From(date(2020, 4, 24).into())),
        ("2020-04-24 15:30", SetSize::From(date(2020, 4, 24).at(15, 30, 0, 0))),
    ] {
        assert_eq!(text.parse(), Ok(size));
        assert_eq!(size.to_string(), text);
    }
    for text in ["0", "1.5", "-3", "NaN", "x", ""] {
        assert_eq!(
            text.parse::<SetSize>(),
            Err(format!("expected a number of rows, a fraction like 0.15 or a date, got `{text}`"))
        );
    }
}

#[test]
fn windows_of_any_length_are_scored_on_the_same_rows() {
    let of = |window: usize, purge: Option<usize>| {
        let split = Split::Holdout { valid: SetSize::Rows(8), test: SetSize::Rows(10), purge };
        series(table(0..60, wobbly), &SeriesConfig { window, horizon: 1, split, ..config() })
    };
    for window in [3, 7, 12, 40] {
        let series = of(window, None);
        assert!(series.origins(Subset::Valid).eq(42..50), "{window}");
        assert!(series.origins(Subset::Test).eq(50..60), "{window}");
        assert_eq!(series.rows(Subset::Train), 0..42, "{window}");
    }
    for window in [3, 7, 12] {
        let series = of(window, Some(12));
        assert!(series.origins(Subset::Valid).eq(30..38), "{window}");
        assert!(series.origins(Subset::Test).eq(50..60), "{window}");
        assert_eq!(series.rows(Subset::Train), 0..18, "{window}");
        assert!(series.rows(Subset::Valid).end <= series.rows(Subset::Test).start);
    }
    let longer = of(13, Some(12));
    assert!(longer.origins(Subset::Valid).eq(29..37), "a purge is at least a window");
    assert_eq!(of(5, Some(0)).rows(Subset::Train), 0..32);
}
