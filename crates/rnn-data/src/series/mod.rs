//! Windows of one or many series: features, transform of the target, split.

mod calendar;
mod config;
mod ends;
mod feature;
mod feature_text;
mod folds;
mod future;
mod linear;
mod naive;
mod origins;
mod panel;
mod prepare;
mod push;
mod seasons;
mod split;
mod target;
#[cfg(test)]
mod tests;
mod transform;
mod windows;

pub use calendar::extend_calendar;
pub use config::SeriesConfig;
pub use ends::UnusualEnd;
pub use feature::{Feature, Period};
pub use linear::LinearForecast;
pub use naive::Naive;
pub use origins::Origins;
pub use panel::{BadSeries, Panel, csv_files};
pub use prepare::Series;
pub use seasons::{MOST_SEASONS, find_seasons};
pub use split::{SetSize, Split, SplitTimes, Subset};
pub use transform::Transform;
pub use windows::{Window, WindowBatch, WindowBatcher, Windows};
