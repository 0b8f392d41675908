//! All steps in one launch. A workgroup takes some rows of the batch through all steps.
//!
//! A step is the product of a vector per row with the recurrent matrix, then the cells. The matrix
//! is split among the invocations of the workgroup ([`Split`](super::plan::Split)). Its weights are
//! kept in registers for all steps, or read in every step.

mod backward;
mod forward;
mod weights;

use burn_cubecl::{kernel::into_contiguous, tensor::CubeTensor};
use cubecl::prelude::*;
use weights::FOUR;

use super::{
    plan::Plan,
    tensors::{Backward, Forward, carried, empty, fours_of_columns, fours_of_rows, narrow, number},
};
use crate::sizes::Sizes;

/// Runs all steps: fills the sums and states, and returns the sequence, `[B, T, H]`.
///
/// If the call is `fresh`, the initial states are not set yet; they are zeros.
pub(super) fn forward(tensors: Forward<'_>, plan: Plan, fresh: bool, sizes: Sizes) -> CubeTensor {
    let Forward { sums, recurrent_kernel, bias, hidden, cell, mask } = tensors;
    let Sizes { batch, time, hidden: units, .. } = sizes;
    let sequence = empty(sums, [batch, time, units]);
    let masked = mask.is_some();
    let (weights, vector) = if plan.keeps() {
        (into_contiguous(recurrent_kernel), 1)
    } else {
        (fours_of_rows(recurrent_kernel), FOUR)
    };
    forward::recurrence::launch(
        &sums.client,
        plan.workgroups(batch),
        CubeDim::new_1d(plan.forward.invocations() as u32),
        sums.clone().into_tensor_arg(),
        weights.into_tensor_arg(),
        bias.clone().into_tensor_arg(),
        hidden.clone().into_tensor_arg(),
        cell.clone().into_tensor_arg(),
        sequence.clone().into_tensor_arg(),
        mask.unwrap_or(bias).into_tensor_arg(),
        batch as u32,
        time as u32,
        plan,
        masked,
        fresh,
        number(sums),
        vector,
    );
    sequence
}

/// Runs all steps in reverse: fills the gradient of the sums, and returns those of the initial
/// hidden and cell states.
pub(super) fn backward(tensors: Backward<'_>, plan: Plan, sizes: Sizes) -> [CubeTensor; 2] {
    let Backward { saved, states, recurrent_kernel, upstream, of_state, mask, gradient } = tensors;
    let Sizes { batch, time, hidden: units, .. } = sizes;
    let fresh = of_state.iter().all(Option::is_none);
    let carried =
        if fresh { empty(saved, [2 * batch, units]) } else { carried(saved, of_state, sizes) };
    let (masked, follows) = (mask.is_some(), upstream.is_some());
    let (weights, vector) = if plan.keeps() {
        (into_contiguous(recurrent_kernel), 1)
    } else {
        (fours_of_columns(recurrent_kernel), FOUR)
    };
    backward::recurrence::launch(
        &saved.client,
        plan.workgroups(batch),
        CubeDim::new_1d(plan.backward.invocations() as u32),
        saved.clone().into_tensor_arg(),
        states.into_tensor_arg(),
        weights.into_tensor_arg(),
        upstream.unwrap_or_else(|| saved.clone()).into_tensor_arg(),
        carried.clone().into_tensor_arg(),
        mask.unwrap_or_else(|| saved.clone()).into_tensor_arg(),
        gradient.clone().into_tensor_arg(),
        batch as u32,
        time as u32,
        plan,
        masked,
        follows,
        fresh,
        number(saved),
        vector,
    );
    [0, batch].map(|start| narrow(&carried, 0, start, batch))
}
