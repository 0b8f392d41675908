//! GRU: gated recurrent unit, in the `reset_after` form.

mod reference;
#[cfg(test)]
mod tests;

pub use reference::gru_reference;

use burn::tensor::Tensor;

/// The weights of a GRU, in the layout of the Keras layer with `reset_after=True`: gates `z, r, h` side by side.
#[derive(Debug, Clone)]
pub struct GruWeights {
    /// Input weights, `[I, 3*H]`.
    pub kernel: Tensor<2>,
    /// Recurrent weights, `[H, 3*H]`.
    pub recurrent_kernel: Tensor<2>,
    /// Bias of the input product, `[3*H]`.
    pub bias: Option<Tensor<1>>,
    /// Bias of the recurrent product, `[3*H]`.
    pub recurrent_bias: Option<Tensor<1>>,
}
