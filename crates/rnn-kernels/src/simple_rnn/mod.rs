//! SimpleRNN: the fully connected recurrent cell of Elman.

mod reference;
#[cfg(test)]
mod tests;

pub use reference::simple_rnn_reference;

use burn::tensor::{Bool, Tensor};

use crate::{
    cell::Cell,
    check::CellCheck,
    hidden_output::HiddenOutput,
    operator::{Call, LayerOutput, has_operators},
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

/// `h_t = tanh(x_t K + h_(t-1) R + b)` over a whole sequence, as one operation.
///
/// On ndarray and flex it is fused and multi-threaded (a batch is cut into slices of at most 16
/// sequences), and gives the same bytes for any number of threads; on wgpu one launch runs all
/// steps (up to 1024 hidden units); elsewhere it is [`simple_rnn_reference`].
///
/// All tensors have one type, and outputs and gradients come in it. `F32` and `F64` are computed as
/// they are; half precision (`F16`, `BF16`, `Flex32`) is computed in `F32` and given back as it
/// came, and the reference computes it as it is.
///
/// # Shapes
///
/// - input: `[B, T, I]`
/// - initial: `[B, H]`, the hidden state before the first step; zeros when absent
/// - mask: `[B, T]`, false where a step is padding: the state stays, and nothing is learnt from the
///   step
/// - output: all hidden states `[B, T, H]` and the last one `[B, H]`
///
/// # Panics
///
/// Panics if shapes, types, devices or strategies of gradient checkpointing disagree, a type is
/// another one (quantised numbers are not computed with), or a size is zero; the message names the
/// operator, the tensor, what was expected and what was there.
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
    mask: Option<Tensor<2, Bool>>,
) -> HiddenOutput {
    if !has_operators(&input.device()) {
        return simple_rnn_reference(
            input,
            weights,
            initial,
            &Variant { mask, ..Variant::default() },
        );
    }
    let SimpleRnnWeights { kernel, recurrent_kernel, bias } = weights;
    let kind = Cell::SimpleRnn;
    let check = CellCheck::new("simple_rnn", kind.gates(), &input, &kernel, &recurrent_kernel);
    check.bias("bias", bias.as_ref());
    check.state("initial hidden state", initial.as_ref());
    check.mask(mask.as_ref());
    let LayerOutput { sequence, hidden, .. } =
        Call { kind, input, kernel, recurrent_kernel, bias, mask, hidden: initial, cell: None }
            .run();
    HiddenOutput { sequence, state: hidden }
}
