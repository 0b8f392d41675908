use super::*;
use crate::Scaler;

/// Returns configs of all transforms and naive forecasts, with closing prices.
fn all_forms() -> impl Iterator<Item = SeriesConfig> {
    let close = Some("close".to_owned());
    TRANSFORMS.into_iter().flat_map(move |transform| {
        NAIVES.map(|naive| SeriesConfig { transform, naive, close: close.clone(), ..config() })
    })
}

fn form(config: &SeriesConfig) -> String {
    format!("{} of {}", config.transform, config.naive)
}

/// Returns other values than [`wobbly`] for a row.
fn garbage(row: usize) -> f64 {
    1000.0 + 500.0 * (row as f64).cos()
}

#[test]
fn every_transform_is_inverted_exactly() {
    for config in all_forms() {
        let series = series(table(0..60, wobbly), &config);
        for origin in [4, 5, 11, 30, 50, 57] {
            let scaled = [0, 1, 2].map(|step| series.transform(origin, step));
            for (step, value) in series.inverse_transform(origin, &scaled).into_iter().enumerate() {
                let error = (value / wobbly(origin + step) - 1.0).abs();
                assert!(
                    error < 1e-12,
                    "{}, origin {origin}, step {step}: {value}, off by {error:e}",
                    form(&config)
                );
            }
        }
    }
}

#[test]
fn scalers_depend_only_on_the_training_set() {
    let features = ["open", "close"].map(|name| Feature::Column(name.to_owned())).into_iter();
    let changes = [
        Feature::Difference("close".to_owned()),
        Feature::LogRatio("open".to_owned(), "close".to_owned()),
        Feature::Weekday,
    ];
    let features: Vec<Feature> = features.chain(changes).collect();
    // The penalty of a linear forecast is chosen on the validation set.
    let forms = all_forms().filter(|config| config.naive != Naive::Linear);
    for config in forms.map(|config| SeriesConfig { features: features.clone(), ..config }) {
        let one = series(table(0..60, wobbly), &config);
        let end = one.rows(Subset::Train).end;
        let other =
            series(table(0..60, |row| if row < end { wobbly(row) } else { garbage(row) }), &config);
        assert_eq!(one.scalers, other.scalers, "{}", form(&config));
        assert_eq!(one.inputs(0..end), other.inputs(0..end), "{}", form(&config));
        assert_ne!(one.inputs(end..60), other.inputs(end..60));
        for origin in one.origins(Subset::Train) {
            assert_eq!(
                [0, 1, 2].map(|step| one.transform(origin, step)),
                [0, 1, 2].map(|step| other.transform(origin, step))
            );
        }
        let changed = series(
            table(0..60, |row| if row + 1 < end { wobbly(row) } else { garbage(row) }),
            &config,
        );
        assert_ne!(
            one.scalers.target,
            changed.scalers.target,
            "the last training row changes the scaler: {}",
            form(&config)
        );
    }
}

#[test]
fn columns_are_transformed_as_the_target() {
    let read = |transform| series(table(0..60, wobbly), &SeriesConfig { transform, ..config() });
    for (transform, formed) in [
        (Transform::MinMax, wobbly(20)),
        (Transform::Standard, wobbly(20)),
        (Transform::Difference, wobbly(20) - wobbly(19)),
        (Transform::Residual, wobbly(20) - wobbly(19)),
        (Transform::LogReturn, (wobbly(20) / wobbly(19)).ln()),
        (Transform::LogResidual, (wobbly(20) / wobbly(19)).ln()),
    ] {
        let series = read(transform);
        assert_eq!(
            series.inputs(20..21),
            [series.scalers.inputs[0].transform(formed) as f32],
            "{transform}"
        );
        let is_min_max = matches!(series.scalers.inputs[0], Scaler::MinMax { .. });
        assert_eq!(is_min_max, transform == Transform::MinMax, "{transform}");
    }
}

#[test]
fn training_targets_are_scaled_to_a_range_or_a_deviation_of_one() {
    for config in all_forms().map(|config| SeriesConfig { horizon: 1, ..config }) {
        let series = series(table(0..60, wobbly), &config);
        let targets: Vec<f64> =
            series.origins(Subset::Train).map(|origin| series.transform(origin, 0)).collect();
        let square =
            targets.iter().map(|target| target * target).sum::<f64>() / targets.len() as f64;
        let range = match (config.transform, config.naive) {
            (Transform::MinMax, _) => 0.05..1.0,
            // It leaves next to nothing of a wave.
            (transform, Naive::Linear) if transform.is_residual() => 0.0..1.1,
            _ => 0.9..1.1,
        };
        assert!(range.contains(&square), "{}: {square}", form(&config));
    }
}

#[test]
fn logarithms_of_zero_are_errors_with_the_line() {
    let with_zero = || table(0..60, |row| if row == 57 { 0.0 } else { wobbly(row) });
    for config in all_forms() {
        let panel = config.init(with_zero());
        if matches!(config.transform, Transform::LogReturn | Transform::LogResidual) {
            let text = without_path(&panel.unwrap_err());
            let expected = "expected a number above 0 for a logarithm, got 0 (set \
                            `transform` to `residual` or `asinh-residual`; as a feature choose \
                            asinh-difference(c), level(c) or difference(c))";
            assert_eq!(
                text,
                format!(", line 59, column `open`: {expected}"),
                "also after the training set: {}",
                form(&config)
            );
        } else {
            assert!(panel.is_ok(), "{}", form(&config));
        }
    }
}

#[test]
fn closing_prices_must_be_positive_if_they_are_the_naive_forecast() {
    let content = |close: fn(usize) -> f64| {
        let rows =
            (0..28).map(|row| format!("2020-01-{:02},{},{}\n", row + 1, wobbly(row), close(row)));
        std::iter::once("date,open,close\n".to_owned()).chain(rows).collect::<String>()
    };
    let read = || {
        tests::read(content(|row| row as f64), &["open", "close"], &ReadOptions::default()).unwrap()
    };
    let split = Split::holdout(SetSize::Rows(3), SetSize::Rows(3));
    let base = SeriesConfig {
        close: Some("close".to_owned()),
        naive: Naive::LastClose,
        split,
        ..config()
    };
    let text = problem(read(), &SeriesConfig { transform: Transform::LogResidual, ..base.clone() });
    assert!(
        text.starts_with(
            ", line 2, column `close`: expected a number above 0 for a logarithm, got 0"
        ),
        "{text}"
    );
    for config in [
        SeriesConfig { transform: Transform::LogReturn, ..base.clone() },
        SeriesConfig { transform: Transform::Residual, ..base.clone() },
        SeriesConfig { transform: Transform::LogResidual, naive: Naive::LastValue, ..base },
    ] {
        assert!(config.init(read()).is_ok(), "{}", form(&config));
    }
}

#[test]
fn a_drift_forecast_below_zero_has_no_logarithm() {
    let falls = |row: usize| if row < 5 { 100.0 - 24.0 * row as f64 } else { wobbly(row) };
    let config =
        SeriesConfig { naive: Naive::Drift, transform: Transform::LogResidual, ..config() };
    let text = problem(table(0..60, falls), &config);
    assert!(
        text.starts_with(
            ", line 6, column `open`: expected a number above 0 for a logarithm, got -68"
        ),
        "{text}"
    );
    assert!(config.with_transform(Transform::Residual).init(table(0..60, falls)).is_ok());
}

#[test]
fn a_prediction_of_zero_is_the_naive_forecast() {
    for config in all_forms().filter(|config| config.transform.is_residual()) {
        let series = series(table(0..60, wobbly), &config);
        let forecast = [0, 1, 2].map(|step| config.naive.forecast(&series, 50, step));
        let inverse = series.inverse_transform(50, &[0.0; 3]);
        if config.transform == Transform::AsinhResidual {
            for (inverse, forecast) in inverse.iter().zip(forecast) {
                assert!((inverse / forecast - 1.0).abs() < 1e-12, "{}", form(&config));
            }
        } else {
            assert_eq!(inverse, forecast, "{}", form(&config));
        }
    }
}

#[test]
fn residuals_of_a_perfect_naive_forecast_are_an_error() {
    let seasonal = |row: usize| (row % 7 + 1) as f64;
    for transform in [Transform::Residual, Transform::LogResidual] {
        let config = SeriesConfig { transform, naive: Naive::Seasonal(7), window: 7, ..config() };
        let text = problem(table(0..90, seasonal), &config);
        let expected = format!(
            ", {transform} of column `open`: every training value is 0, and a constant series \
             cannot"
        );
        assert!(text.starts_with(&expected), "{text}");
        let fitted = series(table(0..90, wobbly), &config).scalers.clone();
        let perfect =
            config.init_scaled(table(0..90, seasonal), Some(&fitted)).unwrap().series.remove(0);
        assert!(
            (7..87).all(|origin| [0, 1, 2].map(|step| perfect.transform(origin, step)) == [0.0; 3]),
            "with a given scaler they are 0"
        );
    }
}

#[test]
fn constant_training_values_are_an_error_with_the_value() {
    let constant =
        "and a constant series cannot be scaled (leave it out, or choose another column)";
    assert_eq!(
        problem(table(0..60, |_| 7.0), &config()),
        format!(", column `open`: every training value is 7, {constant}")
    );
    let line = || table(0..60, |row| row as f64);
    let config = SeriesConfig { transform: Transform::Difference, ..config() };
    assert_eq!(
        problem(line(), &config),
        format!(", feature `difference(open)`: every training value is 1, {constant}")
    );
    let config = SeriesConfig { features: vec![Feature::Weekday], ..config };
    assert_eq!(
        problem(line(), &config),
        format!(", difference of column `open`: every training value is 1, {constant}")
    );
}

#[test]
fn naive_forecasts_equal_manual_calculations() {
    let values = [3.0, 1.0, 4.0, 1.0, 5.0, 9.0, 2.0, 6.0, 5.0, 3.0];
    let config = SeriesConfig { close: Some("close".to_owned()), ..config() };
    let series = series(table(0..60, |row| values[row % 10] + (row / 10) as f64), &config);
    for (naive, origin, expected) in [
        (Naive::LastValue, 6, [9.0; 3]),
        (Naive::LastClose, 6, [10.0; 3]),
        (Naive::Drift, 4, [1.0 - 2.0 / 3.0, 1.0 - 4.0 / 3.0, 1.0 - 6.0 / 3.0]),
        (Naive::Drift, 1, [3.0; 3]),
        (Naive::Seasonal(3), 6, [1.0, 5.0, 9.0]),
        (Naive::Seasonal(2), 6, [5.0, 9.0, 5.0]),
        (Naive::Seasonal(1), 6, [9.0; 3]),
        (Naive::Seasonal(7), 6, [9.0, 3.0, 1.0]),
        (Naive::Mean(3), 6, [5.0; 3]),
        (Naive::Mean(100), 4, [9.0 / 4.0; 3]),
    ] {
        let forecast = [0, 1, 2].map(|step| naive.forecast(&series, origin, step));
        assert_eq!(forecast, expected, "{naive} at {origin}");
    }
}

#[test]
fn last_close_falls_back_to_the_last_value() {
    for close in [None, Some("open".to_owned())] {
        let series = series(table(0..60, wobbly), &SeriesConfig { close, ..config() });
        assert_eq!((Naive::LastClose.forecast(&series, 6, 2), &series.close), (wobbly(5), &None));
    }
}

#[test]
fn forecasts_do_not_depend_on_rows_from_their_origin_on() {
    let config = SeriesConfig { close: Some("close".to_owned()), ..config() };
    let one = series(table(0..60, wobbly), &config);
    for origin in [1, 5, 20, 50] {
        let other = series(
            table(0..60, |row| if row < origin { wobbly(row) } else { garbage(row) }),
            &config,
        );
        for naive in NAIVES {
            assert_eq!(
                [0, 1, 9].map(|step| naive.forecast(&one, origin, step)),
                [0, 1, 9].map(|step| naive.forecast(&other, origin, step))
            );
        }
    }
}

#[test]
fn transforms_and_forecasts_round_trip_as_text() {
    TRANSFORMS
        .iter()
        .for_each(|transform| assert_eq!(transform.to_string().parse(), Ok(*transform)));
    NAIVES.iter().for_each(|naive| assert_eq!(naive.to_string().parse(), Ok(*naive)));
    let wrong = "log".parse::<Transform>().unwrap_err();
    assert_eq!(
        wrong,
        "expected minmax, standard, difference, log-return, residual, log-residual, \
         asinh-residual, got `log`"
    );
    for text in ["mean", "mean:0", "seasonal:-1", "drift:2", "last"] {
        let expected = format!(
            "expected last-value, last-close, drift, linear, seasonal:ROWS or mean:ROWS, got \
             `{text}`"
        );
        assert_eq!(text.parse::<Naive>(), Err(expected));
    }
}
