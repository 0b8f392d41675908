//! The two model families as burn-train learners.

use burn::{
    module::{Module, ModuleDisplay},
    nn::loss::{HuberLossConfig, MseLoss},
    tensor::{Int, Tensor, activation::log_softmax},
    train::{
        ClassificationOutput, InferenceStep, ItemLazy, RegressionOutput, TrainOutput, TrainStep,
    },
};
use rnn_data::{LetterBatch, WindowBatch};
use rnn_models::{LettersModel, SeriesModel};

use crate::settings::{Loss, SeriesLoss};

/// A model with its loss.
///
/// It implements burn-train's traits for models of another crate.
#[derive(Module, Debug)]
pub struct WithLoss<M> {
    pub(crate) model: M,
    /// Loss of a series model. Letters models use cross-entropy.
    #[module(skip)]
    pub(crate) loss: SeriesLoss,
}

/// The predictions of a model and their losses.
///
/// There is one loss per sample. burn-train weights losses by their number of values. So the mean
/// of an epoch is the mean over its samples, as in Keras. A short last batch counts less.
pub trait Objective {
    /// A batch of samples.
    type Batch: Send + 'static;
    /// Predictions, targets and losses, as burn-train's metrics expect them.
    type Output: ItemLazy + 'static;

    /// Predicts a batch.
    fn predict(&self, batch: Self::Batch) -> Self::Output;

    /// The loss of each sample, `[B]`.
    fn losses(output: &Self::Output) -> Tensor<1>;
}

impl Objective for WithLoss<LettersModel> {
    type Batch = LetterBatch;
    type Output = ClassificationOutput;

    fn predict(&self, batch: LetterBatch) -> ClassificationOutput {
        let logits = self.model.forward(batch.letters);
        let losses = cross_entropy(logits.clone(), batch.targets.clone());
        ClassificationOutput::new(losses, logits, batch.targets)
    }

    fn losses(output: &ClassificationOutput) -> Tensor<1> {
        output.loss.clone()
    }
}

impl Objective for WithLoss<SeriesModel> {
    type Batch = WindowBatch;
    type Output = RegressionOutput;

    fn predict(&self, batch: WindowBatch) -> RegressionOutput {
        let predicted = self.model.forward(batch.windows);
        let losses = self.loss.of_each(predicted.clone(), batch.targets.clone());
        RegressionOutput::new(losses.mean_dim(1).squeeze_dim(1), predicted, batch.targets)
    }

    fn losses(output: &RegressionOutput) -> Tensor<1> {
        output.loss.clone()
    }
}

impl SeriesLoss {
    /// The loss of each prediction, in the shape of the predictions.
    fn of_each(&self, predicted: Tensor<2>, targets: Tensor<2>) -> Tensor<2> {
        match self.name {
            Loss::Mse => MseLoss::new().forward_no_reduction(predicted, targets),
            Loss::Huber => {
                HuberLossConfig::new(1.0).init().forward_no_reduction(predicted, targets)
            }
            Loss::Mae => (predicted - targets).abs(),
            Loss::Quantile => {
                let lines = predicted.chunk(self.quantiles.len(), 1).into_iter();
                let losses = lines
                    .zip(&self.quantiles)
                    .map(|(line, &quantile)| pinball(targets.clone() - line, quantile));
                Tensor::cat(losses.collect(), 1)
            }
        }
    }
}

/// Pinball loss of a quantile; `above` is the target minus the prediction.
///
/// See Koenker and Bassett, "Regression quantiles", Econometrica 46, 1978.
fn pinball(above: Tensor<2>, quantile: f64) -> Tensor<2> {
    above.clone().mul_scalar(quantile).max_pair(above.mul_scalar(quantile - 1.0))
}

impl<M: Module + ModuleDisplay> TrainStep for WithLoss<M>
where
    Self: Objective,
{
    type Input = <Self as Objective>::Batch;
    type Output = <Self as Objective>::Output;

    fn step(&self, batch: Self::Input) -> TrainOutput<Self::Output> {
        let output = self.predict(batch);
        TrainOutput::new(self, Self::losses(&output).mean().backward(), output)
    }
}

impl<M: Module> InferenceStep for WithLoss<M>
where
    Self: Objective,
{
    type Input = <Self as Objective>::Batch;
    type Output = <Self as Objective>::Output;

    fn step(&self, batch: Self::Input) -> Self::Output {
        self.predict(batch)
    }
}

/// Cross-entropy of each sample, in nats (Keras `sparse_categorical_crossentropy`).
///
/// # Shapes
///
/// - logits: `[B, classes]`
/// - targets: `[B]`
/// - output: `[B]`
pub(crate) fn cross_entropy(logits: Tensor<2>, targets: Tensor<1, Int>) -> Tensor<1> {
    log_softmax(logits, 1).gather(1, targets.unsqueeze_dim(1)).neg().squeeze_dim(1)
}

#[cfg(test)]
mod tests {
    use burn::tensor::{Device, activation::softmax};

    use super::*;

    #[test]
    fn softmax_of_the_course_example() {
        // Course, section 6.3: the output layer of one letter.
        let logits = Tensor::<2>::from_data([[-0.7, -0.5, 3.3, 0.0, -0.7]], &Device::flex());
        let rounded: Vec<f32> = softmax(logits, 1)
            .into_data()
            .iter::<f32>()
            .map(|value| (value * 100.0).round() / 100.0)
            .collect();
        assert_eq!(rounded, [0.02, 0.02, 0.91, 0.03, 0.02]);
    }

    #[test]
    fn series_losses_match_hand_computed_values() {
        let device = Device::flex();
        let of = |name: Loss| {
            let (predicted, targets) = (
                Tensor::from_data([[1.0, 0.5], [-3.0, 0.0]], &device),
                Tensor::from_data([[1.0, 0.0], [0.0, 0.5]], &device),
            );
            SeriesLoss { name, quantiles: Vec::new() }
                .of_each(predicted, targets)
                .into_data()
                .iter::<f32>()
                .collect::<Vec<f32>>()
        };
        assert_eq!(of(Loss::Mse), [0.0, 0.25, 9.0, 0.25]);
        assert_eq!(of(Loss::Huber), [0.0, 0.125, 2.5, 0.125]);
        assert_eq!(of(Loss::Mae), [0.0, 0.5, 3.0, 0.5]);
        let loss = SeriesLoss { name: Loss::Quantile, quantiles: vec![0.25, 0.5] };
        let lines = Tensor::from_data([[1.0, 5.0, 2.0, 6.0]], &device);
        let losses: Vec<f32> = loss
            .of_each(lines, Tensor::from_data([[2.0, 4.0]], &device))
            .into_data()
            .iter::<f32>()
            .collect();
        assert_eq!(
            losses,
            [0.25, 0.75, 0.0, 1.0],
            "the lower quantile of two steps, then the middle one"
        );
    }

    #[test]
    fn cross_entropy_is_minus_the_log_of_the_target_probability() {
        let device = Device::flex();
        let logits = Tensor::<2>::from_data([[1.0, 2.0, 0.5], [0.0, 0.0, 0.0]], &device);
        let losses: Vec<f64> = cross_entropy(logits, Tensor::from_data([1, 2], &device))
            .into_data()
            .iter::<f64>()
            .collect();
        let first = -(2f64.exp() / (1f64.exp() + 2f64.exp() + 0.5f64.exp())).ln();
        assert!(
            (losses[0] - first).abs() < 1e-6 && (losses[1] - 3f64.ln()).abs() < 1e-6,
            "{losses:?}"
        );
    }
}
