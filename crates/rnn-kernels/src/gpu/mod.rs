//! Whole sequences on a GPU through CubeCL: a few launches for a layer, however many steps it has.
//!
//! ```text
//! forward   sums = X K                             one product over all steps
//!           h, c, sums = all steps of the cell     one launch, a workgroup for some rows of the batch
//! backward  gradient of sums, states, in reverse   one launch
//!           gradients of X, K, R, bias             one product or sum each, over all steps
//! ```
//!
//! `plan.rs` reads the device's limits. What has no plan (a hidden size whose gates do not fit into workgroup memory, buffers beyond the device's,
//! numbers other than `F32`) is composed of tensor operations.

mod backward;
mod cells;
mod forward;
pub(crate) mod metadata;
mod plan;

use burn::{
    backend::{TensorMetadata, ops::FloatTensorOps, tensor::FloatTensor},
    tensor::{DType, Shape, Slice},
};
use burn_cubecl::{CubeBackend, kernel::into_contiguous, ops::numeric::empty_device_contiguous_dtype, tensor::CubeTensor};
use cubecl::prelude::*;
pub(crate) use plan::{Limits, Plan};

use crate::{
    backends::dims,
    composed,
    cpu::Sizes,
    ops::{CellKind, Gradients, Operands, Optional, Outputs, RecurrentOps, Saved, Upstream},
};

impl RecurrentOps for CubeBackend {
    fn recurrent(operands: Operands<Self>, kind: CellKind) -> Outputs<Self> {
        match plan(&operands, kind) {
            Some(plan) => run(operands, plan).0,
            None => composed::forward(&operands, kind),
        }
    }

    fn recurrent_saving(operands: Operands<Self>, kind: CellKind) -> (Outputs<Self>, Saved<Self>) {
        match plan(&operands, kind) {
            Some(plan) => run(operands, plan),
            None => composed::forward_saving(&operands, kind),
        }
    }

    fn recurrent_backward(
        operands: Operands<Self>,
        saved: Saved<Self>,
        upstream: Upstream<Self>,
        kind: CellKind,
        needs_input: bool,
    ) -> Gradients<Self> {
        match plan(&operands, kind) {
            Some(plan) => run_backward(&operands, saved, &upstream, plan, needs_input),
            None => composed::backward(&operands, &saved, &upstream, kind, needs_input),
        }
    }
}

fn sizes(operands: &Operands<CubeBackend>) -> Sizes {
    let [batch, time, input] = dims(operands.input.shape());
    let [hidden, _] = dims(operands.recurrent_kernel.shape());
    Sizes { batch, time, input, hidden }
}

fn plan(operands: &Operands<CubeBackend>, kind: CellKind) -> Option<Plan> {
    let device = &operands.input.device;
    (operands.input.dtype == DType::F32).then(|| Plan::whole(kind, sizes(operands), Limits::of(device)))?
}

/// Memory for a tensor, beside another one.
fn empty(like: &CubeTensor, shape: impl Into<Shape>) -> CubeTensor {
    empty_device_contiguous_dtype(like.client.clone(), like.device.clone(), shape.into(), like.dtype)
}

/// States of all steps, of which those before the first are given, or zeros.
fn states(like: &CubeTensor, sizes: Sizes, initial: &Optional<CubeBackend>) -> CubeTensor {
    let Sizes { batch, time, hidden, .. } = sizes;
    let first = match initial.as_ref() {
        Some(first) => first.clone(),
        None => CubeBackend::float_zeros(Shape::new([batch, hidden]), &like.device, like.dtype.into()),
    };
    let all = empty(like, Shape::new([(time + 1) * batch, hidden]));
    CubeBackend::float_slice_assign(all, &[Slice::from(0..batch), Slice::from(..)], first)
}

fn run(operands: Operands<CubeBackend>, plan: Plan) -> (Outputs<CubeBackend>, Saved<CubeBackend>) {
    let sizes @ Sizes { batch, time, hidden, .. } = sizes(&operands);
    let product = CubeBackend::float_matmul(composed::time_major(&operands), kernel_of_sums(&operands, plan.kind));
    let sums = into_contiguous(product);
    let hiddens = states(&sums, sizes, &operands.hidden);
    let is_lstm = plan.kind == CellKind::Lstm;
    let cells = if is_lstm { states(&sums, sizes, &operands.cell) } else { hiddens.clone() };
    let sequence = empty(&sums, Shape::new([batch, time, hidden]));
    let mask = operands.mask.as_ref().cloned().map(into_contiguous);
    let masked = mask.is_some();
    forward::recurrence::launch(
        &sums.client.clone(),
        CubeCount::Static(batch.div_ceil(plan.rows) as u32, 1, 1),
        CubeDim::new_1d(plan.units as u32),
        sums.clone().into_tensor_arg(),
        into_contiguous(operands.recurrent_kernel).into_tensor_arg(),
        into_contiguous(operands.bias.clone()).into_tensor_arg(),
        hiddens.clone().into_tensor_arg(),
        cells.clone().into_tensor_arg(),
        sequence.clone().into_tensor_arg(),
        mask.unwrap_or(operands.bias).into_tensor_arg(),
        batch as u32,
        time as u32,
        plan,
        masked,
    );
    let last = |states: &CubeTensor| narrow(states, 0, time * batch, batch);
    let state = last(&hiddens);
    let cell = if is_lstm { last(&cells) } else { state.clone() };
    (Outputs { sequence, hidden: state, cell }, Saved { sums, hidden: hiddens, cell: cells })
}

fn run_backward(
    operands: &Operands<CubeBackend>,
    saved: Saved<CubeBackend>,
    upstream: &Upstream<CubeBackend>,
    plan: Plan,
    needs_input: bool,
) -> Gradients<CubeBackend> {
    let Sizes { batch, time, hidden, .. } = sizes(operands);
    let sums = saved.sums;
    let given = |gradient: &Optional<CubeBackend>| match gradient.as_ref() {
        Some(gradient) => gradient.clone(),
        None => CubeBackend::float_zeros(Shape::new([batch, hidden]), &sums.device, sums.dtype.into()),
    };
    let carried = into_contiguous(CubeBackend::float_cat(vec![given(&upstream.hidden), given(&upstream.cell)], 0));
    let states = if plan.kind == CellKind::Lstm { saved.cell } else { saved.hidden.clone() };
    let (mask, sequence) = (operands.mask.as_ref().cloned(), upstream.sequence.as_ref().cloned());
    let (masked, follows) = (mask.is_some(), sequence.is_some());
    let or_any = |tensor: Option<CubeTensor>| into_contiguous(tensor.unwrap_or_else(|| operands.bias.clone()));
    let gradient = empty(&sums, sums.shape());
    backward::recurrence::launch(
        &sums.client.clone(),
        CubeCount::Static(batch.div_ceil(plan.rows) as u32, 1, 1),
        CubeDim::new_1d(plan.units as u32),
        into_contiguous(sums).into_tensor_arg(),
        into_contiguous(states).into_tensor_arg(),
        into_contiguous(CubeBackend::float_transpose(operands.recurrent_kernel.clone())).into_tensor_arg(),
        or_any(sequence).into_tensor_arg(),
        carried.clone().into_tensor_arg(),
        or_any(mask).into_tensor_arg(),
        gradient.clone().into_tensor_arg(),
        batch as u32,
        time as u32,
        plan,
        masked,
        follows,
    );
    let carried = [0, batch].map(|start| narrow(&carried, 0, start, batch));
    composed::gradients::<CubeBackend>(operands, gradient, &saved.hidden, carried, plan.kind, needs_input)
}

/// The kernel with a column for each sum; of a GRU's third sum, which has no part of the input, zeros.
fn kernel_of_sums(operands: &Operands<CubeBackend>, kind: CellKind) -> CubeTensor {
    let kernel = operands.kernel.clone();
    match kind {
        CellKind::SimpleRnn | CellKind::Lstm => kernel,
        CellKind::Gru => {
            let [input, gates] = dims(kernel.shape());
            let units = gates / 3;
            let zeros = CubeBackend::float_zeros(Shape::new([input, units]), &kernel.device, kernel.dtype.into());
            CubeBackend::float_cat(vec![narrow(&kernel, 1, 0, 2 * units), zeros, narrow(&kernel, 1, 2 * units, units)], 1)
        }
    }
}

fn narrow(tensor: &FloatTensor<CubeBackend>, dim: usize, start: usize, length: usize) -> CubeTensor {
    composed::narrow::<CubeBackend>(tensor, dim, start, length)
}
