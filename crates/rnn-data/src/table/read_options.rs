use std::{ops::Range, path::Path};

use jiff::civil::DateTime;

use super::{
    Fill, MaxGap,
    times::{first_from, format_time},
};
use crate::DataError;

/// Options of reading a [`CsvFile`](crate::CsvFile).
///
/// # Examples
///
/// ```
/// use rnn_data::{CsvFile, Fill, ReadOptions};
///
/// let options = ReadOptions {
///     fill: Fill::Forward,
///     from: Some("2015-01-01T00:00".parse().unwrap()),
///     ..ReadOptions::default()
/// };
/// let table = CsvFile::sample(None)?.read(&["open"], &options)?;
/// assert!(table.times[0] >= options.from.unwrap());
/// # Ok::<(), rnn_data::DataError>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct ReadOptions {
    /// Format of the dates; by default, common formats are tried.
    ///
    /// A `strftime` pattern, a number (`unix-s`, `unix-ms`, `unix-us`, `unix-ns`, `excel`) or a
    /// period (`quarter`, `month`, `week`, `year`).
    pub date_format: Option<String>,
    /// Method of filling missing values, and missing rows of a regular series.
    pub fill: Fill,
    /// Longest gap between rows that windows may cross and that is filled; by default, windows
    /// cross every gap, and rows are added in gaps of up to 14 steps.
    pub max_gap: Option<MaxGap>,
    /// First time to read, inclusive; by default, that of the first row.
    pub from: Option<DateTime>,
    /// Last time to read, inclusive; by default, that of the last row.
    pub until: Option<DateTime>,
    /// Columns whose values are known in the future, see [`Table::later_times`].
    ///
    /// [`Table::later_times`]: crate::Table::later_times
    pub future: Vec<String>,
}

impl ReadOptions {
    /// Returns the rows from `from` to `until` in ascending times.
    pub(super) fn rows(&self, path: &Path, times: &[DateTime]) -> Result<Range<usize>, DataError> {
        let start = self.from.map_or(0, |from| first_from(times, from));
        let last = |until| times.iter().rposition(|time| *time <= until);
        let end = self.until.map_or(times.len(), |until| last(until).map_or(0, |row| row + 1));
        if start < end {
            return Ok(start..end);
        }
        let (Some(first), Some(last)) = (times.first(), times.last()) else {
            return Err(DataError::Empty { path: path.to_owned() });
        };
        let has = format!("{} to {}", format_time(*first), format_time(*last));
        let asked = match (self.from.map(format_time), self.until.map(format_time)) {
            (Some(from), Some(until)) => format!("from {from} to {until}"),
            (Some(from), None) => format!("from {from} on"),
            (None, Some(until)) => format!("up to {until}"),
            (None, None) => "at all".to_owned(),
        };
        Err(DataError::NoRows { path: path.to_owned(), asked, has })
    }
}
