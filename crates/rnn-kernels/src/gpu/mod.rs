//! The operators on a GPU through CubeCL. A layer needs a few launches, for any number of steps.
//!
//! ```text
//! forward   sums = X K                             one product over all steps
//!           h, c, sums = all steps of the cell     one launch, a workgroup for some rows
//! backward  gradient of sums, states, in reverse   one launch
//!           gradients of X, K, R, bias             one product or sum each, over all steps
//! ```
//!
//! `plan.rs` reads the device's limits. All steps run in one launch (`sequence/`). Recurrent
//! weights are kept in registers if they fit, else read in every step. Layers with too many weights
//! take one launch per step (`steps/`). Products over all steps are in `product.rs`. In the
//! backward pass, each is computed in parts, which are then added.
//!
//! Types other than `F32` and `F16`, and devices below the WebGPU limits, use tensor operations.
//! `F16` is a storage type, also between two launches; every launch computes in `F32`.

mod cells;
mod padding;
mod plan;
mod product;
mod sequence;
mod steps;
mod tensors;
mod tile;

use burn::{
    backend::{TensorMetadata, ops::FloatTensorOps},
    tensor::{DType, Shape, Slice},
};
use burn_cubecl::{CubeBackend, CubeDevice, kernel::into_contiguous, tensor::CubeTensor};
use padding::Padding;
pub(crate) use plan::{Method, limits};
use tensors::{Backward, Forward, empty, narrow, product_over_rows, zeros};

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
    if method == Method::Steps
        && let Some(padding) = Padding::of(kind, hidden)
    {
        return padding.results(run(padding.operands(&operands), kind, method));
    }
    let sums = if emulated(&operands.input.device) {
        into_contiguous(CubeBackend::float_matmul(
            composed::time_major(&operands),
            kernel_of_sums(&operands, kind),
        ))
    } else {
        product::sums(&operands, kind, sizes)
    };
    // The kernels of all steps start from zeros by themselves.
    let fresh = method != Method::Steps
        && operands.hidden.as_ref().is_none()
        && operands.cell.as_ref().is_none();
    let start = |initial: &Optional<CubeBackend>| {
        if fresh {
            empty(&sums, [(time + 1) * batch, hidden])
        } else {
            states(&sums, sizes, initial)
        }
    };
    let hiddens = start(&operands.hidden);
    let is_lstm = kind == Cell::Lstm;
    let cells = if is_lstm { start(&operands.cell) } else { hiddens.clone() };
    let tensors = Forward {
        sums: &sums,
        recurrent_kernel: operands.recurrent_kernel,
        bias: into_contiguous(operands.bias),
        hidden: &hiddens,
        cell: &cells,
        mask: operands.mask.as_ref().cloned().map(into_contiguous),
    };
    let sequence = match method {
        Method::Sequence(plan) => sequence::forward(tensors, plan, fresh, sizes),
        Method::Steps => steps::forward(tensors, kind, sizes),
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
    let sizes @ Sizes { hidden, .. } = sizes(operands);
    if method == Method::Steps
        && let Some(padding) = Padding::of(kind, hidden)
    {
        let (operands, saved) = (padding.operands(operands), padding.saved(saved));
        let upstream = padding.upstream(upstream);
        let gradients = run_backward(&operands, saved, &upstream, kind, method, needs_input);
        return padding.gradients(gradients);
    }
    let sums = into_contiguous(saved.sums);
    let gradient = empty(&sums, sums.shape());
    let tensors = Backward {
        saved: &sums,
        states: into_contiguous(if kind == Cell::Lstm { saved.cell } else { saved.hidden.clone() }),
        recurrent_kernel: operands.recurrent_kernel.clone(),
        upstream: upstream.sequence.as_ref().cloned().map(into_contiguous),
        of_state: [&upstream.hidden, &upstream.cell].map(|gradient| gradient.as_ref().cloned()),
        mask: operands.mask.as_ref().cloned().map(into_contiguous),
        gradient: &gradient,
    };
    let of_initial = match method {
        Method::Sequence(plan) => sequence::backward(tensors, plan, sizes),
        Method::Steps => steps::backward(tensors, kind, sizes),
    };
    if emulated(&operands.input.device) {
        composed::gradients::<CubeBackend>(
            operands,
            gradient,
            &saved.hidden,
            of_initial,
            kind,
            needs_input,
            product_over_rows,
        )
    } else {
        let hiddens = saved.hidden;
        product::gradients(operands, gradient, hiddens, of_initial, kind, needs_input, sizes)
    }
}

/// True if a CPU driver emulates the GPU. It reads number by number: Burn's products suit it better
/// than tiles. A test that forces a method runs the kernels of a GPU.
fn emulated(device: &CubeDevice) -> bool {
    forced().is_none() && limits(device).software
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
