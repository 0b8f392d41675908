use std::{
    io::{self, BufRead, BufReader, Read},
    ops::Range,
    path::{Path, PathBuf},
    sync::Arc,
};

use jiff::civil::DateTime;

use super::{
    Column, Fill, Table, Warning,
    header::{find, is_measurement, likely_target, shorten},
    source::{Source, Tally},
    times::{Times, moment, value},
    warnings,
};
use crate::DataError;

const SAMPLE: &str = include_str!("../../../../assets/synthetic-daily-bars.csv");
const SAMPLE_NAME: &str = "synthetic-daily-bars.csv";
/// No price or volume is this large; squares of such numbers leave the range of f32.
const TOO_LARGE: f64 = 1e15;
/// Rows that are looked at to find out which columns hold numbers.
const LOOKED_AT: usize = 100;
/// Bytes that are looked at for that: a file of very long rows has few.
const LOOKED_BYTES: u64 = 16 << 20;
/// Columns of a file, of which most may be left unread.
const MOST_COLUMNS: usize = 200_000;
/// Missing values whose lines are named.
const NAMED: usize = 5;

/// A CSV file whose header and first rows have been looked at: it knows its columns, and reads those that are asked for.
///
/// Separators are commas, semicolons or tabs; byte-order marks, line ends and quotes do not matter. Columns are found by name, also in other
/// capitals, and those of prices by their Chinese names.
///
/// # Examples
///
/// ```
/// use rnn_data::{CsvFile, ReadOptions};
///
/// let file = CsvFile::sample(None).unwrap();
/// assert_eq!((file.date_column(), file.likely_target()), ("date", Some("open")));
/// let table = file.read(&["open", "close"], &ReadOptions::default()).unwrap();
/// assert_eq!(table.rows(), table.column("close").unwrap().len());
/// ```
#[derive(Debug, Clone)]
pub struct CsvFile {
    path: PathBuf,
    source: Source,
    delimiter: u8,
    header: Vec<String>,
    date: usize,
    /// Columns that hold numbers, without the date.
    numeric: Vec<usize>,
}

/// How the rows of a [`CsvFile`] are read.
#[derive(Debug, Clone, Default)]
pub struct ReadOptions {
    /// Pattern of the dates, as `strftime` has it; without one, whichever of the usual ones fits.
    pub date_format: Option<String>,
    /// What becomes of missing values.
    pub fill: Fill,
    /// First time that counts.
    pub from: Option<DateTime>,
    /// Last time that counts.
    pub until: Option<DateTime>,
}

impl CsvFile {
    /// Looks at a file; the column of dates is the named one, or found by name or content.
    ///
    /// # Errors
    ///
    /// When the file cannot be read, or has no such column.
    pub fn open(path: &Path, date_column: Option<&str>) -> Result<Self, DataError> {
        Self::look(path, Source::File, date_column)
    }

    /// The same for bytes that are not in a file; errors name them as the path says.
    ///
    /// # Errors
    ///
    /// See [`CsvFile::open`].
    pub fn of_bytes(path: &Path, bytes: impl Into<Arc<[u8]>>, date_column: Option<&str>) -> Result<Self, DataError> {
        Self::look(path, Source::Memory(bytes.into()), date_column)
    }

    /// The embedded sample: synthetic bars in the format and of the length of the course's file.
    ///
    /// # Errors
    ///
    /// When it has no such column of dates.
    pub fn sample(date_column: Option<&str>) -> Result<Self, DataError> {
        Self::look(Path::new(SAMPLE_NAME), Source::Sample(SAMPLE), date_column)
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Name of the column of dates.
    pub fn date_column(&self) -> &str {
        &self.header[self.date]
    }

    /// The file's own name of the column that a name means.
    ///
    /// # Errors
    ///
    /// When there is none, or more than one.
    pub fn column(&self, name: &str) -> Result<&str, DataError> {
        Ok(&self.header[find(&self.path, &self.header, name)?])
    }

    /// Columns that hold measurements: numbers, but no dates, codes or row numbers.
    pub fn measurements(&self) -> Vec<&str> {
        self.numeric.iter().map(|&index| self.header[index].as_str()).filter(|name| is_measurement(name)).collect()
    }

    /// The column that is probably to be predicted: the opening price, the closing price, a value, or the last measurement.
    pub fn likely_target(&self) -> Option<&str> {
        likely_target(&self.path, &self.measurements())
    }

    /// Reads columns, by the names of [`CsvFile::column`]; the table has them by the names that were asked for.
    ///
    /// # Errors
    ///
    /// When the file cannot be read, a column is missing or repeated, a date does not parse, repeats or goes back, a number is not finite, or a
    /// value is missing and not filled. Each error names file, line and column.
    pub fn read(&self, columns: &[impl AsRef<str>], options: &ReadOptions) -> Result<Table, DataError> {
        let names = columns.iter().map(AsRef::as_ref);
        let indices = names.clone().map(|name| find(&self.path, &self.header, name)).collect::<Result<Vec<_>, _>>()?;
        let mut columns: Vec<Column> = names.map(|name| Column { name: name.to_owned(), values: Vec::new() }).collect();
        let mut times = Times::new(&self.path, self.date_column(), options.date_format.as_deref());
        let mut lines = Vec::new();
        let mut reader = self.reader()?;
        let mut record = csv::StringRecord::new();
        while let Some(line) = self.next(&mut reader, &mut record)? {
            times.push(&record[self.date], line)?;
            for (column, &index) in columns.iter_mut().zip(&indices) {
                column.values.push(self.number(index, &record[index], line)?);
            }
            lines.push(line);
        }
        let sha256 = reader.into_inner().sha256();
        let (mut times, newest_first) = times.finish(&lines)?;
        if newest_first {
            lines.reverse();
            columns.iter_mut().for_each(|column| column.values.reverse());
        }
        let rows = self.within(&times, options)?;
        let mut warnings = if newest_first { vec![Warning::NewestFirst] } else { Vec::new() };
        for (column, index) in columns.iter_mut().zip(indices) {
            // Rows before the first that counts may fill it; rows after the last are not known yet.
            column.values.truncate(rows.end);
            let missing: Vec<usize> = rows.clone().filter(|&row| column.values[row].is_nan()).collect();
            if !missing.is_empty() {
                let fill = options.fill;
                fill.apply(&mut column.values);
                let (name, count) = (self.header[index].clone(), missing.len());
                let left = missing.iter().filter(|&&row| column.values[row].is_nan()).count();
                if left > 0 {
                    let lines = listed(missing.iter().map(|&row| lines[row]));
                    return Err(DataError::Missing { path: self.path.clone(), column: name, count, lines, left, fill });
                }
                warnings.push(Warning::Filled { column: name, count, fill });
            }
            kept(&mut column.values, &rows);
        }
        kept(&mut times, &rows);
        kept(&mut lines, &rows);
        let mut table =
            Table { path: self.path.clone(), times, sha256, synthetic: matches!(self.source, Source::Sample(_)), warnings, columns, lines };
        table.warnings.extend(warnings::of(&table));
        Ok(table)
    }

    /// The rows from the first to the last time that counts.
    fn within(&self, times: &[DateTime], options: &ReadOptions) -> Result<Range<usize>, DataError> {
        let start = options.from.map_or(0, |from| times.partition_point(|time| *time < from));
        let end = options.until.map_or(times.len(), |until| times.partition_point(|time| *time <= until));
        if start < end {
            return Ok(start..end);
        }
        let (Some(first), Some(last)) = (times.first(), times.last()) else {
            return Err(DataError::Empty { path: self.path.clone() });
        };
        let has = format!("{} to {}", moment(*first), moment(*last));
        let asked = |time: Option<DateTime>, open: &str| time.map_or_else(|| open.to_owned(), moment);
        let asked = format!("{} to {}", asked(options.from, "the first"), asked(options.until, "the last"));
        Err(DataError::NoRows { path: self.path.clone(), asked, has })
    }

    fn look(path: &Path, source: Source, date_column: Option<&str>) -> Result<Self, DataError> {
        let mut file = Self { path: path.to_owned(), source, delimiter: b',', header: Vec::new(), date: 0, numeric: Vec::new() };
        file.delimiter = file.guess_delimiter()?;
        let mut reader = file.reader()?;
        let header = reader.headers().map(|header| header.iter().map(str::to_owned).collect());
        file.header = header.map_err(|error| file.malformed(&error, 1, &mut reader))?;
        file.check_columns(file.header.len())?;
        // Where a row is wrong, reading will say what, and in which line.
        let (mut records, mut record) = (Vec::new(), csv::StringRecord::new());
        while records.len() < LOOKED_AT && reader.position().byte() < LOOKED_BYTES {
            match file.next(&mut reader, &mut record) {
                Ok(Some(_)) => records.push(record.clone()),
                _ => break,
            }
        }
        let is = |index: usize, test: &dyn Fn(&str) -> bool| records.iter().all(|record| record.get(index).is_some_and(test));
        let by_content = || (0..file.header.len()).find(|&index| !records.is_empty() && is(index, &Times::is_time));
        file.date = match date_column {
            Some(name) => find(path, &file.header, name)?,
            None => match find(path, &file.header, "date") {
                Ok(index) => index,
                Err(error @ DataError::DuplicateColumn { .. }) => return Err(error),
                Err(error) => by_content().ok_or(error)?,
            },
        };
        let number = |text: &str| is_missing(text) || text.parse::<f64>().is_ok();
        // A column that is mostly empty (dividends, notes) is no measurement.
        let present = |index: usize| records.iter().filter(|record| record.get(index).is_some_and(|text| !is_missing(text))).count();
        let full = |index: usize| present(index) > 0 && 2 * present(index) >= records.len();
        file.numeric = (0..file.header.len()).filter(|&index| index != file.date && is(index, &number) && full(index)).collect();
        Ok(file)
    }

    fn guess_delimiter(&self) -> Result<u8, DataError> {
        let mut line = Vec::new();
        // A header is short; what is longer is none.
        BufReader::new(self.bytes()?).take(1 << 20).read_until(b'\n', &mut line).map_err(|source| self.unreadable(source))?;
        let line = line.split(|byte| *byte == b'\r').next().unwrap_or_default();
        let count = |separator: u8| line.iter().filter(|byte| **byte == separator).count();
        let delimiter = [b'\t', b';', b','].into_iter().max_by_key(|&separator| count(separator)).unwrap_or(b',');
        self.check_columns(1 + count(delimiter)).map(|()| delimiter)
    }

    fn check_columns(&self, columns: usize) -> Result<(), DataError> {
        if columns <= MOST_COLUMNS {
            return Ok(());
        }
        let problem = format!("expected at most {MOST_COLUMNS} columns, got {columns} or more");
        Err(DataError::Malformed { path: self.path.clone(), line: 1, problem })
    }

    fn bytes(&self) -> Result<Box<dyn Read>, DataError> {
        self.source.open(&self.path).map_err(|source| self.unreadable(source))
    }

    fn reader(&self) -> Result<Reader, DataError> {
        let bytes = Tally::new(self.bytes()?);
        Ok(csv::ReaderBuilder::new().trim(csv::Trim::All).delimiter(self.delimiter).from_reader(bytes))
    }

    /// Reads the next record, whose line is returned.
    fn next(&self, reader: &mut Reader, record: &mut csv::StringRecord) -> Result<Option<u64>, DataError> {
        let start = reader.position().byte();
        reader.get_mut().begin_row(start);
        let read = reader.read_record(record);
        let end = reader.position().byte();
        let line = reader.get_mut().line(end);
        match read {
            Ok(true) => Ok(Some(line)),
            Ok(false) => Ok(None),
            Err(error) => Err(self.malformed(&error, line, reader)),
        }
    }

    /// A number, or NaN for one that is missing.
    fn number(&self, column: usize, text: &str, line: u64) -> Result<f64, DataError> {
        let wrong = |expected: String| Err(value(&self.path, line, &self.header[column], expected, text));
        match text.parse::<f64>() {
            Ok(number) if number.abs() < TOO_LARGE => Ok(number),
            Ok(number) if number.is_finite() => wrong(format!("a number below {TOO_LARGE:e}")),
            _ if is_missing(text) => Ok(f64::NAN),
            _ => wrong("a finite number".to_owned()),
        }
    }

    fn unreadable(&self, source: io::Error) -> DataError {
        DataError::Read { path: self.path.clone(), source }
    }

    fn malformed(&self, error: &csv::Error, line: u64, reader: &mut Reader) -> DataError {
        if let Some((line, problem)) = reader.get_mut().refused.take() {
            return DataError::Malformed { path: self.path.clone(), line, problem };
        }
        let problem = match error.kind() {
            csv::ErrorKind::Io(error) => return self.unreadable(io::Error::new(error.kind(), error.to_string())),
            csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
                format!("expected {expected_len} values as in the header, got {len}")
            }
            csv::ErrorKind::Utf8 { .. } => "expected UTF-8 text, got other bytes".to_owned(),
            _ => shorten(error.to_string()),
        };
        DataError::Malformed { path: self.path.clone(), line, problem }
    }
}

/// Leaves some rows of all, and no room for more: of millions, growing has taken up to twice as many.
fn kept<T>(all: &mut Vec<T>, rows: &Range<usize>) {
    all.truncate(rows.end);
    all.drain(..rows.start);
    all.shrink_to_fit();
}

/// The first of some lines.
fn listed(lines: impl ExactSizeIterator<Item = u64>) -> String {
    let (word, more) = (if lines.len() == 1 { "line" } else { "lines" }, if lines.len() > NAMED { ", …" } else { "" });
    format!("{word} {}{more}", lines.take(NAMED).map(|line| line.to_string()).collect::<Vec<_>>().join(", "))
}

fn is_missing(text: &str) -> bool {
    text.is_empty() || ["na", "n/a", "nan", "null", "none", "-", "--"].contains(&text.to_lowercase().as_str())
}

type Reader = csv::Reader<Tally<Box<dyn Read>>>;
