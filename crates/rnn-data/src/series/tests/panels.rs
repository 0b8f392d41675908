use std::path::Path;

use burn::{config::Config, data::dataloader::batcher::Batcher, tensor::Device};

use super::*;
use crate::CsvFile;

fn folder() -> &'static Path {
    Path::new("folder.csv")
}

/// Returns values that identify their series and row, for the days `rows`.
fn numbered(series: usize, rows: Range<usize>) -> Table {
    table(rows, |row| (1000 * series + row) as f64)
}

fn panel(tables: Vec<Table>, config: &SeriesConfig) -> Panel {
    config.init_many(folder(), tables, BadSeries::Fail).unwrap()
}

fn windows(panel: &Panel, subset: Subset) -> Vec<Window> {
    panel.windows(subset).iter().map(Result::unwrap).collect()
}

/// Returns a config that allows appended rows: inputs depend on target and time.
fn extensible(transform: Transform) -> SeriesConfig {
    let name = || "open".to_owned();
    let changes =
        [Feature::Difference(name()), Feature::Return(name()), Feature::LogReturn(name())];
    let earlier = [
        Feature::Lag(Box::new(Feature::Level(name())), 3),
        Feature::Change(Box::new(Feature::Level(name())), 2),
        Feature::RollingMean(Box::new(Feature::Difference(name())), 3),
        Feature::Time(Period::Week, 2),
    ];
    let features = [open(), Feature::Weekday]
        .into_iter()
        .chain(changes)
        .chain(earlier)
        .chain([Feature::Month, Feature::Hour])
        .collect();
    SeriesConfig { transform, features, ..config() }
}

#[test]
fn windows_never_cross_series() {
    let panel =
        panel(vec![numbered(1, 0..60), numbered(2, 10..60), numbered(3, 20..60)], &config());
    let mut total = 0;
    for subset in [Subset::Train, Subset::Valid, Subset::Test] {
        let windows = windows(&panel, subset);
        assert_eq!(
            windows.len(),
            panel.series.iter().map(|series| series.origins(subset).len()).sum::<usize>()
        );
        for window in &windows {
            let (series, origin) = (window.series(), window.origin());
            let known: Vec<f64> = window
                .values()
                .iter()
                .map(|&value| series.scalers.inputs[0].inverse_transform(f64::from(value)))
                .collect();
            for (value, expected) in known.iter().zip(&series.target[origin - 4..origin]) {
                assert!((value - expected).abs() < 1e-3, "{value} of {}", series.name);
            }
            let targets: Vec<f32> =
                (0..3).map(|step| series.transform(origin, step) as f32).collect();
            assert_eq!(window.targets().collect::<Vec<_>>(), targets);
        }
        total += windows.len();
    }
    assert_eq!(
        total,
        [60, 50, 40].iter().map(|rows| rows - 4 - 3 * 2).sum::<usize>(),
        "all windows whose targets are in one set"
    );
}

#[test]
fn series_have_their_own_scalers_and_are_split_at_the_same_dates() {
    let panel = panel(vec![numbered(1, 0..60), numbered(2, 10..60)], &config());
    let targets: Vec<_> = panel.series.iter().map(|series| series.scalers.target).collect();
    // 10 test days and 8 validation days.
    let min_max = |min, max| crate::Scaler::MinMax { min, max };
    assert_eq!(targets, [min_max(1000.0, 1041.0), min_max(2010.0, 2041.0)]);
    for series in &panel.series {
        let first = |subset| Some(series.times[series.origins(subset).next().unwrap()]);
        assert_eq!(
            (first(Subset::Valid), first(Subset::Test)),
            (panel.starts.valid, Some(panel.starts.test))
        );
        assert_eq!(series.rows(Subset::Train).end, series.target.len() - 18);
    }
}

#[test]
fn columns_may_have_synonyms_in_each_file() {
    let tables = ["date,open,close", "Date,OPEN,Close", "日期,开盘,收盘"]
        .map(|header| table_with(header, 0..60, wobbly));
    let panel = panel(tables.into(), &config());
    assert!(
        panel.series.iter().all(|series| series.inputs(0..60) == panel.series[0].inputs(0..60))
    );
}

#[test]
fn a_series_that_ends_before_the_test_set_is_in_the_training_set_only() {
    let panel = panel(vec![numbered(1, 0..60), numbered(2, 0..30), numbered(3, 0..45)], &config());
    let counts =
        |subset| panel.series.iter().map(|series| series.origins(subset).len()).collect::<Vec<_>>();
    assert_eq!(counts(Subset::Train), [36, 30 - 6, 36], "with all its rows");
    assert_eq!(counts(Subset::Valid), [6, 0, 45 - 42 - 2]);
    assert_eq!(counts(Subset::Test), [8, 0, 0]);
    assert_eq!(windows(&panel, Subset::Test).len(), 8);
}

#[test]
fn bad_series_are_an_error_or_skipped() {
    let tables = || vec![numbered(1, 0..60), table(0..60, |_| 7.0), numbered(3, 55..60)];
    let text = without_path(&config().init_many(folder(), tables(), BadSeries::Fail).unwrap_err());
    assert!(text.starts_with(", column `open`: every training value is 7"), "{text}");
    let panel = config().init_many(folder(), tables(), BadSeries::Skip).unwrap();
    assert_eq!((panel.series.len(), panel.series[0].target[0]), (1, 1000.0));
    let skipped: Vec<_> = panel.skipped.iter().map(without_path).collect();
    assert!(skipped[0].starts_with(", column `open`: every training value is 7"), "{skipped:?}");
    assert!(
        skipped[1].starts_with(
            ": 5 rows are too few: 12 are needed, as the training set has 0 and needs 7: a window \
             of 4, a horizon of 3"
        ),
        "{skipped:?}"
    );
    let bad = config().init_many(folder(), tables().split_off(1), BadSeries::Skip);
    assert!(
        without_path(&bad.unwrap_err()).starts_with(": 5 rows are too few"),
        "the last error, if all are skipped"
    );
}

#[test]
fn an_empty_validation_or_test_set_is_an_error() {
    // The longest series is skipped, and the other ends before its last 10 days.
    let tables = vec![numbered(1, 0..30), table(0..60, |_| 7.0)];
    let text = without_path(&config().init_many(folder(), tables, BadSeries::Skip).unwrap_err());
    assert_eq!(
        text,
        ": the validation set is empty: no series has enough rows from 2020-02-12 on (choose a \
         larger validation set)"
    );
    let text = without_path(
        &config()
            .init_many(folder(), vec![numbered(1, 0..45), table(0..60, |_| 7.0)], BadSeries::Skip)
            .unwrap_err(),
    );
    assert_eq!(
        text,
        ": the test set is empty: no series has enough rows from 2020-02-20 on (choose a larger \
         test set)"
    );
}

#[test]
fn given_scalers_replace_fitted_ones() {
    let fitted = series(table(0..60, wobbly), &config()).scalers.clone();
    let panel = config().init_scaled(table(0..60, |row| row as f64), Some(&fitted)).unwrap();
    assert_eq!(panel.series[0].scalers, fitted);
    assert_eq!(panel.series[0].inputs(9..10), [fitted.inputs[0].transform(9.0) as f32]);
}

#[test]
fn a_series_with_appended_rows_equals_one_of_a_longer_table() {
    for transform in TRANSFORMS {
        let config = extensible(transform);
        let panel = config.init(table(0..60, wobbly)).unwrap();
        let whole = &panel.series[0];
        assert!(whole.can_push());
        let prepared =
            Series::prepare(table(0..50, wobbly), &config, &panel.starts, Some(&whole.scalers))
                .unwrap();
        let mut extended = whole.truncated(50);
        let all = 0..50;
        assert_eq!(extended.inputs(all.clone()), prepared.inputs(all));
        assert_eq!((&extended.times, &extended.target), (&prepared.times, &prepared.target));
        for row in 50..60 {
            extended.push(whole.times[row], wobbly(row));
        }
        assert_eq!((&extended.times, &extended.target), (&whole.times, &whole.target));
        assert_eq!(extended.inputs(0..60), whole.inputs(0..60), "{transform}");
        assert_eq!(extended.transform(57, 2), whole.transform(57, 2));
    }
}

#[test]
fn series_with_other_inputs_than_target_and_time_cannot_be_extended() {
    let close = || Some("close".to_owned());
    let column = |name: &str| Feature::Column(name.to_owned());
    let residual =
        |naive| SeriesConfig { close: close(), transform: Transform::Residual, naive, ..config() };
    for (config, expected) in [
        (SeriesConfig { features: vec![open(), column("close")], ..config() }, false),
        (
            SeriesConfig {
                features: vec![Feature::Gap { open: "open".to_owned(), close: "close".to_owned() }],
                ..config()
            },
            false,
        ),
        (
            SeriesConfig {
                features: vec![Feature::LogRatio("close".to_owned(), "open".to_owned())],
                ..config()
            },
            false,
        ),
        (residual(Naive::LastClose), false),
        (residual(Naive::LastValue), true),
        (SeriesConfig { close: close(), naive: Naive::LastClose, ..config() }, true),
    ] {
        let mut series = Series::clone(&series(table(0..60, wobbly), &config));
        assert_eq!(series.can_push(), expected, "{config:?}");
        assert_eq!(
            series.truncated(50).close.map(|close| close.len()),
            config.close.as_ref().map(|_| 50)
        );
        series.push(extend_calendar(&series.times, 1)[0], 1.0);
        assert_eq!(series.close.map(|close| close.len()), config.close.map(|_| 61));
    }
}

#[test]
fn the_window_after_the_last_row_has_zero_targets() {
    let series = series(table(0..60, wobbly), &config());
    let window = Window::new(&series, 60);
    assert_eq!(window.values(), series.inputs(56..60));
    assert_eq!(window.targets().collect::<Vec<_>>(), [0.0; 3]);
    let last = Window::new(&series, 58).targets().collect::<Vec<_>>();
    assert_eq!(last, [series.transform(58, 0) as f32, series.transform(58, 1) as f32, 0.0]);
}

#[test]
fn a_batch_holds_windows_and_targets() {
    let config = SeriesConfig { features: vec![open(), Feature::Weekday], ..config() };
    let panel = panel(vec![numbered(1, 0..60), numbered(2, 0..60)], &config);
    assert_eq!(panel.series[0].width(), 3);
    let all = windows(&panel, Subset::Test);
    // The last window of one series and the first of the next.
    let chosen = all[7..9].to_vec();
    assert!(chosen[0].series().target[0] == 1000.0 && chosen[1].series().target[0] == 2000.0);
    let batch = WindowBatcher.batch(chosen.clone(), &Device::flex());
    assert_eq!((batch.windows.dims(), batch.targets.dims()), ([2, 4, 3], [2, 3]));
    let values: Vec<f32> = chosen.iter().flat_map(|window| window.values().to_vec()).collect();
    let targets: Vec<f32> =
        chosen.iter().flat_map(|window| window.targets().collect::<Vec<_>>()).collect();
    assert_eq!(batch.windows.to_data().iter::<f32>().collect::<Vec<_>>(), values);
    assert_eq!(batch.targets.to_data().iter::<f32>().collect::<Vec<_>>(), targets);
    let (min, max) = (2000.0, 2041.0);
    let scaled: Vec<f32> =
        [2050, 2051, 2052].map(|value| ((f64::from(value) - min) / (max - min)) as f32).to_vec();
    assert_eq!(targets[3..], scaled);
    let friday = series_row(&chosen[1], 0);
    assert_eq!(friday[0], ((2046.0 - min) / (max - min)) as f32);
    assert_eq!(
        friday[1..],
        Feature::Weekday
            .numbers(chosen[1].series().as_ref(), 46)
            .iter()
            .map(|&x| x as f32)
            .collect::<Vec<_>>()
    );
}

fn series_row(window: &Window, row: usize) -> &[f32] {
    let width = window.series().width();
    &window.values()[row * width..][..width]
}

#[test]
fn windows_share_the_memory_of_their_series() {
    assert!(size_of::<Window>() <= 2 * size_of::<usize>(), "a series and a row");
    let (few, many) = (
        panel(vec![numbered(1, 0..60), numbered(2, 0..60)], &config()),
        panel(vec![numbered(1, 0..6000)], &config()),
    );
    for (panel, count) in [(few, 2 * 36), (many, 5976)] {
        let windows = panel.windows(Subset::Train);
        assert_eq!(windows.len(), count);
        for series in &panel.series {
            assert_eq!(Arc::strong_count(series), 2, "all windows share one reference");
        }
        let (one, next) = (windows.get(0).unwrap(), windows.get(1).unwrap());
        assert_eq!(
            one.values()[1..].as_ptr(),
            next.values().as_ptr(),
            "overlapping windows share memory"
        );
        let copy = windows.clone();
        assert_eq!(
            (Arc::strong_count(&panel.series[0]), copy.len()),
            (4, count),
            "two windows; copies share their list"
        );
    }
}

#[test]
#[should_panic(expected = "window 36 of 36")]
fn a_window_after_the_last_panics() {
    let _ = panel(vec![numbered(1, 0..60)], &config()).windows(Subset::Train).get(36);
}

#[test]
#[expect(clippy::disallowed_methods, reason = "a test writes what it reads")]
fn csv_files_are_sorted_by_name() {
    let folder = std::env::temp_dir().join(format!("rnn-data-folder-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let text = csv_files(&folder).unwrap_err().to_string();
    assert!(
        text.ends_with(": the folder has no .csv file (choose a folder of CSV files)"),
        "{text}"
    );
    for name in ["c.csv", "a.CSV", "notes.txt", "d.csv", "csv", "b.csv"] {
        std::fs::write(folder.join(name), "date,open\n").unwrap();
    }
    let files = csv_files(&folder).unwrap();
    assert_eq!(files, ["a.CSV", "b.csv", "c.csv", "d.csv"].map(|name| folder.join(name)));
    assert!(CsvFile::open(&files[0], None).is_ok());
    std::fs::remove_dir_all(&folder).unwrap();
    assert!(csv_files(&folder).unwrap_err().to_string().contains("cannot be read"));
}

#[test]
fn a_config_has_defaults_and_reads_only_the_target() {
    let config = SeriesConfig::new("open".to_owned());
    assert_eq!((config.window, config.horizon, config.split), (60, 1, Split::default()));
    let short = config.with_window(4);
    let named = short.clone().with_features(vec![open()]);
    let [one, other] = [short, named].map(|config| series(table(0..60, wobbly), &config));
    assert_eq!((one.inputs(0..60), one.width()), (other.inputs(0..60), 1));
    assert_eq!(one.scalers, other.scalers);
}

#[test]
fn a_config_round_trips_as_json() {
    let gap = Feature::Gap { open: "开盘".to_owned(), close: "收盘".to_owned() };
    let split = Split::Holdout {
        valid: SetSize::From(date(2020, 4, 24).into()),
        test: SetSize::Fraction(0.15),
        purge: Some(30),
    };
    for split in [Split::Course, split] {
        let config =
            extensible(Transform::LogResidual).with_naive(Naive::Seasonal(7)).with_split(split);
        let config = config.with_features(vec![
            open(),
            gap.clone(),
            Feature::LogRatio("a".to_owned(), "b".to_owned()),
        ]);
        let text = config.to_string();
        assert_eq!(SeriesConfig::load_binary(text.as_bytes()).unwrap(), config, "{text}");
        for written in
            [r#""transform": "log-residual""#, r#""naive": "seasonal:7""#, "\"column\": \"open\""]
        {
            assert!(text.contains(written), "{text}");
        }
    }
}
