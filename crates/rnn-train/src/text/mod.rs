//! Text output: numbers, durations and tables.

mod format;
mod table;

pub(crate) use format::{count, duration, multiple, number, percent};
pub(crate) use table::{cells, table};
