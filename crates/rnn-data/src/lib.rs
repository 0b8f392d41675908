//! Letters and time series as Burn datasets and batchers.
//!
//! ```text
//! CsvFile or columns in memory -> Table (checked) -> Panel of Series (features, split, scalers
//!     fitted on the training set) -> Windows (lazy, over one or many series) -> WindowBatch
//! ```
//!
//! This crate is independent of any model. In shapes, `B` is the batch size and `T` the number of
//! time steps (rows or letters).
//!
//! # Examples
//!
//! Windows of 60 scaled opening prices and the next price, as in the course.
//!
//! ```
//! use burn::data::dataset::Dataset;
//! use rnn_data::{CsvFile, Subset, ReadOptions, SeriesConfig, Split, Transform};
//!
//! let config = SeriesConfig::new("open".into())
//!     .with_transform(Transform::MinMax)
//!     .with_split(Split::Course);
//! let table = CsvFile::sample(None)?.read(&config.columns(), &ReadOptions::default())?;
//! let panel = config.init(table)?;
//! assert_eq!(panel.windows(Subset::Train).len(), 2066);
//! assert_eq!(panel.windows(Subset::Test).len(), 240);
//! # Ok::<(), rnn_data::DataError>(())
//! ```
//!
//! A table in memory, without a file.
//!
//! ```
//! use burn::data::dataset::Dataset;
//! use jiff::{ToSpan, civil::date};
//! use rnn_data::{EpochLoaderBuilder, Subset, SeriesConfig, Table, WindowBatcher};
//!
//! let times = (0..200).map(|day| (date(2020, 1, 1) + day.days()).into()).collect();
//! let sales = (0..200).map(|day| f64::from(day % 7)).collect();
//! let table = Table::from_columns("shop", times, [("sales", sales)])?;
//! let panel = SeriesConfig::new("sales".into()).with_window(14).with_horizon(7).init(table)?;
//! let loader = EpochLoaderBuilder::new(WindowBatcher)
//!     .batch_size(32)
//!     .shuffle(1)
//!     .build(panel.windows(Subset::Train));
//! let batch = loader.iter().next().unwrap().unwrap();
//! assert_eq!((batch.windows.dims(), batch.targets.dims()), ([32, 14, 1], [32, 7]));
//! # Ok::<(), rnn_data::DataError>(())
//! ```
//!
//! A file with German names, dates and separators, and a missing value.
//!
//! ```
//! use rnn_data::{CsvFile, Fill, ReadOptions};
//!
//! let bytes = "Tag;Kurs\n01.02.2020;7.5\n02.02.2020;\n13.02.2020;8.5\n";
//! let file = CsvFile::from_bytes("kurse.csv".as_ref(), bytes.as_bytes(), None)?;
//! assert_eq!(file.columns().date_column(), Some("Tag"));
//! assert_eq!(file.columns().likely_target(), Some("Kurs"));
//! let error = file.read(&["Kurs"], &ReadOptions::default()).unwrap_err().to_string();
//! assert!(error.contains("column `Kurs`: 1 value is missing in line 3"), "{error}");
//! let options = ReadOptions { fill: Fill::Linear, ..ReadOptions::default() };
//! let table = file.read(&["Kurs"], &options)?;
//! assert_eq!(table.column("Kurs"), Some(&[7.5, 8.0, 8.5][..]));
//! # Ok::<(), rnn_data::DataError>(())
//! ```
//!
//! Residuals of a naive forecast: the model predicts small numbers, which are inverted exactly. The
//! sets follow each other in time, and the inputs of a window may be rows of the set before.
//!
//! ```
//! use rnn_data::{
//!     CsvFile, Feature, Naive, Subset, ReadOptions, SeriesConfig, SetSize, Split, Transform,
//! };
//!
//! let file = CsvFile::sample(None)?;
//! let config = SeriesConfig::new("open".into())
//!     .with_close(Some("close".into()))
//!     .with_features(vec![Feature::parse("log-return(close)", file.columns())?, Feature::Weekday])
//!     .with_window(20)
//!     .with_horizon(3)
//!     .with_transform(Transform::LogResidual)
//!     .with_naive(Naive::LastClose)
//!     .with_split(Split::holdout(SetSize::Rows(240), SetSize::Fraction(0.1)));
//! let panel = config.init(file.read(&config.columns(), &ReadOptions::default())?)?;
//! let series = &panel.series[0];
//!
//! let origin = series.origins(Subset::Test).next().unwrap();
//! let learned: Vec<f64> = (0..3).map(|step| series.transform(origin, step)).collect();
//! let prices = series.inverse_transform(origin, &learned);
//! let mut pairs = prices.iter().zip(&series.target[origin..]);
//! assert!(pairs.all(|(price, actual)| (price / actual - 1.0).abs() < 1e-12));
//! // A model that predicts 0 repeats the naive forecast.
//! let naive = Naive::LastClose.forecast(series, origin, 0);
//! assert_eq!(series.inverse_transform(origin, &[0.0]), [naive]);
//!
//! let [train, valid, test] =
//!     [Subset::Train, Subset::Valid, Subset::Test].map(|subset| series.rows(subset));
//! assert!(train.end == valid.start + 20 && valid.end == test.start + 20);
//! # Ok::<(), rnn_data::DataError>(())
//! ```
//!
//! Many series with their own scalers, split at the same dates.
//!
//! ```
//! use burn::data::dataset::Dataset;
//! use jiff::{ToSpan, civil::date};
//! use rnn_data::{BadSeries, Naive, Subset, SeriesConfig, SetSize, Split, Table};
//!
//! let table = |sensor: i64| {
//!     let times = (sensor..100).map(|day| (date(2020, 1, 1) + day.days()).into()).collect();
//!     let values = (sensor..100).map(|day| (sensor * (day % 7)) as f64).collect();
//!     Table::from_columns(format!("sensor {sensor}"), times, [("value", values)])
//! };
//! let config = SeriesConfig::new("value".into())
//!     .with_window(7)
//!     .with_naive(Naive::Seasonal(7))
//!     .with_split(Split::holdout(SetSize::Rows(14), SetSize::Rows(14)));
//! let tables = (1..=3).map(table).collect::<Result<_, _>>()?;
//! let panel = config.init_many("sensors".as_ref(), tables, BadSeries::Fail)?;
//! assert_eq!(panel.windows(Subset::Test).len(), 3 * 14);
//! assert_ne!(panel.series[0].scalers, panel.series[1].scalers);
//! # Ok::<(), rnn_data::DataError>(())
//! ```

mod error;
mod letters;
mod loader;
mod scaler;
mod series;
mod table;
mod text;

pub use error::{DataError, Place};
pub use letters::{Alphabet, LetterBatch, LetterBatcher, LetterSample, LetterWindows};
pub use loader::EpochLoaderBuilder;
pub use scaler::{Scaler, Scalers};
pub use series::{
    BadSeries, Feature, LinearForecast, MOST_SEASONS, Naive, Origins, Panel, Period, Series,
    SeriesConfig, SetSize, Split, SplitTimes, Subset, Transform, UnusualEnd, Window, WindowBatch,
    WindowBatcher, Windows, csv_files, extend_calendar, find_seasons,
};
pub use table::{
    Columns, CsvFile, CsvOptions, Decimal, Fill, LevelShift, MaxGap, ReadOptions, StaticValues,
    Table, TableSource, TextEncoding, Warning, first_from, format_time, is_price, late_split,
    level_shifts,
};
pub use text::nearest_name;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
