//! Tests that span crates.

mod architecture;
mod golden;
