use burn::{
    config::Config,
    module::Module,
    nn::{Embedding, Linear},
    tensor::{Device, Int, Tensor},
};

use rnn_kernels::Cell;

use crate::{
    initializers::{dense, embedding},
    layers::{SimpleRnn, SimpleRnnConfig, at_least_one},
    summary::{LayerSummary, ModelSummary},
};

/// Configuration of a [`LettersModel`].
#[derive(Config, Debug)]
pub struct LettersModelConfig {
    /// Number of letters in the alphabet.
    pub classes: usize,
    /// Hidden units of the SimpleRNN.
    pub units: usize,
    /// Size of the learnt embedding; without one, letters enter one-hot.
    pub embedding: Option<usize>,
}

/// Predicts the next letter: one-hot or embedding, then SimpleRNN, then a dense layer over the
/// alphabet.
#[derive(Module, Debug)]
pub struct LettersModel {
    /// Embedding of the letters; one-hot when absent.
    pub embedding: Option<Embedding>,
    /// The recurrent layer.
    pub rnn: SimpleRnn,
    /// From the last hidden state to one logit a letter.
    pub dense: Linear,
}

impl LettersModelConfig {
    /// Creates the model on a device.
    ///
    /// # Panics
    ///
    /// When a size is zero; the message names it.
    pub fn init(&self, device: &Device) -> LettersModel {
        at_least_one("LettersModelConfig", "classes", self.classes);
        at_least_one("LettersModelConfig", "embedding", self.embedding.unwrap_or(1));
        LettersModel {
            embedding: self.embedding.map(|size| embedding(self.classes, size, device)),
            rnn: SimpleRnnConfig::new(self.embedding.unwrap_or(self.classes), self.units)
                .init(device),
            dense: dense(self.units, self.classes, device),
        }
    }
}

impl LettersModel {
    /// Logits of the next letter; their softmax is the course's output.
    ///
    /// # Shapes
    ///
    /// - letters: ids `[B, T]`
    /// - output: `[B, classes]`
    pub fn forward(&self, letters: Tensor<2, Int>) -> Tensor<2> {
        let [_, classes] = self.dense.weight.dims();
        let input = match &self.embedding {
            Some(embedding) => embedding.forward(letters),
            None => one_hot(letters, classes),
        };
        self.dense.forward(self.rnn.forward(input, None).state)
    }

    /// The model as a table, for windows of `window` letters.
    pub fn summary(&self, window: usize) -> ModelSummary {
        let [units, classes] = self.dense.weight.dims();
        let mut layers = Vec::new();
        if let Some(embedding) = &self.embedding {
            let [_, size] = embedding.weight.dims();
            layers.push(LayerSummary::new("Embedding", [window, size], embedding.num_params()));
        }
        layers.push(LayerSummary::new(Cell::SimpleRnn.title(), [units], self.rnn.num_params()));
        layers.push(LayerSummary::new("Dense", [classes], self.dense.num_params()));
        ModelSummary { layers }
    }
}

/// Each id as a row of zeros and a one, `[B, T, classes]`.
///
/// `Tensor::one_hot` reads the smallest and the largest id: on a GPU, a wait in every step.
fn one_hot(ids: Tensor<2, Int>, classes: usize) -> Tensor<3> {
    let [batch, time] = ids.dims();
    let all = Tensor::<1, Int>::arange(0..classes as i64, &ids.device()).reshape([1, 1, classes]);
    let shape = [batch, time, classes];
    ids.unsqueeze_dim::<3>(2).expand(shape).equal(all.expand(shape)).float()
}
