use std::path::PathBuf;

use serde::Serialize;

use crate::{notes::count, sidecar::Sidecar};

/// What became of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Happened {
    /// It is new.
    Created,
    /// Rows were added, or the last row was replaced.
    Appended,
    /// All its rows were replaced.
    Replaced,
    /// It was up to date.
    Unchanged,
}

/// A file after a download.
#[derive(Debug, Clone, Serialize)]
pub struct Outcome {
    /// What became of the file.
    pub happened: Happened,
    /// Number of days it did not have before; all days of a file replaced by force.
    pub added: usize,
    /// CSV file, as it was named.
    pub file: PathBuf,
    /// What the file is.
    #[serde(flatten)]
    pub sidecar: Sidecar,
}

impl Outcome {
    /// Returns one line about it.
    pub fn summary(&self) -> String {
        let Sidecar { rows, first, last, provider, adjust, symbol, .. } = &self.sidecar;
        let file = self.file.display();
        let days = |number: usize| count(number, "day");
        let what = match self.happened {
            Happened::Created => format!("wrote {file}"),
            Happened::Appended if self.added == 0 => format!("renewed the last day of {file}"),
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
