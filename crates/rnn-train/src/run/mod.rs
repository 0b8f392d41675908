//! The folder of a run.

mod config;
mod folder;
mod history;
mod sealed;

pub(crate) use config::read_config;
pub use config::{DataSource, Provenance, RunConfig};
pub use folder::RunFolder;
pub(crate) use folder::{
    CONFIG, EVALUATION, FORECASTS, LOSS, METRICS, MODEL, PREDICTION, PREDICTIONS, WEIGHTS,
    reports_of_run,
};
pub use history::Epoch;
pub(crate) use history::{History, MAX_EPOCH, parse as parse_metrics};
pub(crate) use sealed::{read_results, seal_results};
