use std::{ops::Range, path::Path};

use jiff::civil::DateTime;

use super::{Fill, times::format_time};
use crate::DataError;

/// How the rows of a [`CsvFile`](crate::CsvFile) are read.
#[derive(Debug, Clone, Default)]
pub struct ReadOptions {
    /// Pattern of the dates in `strftime` notation; by default, the usual formats are tried.
    pub date_format: Option<String>,
    /// How missing values are replaced.
    pub fill: Fill,
    /// First time that is read.
    pub from: Option<DateTime>,
    /// Last time that is read.
    pub until: Option<DateTime>,
}

impl ReadOptions {
    /// The rows between the first and the last time that is read, of ascending times.
    pub(super) fn rows(&self, path: &Path, times: &[DateTime]) -> Result<Range<usize>, DataError> {
        let start = self.from.map_or(0, |from| times.partition_point(|time| *time < from));
        let end =
            self.until.map_or(times.len(), |until| times.partition_point(|time| *time <= until));
        if start < end {
            return Ok(start..end);
        }
        let (Some(first), Some(last)) = (times.first(), times.last()) else {
            return Err(DataError::Empty { path: path.to_owned() });
        };
        let has = format!("{} to {}", format_time(*first), format_time(*last));
        let asked =
            |time: Option<DateTime>, open: &str| time.map_or_else(|| open.to_owned(), format_time);
        let asked =
            format!("{} to {}", asked(self.from, "the first"), asked(self.until, "the last"));
        Err(DataError::NoRows { path: path.to_owned(), asked, has })
    }
}
