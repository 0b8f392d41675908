use burn::tensor::Tensor;

use super::GruWeights;
use crate::{
    HiddenOutput,
    check::CellCheck,
    time::{Gate, gates},
};

/// A GRU over a whole sequence, composed of plain tensor operations.
///
/// The reset gate is applied after the recurrent product (cuDNN's form, Keras `reset_after=True`). With the usual activations,
/// tanh and sigmoid, `[xz, xr, xh] = x_t K + b` and `[hz, hr, hh] = h_(t-1) R + c`:
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
pub fn gru_reference(
    input: Tensor<3>,
    weights: GruWeights,
    initial: Option<Tensor<2>>,
    activation: impl Fn(Tensor<2>) -> Tensor<2>,
    recurrent_activation: impl Fn(Tensor<2>) -> Tensor<2>,
) -> HiddenOutput {
    let GruWeights { kernel, recurrent_kernel, bias, recurrent_bias } = weights;
    let check = CellCheck { op: "gru", gates: 3, kernel: &kernel, recurrent_kernel: &recurrent_kernel };
    let sizes = check.sizes(&input);
    check.bias("bias", bias.as_ref(), &sizes);
    check.bias("recurrent bias", recurrent_bias.as_ref(), &sizes);
    let mut hidden = initial.unwrap_or_else(|| Tensor::zeros([sizes.batch, sizes.hidden], (&input.device(), input.dtype())));
    check.state("initial hidden state", &hidden, &sizes);

    let steps = input.dims()[1];
    let [update, reset, candidate] = gates(input, kernel, recurrent_kernel, bias);
    let biases: [Option<Tensor<1>>; 3] =
        std::array::from_fn(|gate| recurrent_bias.as_ref().map(|bias| bias.clone().narrow(0, gate * sizes.hidden, sizes.hidden)));
    let recur = |gate: &Gate, bias: &Option<Tensor<1>>, hidden: &Tensor<2>| match bias {
        Some(bias) => gate.recur(hidden) + bias.clone().unsqueeze(),
        None => gate.recur(hidden),
    };

    let mut sequence = Vec::with_capacity(steps);
    for t in 0..steps {
        let z = recurrent_activation(update.projected[t].clone() + recur(&update, &biases[0], &hidden));
        let r = recurrent_activation(reset.projected[t].clone() + recur(&reset, &biases[1], &hidden));
        let n = activation(candidate.projected[t].clone() + r * recur(&candidate, &biases[2], &hidden));
        hidden = n.clone() + z * (hidden - n);
        sequence.push(hidden.clone());
    }
    HiddenOutput { sequence: Tensor::stack(sequence, 1), state: hidden }
}
