mod clocks;
mod columns;
mod dates;
mod files;
mod gaps;
mod in_memory;
mod kinds;
mod later;
mod layouts;
mod long;
mod misread;
mod numbers;
#[cfg(feature = "parquet")]
mod parquet_files;
mod series_files;
mod static_values;
mod units;
mod values;

use std::{
    path::Path,
    sync::atomic::{AtomicUsize, Ordering},
};

use super::*;
use crate::{DataError, Place};

/// Calls a function with a temporary file of this content.
#[expect(clippy::disallowed_methods, reason = "a test writes what it reads")]
pub(crate) fn with_file<T>(content: impl AsRef<[u8]>, act: impl FnOnce(&Path) -> T) -> T {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    let name =
        format!("rnn-data-{}-{}.csv", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
    let path = std::env::temp_dir().join(name);
    std::fs::write(&path, content).unwrap();
    let result = act(&path);
    std::fs::remove_file(&path).unwrap();
    result
}

pub(crate) fn read(
    content: impl AsRef<[u8]>,
    columns: &[impl AsRef<str>],
    options: &ReadOptions,
) -> Result<Table, DataError> {
    with_file(content, |path| CsvFile::open(path, None)?.read(columns, options))
}

/// Returns the line of a row in its file.
fn line(table: &Table, row: usize) -> u64 {
    match table.place(row) {
        Place::Line(line) => line,
        Place::Row(row) => panic!("row {row} of a file has no line"),
    }
}

fn open(content: impl AsRef<[u8]>) -> CsvFile {
    with_file(content, |path| CsvFile::open(path, None)).unwrap()
}

/// Returns the error of reading a file, without the file name.
fn message(content: impl AsRef<[u8]>, columns: &[&str], options: &ReadOptions) -> String {
    let text = read(content, columns, options).unwrap_err().to_string();
    text.split_once(".csv").unwrap().1.to_owned()
}
