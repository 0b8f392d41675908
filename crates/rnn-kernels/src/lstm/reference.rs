use burn::tensor::Tensor;

use super::{LstmOutput, LstmState, LstmWeights};
use crate::{
    check::CellCheck,
    time::gates,
    variant::{Variant, keep},
};

/// [`lstm`](super::lstm()) composed of plain tensor operations, for any [`Variant`] of the cell.
///
/// # Shapes
///
/// The shapes are those of [`lstm`](super::lstm()).
///
/// # Panics
///
/// Panics for the same reasons as [`lstm`](super::lstm()).
pub fn lstm_reference(
    input: Tensor<3>,
    weights: LstmWeights,
    initial: Option<LstmState>,
    variant: &Variant<'_>,
) -> LstmOutput {
    let LstmWeights { kernel, recurrent_kernel, bias } = weights;
    let check = CellCheck::new("lstm", 4, &input, &kernel, &recurrent_kernel);
    check.bias("bias", bias.as_ref());
    check.variant(variant);
    let (batch, time, units) = (check.sizes.batch, check.sizes.time, check.sizes.hidden);
    let LstmState { mut hidden, mut cell } = initial.unwrap_or_else(|| {
        let zeros = Tensor::zeros([batch, units], (&input.device(), input.dtype()));
        LstmState { hidden: zeros.clone(), cell: zeros }
    });
    check.state("initial hidden state", Some(&hidden));
    check.state("initial cell state", Some(&cell));

    let (activation, recurrent_activation) = (variant.activation, variant.recurrent_activation);
    let masked = variant.masked(units);
    let reset = variant.reset(units);
    let (start_hidden, start_cell) = (variant.reset_state(&hidden), variant.reset_state(&cell));
    let [input_gate, forget_gate, candidate, output_gate] =
        gates(input, kernel, recurrent_kernel, bias, variant);
    let mut sequence = Vec::with_capacity(time);
    for t in 0..time {
        hidden = keep(reset.get(t), start_hidden.clone(), hidden);
        cell = keep(reset.get(t), start_cell.clone(), cell);
        let i = recurrent_activation(input_gate.at(t, &hidden));
        let f = recurrent_activation(forget_gate.at(t, &hidden));
        let c = activation(candidate.at(t, &hidden));
        let o = recurrent_activation(output_gate.at(t, &hidden));
        let next_cell = f * cell.clone() + i * c;
        let next_hidden = o * activation(next_cell.clone());
        cell = keep(masked.get(t), cell, next_cell);
        hidden = keep(masked.get(t), hidden, next_hidden);
        sequence.push(hidden.clone());
    }
    LstmOutput { sequence: Tensor::stack(sequence, 1), state: LstmState { hidden, cell } }
}
