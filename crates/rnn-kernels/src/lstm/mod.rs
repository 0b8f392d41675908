//! LSTM: long short-term memory.

mod reference;
#[cfg(test)]
mod tests;

pub use reference::lstm_reference;

use burn::tensor::Tensor;

use crate::{
    cell::Cell,
    check::CellCheck,
    operator::{Call, LayerOutput, has_operators},
    steps::Steps,
    variant::Variant,
};

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

/// Output of an LSTM: all hidden states, and both states after the last step.
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

/// An LSTM over whole sequences, as one operation.
///
/// With `[i, f, c, o] = x_t K + h_(t-1) R + b`:
/// `C_t = sigmoid(f) * C_(t-1) + sigmoid(i) * tanh(c)` and `h_t = sigmoid(o) * tanh(C_t)`.
///
/// On ndarray and flex it is fused and multi-threaded: the batch is cut into slices of at most 16
/// sequences. The result has the same bytes for any number of threads. On wgpu, one launch runs all
/// steps for at least up to 256 hidden units; see [`route`](crate::route()). Other backends run
/// [`lstm_reference`].
///
/// All tensors have the same type, which outputs and gradients also have. `F32` and `F64` are
/// computed in that type. Half precision (`F16`, `BF16`, `Flex32`) is computed in `F32` and
/// converted back; the reference operator computes it in half precision.
///
/// # Shapes
///
/// - input: `[B, T, I]`
/// - initial: hidden and cell state before the first step, `[B, H]` each; zeros if `None`
/// - steps: a mask `[B, T]`, false at padding, where the states stay unchanged and the step has no
///   gradient; resets `[B, T]`, true where the state is reset before the step
/// - output: all hidden states `[B, T, H]`, and both states after the last step, `[B, H]` each
///
/// # Panics
///
/// Panics if shapes, types, devices or strategies of gradient checkpointing do not match. Panics if
/// a type is quantised or not a float, or if a size is zero. The message names the operator, the
/// tensor, and the expected and actual value.
///
/// # Examples
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// use rnn_kernels::{LstmWeights, lstm};
///
/// let device = Device::flex();
/// let weights = LstmWeights {
///     kernel: Tensor::ones([2, 12], &device),
///     recurrent_kernel: Tensor::zeros([3, 12], &device),
///     bias: None,
/// };
/// let output = lstm(Tensor::ones([4, 5, 2], &device), weights, None, None);
/// assert_eq!(output.sequence.dims(), [4, 5, 3]);
/// assert_eq!(output.state.cell.dims(), [4, 3]);
/// ```
///
/// # References
///
/// Hochreiter and Schmidhuber, "Long short-term memory", Neural Computation 9 (1997); Gers et al.
/// (2000) for the forget gate; Keras `LSTM`.
pub fn lstm(
    input: Tensor<3>,
    weights: LstmWeights,
    initial: Option<LstmState>,
    steps: impl Into<Steps>,
) -> LstmOutput {
    let steps = steps.into();
    if !has_operators(&input.device()) {
        return lstm_reference(input, weights, initial, &Variant { steps, ..Variant::default() });
    }
    let LstmWeights { kernel, recurrent_kernel, bias } = weights;
    let kind = Cell::Lstm;
    let check = CellCheck::new("lstm", kind.gates(), &input, &kernel, &recurrent_kernel);
    let (hidden, cell) = initial.map(|state| (state.hidden, state.cell)).unzip();
    check.bias("bias", bias.as_ref());
    check.state("initial hidden state", hidden.as_ref());
    check.state("initial cell state", cell.as_ref());
    check.steps(&steps);
    let LayerOutput { sequence, hidden, cell } =
        Call { kind, input, kernel, recurrent_kernel, bias, steps, hidden, cell }.run();
    LstmOutput { sequence, state: LstmState { hidden, cell } }
}
