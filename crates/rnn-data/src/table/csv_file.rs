use std::{
    io::{self, BufRead, BufReader, Read},
    path::Path,
    sync::Arc,
};

use super::{
    Columns, CsvOptions, ReadOptions, Table,
    bytes::{Source, Tally},
    columns::shorten,
    in_memory::{NUMBER_ADVICE, unusable},
    rows::{Labels, Rows, Shared},
    times::{Times, value},
};
use crate::DataError;

const SAMPLE: &str = include_str!("../../assets/synthetic-daily-bars.csv");
const SAMPLE_NAME: &str = "synthetic-daily-bars.csv";
/// Number of first rows that decide which columns hold numbers.
const LOOKED_AT: usize = 100;
/// Largest number of bytes of these rows.
const LOOKED_BYTES: u64 = 16 << 20;
/// Largest number of columns.
const MOST_COLUMNS: usize = 200_000;

/// The rows to read of a file of several series.
#[derive(Clone, Copy, PartialEq)]
enum Part {
    /// All, as one series.
    All,
    /// All, by series.
    EachSeries,
    /// Those of the first series.
    FirstSeries,
}

/// A CSV file with a column of dates, read column by column.
///
/// Opening a file reads the header and the first 100 rows. Separators are commas, semicolons or
/// tabs. Byte-order marks, any line ends and quotes are accepted.
///
/// # Examples
///
/// ```
/// use rnn_data::{CsvFile, ReadOptions};
///
/// let file = CsvFile::sample(None).unwrap();
/// assert_eq!(file.columns().likely_target(), Some("open"));
/// let table = file.read(&["open", "close"], &ReadOptions::default()).unwrap();
/// assert_eq!(table.rows(), table.column("close").unwrap().len());
/// ```
#[derive(Debug, Clone)]
pub struct CsvFile {
    source: Source,
    delimiter: u8,
    columns: Columns,
}

impl CsvFile {
    /// Opens a file; by default, the column of dates is found by its name or content.
    ///
    /// # Errors
    ///
    /// - [`DataError::Read`] or [`DataError::Malformed`] if the file is empty or cannot be read.
    /// - [`DataError::MissingColumn`] if `date_column` does not exist.
    /// - [`DataError::DuplicateColumn`] if `date_column` is ambiguous.
    /// - [`DataError::NoDates`] if no column of dates is found.
    pub fn open(path: &Path, date_column: Option<&str>) -> Result<Self, DataError> {
        CsvOptions::dated(date_column).open(path)
    }

    /// Opens bytes in memory; errors use `path` as the file name.
    ///
    /// # Errors
    ///
    /// See [`CsvFile::open`].
    pub fn from_bytes(
        path: &Path,
        bytes: impl Into<Arc<[u8]>>,
        date_column: Option<&str>,
    ) -> Result<Self, DataError> {
        CsvOptions::dated(date_column).open_bytes(path, bytes)
    }

    /// Opens the embedded sample: 2426 synthetic daily bars in the format of the course's file.
    ///
    /// # Errors
    ///
    /// [`DataError::MissingColumn`] if it has no column `date_column`.
    pub fn sample(date_column: Option<&str>) -> Result<Self, DataError> {
        let options = CsvOptions::dated(date_column);
        Self::inspect(Path::new(SAMPLE_NAME), Source::Sample(SAMPLE), &options)
    }

    /// Returns the columns.
    pub fn columns(&self) -> &Columns {
        &self.columns
    }

    /// Reads columns, resolved by [`Columns::resolve`]; the table uses the given names.
    ///
    /// # Errors
    ///
    /// A [`DataError`] with file, line and column if:
    ///
    /// - the file cannot be read, or a column is missing or repeated;
    /// - a date does not parse, repeats or is out of order;
    /// - a number is not finite, or a value is missing and cannot be filled;
    /// - no row is in the requested times.
    pub fn read(
        &self,
        columns: &[impl AsRef<str>],
        options: &ReadOptions,
    ) -> Result<Table, DataError> {
        self.one(columns, options, Part::All)
    }

    /// Returns whether the file holds several series, as columns of several tickers or as rows with
    /// the labels of a column.
    ///
    /// Then [`columns`](Self::columns) are those of the first series.
    pub fn has_series(&self) -> bool {
        self.columns.series.is_some()
    }

    /// Reads columns of every series; each table has the [name](Table::series) of its series.
    ///
    /// An unusable series has its error in place of its table. A file of one series gives one
    /// table without a name.
    ///
    /// # Errors
    ///
    /// See [`CsvFile::read`]: errors that concern all series.
    pub fn read_series(
        &self,
        columns: &[impl AsRef<str>],
        options: &ReadOptions,
    ) -> Result<Vec<Result<Table, DataError>>, DataError> {
        self.tables(columns, options, Part::EachSeries)
    }

    /// Reads columns of the first series.
    ///
    /// # Errors
    ///
    /// See [`CsvFile::read`].
    pub fn read_first_series(
        &self,
        columns: &[impl AsRef<str>],
        options: &ReadOptions,
    ) -> Result<Table, DataError> {
        self.one(columns, options, Part::FirstSeries)
    }

    fn one(
        &self,
        columns: &[impl AsRef<str>],
        options: &ReadOptions,
        part: Part,
    ) -> Result<Table, DataError> {
        let first = self.tables(columns, options, part)?.into_iter().next();
        first.unwrap_or_else(|| Err(DataError::Empty { path: self.path().to_owned() }))
    }

    /// Reads tables in one pass.
    fn tables(
        &self,
        columns: &[impl AsRef<str>],
        options: &ReadOptions,
        part: Part,
    ) -> Result<Vec<Result<Table, DataError>>, DataError> {
        let names: Vec<String> = columns.iter().map(|name| name.as_ref().to_owned()).collect();
        let indices =
            names.iter().map(|name| self.columns.index(name)).collect::<Result<Vec<_>, _>>()?;
        let date = self.columns.date.unwrap_or(0);
        let format = options.date_format.as_deref();
        let mut rows = Rows {
            times: Times::new(self.path(), &self.columns.names()[date], format),
            columns: vec![Vec::new(); names.len()],
            lines: Vec::new(),
            labels: Labels::default(),
        };
        let series = self.columns.series.filter(|_| part != Part::All);
        let mut reader = self.reader()?;
        let mut record = csv::StringRecord::new();
        while let Some(line) = self.next(&mut reader, &mut record)? {
            if let Some(series) = series {
                let label = &record[series];
                if part == Part::FirstSeries && rows.labels.is_other(label) {
                    continue;
                }
                rows.labels.push(label, rows.lines.len()).map_err(|problem| {
                    DataError::Malformed { path: self.path().to_owned(), line, problem }
                })?;
            }
            rows.times.push(&record[date], line)?;
            for (values, &index) in rows.columns.iter_mut().zip(&indices) {
                values.push(self.number(index, &record[index], line)?);
            }
            rows.lines.push(line);
        }
        rows.tables(&Shared {
            path: self.path(),
            names,
            headers: indices.iter().map(|&index| self.columns.names()[index].clone()).collect(),
            options,
            sha256: reader.into_inner().sha256(),
            synthetic: matches!(self.source, Source::Sample(_)),
        })
    }

    fn path(&self) -> &Path {
        self.columns.path()
    }

    pub(super) fn inspect(
        path: &Path,
        source: Source,
        options: &CsvOptions,
    ) -> Result<Self, DataError> {
        let date_column = options.date_column.as_deref();
        let mut file = Self { source, delimiter: b',', columns: Columns::header(path, Vec::new()) };
        file.delimiter = file.guess_delimiter()?;
        let mut reader = file.reader()?;
        let header = reader.headers().map(|header| header.iter().map(str::to_owned).collect());
        let header: Vec<String> = header.map_err(|error| file.malformed(&error, 1, &mut reader))?;
        let width = header.len();
        if width == 0 {
            let problem = "the file is empty (write a header, then one row per date)".to_owned();
            return Err(DataError::Malformed { path: path.to_owned(), line: 1, problem });
        }
        file.check_columns(width)?;
        file.columns = Columns::header(path, header);
        // A malformed row is reported when the file is read.
        let (mut records, mut lines) = (Vec::new(), Vec::new());
        let mut record = csv::StringRecord::new();
        while records.len() < LOOKED_AT && reader.position().byte() < LOOKED_BYTES {
            match file.next(&mut reader, &mut record) {
                Ok(Some(line)) => {
                    records.push(record.clone());
                    lines.push(line);
                }
                _ => break,
            }
        }
        let is = |index: usize, test: &dyn Fn(&str) -> bool| {
            records.iter().all(|record| record.get(index).is_some_and(test))
        };
        let texts = |index: usize| {
            records.iter().map(|record| record.get(index).unwrap_or_default()).collect::<Vec<_>>()
        };
        let names = file.columns.names();
        let by_content = || {
            let texts_are = |&index: &usize| !records.is_empty() && is(index, &Times::is_time);
            let numbers_are = |&index: &usize| Times::are_numbers(&names[index], &texts(index));
            (0..width).find(texts_are).or_else(|| (0..width).find(numbers_are))
        };
        let date = match file.columns.index(date_column.unwrap_or("date")) {
            Err(DataError::MissingColumn { .. }) if date_column.is_none() => by_content()
                .ok_or_else(|| DataError::NoDates {
                    path: path.to_owned(),
                    names: file.columns.listed(),
                })?,
            found => found?,
        };
        let count = |index: usize, test: &dyn Fn(&str) -> bool| {
            records.iter().filter(|record| record.get(index).is_some_and(test)).count()
        };
        let is_number = |text: &str| {
            text.parse::<f64>().is_ok_and(|number| !number.is_nan() || !is_missing(text))
        };
        // A column that is mostly empty (dividends, notes) is not a measurement.
        let mostly_numbers: Vec<usize> = (0..width)
            .filter(|&index| {
                let numbers = count(index, &is_number);
                index != date && numbers > 0 && 2 * numbers >= records.len()
            })
            .collect();
        file.columns.date = Some(date);
        file.columns.series = match &options.series_column {
            Some(name) => Some(file.columns.index(name)?),
            None => file.guessed_series_column(date)?,
        };
        file.columns.numeric = mostly_numbers
            .iter()
            .copied()
            .filter(|&index| is(index, &|text: &str| is_number(text) || is_missing(text)))
            .collect();
        if file.columns.measurements().is_empty() {
            // Reading such a column reports the line of its first text.
            file.columns.numeric = mostly_numbers;
            return Ok(file);
        }
        let word = |index: usize| {
            let cells = records.iter().map(|record| record.get(index).unwrap_or_default());
            cells.zip(&lines).find(|&(text, _)| !is_number(text) && !is_missing(text))
        };
        for index in mostly_numbers {
            if let Some((text, line)) = word(index) {
                let text: String = text.chars().take(60).collect();
                file.columns.words.push((index, *line, text.into()));
            }
        }
        Ok(file)
    }

    fn guess_delimiter(&self) -> Result<u8, DataError> {
        let mut line = Vec::new();
        // A longer first line is not a header.
        BufReader::new(self.bytes()?)
            .take(1 << 20)
            .read_until(b'\n', &mut line)
            .map_err(|source| self.unreadable(source))?;
        let line = line.split(|byte| *byte == b'\r').next().unwrap_or_default();
        let count = |separator: u8| line.iter().filter(|byte| **byte == separator).count();
        let delimiter = [b'\t', b';', b',']
            .into_iter()
            .max_by_key(|&separator| count(separator))
            .unwrap_or(b',');
        self.check_columns(1 + count(delimiter)).map(|()| delimiter)
    }

    fn check_columns(&self, columns: usize) -> Result<(), DataError> {
        if columns <= MOST_COLUMNS {
            return Ok(());
        }
        let problem = format!("expected at most {MOST_COLUMNS} columns, got {columns} or more");
        Err(DataError::Malformed { path: self.path().to_owned(), line: 1, problem })
    }

    fn bytes(&self) -> Result<Box<dyn Read>, DataError> {
        self.source.open(self.path()).map_err(|source| self.unreadable(source))
    }

    pub(super) fn reader(&self) -> Result<Reader, DataError> {
        let bytes = Tally::new(self.bytes()?);
        Ok(csv::ReaderBuilder::new()
            .trim(csv::Trim::All)
            .delimiter(self.delimiter)
            .from_reader(bytes))
    }

    /// Reads the next record and returns its line.
    pub(super) fn next(
        &self,
        reader: &mut Reader,
        record: &mut csv::StringRecord,
    ) -> Result<Option<u64>, DataError> {
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

    /// Parses a number; NaN if it is missing.
    fn number(&self, column: usize, text: &str, line: u64) -> Result<f64, DataError> {
        let number = text.parse().unwrap_or(f64::NAN);
        match unusable(number) {
            None => Ok(number),
            Some(_) if number.is_nan() && is_missing(text) => Ok(f64::NAN),
            Some(expected) => {
                let (name, fix) = (&self.columns.names()[column], Some(NUMBER_ADVICE));
                Err(value(self.path(), line, name, expected, text, fix))
            }
        }
    }

    fn unreadable(&self, source: io::Error) -> DataError {
        DataError::Read { path: self.path().to_owned(), source }
    }

    fn malformed(&self, error: &csv::Error, line: u64, reader: &mut Reader) -> DataError {
        if let Some((line, problem)) = reader.get_mut().refused.take() {
            return DataError::Malformed { path: self.path().to_owned(), line, problem };
        }
        let problem = match error.kind() {
            csv::ErrorKind::Io(error) => {
                return self.unreadable(io::Error::new(error.kind(), error.to_string()));
            }
            csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
                format!("expected {expected_len} values as in the header, got {len}")
            }
            csv::ErrorKind::Utf8 { .. } => {
                "expected UTF-8 text, got other bytes (save the file as CSV in UTF-8)".to_owned()
            }
            _ => shorten(error.to_string()),
        };
        DataError::Malformed { path: self.path().to_owned(), line, problem }
    }
}

fn is_missing(text: &str) -> bool {
    text.is_empty()
        || ["na", "n/a", "nan", "null", "none", "-", "--"].contains(&text.to_lowercase().as_str())
}

pub(super) type Reader = csv::Reader<Tally<Box<dyn Read>>>;
