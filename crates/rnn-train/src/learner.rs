//! The two model families as burn-train learners.

use burn::{
    module::Module,
    nn::loss::MseLoss,
    tensor::{Int, Tensor, activation::log_softmax},
    train::{ClassificationOutput, InferenceStep, RegressionOutput, TrainOutput, TrainStep},
};
use rnn_data::{LetterBatch, WindowBatch};
use rnn_models::{LettersModel, StockModel};

/// A model in training. burn-train's traits cannot be implemented for another crate's model directly.
#[derive(Module, Debug)]
pub(crate) struct Trainee<M> {
    pub(crate) model: M,
}

// Losses are handed on one a sample, not as their mean: burn-train weights a loss by its number of values, and so the mean over
// an epoch is the mean over its samples, also when the last batch is short (as in Keras).

impl Trainee<LettersModel> {
    fn predict(&self, batch: LetterBatch) -> ClassificationOutput {
        let logits = self.model.forward(batch.letters);
        let loss = cross_entropy(logits.clone(), batch.targets.clone());
        ClassificationOutput::new(loss, logits, batch.targets)
    }
}

impl TrainStep for Trainee<LettersModel> {
    type Input = LetterBatch;
    type Output = ClassificationOutput;

    fn step(&self, batch: LetterBatch) -> TrainOutput<ClassificationOutput> {
        let output = self.predict(batch);
        TrainOutput::new(self, output.loss.clone().mean().backward(), output)
    }
}

impl InferenceStep for Trainee<LettersModel> {
    type Input = LetterBatch;
    type Output = ClassificationOutput;

    fn step(&self, batch: LetterBatch) -> ClassificationOutput {
        self.predict(batch)
    }
}

impl Trainee<StockModel> {
    fn predict(&self, batch: WindowBatch) -> RegressionOutput {
        let predicted = self.model.forward(batch.windows);
        let loss = MseLoss::new().forward_no_reduction(predicted.clone(), batch.targets.clone());
        RegressionOutput::new(loss.squeeze_dim(1), predicted, batch.targets)
    }
}

impl TrainStep for Trainee<StockModel> {
    type Input = WindowBatch;
    type Output = RegressionOutput;

    fn step(&self, batch: WindowBatch) -> TrainOutput<RegressionOutput> {
        let output = self.predict(batch);
        TrainOutput::new(self, output.loss.clone().mean().backward(), output)
    }
}

impl InferenceStep for Trainee<StockModel> {
    type Input = WindowBatch;
    type Output = RegressionOutput;

    fn step(&self, batch: WindowBatch) -> RegressionOutput {
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
        let rounded: Vec<f32> = softmax(logits, 1).into_data().iter::<f32>().map(|value| (value * 100.0).round() / 100.0).collect();
        assert_eq!(rounded, [0.02, 0.02, 0.91, 0.03, 0.02]);
    }

    #[test]
    fn cross_entropy_is_minus_the_log_of_the_target_probability() {
        let device = Device::flex();
        let logits = Tensor::<2>::from_data([[1.0, 2.0, 0.5], [0.0, 0.0, 0.0]], &device);
        let losses: Vec<f64> = cross_entropy(logits, Tensor::from_data([1, 2], &device)).into_data().iter::<f64>().collect();
        let first = -(2f64.exp() / (1f64.exp() + 2f64.exp() + 0.5f64.exp())).ln();
        assert!((losses[0] - first).abs() < 1e-6 && (losses[1] - 3f64.ln()).abs() < 1e-6, "{losses:?}");
    }
}
