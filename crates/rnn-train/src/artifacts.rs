//! The folder of one experiment.

use std::{
    fs,
    io::{self, ErrorKind, Write},
    path::{Path, PathBuf},
};

use crate::{Error, Result, lock::Lock, recipe::Experiment, settings::RunConfig, text_file};

/// Paths of everything an experiment writes.
#[derive(Debug, Clone)]
pub(crate) struct Artifacts {
    pub(crate) experiment: Experiment,
    pub(crate) folder: PathBuf,
}

/// Where an earlier run waits until the one that replaces it has a checkpoint.
const ASIDE: &str = ".before";

/// What an experiment's folder holds, all of it ours to replace.
const FILES: [&str; 11] = [
    "checkpoint",
    "config.json",
    "metrics.csv",
    "model.safetensors",
    "weights.txt",
    "loss.svg",
    "loss.png",
    "predictions.csv",
    "prediction.svg",
    "prediction.png",
    "evaluation.json",
];

impl Artifacts {
    pub(crate) fn new(root: &Path, experiment: Experiment) -> Self {
        Self { experiment, folder: root.join(experiment.0.name) }
    }

    /// The folder of some run, whatever its experiment.
    ///
    /// # Errors
    ///
    /// When it has no `config.json`, or one that cannot be read.
    pub(crate) fn open(folder: &Path) -> Result<Self> {
        let path = folder.join("config.json");
        let problem = "is not there; expected the folder of a run, which has one".to_owned();
        let text = read_if_there(&path)?.ok_or_else(|| Error::Artifact { path: path.clone(), problem })?;
        Ok(Self { experiment: read_config(&path, &text)?.experiment, folder: folder.to_owned() })
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    pub(crate) fn checkpoints(&self) -> PathBuf {
        self.path("checkpoint")
    }

    /// Writes a file of the folder: to a temporary name first, then renamed, so that it is never half there.
    pub(crate) fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> Result<()> {
        write_atomic(&self.path(name), bytes.as_ref())
    }

    /// Writes a file of the folder piece by piece, for what is too much to hold; it, too, is never half there.
    pub(crate) fn stream<T>(&self, name: &str, write: impl FnOnce(&mut dyn io::Write) -> Result<T>) -> Result<T> {
        let path = self.path(name);
        let failed = |source| Error::Write { path: path.clone(), source };
        let temporary = temporary(&path);
        let file = fs::File::create(&temporary).map_err(failed)?;
        let mut file = io::BufWriter::new(file);
        let written = write(&mut file).and_then(|value| file.flush().map(|()| value).map_err(failed));
        drop(file);
        written.and_then(|value| fs::rename(&temporary, &path).map(|()| value).map_err(failed)).inspect_err(|_| {
            drop(fs::remove_file(&temporary));
        })
    }

    /// Locks something of this folder, which is made if need be, for this process alone; `name` is that of the lock's file.
    ///
    /// # Errors
    ///
    /// When another process has it, with who and since when.
    pub(crate) fn lock(&self, name: &str) -> Result<Lock> {
        fs::create_dir_all(&self.folder).map_err(|source| Error::Write { path: self.folder.clone(), source })?;
        Lock::take(&self.path(name), &self.folder.display().to_string())
    }

    /// Creates the folder if need be and makes sure it can be written.
    pub(crate) fn create(&self) -> Result<()> {
        let folder = self.checkpoints();
        fs::create_dir_all(&folder).map_err(|source| Error::Write { path: folder, source })?;
        let probe = self.path(".writable");
        write_atomic(&probe, b"")?;
        fs::remove_file(&probe).map_err(|source| Error::Write { path: probe, source })
    }

    /// The config of the run in this folder, if there is one.
    ///
    /// # Errors
    ///
    /// When it cannot be read, or is of another experiment or a newer layout.
    pub(crate) fn config(&self) -> Result<Option<RunConfig>> {
        let path = self.path("config.json");
        let Some(text) = read_if_there(&path)? else { return Ok(None) };
        let config = read_config(&path, &text)?;
        if config.experiment != self.experiment {
            let problem = format!(
                "belongs to {}, expected {}; choose another folder with --artifacts, or start over with --fresh",
                config.experiment, self.experiment
            );
            return Err(Error::Artifact { path, problem });
        }
        Ok(Some(config))
    }

    /// Puts what an earlier run left aside, so that a new one can start; other files stay where they are.
    pub(crate) fn set_aside(&self) -> Result<()> {
        self.discard_aside();
        fs::create_dir_all(self.path(ASIDE)).map_err(|source| Error::Write { path: self.path(ASIDE), source })?;
        self.move_all("", ASIDE)
    }

    /// Brings back what was put aside, if the run that replaced it left nothing better.
    pub(crate) fn restore_aside(&self) -> Result<()> {
        if self.path(ASIDE).exists() {
            self.move_all(ASIDE, "")?;
            self.discard_aside();
        }
        Ok(())
    }

    /// Removes what was put aside.
    pub(crate) fn discard_aside(&self) {
        // What cannot be removed is removed by the next run that starts over.
        drop(fs::remove_dir_all(self.path(ASIDE)));
    }

    fn move_all(&self, from: &str, to: &str) -> Result<()> {
        for name in FILES {
            let (from, to) = (self.folder.join(from).join(name), self.folder.join(to).join(name));
            if !from.exists() {
                continue;
            }
            if to.is_dir() {
                fs::remove_dir_all(&to).map_err(|source| Error::Write { path: to.clone(), source })?;
            }
            fs::rename(&from, &to).map_err(|source| Error::Write { path: to, source })?;
        }
        Ok(())
    }
}

pub(crate) fn read_config(path: &Path, text: &str) -> Result<RunConfig> {
    let artifact = |problem: String| Error::Artifact { path: path.to_owned(), problem };
    let malformed = |error: serde_json::Error| artifact(format!("expected the config of a run, got: {error}; start over with --fresh"));
    let document: serde_json::Value = serde_json::from_str(text).map_err(malformed)?;
    let format = &document["format"];
    if *format != RunConfig::FORMAT {
        return Err(artifact(format!("has layout {format}, this program reads {}; start over with --fresh", RunConfig::FORMAT)));
    }
    serde_json::from_value(document).map_err(malformed)
}

/// Reads a file that may not be there.
pub(crate) fn read_if_there(path: &Path) -> Result<Option<String>> {
    match text_file::read(path, text_file::MOST) {
        Ok(text) => Ok(Some(text)),
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => Ok(None),
        Err(error) => Err(Error::Artifact { path: path.to_owned(), problem: format!("cannot be read: {error}") }),
    }
}

/// Writes a file under a temporary name beside it, then renames it. What is there and no ordinary file (a device, a pipe) is
/// written to instead, and a link keeps pointing where it points.
pub(crate) fn write_atomic(path: &Path, bytes: &[u8]) -> Result<()> {
    let failed = |source| Error::Write { path: path.to_owned(), source };
    let target = if path.exists() { path.canonicalize().map_err(failed)? } else { path.to_owned() };
    if target.exists() && !target.is_file() || target.file_name().is_none() {
        return fs::write(&target, bytes).map_err(failed);
    }
    let temporary = temporary(&target);
    fs::write(&temporary, bytes).and_then(|()| fs::rename(&temporary, &target)).map_err(|source| {
        drop(fs::remove_file(&temporary));
        failed(source)
    })
}

/// The temporary name of a file that is about to be written.
pub(crate) fn temporary(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!(".{name}.tmp"))
}

/// A CSV file of a header and a row for each item.
pub(crate) fn csv_rows<T>(header: &[String], items: &[T], row: impl Fn(&T) -> Vec<String>) -> Result<Vec<u8>> {
    let internal = |error: String| Error::Internal(error);
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(header).map_err(|error| internal(error.to_string()))?;
    for item in items {
        writer.write_record(row(item)).map_err(|error| internal(error.to_string()))?;
    }
    writer.into_inner().map_err(|error| internal(error.to_string()))
}
