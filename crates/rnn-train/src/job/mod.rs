//! What training and reporting need of a task, so that both are written once.

mod letters;
mod stock;

use std::{fmt, sync::Arc};

use burn::{
    data::dataloader::DataLoader,
    module::Module,
    tensor::Device,
    train::{InferenceStep, LearnerModel, SupervisedTraining, TrainStep, metric::store::Split},
};
pub(crate) use letters::LettersJob;
use rnn_models::ModelSummary;
pub(crate) use stock::{StockJob, StockPrediction};

use crate::{Result, evaluation::Evaluation, learner::Trainee, settings::DataSource};

/// Where the samples of a training run come from.
pub(crate) struct Loaders<B> {
    pub(crate) train: Arc<dyn DataLoader<B>>,
    pub(crate) valid: Arc<dyn DataLoader<B>>,
}

/// How a training run goes through its samples.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Schedule {
    pub(crate) batch_size: usize,
    pub(crate) seed: u64,
    pub(crate) first_epoch: usize,
}

/// A task with its data.
pub(crate) trait Job
where
    Trainee<Self::Model>: LearnerModel + TrainStep<Input = Self::Batch> + InferenceStep<Input = Self::Batch>,
{
    /// The model that is trained.
    type Model: Module + fmt::Display + 'static;
    /// What it reads in a step.
    type Batch: Send + 'static;

    /// A new model on a device.
    fn model(&self, device: &Device) -> Self::Model;

    /// The model as a table.
    fn summary(&self, model: &Self::Model) -> ModelSummary;

    /// The samples.
    fn loaders(&self, schedule: Schedule, device: &Device) -> Loaders<Self::Batch>;

    /// Registers the metrics that are shown and kept.
    fn metrics(&self, training: SupervisedTraining<Trainee<Self::Model>>) -> SupervisedTraining<Trainee<Self::Model>>;

    /// The part whose loss decides which epoch is the best.
    fn judged_on(&self) -> Split;

    /// The price file, where there is one.
    fn data(&self) -> Option<&DataSource>;

    /// Scores a trained model.
    fn evaluate(&self, model: &Self::Model, best_epoch: usize, device: &Device) -> Result<Evaluation>;
}
