use std::{ops::Range, path::PathBuf};

use jiff::civil::DateTime;
use sha2::{Digest, Sha256};

use super::{
    Clock, Columns, MaxGap, ReadOptions, Warning, bytes::hex, later::Later, times::format_time,
    warnings,
};
use crate::{DataError, error::Place};

/// Upper bound of values; squares of larger numbers are out of the range of `f32`.
const TOO_LARGE: f64 = 1e15;
/// Endings of files that are no part of the label of a series.
const ENDINGS: [&str; 3] = [".csv.gz", ".csv", ".parquet"];
/// Advice for times in memory that repeat or are out of order.
const MEMORY_ADVICE: &str = "sort the rows, and keep one per time";
/// Advice for a value that is no usable number.
pub(super) const NUMBER_ADVICE: &str = "correct the value, or choose other columns";

/// Columns of numbers with ascending times, from a CSV file or from memory.
#[derive(Debug, Clone)]
pub struct Table {
    /// File, or name of a table in memory.
    pub path: PathBuf,
    /// Local time of each row, `[rows]`; midnight if the file has only dates.
    ///
    /// Times ascend, except that the doubled hour at the end of summer time has its times twice.
    pub times: Vec<DateTime>,
    /// SHA-256 in hexadecimal, of the file's bytes, or of times, names and values in memory.
    pub sha256: String,
    /// Whether the numbers are synthetic, as in the embedded sample.
    pub synthetic: bool,
    /// Name of the series in a file of several series.
    pub series: Option<String>,
    /// How the file was understood, if it is not a plain table.
    pub notes: Vec<String>,
    /// Irregularities of the table.
    pub warnings: Vec<Warning>,
    pub(crate) clock: Clock,
    /// Rows behind a gap that windows must not cross.
    pub(crate) breaks: Vec<usize>,
    pub(super) later: Later,
    /// Values of the whole series.
    pub(crate) statics: Vec<(String, f64)>,
    columns: Columns,
    /// Values, `[columns][rows]`.
    values: Vec<Vec<f64>>,
    places: Places,
}

/// Positions of the rows in their source.
#[derive(Debug, Clone)]
pub(super) enum Places {
    /// Line of each row in its file, counted from 1.
    Lines(Vec<u64>),
    /// Index of the first row in memory.
    Rows(usize),
}

impl Table {
    /// Creates a table in memory; `name` replaces the file name in errors and reports.
    ///
    /// # Shapes
    ///
    /// - times: `[rows]`, ascending, except in the doubled hour of summer time
    /// - values of each column: `[rows]`
    ///
    /// # Errors
    ///
    /// - [`DataError::Empty`] if there are no rows.
    /// - [`DataError::ColumnLength`] if a column and the times differ in length.
    /// - [`DataError::DuplicateColumn`] if a name repeats.
    /// - [`DataError::Value`] if times do not ascend, or a number is not finite or its magnitude is
    ///   1e15 or more. The message has table, row and column.
    ///
    /// # Examples
    ///
    /// ```
    /// use jiff::civil::date;
    /// use rnn_data::Table;
    ///
    /// let times = vec![date(2020, 4, 23).into(), date(2020, 4, 24).into()];
    /// let table = Table::from_columns("shop", times.clone(), [("sales", vec![7.0, 9.0])])?;
    /// assert_eq!(table.column("sales"), Some(&[7.0, 9.0][..]));
    /// let bad = Table::from_columns("shop", times, [("sales", vec![7.0, f64::NAN])]);
    /// let problem = "shop, row 2, column `sales`: expected a finite number, got `NaN`";
    /// assert!(bad.unwrap_err().to_string().starts_with(problem));
    /// # Ok::<(), rnn_data::DataError>(())
    /// ```
    pub fn from_columns(
        name: impl Into<String>,
        times: Vec<DateTime>,
        columns: impl IntoIterator<Item = (impl Into<String>, Vec<f64>)>,
    ) -> Result<Self, DataError> {
        let path = PathBuf::from(name.into());
        let (names, values): (Vec<String>, Vec<Vec<f64>>) =
            columns.into_iter().map(|(name, values)| (name.into(), values)).unzip();
        if times.is_empty() {
            return Err(DataError::Empty { path });
        }
        let wrong = |row: usize, column: &str, expected: String, got: String, fix| {
            let (path, place) = (path.clone(), Place::Row(row as u64 + 1));
            Err(DataError::Value {
                path,
                place,
                column: column.into(),
                expected: expected.into(),
                got: got.into(),
                fix: Some(fix),
            })
        };
        let clock = match Clock::of_summer(&times) {
            Ok(clock) => clock,
            Err(row) => {
                let expected =
                    format!("a time after {}, the row before", format_time(times[row - 1]));
                let got = format_time(times[row]);
                return wrong(row, "times", expected, got, MEMORY_ADVICE);
            }
        };
        for (name, values) in names.iter().zip(&values) {
            if values.len() != times.len() {
                return Err(DataError::ColumnLength {
                    path,
                    column: name.clone(),
                    expected: times.len(),
                    got: values.len(),
                });
            }
            if let Some((row, expected)) =
                values.iter().enumerate().find_map(|(row, value)| Some((row, unusable(*value)?)))
            {
                return wrong(row, name, expected, values[row].to_string(), NUMBER_ADVICE);
            }
        }
        let columns = Columns::all(&path, names);
        columns.check_unique()?;
        let sha256 = content_hash(&times, columns.names(), &values);
        Ok(Self::new(columns, (times, clock), values, Places::Rows(0), sha256))
    }

    /// Creates a table of valid values, with its warnings.
    pub(super) fn new(
        columns: Columns,
        (times, clock): (Vec<DateTime>, Clock),
        values: Vec<Vec<f64>>,
        places: Places,
        sha256: String,
    ) -> Self {
        let path = columns.path().to_owned();
        let mut table = Self {
            path,
            times,
            sha256,
            synthetic: false,
            series: None,
            notes: Vec::new(),
            warnings: Vec::new(),
            clock,
            breaks: Vec::new(),
            later: Later::default(),
            statics: Vec::new(),
            columns,
            values,
            places,
        };
        table.warnings = warnings::of(&table);
        table
    }

    /// Returns the columns.
    pub fn columns(&self) -> &Columns {
        &self.columns
    }

    /// Copies columns and the rows between two times; the values are already parsed and filled.
    pub(super) fn select(&self, names: &[&str], options: &ReadOptions) -> Result<Self, DataError> {
        let indices =
            names.iter().map(|name| self.columns.index(name)).collect::<Result<Vec<_>, _>>()?;
        let rows = options.rows(&self.path, &self.times)?;
        let is_future = self.columns.among(&options.future, &indices);
        let later = self.later_from(rows.end, &indices, &is_future);
        let names = names.iter().map(|name| (*name).to_owned()).collect();
        let values =
            indices.iter().map(|&index| self.values[index][rows.clone()].to_vec()).collect();
        let times = (self.times[rows.clone()].to_vec(), self.clock.of(&rows));
        let (columns, sha256) = (Columns::all(&self.path, names), self.sha256.clone());
        let mut table = Self::new(columns, times, values, self.places.of(rows), sha256);
        table.later = later;
        table.statics.clone_from(&self.statics);
        table.synthetic = self.synthetic;
        table.series.clone_from(&self.series);
        table.limit_gaps(options.max_gap);
        Ok(table)
    }

    /// Finds the gaps that windows must not cross.
    pub(super) fn limit_gaps(&mut self, max_gap: Option<MaxGap>) {
        self.breaks = max_gap.map_or_else(Vec::new, |gap| gap.breaks(&self.times, &self.clock));
        if max_gap.is_some() {
            self.warnings.retain(|warning| !matches!(warning, Warning::Gaps { .. }));
        }
    }

    /// Returns the number of rows.
    pub fn rows(&self) -> usize {
        self.times.len()
    }

    /// Returns the values of a column, `[rows]`, by its exact name in the table.
    pub fn column(&self, name: &str) -> Option<&[f64]> {
        self.columns
            .names()
            .iter()
            .position(|column| column == name)
            .map(|index| self.values[index].as_slice())
    }

    /// Returns the values of the column with a known name or one of its synonyms.
    pub(crate) fn known(&self, name: &str) -> Option<&[f64]> {
        self.columns.known(name).map(|index| self.values[index].as_slice())
    }

    /// Returns the values of a column that was read, `[rows]`.
    pub(crate) fn values(&self, name: &str) -> &[f64] {
        self.column(name).unwrap_or_else(|| panic!("column `{name}` has not been read"))
    }

    /// Returns the values of the columns with some names, to change them.
    pub(super) fn values_of(
        &mut self,
        is_chosen: impl Fn(&str) -> bool,
    ) -> impl Iterator<Item = &mut Vec<f64>> {
        let columns = self.columns.names().iter().zip(&mut self.values);
        columns.filter(move |(name, _)| is_chosen(name)).map(|(_, values)| values)
    }

    /// Returns the position of a row in its file or table.
    pub fn place(&self, row: usize) -> Place {
        match &self.places {
            Places::Lines(lines) => Place::Line(lines[row]),
            Places::Rows(first) => Place::Row((first + row) as u64 + 1),
        }
    }

    /// Returns the name of the series, the file name without its folder, or the name of a table in
    /// memory.
    pub fn name(&self) -> String {
        if let Some(series) = &self.series {
            return series.clone();
        }
        let file = self.path.file_name().filter(|_| matches!(self.places, Places::Lines(_)));
        file.unwrap_or(self.path.as_os_str()).to_string_lossy().into_owned()
    }

    /// Returns the name without the ending of a file, such as `.csv`.
    pub fn label(&self) -> String {
        let name = self.name();
        let start = |ending: &&str| {
            let start = name.len().checked_sub(ending.len())?;
            name.get(start..)?.eq_ignore_ascii_case(ending).then_some(start)
        };
        let start = ENDINGS.iter().find_map(start);
        name[..start.unwrap_or(name.len())].to_owned()
    }
}

impl Places {
    fn of(&self, rows: Range<usize>) -> Self {
        match self {
            Self::Lines(lines) => Self::Lines(lines[rows].to_vec()),
            Self::Rows(first) => Self::Rows(first + rows.start),
        }
    }
}

/// Returns the expected content if a number cannot be used.
pub(super) fn unusable(number: f64) -> Option<String> {
    match number {
        number if number.abs() < TOO_LARGE => None,
        number if number.is_finite() => Some(format!("a number below {TOO_LARGE:e}")),
        _ => Some("a finite number".to_owned()),
    }
}

/// Hashes nanoseconds, lengths and bits in little-endian order, equally on every machine.
fn content_hash(times: &[DateTime], names: &[String], values: &[Vec<f64>]) -> String {
    let mut hasher = Sha256::new();
    hasher.update((times.len() as u64).to_le_bytes());
    times.iter().for_each(|time| {
        hasher.update(time.duration_since(DateTime::ZERO).as_nanos().to_le_bytes())
    });
    for (name, values) in names.iter().zip(values) {
        hasher.update((name.len() as u64).to_le_bytes());
        hasher.update(name);
        values.iter().for_each(|value| hasher.update(value.to_bits().to_le_bytes()));
    }
    hex(&hasher.finalize())
}
