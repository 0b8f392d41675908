//! Opens the results of an earlier run.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use burn::tensor::Device;
use rnn_files::{read_if_exists, sha256_of_file};

use super::checkpoint::{Best, Checkpoints};
use crate::{
    backend::{Backend, USE_CPU},
    error::{Error, Result},
    evaluation::SeriesEvaluation,
    run::{EVALUATION, RunFolder, read_results},
    settings::{Experiment, GlobalSettings, Level, Options, ScoredSet, Typed},
    task::{SeriesTask, Task},
};

/// A trained experiment with its best checkpoint.
pub(crate) struct Trained {
    experiment: Experiment,
    checkpoints: Arc<Checkpoints>,
    options: Options,
    /// File of the rows after the last one, if they are needed.
    future: Option<PathBuf>,
    pub(crate) best: Best,
}

impl Trained {
    /// Opens the results of `train` for an experiment.
    pub(crate) fn open(root: &Path, experiment: Experiment) -> Result<Self> {
        let (options, checkpoints, best) = RunFolder::new(root, experiment).trained()?;
        Ok(Self { experiment, checkpoints, options, future: None, best })
    }

    /// Selects the set to score.
    pub(crate) fn scored_on(mut self, part: ScoredSet) -> Self {
        self.options.score = Some(Typed(part));
        self
    }

    /// Reads the rows after the last one from a file, or from that of the run.
    pub(crate) fn continued_by(mut self, path: Option<PathBuf>) -> Self {
        self.future = path.or(self.options.future_data.clone());
        self
    }

    /// Loads the best weights into a model of the task.
    pub(crate) fn load<T: Task>(&self, task: &T, device: &Device) -> Result<T::Model> {
        self.checkpoints.load(task, device, &self.best)
    }

    /// Scores the best checkpoint.
    pub(crate) fn evaluate<T: Task>(&self, task: &T, backend: &Backend) -> Result<T::Evaluation> {
        let device = &backend.device;
        backend.guard(USE_CPU, || {
            task.evaluate(&self.load(task, device)?, self.best.epoch, device, None)
        })
    }

    /// Opens the given data, or else the training data, which must be unchanged.
    pub(crate) fn series_task(
        &self,
        asked: Option<PathBuf>,
        interval: Option<Level>,
    ) -> Result<SeriesTask> {
        let provenance = &self.best.provenance;
        let mut options = self.options.clone();
        options.data =
            asked.clone().or(provenance.data.as_ref().and_then(|data| data.path.clone()));
        options.future_data.clone_from(&self.future);
        if let Some(level) = interval {
            options.interval = Some(Typed(level));
        }
        provenance.check_file(options.data.as_deref())?;
        let path = options.data.clone().unwrap_or_default();
        let task = SeriesTask::open(self.experiment, options, provenance.scalers.as_ref())?;
        if asked.is_none() && !provenance.is_of_same_data(&task.provenance()) {
            let problem =
                "has changed since the model was trained on it (use --data to read it anyway)"
                    .to_owned();
            return Err(Error::Artifact { path, problem });
        }
        Ok(task)
    }
}

impl RunFolder {
    /// The options, the checkpoints and the best checkpoint of a run.
    ///
    /// # Errors
    ///
    /// If the folder has no best checkpoint.
    pub(super) fn trained(&self) -> Result<(Options, Arc<Checkpoints>, Best)> {
        let not_trained =
            || Error::NotTrained { experiment: self.name.clone(), folder: self.folder.clone() };
        let run = self.clone().readable();
        let options = run.config()?.ok_or_else(not_trained)?.options;
        let checkpoints = Checkpoints::open(&run)?;
        let best = checkpoints.best().ok_or_else(not_trained)?;
        // A list of inputs from a file: bounded before the data is read.
        let inputs = options.features.as_ref().map_or(0, Vec::len);
        if inputs as u64 > best.files[0].most_parameters() {
            return Err(run.config_error("has more features than the model has parameters"));
        }
        Ok((options, checkpoints, best))
    }
}

/// The path of a report of a finished run, whose content matches its checksum.
///
/// Runs of early versions have no checksums.
pub(crate) fn checked_report(root: &Path, experiment: Experiment, name: &str) -> Result<PathBuf> {
    let run = RunFolder::new(root, experiment).readable();
    let path = run.path(name);
    let reports = Checkpoints::open(&run)?.reports();
    let bad = |problem: &str| Error::Artifact {
        path: path.clone(),
        problem: format!("{problem} (train the experiment again)"),
    };
    let found = sha256_of_file(&path)?.ok_or_else(|| bad("is missing"))?;
    match reports.get(name) {
        Some(report) if (report.bytes, &report.sha256) != (found.0, &found.1) => {
            Err(bad("does not match its checksum: it was damaged, or changed by hand"))
        }
        _ => Ok(path),
    }
}

/// The options of the run in an experiment's folder, if they can be read.
pub(crate) fn options_before(global: &GlobalSettings, experiment: Experiment) -> Option<Options> {
    RunFolder::new(&global.artifacts, experiment)
        .readable()
        .config()
        .ok()
        .flatten()
        .map(|config| config.options)
}

/// Whether the run in a folder has a best checkpoint, and has ended. The scores are written before
/// its end.
pub(crate) fn has_ended(folder: &RunFolder) -> Result<bool> {
    let checkpoints = Checkpoints::open(folder)?;
    Ok(checkpoints.best().is_some() && checkpoints.last().is_none())
}

/// The scores of a trained series experiment.
pub(crate) fn evaluation(root: &Path, experiment: Experiment) -> Result<SeriesEvaluation> {
    let path = RunFolder::new(root, experiment).readable().path(EVALUATION);
    let text = read_if_exists(&path)?
        .ok_or_else(|| Error::Artifact { path: path.clone(), problem: "is missing".to_owned() })?;
    read_results(&text).map_err(|problem| Error::Artifact {
        path,
        problem: format!("expected scores, but it {problem} (train the experiment again)"),
    })
}
