//! Plots of a run, as SVG and PNG.

mod curves;
mod picture;
mod series;
mod style;
mod thin;

pub(crate) use curves::{comparison, losses, range_test};
pub use picture::Picture;
pub(crate) use series::{backtest, forecast, predictions};
pub(crate) use style::{ACTUAL, TRAIN, VALID, WIDTH, curve, extent, layout, short};
