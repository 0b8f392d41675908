//! Rows of a file become tables: ordered, filled, one per series.

use std::{
    collections::HashMap,
    ops::Range,
    path::{Path, PathBuf},
};

use csv::StringRecord;
use jiff::civil::DateTime;

use super::{
    Clock, Columns, Fill, ReadOptions, Table, Warning,
    date_parts::DateParts,
    gaps::{Grid, described},
    in_memory::Places,
    later::{self, Later},
    number_column::{NumberColumn, Refused, Style},
    numbers::is_missing,
    times::{Ordered, Times, format_time, value},
};
use crate::{DataError, error::Place};

/// Number of lines of missing values in a message.
const NAMED: usize = 5;
/// Largest number of series in one file.
const MOST_SERIES: usize = 1_000_000;

/// The rows of a file, or of a ticker in it, in the order of the file.
pub(super) struct Rows<'a> {
    shared: &'a Shared<'a>,
    /// Cells of the columns.
    cells: Vec<usize>,
    labelled: Labelled<'a>,
    times: Times<'a>,
    values: Vec<NumberColumn>,
    lines: Vec<u64>,
    /// Series of the rows, if the file has several.
    labels: Labels,
}

/// How the series of a row is known.
#[derive(Clone, Copy)]
pub(super) enum Labelled<'a> {
    /// All rows are one series.
    Not,
    /// By the label in a cell; `first` reads only the first series.
    By { cell: usize, first: bool },
    /// All rows with values are of this ticker.
    Ticker(&'a str),
}

/// Rows by the label of their series.
#[derive(Default)]
struct Labels {
    names: Vec<String>,
    known: HashMap<String, usize>,
    rows: Vec<Vec<u32>>,
}

/// What all tables of a file share.
pub(super) struct Shared<'a> {
    pub(super) path: &'a Path,
    /// Name and cell of the dates.
    pub(super) date: (&'a str, usize),
    /// Other columns that belong to the dates.
    pub(super) parts: DateParts,
    /// Names that the tables use.
    pub(super) names: Vec<String>,
    /// Names in the header.
    pub(super) headers: Vec<String>,
    /// Whether the columns are known in the future.
    pub(super) is_future: Vec<bool>,
    /// How the numbers of the columns are written.
    pub(super) styles: Vec<Style>,
    pub(super) options: &'a ReadOptions,
    pub(super) synthetic: bool,
}

/// What is known after the last row.
pub(super) struct End {
    pub(super) sha256: String,
    /// Number and first line of the lines of text after the last row.
    pub(super) footer: Option<(usize, u64)>,
}

impl Labels {
    /// Returns whether a label differs from the first one.
    fn is_other(&self, label: &str) -> bool {
        self.names.first().is_some_and(|first| first != label)
    }

    /// Adds a row of a series.
    fn push(&mut self, label: &str, row: usize) -> Result<(), String> {
        let index = match self.known.get(label) {
            Some(index) => *index,
            None => {
                let index = self.names.len();
                if index == MOST_SERIES {
                    return Err(format!("expected at most {MOST_SERIES} series, got more"));
                }
                self.known.insert(label.to_owned(), index);
                self.names.push(label.to_owned());
                self.rows.push(Vec::new());
                index
            }
        };
        let row = u32::try_from(row).map_err(|_| "expected fewer rows".to_owned())?;
        self.rows[index].push(row);
        Ok(())
    }
}

impl<'a> Rows<'a> {
    pub(super) fn new(shared: &'a Shared<'a>, cells: Vec<usize>, labelled: Labelled<'a>) -> Self {
        let format = shared.options.date_format.as_deref();
        Self {
            shared,
            cells,
            labelled,
            times: Times::new(shared.path, shared.date.0, format),
            values: shared.styles.iter().cloned().map(NumberColumn::new).collect(),
            lines: Vec::new(),
            labels: Labels::default(),
        }
    }

    /// Adds a row of the file, unless it is of another series.
    pub(super) fn push(&mut self, record: &StringRecord, line: u64) -> Result<(), DataError> {
        let path = self.shared.path;
        let cell = |index: usize| record.get(index).unwrap_or_default().trim();
        let label = match self.labelled {
            Labelled::Not => None,
            Labelled::By { cell: index, first } => {
                if first && self.labels.is_other(cell(index)) {
                    return Ok(());
                }
                Some(cell(index))
            }
            Labelled::Ticker(ticker) => {
                // Without a column, all rows are of the ticker.
                let is_empty = |&index: &usize| is_missing(cell(index));
                if !self.cells.is_empty() && self.cells.iter().all(is_empty) {
                    return Ok(());
                }
                Some(ticker)
            }
        };
        if let Some(label) = label {
            self.labels.push(label, self.lines.len()).map_err(|problem| DataError::Malformed {
                path: path.to_owned(),
                line,
                problem,
            })?;
        }
        let date = self.shared.parts.text(self.shared.date.1, record);
        self.times.push(&date, line)?;
        for (column, (values, &index)) in self.values.iter_mut().zip(&self.cells).enumerate() {
            let text = cell(index);
            if let Err(Refused { expected, fix }) = values.push(text, line) {
                let name = &self.shared.headers[column];
                let (text, fix) = match text.split_once(['\n', '\r']) {
                    Some((first, _)) => (first, "close an open quote"),
                    None => (text, fix),
                };
                return Err(value(path, line, name, expected, text, Some(fix)));
            }
        }
        self.lines.push(line);
        Ok(())
    }

    /// Makes a table of each series, or its error.
    pub(super) fn tables(self, end: &End) -> Result<Vec<Result<Table, DataError>>, DataError> {
        let Self { shared, times, values, mut lines, labels, labelled, .. } = self;
        if let (Labelled::Ticker(ticker), true) = (labelled, lines.is_empty()) {
            return Err(DataError::Empty { path: shared.path_of(Some(ticker)) });
        }
        let column = times.column().to_owned();
        let read = times.finish(&lines, &labels.rows)?;
        let finished = values.into_iter().zip(&shared.headers).map(|(values, name)| {
            values.finish().map_err(|unclear| {
                let Refused { expected, fix } = unclear.refused;
                value(shared.path, unclear.line, name, expected, &unclear.text, Some(fix))
            })
        });
        let mut columns = finished.collect::<Result<Vec<_>, _>>()?;
        let meaning = read.meaning.map(|meaning| format!("dates in `{column}` are {meaning}"));
        let mut tables = Vec::with_capacity(read.series.len());
        for (index, ordered) in read.series.into_iter().enumerate() {
            let (part, label) = match labels.rows.get(index) {
                None => ((std::mem::take(&mut columns), std::mem::take(&mut lines)), None),
                Some(rows) => {
                    let of = |values: &Vec<f64>| {
                        rows.iter().map(|&row| values[row as usize]).collect::<Vec<_>>()
                    };
                    let lines = rows.iter().map(|&row| lines[row as usize]).collect();
                    ((columns.iter().map(of).collect(), lines), Some(labels.names[index].as_str()))
                }
            };
            let table =
                ordered.and_then(|ordered| shared.table(ordered, part.0, part.1, label, end));
            tables.push(table.map(|mut table| {
                if read.is_guessed_day {
                    let (column, first) = (column.clone(), table.times[0]);
                    table.warnings.insert(0, Warning::SpreadsheetDays { column, first });
                }
                table.notes.splice(..0, meaning.clone());
                table
            }));
        }
        Ok(tables)
    }
}

impl Shared<'_> {
    /// The name of the file in errors, with that of a series.
    fn path_of(&self, label: Option<&str>) -> PathBuf {
        match label {
            Some(label) => format!("{}, series `{label}`", self.path.display()).into(),
            None => self.path.to_owned(),
        }
    }

    /// Returns the rows after the last requested one, up to the first that does not follow.
    ///
    /// `last` has the numbers of the rows with requested values, and with any.
    fn later(
        &self,
        path: &Path,
        (times, clock): (&[DateTime], &Clock),
        columns: &[Vec<f64>],
        lines: &[u64],
        last: Range<usize>,
    ) -> Result<Later, DataError> {
        if !self.is_future.contains(&true) || last.start == times.len() {
            return Ok(Later::default());
        }
        let mut end = times.len();
        if let Some((row, expected)) = later::stray(times, last.start, clock) {
            if last.is_empty() {
                return Err(later::not_next(path, lines[row], &expected, times[row]));
            }
            end = row;
        }
        let values = columns.iter().zip(&self.is_future).map(|(values, is_future)| {
            if *is_future { values[last.start..end].to_vec() } else { Vec::new() }
        });
        Ok(Later { times: times[last.start..end].to_vec(), values: values.collect() })
    }

    /// Describes the rows after the last value.
    fn note(&self, later: &[DateTime]) -> String {
        let names = self.headers.iter().zip(&self.is_future).filter(|(_, is_future)| **is_future);
        let names: Vec<String> = names.map(|(name, _)| format!("`{name}`")).collect();
        let (rows, have) = if later.len() == 1 { ("row", "has") } else { ("rows", "have") };
        let last = later.last().copied().map(format_time).unwrap_or_default();
        format!("{} {rows} up to {last} {have} only {}", later.len(), names.join(", "))
    }

    /// Makes the table of one series.
    fn table(
        &self,
        ordered: Ordered,
        mut columns: Vec<Vec<f64>>,
        mut lines: Vec<u64>,
        label: Option<&str>,
        end: &End,
    ) -> Result<Table, DataError> {
        let path = self.path_of(label);
        let Ordered { mut times, mut clock, newest_first, in_utc } = ordered;
        let (fill, max_gap) = (self.options.fill, self.options.max_gap);
        if newest_first {
            lines.reverse();
            columns.iter_mut().for_each(|values| values.reverse());
        }
        let mut warnings = if newest_first { vec![Warning::NewestFirst] } else { Vec::new() };
        let mut notes = Vec::new();
        let known = later::known_rows(&columns, &self.is_future, times.len());
        let until = self.options.rows(&path, &times[..known])?.end;
        let mut later = self.later(&path, (&times, &clock), &columns, &lines, until..known)?;
        if known < times.len() {
            notes.extend((until == known).then(|| self.note(&later.times)));
            times.truncate(known);
            lines.truncate(known);
            columns.iter_mut().for_each(|values| values.truncate(known));
        }
        if in_utc {
            notes.push("the offsets of the times differ widely; all are read in UTC".to_owned());
        }
        let grid = match fill {
            Fill::None => Ok(None),
            // Rows after the last requested one do not say which are missing before it.
            _ => Grid::new(&times[..until], &clock, max_gap),
        };
        match grid {
            Ok(None) => notes.extend(described(&times, &clock, fill != Fill::None)),
            Err(count) => notes.push(format!("{count} missing rows are too many to add")),
            Ok(Some(Grid { times: all, kept, clock: spread_clock, step })) => {
                let added = all.len() - kept.len();
                let rows = if added == 1 { "row" } else { "rows" };
                notes.push(format!("{added} missing {rows} added (rows are {step}), to be filled"));
                let spread = |values: &mut Vec<f64>| {
                    let mut spread = vec![f64::NAN; all.len()];
                    kept.iter().zip(&*values).for_each(|(&row, &value)| spread[row] = value);
                    *values = spread;
                };
                columns.iter_mut().for_each(spread);
                // An added row has the place of the row before it.
                let place = |row: usize| lines[kept.partition_point(|kept| *kept <= row) - 1];
                lines = (0..all.len()).map(place).collect();
                clock = spread_clock;
                times = all;
            }
        }
        let rows = self.options.rows(&path, &times)?;
        for (index, (values, header)) in columns.iter_mut().zip(&self.headers).enumerate() {
            // Earlier rows may fill the first requested ones; later rows must not be used.
            values.truncate(rows.end);
            let missing: Vec<usize> = rows.clone().filter(|&row| values[row].is_nan()).collect();
            if !missing.is_empty() {
                fill.apply(values);
                let (column, count) = (header.clone(), missing.len());
                let left = missing.iter().filter(|&&row| values[row].is_nan()).count();
                if left > 0 {
                    let lines = listed(missing.iter().map(|&row| lines[row]));
                    return Err(DataError::Missing { path, column, count, lines, left, fill });
                }
                warnings.push(Warning::Filled { column, count, fill });
            }
            keep(values, &rows);
            if self.is_future[index] {
                later.fill(index, values.last().copied(), fill);
            }
        }
        keep(&mut times, &rows);
        keep(&mut lines, &rows);
        let columns_of = Columns::all(&path, self.names.clone());
        let sha256 = end.sha256.clone();
        let clock = clock.of(&(rows.start..rows.end + later.times.len()));
        let mut table =
            Table::new(columns_of, (times, clock), columns, Places::Lines(lines), sha256);
        if let Some((rows, line)) = end.footer {
            warnings.push(Warning::Footer { rows, first: Place::Line(line) });
        }
        table.warnings.splice(..0, warnings);
        table.notes = notes;
        table.later = later;
        table.synthetic = self.synthetic;
        table.series = label.map(str::to_owned);
        table.limit_gaps(max_gap);
        Ok(table)
    }
}

/// Keeps a range of rows and frees the spare capacity, which may be as large as the rows.
fn keep<T>(all: &mut Vec<T>, rows: &Range<usize>) {
    all.truncate(rows.end);
    all.drain(..rows.start);
    all.shrink_to_fit();
}

/// Lists the first lines for a message.
fn listed(lines: impl ExactSizeIterator<Item = u64>) -> String {
    let (word, more) = (
        if lines.len() == 1 { "line" } else { "lines" },
        if lines.len() > NAMED { ", …" } else { "" },
    );
    format!(
        "{word} {}{more}",
        lines.take(NAMED).map(|line| line.to_string()).collect::<Vec<_>>().join(", ")
    )
}
