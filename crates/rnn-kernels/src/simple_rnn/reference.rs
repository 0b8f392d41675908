use burn::tensor::Tensor;

use super::SimpleRnnWeights;
use crate::{
    check::CellCheck,
    hidden_output::HiddenOutput,
    time::gates,
    variant::{Variant, keep},
};

/// [`simple_rnn`](super::simple_rnn()) composed of plain tensor operations, for any [`Variant`] of
/// the cell.
///
/// # Shapes
///
/// The shapes are those of [`simple_rnn`](super::simple_rnn()).
///
/// # Panics
///
/// Panics for the same reasons as [`simple_rnn`](super::simple_rnn()).
pub fn simple_rnn_reference(
    input: Tensor<3>,
    weights: SimpleRnnWeights,
    initial: Option<Tensor<2>>,
    variant: &Variant<'_>,
) -> HiddenOutput {
    let SimpleRnnWeights { kernel, recurrent_kernel, bias } = weights;
    let check = CellCheck::new("simple_rnn", 1, &input, &kernel, &recurrent_kernel);
    check.bias("bias", bias.as_ref());
    check.state("initial hidden state", initial.as_ref());
    check.variant(variant);
    let (batch, time, units) = (check.sizes.batch, check.sizes.time, check.sizes.hidden);
    let mut hidden =
        initial.unwrap_or_else(|| Tensor::zeros([batch, units], (&input.device(), input.dtype())));

    let masked = variant.masked(units);
    let reset = variant.reset(units);
    let start = variant.reset_state(&hidden);
    let [gate] = gates(input, kernel, recurrent_kernel, bias, variant);
    let mut sequence = Vec::with_capacity(time);
    for t in 0..time {
        hidden = keep(reset.get(t), start.clone(), hidden);
        let next = (variant.activation)(gate.at(t, &hidden));
        hidden = keep(masked.get(t), hidden, next);
        sequence.push(hidden.clone());
    }
    HiddenOutput { sequence: Tensor::stack(sequence, 1), state: hidden }
}
