use burn::{
    module::Module,
    nn::{
        Dropout, DropoutConfig, Gru, GruConfig, Linear, LinearConfig, Lstm, LstmConfig, Rnn,
        RnnConfig,
    },
    tensor::{Device, Tensor},
};
use rnn_models::Cell;

use crate::UNITS;

const DROPOUT: f64 = 0.2;

/// A recurrent layer of `burn::nn`, with its defaults and a bias.
#[derive(Module, Debug)]
#[allow(clippy::large_enum_variant, reason = "a layer is made once, and a boxed one is no module")]
pub enum NnRecurrent {
    /// `burn::nn::Rnn`.
    Rnn(Rnn),
    /// `burn::nn::Lstm`.
    Lstm(Lstm),
    /// `burn::nn::Gru`; its reset gate acts after the product, as in Keras.
    Gru(Gru),
}

impl NnRecurrent {
    /// Creates the layer.
    pub fn new(cell: Cell, input_size: usize, units: usize, device: &Device) -> Self {
        match cell {
            Cell::SimpleRnn => Self::Rnn(RnnConfig::new(input_size, units, true).init(device)),
            Cell::Lstm => Self::Lstm(LstmConfig::new(input_size, units, true).init(device)),
            Cell::Gru => Self::Gru(GruConfig::new(input_size, units, true).init(device)),
        }
    }

    /// Returns all hidden states `[B, T, H]` of a batch `[B, T, I]`.
    pub fn forward(&self, input: Tensor<3>) -> Tensor<3> {
        match self {
            Self::Rnn(layer) => layer.forward(input, None).0,
            Self::Lstm(layer) => layer.forward(input, None).0,
            Self::Gru(layer) => layer.forward(input, None),
        }
    }

    /// Returns the last hidden state `[B, H]` of a batch `[B, T, I]`.
    pub fn forward_last(&self, input: Tensor<3>) -> Tensor<2> {
        let steps = input.dims()[1];
        match self {
            Self::Rnn(layer) => layer.forward(input, None).1.hidden,
            Self::Lstm(layer) => layer.forward(input, None).1.hidden,
            // `burn::nn::Gru` does not return its last state.
            Self::Gru(layer) => layer.forward(input, None).narrow(1, steps - 1, 1).squeeze_dim(1),
        }
    }
}

/// The stock model, made of `burn::nn` layers: two recurrent layers with dropout after each, then a
/// dense layer.
#[derive(Module, Debug)]
pub struct NnStockModel {
    first: NnRecurrent,
    second: NnRecurrent,
    dropout: Dropout,
    dense: Linear,
}

impl NnStockModel {
    /// Creates the model.
    pub fn new(cell: Cell, device: &Device) -> Self {
        Self {
            first: NnRecurrent::new(cell, 1, UNITS[0], device),
            second: NnRecurrent::new(cell, UNITS[0], UNITS[1], device),
            dropout: DropoutConfig::new(DROPOUT).init(),
            dense: LinearConfig::new(UNITS[1], 1).init(device),
        }
    }

    /// Predicts the value `[B, 1]` after each window `[B, T, 1]`.
    pub fn forward(&self, windows: Tensor<3>) -> Tensor<2> {
        let hidden = self.dropout.forward(self.first.forward(windows));
        let last = self.dropout.forward(self.second.forward_last(hidden));
        self.dense.forward(last)
    }
}
