//! The folder of one experiment.

use std::{
    fs,
    io::ErrorKind,
    path::{Path, PathBuf},
};

use crate::{Error, Result, recipe::Experiment, settings::RunConfig};

/// Paths of everything an experiment writes.
#[derive(Debug, Clone)]
pub(crate) struct Artifacts {
    pub(crate) experiment: Experiment,
    pub(crate) folder: PathBuf,
}

/// Files directly in an experiment's folder, all of them ours to replace.
const FILES: [&str; 10] = [
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
        let artifact = |problem: String| Error::Artifact { path: path.clone(), problem };
        let Some(text) = read_if_there(&path)? else { return Ok(None) };
        let config: RunConfig = serde_json::from_str(&text).map_err(|error| {
            artifact(format!("expected the config of a run, got: {error}; remove the folder or start over with --fresh"))
        })?;
        if config.format != RunConfig::FORMAT {
            let problem = format!("has layout {}, this program reads {}; start over with --fresh", config.format, RunConfig::FORMAT);
            return Err(artifact(problem));
        }
        if config.experiment != self.experiment {
            let problem = format!(
                "belongs to {}, expected {}; choose another folder with --artifacts, or start over with --fresh",
                config.experiment, self.experiment
            );
            return Err(artifact(problem));
        }
        Ok(Some(config))
    }

    /// Removes what an earlier run left; other files stay.
    pub(crate) fn clear(&self) -> Result<()> {
        let files = FILES.iter().map(|name| self.path(name)).filter(|path| path.exists());
        for path in files {
            fs::remove_file(&path).map_err(|source| Error::Write { path, source })?;
        }
        let checkpoints = self.checkpoints();
        if checkpoints.exists() {
            fs::remove_dir_all(&checkpoints).map_err(|source| Error::Write { path: checkpoints, source })?;
        }
        Ok(())
    }
}

/// Reads a file that may not be there.
pub(crate) fn read_if_there(path: &Path) -> Result<Option<String>> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => Ok(None),
        Err(error) => Err(Error::Artifact { path: path.to_owned(), problem: format!("cannot be read: {error}") }),
    }
}

/// Writes a file under a temporary name beside it, then renames it.
pub(crate) fn write_atomic(path: &Path, bytes: &[u8]) -> Result<()> {
    let temporary = temporary(path);
    fs::write(&temporary, bytes)
        .and_then(|()| fs::rename(&temporary, path))
        .map_err(|source| Error::Write { path: path.to_owned(), source })
}

/// The temporary name of a file that is about to be written.
pub(crate) fn temporary(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!(".{name}.tmp"))
}
