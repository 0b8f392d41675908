//! Checks and replaces the CSV file and its sidecar.

use std::{
    io::ErrorKind,
    path::{Path, PathBuf},
};

use jiff::civil::Date;
use rnn_data::{CsvFile, DataError, ReadOptions};
use rnn_files::{
    FileError, Lock, read_bytes, read_if_exists, remove_all, rename_synced, sha256, temporary_path,
    to_json, write_synced,
};

use crate::{
    bars::{Bar, HEADER, inconsistent_rows, lines},
    error::{FetchError, Result},
    sidecar::Sidecar,
    symbol::Market,
    wanted::Wanted,
};

/// An existing file that an earlier download wrote and that is unchanged since.
#[derive(Debug)]
pub(crate) struct Kept {
    pub(crate) sidecar: Sidecar,
    pub(crate) bars: Vec<Bar>,
    text: String,
}

/// Largest file in bytes: half a million days.
const LARGEST: u64 = 32 << 20;

const COLUMNS: [&str; 5] = ["open", "close", "high", "low", "volume"];

impl Kept {
    /// Opens the file at a path; `None` if it does not exist.
    ///
    /// # Errors
    ///
    /// If the existing file was edited, or has another symbol or adjustment.
    pub(crate) fn open(path: &Path, wanted: Wanted<'_>) -> Result<Option<Self>> {
        let refused = |problem: String| FetchError::File { path: path.to_owned(), problem };
        let there = match read_bytes(path, LARGEST) {
            Ok(bytes) => Some(bytes),
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            Err(error) => return Err(refused(format!("cannot be read: {error}"))),
        };
        let sidecar = Sidecar::read(path)?;
        let Some(bytes) = there else { return Ok(None) };
        let Some(sidecar) = sidecar else {
            let sidecar_path = Sidecar::path(path);
            return Err(refused(format!(
                "exists, but not from `rnn-train fetch`: {} is missing (choose another --out, or \
                 use --force to replace it)",
                sidecar_path.display()
            )));
        };
        if sidecar.symbol != wanted.symbol.to_string() || sidecar.adjust != wanted.adjust {
            return Err(refused(format!(
                "holds {} prices of {}, expected {} prices of {} (choose another --out, or use \
                 --force to replace it)",
                sidecar.adjust.name(),
                sidecar.symbol,
                wanted.adjust.name(),
                wanted.symbol
            )));
        }
        let changed = || {
            refused(
                "does not match its sidecar: it was edited, or a fetch was interrupted (choose \
                 another --out, or use --force to replace it)"
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

    pub(crate) fn last(&self) -> Date {
        self.bars[self.bars.len() - 1].date
    }

    /// Returns the number of rows whose day was over when they were fetched.
    pub(crate) fn finished(&self, market: Market) -> usize {
        let is_over = self.last() <= market.last_finished_day(self.sidecar.fetched_at);
        self.bars.len() - usize::from(!is_over)
    }

    /// Returns the text of the file's first `rows` rows and of more bars after them.
    pub(crate) fn with(&self, rows: usize, more: &[Bar], code: &str) -> String {
        // The first line is the header.
        let kept: String = self.text.split_inclusive('\n').take(1 + rows).collect();
        kept + &lines(more, rows, code)
    }

    /// Returns the first day of the file that `days` lacks, and the number of such days.
    pub(crate) fn lacking(&self, days: &[Bar]) -> Option<(Date, usize)> {
        let mut lacking = self
            .bars
            .iter()
            .filter(|bar| days.binary_search_by_key(&bar.date, |day| day.date).is_err());
        let first = lacking.next()?.date;
        Some((first, 1 + lacking.count()))
    }
}

/// Returns the text of a whole file.
pub(crate) fn whole(bars: &[Bar], code: &str) -> String {
    format!("{HEADER}\n{}", lines(bars, 0, code))
}

struct Checked {
    bars: Vec<Bar>,
    warnings: Vec<String>,
}

/// Reads a file by the reader of all other CSV files.
fn read(path: &Path) -> Result<Checked, DataError> {
    let table = CsvFile::open(path, None)?.read(&COLUMNS, &ReadOptions::default())?;
    let column = |name: &str| table.column(name).unwrap_or_default();
    let [open, close, high, low, volume] = COLUMNS.map(column);
    let bar = |row: usize| {
        Bar::new(table.times[row].date(), [open[row], close[row], high[row], low[row]], volume[row])
    };
    let bars: Vec<Bar> = (0..table.rows()).map(bar).collect();
    let warnings =
        table.warnings.iter().map(ToString::to_string).chain(inconsistent_rows(&bars)).collect();
    Ok(Checked { bars, warnings })
}

/// Destination of a file.
#[derive(Debug)]
pub(crate) struct Place {
    /// Path as the user gave it.
    pub(crate) path: PathBuf,
    /// Target of a link, else the path. Sidecar, lock and temporary files are beside it, so that
    /// all names of a file share them.
    pub(crate) target: PathBuf,
}

impl Place {
    /// # Errors
    ///
    /// If no file can be written at the path.
    pub(crate) fn new(path: &Path) -> Result<Self> {
        let refused = |problem: &str| {
            Err(FetchError::File { path: path.to_owned(), problem: problem.to_owned() })
        };
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        if path.is_dir() {
            return refused("is a folder (give --out a file)");
        }
        if path.file_name().is_none() {
            return refused("is not a file name (give --out a file)");
        }
        if folder.is_some_and(|folder| !folder.is_dir()) {
            return refused("cannot be written: its folder does not exist (create it)");
        }
        if path.exists() && !path.is_file() {
            return refused("is not an ordinary file (give --out a file)");
        }
        let target = match path.is_symlink() {
            true => match path.canonicalize() {
                Ok(target) => target,
                Err(_) => {
                    return refused("is a dangling link (remove it, or choose another --out)");
                }
            },
            false => path.to_owned(),
        };
        if Sidecar::path(&target).is_dir() {
            return refused(
                "cannot have a sidecar: its name with .json is a folder (choose another --out)",
            );
        }
        Ok(Self { path: path.to_owned(), target })
    }

    /// Takes an exclusive lock on the file.
    ///
    /// The lock file is never removed: otherwise a third process could lock a new file of that
    /// name.
    ///
    /// # Errors
    ///
    /// If another process holds the lock; the message has that process and the time.
    pub(crate) fn lock(&self) -> Result<Lock> {
        let name = self.target.file_name().unwrap_or_default().to_string_lossy();
        Ok(Lock::take(
            &self.target.with_file_name(format!(".{name}.lock")),
            &self.path.display().to_string(),
        )?)
    }

    /// Completes a replacement that a crash stopped between its renames: the file is new, its
    /// sidecar still has its temporary name. Other temporary files of a crash are removed.
    ///
    /// # Errors
    ///
    /// If the sidecar cannot be renamed.
    pub(crate) fn complete(&self) -> Result<()> {
        let completed = self.rename_sidecar();
        let sidecar_path = Sidecar::path(&self.target);
        for left in [temporary_path(&self.target), temporary_path(&sidecar_path)] {
            drop(std::fs::remove_file(left));
        }
        completed
    }

    fn rename_sidecar(&self) -> Result<()> {
        let sidecar_path = Sidecar::path(&self.target);
        let json = temporary_path(&sidecar_path);
        let text = read_if_exists(&json).ok().flatten().filter(|_| !json.is_symlink());
        let sidecar = text.and_then(|text| Sidecar::parse(&json, &text).ok());
        let file = read_bytes(&self.target, LARGEST).ok();
        let (Some(sidecar), Some(file)) = (sidecar, file) else { return Ok(()) };
        if sidecar.sha256 != sha256(&file) {
            return Ok(());
        }
        log::info!("{}: completing an interrupted fetch", self.path.display());
        let failed = |source| FileError::Write { path: sidecar_path.clone(), source };
        Ok(rename_synced(&json, &sidecar_path).map_err(failed)?)
    }

    /// Writes file and sidecar under temporary names, reads the file back, and renames both.
    ///
    /// [`complete`](Self::complete) repairs a crash between the renames. The sidecar has the
    /// SHA-256 of its file. The temporary names are the same for every fetch, so that the next one
    /// finds them; the lock keeps two fetches from using them at once.
    pub(crate) fn replace(&self, text: &str, sidecar: &Sidecar) -> Result<()> {
        let sidecar_path = Sidecar::path(&self.target);
        let (csv, json) = (temporary_path(&self.target), temporary_path(&sidecar_path));
        let failed = |path: &Path| {
            let path = path.to_owned();
            move |source| FileError::Write { path, source }
        };
        let write = || {
            let document = to_json(sidecar)?;
            write_synced(&csv, text).map_err(failed(&self.path))?;
            // The temporary name means nothing to the user.
            let checked = read(&csv).map_err(|error| {
                let message = error.to_string().replace(&csv.display().to_string(), "it");
                FetchError::File {
                    path: self.path.clone(),
                    problem: format!(
                        "the fetched rows cannot be read back, so nothing was changed: {message}"
                    ),
                }
            })?;
            if checked.bars.len() != sidecar.rows {
                return Err(FetchError::Internal(format!(
                    "{} rows were written, {} were read",
                    sidecar.rows,
                    checked.bars.len()
                )));
            }
            for warning in checked.warnings {
                log::warn!("{}: {warning}", self.path.display());
            }
            write_synced(&json, &document).map_err(failed(&sidecar_path))?;
            rename_synced(&csv, &self.target).map_err(failed(&self.path))?;
            Ok(rename_synced(&json, &sidecar_path).map_err(failed(&sidecar_path))?)
        };
        write().inspect_err(|_| {
            drop(remove_all(&csv));
            drop(remove_all(&json));
        })
    }
}

#[cfg(test)]
mod tests;
