use std::path::PathBuf;

use serde::Serialize;

use crate::{notes::count, sidecar::Sidecar};

/// Result of a download for the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Happened {
    /// A new file was written.
    Created,
    /// Rows were added, or the last row was replaced.
    Appended,
    /// All rows were replaced.
    Replaced,
    /// The file was up to date.
    Unchanged,
}

/// Summary of a file after a download.
#[derive(Debug, Clone, Serialize)]
pub struct Outcome {
    /// Result of the download.
    pub happened: Happened,
    /// Number of days that are new in the file; all days if it was replaced by force.
    pub added: usize,
    /// CSV file, as in the request.
    pub file: PathBuf,
    /// Description of the file.
    #[serde(flatten)]
    pub sidecar: Sidecar,
}

impl Outcome {
    /// Returns a one-line summary.
    pub fn summary(&self) -> String {
        let Sidecar { rows, first, last, provider, adjust, symbol, .. } = &self.sidecar;
        let file = self.file.display();
        let days = |number: usize| count(number, "day");
        let what = match self.happened {
            Happened::Created => format!("wrote {file}"),
            Happened::Appended if self.added == 0 => format!("updated the last day of {file}"),
            Happened::Appended => format!("added {} to {file}", days(self.added)),
            Happened::Replaced => format!("replaced {file}"),
            Happened::Unchanged => format!("{file} is up to date"),
        };
        format!(
            "{what}: {} of {symbol}, {first} to {last}, {} prices of {}",
            days(*rows),
            adjust.name(),
            provider.name()
        )
    }
}
