use std::io::Write;

use burn::{
    data::{dataloader::batcher::Batcher, dataset::Dataset},
    tensor::{Device, activation::softmax},
    train::{
        SupervisedTraining,
        metric::{AccuracyMetric, LossMetric},
    },
};
use rnn_data::{
    Alphabet, EpochLoaderBuilder, LetterBatch, LetterBatcher, LetterSample, LetterWindows,
};
use rnn_models::{LettersModel, LettersModelConfig, ModelSummary};
use serde::Serialize;

use super::{
    Batching, Loaders, Task,
    objective::{WithLoss, cross_entropy},
    weights::{Format, encode},
};
use crate::{
    error::{Error, Result},
    evaluation::LettersEvaluation,
    settings::{Experiment, LettersRecipe, Options, SeriesLoss, TaskRecipe},
};

/// The task of predicting the next letter.
pub struct LettersTask {
    experiment: Experiment,
    letters: LettersRecipe,
    windows: LetterWindows,
}

/// The predicted next letter.
#[derive(Debug, Serialize)]
pub struct LetterPrediction {
    /// The input letters.
    pub input: String,
    /// The most likely letter.
    pub prediction: char,
    /// Its probability, 0 to 1.
    pub probability: f32,
}

impl LettersTask {
    /// The task of one of the course's letters experiments.
    ///
    /// # Errors
    ///
    /// If the experiment predicts series.
    pub fn from_experiment(experiment: Experiment) -> Result<Self> {
        match experiment.task() {
            TaskRecipe::Letters(letters) => Ok(Self::new(experiment, letters)),
            TaskRecipe::Series => Err(Error::Usage(format!(
                "{experiment}: predicts series, not letters (use SeriesTask)"
            ))),
        }
    }

    pub(crate) fn new(experiment: Experiment, letters: LettersRecipe) -> Self {
        Self {
            experiment,
            letters,
            windows: LetterWindows::new(letters.alphabet, letters.window)
                .with_cyclic(letters.cyclic),
        }
    }

    /// Number of letters the model reads.
    pub(crate) fn window(&self) -> usize {
        self.letters.window
    }

    /// The alphabet.
    pub(crate) fn alphabet(&self) -> Alphabet {
        Alphabet::new(self.letters.alphabet)
    }

    /// Predicts the letter after `text`.
    ///
    /// # Errors
    ///
    /// If `text` has a letter outside the alphabet or the wrong number of letters.
    pub(crate) fn predict(
        &self,
        model: &WithLoss<LettersModel>,
        text: &str,
        device: &Device,
    ) -> Result<LetterPrediction> {
        let letters = self.alphabet().encode(text, self.window())?;
        let batch = LetterBatcher.batch(vec![LetterSample { letters, next: 0 }], device);
        let data = softmax(model.model.forward(batch.letters), 1).into_data();
        let probabilities: Vec<f32> = data.iter::<f32>().collect();
        let best =
            (0..probabilities.len()).max_by(|&a, &b| probabilities[a].total_cmp(&probabilities[b]));
        let best = best.filter(|&best| probabilities[best].is_finite());
        let best = best.ok_or_else(|| Error::NotFinite(format!("after `{text}`")))?;
        let prediction = self.alphabet().letter(best);
        Ok(LetterPrediction {
            input: text.to_owned(),
            prediction,
            probability: probabilities[best],
        })
    }

    fn all(&self, device: &Device) -> Result<LetterBatch> {
        let samples = self.windows.iter().collect::<std::result::Result<Vec<_>, _>>();
        let samples = samples.map_err(|error| Error::Internal(error.to_string()))?;
        Ok(LetterBatcher.batch(samples, device))
    }
}

impl Task for LettersTask {
    const VALIDATES: bool = false;
    type Batch = LetterBatch;
    type Model = WithLoss<LettersModel>;
    type Evaluation = LettersEvaluation;

    fn name(&self) -> &str {
        self.experiment.name()
    }

    fn options(&self) -> Options {
        self.experiment.options()
    }

    fn model(&self, device: &Device) -> WithLoss<LettersModel> {
        let LettersRecipe { alphabet, units, embedding, .. } = self.letters;
        WithLoss {
            model: LettersModelConfig::new(alphabet, units).with_embedding(embedding).init(device),
            loss: SeriesLoss::default(),
        }
    }

    fn summary(&self, model: &WithLoss<LettersModel>) -> Option<ModelSummary> {
        Some(model.model.summary(self.letters.window))
    }

    fn weights(&self, model: &WithLoss<LettersModel>, format: Format) -> Result<Vec<u8>> {
        encode(&model.model, format, self.name(), &[])
    }

    /// There is no validation set. After each epoch the training windows are scored again: the
    /// training loss belongs to the weights before their update.
    fn loaders(&self, batching: Batching, device: &Device) -> Loaders<LetterBatch> {
        let Batching { batch_size, seed, first_epoch, steps_done } = batching;
        let loader = || {
            EpochLoaderBuilder::new(LetterBatcher)
                .batch_size(batch_size)
                .first_epoch(first_epoch)
                .set_device(device.clone())
        };
        let train = loader().shuffle(seed).skip_batches(steps_done);
        Loaders {
            train: train.build(self.windows.clone()),
            valid: loader().build(self.windows.clone()),
        }
    }

    fn metrics(
        &self,
        training: SupervisedTraining<WithLoss<LettersModel>>,
    ) -> SupervisedTraining<WithLoss<LettersModel>> {
        training.metrics((LossMetric::new(), AccuracyMetric::new()))
    }

    fn evaluate(
        &self,
        model: &WithLoss<LettersModel>,
        best_epoch: usize,
        device: &Device,
        _predictions: Option<&mut dyn Write>,
    ) -> Result<LettersEvaluation> {
        let batch = self.all(device)?;
        let logits = model.model.forward(batch.letters);
        let targets: Vec<i64> = batch.targets.clone().into_data().iter::<i64>().collect();
        let predicted: Vec<i64> = logits.clone().argmax(1).into_data().iter::<i64>().collect();
        let losses: Vec<f64> =
            cross_entropy(logits, batch.targets).into_data().iter::<f64>().collect();
        let right = targets
            .iter()
            .zip(&predicted)
            .filter(|(target, predicted)| target == predicted)
            .count();
        let loss = losses.iter().sum::<f64>() / losses.len() as f64;
        if !loss.is_finite() {
            return Err(Error::NotFinite(format!("a loss of {loss}")));
        }
        Ok(LettersEvaluation {
            experiment: self.name().to_owned(),
            best_epoch,
            samples: targets.len(),
            loss,
            accuracy: right as f64 / targets.len() as f64,
        })
    }
}
