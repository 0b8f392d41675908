//! Opening what an earlier training left.

use std::{path::Path, sync::Arc};

use burn::tensor::Device;
use rnn_models::Cell;

use crate::{
    Error, Result,
    artifacts::Artifacts,
    checkpoint::{Best, Checkpoints},
    job::{Job, StockJob},
    recipe::Experiment,
    settings::GlobalSettings,
};

/// A trained experiment: where it lives and its best checkpoint.
pub(super) struct Trained {
    artifacts: Artifacts,
    checkpoints: Arc<Checkpoints>,
    pub(super) best: Best,
}

impl Trained {
    /// Finds what `train` left of an experiment.
    pub(super) fn open(global: &GlobalSettings, experiment: Experiment) -> Result<Self> {
        let artifacts = Artifacts::new(&global.artifacts, experiment);
        let not_trained = || Error::NotTrained { experiment: experiment.0.name, folder: artifacts.folder.clone() };
        artifacts.config()?.ok_or_else(not_trained)?;
        let checkpoints = Checkpoints::open(artifacts.checkpoints())?;
        let best = checkpoints.best().ok_or_else(not_trained)?;
        Ok(Self { artifacts, checkpoints, best })
    }

    /// A job's model with the best weights.
    pub(super) fn load<J: Job>(&self, job: &J, device: &Device) -> Result<J::Trainee> {
        self.checkpoints.load(job.trainee(device), &self.best)
    }

    /// Opens a price file: the one asked for, else the one the model was trained on, which must not have changed.
    pub(super) fn stock_job(&self, cell: Cell, asked: Option<&Path>) -> Result<StockJob> {
        let meaning = &self.best.meaning;
        let path = asked.or(meaning.data.as_ref().and_then(|data| data.path.as_deref()));
        let job = StockJob::open(self.artifacts.experiment, cell, path, meaning.scaler)?;
        if asked.is_none() && !meaning.is_of_same_data(&job.meaning()) {
            let path = path.map(Path::to_owned).unwrap_or_default();
            let problem = "has changed since the model was trained on it; to use it all the same, name it with --data".to_owned();
            return Err(Error::Artifact { path, problem });
        }
        Ok(job)
    }
}
