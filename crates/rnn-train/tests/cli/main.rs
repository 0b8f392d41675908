//! The `rnn-train` command, run as a process.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod backtest;
mod bad_input;
mod cases;
mod compare;
#[cfg(target_os = "linux")]
mod disk;
mod documents;
mod ends;
mod errors;
mod fetch;
mod fetch_append;
mod fetch_faults;
mod fetch_keep;
mod fetch_providers;
mod fetch_server;
mod files;
mod folders;
mod forecast;
mod future;
mod hostile;
mod hostile_runs;
mod intervals;
#[cfg(target_os = "linux")]
mod kills;
#[path = "../../../../tests/workspace/language.rs"]
mod language;
#[cfg(unix)]
mod links;
mod panel;
#[cfg(target_os = "linux")]
mod previous;
mod resume;
mod runs;
mod sealed;
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
mod verify;
#[cfg(feature = "wgpu")]
mod wgpu;
