//! The file of bars and its sidecar: what is there, and how both are replaced.

use std::{
    fs,
    io::ErrorKind,
    path::{Path, PathBuf},
};

use rnn_data::{CsvFile, ReadOptions};

use super::{
    bars::{Bar, HEADER, lines, oddity},
    provider::Wanted,
    sidecar::{Sidecar, sha256},
};
use crate::{Error, Result, artifacts::temporary, console::note};

/// A file that an earlier fetch wrote and nobody has changed since.
#[derive(Debug)]
pub(super) struct Kept {
    pub(super) sidecar: Sidecar,
    pub(super) bars: Vec<Bar>,
    text: String,
}

const COLUMNS: [&str; 5] = ["open", "close", "high", "low", "volume"];

impl Kept {
    /// The file at a path, if there is one.
    ///
    /// # Errors
    ///
    /// When what is there is not an unchanged file of the same symbol and adjustment.
    pub(super) fn open(path: &Path, wanted: Wanted<'_>) -> Result<Option<Self>> {
        let refused = |problem: String| Error::Artifact { path: path.to_owned(), problem };
        let there = match fs::read(path) {
            Ok(bytes) => Some(bytes),
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            Err(error) => return Err(refused(format!("cannot be read: {error}"))),
        };
        let sidecar = Sidecar::read(path)?;
        let Some(bytes) = there else { return Ok(None) };
        let Some(sidecar) = sidecar else {
            let beside = Sidecar::path(path);
            return Err(refused(format!(
                "is there, and not known to be from `rnn-train fetch` ({} is missing); another --out, or --force replaces it",
                beside.display()
            )));
        };
        if sidecar.symbol != wanted.symbol.to_string() || sidecar.adjust != wanted.adjust {
            return Err(refused(format!(
                "holds {} prices of {}, asked for {} of {}; another --out, or --force replaces it",
                sidecar.adjust.name(),
                sidecar.symbol,
                wanted.adjust.name(),
                wanted.symbol
            )));
        }
        let changed = || {
            refused(
                "is not as it was fetched (its sha256 is not the one beside it): it was edited, or a fetch was cut short while it was replaced; \
                 another --out, or --force replaces it"
                    .to_owned(),
            )
        };
        if sha256(&bytes) != sidecar.sha256 {
            return Err(changed());
        }
        let text = String::from_utf8(bytes).map_err(|_| changed())?;
        let bars = read(path)?.bars;
        if bars.is_empty() || bars.len() != sidecar.rows || !text.starts_with(HEADER) {
            return Err(changed());
        }
        Ok(Some(Self { sidecar, bars, text }))
    }

    pub(super) fn last(&self) -> jiff::civil::Date {
        self.bars[self.bars.len() - 1].date
    }

    /// The file with more bars at its end.
    pub(super) fn with(&self, more: &[Bar], code: &str) -> String {
        format!("{}{}", self.text, lines(more, self.bars.len(), code))
    }
}

/// A whole file.
pub(super) fn whole(bars: &[Bar], code: &str) -> String {
    format!("{HEADER}\n{}", lines(bars, 0, code))
}

struct Checked {
    bars: Vec<Bar>,
    warnings: Vec<String>,
}

/// Reads a file as every other CSV file is read.
fn read(path: &Path) -> Result<Checked> {
    let table = CsvFile::open(path, None)?.read(&COLUMNS, &ReadOptions::default())?;
    let column = |name: &str| table.column(name).unwrap_or_default();
    let [open, close, high, low, volume] = COLUMNS.map(column);
    let bar = |row: usize| Bar::new(table.times[row].date(), [open[row], close[row], high[row], low[row]], volume[row]);
    let bars: Vec<Bar> = (0..table.rows()).map(bar).collect();
    let warnings = table.warnings.iter().map(ToString::to_string).chain(oddity(&bars)).collect();
    Ok(Checked { bars, warnings })
}

/// Where a file is to be written.
#[derive(Debug)]
pub(super) struct Place {
    /// As it was typed.
    pub(super) path: PathBuf,
    /// What a link points to.
    target: PathBuf,
}

impl Place {
    /// # Errors
    ///
    /// When no file can be there.
    pub(super) fn new(path: &Path) -> Result<Self> {
        let refused = |problem: &str| Err(Error::Artifact { path: path.to_owned(), problem: problem.to_owned() });
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        if path.is_dir() {
            return refused("is a folder; --out names a file");
        }
        if path.file_name().is_none() {
            return refused("is no name of a file; --out names one");
        }
        if folder.is_some_and(|folder| !folder.is_dir()) {
            return refused("cannot be written, as its folder is not there; create it first");
        }
        if path.exists() && !path.is_file() {
            return refused("is no ordinary file; --out names one");
        }
        if Sidecar::path(path).is_dir() {
            return refused("needs a file of the same name and .json beside it, and there is a folder of that name");
        }
        let target = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        Ok(Self { path: path.to_owned(), target })
    }

    /// Writes file and sidecar: both under temporary names first, and only once the file is found to be good, under their own. Whatever
    /// happens in between, a sidecar never vouches for another file: it has the sha256 of its own.
    pub(super) fn replace(&self, text: &str, sidecar: &Sidecar) -> Result<()> {
        let beside = Sidecar::path(&self.path);
        let (csv, json) = (temporary(&self.target), temporary(&beside));
        let failed = |path: &Path| {
            let path = path.to_owned();
            move |source| Error::Write { path, source }
        };
        let write = || {
            let document = serde_json::to_string_pretty(sidecar).map_err(|error| Error::Internal(error.to_string()))?;
            fs::write(&csv, text).map_err(failed(&self.path))?;
            let checked = read(&csv)?;
            if checked.bars.len() != sidecar.rows {
                return Err(Error::Internal(format!("{} rows were written, {} were read", sidecar.rows, checked.bars.len())));
            }
            for warning in checked.warnings {
                note(format_args!("warning: {}: {warning}", self.path.display()));
            }
            fs::write(&json, document + "\n").map_err(failed(&beside))?;
            fs::rename(&csv, &self.target).map_err(failed(&self.path))?;
            fs::rename(&json, &beside).map_err(failed(&beside))
        };
        write().inspect_err(|_| {
            drop(fs::remove_file(&csv));
            drop(fs::remove_file(&json));
        })
    }
}
