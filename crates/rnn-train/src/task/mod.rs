//! Tasks: the interface for training, scoring and forecasting, and its implementations.

mod adaptive;
mod adjustment;
mod automatic;
mod calibration;
mod columns;
mod covariates;
mod data;
mod ends;
mod forecast;
mod fraction;
mod letters;
mod level_shifts;
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

/// The data loaders of a training run.
pub struct Loaders<B> {
    /// The training samples.
    pub train: Arc<dyn DataLoader<B>>,
    /// The samples that score the weights after each epoch.
    pub valid: Arc<dyn DataLoader<B>>,
}

/// Batch size and order of the training samples.
#[derive(Debug, Clone, Copy)]
pub struct Batching {
    /// Samples per step.
    pub batch_size: usize,
    /// Seed of the order of the samples.
    pub seed: u64,
    /// Number of the first epoch, counted from 1.
    pub first_epoch: usize,
    /// Steps of the first epoch that an interrupted run completed.
    pub steps_done: usize,
}

/// A task: data, model, metrics and scores.
///
/// [`SeriesTask`] and [`LettersTask`] are the tasks of this crate. Implement the trait to train
/// your own model.
pub trait Task {
    /// Whether [`Loaders::valid`] is a validation set. Otherwise it repeats the training samples.
    const VALIDATES: bool;

    /// A batch of samples.
    type Batch: Send + 'static;
    /// The model. Its output has one loss per sample.
    ///
    /// burn-train weights losses by their number of values. So the mean of an epoch is the mean
    /// over its samples, as in Keras. A short last batch counts less.
    type Model: LearnerModel + TrainStep<Input = Self::Batch> + InferenceStep<Input = Self::Batch>;
    /// The scores of a trained model.
    type Evaluation: Evaluation;

    /// The name of the task, which is that of its experiment.
    fn name(&self) -> &str;

    /// The default options for training.
    fn options(&self) -> Options;

    /// A new model. Its weights are drawn from the random number generator of the device.
    fn model(&self, device: &Device) -> Self::Model;

    /// A model to load weights into. By default it is a new model; a task whose weights take long
    /// to draw returns one of zeros.
    fn model_to_load(&self, device: &Device) -> Self::Model {
        self.model(device)
    }

    /// The number of parameters of a model, if it is known before one is created.
    ///
    /// It is compared with a checkpoint before memory is taken for the model.
    fn parameters(&self) -> Option<usize> {
        None
    }

    /// The layers of a model and their sizes, if the task can list them.
    fn summary(&self, _model: &Self::Model) -> Option<ModelSummary> {
        None
    }

    /// The parameters of a model in a file format.
    ///
    /// # Errors
    ///
    /// If they cannot be read from their device.
    fn weights(&self, model: &Self::Model, format: Format) -> Result<Vec<u8>> {
        encode(model, format, self.name(), &[])
    }

    /// The loaders of training and validation batches.
    fn loaders(&self, batching: Batching, device: &Device) -> Loaders<Self::Batch>;

    /// Registers the metrics to show and record. They must include
    /// [`LossMetric`](burn::train::metric::LossMetric).
    fn metrics(&self, training: SupervisedTraining<Self::Model>)
    -> SupervisedTraining<Self::Model>;

    /// The training data and its scalers.
    fn provenance(&self) -> Provenance {
        Provenance::default()
    }

    /// Whether `evaluate` writes predictions as CSV.
    fn has_predictions(&self) -> bool {
        false
    }

    /// Scores a trained model, and writes its predictions as CSV to `predictions`, if given.
    ///
    /// # Errors
    ///
    /// If the predictions are not finite, or cannot be written.
    fn evaluate(
        &self,
        model: &Self::Model,
        best_epoch: usize,
        device: &Device,
        predictions: Option<&mut dyn Write>,
    ) -> Result<Self::Evaluation>;

    /// Plots of an evaluation, each with its file name.
    ///
    /// # Errors
    ///
    /// If a plot cannot be drawn.
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
    struct NanWeights;

    impl ModuleMapper for NanWeights {
        fn map_float<const D: usize>(&mut self, weights: Param<Tensor<D>>) -> Param<Tensor<D>> {
            weights.map(|weights| weights * f32::NAN)
        }
    }

    fn fails<T: Task>(task: &T) {
        let device = Device::flex();
        let error =
            task.evaluate(&task.model(&device).map(&mut NanWeights), 1, &device, None).err();
        assert!(matches!(error, Some(Error::NotFinite(_))), "{error:?}");
    }

    #[test]
    fn predictions_that_are_not_finite_are_an_error() {
        let [letters, series] =
            ["letters-onehot-1", "stock-rnn"].map(|name| name.parse::<Experiment>().unwrap());
        let TaskRecipe::Letters(task) = letters.task() else { panic!("no letters") };
        fails(&LettersTask::new(letters, task));
        fails(&SeriesTask::open(series, series.options(), None).unwrap());
    }
}
