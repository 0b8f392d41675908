//! The folder of a run.

mod config;
mod folder;
mod history;

pub(crate) use config::{DataSource, Meaning, RunConfig, read_config};
pub(crate) use folder::RunFolder;
pub(crate) use history::{Epoch, History};
