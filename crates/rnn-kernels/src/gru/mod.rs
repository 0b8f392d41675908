//! GRU: gated recurrent unit.

mod reference;
#[cfg(test)]
mod tests;

pub use reference::gru_reference;

use burn::tensor::{Bool, Tensor};

use crate::{
    cell::Cell,
    check::CellCheck,
    hidden_output::HiddenOutput,
    operator::{Call, LayerOutput, has_operators},
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

/// A GRU over a whole sequence, as one operation; the reset gate acts after the recurrent product
/// (cuDNN's form, Keras `reset_after=True`).
///
/// With `[xz, xr, xh] = x_t K + b` and `[hz, hr, hh] = h_(t-1) R + c`:
/// `z = sigmoid(xz + hz)`, `r = sigmoid(xr + hr)`, `n = tanh(xh + r * hh)` and
/// `h_t = z * h_(t-1) + (1 - z) * n`.
///
/// On ndarray and flex it is fused and multi-threaded (a batch is cut into slices of at most 16
/// sequences), and gives the same bytes for any number of threads; on wgpu one launch runs all
/// steps (up to 1024 hidden units); elsewhere it is [`gru_reference`].
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
/// # References
///
/// Cho et al., "Learning phrase representations using RNN encoder-decoder", EMNLP 2014; Keras
/// `GRU`.
pub fn gru(
    input: Tensor<3>,
    weights: GruWeights,
    initial: Option<Tensor<2>>,
    mask: Option<Tensor<2, Bool>>,
) -> HiddenOutput {
    if !has_operators(&input.device()) {
        return gru_reference(input, weights, initial, &Variant { mask, ..Variant::default() });
    }
    let GruWeights { kernel, recurrent_kernel, bias, recurrent_bias } = weights;
    let kind = Cell::Gru;
    let check = CellCheck::new("gru", kind.gates(), &input, &kernel, &recurrent_kernel);
    check.bias("bias", bias.as_ref());
    check.bias("recurrent bias", recurrent_bias.as_ref());
    check.state("initial hidden state", initial.as_ref());
    check.mask(mask.as_ref());
    let bias = sums_bias(bias, recurrent_bias, check.sizes.hidden);
    let LayerOutput { sequence, hidden, .. } =
        Call { kind, input, kernel, recurrent_kernel, bias, mask, hidden: initial, cell: None }
            .run();
    HiddenOutput { sequence, state: hidden }
}

/// Both biases in the order of the sums: `z, r` of both added up, `h` of the recurrent product, `h`
/// of the input's.
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
