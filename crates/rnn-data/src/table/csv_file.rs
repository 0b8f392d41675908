use std::{path::Path, sync::Arc};

use super::{
    Columns, CsvOptions, ReadOptions, Table,
    bytes::Source,
    date_parts::DateParts,
    encoding::{Text, TextFormat},
    number_column::Style,
    records::{DataRecords, Records, unreadable},
    rows::{End, Labelled, Rows, Shared},
};
use crate::DataError;

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
/// Opening a file reads the first 256 KiB, the header and the first 100 rows. They decide how the
/// file is read: encoding, gzip, separator, header, and decimal separator. [`CsvOptions`] can name
/// each. [`note`](Self::note) describes a file that is not plain.
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
    pub(super) source: Source,
    pub(super) format: TextFormat,
    pub(super) delimiter: u8,
    /// Number of rows before the first one of data.
    pub(super) before: usize,
    /// Number of cells of each row.
    pub(super) width: usize,
    pub(super) columns: Columns,
    /// Other columns that belong to the dates.
    pub(super) parts: DateParts,
    /// How the numbers of each column are written.
    pub(super) styles: Vec<Style>,
    /// Several series: name and cells of the columns.
    pub(super) tickers: Vec<(String, Vec<Option<usize>>)>,
    pub(super) note: Option<String>,
}

impl CsvFile {
    /// Opens a file; by default, the column of dates is found by its name or content.
    ///
    /// # Errors
    ///
    /// - [`DataError::Read`] or [`DataError::Malformed`] if the file is empty, has no header or
    ///   cannot be read.
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
        CsvOptions::dated(date_column).open_sample()
    }

    /// Returns the columns.
    pub fn columns(&self) -> &Columns {
        &self.columns
    }

    /// Returns how the file is read, for a message; `None` for a plain file.
    ///
    /// A plain file is UTF-8 text with commas between values, one header and plain numbers.
    ///
    /// # Examples
    ///
    /// ```
    /// let text = "Kurse, ohne Gewähr\nTag;Kurs\n2020-01-02;1.234,5\n2020-01-03;1.240,25\n";
    /// let file = rnn_data::CsvFile::from_bytes("kurse.csv".as_ref(), text.as_bytes(), None)?;
    /// let note = "read as `;`-separated, decimal comma, thousands separators, 1 line before the \
    ///             header skipped";
    /// assert_eq!(file.note(), Some(note));
    /// # Ok::<(), rnn_data::DataError>(())
    /// ```
    pub fn note(&self) -> Option<&str> {
        self.note.as_deref()
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
    /// - no row is in the requested times, or the file holds several series.
    pub fn read(
        &self,
        columns: &[impl AsRef<str>],
        options: &ReadOptions,
    ) -> Result<Table, DataError> {
        if !self.tickers.is_empty() {
            let (path, count) = (self.path().to_owned(), self.tickers.len());
            return Err(DataError::SeveralSeries { path, count });
        }
        self.one(columns, options, Part::All)
    }

    /// Returns whether the file holds several series: columns of several tickers, or a column of
    /// labels.
    ///
    /// Then [`columns`](Self::columns) are those of the first series.
    pub fn has_series(&self) -> bool {
        !self.tickers.is_empty() || self.columns.series.is_some()
    }

    /// Reads columns of every series; each table has the [name](Table::series) of its series.
    ///
    /// An unusable series has its error in place of its table. A file of one series gives one
    /// table without a name.
    ///
    /// # Examples
    ///
    /// ```
    /// use rnn_data::{CsvFile, ReadOptions};
    ///
    /// let text = "Price,Close,Close\nTicker,KO,PEP\nDate,,\n2020-01-02,5,\n2020-01-03,6,7\n";
    /// let file = CsvFile::from_bytes("two.csv".as_ref(), text.as_bytes(), None)?;
    /// let tables = file.read_series(&["close"], &ReadOptions::default())?;
    /// let [one, other] = [0, 1].map(|series| tables[series].as_ref().unwrap());
    /// assert_eq!((one.name().as_str(), one.column("close")), ("KO", Some(&[5.0, 6.0][..])));
    /// assert_eq!((other.name().as_str(), other.column("close")), ("PEP", Some(&[7.0][..])));
    /// # Ok::<(), rnn_data::DataError>(())
    /// ```
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
        let columns =
            names.iter().map(|name| self.columns.index(name)).collect::<Result<Vec<_>, _>>()?;
        let date = self.columns.date.unwrap_or(0);
        let shared = Shared {
            path: self.path(),
            date: (&self.columns.names()[date], date),
            parts: self.parts,
            names,
            headers: columns.iter().map(|&index| self.columns.names()[index].clone()).collect(),
            is_future: self.columns.among(&options.future, &columns),
            styles: columns.iter().map(|&index| self.styles[index].clone()).collect(),
            options,
            synthetic: matches!(self.source, Source::Sample(_)),
        };
        let mut all: Vec<Result<Rows<'_>, DataError>> = if self.tickers.is_empty() {
            let first = part == Part::FirstSeries;
            let labelled = match self.columns.series.filter(|_| part != Part::All) {
                Some(cell) => Labelled::By { cell, first },
                None => Labelled::Not,
            };
            vec![Ok(Rows::new(&shared, columns, labelled))]
        } else {
            let count = if part == Part::EachSeries { usize::MAX } else { 1 };
            let rows = |(ticker, places): &'_ (String, Vec<Option<usize>>)| {
                let cell = |&column: &usize| {
                    places[column].ok_or_else(|| self.columns.absent(column, ticker))
                };
                columns.iter().map(cell).collect::<Result<Vec<_>, _>>()
            };
            let tickers = self.tickers.iter().take(count);
            tickers
                .map(|ticker| Ok(Rows::new(&shared, rows(ticker)?, Labelled::Ticker(&ticker.0))))
                .collect()
        };
        let mut records = self.records()?;
        let mut record = csv::StringRecord::new();
        while let Some(line) = records.next(&mut record)? {
            for one in &mut all {
                if let Ok(rows) = one
                    && let Err(error) = rows.push(&record, line)
                {
                    if self.tickers.is_empty() {
                        return Err(error);
                    }
                    *one = Err(error);
                }
            }
        }
        let end = End { footer: records.footers(), sha256: records.sha256()? };
        let mut tables = Vec::new();
        for one in all {
            match one.and_then(|rows| rows.tables(&end)) {
                Ok(more) => tables.extend(more),
                Err(error) if self.tickers.is_empty() => return Err(error),
                Err(error) => tables.push(Err(error)),
            }
        }
        Ok(tables)
    }

    pub(super) fn path(&self) -> &Path {
        self.columns.path()
    }

    /// Opens the rows of data.
    pub(super) fn records(&self) -> Result<DataRecords<'_>, DataError> {
        let path = self.path();
        let bytes = self.source.open(path).map_err(|source| unreadable(path, source))?;
        let records = Records::new(path, Text::new(bytes, self.format), self.delimiter);
        DataRecords::new(records, self.before, self.width, self.columns.date)
    }
}
