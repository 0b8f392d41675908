//! Talking to the user.

mod format;
mod output;

pub(crate) use format::{count, duration, multiple, number};
pub(crate) use output::{
    Panic, caught, error, guarded, json, log_to_stderr, muted, note, out, quietly,
};
