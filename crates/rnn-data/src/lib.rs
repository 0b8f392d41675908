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
