use burn::tensor::Tensor;

use super::SimpleRnnWeights;
use crate::{HiddenOutput, check::CellCheck, time::gates};

/// `h_t = activation(x_t K + h_(t-1) R + b)` over a whole sequence, composed of plain tensor operations.
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
/// # Examples
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// use rnn_kernels::{SimpleRnnWeights, simple_rnn_reference};
///
/// let device = Device::flex();
/// let weights = SimpleRnnWeights {
///     kernel: Tensor::ones([2, 3], &device),
///     recurrent_kernel: Tensor::zeros([3, 3], &device),
///     bias: None,
/// };
/// let output = simple_rnn_reference(Tensor::ones([4, 5, 2], &device), weights, None, Tensor::tanh);
/// assert_eq!(output.sequence.dims(), [4, 5, 3]);
/// assert_eq!(output.state.dims(), [4, 3]);
/// ```
///
/// # References
///
/// Elman, "Finding structure in time", Cognitive Science 14 (1990); Keras `SimpleRNN`.
pub fn simple_rnn_reference(
    input: Tensor<3>,
    weights: SimpleRnnWeights,
    initial: Option<Tensor<2>>,
    activation: impl Fn(Tensor<2>) -> Tensor<2>,
) -> HiddenOutput {
    let SimpleRnnWeights { kernel, recurrent_kernel, bias } = weights;
    let check = CellCheck { op: "simple_rnn", gates: 1, kernel: &kernel, recurrent_kernel: &recurrent_kernel };
    let sizes = check.sizes(&input);
    check.bias("bias", bias.as_ref(), &sizes);
    let mut hidden = initial.unwrap_or_else(|| Tensor::zeros([sizes.batch, sizes.hidden], (&input.device(), input.dtype())));
    check.state("initial hidden state", &hidden, &sizes);

    let steps = input.dims()[1];
    let [gate] = gates(input, kernel, recurrent_kernel, bias);
    let sequence = (0..steps)
        .map(|t| {
            hidden = activation(gate.at(t, &hidden));
            hidden.clone()
        })
        .collect();
    HiddenOutput { sequence: Tensor::stack(sequence, 1), state: hidden }
}
