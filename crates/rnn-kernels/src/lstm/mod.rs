//! LSTM: long short-term memory.

mod reference;
#[cfg(test)]
mod tests;

pub use reference::lstm_reference;

use burn::tensor::Tensor;

/// The weights of an LSTM, in the layout of the Keras layer: gates `i, f, c, o` side by side.
#[derive(Debug, Clone)]
pub struct LstmWeights {
    /// Input weights, `[I, 4*H]`.
    pub kernel: Tensor<2>,
    /// Recurrent weights, `[H, 4*H]`.
    pub recurrent_kernel: Tensor<2>,
    /// Bias, `[4*H]`.
    pub bias: Option<Tensor<1>>,
}

/// The two states an LSTM carries from step to step.
#[derive(Debug, Clone)]
pub struct LstmState {
    /// Hidden state `h`, `[B, H]`.
    pub hidden: Tensor<2>,
    /// Cell state `C`, `[B, H]`.
    pub cell: Tensor<2>,
}

/// All hidden states of a sequence and both states after its last step.
#[derive(Debug, Clone)]
pub struct LstmOutput {
    /// Hidden states of all steps, `[B, T, H]`.
    pub sequence: Tensor<3>,
    /// States after the last step.
    pub state: LstmState,
}

impl LstmOutput {
    /// Hidden state of the last step, `[B, H]` (Keras `return_sequences=False`).
    pub fn last(&self) -> Tensor<2> {
        self.state.hidden.clone()
    }
}
