use cubecl::{ir::ElemType, prelude::*};

use super::{
    cells::{self, CellState},
    plan::{Four, Plan},
};

/// Computes the gradients of the sums and initial states of [`super::forward::recurrence`]. Each
/// workgroup runs all steps of its batch rows in reverse.
///
/// An invocation owns the same hidden units as in the forward pass. The gradients of all gates of a
/// step pass through workgroup memory, four rows of the batch per vector. The gradients of the
/// states stay in registers.
///
/// # Shapes
///
/// - saved: `[T*B, S*H]`, the sums that the forward pass left
/// - states: `[(T+1)*B, H]`, cell states for an LSTM, hidden states for a GRU
/// - transposed: the recurrent kernel, `[G*H/4, H, 4]`, four columns of `[H, G*H]` side by side
/// - upstream: gradients of the hidden states of all steps, `[B, T, H]`, if `follows`
/// - carried: `[2*B, H]`; in: gradients of the hidden and cell states after the last step; out:
///   gradients of the initial ones
/// - mask: `[B, T]`, if `masked`
/// - gradient: gradients of the sums, `[T*B, S*H]`
#[cube(launch)]
pub(super) fn recurrence<F: Float>(
    saved: &Tensor<F>,
    states: &Tensor<F>,
    transposed: &Tensor<Vector<F, Four>>,
    upstream: &Tensor<F>,
    carried: &mut Tensor<F>,
    mask: &Tensor<F>,
    gradient: &mut Tensor<F>,
    batch: u32,
    time: u32,
    #[comptime] plan: Plan,
    #[comptime] masked: bool,
    #[comptime] follows: bool,
    #[define(F)] _number: ElemType,
) {
    let (batch, time) = (batch as usize, time as usize);
    let units = comptime!(plan.hidden);
    let gates = comptime!(plan.kind.gates());
    let wide = comptime!(plan.kind.gates() * plan.hidden);
    let width = comptime!(plan.kind.sums() * plan.hidden);
    let quads = comptime!(plan.rows / 4);
    let padded = comptime!((plan.kind.gates() * plan.hidden).next_multiple_of(4));
    let first = CUBE_POS_X as usize * comptime!(plan.rows);
    let unit = UNIT_POS_X as usize;
    let zero = Vector::<f32, Four>::broadcast(0.0f32);

    let mut shared = Shared::<[Vector<f32, Four>]>::new_slice(comptime!(quads * padded));
    let mut of_hidden = Array::<Vector<f32, Four>>::new(comptime!(plan.per_unit * quads));
    let mut of_cell = Array::<Vector<f32, Four>>::new(comptime!(plan.per_unit * quads));
    // If the last four columns of weights are incomplete, the matching gradients are zero.
    if unit < comptime!(padded - plan.kind.gates() * plan.hidden) {
        #[unroll]
        for q in 0..quads {
            shared[(wide + unit) * quads + q] = zero;
        }
    }
    #[unroll]
    for own in 0..comptime!(plan.per_unit) {
        let j = unit + comptime!(own * plan.units);
        #[unroll]
        for q in 0..quads {
            let mut hidden = zero;
            let mut cell = zero;
            #[unroll]
            for c in 0..4 {
                let row = first + comptime!(q * 4 + c);
                if j < units && row < batch {
                    hidden.insert(c, f32::cast_from(carried[row * units + j]));
                    cell.insert(c, f32::cast_from(carried[(batch + row) * units + j]));
                }
            }
            of_hidden[comptime!(own * quads + q)] = hidden;
            of_cell[comptime!(own * quads + q)] = cell;
        }
    }

    for back in 0..time {
        let t = time - 1 - back;
        #[unroll]
        for own in 0..comptime!(plan.per_unit) {
            let j = unit + comptime!(own * plan.units);
            if j < units {
                #[unroll]
                for q in 0..quads {
                    let mut hidden = of_hidden[comptime!(own * quads + q)];
                    let mut cell = of_cell[comptime!(own * quads + q)];
                    let mut of_gates = Array::<Vector<f32, Four>>::new(gates);
                    #[unroll]
                    for g in 0..gates {
                        of_gates[g] = zero;
                    }
                    #[unroll]
                    for c in 0..4 {
                        let row = first + comptime!(q * 4 + c);
                        if row < batch {
                            let at = (t * batch + row) * width + j;
                            if comptime!(follows) {
                                let of_step =
                                    f32::cast_from(upstream[(row * time + t) * units + j]);
                                hidden.insert(c, hidden.extract(c) + of_step);
                            }
                            let mut counts = true;
                            if comptime!(masked) {
                                counts = f32::cast_from(mask[row * time + t]) != 0.0f32;
                            }
                            if counts {
                                let mut own_gates = Array::<f32>::new(gates);
                                let of =
                                    CellState { hidden: hidden.extract(c), cell: cell.extract(c) };
                                let before = (t * batch + row) * units + j;
                                let through = cells::backward::<F>(
                                    saved,
                                    gradient,
                                    at,
                                    states,
                                    before,
                                    before + batch * units,
                                    of,
                                    &mut own_gates,
                                    comptime!(plan.kind),
                                    comptime!(plan.hidden),
                                );
                                hidden.insert(c, through.hidden);
                                cell.insert(c, through.cell);
                                #[unroll]
                                for g in 0..gates {
                                    let mut of_gate = of_gates[g];
                                    of_gate.insert(c, own_gates[g]);
                                    of_gates[g] = of_gate;
                                }
                            } else {
                                #[unroll]
                                for s in 0..comptime!(plan.kind.sums()) {
                                    gradient[at + s * units] = F::cast_from(0.0f32);
                                }
                            }
                        }
                    }
                    of_hidden[comptime!(own * quads + q)] = hidden;
                    of_cell[comptime!(own * quads + q)] = cell;
                    #[unroll]
                    for g in 0..gates {
                        shared[(g * units + j) * quads + q] = of_gates[g];
                    }
                }
            }
        }
        sync_cube();
        let mut products = Array::<Vector<f32, Four>>::new(comptime!(plan.per_unit * quads));
        #[unroll]
        for index in 0..comptime!(plan.per_unit * quads) {
            products[index] = zero;
        }
        for tile in 0..comptime!(padded / 4) {
            let mut weights = Array::<Vector<f32, Four>>::new(comptime!(plan.per_unit));
            #[unroll]
            for own in 0..comptime!(plan.per_unit) {
                // A surplus invocation computes the last unit again and discards it.
                let j = min(unit + comptime!(own * plan.units), comptime!(plan.hidden - 1));
                weights[own] = Vector::cast_from(transposed[tile * units + j]);
            }
            #[unroll]
            for k in 0..4 {
                #[unroll]
                for q in 0..quads {
                    let of_gates = shared[(tile * 4 + k) * quads + q];
                    #[unroll]
                    for own in 0..comptime!(plan.per_unit) {
                        let weight = Vector::<f32, Four>::broadcast(weights[own].extract(k));
                        products[comptime!(own * quads + q)] += weight * of_gates;
                    }
                }
            }
        }
        #[unroll]
        for index in 0..comptime!(plan.per_unit * quads) {
            of_hidden[index] += products[index];
        }
        sync_cube();
    }

    #[unroll]
    for own in 0..comptime!(plan.per_unit) {
        let j = unit + comptime!(own * plan.units);
        #[unroll]
        for q in 0..quads {
            #[unroll]
            for c in 0..4 {
                let row = first + comptime!(q * 4 + c);
                if j < units && row < batch {
                    carried[row * units + j] =
                        F::cast_from(of_hidden[comptime!(own * quads + q)].extract(c));
                    carried[(batch + row) * units + j] =
                        F::cast_from(of_cell[comptime!(own * quads + q)].extract(c));
                }
            }
        }
    }
}
