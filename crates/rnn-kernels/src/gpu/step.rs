//! Step by step, a launch each: the recurrent product of a tile of rows and units, then their cells. For layers whose weights are too many to be read
//! by every workgroup in every step.

use burn::backend::{ops::FloatTensorOps, tensor::FloatTensor};
use burn_cubecl::{CubeBackend, kernel::into_contiguous, tensor::CubeTensor};
use cubecl::{ir::ElemType, prelude::*};

use super::{
    cells::{self, State},
    fours_of_columns, fours_of_rows, limits, narrow, number,
    plan::{Four, knob},
};
use crate::{cpu::Sizes, ops::CellKind, route::GpuLimits};

/// Invocations side by side: neighbours read neighbouring weights.
const LANES: usize = 32;
/// Vectors of weights that are asked for at once: memory takes longer than what is done with one.
const AHEAD: usize = 2;

/// How a step is shared among workgroups and their invocations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Tile {
    kind: CellKind,
    hidden: usize,
    /// Rows of the batch of a workgroup.
    rows: usize,
    /// Parts of a product, each summed up by other invocations.
    parts: usize,
}

impl Tile {
    /// As many parts as workgroup memory has room for: `outputs` sums a row and lane. Many rows where there are workgroups for the whole device, since
    /// each reads all weights of its units.
    fn of(kind: CellKind, sizes: Sizes, outputs: usize, limits: GpuLimits) -> Self {
        let Sizes { batch, hidden, .. } = sizes;
        let workgroups = |rows: usize| batch.div_ceil(rows) * hidden.div_ceil(LANES);
        let rows = if workgroups(16) >= knob("RNN_STEP_GROUPS", 128) { 16 } else { 8 };
        let tile = |rows: usize, parts: usize| Self { kind, hidden, rows, parts };
        let tiles = [rows, 8].into_iter().flat_map(|rows| [16, 8, 4, 2].map(|parts| tile(rows, parts)));
        let fits = |tile: &Self| {
            // Each invocation finishes four units of a row, or nothing.
            tile.parts * LANES <= limits.invocations.min(512)
                && tile.rows * LANES / 4 <= tile.parts * LANES
                && tile.parts * tile.rows * outputs * LANES * size_of::<f32>() <= limits.shared_memory
                && tile.parts <= knob("RNN_PARTS", 16)
        };
        // WebGPU's promises are enough for the last.
        tiles.into_iter().find(fits).unwrap_or(tile(8, 2))
    }

    fn launched(self, batch: usize) -> (CubeCount, CubeDim) {
        let count = CubeCount::Static(self.hidden.div_ceil(LANES) as u32, batch.div_ceil(self.rows) as u32, 1);
        (count, CubeDim::new_1d((LANES * self.parts) as u32))
    }
}

/// Whether a layer's rows are whole vectors.
pub(super) fn takes(hidden: usize) -> bool {
    hidden.is_multiple_of(4)
}

/// Runs all steps: fills sums, hidden and cell.
pub(super) fn forward(
    sums: &CubeTensor,
    recurrent_kernel: CubeTensor,
    bias: CubeTensor,
    hidden: &CubeTensor,
    cell: &CubeTensor,
    mask: Option<CubeTensor>,
    kind: CellKind,
    sizes: Sizes,
) {
    let weights = fours_of_rows(recurrent_kernel);
    let masked = mask.is_some();
    let mask = mask.unwrap_or_else(|| bias.clone());
    let tile = Tile::of(kind, sizes, kind.gates(), limits(&sums.device));
    let (count, dim) = tile.launched(sizes.batch);
    for t in 0..sizes.time {
        forward_step::launch(
            &sums.client,
            count.clone(),
            dim,
            sums.clone().into_tensor_arg(),
            weights.clone().into_tensor_arg(),
            bias.clone().into_tensor_arg(),
            hidden.clone().into_tensor_arg(),
            cell.clone().into_tensor_arg(),
            mask.clone().into_tensor_arg(),
            sizes.batch as u32,
            sizes.time as u32,
            t as u32,
            tile,
            masked,
            number(sums),
        );
    }
}

/// Runs all steps in reverse: fills the gradient, and gives those of the hidden and cell states before the first step.
pub(super) fn backward(
    saved: &CubeTensor,
    states: &CubeTensor,
    recurrent_kernel: CubeTensor,
    upstream: Option<CubeTensor>,
    of_state: [FloatTensor<CubeBackend>; 2],
    mask: Option<CubeTensor>,
    gradient: &CubeTensor,
    kind: CellKind,
    sizes: Sizes,
) -> [CubeTensor; 2] {
    let Sizes { batch, time, .. } = sizes;
    let transposed = fours_of_columns(recurrent_kernel);
    let carried = into_contiguous(CubeBackend::float_cat(of_state.into(), 0));
    let (masked, follows) = (mask.is_some(), upstream.is_some());
    let mask = mask.unwrap_or_else(|| saved.clone());
    let upstream = upstream.unwrap_or_else(|| saved.clone());
    let tile = Tile::of(kind, sizes, 1, limits(&saved.device));
    let (count, dim) = tile.launched(batch);
    // The last launch is what the first step leaves for the states before it.
    for after in (0..=time).rev() {
        backward_step::launch(
            &saved.client,
            count.clone(),
            dim,
            saved.clone().into_tensor_arg(),
            states.clone().into_tensor_arg(),
            transposed.clone().into_tensor_arg(),
            upstream.clone().into_tensor_arg(),
            carried.clone().into_tensor_arg(),
            mask.clone().into_tensor_arg(),
            gradient.clone().into_tensor_arg(),
            batch as u32,
            time as u32,
            after as u32,
            tile,
            after == time,
            after == 0,
            masked,
            follows,
            number(saved),
        );
    }
    [0, batch].map(|start| narrow(&carried, 0, start, batch))
}

/// One step of some rows and [`LANES`] units in a workgroup. An invocation adds up a part of the products of all gates of its unit; then each finishes
/// four units of a row.
///
/// # Shapes
///
/// As in [`super::forward::recurrence`]; four numbers side by side are a vector.
#[cube(launch)]
fn forward_step<F: Float>(
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
    let first = CUBE_POS_Y as usize * comptime!(tile.rows);
    // An invocation too many computes with the last unit or row, and forgets it.
    let j = min(first_unit + lane, comptime!(tile.hidden - 1));
    let mut rows = Array::<usize>::new(comptime!(tile.rows));
    #[unroll]
    for r in 0..comptime!(tile.rows) {
        rows[r] = (t * batch + min(first + r, batch - 1)) * quads;
    }

    // What the invocation finishes, asked for before the product.
    let own_quads = comptime!(LANES / 4);
    let (r, quad) = (UNIT_POS_X as usize / own_quads, UNIT_POS_X as usize % own_quads);
    let row = first + r;
    let column = first_unit / 4 + quad;
    let finishes = r < comptime!(tile.rows) && row < batch && column < quads;
    let before = (t * batch + row) * quads + column;
    let at = (t * batch + row) * comptime!(tile.kind.sums() * tile.hidden / 4) + column;
    let mut state = Vector::<f32, Four>::broadcast(0.0f32);
    let mut cell_state = Vector::<f32, Four>::broadcast(0.0f32);
    let mut all = Array::<Vector<f32, Four>>::new(sums_of_unit);
    let mut counts = true;
    if finishes {
        state = Vector::cast_from(hidden[before]);
        if comptime!(tile.kind == CellKind::Lstm) {
            cell_state = Vector::cast_from(cell[before]);
        }
        if comptime!(masked) {
            counts = f32::cast_from(mask[row * time + t]) != 0.0f32;
        }
        #[unroll]
        for s in 0..sums_of_unit {
            all[s] = Vector::cast_from(bias[s * quads + column]);
            // The input has no part in a GRU's third sum.
            if comptime!(tile.kind != CellKind::Gru || s != 2) {
                all[s] += Vector::cast_from(sums[at + s * quads]);
            }
        }
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
                weights[comptime!(a * gates + g)] = Vector::cast_from(recurrent_kernel[(vector * gates + g) * units + j]);
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
                            products[comptime!(r * gates + g)] += weights[comptime!(a * gates + g)].extract(k) * of_row.extract(k);
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
                        product += shared[((p * comptime!(tile.rows) + r) * gates + g) * LANES + quad * 4 + c];
                    }
                    of_gates[g] = product;
                }
                let mut own_sums = Array::<f32>::new(sums_of_unit);
                #[unroll]
                for s in 0..sums_of_unit {
                    own_sums[s] = all[s].extract(c);
                }
                let of = State { hidden: state.extract(c), cell: cell_state.extract(c) };
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
        if comptime!(tile.kind == CellKind::Lstm) {
            cell[after] = Vector::cast_from(cell_state);
        }
    }
}

/// One step in reverse of some rows and [`LANES`] units in a workgroup: the step before `after`.
///
/// # Shapes
///
/// As in [`super::backward::recurrence`]; four numbers side by side are a vector. What comes through the recurrent product of the step `after` is
/// computed from that step's part of `gradient`; there is none where this step is the `last`. Where the sequence `ends` at its beginning, that is all.
#[cube(launch)]
fn backward_step<F: Float>(
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
    let first = CUBE_POS_Y as usize * comptime!(tile.rows);

    // What the invocation finishes, asked for before the product.
    let own_quads = comptime!(LANES / 4);
    let (r, quad) = (UNIT_POS_X as usize / own_quads, UNIT_POS_X as usize % own_quads);
    let row = first + r;
    let column = first_unit / 4 + quad;
    let finishes = r < comptime!(tile.rows) && row < batch && column < quads;
    let mut of_hidden = Vector::<f32, Four>::broadcast(0.0f32);
    let mut of_cell = Vector::<f32, Four>::broadcast(0.0f32);
    let mut state_before = Vector::<f32, Four>::broadcast(0.0f32);
    let mut state_after = Vector::<f32, Four>::broadcast(0.0f32);
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
        let j = min(first_unit + lane, comptime!(tile.hidden - 1));
        let mut rows = Array::<usize>::new(comptime!(tile.rows));
        #[unroll]
        for r in 0..comptime!(tile.rows) {
            rows[r] = (after * batch + min(first + r, batch - 1)) * width;
        }
        let mut products = Array::<f32>::new(comptime!(tile.rows));
        #[unroll]
        for r in 0..comptime!(tile.rows) {
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
            let mut through = Vector::<f32, Four>::broadcast(0.0f32);
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
                    let of = State { hidden: of_hidden.extract(c), cell: of_cell.extract(c) };
                    let (state_before, state_after) = (state_before.extract(c), state_after.extract(c));
                    let through = cells::backward(&own_saved, state_before, state_after, of, &mut own_gradient, comptime!(tile.kind));
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
                    gradient[at + s * quads] = Vector::cast_from(Vector::<f32, Four>::broadcast(0.0f32));
                }
            }
            carried[(batch + row) * quads + column] = Vector::cast_from(of_cell);
        }
        carried[row * quads + column] = Vector::cast_from(of_hidden);
    }
}
