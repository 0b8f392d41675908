//! The folder of one experiment.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use rnn_files::{Lock, read_if_exists, seal, write_atomic, write_atomic_with};

use super::config::{RunConfig, read_config};
use crate::{
    error::{Error, Result},
    settings::Experiment,
};

/// The folder of a run: its settings, checkpoints and results.
#[derive(Debug, Clone)]
pub struct RunFolder {
    /// Name of the task it belongs to.
    pub(crate) name: String,
    pub(crate) folder: PathBuf,
}

/// Files of a run's folder that are named in several places.
pub(crate) const CONFIG: &str = "config.json";
pub(crate) const EVALUATION: &str = "evaluation.json";
pub(crate) const METRICS: &str = "metrics.csv";
pub(crate) const MODEL: &str = "model.safetensors";
pub(crate) const PREDICTIONS: &str = "predictions.csv";
pub(crate) const WEIGHTS: &str = "weights.txt";
const CHECKPOINT: &str = "checkpoint";

/// Where an earlier run waits until the one that replaces it has a checkpoint.
const ASIDE: &str = ".before";

/// Where that goes when it is no longer wanted.
const DISCARDED: &str = ".discarded";

/// Pictures of a run, each as SVG and PNG.
pub(crate) const LOSS: &str = "loss";
pub(crate) const PREDICTION: &str = "prediction";

/// What an experiment's folder holds beside pictures, all of it ours to replace.
const FILES: [&str; 7] = [CHECKPOINT, CONFIG, METRICS, MODEL, WEIGHTS, PREDICTIONS, EVALUATION];

/// All that an experiment's folder holds: the checkpoint first, the evaluation last.
fn files() -> impl DoubleEndedIterator<Item = String> {
    let pictures = [LOSS, PREDICTION].into_iter();
    let pictures = pictures.flat_map(|name| [format!("{name}.svg"), format!("{name}.png")]);
    let (last, others) = (FILES[FILES.len() - 1], &FILES[..FILES.len() - 1]);
    let others: Vec<String> = others.iter().map(|name| (*name).to_owned()).collect();
    others.into_iter().chain(pictures.collect::<Vec<_>>()).chain([last.to_owned()])
}

impl RunFolder {
    pub(crate) fn new(root: &Path, experiment: Experiment) -> Self {
        Self { name: experiment.name().to_owned(), folder: root.join(experiment.name()) }
    }

    /// The folder of some run, whatever its experiment.
    ///
    /// # Errors
    ///
    /// When it has no `config.json`, or one that cannot be read.
    pub fn open(folder: impl AsRef<Path>) -> Result<Self> {
        let folder = folder.as_ref();
        let path = folder.join(CONFIG);
        let problem = "is not there; expected the folder of a run, which has one".to_owned();
        let text = read_if_exists(&path)?
            .ok_or_else(|| Error::Artifact { path: path.clone(), problem })?;
        Ok(Self { name: read_config(&path, &text)?.experiment, folder: folder.to_owned() })
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// An error of its `config.json`.
    pub(crate) fn config_error(&self, problem: &str) -> Error {
        Error::Artifact { path: self.path(CONFIG), problem: problem.to_owned() }
    }

    /// Writes its `config.json`.
    pub(crate) fn write_config(&self, config: &RunConfig) -> Result<()> {
        self.write(CONFIG, seal(config)?)
    }

    pub(crate) fn checkpoints(&self) -> PathBuf {
        self.path(CHECKPOINT)
    }

    /// Writes a file of the folder: to a temporary name first, then renamed, so that it is never
    /// half there.
    pub(crate) fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> Result<()> {
        Ok(write_atomic(&self.path(name), bytes.as_ref())?)
    }

    /// Writes a file of the folder piece by piece, for what is too much to hold; it, too, is never
    /// half there.
    pub(crate) fn stream<T>(
        &self,
        name: &str,
        write: impl FnOnce(&mut dyn io::Write) -> Result<T>,
    ) -> Result<T> {
        let path = self.path(name);
        // Writers within other writers do not know the whole path.
        let named = |error| match error {
            Error::Write { source, .. } => Error::Write { path: path.clone(), source },
            other => other,
        };
        write_atomic_with(&path, |out| write(out).map_err(named))
    }

    /// Locks something of this folder, which is made if need be, for this process alone; `name` is
    /// that of the lock's file.
    ///
    /// # Errors
    ///
    /// When another process has it, with who and since when.
    pub(crate) fn lock(&self, name: &str) -> Result<Lock> {
        fs::create_dir_all(&self.folder)
            .map_err(|source| Error::Write { path: self.folder.clone(), source })?;
        Ok(Lock::take(&self.path(name), &self.folder.display().to_string())?)
    }

    /// Creates the folder if need be and makes sure it can be written.
    pub(crate) fn create(&self) -> Result<()> {
        let folder = self.checkpoints();
        fs::create_dir_all(&folder).map_err(|source| Error::Write { path: folder, source })?;
        drop(fs::remove_dir_all(self.path(DISCARDED)));
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
        let path = self.path(CONFIG);
        let Some(text) = read_if_exists(&path)? else { return Ok(None) };
        let config = read_config(&path, &text)?;
        if config.experiment != self.name {
            let problem = format!(
                "belongs to {}, expected {}; choose another folder with --artifacts, or start \
                 over with --fresh",
                config.experiment, self.name
            );
            return Err(Error::Artifact { path, problem });
        }
        Ok(Some(config))
    }

    /// Backs up the results of an earlier run, so that a new one can start. An older backup is kept
    /// unless `has_best`: a run that started over and was interrupted before its first epoch had
    /// ended has left nothing better.
    pub(crate) fn set_aside(&self, has_best: bool) -> Result<()> {
        if !has_best && self.path(ASIDE).exists() {
            return self.remove_all();
        }
        self.discard_aside();
        fs::create_dir_all(self.path(ASIDE))
            .map_err(|source| Error::Write { path: self.path(ASIDE), source })?;
        self.move_all(files(), "", ASIDE)
    }

    /// Brings back what was put aside, if the run that replaced it left nothing better.
    pub(crate) fn restore_aside(&self) -> Result<()> {
        if self.path(ASIDE).exists() {
            // The checkpoint, which says that all is back, comes last: whoever is killed here goes
            // on with it the next time.
            self.move_all(files().rev(), ASIDE, "")?;
            self.discard_aside();
        }
        Ok(())
    }

    /// Removes what was put aside: first from its place, so that whoever is killed here leaves no
    /// half of it to be brought back.
    pub(crate) fn discard_aside(&self) {
        let [aside, discarded] = [ASIDE, DISCARDED].map(|name| self.path(name));
        // What cannot be removed is removed by the next run.
        let remove = |path: &Path| {
            drop(if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) })
        };
        remove(&discarded);
        if fs::rename(&aside, &discarded).is_ok() {
            remove(&discarded);
        }
    }

    fn remove_all(&self) -> Result<()> {
        for path in files().map(|name| self.path(&name)).filter(|path| path.exists()) {
            let removed =
                if path.is_dir() { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
            removed.map_err(|source| Error::Write { path, source })?;
        }
        Ok(())
    }

    fn move_all(&self, names: impl Iterator<Item = String>, from: &str, to: &str) -> Result<()> {
        for name in names {
            let (from, to) = (self.folder.join(from).join(&name), self.folder.join(to).join(&name));
            if !from.exists() {
                continue;
            }
            if to.is_dir() {
                fs::remove_dir_all(&to)
                    .map_err(|source| Error::Write { path: to.clone(), source })?;
            }
            fs::rename(&from, &to).map_err(|source| Error::Write { path: to, source })?;
        }
        Ok(())
    }
}
