//! The linear forecast: what it learns, and what it must not see.

use super::*;

const ROWS: usize = 160;
const WEEK: [f64; 7] = [3.0, -1.0, 0.5, 2.0, -4.0, 6.0, -6.5];

fn config_of(seasons: &[usize], horizon: usize) -> SeriesConfig {
    SeriesConfig {
        transform: Transform::Residual,
        naive: Naive::Linear,
        seasons: seasons.to_vec(),
        horizon,
        split: Split::holdout(SetSize::Rows(30), SetSize::Rows(30)),
        ..config()
    }
}

fn series_of(values: impl Fn(usize) -> f64, seasons: &[usize], horizon: usize) -> Arc<Series> {
    series(table(0..ROWS, values), &config_of(seasons, horizon))
}

fn noise(row: usize) -> f64 {
    ((row as f64 * 12.9898).sin() * 43_758.545_3).rem_euclid(1.0) - 0.5
}

fn weekly(row: usize) -> f64 {
    100.0 + 0.2 * row as f64 + WEEK[row % 7] + noise(row)
}

/// Mean absolute error of a forecast over the test set.
fn error(series: &Series, naive: Naive) -> f64 {
    let origins = series.origins(Subset::Test);
    let count = (origins.len() * series.horizon()) as f64;
    let steps = origins.flat_map(|origin| (0..series.horizon()).map(move |step| (origin, step)));
    let errors = steps.map(|(origin, step)| {
        (series.target[origin + step] - naive.forecast(series, origin, step)).abs()
    });
    errors.sum::<f64>() / count
}

#[test]
fn a_straight_line_is_continued() {
    for size in [1e-3, 0.0] {
        let series = series_of(|row| 5.0 + 2.0 * row as f64 + size * noise(row), &[], 10);
        let error = error(&series, Naive::Linear);
        assert!(error <= 2.0 * size + 1e-4, "{error}");
        assert!(series.transform(100, 5).abs() < 1e3 && series.inputs(0..ROWS)[100].is_finite());
    }
    let text = problem(table(0..ROWS, |_| 7.0), &config_of(&[], 10));
    assert!(text.starts_with(", column `open`: every training value is 7"), "{text}");
}

#[test]
fn the_forecast_of_values_around_zero_has_valid_numbers() {
    // Without logarithms the parts of one scale have a sum of 1, but for the last bits.
    for seed in 0..40 {
        let values = |row: usize| WEEK[row % 7] + noise(row + 1000 * seed) + noise(7 * row + seed);
        let series = series_of(values, &[7], 14);
        assert!(series.scalers.linear.as_ref().unwrap().is_valid(), "seed {seed}");
    }
}

#[test]
fn a_season_is_learned_better_than_by_repeating_it() {
    let series = series_of(weekly, &[7], 7);
    let [linear, seasonal] = [Naive::Linear, Naive::Seasonal(7)].map(|one| error(&series, one));
    assert!(linear < 0.5 && linear < 0.4 * seasonal, "{linear} and {seasonal}");
}

#[test]
fn growth_by_a_factor_is_continued() {
    let growth =
        |row: usize| (4.0 + 0.02 * row as f64 + 0.1 * WEEK[row % 7] + 0.05 * noise(row)).exp();
    let series = series_of(growth, &[7], 7);
    let [linear, seasonal] = [Naive::Linear, Naive::Seasonal(7)].map(|one| error(&series, one));
    assert!(linear < 0.25 * seasonal, "{linear} and {seasonal}");
}

#[test]
fn a_falling_line_crosses_zero_and_forecasts_do_not_widen_their_bounds() {
    let falling = series_of(|row| 50.0 - 0.4 * row as f64, &[], 10);
    assert!(error(&falling, Naive::Linear) < 0.01);
    // Nearly constant: each forecast is appended, as far as ten horizons ahead.
    let outlier = |row: usize| if row == 3 { 6.0 } else { 5.0 + 1e-3 * noise(row) };
    for values in [&outlier as &dyn Fn(usize) -> f64, &weekly] {
        let mut series = (*series_of(values, &[], 3)).clone();
        for row in ROWS..ROWS + 30 {
            let forecast = Naive::Linear.forecast(&series, row, 0);
            let distance = (forecast - values(ROWS - 1)).abs();
            assert!(distance < 0.5 * values(ROWS - 1), "row {row}: {forecast}");
            let time = series.times[row - 1] + 1.day();
            series.push(time, forecast);
        }
    }
}

#[test]
fn demand_that_has_been_zero_is_not_negative() {
    let series = series_of(|row| f64::from(u8::from(row % 7 == 2)) * (3.0 + noise(row)), &[7], 3);
    assert_eq!(series.inverse_transform(ROWS, &[-100.0, 0.0, 100.0])[0], 0.0);
    assert!(series_of(weekly, &[7], 3).inverse_transform(ROWS, &[-1e6])[0] < 0.0);
}

#[test]
fn a_large_level_keeps_its_digits() {
    let series = series_of(|row| 1e9 + weekly(row), &[7], 7);
    assert!(error(&series, Naive::Linear) < 2.0);
}

#[test]
fn two_seasons_and_a_bit_are_learned() {
    let month = |row: usize| 100.0 + 10.0 * (row as f64 * std::f64::consts::TAU / 12.0).sin();
    let values = |row: usize| month(row) + 2.0 * noise(row);
    let config = SeriesConfig {
        split: Split::holdout(SetSize::Fraction(0.15), SetSize::Fraction(0.15)),
        ..config_of(&[12], 1)
    };
    let of = |rows: usize| {
        let series = series(table(0..rows, values), &config);
        [Naive::Linear, Naive::Seasonal(12)].map(|one| error(&series, one))
    };
    let errors: Vec<[f64; 2]> = (28..44).map(of).collect();
    let sum = |place: usize| errors.iter().map(|of_rows| of_rows[place]).sum::<f64>();
    assert!(sum(0) <= 1.05 * sum(1), "{errors:?}");
    // Less than two seasons are repeated.
    let [linear, seasonal] = of(26);
    assert_eq!(linear, seasonal);
}

#[test]
fn rows_of_the_test_set_change_no_forecast_of_earlier_rows() {
    let first = ROWS - 30;
    let one = series_of(weekly, &[7], 3);
    for level in [500.0, 0.0, -500.0] {
        let later = |row: usize| if row < first { weekly(row) } else { level + noise(row) };
        let other = series_of(later, &[7], 3);
        assert_eq!(one.scalers, other.scalers);
        for origin in one.first_origin()..=first {
            assert_eq!(one.inputs(origin - 1..origin), other.inputs(origin - 1..origin));
            for step in 0..3 {
                let [one, other] =
                    [&one, &other].map(|series| Naive::Linear.forecast(series, origin, step));
                assert_eq!(one, other, "origin {origin}, step {step}");
            }
        }
    }
}

#[test]
fn a_forecast_ignores_rows_from_its_origin_on() {
    let scalers = series_of(weekly, &[7], 3).scalers.clone();
    let table = |end: usize| {
        table(0..ROWS, move |row| if row < end { weekly(row) } else { 1e3 * (1.0 + noise(row)) })
    };
    // Those of the training set are fitted to all its rows.
    for origin in [100, 110, 140] {
        let [one, other] = [ROWS, origin].map(|end| {
            let panel = config_of(&[7], 3).init_scaled(table(end), Some(&scalers)).unwrap();
            [0, 1, 2].map(|step| Naive::Linear.forecast(&panel.series[0], origin, step))
        });
        assert_eq!(one, other, "{origin}");
    }
}

#[test]
fn appended_rows_give_the_same_forecasts() {
    let whole = series_of(weekly, &[7], 3);
    let mut grown = whole.truncated(120);
    for row in 120..ROWS {
        grown.push(whole.times[row], whole.target[row]);
    }
    for origin in 120..=ROWS {
        let forecast =
            |series: &Series| [0, 1, 2].map(|step| Naive::Linear.forecast(series, origin, step));
        assert_eq!(forecast(&whole), forecast(&grown), "{origin}");
    }
}

#[test]
fn a_few_rows_are_smoothed() {
    let config = SeriesConfig {
        split: Split::holdout(SetSize::Rows(4), SetSize::Rows(4)),
        ..config_of(&[7], 1)
    };
    let short = series(table(0..22, weekly), &config);
    let [linear, last] = [Naive::Linear, Naive::LastValue].map(|one| error(&short, one));
    assert!(linear < 0.7 * last, "{linear} and {last}");
}

#[test]
fn waves_keep_their_places_when_first_rows_are_missing() {
    let scalers = series_of(weekly, &[7], 3).scalers.clone();
    let forecasts = |first: usize| {
        let panel = config_of(&[7], 3).init_scaled(table(first..ROWS, weekly), Some(&scalers));
        let series = panel.unwrap().series.remove(0);
        [0, 1, 2].map(|step| Naive::Linear.forecast(&series, ROWS - 10 - first, step))
    };
    for (one, other) in forecasts(0).into_iter().zip(forecasts(3)) {
        assert!((one - other).abs() < 0.3, "{one} {other}");
    }
}

#[test]
fn a_series_that_ends_before_the_test_set_is_fitted_on_its_own_rows() {
    for rows in [ROWS - 20, ROWS - 45, ROWS - 70] {
        let tables = vec![table(0..ROWS, weekly), table(0..rows, weekly)];
        let config = config_of(&[7], 3);
        let panel = config.init_many("panel".as_ref(), tables, BadSeries::Fail).unwrap();
        assert!(panel.series[1].scalers.linear.is_some(), "{rows}");
        let forecast = Naive::Linear.forecast(&panel.series[1], rows, 0);
        assert!((forecast - weekly(rows)).abs() < 2.0, "{rows}: {forecast}");
    }
}

#[test]
fn a_log_residual_is_relative_to_a_positive_forecast() {
    let falling = |row: usize| (1000.0 - 6.0 * row as f64 + noise(row)).max(1.0);
    let config = SeriesConfig { transform: Transform::LogResidual, ..config_of(&[], 3) };
    let series = series(table(0..ROWS, falling), &config);
    for origin in series.first_origin()..=ROWS {
        let forecast = Naive::Linear.forecast(&series, origin, 2);
        assert!(forecast > 0.0, "{origin}: {forecast}");
    }
}

#[test]
fn a_column_known_in_the_future_is_used() {
    let promotion = |row: usize| f64::from(u8::from(noise(3 * row) > 0.3));
    let sales = |row: usize| weekly(row) + 20.0 * promotion(row);
    let of = |future: &[&str], promotion: &dyn Fn(usize) -> f64| {
        let first = date(2020, 1, 1).at(0, 0, 0, 0);
        let times = (0..ROWS).map(|row| first + (row as i64).days()).collect();
        let columns = [
            ("open", (0..ROWS).map(sales).collect()),
            ("promotion", (0..ROWS).map(promotion).collect()),
        ];
        let table = Table::from_columns("sales", times, columns).unwrap();
        let future = future.iter().map(|name| (*name).to_owned()).collect();
        series(table, &SeriesConfig { future, ..config_of(&[7], 3) })
    };
    let [with, without] = [of(&["promotion"], &promotion), of(&[], &promotion)];
    let [known, unknown] = [&with, &without].map(|series| error(series, Naive::Linear));
    assert!(known < 0.3 * unknown, "{known} and {unknown}");
    assert!(with.scalers.linear.as_ref().unwrap().is_valid());
    // A value beyond the horizon changes nothing; one inside it does.
    let other = of(&["promotion"], &|row| if row == ROWS - 10 { 9.0 } else { promotion(row) });
    let forecast = |series: &Series, origin| Naive::Linear.forecast(series, origin, 2);
    assert_eq!(forecast(&with, ROWS - 13), forecast(&other, ROWS - 13));
    assert!((forecast(&with, ROWS - 12) - forecast(&other, ROWS - 12)).abs() > 20.0);
}

#[test]
fn smoothed_forecasts_are_near_the_rows_before_the_test_set_and_see_no_others() {
    let one = series_of(weekly, &[7], 3);
    let end = ROWS - 30;
    assert_eq!(one.folds().unwrap().end, end);
    assert!((50..=100).contains(&one.folds().unwrap().start), "{:?}", one.folds());
    let smoothed = one.smoothed_forecasts(40).unwrap();
    assert_eq!(smoothed.len(), (end + 1 - 40) * 3);
    for (line, origin) in smoothed.chunks(3).zip(40..end - 2) {
        for (forecast, row) in line.iter().zip(origin..) {
            assert!((forecast - weekly(row)).abs() < 2.0, "{origin} {row}: {forecast}");
        }
    }
    let other = series_of(|row| if row < end { weekly(row) } else { 500.0 + noise(row) }, &[7], 3);
    assert_eq!(smoothed, other.smoothed_forecasts(40).unwrap());
    let last = series(
        table(0..ROWS, weekly),
        &SeriesConfig { naive: Naive::LastValue, ..config_of(&[7], 3) },
    );
    assert!(last.smoothed_forecasts(0).is_none() && last.folds().is_none());
}

#[test]
fn thinned_windows_reach_all_places_of_a_season() {
    let series = series_of(weekly, &[7], 1);
    let windows = || Windows::new(std::slice::from_ref(&series), Subset::Train);
    let all = windows().len();
    assert_eq!(windows().thinned(all).len(), all);
    // A seventh would be the same weekday.
    let few = windows().thinned(all.div_ceil(7));
    assert_eq!(few.len(), all.div_ceil(8));
    let mut places: Vec<usize> = few.iter().map(|window| window.unwrap().origin() % 7).collect();
    places.sort_unstable();
    places.dedup();
    assert_eq!(places.len(), 7);
}

#[test]
fn no_later_row_changes_a_forecast_with_known_columns() {
    const CHANGED: usize = ROWS - 12;
    const HORIZON: usize = 3;
    let promotion = |row: usize| f64::from(u8::from(noise(3 * row) > 0.3));
    let warmth = |row: usize| 10.0 + 8.0 * noise(5 * row + 1);
    let sales = |row: usize| weekly(row) + warmth(row) * promotion(row) + warmth(row).powi(2) / 9.0;
    let of = |known: f64, target: f64| {
        let changed = |row: usize, by: f64| if row >= CHANGED { by } else { 0.0 };
        let all = |value: &dyn Fn(usize) -> f64, by: f64| -> Vec<f64> {
            (0..ROWS).map(|row| value(row) + changed(row, by)).collect()
        };
        let first = date(2020, 1, 1).at(0, 0, 0, 0);
        let times = (0..ROWS).map(|row| first + (row as i64).days()).collect();
        let columns = [
            ("open", all(&sales, target)),
            ("promotion", all(&promotion, known)),
            ("warmth", all(&warmth, known)),
        ];
        let table = Table::from_columns("sales", times, columns).unwrap();
        let future = vec!["promotion".to_owned(), "warmth".to_owned()];
        series(table, &SeriesConfig { future, ..config_of(&[7], HORIZON) })
    };
    let forecasts = |series: &Series, last: usize| -> Vec<f64> {
        let origins = series.first_origin()..=last;
        let steps = origins.flat_map(|origin| (0..HORIZON).map(move |step| (origin, step)));
        steps.map(|(origin, step)| Naive::Linear.forecast(series, origin, step)).collect()
    };
    let (one, known, target) = (of(0.0, 0.0), of(5.0, 0.0), of(0.0, 90.0));
    assert!(error(&one, Naive::Linear) < 1.5, "{}", error(&one, Naive::Linear));
    assert_eq!(one.scalers, known.scalers);
    assert_eq!(one.scalers, target.scalers);
    let last = CHANGED - HORIZON;
    assert_eq!(forecasts(&one, last), forecasts(&known, last), "known values after the horizon");
    assert_ne!(forecasts(&one, last + 1), forecasts(&known, last + 1));
    assert_eq!(forecasts(&one, CHANGED), forecasts(&target, CHANGED), "values of the target");
    assert_ne!(forecasts(&one, CHANGED + 1), forecasts(&target, CHANGED + 1));
}
