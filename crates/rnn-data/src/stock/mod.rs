//! Daily bars: reading them, splitting them, cutting windows.

mod bars;
mod data;
#[cfg(test)]
mod tests;
mod windows;

pub use bars::{Bar, PriceFile, Warning};
pub use data::StockData;
pub use windows::{Window, WindowBatch, WindowBatcher, Windows};
