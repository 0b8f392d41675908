use std::path::{Path, PathBuf};

use jiff::{Timestamp, civil::Date};
use rnn_files::read_if_exists;
use serde::{Deserialize, Serialize};

use crate::{
    error::{FetchError, Result},
    provider::Provider,
    wanted::Adjust,
};

/// What a downloaded file is, written beside it as `FILE.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Sidecar {
    /// Layout of this document.
    pub format: u32,
    /// Symbol, as [`Symbol`](crate::Symbol) prints it.
    pub symbol: String,
    /// Provider of all rows.
    pub provider: Provider,
    /// The provider's host.
    pub host: String,
    /// Adjustment of all rows.
    pub adjust: Adjust,
    /// Whether the newest prices are unadjusted because the provider has no others.
    pub unadjusted: bool,
    /// First day that was asked for.
    pub from: Date,
    /// Last day that was asked for.
    pub to: Date,
    /// Day of the first row.
    pub first: Date,
    /// Day of the last row.
    pub last: Date,
    /// Number of rows.
    pub rows: usize,
    /// Time of the download.
    pub fetched_at: Timestamp,
    /// SHA-256 of the CSV file.
    pub sha256: String,
    /// What was odd about the provider's answers.
    pub notes: Vec<String>,
}

impl Sidecar {
    pub(crate) const FORMAT: u32 = 1;

    /// Where the sidecar of a file is.
    pub(crate) fn path(file: &Path) -> PathBuf {
        let mut path = file.as_os_str().to_owned();
        path.push(".json");
        path.into()
    }

    /// The sidecar of a file, if there is one.
    ///
    /// # Errors
    ///
    /// When there is one that cannot be read, or is of another layout.
    pub(crate) fn read(file: &Path) -> Result<Option<Self>> {
        let path = Self::path(file);
        read_if_exists(&path)?.map(|text| Self::parse(&path, &text)).transpose()
    }

    /// Reads the text of the sidecar at a path.
    pub(crate) fn parse(path: &Path, text: &str) -> Result<Self> {
        let refused = |problem: String| FetchError::File { path: path.to_owned(), problem };
        let malformed = |error: serde_json::Error| {
            refused(format!(
                "expected what `rnn-train fetch` writes beside a file, got: {error}; --force \
                 replaces both"
            ))
        };
        let document: serde_json::Value = serde_json::from_str(text).map_err(malformed)?;
        let format = &document["format"];
        if *format != Self::FORMAT {
            return Err(refused(format!(
                "has layout {format}, this program reads {}; --force replaces both files",
                Self::FORMAT
            )));
        }
        serde_json::from_value(document).map_err(malformed)
    }
}
