//! `config.json`: what defines a run, and what its numbers mean.

use std::{
    fmt,
    path::{Path, PathBuf},
};

use rnn_data::Scalers;
use rnn_files::unseal;
use serde::{Deserialize, Serialize};

use crate::{
    error::{Error, Result},
    settings::Options,
};

/// `config.json`: everything that defines a run, written before training starts.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RunConfig {
    /// Version of this file's layout.
    pub format: u32,
    /// Name of the task.
    pub experiment: String,
    /// Name of the backend.
    pub backend: String,
    /// Trainable parameters of the model.
    pub parameters: usize,
    /// What a series experiment was trained on.
    pub source: Option<DataSource>,
    /// Every option, resolved; epochs are those of this run, beyond those of earlier runs in the
    /// folder.
    pub options: Options,
}

/// Which data a run used.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DataSource {
    /// Name of the file or folder.
    pub file: String,
    /// Where it was read from; absent for the embedded sample.
    pub path: Option<PathBuf>,
    /// Of the file, or of the hashes of a folder's files.
    pub sha256: String,
    /// Number of rows.
    pub rows: usize,
    /// Series of a folder.
    pub series: usize,
    /// Whether the numbers are made up.
    pub synthetic: bool,
}

/// The name, marked where the numbers are made up: `prices.csv, SYNTHETIC data`.
impl fmt::Display for DataSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.file, if self.synthetic { ", SYNTHETIC data" } else { "" })
    }
}

impl DataSource {
    /// What follows its name in a title: a mark where the numbers are made up.
    pub(crate) fn mark(&self) -> &'static str {
        if self.synthetic { " (SYNTHETIC data)" } else { "" }
    }
}

impl RunConfig {
    /// The layout this program writes and reads.
    pub(crate) const FORMAT: u32 = 3;
}

/// What a model's numbers mean: the data its loss was measured on, and the scalers between it and
/// its inputs and outputs.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Provenance {
    /// The data that was scored.
    pub data: Option<DataSource>,
    /// Scalers of one series; series of a folder have their own.
    pub scalers: Option<Scalers>,
}

impl Provenance {
    /// Whether both speak of the same prices, wherever the files are.
    pub(crate) fn is_of_same_data(&self, other: &Self) -> bool {
        self.sha256() == other.sha256()
    }

    /// Whether the data is made up.
    pub(crate) fn is_synthetic(&self) -> bool {
        self.data.as_ref().is_some_and(|data| data.synthetic)
    }

    /// Refuses to take the embedded sample for rows that a program had in memory.
    pub(crate) fn check_file(&self, path: Option<&Path>) -> Result<()> {
        match &self.data {
            Some(data) if data.path.is_none() && !data.synthetic && path.is_none() => {
                Err(Error::Usage(format!(
                    "the model was trained on `{}`, rows that a program had in memory; name a file \
                     with --data",
                    data.file
                )))
            }
            _ => Ok(()),
        }
    }

    /// Hash of the data.
    pub(crate) fn sha256(&self) -> Option<&str> {
        self.data.as_ref().map(|data| data.sha256.as_str())
    }
}

pub(crate) fn read_config(path: &Path, text: &str) -> Result<RunConfig> {
    let artifact = |problem: String| Error::Artifact { path: path.to_owned(), problem };
    unseal(text, RunConfig::FORMAT).map_err(|problem| {
        artifact(format!("expected the config of a run, but it {problem}; start over with --fresh"))
    })
}
