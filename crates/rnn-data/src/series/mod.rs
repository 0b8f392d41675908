//! From tables to windows: features, the target's transform, the split, one or many series.

mod calendar;
mod feature;
mod naive;
mod panel;
mod prepare;
mod split;
#[cfg(test)]
mod tests;
mod transform;
mod windows;

use std::ops::Range;

pub use calendar::following;
pub use feature::Feature;
use jiff::civil::DateTime;
pub use naive::Naive;
pub use panel::{Panel, csv_files};
use serde::{Deserialize, Serialize};
pub use split::{Cut, Cuts, Part, Split};
pub use transform::Transform;
pub use windows::{Window, WindowBatch, WindowBatcher, Windows};

use crate::Scaler;

/// What is predicted from what.
#[derive(Debug, Clone, PartialEq)]
pub struct SeriesConfig {
    /// Column that is predicted.
    pub target: String,
    /// Column of closing prices, where there is one: repeating the last is a forecast to compare with.
    pub close: Option<String>,
    /// What the model reads of each row.
    pub features: Vec<Feature>,
    /// Rows the model looks back on.
    pub window: usize,
    /// Rows it predicts at once.
    pub horizon: usize,
    /// In which form it predicts them.
    pub transform: Transform,
    /// The forecast that the residual transforms are relative to.
    pub naive: Naive,
    /// Which rows train, validate and test.
    pub split: Split,
}

/// Scalers of a series, fitted on its training part.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Scalers {
    /// Of each number the model reads of a row.
    pub inputs: Vec<Scaler>,
    /// Of what it predicts.
    pub target: Scaler,
}

/// One series, ready for windows: what the model reads of each row, scaled, and the values it predicts.
///
/// Windows are named by their origin: the row of the first predicted value. The model reads the rows before it.
#[derive(Debug, Clone)]
pub struct Series {
    /// Name of its file.
    pub name: String,
    /// Time of each row, ascending.
    pub times: Vec<DateTime>,
    /// Values of the target, in the file's units.
    pub target: Vec<f64>,
    /// Closing prices, where there are any beside the target.
    pub close: Option<Vec<f64>>,
    /// The scalers.
    pub scalers: Scalers,
    config: SeriesConfig,
    /// `[rows, width]`, scaled.
    inputs: Vec<f32>,
    /// Numbers the model reads of a row.
    width: usize,
    /// First row that the model can read: differences need a row before.
    first: usize,
    rows: Rows,
}

/// Rows of the parts of a series.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Rows {
    train: Range<usize>,
    valid: Range<usize>,
    test: Range<usize>,
}
