//! Numbers, durations and tables as text.

mod format;
mod table;

pub(crate) use format::{count, duration, multiple, number, percent};
pub(crate) use table::{cells, table};
