//! GRU: gated recurrent unit.

mod reference;
#[cfg(test)]
mod tests;

pub use reference::gru_reference;

use burn::tensor::Tensor;

use crate::{
    cell::Cell,
    check::CellCheck,
    hidden_output::HiddenOutput,
    operator::{Call, LayerOutput, has_operators},
    steps::Steps,
    variant::Variant,
};

/// The weights of a GRU, in the layout of the Keras layer: gates `z, r, h` side by side.
#[derive(Debug, Clone)]
pub struct GruWeights {
    /// Input weights, `[I, 3*H]`.
    pub kernel: Tensor<2>,
    /// Recurrent weights, `[H, 3*H]`.
    pub recurrent_kernel: Tensor<2>,
    /// Bias of the input product, `[3*H]`.
    pub bias: Option<Tensor<1>>,
    /// Bias of the recurrent product, `[3*H]` (the second row of the Keras bias with
    /// `reset_after=True`).
    pub recurrent_bias: Option<Tensor<1>>,
}

/// A GRU over whole sequences, as one operation. The reset gate acts after the recurrent product,
/// as in cuDNN (Keras `reset_after=True`).
///
/// With `[xz, xr, xh] = x_t K + b` and `[hz, hr, hh] = h_(t-1) R + c`:
/// `z = sigmoid(xz + hz)`, `r = sigmoid(xr + hr)`, `n = tanh(xh + r * hh)` and
/// `h_t = z * h_(t-1) + (1 - z) * n`.
///
/// On ndarray and flex it is fused and multi-threaded: the batch is cut into slices of at most 16
/// sequences. The result has the same bytes for any number of threads. On wgpu, one launch runs all
/// steps for at least up to 256 hidden units; see [`route`](crate::route()). Other backends run
/// [`gru_reference`].
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
/// use rnn_kernels::{GruWeights, gru};
///
/// let device = Device::flex();
/// let weights = GruWeights {
///     kernel: Tensor::ones([2, 9], &device),
///     recurrent_kernel: Tensor::zeros([3, 9], &device),
///     bias: None,
///     recurrent_bias: None,
/// };
/// let output = gru(Tensor::ones([4, 5, 2], &device), weights, None, None);
/// assert_eq!(output.sequence.dims(), [4, 5, 3]);
/// assert_eq!(output.state.dims(), [4, 3]);
/// ```
///
/// # References
///
/// Cho et al., "Learning phrase representations using RNN encoder-decoder", EMNLP 2014; Keras
/// `GRU`.
pub fn gru(
    input: Tensor<3>,
    weights: GruWeights,
    initial: Option<Tensor<2>>,
    steps: impl Into<Steps>,
) -> HiddenOutput {
    let steps = steps.into();
    if !has_operators(&input.device()) {
        return gru_reference(input, weights, initial, &Variant { steps, ..Variant::default() });
    }
    let GruWeights { kernel, recurrent_kernel, bias, recurrent_bias } = weights;
    let kind = Cell::Gru;
    let check = CellCheck::new("gru", kind.gates(), &input, &kernel, &recurrent_kernel);
    check.bias("bias", bias.as_ref());
    check.bias("recurrent bias", recurrent_bias.as_ref());
    check.state("initial hidden state", initial.as_ref());
    check.steps(&steps);
    let bias = sums_bias(bias, recurrent_bias, check.sizes.hidden);
    let LayerOutput { sequence, hidden, .. } =
        Call { kind, input, kernel, recurrent_kernel, bias, steps, hidden: initial, cell: None }
            .run();
    HiddenOutput { sequence, state: hidden }
}

/// Joins both biases in the order of the sums: `z, r` of both added, `h` of the recurrent product,
/// then `h` of the input product.
fn sums_bias(
    bias: Option<Tensor<1>>,
    recurrent_bias: Option<Tensor<1>>,
    units: usize,
) -> Option<Tensor<1>> {
    let present = bias.as_ref().or(recurrent_bias.as_ref())?;
    let zeros = Tensor::zeros([3 * units], (&present.device(), present.dtype()));
    let (bias, recurrent_bias) =
        (bias.unwrap_or_else(|| zeros.clone()), recurrent_bias.unwrap_or(zeros));
    let gates =
        bias.clone().narrow(0, 0, 2 * units) + recurrent_bias.clone().narrow(0, 0, 2 * units);
    let candidate = |bias: Tensor<1>| bias.narrow(0, 2 * units, units);
    Some(Tensor::cat(vec![gates, candidate(recurrent_bias), candidate(bias)], 0))
}
