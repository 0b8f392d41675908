//! SimpleRNN: the fully connected recurrent cell of Elman.

mod reference;
#[cfg(test)]
mod tests;

pub use reference::simple_rnn_reference;

use burn::tensor::Tensor;

/// The weights of a SimpleRNN, in the layout of the Keras layer.
#[derive(Debug, Clone)]
pub struct SimpleRnnWeights {
    /// Input weights, `[I, H]`.
    pub kernel: Tensor<2>,
    /// Recurrent weights, `[H, H]`.
    pub recurrent_kernel: Tensor<2>,
    /// Bias, `[H]`.
    pub bias: Option<Tensor<1>>,
}
