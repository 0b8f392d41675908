//! Runs a product and a launch per step, for layers whose gates do not fit into workgroup memory.

use burn::{
    backend::{ops::FloatTensorOps, tensor::FloatTensor},
    tensor::DType,
};
use burn_cubecl::{
    CubeBackend,
    kernel::{
        into_contiguous,
        matmul::{MatmulStrategy, matmul},
    },
    tensor::CubeTensor,
};
use cubecl::{ir::ElemType, prelude::*, zspace::metadata::Metadata};

use super::{
    cells::{self, CellState},
    tensors::{empty, narrow, number, zeros},
};
use crate::{cell::Cell, limits::GpuLimits, sizes::Sizes};

/// Invocations per workgroup; every WebGPU device supports this number.
const INVOCATIONS: u32 = GpuLimits::WEBGPU.invocations as u32;
/// Workgroups per launch in one dimension; every WebGPU device supports this number.
const MOST_WORKGROUPS: u32 = GpuLimits::WEBGPU.workgroups as u32;

/// Tensors of a forward pass. Shapes are those of [`super::forward::recurrence`], except for the
/// recurrent kernel, `[H, G*H]`.
pub(super) struct Forward<'a> {
    pub(super) sums: &'a CubeTensor,
    pub(super) recurrent_kernel: CubeTensor,
    pub(super) bias: CubeTensor,
    pub(super) hidden: &'a CubeTensor,
    pub(super) cell: &'a CubeTensor,
    pub(super) mask: Option<CubeTensor>,
    /// States before the first step, `[B, H]`.
    pub(super) initial: CubeTensor,
}

/// Tensors of a backward pass. Shapes are those of [`super::backward::recurrence`].
pub(super) struct Backward<'a> {
    pub(super) saved: CubeTensor,
    pub(super) states: CubeTensor,
    /// Recurrent kernel, `[H, G*H]`.
    pub(super) recurrent_kernel: CubeTensor,
    pub(super) upstream: Option<CubeTensor>,
    /// Gradients of the states after the last step, `[B, H]` each.
    pub(super) hidden: CubeTensor,
    pub(super) cell: CubeTensor,
    pub(super) mask: Option<CubeTensor>,
    pub(super) gradient: &'a CubeTensor,
}

fn launched(invocations: usize) -> (CubeCount, CubeDim) {
    // `Method::of` admits only sizes that fit into 32 bits.
    let workgroups = (invocations as u32).div_ceil(INVOCATIONS);
    let rows = workgroups.div_ceil(MOST_WORKGROUPS);
    (CubeCount::Static(workgroups.div_ceil(rows), rows, 1), CubeDim::new_1d(INVOCATIONS))
}

/// Runs all steps and fills `sums`, `hidden` and `cell`.
pub(super) fn forward(tensors: Forward<'_>, kind: Cell, sizes: Sizes) {
    let Sizes { batch, time, hidden, .. } = sizes;
    let Forward { sums, recurrent_kernel, bias, hidden: hiddens, cell, mask, initial } = tensors;
    let masked = mask.is_some();
    let mask = mask.unwrap_or_else(|| bias.clone());
    let (count, dim) = launched(batch * hidden);
    let mut current = initial;
    for t in 0..time {
        let products = product(current, recurrent_kernel.clone(), None);
        current = empty(sums, [batch, hidden]);
        forward_step::launch(
            &sums.client,
            count.clone(),
            dim,
            products.into_tensor_arg(),
            sums.clone().into_tensor_arg(),
            bias.clone().into_tensor_arg(),
            hiddens.clone().into_tensor_arg(),
            cell.clone().into_tensor_arg(),
            mask.clone().into_tensor_arg(),
            current.clone().into_tensor_arg(),
            batch as u32,
            time as u32,
            t as u32,
            kind,
            hidden,
            masked,
            number(sums),
        );
    }
}

/// Runs all steps in reverse and fills `gradient`. Returns the gradients of the initial hidden and
/// cell states.
pub(super) fn backward(tensors: Backward<'_>, kind: Cell, sizes: Sizes) -> [CubeTensor; 2] {
    let Sizes { batch, time, hidden, .. } = sizes;
    let Backward {
        saved,
        states,
        recurrent_kernel,
        upstream,
        hidden: of_hidden,
        cell,
        mask,
        gradient,
    } = tensors;
    // Three gradients in one tensor. The first two are those of the hidden state, through the next
    // step's product and by other paths. The third is that of the cell state. The product is
    // written in place of the first, so that one binding is enough.
    let carried = CubeBackend::float_cat(vec![zeros(&saved, [batch, hidden]), of_hidden, cell], 0);
    let carried = into_contiguous(carried);
    let mut through = carried.clone();
    *through.meta = Metadata::new([batch, hidden], [hidden, 1]);
    let transposed = transposed_of_sums(recurrent_kernel, kind, hidden);
    let (masked, follows) = (mask.is_some(), upstream.is_some());
    let mask = mask.unwrap_or_else(|| saved.clone());
    let upstream = upstream.unwrap_or_else(|| saved.clone());
    let (count, dim) = launched(batch * hidden);
    for t in (0..time).rev() {
        let gates = empty(&saved, [batch, kind.sums() * hidden]);
        backward_step::launch(
            &saved.client,
            count.clone(),
            dim,
            saved.clone().into_tensor_arg(),
            states.clone().into_tensor_arg(),
            upstream.clone().into_tensor_arg(),
            carried.clone().into_tensor_arg(),
            mask.clone().into_tensor_arg(),
            gradient.clone().into_tensor_arg(),
            gates.clone().into_tensor_arg(),
            batch as u32,
            time as u32,
            t as u32,
            kind,
            hidden,
            masked,
            follows,
            number(&saved),
        );
        product(gates, transposed.clone(), Some(through.clone()));
    }
    let part = |index: usize| narrow(&carried, 0, index * batch, batch);
    [CubeBackend::float_add(part(0), part(1)), part(2)]
}

/// Computes a matrix product in one launch.
fn product(
    left: FloatTensor<CubeBackend>,
    right: CubeTensor,
    out: Option<CubeTensor>,
) -> CubeTensor {
    let dtype: DType = left.dtype;
    let product = matmul(left, right, out, MatmulStrategy::default(), dtype);
    product.unwrap_or_else(|error| {
        panic!("recurrent operators: cannot launch a matrix product: {error:?}")
    })
}

/// The transposed recurrent kernel with one row per sum, `[S*H, H]`. A GRU's fourth sum has no
/// recurrent part, so its rows are zero.
fn transposed_of_sums(recurrent_kernel: CubeTensor, kind: Cell, units: usize) -> CubeTensor {
    let kernel = match kind {
        Cell::SimpleRnn | Cell::Lstm => recurrent_kernel,
        Cell::Gru => {
            let zeros = zeros(&recurrent_kernel, [units, units]);
            CubeBackend::float_cat(vec![recurrent_kernel, zeros], 1)
        }
    };
    into_contiguous(CubeBackend::float_transpose(kernel))
}

/// Runs one step of the whole batch, with one invocation per hidden unit and row.
///
/// # Shapes
///
/// - products: products of the states with the recurrent kernel, `[B, G*H]`
/// - current: the states after the step, `[B, H]`
/// - all others: as in [`super::forward::recurrence`]
#[cube(launch)]
fn forward_step<F: Float>(
    products: &Tensor<F>,
    sums: &mut Tensor<F>,
    bias: &Tensor<F>,
    hidden: &mut Tensor<F>,
    cell: &mut Tensor<F>,
    mask: &Tensor<F>,
    current: &mut Tensor<F>,
    batch: u32,
    time: u32,
    t: u32,
    #[comptime] kind: Cell,
    #[comptime] units: usize,
    #[comptime] masked: bool,
    #[define(F)] _number: ElemType,
) {
    let (batch, time, t) = (batch as usize, time as usize, t as usize);
    let index = ABSOLUTE_POS;
    if index >= batch * units {
        terminate!();
    }
    let (row, j) = (index / units, index % units);
    let before = t * batch * units + index;
    let after = before + batch * units;
    let mut state = f32::cast_from(hidden[before]);
    let mut cell_state = 0.0f32;
    if comptime!(kind == Cell::Lstm) {
        cell_state = f32::cast_from(cell[before]);
    }
    let mut counts = true;
    if comptime!(masked) {
        counts = f32::cast_from(mask[row * time + t]) != 0.0f32;
    }
    if counts {
        let mut of_gates = Array::<f32>::new(comptime!(kind.gates()));
        #[unroll]
        for g in 0..comptime!(kind.gates()) {
            of_gates[g] = f32::cast_from(products[(row * comptime!(kind.gates()) + g) * units + j]);
        }
        let at = (t * batch + row) * comptime!(kind.sums() * units) + j;
        let next = cells::forward::<F>(
            sums,
            at,
            bias,
            j,
            &of_gates,
            CellState { hidden: state, cell: cell_state },
            kind,
            units,
        );
        state = next.hidden;
        cell_state = next.cell;
    }
    hidden[after] = F::cast_from(state);
    current[index] = F::cast_from(state);
    if comptime!(kind == Cell::Lstm) {
        cell[after] = F::cast_from(cell_state);
    }
}

/// Runs one step of the whole batch in reverse, with one invocation per hidden unit and row.
///
/// # Shapes
///
/// - carried: gradients of the hidden states through the next step's product and by other paths,
///   then of the cell states, `[3*B, H]`; the last two are replaced by those before the step
/// - gates: the gradients of the step's sums, `[B, S*H]`
/// - all others: as in [`super::backward::recurrence`]
#[cube(launch)]
fn backward_step<F: Float>(
    saved: &Tensor<F>,
    states: &Tensor<F>,
    upstream: &Tensor<F>,
    carried: &mut Tensor<F>,
    mask: &Tensor<F>,
    gradient: &mut Tensor<F>,
    gates: &mut Tensor<F>,
    batch: u32,
    time: u32,
    t: u32,
    #[comptime] kind: Cell,
    #[comptime] units: usize,
    #[comptime] masked: bool,
    #[comptime] follows: bool,
    #[define(F)] _number: ElemType,
) {
    let (batch, time, t) = (batch as usize, time as usize, t as usize);
    let index = ABSOLUTE_POS;
    let layer = batch * units;
    if index >= layer {
        terminate!();
    }
    let (row, j) = (index / units, index % units);
    let mut of_hidden = f32::cast_from(carried[index]) + f32::cast_from(carried[layer + index]);
    let mut of_cell = f32::cast_from(carried[2 * layer + index]);
    if comptime!(follows) {
        of_hidden += f32::cast_from(upstream[(row * time + t) * units + j]);
    }
    let width = comptime!(kind.sums() * units);
    let at = (t * batch + row) * width + j;
    let mut counts = true;
    if comptime!(masked) {
        counts = f32::cast_from(mask[row * time + t]) != 0.0f32;
    }
    if counts {
        let before = t * layer + index;
        let of = CellState { hidden: of_hidden, cell: of_cell };
        let mut own_gates = Array::<f32>::new(comptime!(kind.gates()));
        let through = cells::backward::<F>(
            saved,
            gradient,
            at,
            states,
            before,
            before + layer,
            of,
            &mut own_gates,
            kind,
            units,
        );
        of_hidden = through.hidden;
        of_cell = through.cell;
        #[unroll]
        for g in 0..comptime!(kind.gates()) {
            gates[row * width + g * units + j] = F::cast_from(own_gates[g]);
        }
        // Sums without a recurrent part are multiplied by zeros, so they must not be NaN.
        #[unroll]
        for s in comptime!(kind.gates())..comptime!(kind.sums()) {
            gates[row * width + s * units + j] = F::cast_from(0.0f32);
        }
    } else {
        #[unroll]
        for s in 0..comptime!(kind.sums()) {
            gradient[at + s * units] = F::cast_from(0.0f32);
            gates[row * width + s * units + j] = F::cast_from(0.0f32);
        }
    }
    carried[layer + index] = F::cast_from(of_hidden);
    carried[2 * layer + index] = F::cast_from(of_cell);
}
