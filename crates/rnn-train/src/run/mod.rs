//! The folder of a run.

mod config;
mod folder;
mod history;

pub(crate) use config::read_config;
pub use config::{DataSource, Provenance, RunConfig};
pub use folder::RunFolder;
pub(crate) use folder::{
    CONFIG, EVALUATION, LOSS, METRICS, MODEL, PREDICTION, PREDICTIONS, WEIGHTS,
};
pub use history::Epoch;
pub(crate) use history::History;
