//! Columns known in the future: what a window reads of them, and what it must not read.

use super::*;

const ROWS: usize = 60;
const HORIZON: usize = 3;

fn promo(row: usize) -> f64 {
    5.0 + ((row * row * 31 + 7 * row) % 23) as f64
}

/// Returns a file with values up to `rows`, and a promotion up to `all`.
fn text(rows: usize, all: usize, promo: impl Fn(usize) -> f64) -> String {
    let mut content = "date,open,promo\n".to_owned();
    for row in 0..all {
        let day = date(2020, 1, 1).checked_add((row as i64).days()).unwrap();
        let open = if row < rows { wobbly(row).to_string() } else { String::new() };
        content += &format!("{day},{open},{}\n", promo(row));
    }
    content
}

fn leads() -> Vec<Feature> {
    let lead = |rows| Feature::Lead("promo".to_owned(), rows);
    [open(), Feature::Level("promo".to_owned())]
        .into_iter()
        .chain((1..=HORIZON).map(lead))
        .collect()
}

fn future_config() -> SeriesConfig {
    config().with_features(leads()).with_future(vec!["promo".to_owned()])
}

fn options() -> ReadOptions {
    ReadOptions { future: vec!["promo".to_owned()], ..ReadOptions::default() }
}

fn read(content: String) -> Table {
    tests::read(content, &["open", "promo"], &options()).unwrap()
}

fn prepared(rows: usize, all: usize, promo: impl Fn(usize) -> f64) -> Arc<Series> {
    series(read(text(rows, all, promo)), &future_config())
}

/// Returns the values in the units of the table, of the inputs after the target's.
fn promos(series: &Series, row: usize) -> Vec<f64> {
    let inputs = &series.inputs(row..row + 1)[1..];
    let scalers = &series.scalers.inputs[1..];
    inputs.iter().zip(scalers).map(|(input, one)| one.inverse_transform((*input).into())).collect()
}

#[test]
fn each_row_has_the_rows_after_it_up_to_the_horizon() {
    let series = prepared(ROWS, ROWS + HORIZON, promo);
    assert_eq!((series.times.len(), series.future[0].len()), (ROWS, ROWS + HORIZON));
    for row in [0, 10, ROWS - 1] {
        let expected = (0..=HORIZON).map(|ahead| promo(row + ahead));
        for (got, expected) in promos(&series, row).into_iter().zip(expected) {
            assert!((got - expected).abs() < 1e-4, "row {row}: {got} {expected}");
        }
    }
    series.check_future(ROWS).unwrap();
}

#[test]
fn values_beyond_the_horizon_change_no_input_and_those_within_do() {
    let one = prepared(ROWS, ROWS + 2 * HORIZON, promo);
    for (changed, expected) in [(HORIZON, false), (HORIZON - 1, true), (0, true)] {
        let other =
            prepared(ROWS, ROWS + 2 * HORIZON, |row| promo(row) + f64::from(row >= ROWS + changed));
        assert_eq!(one.scalers, other.scalers, "scalers are those of the training set");
        let windows = [&one, &other].map(|series| Window::new(series, ROWS).values().to_vec());
        assert_eq!(windows[0] != windows[1], expected, "{changed}");
    }
    // The same in the middle of the rows.
    let origin = 50;
    let other = prepared(ROWS, ROWS, |row| promo(row) + f64::from(row >= origin + HORIZON));
    let windows = [&one, &other].map(|series| Window::new(series, origin).values().to_vec());
    assert_eq!(windows[0], windows[1]);
}

#[test]
fn windows_of_all_sets_have_known_inputs() {
    let series = prepared(ROWS, ROWS, promo);
    assert!(series.inputs(0..ROWS - HORIZON).iter().all(|input| input.is_finite()));
    for subset in [Subset::Train, Subset::Valid, Subset::Test] {
        for steps in [1, HORIZON, HORIZON + 1] {
            for origin in series.origins_ahead(subset, steps) {
                series.check_future(origin).unwrap();
            }
        }
    }
}

#[test]
fn a_missing_value_is_named_with_its_column_and_time() {
    let series = prepared(ROWS, ROWS + 1, promo);
    let problem = series.check_future(ROWS).unwrap_err().to_string();
    // Row 60 is 1 March.
    let expected = "column `promo` has no value for 2020-03-02: a forecast of 3 rows after \
                    2020-02-29 needs it up to 2020-03-03 (add rows after the last value, or use \
                    --future-data)";
    assert!(problem.ends_with(expected), "{problem}");
}

#[test]
fn a_long_forecast_reads_the_same_inputs_as_one_of_known_rows() {
    let all = prepared(ROWS, ROWS, promo);
    let origin = ROWS - 2 * HORIZON;
    let mut known = all.truncated(origin);
    assert!(known.can_push());
    let times = known.next_times(HORIZON);
    assert_eq!(times, all.times[origin..origin + HORIZON]);
    for (row, time) in (origin..).zip(times) {
        known.push(time, all.target[row]);
    }
    assert_eq!(known.inputs(0..origin + HORIZON), all.inputs(0..origin + HORIZON));

    // Rows beyond the known ones have no inputs.
    let mut known = all.truncated(ROWS);
    for time in known.next_times(4) {
        known.push(time, 100.0);
    }
    assert!(known.check_future(ROWS + 4).is_err());
}

#[test]
fn later_rows_have_the_times_of_the_file_and_then_continue() {
    // Nothing is sold on the next two days.
    let mut content = "date,open,promo\n".to_owned();
    let mut days = business_days();
    for (row, day) in days.by_ref().take(ROWS).enumerate() {
        content += &format!("{day},{},{}\n", wobbly(row), promo(row));
    }
    let next: Vec<DateTime> = days.skip(2).take(2).map(DateTime::from).collect();
    for day in &next {
        content += &format!("{},,1\n", day.date());
    }
    let series = series(read(content), &future_config());
    let times = series.next_times(3);
    assert_eq!(times[..2], next);
    assert!(times[2] > times[1]);
}

fn business_days() -> impl Iterator<Item = jiff::civil::Date> {
    date(2020, 1, 1).series(1.day()).filter(|day| day.weekday().to_monday_zero_offset() < 5)
}

#[test]
fn flags_and_constants_are_not_scaled() {
    let flag = prepared(ROWS, ROWS, |row| f64::from(row % 7 == 3));
    assert_eq!(flag.scalers.inputs[1..], [crate::Scaler::Identity; 4]);
    let constant = prepared(ROWS, ROWS, |_| 30.0);
    let inputs = constant.inputs(20..21);
    assert_eq!(inputs[1..], [0.0; 4], "a constant is no input, and no error");
}

#[test]
fn wrong_columns_and_features_are_refused() {
    let table = || read(text(ROWS, ROWS, promo));
    let lead = |rows| vec![Feature::Lead("promo".to_owned(), rows)];
    for (config, expected) in [
        (
            SeriesConfig { target: "promo".to_owned(), ..future_config() },
            "column `promo` is the target, which is not known in the future",
        ),
        (
            config().with_features(lead(1)),
            "`lead(promo, 1)`: the column is not known in the future",
        ),
        (
            future_config().with_features(lead(4)),
            "`lead(promo, 4)`: expected at most the horizon of 3 rows, got 4",
        ),
        (
            config().with_features(vec![Feature::Static("size".to_owned())]),
            "`static(size)`: the series has no such value",
        ),
    ] {
        let problem = problem(table(), &config);
        assert!(problem.contains(expected), "{problem}");
    }
}

#[test]
fn the_course_split_and_all_transforms_take_them() {
    for transform in TRANSFORMS {
        let config = future_config().with_transform(transform);
        let series = series(read(text(ROWS, ROWS + HORIZON, promo)), &config);
        assert!(series.inputs(1..ROWS).iter().all(|input| input.is_finite()), "{transform}");
    }
}

#[test]
fn values_of_the_whole_series_are_inputs_of_all_rows() {
    let values = "open,size\nA,10\nB,30\n";
    let values = crate::StaticValues::from_bytes(
        "sizes.csv".as_ref(),
        values.as_bytes(),
        None,
        &crate::CsvOptions::default(),
    )
    .unwrap();
    let named = |name: &str| {
        let mut table = table(0..ROWS, wobbly);
        table.series = Some(name.to_owned());
        values.add_to(table)
    };
    let config = config().with_features(vec![open(), Feature::Static("size".to_owned())]);
    let tables = ["A", "B"].map(|name| named(name).unwrap()).to_vec();
    let panel = config.init_many("panel".as_ref(), tables, BadSeries::Fail).unwrap();
    let inputs: Vec<f32> = panel.series.iter().map(|series| series.inputs(7..8)[1]).collect();
    assert_eq!(inputs, [-1.0, 1.0]);
    let mut known = panel.series[1].truncated(20);
    assert!(known.can_push());
    known.push(known.next_times(1)[0], 100.0);
    assert_eq!(known.inputs(20..21)[1], 1.0);
    let missing = named("C").unwrap_err().to_string();
    let expected = "sizes.csv: column `open` has no row for the series `C` of ";
    assert!(missing.starts_with(expected), "{missing}");
}
