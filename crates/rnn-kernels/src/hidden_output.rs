use burn::tensor::Tensor;

/// Output of a SimpleRNN or GRU: all hidden states, and the state after the last step.
#[derive(Debug, Clone)]
pub struct HiddenOutput {
    /// Hidden states of all steps, `[B, T, H]`.
    pub sequence: Tensor<3>,
    /// Hidden state after the last step, `[B, H]`.
    pub state: Tensor<2>,
}

impl HiddenOutput {
    /// Hidden state of the last step, `[B, H]` (Keras `return_sequences=False`).
    pub fn last(&self) -> Tensor<2> {
        self.state.clone()
    }
}
