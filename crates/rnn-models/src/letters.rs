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
    /// Size of the learnt embedding. `None` means that letters are one-hot encoded.
    pub embedding: Option<usize>,
}

/// A model that predicts the next letter. It has a one-hot encoding or an embedding, then a
/// SimpleRNN, then a dense layer with one output per letter.
///
/// # Examples
///
/// ```
/// use burn::tensor::{Device, Tensor, activation::softmax};
/// use rnn_models::LettersModelConfig;
///
/// let device = Device::flex();
/// let model = LettersModelConfig::new(26, 10).with_embedding(Some(4)).init(&device);
/// let letters = Tensor::from_data([[0, 1, 2, 3]], &device); // "abcd"
/// let probabilities = softmax(model.forward(letters), 1);
/// assert_eq!(probabilities.dims(), [1, 26]);
/// ```
#[derive(Module, Debug)]
pub struct LettersModel {
    /// Embedding of the letters; `None` for a one-hot encoding.
    pub embedding: Option<Embedding>,
    /// The recurrent layer.
    pub rnn: SimpleRnn,
    /// Dense layer from the last hidden state to one logit per letter.
    pub dense: Linear,
}

impl LettersModelConfig {
    /// Creates the model on a device.
    ///
    /// # Panics
    ///
    /// Panics if a size is zero; the message names it.
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
    /// Returns the logits of the next letter. Their softmax gives the probabilities, the output of
    /// the course's model.
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

    /// Summarises the model as a table, for windows of `window` letters.
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

/// One-hot encodes ids as `[B, T, classes]`.
///
/// `Tensor::one_hot` reads back the smallest and the largest id, so a GPU would wait in every step.
fn one_hot(ids: Tensor<2, Int>, classes: usize) -> Tensor<3> {
    let [batch, time] = ids.dims();
    let all = Tensor::<1, Int>::arange(0..classes as i64, &ids.device()).reshape([1, 1, classes]);
    let shape = [batch, time, classes];
    ids.unsqueeze_dim::<3>(2).expand(shape).equal(all.expand(shape)).float()
}
