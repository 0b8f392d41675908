//! `config.json`: the settings and data of a run.

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

/// `config.json`: the complete settings of a run, written before training starts.
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
    /// Training data of a series experiment.
    pub source: Option<DataSource>,
    /// All options, resolved. `epochs` excludes those of earlier runs in the folder.
    pub options: Options,
}

/// The data of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DataSource {
    /// Name of the file or folder.
    pub file: String,
    /// Path of the data; none for the embedded sample or rows in memory.
    pub path: Option<PathBuf>,
    /// Hash of the file, or of the hashes of a folder's files.
    pub sha256: String,
    /// Number of rows.
    pub rows: usize,
    /// Number of series.
    pub series: usize,
    /// Whether the data is synthetic.
    pub synthetic: bool,
}

/// The name, with a mark for synthetic data: `prices.csv, SYNTHETIC data`.
impl fmt::Display for DataSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.file, if self.synthetic { ", SYNTHETIC data" } else { "" })
    }
}

impl DataSource {
    /// The mark for synthetic data in titles.
    pub(crate) fn mark(&self) -> &'static str {
        if self.synthetic { " (SYNTHETIC data)" } else { "" }
    }
}

impl RunConfig {
    /// The layout this program writes and reads.
    pub(crate) const FORMAT: u32 = 3;
}

/// The data of a model's loss, and the scalers of its inputs and outputs.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Provenance {
    /// The scored data.
    pub data: Option<DataSource>,
    /// Scalers of a single series; each series of a folder has its own.
    pub scalers: Option<Scalers>,
}

impl Provenance {
    /// True if both were computed from data with the same hash.
    pub(crate) fn is_of_same_data(&self, other: &Self) -> bool {
        self.sha256() == other.sha256()
    }

    /// Whether the data is synthetic.
    pub(crate) fn is_synthetic(&self) -> bool {
        self.data.as_ref().is_some_and(|data| data.synthetic)
    }

    /// Rejects the embedded sample for a model that was trained on rows in memory.
    pub(crate) fn check_file(&self, path: Option<&Path>) -> Result<()> {
        match &self.data {
            Some(data) if data.path.is_none() && !data.synthetic && path.is_none() => {
                Err(Error::Usage(format!(
                    "`{}`: the model was trained on rows in memory (use --data to name a file)",
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
        artifact(format!(
            "expected the config of a run, but it {problem} (use --fresh to start over)"
        ))
    })
}
