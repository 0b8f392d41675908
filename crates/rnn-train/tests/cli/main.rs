//! The `rnn-train` command, run as a process.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod backtest;
mod bad_input;
mod compare;
mod errors;
mod fetch;
mod fetch_append;
mod fetch_faults;
mod fetch_keep;
mod fetch_server;
mod forecast;
mod hostile;
mod hostile_runs;
mod panel;
mod readme;
mod resume;
mod runs;
mod search;
mod seeds;
mod series;
mod support;
mod survive;
mod training;
mod tuning;
#[cfg(feature = "wgpu")]
mod wgpu;
