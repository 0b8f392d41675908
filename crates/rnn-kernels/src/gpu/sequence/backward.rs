use cubecl::{ir::ElemType, prelude::*};

use super::weights;
use crate::{
    cell::Cell,
    gpu::{
        cells::{self, CellState},
        plan::Plan,
    },
};

/// Computes the gradients of the sums and initial states of [`super::forward::recurrence`]. Each
/// workgroup runs all steps of its batch rows in reverse.
///
/// In each step an invocation first computes the gradients of its cells, which pass through
/// workgroup memory. Then it multiplies a part of them by its weights, and the parts are exchanged.
/// The gradients of the states stay in registers.
///
/// # Shapes
///
/// - saved: `[T*B, S*H]`, the sums that the forward pass left
/// - states: `[(T+1)*B, H]`, cell states for an LSTM, hidden states for a GRU
/// - recurrent kernel: see [`weights::keep`] and [`weights::multiply`]
/// - upstream: gradients of the hidden states of all steps, `[B, T, H]`, if `follows`
/// - carried: `[2*B, H]`; in: gradients of the hidden and cell states after the last step, unless
///   the call is `fresh`; out: gradients of the initial ones
/// - mask: `[B, T]`, if `masked`
/// - gradient: gradients of the sums, `[T*B, S*H]`
#[cube(launch)]
pub(super) fn recurrence<F: Float, N: Size>(
    saved: &Tensor<F>,
    states: &Tensor<F>,
    recurrent_kernel: &Tensor<Vector<F, N>>,
    upstream: &Tensor<F>,
    carried: &mut Tensor<F>,
    mask: &Tensor<F>,
    gradient: &mut Tensor<F>,
    batch: u32,
    time: u32,
    #[comptime] plan: Plan,
    #[comptime] masked: bool,
    #[comptime] follows: bool,
    #[comptime] fresh: bool,
    #[define(F)] _number: ElemType,
    #[define(N)] _vector: usize,
) {
    let (batch, time) = (batch as usize, time as usize);
    let split = comptime!(plan.backward);
    let rows = comptime!(plan.rows);
    let units = comptime!(plan.hidden());
    let gates = comptime!(plan.kind.gates());
    let sums_of_unit = comptime!(plan.kind.sums());
    // Numbers that a step reads for each cell; see `read_step`.
    let reads = comptime!(plan.kind.sums() + 2);
    let width = comptime!(plan.kind.sums() * plan.hidden());
    let threads = comptime!(plan.backward.invocations());
    let pitch = comptime!(plan.backward.parts * plan.backward.depth());
    let finished = comptime!(plan.finished(plan.backward));
    let first = CUBE_POS_X as usize * comptime!(plan.rows);
    let id = UNIT_POS_X as usize;
    let lanes = comptime!(plan.backward.lanes());
    let (part, lane) = (id / lanes, id % lanes);

    let mut kept = Array::<f32>::new(comptime!(plan.backward.kept().max(1)));
    if comptime!(plan.keeps()) {
        weights::keep::<F, N>(recurrent_kernel, &mut kept, part, lane, split);
    }
    let mut of_gates = Shared::<[f32]>::new_slice(comptime!(plan.rows * pitch));
    let mut partial = Shared::<[f32]>::new_slice(comptime!(plan.partial(plan.backward)));
    #[unroll]
    for n in 0..comptime!((plan.rows * pitch).div_ceil(threads)) {
        let index = id + comptime!(n * threads);
        if index < comptime!(plan.rows * pitch) {
            of_gates[index] = 0.0f32;
        }
    }
    sync_cube();

    let mut of_hidden = Array::<f32>::new(finished);
    let mut of_cell = Array::<f32>::new(finished);
    let mut read = Array::<f32>::new(comptime!(finished * reads));
    // The state after a step is the one before the next.
    let mut afters = Array::<f32>::new(finished);
    let mut counting = Array::<f32>::new(finished);
    #[unroll]
    for n in 0..finished {
        let item = id + comptime!(n * threads);
        let (r, j) = (item / units, item % units);
        let row = first + r;
        of_hidden[n] = 0.0f32;
        of_cell[n] = 0.0f32;
        afters[n] = 0.0f32;
        if r < rows && row < batch {
            if comptime!(!fresh) {
                of_hidden[n] = f32::cast_from(carried[row * units + j]);
                of_cell[n] = f32::cast_from(carried[(batch + row) * units + j]);
            }
            afters[n] = f32::cast_from(states[(time * batch + row) * units + j]);
        }
    }
    read_step::<F>(
        saved,
        states,
        upstream,
        mask,
        time - 1,
        batch,
        time,
        &mut read,
        &mut counting,
        plan,
        masked,
        follows,
    );

    for back in 0..time {
        let t = time - 1 - back;
        #[unroll]
        for n in 0..finished {
            let item = id + comptime!(n * threads);
            let (r, j) = (item / units, item % units);
            let row = first + r;
            if r < rows && row < batch {
                let at = (t * batch + row) * width + j;
                if comptime!(follows) {
                    of_hidden[n] += read[comptime!(n * reads + sums_of_unit + 1)];
                }
                let before = read[comptime!(n * reads + sums_of_unit)];
                let mut counts = true;
                if comptime!(masked) {
                    counts = counting[n] != 0.0f32;
                }
                let mut own_gradient = Array::<f32>::new(sums_of_unit);
                #[unroll]
                for s in 0..sums_of_unit {
                    own_gradient[s] = 0.0f32;
                }
                if counts {
                    let mut own_saved = Array::<f32>::new(sums_of_unit);
                    #[unroll]
                    for s in 0..sums_of_unit {
                        own_saved[s] = read[comptime!(n * reads + s)];
                    }
                    let of = CellState { hidden: of_hidden[n], cell: of_cell[n] };
                    let through = cells::backward(
                        &own_saved,
                        before,
                        afters[n],
                        of,
                        &mut own_gradient,
                        comptime!(plan.kind),
                    );
                    of_hidden[n] = through.hidden;
                    of_cell[n] = through.cell;
                }
                #[unroll]
                for s in 0..sums_of_unit {
                    gradient[at + s * units] = F::cast_from(own_gradient[s]);
                }
                #[unroll]
                for g in 0..gates {
                    of_gates[r * pitch + g * units + j] = own_gradient[g];
                }
                afters[n] = before;
            }
        }
        sync_cube();
        // Requested before the product, which hides the latency of memory.
        if t > 0 {
            read_step::<F>(
                saved,
                states,
                upstream,
                mask,
                t - 1,
                batch,
                time,
                &mut read,
                &mut counting,
                plan,
                masked,
                follows,
            );
        }
        let mut products = Array::<f32>::new(comptime!(plan.rows * plan.backward.outputs()));
        weights::multiply::<F, N>(
            recurrent_kernel,
            &kept,
            &of_gates,
            &mut products,
            part,
            lane,
            split,
            rows,
        );
        weights::exchange(&products, &mut partial, part, lane, split, rows);
        sync_cube();
        #[unroll]
        for n in 0..finished {
            let item = id + comptime!(n * threads);
            let (r, j) = (item / units, item % units);
            if r < rows {
                of_hidden[n] += weights::total(&partial, r, j, 0usize, split, rows);
            }
        }
    }

    #[unroll]
    for n in 0..finished {
        let item = id + comptime!(n * threads);
        let (r, j) = (item / units, item % units);
        let row = first + r;
        if r < rows && row < batch {
            carried[row * units + j] = F::cast_from(of_hidden[n]);
            carried[(batch + row) * units + j] = F::cast_from(of_cell[n]);
        }
    }
}

/// Reads the values of a step for the cells of an invocation: the sums, the state before the step,
/// the gradient from above.
#[cube]
fn read_step<F: Float>(
    saved: &Tensor<F>,
    states: &Tensor<F>,
    upstream: &Tensor<F>,
    mask: &Tensor<F>,
    t: usize,
    batch: usize,
    time: usize,
    read: &mut Array<f32>,
    counting: &mut Array<f32>,
    #[comptime] plan: Plan,
    #[comptime] masked: bool,
    #[comptime] follows: bool,
) {
    let units = comptime!(plan.hidden());
    let sums_of_unit = comptime!(plan.kind.sums());
    #[unroll]
    for n in 0..comptime!(plan.finished(plan.backward)) {
        let item = UNIT_POS_X as usize + comptime!(n * plan.backward.invocations());
        let (r, j) = (item / units, item % units);
        let row = CUBE_POS_X as usize * comptime!(plan.rows) + r;
        if r < comptime!(plan.rows) && row < batch {
            let place = comptime!(n * (plan.kind.sums() + 2));
            let at = (t * batch + row) * sums_of_unit;
            #[unroll]
            for s in 0..sums_of_unit {
                read[comptime!(place + s)] = f32::cast_from(saved[(at + s) * units + j]);
            }
            if comptime!(plan.kind != Cell::SimpleRnn) {
                read[comptime!(place + sums_of_unit)] =
                    f32::cast_from(states[(t * batch + row) * units + j]);
            }
            if comptime!(follows) {
                read[comptime!(place + sums_of_unit + 1)] =
                    f32::cast_from(upstream[(row * time + t) * units + j]);
            }
            if comptime!(masked) {
                counting[n] = f32::cast_from(mask[row * time + t]);
            }
        }
    }
}
