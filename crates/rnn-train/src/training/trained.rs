//! Opening what an earlier training left.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use burn::tensor::Device;

use super::checkpoint::{Best, Checkpoints};
use crate::{
    error::{Error, Result},
    evaluation::SeriesEvaluation,
    io::read_if_there,
    run::RunFolder,
    settings::{Experiment, GlobalSettings, Level, Options, ScoredPart, SeriesSettings, Typed},
    task::{SeriesTask, Task},
};

/// A trained experiment: where it lives and its best checkpoint.
pub(crate) struct Trained {
    pub(crate) artifacts: RunFolder,
    checkpoints: Arc<Checkpoints>,
    options: Options,
    pub(crate) best: Best,
}

impl Trained {
    /// Finds what `train` left of an experiment.
    pub(crate) fn open(root: &Path, experiment: Experiment) -> Result<Self> {
        let artifacts = RunFolder::new(root, experiment);
        let not_trained = || Error::NotTrained { experiment: experiment.0.name, folder: artifacts.folder.clone() };
        let options = artifacts.config()?.ok_or_else(not_trained)?.options;
        let checkpoints = Checkpoints::open(&artifacts)?;
        let best = checkpoints.best().ok_or_else(not_trained)?;
        Ok(Self { artifacts, checkpoints, options, best })
    }

    /// The same, to be scored on a part of the data.
    pub(crate) fn scored_on(mut self, part: ScoredPart) -> Self {
        self.options.score = Some(Typed(part));
        self
    }

    /// A task's model with the best weights.
    pub(crate) fn load<J: Task>(&self, task: &J, device: &Device) -> Result<J::Trainee> {
        self.checkpoints.load(task.trainee(device), &self.best)
    }

    /// Opens data: that asked for, else that which the model was trained on, which must not have changed.
    pub(crate) fn series_task(&self, asked: Option<PathBuf>, interval: Option<Level>) -> Result<SeriesTask> {
        let meaning = &self.best.meaning;
        let mut options = self.options.clone();
        options.data = asked.clone().or(meaning.data.as_ref().and_then(|data| data.path.clone()));
        if let Some(level) = interval {
            options.interval = Some(Typed(level));
        }
        let path = options.data.clone().unwrap_or_default();
        let settings = SeriesSettings::new(self.artifacts.experiment, &options)?;
        let task = SeriesTask::open(self.artifacts.experiment, settings, meaning.scalers.as_ref())?;
        if asked.is_none() && !meaning.is_of_same_data(&task.meaning()) {
            let problem = "has changed since the model was trained on it; to use it all the same, name it with --data".to_owned();
            return Err(Error::Artifact { path, problem });
        }
        Ok(task)
    }
}

/// The options of the run in an experiment's folder, if there is one that can be read.
pub(crate) fn options_before(global: &GlobalSettings, experiment: Experiment) -> Option<Options> {
    RunFolder::new(&global.artifacts, experiment).config().ok().flatten().map(|config| config.options)
}

/// The scores that a training on series has left.
pub(crate) fn evaluation(root: &Path, experiment: Experiment) -> Result<SeriesEvaluation> {
    let path = RunFolder::new(root, experiment).path("evaluation.json");
    let text = read_if_there(&path)?.ok_or_else(|| Error::Artifact { path: path.clone(), problem: "is not there".to_owned() })?;
    serde_json::from_str(&text).map_err(|error| Error::Artifact { path, problem: format!("expected scores, got: {error}") })
}
