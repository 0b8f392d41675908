use std::{ops::Range, path::PathBuf};

use csv::StringRecord;

use super::{
    Columns, CsvFile, ReadOptions, Table, Warning,
    in_memory::Places,
    number_column::{NumberColumn, Refused},
    numbers::is_missing,
    times::{Times, value},
};
use crate::DataError;

/// Number of lines of missing values in a message.
const NAMED: usize = 5;

/// The rows of one series while they are read.
pub(super) struct Group<'a> {
    file: &'a CsvFile,
    /// Name of the series, if the file has several.
    name: Option<&'a str>,
    /// Cell of the times.
    date: usize,
    /// Indices of the columns.
    columns: &'a [usize],
    /// Cells of the columns.
    cells: Vec<usize>,
    times: Times<'a>,
    lines: Vec<u64>,
    values: Vec<NumberColumn>,
}

impl<'a> Group<'a> {
    pub(super) fn new(
        file: &'a CsvFile,
        name: Option<&'a str>,
        columns: &'a [usize],
        cells: Vec<usize>,
        options: &ReadOptions,
    ) -> Self {
        let date = file.columns.date.unwrap_or(0);
        let times =
            Times::new(file.path(), &file.columns.names()[date], options.date_format.as_deref());
        let values = columns.iter().map(|&column| NumberColumn::new(file.decimals[column]));
        Self {
            file,
            name,
            date,
            columns,
            cells,
            times,
            lines: Vec::new(),
            values: values.collect(),
        }
    }

    /// Adds a row. In a file of several series, a row without values is not one of this series.
    pub(super) fn push(&mut self, record: &StringRecord, line: u64) -> Result<(), DataError> {
        let cell = |index: usize| record.get(index).unwrap_or_default().trim();
        if self.name.is_some() && self.cells.iter().all(|&index| is_missing(cell(index))) {
            return Ok(());
        }
        self.times.push(cell(self.date), line)?;
        for (column, (values, &index)) in self.values.iter_mut().zip(&self.cells).enumerate() {
            let text = cell(index);
            if let Err(Refused { expected, fix }) = values.push(text, line) {
                let name = &self.file.columns.names()[self.columns[column]];
                return Err(value(self.file.path(), line, name, expected, text, Some(fix)));
            }
        }
        self.lines.push(line);
        Ok(())
    }

    /// Returns the table of the requested rows, with filled values and the given names.
    pub(super) fn finish(
        self,
        names: Vec<String>,
        sha256: &str,
        options: &ReadOptions,
    ) -> Result<Table, DataError> {
        let (file, mut lines) = (self.file, self.lines);
        let path = match self.name {
            Some(name) => PathBuf::from(format!("{}, series `{name}`", file.path().display())),
            None => file.path().to_owned(),
        };
        let (mut times, newest_first) = self.times.finish(&lines)?;
        let rows = options.rows(&path, &times)?;
        if newest_first {
            lines.reverse();
        }
        let mut warnings = if newest_first { vec![Warning::NewestFirst] } else { Vec::new() };
        let mut columns = Vec::with_capacity(names.len());
        for (numbers, &index) in self.values.into_iter().zip(self.columns) {
            let name = &file.columns.names()[index];
            let mut values = numbers.finish().map_err(|unclear| {
                let Refused { expected, fix } = unclear.refused;
                value(&path, unclear.line, name, expected, &unclear.text, Some(fix))
            })?;
            if newest_first {
                values.reverse();
            }
            // Earlier rows may fill the first requested ones; later rows must not be used.
            values.truncate(rows.end);
            let missing: Vec<usize> = rows.clone().filter(|&row| values[row].is_nan()).collect();
            if !missing.is_empty() {
                let fill = options.fill;
                fill.apply(&mut values);
                let (column, count) = (name.clone(), missing.len());
                let left = missing.iter().filter(|&&row| values[row].is_nan()).count();
                if left > 0 {
                    let lines = listed(missing.iter().map(|&row| lines[row]));
                    return Err(DataError::Missing { path, column, count, lines, left, fill });
                }
                warnings.push(Warning::Filled { column, count, fill });
            }
            keep(&mut values, &rows);
            columns.push(values);
        }
        keep(&mut times, &rows);
        keep(&mut lines, &rows);
        let mut table = Table::new(
            Columns::all(&path, names),
            times,
            columns,
            Places::Lines(lines),
            sha256.to_owned(),
        );
        table.warnings.splice(..0, warnings);
        table.series = self.name.map(str::to_owned);
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
