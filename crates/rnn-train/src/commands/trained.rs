//! Opening what an earlier training left.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use burn::tensor::Device;

use crate::{
    Error, Result,
    artifacts::Artifacts,
    checkpoint::{Best, Checkpoints},
    evaluation::SeriesEvaluation,
    files::read_if_there,
    job::{Job, SeriesJob},
    options::{Options, Typed},
    recipe::Experiment,
    settings::{GlobalSettings, SeriesSettings},
    values::{Level, ScoredPart},
};

/// A trained experiment: where it lives and its best checkpoint.
pub(super) struct Trained {
    pub(super) artifacts: Artifacts,
    checkpoints: Arc<Checkpoints>,
    options: Options,
    pub(super) best: Best,
}

impl Trained {
    /// Finds what `train` left of an experiment.
    pub(super) fn open(root: &Path, experiment: Experiment) -> Result<Self> {
        let artifacts = Artifacts::new(root, experiment);
        let not_trained = || Error::NotTrained { experiment: experiment.0.name, folder: artifacts.folder.clone() };
        let options = artifacts.config()?.ok_or_else(not_trained)?.options;
        let checkpoints = Checkpoints::open(&artifacts)?;
        let best = checkpoints.best().ok_or_else(not_trained)?;
        Ok(Self { artifacts, checkpoints, options, best })
    }

    /// The same, to be scored on a part of the data.
    pub(super) fn scored_on(mut self, part: ScoredPart) -> Self {
        self.options.score = Some(Typed(part));
        self
    }

    /// A job's model with the best weights.
    pub(super) fn load<J: Job>(&self, job: &J, device: &Device) -> Result<J::Trainee> {
        self.checkpoints.load(job.trainee(device), &self.best)
    }

    /// Opens data: that asked for, else that which the model was trained on, which must not have changed.
    pub(super) fn series_job(&self, asked: Option<PathBuf>, interval: Option<Level>) -> Result<SeriesJob> {
        let meaning = &self.best.meaning;
        let mut options = self.options.clone();
        options.data = asked.clone().or(meaning.data.as_ref().and_then(|data| data.path.clone()));
        if let Some(level) = interval {
            options.interval = Some(Typed(level));
        }
        let path = options.data.clone().unwrap_or_default();
        let settings = SeriesSettings::new(self.artifacts.experiment, &options)?;
        let job = SeriesJob::open(self.artifacts.experiment, settings, meaning.scalers.as_ref())?;
        if asked.is_none() && !meaning.is_of_same_data(&job.meaning()) {
            let problem = "has changed since the model was trained on it; to use it all the same, name it with --data".to_owned();
            return Err(Error::Artifact { path, problem });
        }
        Ok(job)
    }
}

/// The options of the run in an experiment's folder, if there is one that can be read.
pub(super) fn options_before(global: &GlobalSettings, experiment: Experiment) -> Option<Options> {
    Artifacts::new(&global.artifacts, experiment).config().ok().flatten().map(|config| config.options)
}

/// The scores that a training on series has left.
pub(super) fn evaluation(root: &Path, experiment: Experiment) -> Result<SeriesEvaluation> {
    let path = Artifacts::new(root, experiment).path("evaluation.json");
    let text = read_if_there(&path)?.ok_or_else(|| Error::Artifact { path: path.clone(), problem: "is not there".to_owned() })?;
    serde_json::from_str(&text).map_err(|error| Error::Artifact { path, problem: format!("expected scores, got: {error}") })
}
