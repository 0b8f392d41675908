//! The file of bars and its sidecar: what is there, and how both are replaced.

use std::{
    fs,
    io::ErrorKind,
    path::{Path, PathBuf},
};

use jiff::civil::Date;
use rnn_data::{CsvFile, ReadOptions};

use super::{
    bars::{Bar, HEADER, lines, oddity},
    provider::Wanted,
    sidecar::Sidecar,
    symbol::Market,
};
use crate::{
    Error, Result,
    console::note,
    io::{Lock, bounded, rename, sha256, temporary, write_synced},
};

/// A file that an earlier fetch wrote and nobody has changed since.
#[derive(Debug)]
pub(super) struct Kept {
    pub(super) sidecar: Sidecar,
    pub(super) bars: Vec<Bar>,
    text: String,
}

/// Bytes of a file that was fetched: half a million days.
const LARGEST: u64 = 32 << 20;

const COLUMNS: [&str; 5] = ["open", "close", "high", "low", "volume"];

impl Kept {
    /// The file at a path, if there is one.
    ///
    /// # Errors
    ///
    /// When what is there is not an unchanged file of the same symbol and adjustment.
    pub(super) fn open(path: &Path, wanted: Wanted<'_>) -> Result<Option<Self>> {
        let refused = |problem: String| Error::Artifact { path: path.to_owned(), problem };
        let there = match bounded::bytes(path, LARGEST) {
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

    pub(super) fn last(&self) -> Date {
        self.bars[self.bars.len() - 1].date
    }

    /// Rows whose days were over when they were fetched: all, or all but the last.
    pub(super) fn finished(&self, market: Market) -> usize {
        let is_over = self.last() <= market.last_finished_day(self.sidecar.fetched_at);
        self.bars.len() - usize::from(!is_over)
    }

    /// The file's first rows, with more bars after them.
    pub(super) fn with(&self, rows: usize, more: &[Bar], code: &str) -> String {
        // The header is a line, too.
        let kept: String = self.text.split_inclusive('\n').take(1 + rows).collect();
        kept + &lines(more, rows, code)
    }

    /// Days that others lack: the first, and how many.
    pub(super) fn lacking(&self, days: &[Bar]) -> Option<(Date, usize)> {
        let mut lacking = self.bars.iter().filter(|bar| days.binary_search_by_key(&bar.date, |day| day.date).is_err());
        let first = lacking.next()?.date;
        Some((first, 1 + lacking.count()))
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
    /// What a link points to. Sidecar, lock and temporary files are beside it, so that all names of a file share them.
    pub(super) target: PathBuf,
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
        let target = match path.is_symlink() {
            true => match path.canonicalize() {
                Ok(target) => target,
                Err(_) => return refused("is a link to nothing; remove it, or name another file with --out"),
            },
            false => path.to_owned(),
        };
        if Sidecar::path(&target).is_dir() {
            return refused("needs a file of the same name and .json beside it, and there is a folder of that name");
        }
        Ok(Self { path: path.to_owned(), target })
    }

    /// Locks the file for this process alone. The lock's file stays: to remove it would let a third process lock another one of that name.
    ///
    /// # Errors
    ///
    /// When another process has it, with who and since when.
    pub(super) fn lock(&self) -> Result<Lock> {
        let name = self.target.file_name().unwrap_or_default().to_string_lossy();
        Lock::take(&self.target.with_file_name(format!(".{name}.lock")), &self.path.display().to_string())
    }

    /// Writes file and sidecar: both under temporary names first, and only once the file is found to be good, under their own. Whatever
    /// happens in between, a sidecar never vouches for another file: it has the sha256 of its own.
    pub(super) fn replace(&self, text: &str, sidecar: &Sidecar) -> Result<()> {
        let beside = Sidecar::path(&self.target);
        let (csv, json) = (temporary(&self.target), temporary(&beside));
        let failed = |path: &Path| {
            let path = path.to_owned();
            move |source| Error::Write { path, source }
        };
        let write = || {
            let document = serde_json::to_string_pretty(sidecar).map_err(|error| Error::Internal(error.to_string()))?;
            write_synced(&csv, text).map_err(failed(&self.path))?;
            // Nobody has heard of the temporary name.
            let checked = read(&csv).map_err(|error| {
                let said = error.to_string().replace(&csv.display().to_string(), "it");
                Error::Artifact {
                    path: self.path.clone(),
                    problem: format!("what was fetched cannot be read back, so nothing was changed: {said}"),
                }
            })?;
            if checked.bars.len() != sidecar.rows {
                return Err(Error::Internal(format!("{} rows were written, {} were read", sidecar.rows, checked.bars.len())));
            }
            for warning in checked.warnings {
                note(format_args!("warning: {}: {warning}", self.path.display()));
            }
            write_synced(&json, &(document + "\n")).map_err(failed(&beside))?;
            rename(&csv, &self.target).map_err(failed(&self.path))?;
            rename(&json, &beside).map_err(failed(&beside))
        };
        write().inspect_err(|_| {
            drop(fs::remove_file(&csv));
            drop(fs::remove_file(&json));
        })
    }
}
