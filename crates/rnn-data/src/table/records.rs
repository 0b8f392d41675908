//! The rows of a CSV file with their lines.

use std::{collections::VecDeque, io, path::Path};

use csv::StringRecord;

use super::{bytes::Tally, columns::shorten, encoding::Text, times::Times};
use crate::DataError;

/// Most lines of text after the last row.
const MOST_FOOTERS: usize = 20;
/// Longest such line in bytes.
const LONGEST_FOOTER: usize = 4096;

/// First words of a row of sums in place of its date.
const TOTALS: [&str; 13] = [
    "total",
    "totals",
    "sum",
    "average",
    "avg",
    "mean",
    "summe",
    "gesamt",
    "mittelwert",
    "合计",
    "总计",
    "平均",
    "grand",
];

/// A reader of rows, of any number of cells.
pub(super) struct Records<'a> {
    path: &'a Path,
    reader: csv::Reader<Tally<Text>>,
    /// Line on which the last row ended.
    ended: u64,
}

impl<'a> Records<'a> {
    pub(super) fn new(path: &'a Path, text: Text, delimiter: u8) -> Self {
        let reader = csv::ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .delimiter(delimiter)
            .from_reader(Tally::new(text));
        Self { path, reader, ended: 0 }
    }

    /// Reads the next row that is not empty, and returns its first line.
    ///
    /// # Errors
    ///
    /// [`DataError::Read`] or [`DataError::Malformed`].
    pub(super) fn next(&mut self, record: &mut StringRecord) -> Result<Option<u64>, DataError> {
        loop {
            let start = self.reader.position().byte();
            self.reader.get_mut().begin_row(start);
            let read = self.reader.read_record(record);
            let end = self.reader.position().byte();
            let last = self.reader.get_mut().line(end);
            // Only a quoted cell has line ends, and only empty lines are skipped.
            let first = match last <= self.ended + 1 {
                true => last,
                // The last line end of an open quote does not end a line of the file.
                false => last.saturating_sub(line_ends(record)).max(self.ended + 1),
            };
            self.ended = last;
            match read {
                Ok(true) if record.iter().all(|cell| cell.trim().is_empty()) => {}
                Ok(true) => return Ok(Some(first)),
                Ok(false) => return Ok(None),
                Err(error) => return Err(self.malformed(&error, first)),
            }
        }
    }

    /// Returns the position in the text.
    pub(super) fn bytes(&self) -> u64 {
        self.reader.position().byte()
    }

    /// Returns the SHA-256 of the whole file.
    pub(super) fn sha256(self) -> Result<String, DataError> {
        let path = self.path;
        self.reader.into_inner().into_inner().sha256().map_err(|source| unreadable(path, source))
    }

    fn malformed(&mut self, error: &csv::Error, line: u64) -> DataError {
        let path = self.path.to_owned();
        if let Some((line, problem)) = self.reader.get_mut().refused.take() {
            return DataError::Malformed { path, line, problem };
        }
        let problem = match error.kind() {
            csv::ErrorKind::Io(error) => {
                return unreadable(self.path, io::Error::new(error.kind(), error.to_string()));
            }
            csv::ErrorKind::Utf8 { .. } => "expected UTF-8 text, got other bytes (set `encoding`, \
                                            or save the file as CSV in UTF-8)"
                .to_owned(),
            _ => shorten(error.to_string()),
        };
        DataError::Malformed { path, line, problem }
    }
}

/// Returns whether a cell of dates names a sum or a mean.
pub(super) fn is_total(cell: &str) -> bool {
    let mut words = cell.trim().split(|letter: char| !letter.is_alphanumeric());
    words.next().is_some_and(|word| TOTALS.contains(&word.to_lowercase().as_str()))
}

pub(super) fn unreadable(path: &Path, source: io::Error) -> DataError {
    DataError::Read { path: path.to_owned(), source }
}

/// Counts the line ends in the cells of a row.
fn line_ends(record: &StringRecord) -> u64 {
    let ends = |cell: &str| {
        let bytes = cell.as_bytes();
        let is_end = |place: usize| match bytes[place] {
            b'\n' => place == 0 || bytes[place - 1] != b'\r',
            byte => byte == b'\r',
        };
        (0..bytes.len()).filter(|&place| is_end(place)).count() as u64
    };
    record.iter().map(ends).sum()
}

/// A reader of the rows of data, which all have the same number of cells.
///
/// Lines of text and sums after the last row are skipped and counted.
pub(super) struct DataRecords<'a> {
    rows: Records<'a>,
    width: usize,
    /// Cell of the dates.
    date: Option<usize>,
    /// Records that are footers if no other row follows.
    queue: VecDeque<(u64, StringRecord)>,
    /// True if another row followed.
    is_queue_data: bool,
}

impl<'a> DataRecords<'a> {
    /// Skips the rows before the data.
    pub(super) fn new(
        mut rows: Records<'a>,
        before: usize,
        width: usize,
        date: Option<usize>,
    ) -> Result<Self, DataError> {
        let mut record = StringRecord::new();
        for _ in 0..before {
            rows.next(&mut record)?;
        }
        Ok(Self { rows, width, date, queue: VecDeque::new(), is_queue_data: false })
    }

    /// Reads the next row, and returns its line.
    pub(super) fn next(&mut self, record: &mut StringRecord) -> Result<Option<u64>, DataError> {
        loop {
            if self.is_queue_data
                && let Some((line, queued)) = self.queue.pop_front()
            {
                *record = queued;
                return self.checked(line, record);
            }
            self.is_queue_data = false;
            let Some(line) = self.rows.next(record)? else { return Ok(None) };
            if self.queue.len() < MOST_FOOTERS && self.is_footer(record) {
                self.queue.push_back((line, record.clone()));
            } else if self.queue.is_empty() {
                return self.checked(line, record);
            } else {
                self.queue.push_back((line, record.clone()));
                self.is_queue_data = true;
            }
        }
    }

    /// Returns the number of lines after the last row, and the first one.
    pub(super) fn footers(&self) -> Option<(usize, u64)> {
        self.queue.front().map(|(line, _)| (self.queue.len(), *line))
    }

    /// Returns the SHA-256 of the whole file.
    pub(super) fn sha256(self) -> Result<String, DataError> {
        self.rows.sha256()
    }

    fn checked(&self, line: u64, record: &mut StringRecord) -> Result<Option<u64>, DataError> {
        // The rows may end with a comma that the header lacks.
        if record.len() == self.width + 1 && record[self.width].trim().is_empty() {
            record.truncate(self.width);
        }
        if record.len() == self.width {
            return Ok(Some(line));
        }
        let quote = if line_ends(record) > 0 { " (close an open quote)" } else { "" };
        let problem =
            format!("expected {} values as in the header, got {}{quote}", self.width, record.len());
        Err(DataError::Malformed { path: self.rows.path.to_owned(), line, problem })
    }

    /// Returns whether a row is a line of text, not a part of a row that starts with a date; or a
    /// row of sums.
    fn is_footer(&self, record: &StringRecord) -> bool {
        if record.len() == self.width
            && self.date.and_then(|date| record.get(date)).is_some_and(is_total)
        {
            return true;
        }
        let mut filled = record.iter().map(str::trim).filter(|cell| !cell.is_empty());
        let (Some(first), second) = (filled.next(), filled.next()) else { return false };
        let is_short = record.len() != self.width || (second.is_none() && self.width > 2);
        is_short
            && record.as_slice().len() <= LONGEST_FOOTER
            && !first.contains(['\n', '\r'])
            && !first.starts_with(|letter: char| letter.is_numeric())
            && !record.iter().any(|cell| Times::is_time(cell.trim()))
    }
}
