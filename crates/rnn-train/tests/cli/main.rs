//! The `rnn-train` command, run as a process.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod errors;
mod readme;
mod resume;
mod runs;
mod support;
#[cfg(feature = "wgpu")]
mod wgpu;
