use burn::tensor::{Tensor, activation::sigmoid};

use super::GruWeights;
use crate::{HiddenOutput, check::CellCheck, time::project};

/// A GRU over a whole sequence, composed of plain tensor operations.
///
/// The reset gate is applied after the recurrent product (cuDNN's form, Keras `reset_after=True`). With
/// `[xz, xr, xh] = x_t K + b` and `[hz, hr, hh] = h_(t-1) R + c`:
/// `z = sigmoid(xz + hz)`, `r = sigmoid(xr + hr)`, `n = tanh(xh + r * hh)` and `h_t = z * h_(t-1) + (1 - z) * n`.
///
/// # Shapes
///
/// - input: `[B, T, I]`
/// - initial: `[B, H]`, the hidden state before the first step; zeros when absent
/// - output: all hidden states `[B, T, H]` and the last one `[B, H]`
///
/// # Panics
///
/// When shapes disagree or a size is zero; the message names the operator, the tensor, what was expected and what was there.
///
/// # References
///
/// Cho et al., "Learning phrase representations using RNN encoder-decoder", EMNLP 2014; Keras `GRU`.
pub fn gru_reference(input: Tensor<3>, weights: GruWeights, initial: Option<Tensor<2>>) -> HiddenOutput {
    let GruWeights { kernel, recurrent_kernel, bias, recurrent_bias } = weights;
    let check = CellCheck { op: "gru", gates: 3, kernel: &kernel, recurrent_kernel: &recurrent_kernel };
    let sizes = check.sizes(&input);
    check.bias("bias", bias.as_ref(), &sizes);
    check.bias("recurrent bias", recurrent_bias.as_ref(), &sizes);
    let mut hidden = initial.unwrap_or_else(|| Tensor::zeros([sizes.batch, sizes.hidden], (&input.device(), input.dtype())));
    check.state("initial hidden state", &hidden, &sizes);

    let mut sequence = Vec::with_capacity(input.dims()[1]);
    for projected in project(input, kernel, bias) {
        let mut recurrent = hidden.clone().matmul(recurrent_kernel.clone());
        if let Some(bias) = &recurrent_bias {
            recurrent = recurrent + bias.clone().unsqueeze();
        }
        let gate = |tensor: &Tensor<2>, index: usize| tensor.clone().narrow(1, index * sizes.hidden, sizes.hidden);
        let update = sigmoid(gate(&projected, 0) + gate(&recurrent, 0));
        let reset = sigmoid(gate(&projected, 1) + gate(&recurrent, 1));
        let candidate = (gate(&projected, 2) + reset * gate(&recurrent, 2)).tanh();
        hidden = candidate.clone() + update * (hidden - candidate);
        sequence.push(hidden.clone());
    }
    HiddenOutput { sequence: Tensor::stack(sequence, 1), state: hidden }
}
