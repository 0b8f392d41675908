use cubecl::prelude::*;

use super::{cells::tanh, plan::Plan};
use crate::ops::CellKind;

/// The gradients of [`super::forward::recurrence`] by its sums and initial states: all steps of some rows of the batch in reverse.
///
/// An invocation owns the same hidden units as forward, now as what the gradients go to; those of all gates of a step pass through workgroup
/// memory, those of the states stay in registers.
///
/// # Shapes
///
/// - saved: `[T*B, S*H]`, the sums that forward left
/// - states: `[(T+1)*B, H]`, of an LSTM its cell states, of a GRU its hidden states
/// - transposed: the recurrent kernel, `[G*H, H]`
/// - upstream: the loss by the hidden states of all steps, `[B, T, H]`, where `follows`
/// - carried: in: the loss by the hidden and cell states after the last step; out: by those before the first; `[2*B, H]`
/// - mask: `[B, T]`, where `masked`
/// - gradient: the loss by the sums, `[T*B, S*H]`
#[cube(launch)]
pub(super) fn recurrence(
    saved: &Tensor<f32>,
    states: &Tensor<f32>,
    transposed: &Tensor<f32>,
    upstream: &Tensor<f32>,
    carried: &mut Tensor<f32>,
    mask: &Tensor<f32>,
    gradient: &mut Tensor<f32>,
    batch: u32,
    time: u32,
    #[comptime] plan: Plan,
    #[comptime] masked: bool,
    #[comptime] follows: bool,
) {
    let (batch, time) = (batch as usize, time as usize);
    let units = comptime!(plan.hidden);
    let rows = comptime!(plan.rows);
    let wide = comptime!(plan.kind.gates() * plan.hidden);
    let width = comptime!(plan.kind.sums() * plan.hidden);
    let first = CUBE_POS_X as usize * rows;
    let unit = UNIT_POS_X as usize;

    let mut shared = Shared::<[f32]>::new_slice(comptime!(plan.rows * plan.kind.gates() * plan.hidden));
    let mut of_hidden = Array::<f32>::new(comptime!(plan.rows * plan.per_unit));
    let mut of_cell = Array::<f32>::new(comptime!(plan.rows * plan.per_unit));
    #[unroll]
    for own in 0..comptime!(plan.per_unit) {
        let j = unit + comptime!(own * plan.units);
        #[unroll]
        for b in 0..rows {
            let index = comptime!(own * plan.rows + b);
            of_hidden[index] = 0.0f32;
            of_cell[index] = 0.0f32;
            if j < units && first + b < batch {
                of_hidden[index] = carried[(first + b) * units + j];
                of_cell[index] = carried[(batch + first + b) * units + j];
            }
        }
    }

    for back in 0..time {
        let t = time - 1 - back;
        #[unroll]
        for own in 0..comptime!(plan.per_unit) {
            let j = unit + comptime!(own * plan.units);
            if j < units {
                #[unroll]
                for b in 0..rows {
                    let row = first + b;
                    let index = comptime!(own * plan.rows + b);
                    let slot = b * wide + j;
                    let mut counts = row < batch;
                    if counts {
                        if comptime!(follows) {
                            of_hidden[index] += upstream[(row * time + t) * units + j];
                        }
                        if comptime!(masked) {
                            counts = mask[row * time + t] != 0.0f32;
                        }
                        if !counts {
                            #[unroll]
                            for s in 0..comptime!(plan.kind.sums()) {
                                gradient[(t * batch + row) * width + s * units + j] = 0.0f32;
                            }
                        }
                    }
                    if !counts {
                        #[unroll]
                        for g in 0..comptime!(plan.kind.gates()) {
                            shared[slot + g * units] = 0.0f32;
                        }
                    }
                    if counts {
                        let at = (t * batch + row) * width + j;
                        let of_state = of_hidden[index];
                        if comptime!(plan.kind == CellKind::SimpleRnn) {
                            let h = saved[at];
                            let sum = of_state * (1.0f32 - h * h);
                            gradient[at] = sum;
                            shared[slot] = sum;
                            of_hidden[index] = 0.0f32;
                        }
                        if comptime!(plan.kind == CellKind::Lstm) {
                            let i = saved[at];
                            let f = saved[at + units];
                            let c = saved[at + 2 * units];
                            let o = saved[at + 3 * units];
                            let before = states[(t * batch + row) * units + j];
                            let squashed = tanh(states[((t + 1) * batch + row) * units + j]);
                            let through = of_state * o * (1.0f32 - squashed * squashed) + of_cell[index];
                            let of_i = through * c * i * (1.0f32 - i);
                            let of_f = through * before * f * (1.0f32 - f);
                            let of_c = through * i * (1.0f32 - c * c);
                            let of_o = of_state * squashed * o * (1.0f32 - o);
                            gradient[at] = of_i;
                            gradient[at + units] = of_f;
                            gradient[at + 2 * units] = of_c;
                            gradient[at + 3 * units] = of_o;
                            shared[slot] = of_i;
                            shared[slot + units] = of_f;
                            shared[slot + 2 * units] = of_c;
                            shared[slot + 3 * units] = of_o;
                            of_hidden[index] = 0.0f32;
                            of_cell[index] = through * f;
                        }
                        if comptime!(plan.kind == CellKind::Gru) {
                            let z = saved[at];
                            let r = saved[at + units];
                            let recurrent = saved[at + 2 * units];
                            let n = saved[at + 3 * units];
                            let before = states[(t * batch + row) * units + j];
                            let of_n = of_state * (1.0f32 - z) * (1.0f32 - n * n);
                            let of_z = of_state * (before - n) * z * (1.0f32 - z);
                            let of_r = of_n * recurrent * r * (1.0f32 - r);
                            let of_recurrent = of_n * r;
                            gradient[at] = of_z;
                            gradient[at + units] = of_r;
                            gradient[at + 2 * units] = of_recurrent;
                            gradient[at + 3 * units] = of_n;
                            shared[slot] = of_z;
                            shared[slot + units] = of_r;
                            shared[slot + 2 * units] = of_recurrent;
                            of_hidden[index] = of_state * z;
                        }
                    }
                }
            }
        }
        sync_cube();
        let mut products = Array::<f32>::new(comptime!(plan.per_unit * plan.rows));
        #[unroll]
        for index in 0..comptime!(plan.per_unit * plan.rows) {
            products[index] = 0.0f32;
        }
        for k in 0..wide {
            let mut factors = Array::<f32>::new(rows);
            #[unroll]
            for b in 0..rows {
                factors[b] = shared[b * wide + k];
            }
            #[unroll]
            for own in 0..comptime!(plan.per_unit) {
                let j = unit + comptime!(own * plan.units);
                if j < units {
                    let weight = transposed[k * units + j];
                    #[unroll]
                    for b in 0..rows {
                        products[comptime!(own * plan.rows + b)] += weight * factors[b];
                    }
                }
            }
        }
        #[unroll]
        for index in 0..comptime!(plan.per_unit * plan.rows) {
            of_hidden[index] += products[index];
        }
        sync_cube();
    }

    #[unroll]
    for own in 0..comptime!(plan.per_unit) {
        let j = unit + comptime!(own * plan.units);
        #[unroll]
        for b in 0..rows {
            let index = comptime!(own * plan.rows + b);
            if j < units && first + b < batch {
                carried[(first + b) * units + j] = of_hidden[index];
                carried[(batch + first + b) * units + j] = of_cell[index];
            }
        }
    }
}
