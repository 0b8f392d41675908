//! The folder of a run.

use std::{
    io,
    path::{Path, PathBuf},
};

use rnn_files::{
    Lock, create_folders, create_own_folder, own_folder_exists, read_if_exists, remove_all,
    rename_synced, seal, write_atomic, write_atomic_with,
};

use super::config::{RunConfig, read_config};
use crate::{
    error::{Error, Result},
    settings::Experiment,
};

/// The folder of a run: its settings, checkpoints and results.
///
/// # Examples
///
/// Forecasts with the model of an earlier run:
///
/// ```no_run
/// use rnn_train::{BackendChoice, Forecast, Result, RunFolder, SeriesTask};
///
/// fn week_ahead(task: &SeriesTask) -> Result<Vec<Forecast>> {
///     RunFolder::open("runs/sensor")?.load(task, BackendChoice::Auto)?.forecast(7)
/// }
/// ```
#[derive(Debug, Clone)]
pub struct RunFolder {
    /// Name of the task.
    pub(crate) name: String,
    pub(crate) folder: PathBuf,
}

/// File names in a run folder.
pub(crate) const CONFIG: &str = "config.json";
pub(crate) const EVALUATION: &str = "evaluation.json";
pub(crate) const METRICS: &str = "metrics.csv";
pub(crate) const MODEL: &str = "model.safetensors";
pub(crate) const PREDICTIONS: &str = "predictions.csv";
pub(crate) const WEIGHTS: &str = "weights.txt";
const CHECKPOINT: &str = "checkpoint";

/// Backup of the previous run, kept until the run that replaces it is finished.
const BACKUP: &str = ".before";

/// Name of a backup during its removal.
const DISCARDED: &str = ".discarded";

/// Plots of a run, each as SVG and PNG.
pub(crate) const LOSS: &str = "loss";
pub(crate) const PREDICTION: &str = "prediction";

/// Files in a run folder other than plots. A new run may replace all of them.
const FILES: [&str; 7] = [CHECKPOINT, CONFIG, METRICS, MODEL, WEIGHTS, PREDICTIONS, EVALUATION];

/// Files of a forecast with the model of a run. A new run replaces them, too.
pub(crate) const FORECASTS: [&str; 4] =
    ["forecast.json", "forecast.csv", "forecast.svg", "forecast.png"];

/// All files in a run folder: the checkpoint first, the evaluation last.
fn files() -> impl DoubleEndedIterator<Item = String> {
    let pictures = [LOSS, PREDICTION].into_iter();
    let pictures = pictures.flat_map(|name| [format!("{name}.svg"), format!("{name}.png")]);
    let (last, others) = (FILES[FILES.len() - 1], &FILES[..FILES.len() - 1]);
    let others: Vec<String> = others.iter().chain(&FORECASTS).map(|name| (*name).into()).collect();
    others.into_iter().chain(pictures.collect::<Vec<_>>()).chain([last.to_owned()])
}

/// The reports of a run, which are written after its training.
pub(crate) fn reports_of_run() -> impl Iterator<Item = String> {
    let others = [&[CHECKPOINT, CONFIG, METRICS], &FORECASTS[..]].concat();
    files().filter(move |name| !others.contains(&name.as_str()))
}

impl RunFolder {
    pub(crate) fn new(root: &Path, experiment: Experiment) -> Self {
        Self { name: experiment.name().to_owned(), folder: root.join(experiment.name()) }
    }

    /// Opens the folder of a run of any experiment.
    ///
    /// # Errors
    ///
    /// If it has no `config.json`, or one that cannot be read.
    pub fn open(folder: impl AsRef<Path>) -> Result<Self> {
        let folder = folder.as_ref();
        let mut path = folder.join(CONFIG);
        if !path.exists() && own_folder_exists(&folder.join(BACKUP))? {
            path = folder.join(BACKUP).join(CONFIG);
        }
        let problem = "is missing (choose the folder of a run)".to_owned();
        let text = read_if_exists(&path)?
            .ok_or_else(|| Error::Artifact { path: path.clone(), problem })?;
        Ok(Self { name: read_config(&path, &text)?.experiment, folder: folder.to_owned() })
    }

    /// Whether a folder is that of a run, or of a backup.
    pub(crate) fn is_run(folder: &Path) -> bool {
        folder.join(CONFIG).exists() || folder.join(BACKUP).join(CONFIG).exists()
    }

    /// The backup of an earlier run, as a folder of its own.
    pub(crate) fn backup(&self) -> Self {
        Self { name: self.name.clone(), folder: self.path(BACKUP) }
    }

    /// The path of a file. While a run is moved to its backup or back, some of its files are still
    /// beside the backup.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        let path = self.folder.join(name);
        match self.folder.parent().map(|run| run.join(name)) {
            Some(beside) if self.folder.ends_with(BACKUP) && !path.exists() && beside.exists() => {
                beside
            }
            _ => path,
        }
    }

    /// An error on `config.json`.
    pub(crate) fn config_error(&self, problem: &str) -> Error {
        Error::Artifact { path: self.path(CONFIG), problem: problem.to_owned() }
    }

    /// Writes `config.json`.
    pub(crate) fn write_config(&self, config: &RunConfig) -> Result<()> {
        self.write(CONFIG, seal(config)?)
    }

    pub(crate) fn checkpoints(&self) -> PathBuf {
        self.path(CHECKPOINT)
    }

    /// Writes a file atomically: under a temporary name, which is then renamed.
    pub(crate) fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> Result<()> {
        Ok(write_atomic(&self.path(name), bytes.as_ref())?)
    }

    /// Writes a large file atomically, piece by piece.
    pub(crate) fn stream<T>(
        &self,
        name: &str,
        write: impl FnOnce(&mut dyn io::Write) -> Result<T>,
    ) -> Result<T> {
        let path = self.path(name);
        // Inner writers do not know the full path.
        let named = |error| match error {
            Error::Write { source, .. } => Error::Write { path: path.clone(), source },
            other => other,
        };
        write_atomic_with(&path, |out| write(out).map_err(named))
    }

    /// Takes the lock file `name` in this folder, which is created if missing.
    ///
    /// # Errors
    ///
    /// If another process has the lock; the error says which and since when.
    pub(crate) fn lock(&self, name: &str) -> Result<Lock> {
        create_folders(&self.folder)?;
        Ok(Lock::take(&self.path(name), &self.folder.display().to_string())?)
    }

    /// Refuses a link in place of one of some folders, each inside the one before it.
    pub(crate) fn refuse_links(&self, nested: &[&str]) -> Result<()> {
        let mut folder = self.folder.clone();
        for name in nested {
            folder.push(name);
            own_folder_exists(&folder)?;
        }
        Ok(())
    }

    /// Creates the folder if missing, and checks that it is writable.
    pub(crate) fn create(&self) -> Result<()> {
        create_folders(&self.folder)?;
        create_own_folder(&self.checkpoints())?;
        drop(remove_all(&self.path(DISCARDED)));
        let probe = self.path(".writable");
        write_atomic(&probe, b"")?;
        Ok(remove_all(&probe)?)
    }

    /// The config of the run in this folder, if there is one.
    ///
    /// # Errors
    ///
    /// If it cannot be read, or has another experiment or layout version.
    pub(crate) fn config(&self) -> Result<Option<RunConfig>> {
        let path = self.path(CONFIG);
        let Some(text) = read_if_exists(&path)? else { return Ok(None) };
        let config = read_config(&path, &text)?;
        if config.experiment != self.name {
            let problem = format!(
                "belongs to {}, expected {} (choose another folder with --artifacts, or use \
                 --fresh to start over)",
                config.experiment, self.name
            );
            return Err(Error::Artifact { path, problem });
        }
        Ok(Some(config))
    }

    /// Backs up the results of an earlier run before a new one starts.
    ///
    /// An earlier run that is not finished does not replace an older backup, and is removed.
    pub(crate) fn back_up(&self, finished: bool) -> Result<()> {
        if !finished && own_folder_exists(&self.path(BACKUP))? {
            return self.remove_all();
        }
        self.discard_backup();
        create_own_folder(&self.path(BACKUP))?;
        self.move_all(files(), "", BACKUP)
    }

    /// Restores the backup, if there is one.
    pub(crate) fn restore_backup(&self) -> Result<()> {
        if own_folder_exists(&self.path(BACKUP))? {
            // The checkpoint comes last and marks the end: a killed restore continues next time.
            self.move_all(files().rev(), BACKUP, "")?;
            self.discard_backup();
        }
        Ok(())
    }

    /// Removes the backup. It is renamed first, so that no partial backup can be restored.
    pub(crate) fn discard_backup(&self) {
        let [backup, discarded] = [BACKUP, DISCARDED].map(|name| self.path(name));
        // Errors are ignored: the next run tries again.
        drop(remove_all(&discarded));
        if rename_synced(&backup, &discarded).is_ok() {
            drop(remove_all(&discarded));
        }
    }

    /// Removes a run. The checkpoint is removed last and in one step. So a killed removal leaves a
    /// run without reports, or a backup to restore.
    pub(crate) fn remove_all(&self) -> Result<()> {
        for name in files().rev().filter(|name| name != CHECKPOINT) {
            remove_all(&self.path(&name))?;
        }
        let [checkpoint, discarded] = [self.checkpoints(), self.path(DISCARDED)];
        if own_folder_exists(&checkpoint)? {
            remove_all(&discarded)?;
            rename_synced(&checkpoint, &discarded)
                .map_err(|source| Error::Write { path: checkpoint, source })?;
            remove_all(&discarded)?;
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
                remove_all(&to)?;
            }
            rename_synced(&from, &to).map_err(|source| Error::Write { path: to, source })?;
        }
        Ok(())
    }
}
