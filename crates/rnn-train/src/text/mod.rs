//! Text output: numbers, durations and tables.

mod format;
mod language;
mod table;

pub(crate) use format::{count, duration, multiple, number, percent};
pub(crate) use language::{Language, either, set_language};
pub(crate) use table::{cells, table};

/// Target of log messages that are lines of progress.
pub(crate) const PROGRESS: &str = "rnn_train::progress";
