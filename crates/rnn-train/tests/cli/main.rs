//! The `rnn-train` command, run as a process.

mod errors;
mod readme;
mod resume;
mod runs;
mod support;
