//! What is learned: what training, scoring and forecasting need of a task, so that each is written
//! once.

mod calibration;
mod data;
mod forecast;
mod letters;
mod objective;
mod outputs;
mod scoring;
mod series;
mod weights;

use std::{io::Write, sync::Arc};

use burn::{
    data::dataloader::DataLoader,
    tensor::Device,
    train::{InferenceStep, LearnerModel, SupervisedTraining, TrainStep},
};
use rnn_models::ModelSummary;

pub use forecast::DayPrediction;
pub use letters::{LetterPrediction, LettersTask};
pub use objective::{Objective, WithLoss};
pub use series::SeriesTask;
pub use weights::Format;
use weights::encode;

use crate::{
    error::Result, evaluation::Evaluation, plot::Picture, run::Provenance, settings::Options,
};

/// Where the samples of a training run come from.
pub struct Loaders<B> {
    /// The training samples.
    pub train: Arc<dyn DataLoader<B>>,
    /// What an epoch's weights are judged on.
    pub valid: Arc<dyn DataLoader<B>>,
}

/// How a training run goes through its samples.
#[derive(Debug, Clone, Copy)]
pub struct Batching {
    /// Samples a step.
    pub batch_size: usize,
    /// Seed of the order of the samples.
    pub seed: u64,
    /// Number of the first epoch, from 1.
    pub first_epoch: usize,
    /// Steps of the first epoch that an interrupted run has done.
    pub steps_done: usize,
}

/// What is learned: data, a model, its metrics and its scores.
///
/// [`SeriesTask`] and [`LettersTask`] are the tasks of this crate; a model of one's own is trained
/// by implementing the trait.
pub trait Task {
    /// Whether the loader that epochs are judged on is a validation set; else it has the training
    /// samples again.
    const VALIDATES: bool;

    /// What the model reads in a step.
    type Batch: Send + 'static;
    /// The model. Its outputs have one loss a sample: burn-train weights a loss by its number of
    /// values, so that the mean over an epoch is the mean over its samples (as in Keras), also when
    /// the last batch is short.
    type Model: LearnerModel + TrainStep<Input = Self::Batch> + InferenceStep<Input = Self::Batch>;
    /// What a trained model scored.
    type Evaluation: Evaluation;

    /// Its name, which is that of its experiment.
    fn name(&self) -> &str;

    /// The options it is trained with where a training sets no others.
    fn options(&self) -> Options;

    /// A new model on a device, its weights drawn from the generator of the device.
    fn model(&self, device: &Device) -> Self::Model;

    /// The layers of a model and their sizes, where it can list them.
    fn summary(&self, _model: &Self::Model) -> Option<ModelSummary> {
        None
    }

    /// The parameters of a model in a file format.
    ///
    /// # Errors
    ///
    /// When they cannot be read from their device.
    fn weights(&self, model: &Self::Model, format: Format) -> Result<Vec<u8>> {
        encode(model, format, self.name())
    }

    /// The samples, batch by batch.
    fn loaders(&self, batching: Batching, device: &Device) -> Loaders<Self::Batch>;

    /// Registers the metrics that are shown and recorded;
    /// [`LossMetric`](burn::train::metric::LossMetric) must be among them.
    fn metrics(&self, training: SupervisedTraining<Self::Model>)
    -> SupervisedTraining<Self::Model>;

    /// Which data is learned from, and how it is scaled.
    fn provenance(&self) -> Provenance {
        Provenance::default()
    }

    /// Whether an evaluation writes predictions as CSV.
    fn has_predictions(&self) -> bool {
        false
    }

    /// Scores a trained model; what it predicts is written as CSV to `predictions`, where there is
    /// any.
    ///
    /// # Errors
    ///
    /// When the predictions are not finite, or cannot be written.
    fn evaluate(
        &self,
        model: &Self::Model,
        best_epoch: usize,
        device: &Device,
        predictions: Option<&mut dyn Write>,
    ) -> Result<Self::Evaluation>;

    /// Pictures of an evaluation, each with the name of its file.
    ///
    /// # Errors
    ///
    /// When a picture cannot be drawn.
    fn pictures(&self, _evaluation: &Self::Evaluation) -> Result<Vec<(&'static str, Picture)>> {
        Ok(Vec::new())
    }
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
        settings::{Experiment, TaskRecipe},
    };

    /// Makes all weights NaN.
    struct Broken;

    impl ModuleMapper for Broken {
        fn map_float<const D: usize>(&mut self, weights: Param<Tensor<D>>) -> Param<Tensor<D>> {
            weights.map(|weights| weights * f32::NAN)
        }
    }

    fn refused<T: Task>(task: &T) {
        let device = Device::flex();
        let error = task.evaluate(&task.model(&device).map(&mut Broken), 1, &device, None).err();
        assert!(matches!(error, Some(Error::NotFinite(_))), "{error:?}");
    }

    #[test]
    fn predictions_that_are_no_numbers_are_not_scored() {
        let [letters, series] =
            ["letters-onehot-1", "stock-rnn"].map(|name| name.parse::<Experiment>().unwrap());
        let TaskRecipe::Letters(task) = letters.task() else { panic!("no letters") };
        refused(&LettersTask::new(letters, task));
        refused(&SeriesTask::open(series, series.options(), None).unwrap());
    }
}
