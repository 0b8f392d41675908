//! The `rnn-train` command, run as a process.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod backtest;
mod bad_input;
mod compare;
#[cfg(target_os = "linux")]
mod disk;
mod documents;
mod errors;
mod fetch;
mod fetch_append;
mod fetch_faults;
mod fetch_keep;
mod fetch_server;
mod files;
mod forecast;
mod hostile;
mod hostile_runs;
#[cfg(target_os = "linux")]
mod kills;
#[path = "../../../../tests/workspace/language.rs"]
mod language;
mod panel;
mod resume;
mod runs;
mod search;
mod seeds;
mod series;
mod support;
#[cfg(target_os = "linux")]
#[path = "../survival/mod.rs"]
mod survival;
mod survive;
mod times;
mod training;
mod tuning;
#[cfg(feature = "wgpu")]
mod wgpu;
