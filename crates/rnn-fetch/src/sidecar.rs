use std::path::{Path, PathBuf};

use jiff::{Timestamp, civil::Date};
use rnn_files::read_if_exists;
use serde::{Deserialize, Serialize};

use crate::{
    error::{FetchError, Result},
    provider::Provider,
    wanted::Adjust,
};

/// Description of a downloaded file, written beside it as `FILE.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Sidecar {
    /// Version of the layout of this document.
    pub format: u32,
    /// Symbol, as [`Symbol`](crate::Symbol) prints it.
    pub symbol: String,
    /// Provider of all rows.
    pub provider: Provider,
    /// The provider's host.
    pub host: String,
    /// Adjustment of all rows.
    pub adjust: Adjust,
    /// Whether the newest prices are unadjusted, since the provider has no adjusted ones.
    pub unadjusted: bool,
    /// First requested day.
    pub from: Date,
    /// Last requested day.
    pub to: Date,
    /// Day of the first row.
    pub first: Date,
    /// Day of the last row.
    pub last: Date,
    /// Number of rows.
    pub rows: usize,
    /// Time of the download.
    pub fetched_at: Timestamp,
    /// SHA-256 of the CSV file in hexadecimal.
    pub sha256: String,
    /// Irregularities of the provider's answers.
    pub notes: Vec<String>,
}

impl Sidecar {
    pub(crate) const FORMAT: u32 = 1;

    /// Returns the path of a file's sidecar.
    pub(crate) fn path(file: &Path) -> PathBuf {
        let mut path = file.as_os_str().to_owned();
        path.push(".json");
        path.into()
    }

    /// Reads the sidecar of a file; `None` if it does not exist.
    ///
    /// # Errors
    ///
    /// If the sidecar exists and cannot be read, or has another layout.
    pub(crate) fn read(file: &Path) -> Result<Option<Self>> {
        let path = Self::path(file);
        read_if_exists(&path)?.map(|text| Self::parse(&path, &text)).transpose()
    }

    /// Parses the text of the sidecar at a path.
    pub(crate) fn parse(path: &Path, text: &str) -> Result<Self> {
        let refused = |problem: String| FetchError::File { path: path.to_owned(), problem };
        let malformed = |error: serde_json::Error| {
            refused(format!(
                "expected a sidecar of `rnn-train fetch`: {error} (use --force to replace both \
                 files)"
            ))
        };
        let document: serde_json::Value = serde_json::from_str(text).map_err(malformed)?;
        let format = &document["format"];
        if *format != Self::FORMAT {
            return Err(refused(format!(
                "expected layout {}, got {format} (use --force to replace both files)",
                Self::FORMAT
            )));
        }
        serde_json::from_value(document).map_err(malformed)
    }
}
