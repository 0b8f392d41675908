//! Opening what an earlier training left.

use std::path::{Path, PathBuf};

use burn::tensor::Device;

use crate::{
    Error, Result,
    artifacts::Artifacts,
    checkpoint::Checkpoints,
    console::note,
    job::{Job, StockJob},
    recipe::Experiment,
    settings::{GlobalSettings, RunConfig},
};

/// The config of a trained experiment and where it lives.
pub(super) struct Trained {
    pub(super) artifacts: Artifacts,
    pub(super) config: RunConfig,
}

/// A model with its best weights.
pub(super) struct Best<M> {
    pub(super) trainee: M,
    pub(super) epoch: usize,
}

impl Trained {
    /// Finds what `train` left of an experiment.
    pub(super) fn open(global: &GlobalSettings, experiment: Experiment) -> Result<Self> {
        let artifacts = Artifacts::new(&global.artifacts, experiment);
        let config = artifacts.config()?.ok_or_else(|| not_trained(&artifacts))?;
        Ok(Self { artifacts, config })
    }

    /// Loads the best weights into the job's model.
    pub(super) fn best<J: Job>(&self, job: &J, device: &Device) -> Result<Best<J::Trainee>> {
        let checkpoints = Checkpoints::open(self.artifacts.checkpoints())?;
        let best = checkpoints.best().ok_or_else(|| not_trained(&self.artifacts))?;
        Ok(Best { trainee: checkpoints.load(job.trainee(device), best)?, epoch: best.epoch })
    }

    /// Opens a price file: the one asked for, else the one the experiment was trained on.
    pub(super) fn stock_job(&self, cell: rnn_models::Cell, asked: Option<&Path>) -> Result<StockJob> {
        let path = remembered_data(asked, Some(&self.config));
        let job = StockJob::open(self.config.experiment, cell, asked.or(path.as_deref()))?;
        let (trained_on, now) = (self.config.data.as_ref().map(|data| &data.sha256), job.data().map(|data| &data.sha256));
        if asked.is_none() && trained_on != now {
            note("warning: the price file has changed since training");
        }
        Ok(job)
    }
}

/// The price file of the run before, unless another one is asked for.
pub(super) fn remembered_data(asked: Option<&Path>, before: Option<&RunConfig>) -> Option<PathBuf> {
    if asked.is_some() {
        return None;
    }
    before?.data.as_ref()?.path.clone()
}

fn not_trained(artifacts: &Artifacts) -> Error {
    Error::NotTrained { experiment: artifacts.experiment.0.name, folder: artifacts.folder.clone() }
}
