//! The operators on a GPU through CubeCL. A layer needs a few launches, for any number of steps.
//!
//! ```text
//! forward   sums = X K                             one product over all steps
//!           h, c, sums = all steps of the cell     one launch, a workgroup for some rows
//! backward  gradient of sums, states, in reverse   one launch
//!           gradients of X, K, R, bias             one product or sum each, over all steps
//! ```
//!
//! In the backward pass, each product is computed in parts, which are then added. `plan.rs` reads
//! the device's limits. If a layer's gates do not fit into workgroup memory, `steps.rs` runs a
//! product and a launch per step instead. Types other than `F32` and `F16`, and devices below the
//! WebGPU limits, use tensor operations. `F16` is a storage type, also between two launches; every
//! launch computes in `F32`.

mod backward;
mod cells;
mod forward;
mod plan;
mod steps;
mod tensors;

use burn::{
    backend::{TensorMetadata, ops::FloatTensorOps},
    tensor::{DType, Shape, Slice},
};
use burn_cubecl::{CubeBackend, kernel::into_contiguous, tensor::CubeTensor};
use cubecl::prelude::*;
pub(crate) use plan::{Method, limits};
use tensors::{empty, fours_of_columns, fours_of_rows, narrow, number, product_over_rows, zeros};

use crate::{
    cell::Cell,
    composed,
    operands::{Gradients, Operands, Optional, Outputs, Saved, Upstream, dims},
    ops::RecurrentOps,
    sizes::Sizes,
};

impl RecurrentOps for CubeBackend {
    fn recurrent(operands: Operands<Self>, kind: Cell) -> Outputs<Self> {
        match method(&operands, kind) {
            Some(method) => run(operands, kind, method).0,
            None => composed::forward(&operands, kind),
        }
    }

    fn recurrent_saving(operands: Operands<Self>, kind: Cell) -> (Outputs<Self>, Saved<Self>) {
        match method(&operands, kind) {
            Some(method) => run(operands, kind, method),
            None => composed::forward_saving(&operands, kind),
        }
    }

    fn recurrent_backward(
        operands: Operands<Self>,
        saved: Saved<Self>,
        upstream: Upstream<Self>,
        kind: Cell,
        needs_input: bool,
    ) -> Gradients<Self> {
        match method(&operands, kind) {
            Some(method) => run_backward(&operands, saved, &upstream, kind, method, needs_input),
            None => composed::backward(&operands, &saved, &upstream, kind, needs_input),
        }
    }
}

fn sizes(operands: &Operands<CubeBackend>) -> Sizes {
    let [batch, time, input] = dims(operands.input.shape());
    let [hidden, _] = dims(operands.recurrent_kernel.shape());
    Sizes { batch, time, input, hidden }
}

fn method(operands: &Operands<CubeBackend>, kind: Cell) -> Option<Method> {
    let stored = matches!(operands.input.dtype, DType::F32 | DType::F16);
    if operands.resets.as_ref().is_some() {
        return None;
    }
    if let Some(method) = forced() {
        return method(kind, sizes(operands));
    }
    stored.then(|| Method::of(kind, sizes(operands), limits(&operands.input.device)))?
}

/// Allocates the states of all steps. The first ones are the initial states, or zeros.
fn states(like: &CubeTensor, sizes: Sizes, initial: &Optional<CubeBackend>) -> CubeTensor {
    let Sizes { batch, time, hidden, .. } = sizes;
    let first = initial.as_ref().cloned().unwrap_or_else(|| zeros(like, [batch, hidden]));
    let all = empty(like, Shape::new([(time + 1) * batch, hidden]));
    CubeBackend::float_slice_assign(all, &[Slice::from(0..batch), Slice::from(..)], first)
}

fn run(
    operands: Operands<CubeBackend>,
    kind: Cell,
    method: Method,
) -> (Outputs<CubeBackend>, Saved<CubeBackend>) {
    let sizes @ Sizes { batch, time, hidden, .. } = sizes(&operands);
    let product =
        CubeBackend::float_matmul(composed::time_major(&operands), kernel_of_sums(&operands, kind));
    let sums = into_contiguous(product);
    let hiddens = states(&sums, sizes, &operands.hidden);
    let is_lstm = kind == Cell::Lstm;
    let cells = if is_lstm { states(&sums, sizes, &operands.cell) } else { hiddens.clone() };
    let mask = operands.mask.as_ref().cloned().map(into_contiguous);
    let bias = into_contiguous(operands.bias);
    let sequence = match method {
        Method::Whole(plan) => {
            let sequence = empty(&sums, [batch, time, hidden]);
            let masked = mask.is_some();
            forward::recurrence::launch(
                &sums.client,
                CubeCount::Static(batch.div_ceil(plan.rows) as u32, 1, 1),
                CubeDim::new_1d(plan.units as u32),
                sums.clone().into_tensor_arg(),
                fours_of_rows(operands.recurrent_kernel).into_tensor_arg(),
                bias.clone().into_tensor_arg(),
                hiddens.clone().into_tensor_arg(),
                cells.clone().into_tensor_arg(),
                sequence.clone().into_tensor_arg(),
                mask.unwrap_or(bias).into_tensor_arg(),
                batch as u32,
                time as u32,
                plan,
                masked,
                number(&sums),
            );
            sequence
        }
        Method::Steps => {
            let tensors = steps::Forward {
                sums: &sums,
                recurrent_kernel: into_contiguous(operands.recurrent_kernel),
                bias,
                hidden: &hiddens,
                cell: &cells,
                mask,
                initial: into_contiguous(narrow(&hiddens, 0, 0, batch)),
            };
            steps::forward(tensors, kind, sizes);
            let after = CubeBackend::float_reshape(
                narrow(&hiddens, 0, batch, time * batch),
                Shape::new([time, batch, hidden]),
            );
            CubeBackend::float_swap_dims(after, 0, 1)
        }
    };
    let last = |states: &CubeTensor| narrow(states, 0, time * batch, batch);
    let state = last(&hiddens);
    let cell = if is_lstm { last(&cells) } else { state.clone() };
    (Outputs { sequence, hidden: state, cell }, Saved { sums, hidden: hiddens, cell: cells })
}

fn run_backward(
    operands: &Operands<CubeBackend>,
    saved: Saved<CubeBackend>,
    upstream: &Upstream<CubeBackend>,
    kind: Cell,
    method: Method,
    needs_input: bool,
) -> Gradients<CubeBackend> {
    let sizes @ Sizes { batch, time, hidden, .. } = sizes(operands);
    let sums = into_contiguous(saved.sums);
    let given = |gradient: &Optional<CubeBackend>| {
        gradient.as_ref().cloned().unwrap_or_else(|| zeros(&sums, [batch, hidden]))
    };
    let (of_hidden, of_cell) = (given(&upstream.hidden), given(&upstream.cell));
    let states =
        into_contiguous(if kind == Cell::Lstm { saved.cell } else { saved.hidden.clone() });
    let mask = operands.mask.as_ref().cloned().map(into_contiguous);
    let sequence = upstream.sequence.as_ref().cloned().map(into_contiguous);
    let gradient = empty(&sums, sums.shape());
    let of_initial = match method {
        Method::Whole(plan) => {
            let carried = into_contiguous(CubeBackend::float_cat(vec![of_hidden, of_cell], 0));
            let (masked, follows) = (mask.is_some(), sequence.is_some());
            backward::recurrence::launch(
                &sums.client,
                CubeCount::Static(batch.div_ceil(plan.rows) as u32, 1, 1),
                CubeDim::new_1d(plan.units as u32),
                sums.clone().into_tensor_arg(),
                states.into_tensor_arg(),
                fours_of_columns(operands.recurrent_kernel.clone()).into_tensor_arg(),
                sequence.unwrap_or_else(|| sums.clone()).into_tensor_arg(),
                carried.clone().into_tensor_arg(),
                mask.unwrap_or_else(|| sums.clone()).into_tensor_arg(),
                gradient.clone().into_tensor_arg(),
                batch as u32,
                time as u32,
                plan,
                masked,
                follows,
                number(&sums),
            );
            [0, batch].map(|start| narrow(&carried, 0, start, batch))
        }
        Method::Steps => {
            let tensors = steps::Backward {
                saved: sums,
                states,
                recurrent_kernel: operands.recurrent_kernel.clone(),
                upstream: sequence,
                hidden: of_hidden,
                cell: of_cell,
                mask,
                gradient: &gradient,
            };
            steps::backward(tensors, kind, sizes)
        }
    };
    composed::gradients::<CubeBackend>(
        operands,
        gradient,
        &saved.hidden,
        of_initial,
        kind,
        needs_input,
        product_over_rows,
    )
}

/// A function by which a test forces a method, independent of the device's limits.
type Choice = fn(Cell, Sizes) -> Option<Method>;

#[cfg(test)]
pub(crate) static FORCED: std::sync::Mutex<Option<Choice>> = std::sync::Mutex::new(None);

#[cfg(test)]
fn forced() -> Option<Choice> {
    *FORCED.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

#[cfg(not(test))]
fn forced() -> Option<Choice> {
    None
}

/// The kernel with one column per sum. A GRU's third sum has no input part, so its columns are
/// zero.
fn kernel_of_sums(operands: &Operands<CubeBackend>, kind: Cell) -> CubeTensor {
    let kernel = operands.kernel.clone();
    match kind {
        Cell::SimpleRnn | Cell::Lstm => kernel,
        Cell::Gru => {
            let [input, gates] = dims(kernel.shape());
            let units = gates / 3;
            let zeros = zeros(&kernel, [input, units]);
            CubeBackend::float_cat(
                vec![narrow(&kernel, 1, 0, 2 * units), zeros, narrow(&kernel, 1, 2 * units, units)],
                1,
            )
        }
    }
}
