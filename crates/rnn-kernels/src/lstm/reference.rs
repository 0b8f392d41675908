use burn::tensor::Tensor;

use super::{LstmOutput, LstmState, LstmWeights};
use crate::{check::CellCheck, time::gates};

/// An LSTM over a whole sequence, composed of plain tensor operations.
///
/// With the usual activations, tanh and sigmoid, and `[i, f, c, o] = x_t K + h_(t-1) R + b`:
/// `C_t = sigmoid(f) * C_(t-1) + sigmoid(i) * tanh(c)` and `h_t = sigmoid(o) * tanh(C_t)`.
///
/// # Shapes
///
/// - input: `[B, T, I]`
/// - initial: hidden and cell state before the first step, `[B, H]` each; zeros when absent
/// - output: all hidden states `[B, T, H]` and both last states `[B, H]`
///
/// # Panics
///
/// When shapes disagree or a size is zero; the message names the operator, the tensor, what was expected and what was there.
///
/// # References
///
/// Hochreiter and Schmidhuber, "Long short-term memory", Neural Computation 9 (1997); Gers et al. (2000) for the forget gate;
/// Keras `LSTM`.
pub fn lstm_reference(
    input: Tensor<3>,
    weights: LstmWeights,
    initial: Option<LstmState>,
    activation: impl Fn(Tensor<2>) -> Tensor<2>,
    recurrent_activation: impl Fn(Tensor<2>) -> Tensor<2>,
) -> LstmOutput {
    let LstmWeights { kernel, recurrent_kernel, bias } = weights;
    let check = CellCheck { op: "lstm", gates: 4, kernel: &kernel, recurrent_kernel: &recurrent_kernel };
    let sizes = check.sizes(&input);
    check.bias("bias", bias.as_ref(), &sizes);
    let LstmState { mut hidden, mut cell } = initial.unwrap_or_else(|| {
        let zeros = Tensor::zeros([sizes.batch, sizes.hidden], (&input.device(), input.dtype()));
        LstmState { hidden: zeros.clone(), cell: zeros }
    });
    check.state("initial hidden state", &hidden, &sizes);
    check.state("initial cell state", &cell, &sizes);

    let steps = input.dims()[1];
    let [input_gate, forget_gate, candidate, output_gate] = gates(input, kernel, recurrent_kernel, bias);
    let mut sequence = Vec::with_capacity(steps);
    for t in 0..steps {
        let i = recurrent_activation(input_gate.at(t, &hidden));
        let f = recurrent_activation(forget_gate.at(t, &hidden));
        let c = activation(candidate.at(t, &hidden));
        let o = recurrent_activation(output_gate.at(t, &hidden));
        cell = f * cell + i * c;
        hidden = o * activation(cell.clone());
        sequence.push(hidden.clone());
    }
    LstmOutput { sequence: Tensor::stack(sequence, 1), state: LstmState { hidden, cell } }
}
