use cubecl::{ir::ElemType, prelude::*};

use super::tile::{AHEAD, LANES, Tile};
use crate::gpu::{
    cells::{self, CellState},
    plan::Four,
};

/// Runs the step before `after` in reverse, for the same tiles as [`super::forward::step`].
///
/// The gradients through the recurrent product of the step `after` are computed here, from that
/// step's part of `gradient`. There are none if this step is the `last`. At the beginning of the
/// sequence (`ends`), this launch does nothing else.
///
/// # Shapes
///
/// As in `sequence::backward`, in vectors of four numbers; the transposed recurrent kernel is
/// `[G*H/4, H, 4]`, four columns of `[H, G*H]` side by side.
#[cube(launch)]
pub(super) fn step<F: Float>(
    saved: &Tensor<Vector<F, Four>>,
    states: &Tensor<Vector<F, Four>>,
    transposed: &Tensor<Vector<F, Four>>,
    upstream: &Tensor<Vector<F, Four>>,
    carried: &mut Tensor<Vector<F, Four>>,
    mask: &Tensor<F>,
    gradient: &mut Tensor<Vector<F, Four>>,
    batch: u32,
    time: u32,
    after: u32,
    #[comptime] tile: Tile,
    #[comptime] last: bool,
    #[comptime] ends: bool,
    #[comptime] masked: bool,
    #[comptime] follows: bool,
    #[define(F)] _number: ElemType,
) {
    let (batch, time, after) = (batch as usize, time as usize, after as usize);
    let units = comptime!(tile.hidden);
    let sums_of_unit = comptime!(tile.kind.sums());
    let quads = comptime!(tile.hidden / 4);
    let width = comptime!(tile.kind.sums() * tile.hidden / 4);
    let (lane, part) = (UNIT_POS_X as usize % LANES, UNIT_POS_X as usize / LANES);
    let first_unit = CUBE_POS_X as usize * LANES;
    let group = CUBE_POS_Z as usize * CUBE_COUNT_Y as usize + CUBE_POS_Y as usize;
    let first = group * comptime!(tile.rows);

    // The values that the invocation finishes, requested before the product.
    let own_quads = comptime!(LANES / 4);
    let (r, quad) = (UNIT_POS_X as usize / own_quads, UNIT_POS_X as usize % own_quads);
    let row = first + r;
    let column = first_unit / 4 + quad;
    let finishes = r < comptime!(tile.rows) && row < batch && column < quads;
    let zero = Vector::<f32, Four>::broadcast(0.0f32);
    let mut of_hidden = zero;
    let mut of_cell = zero;
    let mut state_before = zero;
    let mut state_after = zero;
    let mut all = Array::<Vector<f32, Four>>::new(sums_of_unit);
    let mut counts = true;
    if finishes {
        of_hidden = Vector::cast_from(carried[row * quads + column]);
        if comptime!(!ends) {
            let t = after - 1;
            of_cell = Vector::cast_from(carried[(batch + row) * quads + column]);
            if comptime!(follows) {
                of_hidden += Vector::cast_from(upstream[(row * time + t) * quads + column]);
            }
            if comptime!(masked) {
                counts = f32::cast_from(mask[row * time + t]) != 0.0f32;
            }
            state_before = Vector::cast_from(states[(t * batch + row) * quads + column]);
            state_after = Vector::cast_from(states[(after * batch + row) * quads + column]);
            #[unroll]
            for s in 0..sums_of_unit {
                all[s] = Vector::cast_from(saved[(t * batch + row) * width + column + s * quads]);
            }
        }
    }

    let mut shared = Shared::<[f32]>::new_slice(comptime!(tile.parts * tile.rows * LANES));
    if comptime!(!last) {
        // A surplus invocation computes the last unit or row again and discards it.
        let j = min(first_unit + lane, comptime!(tile.hidden - 1));
        let mut rows = Array::<usize>::new(comptime!(tile.rows));
        let mut products = Array::<f32>::new(comptime!(tile.rows));
        #[unroll]
        for r in 0..comptime!(tile.rows) {
            rows[r] = (after * batch + min(first + r, batch - 1)) * width;
            products[r] = 0.0f32;
        }
        let every = comptime!(tile.kind.gates() * tile.hidden / 4);
        let vectors = comptime!((tile.kind.gates() * tile.hidden / 4).div_ceil(tile.parts));
        let begin = part * vectors;
        let end = min(begin + vectors, every);
        let blocks = (max(end, begin) - begin).div_ceil(AHEAD);
        for block in 0..blocks {
            let mut weights = Array::<Vector<f32, Four>>::new(AHEAD);
            #[unroll]
            for a in 0..AHEAD {
                let vector = min(begin + block * AHEAD + a, every - 1);
                weights[a] = Vector::cast_from(transposed[vector * units + j]);
            }
            #[unroll]
            for a in 0..AHEAD {
                let vector = begin + block * AHEAD + a;
                if vector < end {
                    #[unroll]
                    for r in 0..comptime!(tile.rows) {
                        let of_gates = Vector::<f32, Four>::cast_from(gradient[rows[r] + vector]);
                        #[unroll]
                        for k in 0..4usize {
                            products[r] += weights[a].extract(k) * of_gates.extract(k);
                        }
                    }
                }
            }
        }
        #[unroll]
        for r in 0..comptime!(tile.rows) {
            shared[(part * comptime!(tile.rows) + r) * LANES + lane] = products[r];
        }
        sync_cube();
    }

    if finishes {
        if comptime!(!last) {
            let mut through = zero;
            #[unroll]
            for c in 0..4usize {
                let mut product = 0.0f32;
                #[unroll]
                for p in 0..comptime!(tile.parts) {
                    product += shared[(p * comptime!(tile.rows) + r) * LANES + quad * 4 + c];
                }
                through.insert(c, product);
            }
            of_hidden += through;
        }
        if comptime!(!ends) {
            let at = ((after - 1) * batch + row) * width + column;
            if counts {
                #[unroll]
                for c in 0..4usize {
                    let mut own_saved = Array::<f32>::new(sums_of_unit);
                    #[unroll]
                    for s in 0..sums_of_unit {
                        own_saved[s] = all[s].extract(c);
                    }
                    let mut own_gradient = Array::<f32>::new(sums_of_unit);
                    let of = CellState { hidden: of_hidden.extract(c), cell: of_cell.extract(c) };
                    let through = cells::backward(
                        &own_saved,
                        state_before.extract(c),
                        state_after.extract(c),
                        of,
                        &mut own_gradient,
                        comptime!(tile.kind),
                    );
                    of_hidden.insert(c, through.hidden);
                    of_cell.insert(c, through.cell);
                    #[unroll]
                    for s in 0..sums_of_unit {
                        let mut of_sum = all[s];
                        of_sum.insert(c, own_gradient[s]);
                        all[s] = of_sum;
                    }
                }
                #[unroll]
                for s in 0..sums_of_unit {
                    gradient[at + s * quads] = Vector::cast_from(all[s]);
                }
            } else {
                #[unroll]
                for s in 0..sums_of_unit {
                    gradient[at + s * quads] = Vector::cast_from(zero);
                }
            }
            carried[(batch + row) * quads + column] = Vector::cast_from(of_cell);
        }
        carried[row * quads + column] = Vector::cast_from(of_hidden);
    }
}
