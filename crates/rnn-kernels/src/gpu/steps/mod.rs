//! One launch per step: the recurrent product of a tile of rows and units, then their cells. For
//! layers whose weights are too many to be read by every workgroup in every step.
//!
//! All rows are read and written in vectors of four numbers, so `H` is a multiple of four; see
//! [`padding`](super::padding).

mod backward;
mod forward;
mod tile;

use burn::{backend::ops::FloatTensorOps, tensor::Shape};
use burn_cubecl::{CubeBackend, tensor::CubeTensor};
use tile::Tile;

use super::{
    plan::limits,
    tensors::{Backward, Forward, carried, fours_of_columns, fours_of_rows, narrow, number},
};
use crate::{cell::Cell, sizes::Sizes};

/// Runs all steps: fills the sums and states, and returns the sequence, `[B, T, H]`.
pub(super) fn forward(tensors: Forward<'_>, kind: Cell, sizes: Sizes) -> CubeTensor {
    let Forward { sums, recurrent_kernel, bias, hidden, cell, mask } = tensors;
    let Sizes { batch, time, hidden: units, .. } = sizes;
    let weights = fours_of_rows(recurrent_kernel);
    let masked = mask.is_some();
    let mask = mask.unwrap_or_else(|| bias.clone());
    let tile = Tile::of(kind, sizes, kind.gates(), limits(&sums.device));
    let (count, dim) = tile.launched(batch);
    for t in 0..time {
        forward::step::launch(
            &sums.client,
            count.clone(),
            dim,
            sums.clone().into_tensor_arg(),
            weights.clone().into_tensor_arg(),
            bias.clone().into_tensor_arg(),
            hidden.clone().into_tensor_arg(),
            cell.clone().into_tensor_arg(),
            mask.clone().into_tensor_arg(),
            batch as u32,
            time as u32,
            t as u32,
            tile,
            masked,
            number(sums),
        );
    }
    let after = narrow(hidden, 0, batch, time * batch);
    let after = CubeBackend::float_reshape(after, Shape::new([time, batch, units]));
    CubeBackend::float_swap_dims(after, 0, 1)
}

/// Runs all steps in reverse: fills the gradient of the sums, and returns those of the initial
/// hidden and cell states.
pub(super) fn backward(tensors: Backward<'_>, kind: Cell, sizes: Sizes) -> [CubeTensor; 2] {
    let Backward { saved, states, recurrent_kernel, upstream, of_state, mask, gradient } = tensors;
    let Sizes { batch, time, .. } = sizes;
    let transposed = fours_of_columns(recurrent_kernel);
    let carried = carried(saved, of_state, sizes);
    let (masked, follows) = (mask.is_some(), upstream.is_some());
    let mask = mask.unwrap_or_else(|| saved.clone());
    let upstream = upstream.unwrap_or_else(|| saved.clone());
    let tile = Tile::of(kind, sizes, 1, limits(&saved.device));
    let (count, dim) = tile.launched(batch);
    // The last launch computes what the first step leaves for the initial states.
    for after in (0..=time).rev() {
        backward::step::launch(
            &saved.client,
            count.clone(),
            dim,
            saved.clone().into_tensor_arg(),
            states.clone().into_tensor_arg(),
            transposed.clone().into_tensor_arg(),
            upstream.clone().into_tensor_arg(),
            carried.clone().into_tensor_arg(),
            mask.clone().into_tensor_arg(),
            gradient.clone().into_tensor_arg(),
            batch as u32,
            time as u32,
            after as u32,
            tile,
            after == time,
            after == 0,
            masked,
            follows,
            number(saved),
        );
    }
    [0, batch].map(|start| narrow(&carried, 0, start, batch))
}
