use cubecl::{ir::ElemType, prelude::*};

use super::{
    cells::{self, CellState},
    plan::{Four, Plan},
};
use crate::cell::Cell;

/// Runs all steps, with one workgroup per group of batch rows.
///
/// An invocation owns `per_unit` hidden units and all their gates. Hidden states pass from step to
/// step in workgroup memory, four rows of the batch per vector. They are double-buffered, so that
/// one barrier per step is enough. Cell states stay in registers. Recurrent weights are streamed;
/// neighbouring invocations read neighbouring weights.
///
/// # Shapes
///
/// - sums: `[T*B, S*H]`, time-major; in: the input product; out: values for the backward pass
/// - recurrent kernel: `[H/4, G*H, 4]`, four rows of `[H, G*H]` side by side
/// - bias: `[S*H]`
/// - hidden: `[(T+1)*B, H]`, time-major; its first `B` rows are the initial states
/// - cell: the same shape, for an LSTM
/// - sequence: `[B, T, H]`
/// - mask: `[B, T]`, if `masked`
#[cube(launch)]
pub(super) fn recurrence<F: Float>(
    sums: &mut Tensor<F>,
    recurrent_kernel: &Tensor<Vector<F, Four>>,
    bias: &Tensor<F>,
    hidden: &mut Tensor<F>,
    cell: &mut Tensor<F>,
    sequence: &mut Tensor<F>,
    mask: &Tensor<F>,
    batch: u32,
    time: u32,
    #[comptime] plan: Plan,
    #[comptime] masked: bool,
    #[define(F)] _number: ElemType,
) {
    let (batch, time) = (batch as usize, time as usize);
    let units = comptime!(plan.hidden);
    let gates = comptime!(plan.kind.gates());
    let width = comptime!(plan.kind.sums() * plan.hidden);
    let quads = comptime!(plan.rows / 4);
    let padded = comptime!(plan.hidden.next_multiple_of(4));
    let first = CUBE_POS_X as usize * comptime!(plan.rows);
    let unit = UNIT_POS_X as usize;
    let zero = Vector::<f32, Four>::broadcast(0.0f32);

    let mut shared = Shared::<[Vector<f32, Four>]>::new_slice(comptime!(2 * quads * padded));
    let mut cells = Array::<Vector<f32, Four>>::new(comptime!(plan.per_unit * quads));
    // If the last four rows of weights are incomplete, the matching states are zero.
    if unit < comptime!(padded - plan.hidden) {
        #[unroll]
        for q in 0..quads {
            shared[(units + unit) * quads + q] = zero;
            shared[(padded + units + unit) * quads + q] = zero;
        }
    }
    #[unroll]
    for own in 0..comptime!(plan.per_unit) {
        let j = unit + comptime!(own * plan.units);
        #[unroll]
        for q in 0..quads {
            let mut state = zero;
            let mut cell_state = zero;
            #[unroll]
            for c in 0..4 {
                let row = first + comptime!(q * 4 + c);
                if j < units && row < batch {
                    state.insert(c, f32::cast_from(hidden[row * units + j]));
                    if comptime!(plan.kind == Cell::Lstm) {
                        cell_state.insert(c, f32::cast_from(cell[row * units + j]));
                    }
                }
            }
            cells[comptime!(own * quads + q)] = cell_state;
            if j < units {
                shared[j * quads + q] = state;
            }
        }
    }
    sync_cube();

    for t in 0..time {
        let read = (t % 2) * comptime!(quads * padded);
        let write = comptime!(quads * padded) - read;
        // The recurrent product of all units of the invocation at once: each state is read once for
        // all of them.
        let mut products =
            Array::<Vector<f32, Four>>::new(comptime!(plan.per_unit * gates * quads));
        #[unroll]
        for index in 0..comptime!(plan.per_unit * gates * quads) {
            products[index] = zero;
        }
        for tile in 0..comptime!(padded / 4) {
            let mut weights = Array::<Vector<f32, Four>>::new(comptime!(plan.per_unit * gates));
            #[unroll]
            for own in 0..comptime!(plan.per_unit) {
                // A surplus invocation computes the last unit again and discards it.
                let j = min(unit + comptime!(own * plan.units), comptime!(plan.hidden - 1));
                #[unroll]
                for g in 0..gates {
                    weights[comptime!(own * gates + g)] =
                        Vector::cast_from(recurrent_kernel[(tile * gates + g) * units + j]);
                }
            }
            #[unroll]
            for k in 0..4 {
                #[unroll]
                for q in 0..quads {
                    let states = shared[read + (tile * 4 + k) * quads + q];
                    #[unroll]
                    for index in 0..comptime!(plan.per_unit * gates) {
                        let weight = Vector::<f32, Four>::broadcast(weights[index].extract(k));
                        products[comptime!(index * quads + q)] += weight * states;
                    }
                }
            }
        }
        #[unroll]
        for own in 0..comptime!(plan.per_unit) {
            let j = unit + comptime!(own * plan.units);
            if j < units {
                #[unroll]
                for q in 0..quads {
                    let mut state = shared[read + j * quads + q];
                    let mut cell_state = cells[comptime!(own * quads + q)];
                    #[unroll]
                    for c in 0..4 {
                        let row = first + comptime!(q * 4 + c);
                        if row < batch {
                            let mut counts = true;
                            if comptime!(masked) {
                                counts = f32::cast_from(mask[row * time + t]) != 0.0f32;
                            }
                            if counts {
                                let mut of_gates = Array::<f32>::new(gates);
                                #[unroll]
                                for g in 0..gates {
                                    of_gates[g] = products
                                        [comptime!((own * gates + g) * quads + q)]
                                    .extract(c);
                                }
                                let before = CellState {
                                    hidden: state.extract(c),
                                    cell: cell_state.extract(c),
                                };
                                let at = (t * batch + row) * width + j;
                                let after = cells::forward::<F>(
                                    sums,
                                    at,
                                    bias,
                                    j,
                                    &of_gates,
                                    before,
                                    comptime!(plan.kind),
                                    comptime!(plan.hidden),
                                );
                                state.insert(c, after.hidden);
                                if comptime!(plan.kind == Cell::Lstm) {
                                    cell_state.insert(c, after.cell);
                                }
                            }
                            hidden[((t + 1) * batch + row) * units + j] =
                                F::cast_from(state.extract(c));
                            if comptime!(plan.kind == Cell::Lstm) {
                                cell[((t + 1) * batch + row) * units + j] =
                                    F::cast_from(cell_state.extract(c));
                            }
                            sequence[(row * time + t) * units + j] = F::cast_from(state.extract(c));
                        }
                    }
                    cells[comptime!(own * quads + q)] = cell_state;
                    shared[write + j * quads + q] = state;
                }
            }
        }
        sync_cube();
    }
}
