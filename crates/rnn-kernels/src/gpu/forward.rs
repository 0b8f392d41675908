use cubecl::prelude::*;

use super::{
    cells::{sigmoid, tanh},
    plan::Plan,
};
use crate::ops::CellKind;

/// All steps of some rows of the batch, a workgroup for each.
///
/// An invocation owns `per_unit` hidden units and all their gates. Hidden states pass from step to step in workgroup memory, twice, so that one
/// barrier a step is enough; cell states stay in registers; recurrent weights are streamed, neighbours side by side.
///
/// # Shapes
///
/// - sums: `[T*B, S*H]`, time-major; in: the input's product; out: what backward needs
/// - recurrent kernel: `[H, G*H]`
/// - bias: `[S*H]`
/// - hidden: `[(T+1)*B, H]`, time-major; its first `B` rows are the states before the first step
/// - cell: likewise, of an LSTM
/// - sequence: `[B, T, H]`
/// - mask: `[B, T]`, where `masked`
#[cube(launch)]
pub(super) fn recurrence(
    sums: &mut Tensor<f32>,
    recurrent_kernel: &Tensor<f32>,
    bias: &Tensor<f32>,
    hidden: &mut Tensor<f32>,
    cell: &mut Tensor<f32>,
    sequence: &mut Tensor<f32>,
    mask: &Tensor<f32>,
    batch: u32,
    time: u32,
    #[comptime] plan: Plan,
    #[comptime] masked: bool,
) {
    let (batch, time) = (batch as usize, time as usize);
    let units = comptime!(plan.hidden);
    let rows = comptime!(plan.rows);
    let gates = comptime!(plan.kind.gates());
    let width = comptime!(plan.kind.sums() * plan.hidden);
    let first = CUBE_POS_X as usize * rows;
    let unit = UNIT_POS_X as usize;

    let mut shared = Shared::<[f32]>::new_slice(comptime!(2 * plan.rows * plan.hidden));
    let mut cells = Array::<f32>::new(comptime!(plan.rows * plan.per_unit));
    #[unroll]
    for own in 0..comptime!(plan.per_unit) {
        let j = unit + comptime!(own * plan.units);
        if j < units {
            #[unroll]
            for b in 0..rows {
                let mut state = 0.0f32;
                let mut cell_state = 0.0f32;
                if first + b < batch {
                    state = hidden[(first + b) * units + j];
                    if comptime!(plan.kind == CellKind::Lstm) {
                        cell_state = cell[(first + b) * units + j];
                    }
                }
                shared[b * units + j] = state;
                cells[comptime!(own * plan.rows + b)] = cell_state;
            }
        }
    }
    sync_cube();

    for t in 0..time {
        let read = (t % 2) * comptime!(plan.rows * plan.hidden);
        let write = comptime!(plan.rows * plan.hidden) - read;
        // The recurrent product of all units of the invocation at once: each state that is read serves them all.
        let mut products = Array::<f32>::new(comptime!(plan.per_unit * plan.kind.gates() * plan.rows));
        #[unroll]
        for index in 0..comptime!(plan.per_unit * plan.kind.gates() * plan.rows) {
            products[index] = 0.0f32;
        }
        for k in 0..units {
            let mut factors = Array::<f32>::new(rows);
            #[unroll]
            for b in 0..rows {
                factors[b] = shared[read + b * units + k];
            }
            #[unroll]
            for own in 0..comptime!(plan.per_unit) {
                let j = unit + comptime!(own * plan.units);
                if j < units {
                    #[unroll]
                    for g in 0..gates {
                        let weight = recurrent_kernel[(k * gates + g) * units + j];
                        #[unroll]
                        for b in 0..rows {
                            products[comptime!((own * plan.kind.gates() + g) * plan.rows + b)] += weight * factors[b];
                        }
                    }
                }
            }
        }
        #[unroll]
        for own in 0..comptime!(plan.per_unit) {
            let j = unit + comptime!(own * plan.units);
            if j < units {
                #[unroll]
                for b in 0..rows {
                    let row = first + b;
                    if row < batch {
                        let at = (t * batch + row) * width + j;
                        let before = shared[read + b * units + j];
                        let index = comptime!(own * plan.rows + b);
                        let mut state = before;
                        let mut counts = true;
                        if comptime!(masked) {
                            counts = mask[row * time + t] != 0.0f32;
                        }
                        if counts {
                            if comptime!(plan.kind == CellKind::SimpleRnn) {
                                state = tanh(sums[at] + bias[j] + products[comptime!(own * plan.kind.gates() * plan.rows + b)]);
                                sums[at] = state;
                            }
                            if comptime!(plan.kind == CellKind::Lstm) {
                                let i = sigmoid(sums[at] + bias[j] + products[comptime!(own * plan.kind.gates() * plan.rows + b)]);
                                let f = sigmoid(
                                    sums[at + units] + bias[units + j] + products[comptime!((own * plan.kind.gates() + 1) * plan.rows + b)],
                                );
                                let c = tanh(
                                    sums[at + 2 * units]
                                        + bias[2 * units + j]
                                        + products[comptime!((own * plan.kind.gates() + 2) * plan.rows + b)],
                                );
                                let o = sigmoid(
                                    sums[at + 3 * units]
                                        + bias[3 * units + j]
                                        + products[comptime!((own * plan.kind.gates() + 3) * plan.rows + b)],
                                );
                                let next = f * cells[index] + i * c;
                                cells[index] = next;
                                state = o * tanh(next);
                                sums[at] = i;
                                sums[at + units] = f;
                                sums[at + 2 * units] = c;
                                sums[at + 3 * units] = o;
                            }
                            if comptime!(plan.kind == CellKind::Gru) {
                                let z = sigmoid(sums[at] + bias[j] + products[comptime!(own * plan.kind.gates() * plan.rows + b)]);
                                let r = sigmoid(
                                    sums[at + units] + bias[units + j] + products[comptime!((own * plan.kind.gates() + 1) * plan.rows + b)],
                                );
                                let recurrent = bias[2 * units + j] + products[comptime!((own * plan.kind.gates() + 2) * plan.rows + b)];
                                let n = tanh(sums[at + 3 * units] + bias[3 * units + j] + r * recurrent);
                                state = n + z * (before - n);
                                sums[at] = z;
                                sums[at + units] = r;
                                sums[at + 2 * units] = recurrent;
                                sums[at + 3 * units] = n;
                            }
                        }
                        shared[write + b * units + j] = state;
                        hidden[((t + 1) * batch + row) * units + j] = state;
                        if comptime!(plan.kind == CellKind::Lstm) {
                            cell[((t + 1) * batch + row) * units + j] = cells[index];
                        }
                        sequence[(row * time + t) * units + j] = state;
                    }
                }
            }
        }
        sync_cube();
    }
}
