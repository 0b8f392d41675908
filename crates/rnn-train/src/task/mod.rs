//! What training and reporting need of a task, so that both are written once.

mod data;
mod forecast;
mod letters;
mod objective;
mod outputs;
mod series;
mod weights;

use std::{io::Write, sync::Arc};

use burn::{
    data::dataloader::DataLoader,
    tensor::Device,
    train::{InferenceStep, LearnerModel, SupervisedTraining, TrainStep},
};
use rnn_models::ModelSummary;

pub(crate) use forecast::{DayPrediction, Forecast};
pub(crate) use letters::LettersTask;
pub(crate) use objective::{Objective, Trainee};
pub(crate) use series::SeriesTask;
pub(crate) use weights::Format;

use crate::{error::Result, evaluation::Evaluation, run::Meaning};

/// Where the samples of a training run come from.
pub(crate) struct Loaders<B> {
    pub(crate) train: Arc<dyn DataLoader<B>>,
    /// What an epoch's weights are judged on.
    pub(crate) valid: Arc<dyn DataLoader<B>>,
}

/// How a training run goes through its samples.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Batching {
    pub(crate) batch_size: usize,
    pub(crate) seed: u64,
    pub(crate) first_epoch: usize,
    /// Steps of the first epoch that an interrupted run has done.
    pub(crate) steps_done: usize,
}

/// A task with its data.
pub(crate) trait Task {
    /// Whether there is a validation part.
    const VALIDATES: bool;

    /// What the model reads in a step.
    type Batch: Send + 'static;
    /// The model that is trained.
    type Trainee: LearnerModel
        + Objective<Batch = Self::Batch>
        + TrainStep<Input = Self::Batch, Output = <Self::Trainee as Objective>::Output>
        + InferenceStep<Input = Self::Batch>;

    /// A new model on a device.
    fn trainee(&self, device: &Device) -> Self::Trainee;

    /// The model as a table.
    fn summary(&self, trainee: &Self::Trainee) -> ModelSummary;

    /// The model's parameters in a file format.
    fn weights(&self, trainee: &Self::Trainee, format: Format) -> Result<Vec<u8>>;

    /// The samples.
    fn loaders(&self, schedule: Batching, device: &Device) -> Loaders<Self::Batch>;

    /// Registers the metrics that are shown and kept.
    fn metrics(&self, training: SupervisedTraining<Self::Trainee>) -> SupervisedTraining<Self::Trainee>;

    /// Names of the series, where there are any.
    fn series_names(&self) -> Vec<String> {
        Vec::new()
    }

    /// What the model's numbers mean.
    fn meaning(&self) -> Meaning;

    /// Scores a trained model. What it predicts is written as CSV, where that is asked for and there is any.
    fn evaluate(
        &self,
        trainee: &Self::Trainee,
        best_epoch: usize,
        device: &Device,
        predictions: Option<&mut dyn Write>,
    ) -> Result<Evaluation>;
}

#[cfg(test)]
mod tests {
    use burn::{
        module::{Module, ModuleMapper, Param},
        tensor::Tensor,
    };

    use super::*;
    use crate::{
        Error,
        settings::{Experiment, RECIPES, SeriesSettings, TaskRecipe},
    };

    /// Makes all weights NaN.
    struct Broken;

    impl ModuleMapper for Broken {
        fn map_float<const D: usize>(&mut self, weights: Param<Tensor<D>>) -> Param<Tensor<D>> {
            weights.map(|weights| weights * f32::NAN)
        }
    }

    fn refused<J: Task>(task: &J) {
        let device = Device::flex();
        let error = task.evaluate(&task.trainee(&device).map(&mut Broken), 1, &device, None).err();
        assert!(matches!(error, Some(Error::NotFinite(_))), "{error:?}");
    }

    #[test]
    fn predictions_that_are_no_numbers_are_not_scored() {
        let recipe = |name: &str| RECIPES.iter().find(|recipe| recipe.name == name).unwrap();
        let (letters, series) = (Experiment(recipe("letters-onehot-1")), Experiment(recipe("stock-rnn")));
        let TaskRecipe::Letters(task) = letters.0.task else { panic!("no letters") };
        refused(&LettersTask::new(letters, task));
        refused(&SeriesTask::open(series, SeriesSettings::new(series, &series.0.options()).unwrap(), None).unwrap());
    }
}
