//! Talking to the user.

mod format;
mod output;
mod table;

pub(crate) use format::{count, duration, multiple, number, percent};
pub(crate) use output::{
    Panic, caught, error, guarded, json, log_to_stderr, muted, note, out, quietly,
};
pub(crate) use table::{cells, table};
