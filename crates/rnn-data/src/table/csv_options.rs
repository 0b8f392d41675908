use std::{path::Path, sync::Arc};

use super::{CsvFile, Decimal, TextEncoding, bytes::Source};
use crate::DataError;

const SAMPLE: &str = include_str!("../../assets/synthetic-daily-bars.csv");
const SAMPLE_NAME: &str = "synthetic-daily-bars.csv";

/// Options of opening a [`CsvFile`]; the default detects everything.
///
/// # Examples
///
/// ```
/// use rnn_data::CsvOptions;
///
/// let options = CsvOptions { date_column: Some("Settled".to_owned()), ..CsvOptions::default() };
/// let text = "Settled,Paid,Price\n2020-01-02,2020-01-03,7\n";
/// let file = options.open_bytes("prices.csv".as_ref(), text.as_bytes())?;
/// assert_eq!(file.columns().date_column(), Some("Settled"));
/// # Ok::<(), rnn_data::DataError>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct CsvOptions {
    /// Name of the column of dates; by default, it is found by name or content.
    pub date_column: Option<String>,
    /// Name of the column with the labels of several series. By default, it has a usual name such
    /// as `ticker` or `unique_id`, and explains why dates repeat.
    pub series_column: Option<String>,
    /// Encoding of the text; by default, it is found in the first 256 KiB.
    pub encoding: Option<TextEncoding>,
    /// Decimal separator; by default, the numbers of each column decide.
    pub decimal: Option<Decimal>,
    /// Whether the first row is data; then the columns are called `column_1`, `column_2` and so on.
    pub no_header: bool,
}

impl CsvOptions {
    /// Creates options with a column of dates, if given.
    pub(super) fn dated(date_column: Option<&str>) -> Self {
        Self { date_column: date_column.map(str::to_owned), ..Self::default() }
    }

    /// Opens a file.
    ///
    /// # Errors
    ///
    /// See [`CsvFile::open`].
    pub fn open(&self, path: &Path) -> Result<CsvFile, DataError> {
        CsvFile::inspect(path, Source::File, self)
    }

    /// Opens the embedded sample, see [`CsvFile::sample`].
    ///
    /// # Errors
    ///
    /// See [`CsvFile::sample`].
    pub fn open_sample(&self) -> Result<CsvFile, DataError> {
        CsvFile::inspect(Path::new(SAMPLE_NAME), Source::Sample(SAMPLE), self)
    }

    /// Opens bytes in memory; errors use `path` as the file name.
    ///
    /// # Errors
    ///
    /// See [`CsvFile::open`].
    pub fn open_bytes(
        &self,
        path: &Path,
        bytes: impl Into<Arc<[u8]>>,
    ) -> Result<CsvFile, DataError> {
        CsvFile::inspect(path, Source::Memory(bytes.into()), self)
    }
}
