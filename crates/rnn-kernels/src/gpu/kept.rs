//! All steps in one launch, with the recurrent weights kept in registers: each is read once, however many steps there are.

use cubecl::{ir::ElemType, prelude::*};

use super::{
    cells::{self, State},
    plan::{BLOCK, Kept},
};
use crate::ops::CellKind;

/// All steps of some rows of the batch, a workgroup for each.
///
/// An invocation keeps the weights of all gates of some units for a part of the states, and adds up that part of their products. Then the parts
/// change hands in workgroup memory, and each invocation finishes a unit of a row.
///
/// # Shapes
///
/// As in [`super::forward::recurrence`], but for the recurrent kernel, `[H, G*H]`. Where the call is `fresh`, the first `B` rows of the states hold
/// nothing yet: they become zeros.
#[cube(launch)]
pub(super) fn forward<F: Float>(
    sums: &mut Tensor<F>,
    recurrent_kernel: &Tensor<F>,
    bias: &Tensor<F>,
    hidden: &mut Tensor<F>,
    cell: &mut Tensor<F>,
    sequence: &mut Tensor<F>,
    mask: &Tensor<F>,
    batch: u32,
    time: u32,
    #[comptime] plan: Kept,
    #[comptime] masked: bool,
    #[comptime] fresh: bool,
    #[define(F)] _number: ElemType,
) {
    let (batch, time) = (batch as usize, time as usize);
    let units = comptime!(plan.hidden);
    let gates = comptime!(plan.kind.gates());
    let sums_of_unit = comptime!(plan.kind.sums());
    let width = comptime!(plan.kind.sums() * plan.hidden);
    let depth = comptime!(plan.forward.depth(plan.hidden));
    let lanes = comptime!(plan.forward.lanes(plan.hidden));
    let outputs = comptime!(plan.forward.units * plan.kind.gates());
    let threads = comptime!(plan.forward.invocations(plan.hidden));
    // Cells of the workgroup that an invocation finishes.
    let finished = comptime!((plan.rows * plan.hidden).div_ceil(plan.forward.invocations(plan.hidden)));
    let columns = comptime!(plan.forward.units * plan.forward.lanes(plan.hidden));
    let first = CUBE_POS_X as usize * comptime!(plan.rows);
    let id = UNIT_POS_X as usize;
    let (part, lane) = (id / lanes, id % lanes);

    // A weight too many meets a state that is zero, or is of a unit that nobody finishes.
    let mut weights = Array::<f32>::new(comptime!(if plan.keeps { outputs * depth } else { 1 }));
    if comptime!(plan.keeps) {
        #[unroll]
        for u in 0..comptime!(plan.forward.units) {
            let j = min(lane + comptime!(u * lanes), comptime!(plan.hidden - 1));
            #[unroll]
            for g in 0..gates {
                #[unroll]
                for k in 0..depth {
                    let row = min(part * depth + k, comptime!(plan.hidden - 1));
                    weights[comptime!((u * gates + g) * depth + k)] = f32::cast_from(recurrent_kernel[(row * gates + g) * units + j]);
                }
            }
        }
    }

    let mut states = Shared::<[f32]>::new_slice(comptime!(plan.rows * plan.forward.parts * depth));
    let mut partial = Shared::<[f32]>::new_slice(comptime!(plan.forward.parts * plan.rows * gates * columns));
    let mut cells = Array::<f32>::new(finished);
    let mut biases = Array::<f32>::new(comptime!(finished * sums_of_unit));
    #[unroll]
    for n in 0..comptime!((plan.rows * plan.forward.parts * depth).div_ceil(threads)) {
        let index = id + comptime!(n * threads);
        if index < comptime!(plan.rows * plan.forward.parts * depth) {
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
        if r < comptime!(plan.rows) && row < batch {
            if comptime!(fresh) {
                hidden[row * units + j] = F::cast_from(0.0f32);
                if comptime!(plan.kind == CellKind::Lstm) {
                    cell[row * units + j] = F::cast_from(0.0f32);
                }
            } else {
                states[r * comptime!(plan.forward.parts * depth) + j] = f32::cast_from(hidden[row * units + j]);
                if comptime!(plan.kind == CellKind::Lstm) {
                    cells[n] = f32::cast_from(cell[row * units + j]);
                }
            }
        }
    }
    sync_cube();

    for t in 0..time {
        // Asked for before the product, which takes as long as the memory does; what the step leaves is written where they were.
        let mut read = Array::<f32>::new(comptime!(finished * sums_of_unit));
        let mut counting = Array::<f32>::new(finished);
        #[unroll]
        for n in 0..finished {
            let item = id + comptime!(n * threads);
            let (r, j) = (item / units, item % units);
            let row = first + r;
            if r < comptime!(plan.rows) && row < batch {
                #[unroll]
                for s in 0..sums_of_unit {
                    // The input has no part in a GRU's third sum.
                    if comptime!(plan.kind != CellKind::Gru || s != 2) {
                        read[comptime!(n * sums_of_unit + s)] = f32::cast_from(sums[(t * batch + row) * width + s * units + j]);
                    }
                }
                if comptime!(masked) {
                    counting[n] = f32::cast_from(mask[row * time + t]);
                }
            }
        }
        let mut products = Array::<f32>::new(comptime!(plan.rows * outputs));
        #[unroll]
        for index in 0..comptime!(plan.rows * outputs) {
            products[index] = 0.0f32;
        }
        if comptime!(plan.keeps) {
            #[unroll]
            for k in 0..depth {
                #[unroll]
                for r in 0..comptime!(plan.rows) {
                    let state = states[part * depth + comptime!(r * plan.forward.parts * depth + k)];
                    #[unroll]
                    for o in 0..outputs {
                        products[comptime!(r * outputs + o)] += weights[comptime!(o * depth + k)] * state;
                    }
                }
            }
        } else {
            for block in 0..comptime!(depth / BLOCK) {
                let from = part * depth + block * BLOCK;
                let mut read_weights = Array::<f32>::new(comptime!(outputs * BLOCK));
                #[unroll]
                for k in 0..BLOCK {
                    let row = min(from + k, comptime!(plan.hidden - 1));
                    #[unroll]
                    for u in 0..comptime!(plan.forward.units) {
                        let j = min(lane + comptime!(u * lanes), comptime!(plan.hidden - 1));
                        #[unroll]
                        for g in 0..gates {
                            read_weights[comptime!((u * gates + g) * BLOCK + k)] =
                                f32::cast_from(recurrent_kernel[(row * gates + g) * units + j]);
                        }
                    }
                }
                #[unroll]
                for k in 0..BLOCK {
                    #[unroll]
                    for r in 0..comptime!(plan.rows) {
                        let state = states[from + comptime!(r * plan.forward.parts * depth + k)];
                        #[unroll]
                        for o in 0..outputs {
                            products[comptime!(r * outputs + o)] += read_weights[comptime!(o * BLOCK + k)] * state;
                        }
                    }
                }
            }
        }
        #[unroll]
        for r in 0..comptime!(plan.rows) {
            #[unroll]
            for u in 0..comptime!(plan.forward.units) {
                #[unroll]
                for g in 0..gates {
                    let place = (part * comptime!(plan.rows) + r) * comptime!(gates * columns) + comptime!(g * columns + u * lanes) + lane;
                    partial[place] = products[comptime!(r * outputs + u * gates + g)];
                }
            }
        }
        sync_cube();
        #[unroll]
        for n in 0..finished {
            let item = id + comptime!(n * threads);
            let (r, j) = (item / units, item % units);
            let row = first + r;
            if r < comptime!(plan.rows) && row < batch {
                let place = r * comptime!(plan.forward.parts * depth) + j;
                let mut state = states[place];
                let mut counts = true;
                if comptime!(masked) {
                    counts = counting[n] != 0.0f32;
                }
                if counts {
                    let mut of_gates = Array::<f32>::new(gates);
                    #[unroll]
                    for g in 0..gates {
                        let mut product = 0.0f32;
                        #[unroll]
                        for p in 0..comptime!(plan.forward.parts) {
                            product += partial[(r + comptime!(p * plan.rows)) * comptime!(gates * columns) + comptime!(g * columns) + j];
                        }
                        of_gates[g] = product;
                    }
                    let mut own_sums = Array::<f32>::new(sums_of_unit);
                    #[unroll]
                    for s in 0..sums_of_unit {
                        if comptime!(plan.kind != CellKind::Gru || s != 2) {
                            own_sums[s] = read[comptime!(n * sums_of_unit + s)] + biases[comptime!(n * sums_of_unit + s)];
                        } else {
                            own_sums[s] = biases[comptime!(n * sums_of_unit + s)];
                        }
                    }
                    let after = cells::forward(&mut own_sums, &of_gates, State { hidden: state, cell: cells[n] }, comptime!(plan.kind));
                    state = after.hidden;
                    cells[n] = after.cell;
                    #[unroll]
                    for s in 0..sums_of_unit {
                        sums[(t * batch + row) * width + s * units + j] = F::cast_from(own_sums[s]);
                    }
                }
                states[place] = state;
                hidden[((t + 1) * batch + row) * units + j] = F::cast_from(state);
                if comptime!(plan.kind == CellKind::Lstm) {
                    cell[((t + 1) * batch + row) * units + j] = F::cast_from(cells[n]);
                }
                sequence[(row * time + t) * units + j] = F::cast_from(state);
            }
        }
        sync_cube();
    }
}

/// The gradients of [`forward`] by its sums and initial states: all steps of some rows of the batch in reverse.
///
/// # Shapes
///
/// As in [`super::backward::recurrence`], but for the recurrent kernel, `[H, G*H]`. Where nothing but the steps is followed (`fresh`), `carried` holds
/// nothing yet.
#[cube(launch)]
pub(super) fn backward<F: Float>(
    saved: &Tensor<F>,
    states: &Tensor<F>,
    recurrent_kernel: &Tensor<F>,
    upstream: &Tensor<F>,
    carried: &mut Tensor<F>,
    mask: &Tensor<F>,
    gradient: &mut Tensor<F>,
    batch: u32,
    time: u32,
    #[comptime] plan: Kept,
    #[comptime] masked: bool,
    #[comptime] follows: bool,
    #[comptime] fresh: bool,
    #[define(F)] _number: ElemType,
) {
    let (batch, time) = (batch as usize, time as usize);
    let units = comptime!(plan.hidden);
    let gates = comptime!(plan.kind.gates());
    let sums_of_unit = comptime!(plan.kind.sums());
    let wide = comptime!(plan.kind.gates() * plan.hidden);
    let width = comptime!(plan.kind.sums() * plan.hidden);
    let depth = comptime!(plan.backward.depth(plan.kind.gates() * plan.hidden));
    let lanes = comptime!(plan.backward.lanes(plan.hidden));
    let outputs = comptime!(plan.backward.units);
    let threads = comptime!(plan.backward.invocations(plan.hidden));
    let finished = comptime!((plan.rows * plan.hidden).div_ceil(plan.backward.invocations(plan.hidden)));
    let columns = comptime!(plan.backward.units * plan.backward.lanes(plan.hidden));
    let first = CUBE_POS_X as usize * comptime!(plan.rows);
    let id = UNIT_POS_X as usize;
    let (part, lane) = (id / lanes, id % lanes);

    // A weight too many meets a gradient that is zero, or is of a unit that nobody finishes.
    let mut weights = Array::<f32>::new(comptime!(if plan.keeps { outputs * depth } else { 1 }));
    if comptime!(plan.keeps) {
        #[unroll]
        for u in 0..outputs {
            let j = min(lane + comptime!(u * lanes), comptime!(plan.hidden - 1));
            #[unroll]
            for k in 0..depth {
                let column = min(part * depth + k, comptime!(plan.kind.gates() * plan.hidden - 1));
                weights[comptime!(u * depth + k)] = f32::cast_from(recurrent_kernel[j * wide + column]);
            }
        }
    }

    let mut of_gates = Shared::<[f32]>::new_slice(comptime!(plan.rows * plan.backward.parts * depth));
    let mut partial = Shared::<[f32]>::new_slice(comptime!(plan.backward.parts * plan.rows * columns));
    #[unroll]
    for n in 0..comptime!((plan.rows * plan.backward.parts * depth).div_ceil(threads)) {
        let index = id + comptime!(n * threads);
        if index < comptime!(plan.rows * plan.backward.parts * depth) {
            of_gates[index] = 0.0f32;
        }
    }
    sync_cube();

    let mut of_hidden = Array::<f32>::new(finished);
    let mut of_cell = Array::<f32>::new(finished);
    // What a step reads for each cell: the sums, the state before it, what comes from above. The state after it is that before the next.
    let mut read = Array::<f32>::new(comptime!(finished * (plan.kind.sums() + 2)));
    let mut afters = Array::<f32>::new(finished);
    let mut counting = Array::<f32>::new(finished);
    #[unroll]
    for n in 0..finished {
        let item = id + comptime!(n * threads);
        let (r, j) = (item / units, item % units);
        let row = first + r;
        of_hidden[n] = 0.0f32;
        of_cell[n] = 0.0f32;
        if r < comptime!(plan.rows) && row < batch {
            if comptime!(!fresh) {
                of_hidden[n] = f32::cast_from(carried[row * units + j]);
                of_cell[n] = f32::cast_from(carried[(batch + row) * units + j]);
            }
            afters[n] = f32::cast_from(states[(time * batch + row) * units + j]);
        }
    }
    read_step::<F>(saved, states, upstream, mask, time - 1, batch, time, first, id, &mut read, &mut counting, plan, masked, follows);

    for back in 0..time {
        let t = time - 1 - back;
        #[unroll]
        for n in 0..finished {
            let item = id + comptime!(n * threads);
            let (r, j) = (item / units, item % units);
            let row = first + r;
            if r < comptime!(plan.rows) && row < batch {
                let at = (t * batch + row) * width + j;
                let place = r * comptime!(plan.backward.parts * depth) + j;
                if comptime!(follows) {
                    of_hidden[n] += read[comptime!(n * (sums_of_unit + 2) + sums_of_unit + 1)];
                }
                let before = read[comptime!(n * (sums_of_unit + 2) + sums_of_unit)];
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
                        own_saved[s] = read[comptime!(n * (sums_of_unit + 2) + s)];
                    }
                    let of = State { hidden: of_hidden[n], cell: of_cell[n] };
                    let through = cells::backward(&own_saved, before, afters[n], of, &mut own_gradient, comptime!(plan.kind));
                    of_hidden[n] = through.hidden;
                    of_cell[n] = through.cell;
                }
                #[unroll]
                for s in 0..sums_of_unit {
                    gradient[at + s * units] = F::cast_from(own_gradient[s]);
                }
                #[unroll]
                for g in 0..gates {
                    of_gates[place + g * units] = own_gradient[g];
                }
                afters[n] = before;
            }
        }
        sync_cube();
        // Asked for before the product, which takes as long as the memory does.
        if t > 0 {
            read_step::<F>(saved, states, upstream, mask, t - 1, batch, time, first, id, &mut read, &mut counting, plan, masked, follows);
        }
        let mut products = Array::<f32>::new(comptime!(plan.rows * outputs));
        #[unroll]
        for index in 0..comptime!(plan.rows * outputs) {
            products[index] = 0.0f32;
        }
        if comptime!(plan.keeps) {
            #[unroll]
            for k in 0..depth {
                #[unroll]
                for r in 0..comptime!(plan.rows) {
                    let of_gate = of_gates[part * depth + comptime!(r * plan.backward.parts * depth + k)];
                    #[unroll]
                    for o in 0..outputs {
                        products[comptime!(r * outputs + o)] += weights[comptime!(o * depth + k)] * of_gate;
                    }
                }
            }
        } else {
            for block in 0..comptime!(depth / BLOCK) {
                let from = part * depth + block * BLOCK;
                let mut read_weights = Array::<f32>::new(comptime!(outputs * BLOCK));
                #[unroll]
                for k in 0..BLOCK {
                    let column = min(from + k, comptime!(plan.kind.gates() * plan.hidden - 1));
                    #[unroll]
                    for o in 0..outputs {
                        let j = min(lane + comptime!(o * lanes), comptime!(plan.hidden - 1));
                        read_weights[comptime!(o * BLOCK + k)] = f32::cast_from(recurrent_kernel[column * units + j]);
                    }
                }
                #[unroll]
                for k in 0..BLOCK {
                    #[unroll]
                    for r in 0..comptime!(plan.rows) {
                        let of_gate = of_gates[from + comptime!(r * plan.backward.parts * depth + k)];
                        #[unroll]
                        for o in 0..outputs {
                            products[comptime!(r * outputs + o)] += read_weights[comptime!(o * BLOCK + k)] * of_gate;
                        }
                    }
                }
            }
        }
        #[unroll]
        for r in 0..comptime!(plan.rows) {
            #[unroll]
            for u in 0..outputs {
                partial[(part * comptime!(plan.rows) + r) * columns + comptime!(u * lanes) + lane] = products[comptime!(r * outputs + u)];
            }
        }
        sync_cube();
        #[unroll]
        for n in 0..finished {
            let item = id + comptime!(n * threads);
            let (r, j) = (item / units, item % units);
            if r < comptime!(plan.rows) {
                let mut product = 0.0f32;
                #[unroll]
                for p in 0..comptime!(plan.backward.parts) {
                    product += partial[(r + comptime!(p * plan.rows)) * columns + j];
                }
                of_hidden[n] += product;
            }
        }
    }

    #[unroll]
    for n in 0..finished {
        let item = id + comptime!(n * threads);
        let (r, j) = (item / units, item % units);
        let row = first + r;
        if r < comptime!(plan.rows) && row < batch {
            carried[row * units + j] = F::cast_from(of_hidden[n]);
            carried[(batch + row) * units + j] = F::cast_from(of_cell[n]);
        }
    }
}

/// Reads what a step needs of the cells that an invocation finishes.
#[cube]
fn read_step<F: Float>(
    saved: &Tensor<F>,
    states: &Tensor<F>,
    upstream: &Tensor<F>,
    mask: &Tensor<F>,
    t: usize,
    batch: usize,
    time: usize,
    first: usize,
    id: usize,
    read: &mut Array<f32>,
    counting: &mut Array<f32>,
    #[comptime] plan: Kept,
    #[comptime] masked: bool,
    #[comptime] follows: bool,
) {
    let units = comptime!(plan.hidden);
    let sums_of_unit = comptime!(plan.kind.sums());
    let threads = comptime!(plan.backward.invocations(plan.hidden));
    #[unroll]
    for n in 0..comptime!((plan.rows * plan.hidden).div_ceil(plan.backward.invocations(plan.hidden))) {
        let item = id + comptime!(n * threads);
        let (r, j) = (item / units, item % units);
        let row = first + r;
        if r < comptime!(plan.rows) && row < batch {
            let place = comptime!(n * (sums_of_unit + 2));
            #[unroll]
            for s in 0..sums_of_unit {
                read[comptime!(place + s)] = f32::cast_from(saved[((t * batch + row) * sums_of_unit + s) * units + j]);
            }
            if comptime!(plan.kind != CellKind::SimpleRnn) {
                read[comptime!(place + sums_of_unit)] = f32::cast_from(states[(t * batch + row) * units + j]);
            }
            if comptime!(follows) {
                read[comptime!(place + sums_of_unit + 1)] = f32::cast_from(upstream[(row * time + t) * units + j]);
            }
            if comptime!(masked) {
                counting[n] = f32::cast_from(mask[row * time + t]);
            }
        }
    }
}
