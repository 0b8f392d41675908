use burn::tensor::Tensor;

use super::GruWeights;
use crate::{
    check::CellCheck,
    hidden_output::HiddenOutput,
    time::{Gate, gates},
    variant::{Variant, keep},
};

/// [`gru`](super::gru()) composed of plain tensor operations, for any [`Variant`] of the cell.
///
/// If [`Variant::reset_after`] is false, the reset gate acts before the recurrent product, as in
/// the original paper: `n = tanh(x_t K_h + b_h + (r * h_(t-1)) R_h + c_h)`.
///
/// # Shapes
///
/// The shapes are those of [`gru`](super::gru()).
///
/// # Panics
///
/// Panics for the same reasons as [`gru`](super::gru()).
pub fn gru_reference(
    input: Tensor<3>,
    weights: GruWeights,
    initial: Option<Tensor<2>>,
    variant: &Variant<'_>,
) -> HiddenOutput {
    let GruWeights { kernel, recurrent_kernel, bias, recurrent_bias } = weights;
    let check = CellCheck::new("gru", 3, &input, &kernel, &recurrent_kernel);
    check.bias("bias", bias.as_ref());
    check.bias("recurrent bias", recurrent_bias.as_ref());
    check.state("initial hidden state", initial.as_ref());
    check.variant(variant);
    let (batch, time, units) = (check.sizes.batch, check.sizes.time, check.sizes.hidden);
    let mut hidden =
        initial.unwrap_or_else(|| Tensor::zeros([batch, units], (&input.device(), input.dtype())));

    let (activation, recurrent_activation) = (variant.activation, variant.recurrent_activation);
    let masked = variant.masked(units);
    let resets = variant.reset(units);
    let start = variant.reset_state(&hidden);
    let [update, reset, candidate] = gates(input, kernel, recurrent_kernel, bias, variant);
    let biases: [Option<Tensor<1>>; 3] = std::array::from_fn(|gate| {
        recurrent_bias.as_ref().map(|bias| bias.clone().narrow(0, gate * units, units))
    });
    let recur = |gate: &Gate, bias: &Option<Tensor<1>>, hidden: &Tensor<2>| match bias {
        Some(bias) => gate.recur(hidden) + bias.clone().unsqueeze(),
        None => gate.recur(hidden),
    };

    let mut sequence = Vec::with_capacity(time);
    for t in 0..time {
        hidden = keep(resets.get(t), start.clone(), hidden);
        let z =
            recurrent_activation(update.projected[t].clone() + recur(&update, &biases[0], &hidden));
        let r =
            recurrent_activation(reset.projected[t].clone() + recur(&reset, &biases[1], &hidden));
        let from_state = if variant.reset_after {
            r * recur(&candidate, &biases[2], &hidden)
        } else {
            recur(&candidate, &biases[2], &(r * hidden.clone()))
        };
        let n = activation(candidate.projected[t].clone() + from_state);
        let next = n.clone() + z * (hidden.clone() - n);
        hidden = keep(masked.get(t), hidden, next);
        sequence.push(hidden.clone());
    }
    HiddenOutput { sequence: Tensor::stack(sequence, 1), state: hidden }
}
