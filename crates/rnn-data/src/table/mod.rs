//! Tables with a column of times: finding out how a CSV file is laid out, reading it, filling what is missing.

mod csv_file;
mod fill;
mod header;
mod source;
#[cfg(test)]
pub(crate) mod tests;
mod times;
mod warnings;

use std::path::PathBuf;

pub use csv_file::{CsvFile, ReadOptions};
pub use fill::Fill;
use jiff::civil::DateTime;
pub use times::moment;
pub use warnings::Warning;

/// Columns of numbers over ascending times, read from one CSV file.
#[derive(Debug, Clone)]
pub struct Table {
    /// Where it came from.
    pub path: PathBuf,
    /// Time of each row, ascending; midnight where the file has dates only.
    pub times: Vec<DateTime>,
    /// SHA-256 of the file's bytes, in hexadecimal.
    pub sha256: String,
    /// Whether the numbers are made up (the embedded sample).
    pub synthetic: bool,
    /// What is odd but usable.
    pub warnings: Vec<Warning>,
    columns: Vec<Column>,
    /// Line of each row, counted from 1.
    lines: Vec<u64>,
}

/// A named column of a [`Table`].
#[derive(Debug, Clone)]
struct Column {
    name: String,
    values: Vec<f64>,
}

impl Table {
    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.times.len()
    }

    /// Values of a column that was read, by the name it was asked for.
    pub fn column(&self, name: &str) -> Option<&[f64]> {
        self.columns.iter().find(|column| column.name == name).map(|column| column.values.as_slice())
    }

    /// Values of a column that is known to have been read.
    pub(crate) fn values(&self, name: &str) -> &[f64] {
        self.column(name).unwrap_or_else(|| panic!("column `{name}` has not been read"))
    }

    /// Line of a row in its file, counted from 1.
    pub fn line(&self, row: usize) -> u64 {
        self.lines[row]
    }

    /// The file's name without its folder.
    pub fn name(&self) -> String {
        self.path.file_name().unwrap_or(self.path.as_os_str()).to_string_lossy().into_owned()
    }
}
