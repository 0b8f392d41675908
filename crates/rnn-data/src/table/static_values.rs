//! Values of whole series, from a file without dates.

use std::{
    collections::{BTreeSet, HashMap},
    path::{Path, PathBuf},
    sync::Arc,
};

use csv::StringRecord;

use super::{
    Columns, CsvOptions, Table,
    bytes::Source,
    columns::shorten,
    encoding::{Text, TextFormat},
    inspect::guess_delimiter,
    number_column::{NumberColumn, Style},
    numbers::{is_missing, is_number},
    records::{Records, unreadable},
    times::value,
};
use crate::{DataError, Scaler, error::Place};

/// Most texts of a column that become an input each.
const MOST_CATEGORIES: usize = 20;
/// Most columns and rows of a file.
const MOST_COLUMNS: usize = 1_000;
const MOST_ROWS: usize = 100_000;
const MISSING_ADVICE: &str = "add the value, or remove the column";

/// Values of whole series: a file with one row for each series, without dates.
///
/// Numbers are standardised over the rows of the file. A text column with few texts becomes a value
/// of 0 or 1 for each of them, called `column=text`.
///
/// # Examples
///
/// ```
/// use jiff::civil::date;
/// use rnn_data::{CsvOptions, StaticValues, Table};
///
/// let text = "shop,size,region\nA,100,north\nB,300,south\n";
/// let options = CsvOptions::default();
/// let values = StaticValues::from_bytes("shops.csv".as_ref(), text.as_bytes(), None, &options)?;
/// assert_eq!(values.names(), ["size", "region=north", "region=south"]);
/// let table = Table::from_columns("B", vec![date(2020, 4, 24).into()], [("sales", vec![7.0])])?;
/// assert_eq!(values.add_to(table)?.static_value("size"), Some(1.0));
/// # Ok::<(), rnn_data::DataError>(())
/// ```
#[derive(Debug, Clone)]
pub struct StaticValues {
    path: PathBuf,
    /// Column of the names of the series.
    column: String,
    sha256: String,
    names: Vec<String>,
    /// Row of each series.
    rows: HashMap<String, usize>,
    /// Values, `[names][rows]`.
    values: Vec<Vec<f64>>,
}

/// The cells of a file.
struct Cells {
    /// Line and cells of each row; the first is the header.
    rows: Vec<(u64, StringRecord)>,
    sha256: String,
}

impl StaticValues {
    /// Reads a file. `column` has the names of the series; by default, or if the file lacks it,
    /// that is the first column.
    ///
    /// # Errors
    ///
    /// - [`DataError::Read`] or [`DataError::Malformed`] if the file cannot be read, or a row has
    ///   another number of cells than the header.
    /// - [`DataError::Value`] if a value is missing, a number is not finite, or a series repeats.
    /// - [`DataError::Covariate`] if there are no values, or a column has too many texts.
    pub fn open(
        path: &Path,
        column: Option<&str>,
        options: &CsvOptions,
    ) -> Result<Self, DataError> {
        Self::read(path, &Source::File, column, options)
    }

    /// Reads bytes in memory; errors use `path` as the file name.
    ///
    /// # Errors
    ///
    /// See [`StaticValues::open`].
    pub fn from_bytes(
        path: &Path,
        bytes: impl Into<Arc<[u8]>>,
        column: Option<&str>,
        options: &CsvOptions,
    ) -> Result<Self, DataError> {
        Self::read(path, &Source::Memory(bytes.into()), column, options)
    }

    /// Returns the names of the values.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// Returns the file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns the SHA-256 of the file, in hexadecimal.
    pub fn sha256(&self) -> &str {
        &self.sha256
    }

    /// Adds the values of its series to a table, which is found by its [name](Table::name): with
    /// or without the ending of a file.
    ///
    /// # Errors
    ///
    /// [`DataError::Covariate`] if there is no row of the series.
    pub fn add_to(&self, mut table: Table) -> Result<Table, DataError> {
        let name = table.name();
        let row = self.rows.get(&name).or_else(|| self.rows.get(&table.label()));
        let Some(&row) = row else {
            let problem = format!(
                "column `{}` has no row for the series `{}` of {} (add one, or correct its name)",
                self.column,
                shorten(name),
                table.path.display()
            );
            return Err(DataError::Covariate { path: self.path.clone(), place: None, problem });
        };
        let values = self.values.iter().map(|values| values[row]);
        table.statics = self.names.iter().cloned().zip(values).collect();
        Ok(table)
    }

    fn read(
        path: &Path,
        source: &Source,
        column: Option<&str>,
        options: &CsvOptions,
    ) -> Result<Self, DataError> {
        let cells = Cells::read(path, source, options)?;
        let names: Vec<String> =
            cells.rows[0].1.iter().map(|name| name.trim().to_owned()).collect();
        let (line, data) = (cells.rows[0].0, &cells.rows[1..]);
        if names.len() > MOST_COLUMNS {
            let problem = format!("expected at most {MOST_COLUMNS} columns, got {}", names.len());
            return Err(DataError::Malformed { path: path.to_owned(), line, problem });
        }
        let columns = Columns::header(path, names.clone(), Some(line));
        columns.check_unique()?;
        let series = match column {
            Some(column) => columns.index(column).unwrap_or(0),
            None => 0,
        };
        let mut rows = HashMap::with_capacity(data.len());
        for (row, (line, record)) in data.iter().enumerate() {
            let name = record.get(series).unwrap_or_default().trim();
            let place = |expected: &str, fix| {
                value(path, *line, &names[series], expected.to_owned(), name, Some(fix))
            };
            if name.is_empty() {
                return Err(place("the name of a series", "add the name, or remove the row"));
            }
            if rows.insert(name.to_owned(), row).is_some() {
                return Err(place("one row for each series", "remove the other rows"));
            }
        }
        let mut this = Self {
            path: path.to_owned(),
            column: names[series].clone(),
            sha256: cells.sha256,
            names: Vec::new(),
            rows,
            values: Vec::new(),
        };
        let others = names.iter().enumerate().filter(|(index, _)| *index != series);
        for (index, name) in others {
            this.add(name, index, data, options)?;
        }
        if this.values.is_empty() || data.is_empty() {
            let problem = format!(
                "has no values beside the names in `{}` (add rows, and a column for each value)",
                this.column
            );
            return Err(DataError::Covariate { path: this.path, place: None, problem });
        }
        Ok(this)
    }

    /// Adds the values of a column.
    fn add(
        &mut self,
        name: &str,
        index: usize,
        data: &[(u64, StringRecord)],
        options: &CsvOptions,
    ) -> Result<(), DataError> {
        let cells = || data.iter().map(|(line, cells)| (*line, cells[index].trim()));
        let wrong = |line, expected: String, got: &str, fix| {
            Err(value(&self.path, line, name, expected, got, Some(fix)))
        };
        if let Some((line, text)) = cells().find(|(_, text)| is_missing(text)) {
            return wrong(line, "a value".to_owned(), text, MISSING_ADVICE);
        }
        let Some((line, word)) = cells().find(|(_, text)| !is_number(text)) else {
            let mut numbers =
                NumberColumn::new(Style { decimal: options.decimal, ..Style::default() });
            for (line, text) in cells() {
                if let Err(refused) = numbers.push(text, line) {
                    return wrong(line, refused.expected, text, refused.fix);
                }
            }
            let values = match numbers.finish() {
                Ok(values) => values,
                Err(unclear) => {
                    let refused = unclear.refused;
                    return wrong(unclear.line, refused.expected, &unclear.text, refused.fix);
                }
            };
            // Equal values say nothing of a series.
            let scaler = Scaler::standard(values.iter().copied(), "");
            let scaled = |value| scaler.as_ref().map_or(0.0, |scaler| scaler.transform(value));
            self.names.push(name.to_owned());
            self.values.push(values.into_iter().map(scaled).collect());
            return Ok(());
        };
        let texts: BTreeSet<&str> = cells().map(|(_, text)| text).collect();
        if texts.len() > MOST_CATEGORIES {
            let problem = format!(
                "column `{name}`: expected numbers, or at most {MOST_CATEGORIES} different texts, \
                 got `{}` and {} others (remove the column, or group its texts)",
                shorten(word.to_owned()),
                texts.len() - 1
            );
            let (path, place) = (self.path.clone(), Some(Place::Line(line)));
            return Err(DataError::Covariate { path, place, problem });
        }
        for text in texts {
            self.names.push(format!("{name}={text}"));
            self.values.push(cells().map(|(_, other)| f64::from(other == text)).collect());
        }
        Ok(())
    }
}

impl Cells {
    fn read(path: &Path, source: &Source, options: &CsvOptions) -> Result<Self, DataError> {
        let open = || source.open(path).map_err(|error| unreadable(path, error));
        let format =
            TextFormat::find(open()?, options.encoding).map_err(|error| unreadable(path, error))?;
        let delimiter = guess_delimiter(path, Text::new(open()?, format))?;
        let mut records = Records::new(path, Text::new(open()?, format), delimiter);
        let (mut rows, mut record) = (Vec::<(u64, StringRecord)>::new(), StringRecord::new());
        while let Some(line) = records.next(&mut record)? {
            let width = rows.first().map_or(record.len(), |(_, header)| header.len());
            let problem = if record.len() != width {
                format!("expected {width} values as in the header, got {}", record.len())
            } else if rows.len() > MOST_ROWS {
                format!("expected at most {MOST_ROWS} series, got more")
            } else {
                rows.push((line, record.clone()));
                continue;
            };
            return Err(DataError::Malformed { path: path.to_owned(), line, problem });
        }
        if rows.is_empty() {
            let problem = "the file is empty (write a header, then one row per series)".to_owned();
            return Err(DataError::Malformed { path: path.to_owned(), line: 1, problem });
        }
        Ok(Self { rows, sha256: records.sha256()? })
    }
}

impl Table {
    /// Returns a value of the whole series, as [`StaticValues`] has scaled it.
    pub fn static_value(&self, name: &str) -> Option<f64> {
        self.statics.iter().find(|(known, _)| known == name).map(|(_, value)| *value)
    }
}
