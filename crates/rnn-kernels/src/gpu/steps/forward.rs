use cubecl::{ir::ElemType, prelude::*};

use super::tile::{AHEAD, LANES, Tile};
use crate::{
    cell::Cell,
    gpu::{
        cells::{self, CellState},
        plan::Four,
    },
};

/// Runs one step of some rows and [`LANES`] units, with one workgroup for each such tile.
///
/// An invocation adds up a part of the products of all gates of its unit. Then each finishes four
/// units of a row.
///
/// # Shapes
///
/// As in `sequence::forward`, in vectors of four numbers; the recurrent kernel is `[H/4, G*H, 4]`,
/// four rows of `[H, G*H]` side by side.
#[cube(launch)]
pub(super) fn step<F: Float>(
    sums: &mut Tensor<Vector<F, Four>>,
    recurrent_kernel: &Tensor<Vector<F, Four>>,
    bias: &Tensor<Vector<F, Four>>,
    hidden: &mut Tensor<Vector<F, Four>>,
    cell: &mut Tensor<Vector<F, Four>>,
    mask: &Tensor<F>,
    batch: u32,
    time: u32,
    t: u32,
    #[comptime] tile: Tile,
    #[comptime] masked: bool,
    #[define(F)] _number: ElemType,
) {
    let (batch, time, t) = (batch as usize, time as usize, t as usize);
    let units = comptime!(tile.hidden);
    let gates = comptime!(tile.kind.gates());
    let sums_of_unit = comptime!(tile.kind.sums());
    // Vectors of a row of units.
    let quads = comptime!(tile.hidden / 4);
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
    let before = (t * batch + row) * quads + column;
    let at = (t * batch + row) * comptime!(tile.kind.sums() * tile.hidden / 4) + column;
    let zero = Vector::<f32, Four>::broadcast(0.0f32);
    let mut state = zero;
    let mut cell_state = zero;
    let mut all = Array::<Vector<f32, Four>>::new(sums_of_unit);
    let mut counts = true;
    if finishes {
        state = Vector::cast_from(hidden[before]);
        if comptime!(tile.kind == Cell::Lstm) {
            cell_state = Vector::cast_from(cell[before]);
        }
        if comptime!(masked) {
            counts = f32::cast_from(mask[row * time + t]) != 0.0f32;
        }
        #[unroll]
        for s in 0..sums_of_unit {
            all[s] = Vector::cast_from(bias[s * quads + column]);
            // The input has no part in a GRU's third sum.
            if comptime!(tile.kind != Cell::Gru || s != 2) {
                all[s] += Vector::cast_from(sums[at + s * quads]);
            }
        }
    }

    // A surplus invocation computes the last unit or row again and discards it.
    let j = min(first_unit + lane, comptime!(tile.hidden - 1));
    let mut rows = Array::<usize>::new(comptime!(tile.rows));
    #[unroll]
    for r in 0..comptime!(tile.rows) {
        rows[r] = (t * batch + min(first + r, batch - 1)) * quads;
    }
    let mut products = Array::<f32>::new(comptime!(tile.rows * gates));
    #[unroll]
    for index in 0..comptime!(tile.rows * gates) {
        products[index] = 0.0f32;
    }
    let vectors = comptime!((tile.hidden / 4).div_ceil(tile.parts));
    let begin = part * vectors;
    let end = min(begin + vectors, quads);
    let blocks = (max(end, begin) - begin).div_ceil(AHEAD);
    for block in 0..blocks {
        let mut weights = Array::<Vector<f32, Four>>::new(comptime!(gates * AHEAD));
        #[unroll]
        for a in 0..AHEAD {
            let vector = min(begin + block * AHEAD + a, quads - 1);
            #[unroll]
            for g in 0..gates {
                weights[comptime!(a * gates + g)] =
                    Vector::cast_from(recurrent_kernel[(vector * gates + g) * units + j]);
            }
        }
        #[unroll]
        for a in 0..AHEAD {
            let vector = begin + block * AHEAD + a;
            if vector < end {
                #[unroll]
                for r in 0..comptime!(tile.rows) {
                    let of_row = Vector::<f32, Four>::cast_from(hidden[rows[r] + vector]);
                    #[unroll]
                    for g in 0..gates {
                        #[unroll]
                        for k in 0..4usize {
                            products[comptime!(r * gates + g)] +=
                                weights[comptime!(a * gates + g)].extract(k) * of_row.extract(k);
                        }
                    }
                }
            }
        }
    }
    let mut shared = Shared::<[f32]>::new_slice(comptime!(tile.parts * tile.rows * gates * LANES));
    #[unroll]
    for index in 0..comptime!(tile.rows * gates) {
        shared[(part * comptime!(tile.rows * gates) + index) * LANES + lane] = products[index];
    }
    sync_cube();

    if finishes {
        let after = before + batch * quads;
        if counts {
            #[unroll]
            for c in 0..4usize {
                let mut of_gates = Array::<f32>::new(gates);
                #[unroll]
                for g in 0..gates {
                    let mut product = 0.0f32;
                    #[unroll]
                    for p in 0..comptime!(tile.parts) {
                        let place = (p * comptime!(tile.rows) + r) * gates + g;
                        product += shared[place * LANES + quad * 4 + c];
                    }
                    of_gates[g] = product;
                }
                let mut own_sums = Array::<f32>::new(sums_of_unit);
                #[unroll]
                for s in 0..sums_of_unit {
                    own_sums[s] = all[s].extract(c);
                }
                let of = CellState { hidden: state.extract(c), cell: cell_state.extract(c) };
                let next = cells::forward(&mut own_sums, &of_gates, of, comptime!(tile.kind));
                state.insert(c, next.hidden);
                cell_state.insert(c, next.cell);
                #[unroll]
                for s in 0..sums_of_unit {
                    let mut sum = all[s];
                    sum.insert(c, own_sums[s]);
                    all[s] = sum;
                }
            }
            #[unroll]
            for s in 0..sums_of_unit {
                sums[at + s * quads] = Vector::cast_from(all[s]);
            }
        }
        hidden[after] = Vector::cast_from(state);
        if comptime!(tile.kind == Cell::Lstm) {
            cell[after] = Vector::cast_from(cell_state);
        }
    }
}
