//! Tests that span crates.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod architecture;
mod documents;
mod golden;
mod imports;
mod language;
mod layers;
