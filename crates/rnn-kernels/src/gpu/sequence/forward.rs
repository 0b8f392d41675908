use cubecl::{ir::ElemType, prelude::*};

use super::weights;
use crate::{
    cell::Cell,
    gpu::{
        cells::{self, CellState},
        plan::Plan,
    },
};

/// Runs all steps, with one workgroup per group of batch rows.
///
/// In each step every invocation multiplies a part of the hidden states by its weights. The parts
/// are exchanged in workgroup memory. A cell is one unit of one row. Each invocation adds up the
/// parts of its cells and finishes them. Hidden states pass from step to step in workgroup memory,
/// cell states stay in registers.
///
/// # Shapes
///
/// - sums: `[T*B, S*H]`, time-major; in: the input product; out: values for the backward pass
/// - recurrent kernel: see [`weights::keep`] and [`weights::multiply`]
/// - bias: `[S*H]`
/// - hidden: `[(T+1)*B, H]`, time-major; its first `B` rows are the initial states. If the call is
///   `fresh`, they hold nothing yet and become zeros.
/// - cell: the same shape, for an LSTM
/// - sequence: `[B, T, H]`
/// - mask: `[B, T]`, if `masked`
#[cube(launch)]
pub(super) fn recurrence<F: Float, N: Size>(
    sums: &mut Tensor<F>,
    recurrent_kernel: &Tensor<Vector<F, N>>,
    bias: &Tensor<F>,
    hidden: &mut Tensor<F>,
    cell: &mut Tensor<F>,
    sequence: &mut Tensor<F>,
    mask: &Tensor<F>,
    batch: u32,
    time: u32,
    #[comptime] plan: Plan,
    #[comptime] masked: bool,
    #[comptime] fresh: bool,
    #[define(F)] _number: ElemType,
    #[define(N)] _vector: usize,
) {
    let (batch, time) = (batch as usize, time as usize);
    let split = comptime!(plan.forward);
    let rows = comptime!(plan.rows);
    let units = comptime!(plan.hidden());
    let gates = comptime!(plan.kind.gates());
    let sums_of_unit = comptime!(plan.kind.sums());
    let width = comptime!(plan.kind.sums() * plan.hidden());
    let threads = comptime!(plan.forward.invocations());
    let pitch = comptime!(plan.forward.parts * plan.forward.depth());
    // Cells per invocation.
    let finished = comptime!(plan.finished(plan.forward));
    let first = CUBE_POS_X as usize * comptime!(plan.rows);
    let id = UNIT_POS_X as usize;
    let lanes = comptime!(plan.forward.lanes());
    let (part, lane) = (id / lanes, id % lanes);

    let mut kept = Array::<f32>::new(comptime!(plan.forward.kept().max(1)));
    if comptime!(plan.keeps()) {
        weights::keep::<F, N>(recurrent_kernel, &mut kept, part, lane, split);
    }
    let mut states = Shared::<[f32]>::new_slice(comptime!(plan.rows * pitch));
    let mut partial = Shared::<[f32]>::new_slice(comptime!(plan.partial(plan.forward)));
    let mut cells = Array::<f32>::new(finished);
    let mut biases = Array::<f32>::new(comptime!(finished * sums_of_unit));
    #[unroll]
    for n in 0..comptime!((plan.rows * pitch).div_ceil(threads)) {
        let index = id + comptime!(n * threads);
        if index < comptime!(plan.rows * pitch) {
            states[index] = 0.0f32;
        }
    }
    sync_cube();
    #[unroll]
    for n in 0..finished {
        let item = id + comptime!(n * threads);
        let (r, j) = (item / units, item % units);
        let row = first + r;
        cells[n] = 0.0f32;
        #[unroll]
        for s in 0..sums_of_unit {
            biases[comptime!(n * sums_of_unit + s)] = f32::cast_from(bias[s * units + j]);
        }
        if r < rows && row < batch {
            if comptime!(fresh) {
                hidden[row * units + j] = F::cast_from(0.0f32);
                if comptime!(plan.kind == Cell::Lstm) {
                    cell[row * units + j] = F::cast_from(0.0f32);
                }
            } else {
                states[r * pitch + j] = f32::cast_from(hidden[row * units + j]);
                if comptime!(plan.kind == Cell::Lstm) {
                    cells[n] = f32::cast_from(cell[row * units + j]);
                }
            }
        }
    }
    sync_cube();

    for t in 0..time {
        // Requested before the product, which hides the latency of memory.
        let mut read = Array::<f32>::new(comptime!(finished * sums_of_unit));
        let mut counting = Array::<f32>::new(finished);
        #[unroll]
        for n in 0..finished {
            let item = id + comptime!(n * threads);
            let (r, j) = (item / units, item % units);
            let row = first + r;
            if r < rows && row < batch {
                #[unroll]
                for s in 0..sums_of_unit {
                    // The input has no part in a GRU's third sum.
                    if comptime!(plan.kind != Cell::Gru || s != 2) {
                        let place = (t * batch + row) * width + s * units + j;
                        read[comptime!(n * sums_of_unit + s)] = f32::cast_from(sums[place]);
                    }
                }
                if comptime!(masked) {
                    counting[n] = f32::cast_from(mask[row * time + t]);
                }
            }
        }
        let mut products = Array::<f32>::new(comptime!(plan.rows * plan.forward.outputs()));
        weights::multiply::<F, N>(
            recurrent_kernel,
            &kept,
            &states,
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
            let row = first + r;
            if r < rows && row < batch {
                let place = r * pitch + j;
                let mut state = states[place];
                let mut counts = true;
                if comptime!(masked) {
                    counts = counting[n] != 0.0f32;
                }
                if counts {
                    let mut of_gates = Array::<f32>::new(gates);
                    #[unroll]
                    for g in 0..gates {
                        of_gates[g] = weights::total(&partial, r, j, g, split, rows);
                    }
                    let mut own_sums = Array::<f32>::new(sums_of_unit);
                    #[unroll]
                    for s in 0..sums_of_unit {
                        own_sums[s] = biases[comptime!(n * sums_of_unit + s)];
                        if comptime!(plan.kind != Cell::Gru || s != 2) {
                            own_sums[s] += read[comptime!(n * sums_of_unit + s)];
                        }
                    }
                    let before = CellState { hidden: state, cell: cells[n] };
                    let after =
                        cells::forward(&mut own_sums, &of_gates, before, comptime!(plan.kind));
                    state = after.hidden;
                    cells[n] = after.cell;
                    #[unroll]
                    for s in 0..sums_of_unit {
                        sums[(t * batch + row) * width + s * units + j] = F::cast_from(own_sums[s]);
                    }
                }
                states[place] = state;
                hidden[((t + 1) * batch + row) * units + j] = F::cast_from(state);
                if comptime!(plan.kind == Cell::Lstm) {
                    cell[((t + 1) * batch + row) * units + j] = F::cast_from(cells[n]);
                }
                sequence[(row * time + t) * units + j] = F::cast_from(state);
            }
        }
        sync_cube();
    }
}
