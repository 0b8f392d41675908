//! SimpleRNN: the fully connected recurrent cell of Elman.

mod reference;
#[cfg(test)]
mod tests;

pub use reference::simple_rnn_reference;

use burn::tensor::Tensor;

use crate::{
    cell::Cell,
    check::CellCheck,
    hidden_output::HiddenOutput,
    operator::{Call, LayerOutput, has_operators},
    steps::Steps,
    variant::Variant,
};

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

/// A SimpleRNN over whole sequences, as one operation: `h_t = tanh(x_t K + h_(t-1) R + b)`.
///
/// On ndarray and flex it is fused and multi-threaded: the batch is cut into slices of at most 16
/// sequences. The result has the same bytes for any number of threads. On wgpu, one launch runs all
/// steps for at least up to 256 hidden units; see [`route`](crate::route()). Other backends run
/// [`simple_rnn_reference`].
///
/// All tensors have the same type, which outputs and gradients also have. `F32` and `F64` are
/// computed in that type. Half precision (`F16`, `BF16`, `Flex32`) is computed in `F32` and
/// converted back; the reference operator computes it in half precision.
///
/// # Shapes
///
/// - input: `[B, T, I]`
/// - initial: `[B, H]`, the hidden state before the first step; zeros if `None`
/// - steps: a mask `[B, T]`, false at padding, where the state stays unchanged and the step has no
///   gradient; resets `[B, T]`, true where the state is reset before the step
/// - output: all hidden states `[B, T, H]`, and the last one `[B, H]`
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
/// use rnn_kernels::{SimpleRnnWeights, simple_rnn};
///
/// let device = Device::flex();
/// let weights = SimpleRnnWeights {
///     kernel: Tensor::ones([2, 3], &device),
///     recurrent_kernel: Tensor::zeros([3, 3], &device),
///     bias: None,
/// };
/// let output = simple_rnn(Tensor::ones([4, 5, 2], &device), weights, None, None);
/// assert_eq!(output.sequence.dims(), [4, 5, 3]);
/// assert_eq!(output.state.dims(), [4, 3]);
/// ```
///
/// # References
///
/// Elman, "Finding structure in time", Cognitive Science 14 (1990); Keras `SimpleRNN`.
pub fn simple_rnn(
    input: Tensor<3>,
    weights: SimpleRnnWeights,
    initial: Option<Tensor<2>>,
    steps: impl Into<Steps>,
) -> HiddenOutput {
    let steps = steps.into();
    if !has_operators(&input.device()) {
        return simple_rnn_reference(
            input,
            weights,
            initial,
            &Variant { steps, ..Variant::default() },
        );
    }
    let SimpleRnnWeights { kernel, recurrent_kernel, bias } = weights;
    let kind = Cell::SimpleRnn;
    let check = CellCheck::new("simple_rnn", kind.gates(), &input, &kernel, &recurrent_kernel);
    check.bias("bias", bias.as_ref());
    check.state("initial hidden state", initial.as_ref());
    check.steps(&steps);
    let LayerOutput { sequence, hidden, .. } =
        Call { kind, input, kernel, recurrent_kernel, bias, steps, hidden: initial, cell: None }
            .run();
    HiddenOutput { sequence, state: hidden }
}
