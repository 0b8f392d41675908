use std::path::{Path, PathBuf};

use jiff::{Timestamp, civil::Date};
use serde::{Deserialize, Serialize};

use super::provider::{Adjust, Provider};
use crate::{Error, Result, io::read_if_there};

/// What a fetched file is, written beside it: `FILE.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Sidecar {
    /// Layout of this document.
    pub(super) format: u32,
    pub(super) symbol: String,
    pub(super) provider: Provider,
    /// The provider's host.
    pub(super) host: String,
    pub(super) adjust: Adjust,
    /// Whether the newest prices are unadjusted ones, for want of others.
    pub(super) unadjusted: bool,
    /// First day that was asked for.
    pub(super) from: Date,
    /// Last day that was asked for.
    pub(super) to: Date,
    pub(super) first: Date,
    pub(super) last: Date,
    pub(super) rows: usize,
    pub(super) fetched_at: Timestamp,
    /// Of the CSV file.
    pub(super) sha256: String,
    /// What was odd about the provider's answers.
    pub(super) notes: Vec<String>,
}

impl Sidecar {
    pub(super) const FORMAT: u32 = 1;

    /// Where the sidecar of a file is.
    pub(super) fn path(file: &Path) -> PathBuf {
        let mut path = file.as_os_str().to_owned();
        path.push(".json");
        path.into()
    }

    /// The sidecar of a file, if there is one.
    ///
    /// # Errors
    ///
    /// When there is one that cannot be read, or is of another layout.
    pub(super) fn read(file: &Path) -> Result<Option<Self>> {
        let path = Self::path(file);
        read_if_there(&path)?.map(|text| Self::parse(&path, &text)).transpose()
    }

    /// Reads the text of the sidecar at a path.
    pub(super) fn parse(path: &Path, text: &str) -> Result<Self> {
        let refused = |problem: String| Error::Artifact { path: path.to_owned(), problem };
        let malformed = |error: serde_json::Error| {
            refused(format!("expected what `rnn-train fetch` writes beside a file, got: {error}; --force replaces both"))
        };
        let document: serde_json::Value = serde_json::from_str(text).map_err(malformed)?;
        let format = &document["format"];
        if *format != Self::FORMAT {
            return Err(refused(format!("has layout {format}, this program reads {}; --force replaces both files", Self::FORMAT)));
        }
        serde_json::from_value(document).map_err(malformed)
    }
}
