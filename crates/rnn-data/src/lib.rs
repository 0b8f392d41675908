//! The course's data as Burn datasets and batchers: letters, and windows over series of numbers.
//!
//! ```text
//! CSV -> CsvFile (which columns?) -> Table (read, checked) -> Series (features, split, transform fitted on the training part)
//!     -> Windows (lazy, over one or many series) -> WindowBatch
//! ```
//!
//! Nothing here knows a model. `B` is batch, `T` time (rows or letters).
//!
//! # Examples
//!
//! The course's windows: 60 opening prices, scaled, and the next one.
//!
//! ```
//! use burn::data::dataset::Dataset;
//! use rnn_data::{CsvFile, Feature, Naive, Panel, Part, ReadOptions, SeriesConfig, Split, Transform};
//!
//! let file = CsvFile::sample(None)?;
//! let config = SeriesConfig {
//!     target: "open".to_owned(),
//!     close: Some("close".to_owned()),
//!     features: vec![Feature::parse("open", &file)?],
//!     window: 60,
//!     horizon: 1,
//!     transform: Transform::MinMax,
//!     naive: Naive::LastValue,
//!     split: Split::Course,
//! };
//! let table = file.read(&config.columns(), &ReadOptions::default())?;
//! let panel = Panel::of(table, &config, None)?;
//! assert_eq!((panel.windows(Part::Train).len(), panel.windows(Part::Test).len()), (2066, 240));
//! # Ok::<(), rnn_data::DataError>(())
//! ```
//!
//! A file as files are: other names, dates and separators, a value that is missing.
//!
//! ```
//! use rnn_data::{CsvFile, Fill, ReadOptions};
//!
//! # let folder = std::env::temp_dir().join(format!("rnn-data-doc-{}", std::process::id()));
//! # std::fs::create_dir_all(&folder).unwrap();
//! # let path = folder.join("kurse.csv");
//! std::fs::write(&path, "Tag;Kurs\n01.02.2020;7.5\n02.02.2020;\n13.02.2020;8.5\n").unwrap();
//! let file = CsvFile::open(&path, None)?;
//! assert_eq!((file.date_column(), file.likely_target()), ("Tag", Some("Kurs")));
//! let error = file.read(&["Kurs"], &ReadOptions::default()).unwrap_err().to_string();
//! assert!(error.contains("column `Kurs`: 1 value is missing (line 3)"), "{error}");
//! let table = file.read(&["Kurs"], &ReadOptions { fill: Fill::Linear, ..ReadOptions::default() })?;
//! assert_eq!(table.column("Kurs"), Some(&[7.5, 8.0, 8.5][..]));
//! # std::fs::remove_dir_all(&folder).unwrap();
//! # Ok::<(), rnn_data::DataError>(())
//! ```
//!
//! A residual against a naive forecast: what the model learns is small, and turns back into prices exactly. Parts that are one after another in time, and
//! windows that are in one part with all their rows.
//!
//! ```
//! use rnn_data::{CsvFile, Cut, Feature, Naive, Panel, Part, ReadOptions, SeriesConfig, Split, Transform};
//!
//! let file = CsvFile::sample(None)?;
//! let config = SeriesConfig {
//!     target: "open".to_owned(),
//!     close: Some("close".to_owned()),
//!     features: vec![Feature::parse("log-return(close)", &file)?, Feature::parse("weekday", &file)?],
//!     window: 20,
//!     horizon: 3,
//!     transform: Transform::LogResidual,
//!     naive: Naive::LastClose,
//!     split: Split::Holdout { valid: Cut::Rows(240), test: Cut::Share(0.1), purge: 0 },
//! };
//! let table = file.read(&config.columns(), &ReadOptions::default())?;
//! let panel = Panel::of(table, &config, None)?;
//! let series = &panel.series[0];
//!
//! let origin = series.origins(Part::Test).start;
//! let learned: Vec<f64> = (0..3).map(|step| series.scaled(origin, step)).collect();
//! let prices = series.unscaled(origin, &learned);
//! assert!(prices.iter().zip(&series.target[origin..]).all(|(price, actual)| (price / actual - 1.0).abs() < 1e-12));
//! // A model that says 0 repeats the naive forecast.
//! assert_eq!(series.unscaled(origin, &[0.0])[0], Naive::LastClose.forecast(series, origin, 0));
//!
//! let [train, valid, test] = [Part::Train, Part::Valid, Part::Test].map(|part| series.rows(part));
//! assert!(train.end == valid.start && valid.end == test.start);
//! # Ok::<(), rnn_data::DataError>(())
//! ```
//!
//! Many series, each with scalers of its own, cut at the same dates.
//!
//! ```
//! use burn::data::dataset::Dataset;
//! use rnn_data::{CsvFile, Cut, Feature, Naive, Panel, Part, ReadOptions, SeriesConfig, Split, Transform, csv_files};
//!
//! # let folder = std::env::temp_dir().join(format!("rnn-data-panel-{}", std::process::id()));
//! # std::fs::create_dir_all(&folder).unwrap();
//! for sensor in 1..=3 {
//!     let rows = (0..100).map(|day| format!("{},{}\n", jiff::civil::date(2020, 1, 1) + jiff::Span::new().days(day), sensor * (day % 7)));
//!     std::fs::write(folder.join(format!("{sensor}.csv")), "date,value\n".to_owned() + &rows.collect::<String>()).unwrap();
//! }
//! let config = SeriesConfig {
//!     target: "value".to_owned(),
//!     close: None,
//!     features: vec![Feature::Column("value".to_owned())],
//!     window: 7,
//!     horizon: 1,
//!     transform: Transform::Standard,
//!     naive: Naive::Seasonal(7),
//!     split: Split::Holdout { valid: Cut::Rows(14), test: Cut::Rows(14), purge: 0 },
//! };
//! let tables = csv_files(&folder)?.into_iter().map(|path| CsvFile::open(&path, None)?.read(&config.columns(), &ReadOptions::default()));
//! let panel = Panel::of_many(&folder, tables.collect::<Result<_, _>>()?, &config, false)?;
//! assert_eq!(panel.windows(Part::Test).len(), 3 * 14);
//! assert_ne!(panel.series[0].scalers, panel.series[1].scalers);
//! # std::fs::remove_dir_all(&folder).unwrap();
//! # Ok::<(), rnn_data::DataError>(())
//! ```

mod error;
mod letters;
mod loader;
mod scaler;
mod series;
mod table;

pub use error::DataError;
pub use letters::{Alphabet, LetterBatch, LetterBatcher, LetterSample, LetterWindows};
pub use loader::{EpochLoader, Order};
pub use scaler::Scaler;
pub use series::{
    Cut, Cuts, Feature, Naive, Panel, Part, Scalers, Series, SeriesConfig, Split, Transform, Window, WindowBatch, WindowBatcher, Windows,
    csv_files, following,
};
pub use table::{CsvFile, Fill, ReadOptions, Table, Warning, moment};
