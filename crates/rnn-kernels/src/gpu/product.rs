//! Matrix products of the operators: thousands of rows (a row a step and sequence) with matrices of a layer.
//!
//! Burn's own, without its tuning by trial, reach a tenth of what a GPU can do at these shapes (BENCHMARKS.md).

use burn::{
    backend::{TensorMetadata, ops::FloatTensorOps},
    tensor::Shape,
};
use burn_cubecl::{CubeBackend, kernel::into_contiguous, tensor::CubeTensor};
use cubecl::{ir::ElemType, prelude::*};

use super::{empty, limits, number};
use crate::{backends::dims, route::GpuLimits};

/// Invocations along each side of a tile.
const SIDE: usize = 16;
/// Tiles that there should be before they are made larger.
const FEW_TILES: usize = 120;
/// Depth of the tiles that workgroup memory holds.
const DEPTH: usize = 16;
/// Parts that rows are added up in, at most.
const MOST_CHUNKS: usize = 32;
/// Rows of a part at least.
const FEWEST_ROWS: usize = 128;

/// `[M, K]` by `[K, N]`.
pub(super) fn product(left: CubeTensor, right: CubeTensor) -> CubeTensor {
    let ([m, k], [_, n]) = (dims(left.shape()), dims(right.shape()));
    tiled(left, right, [m, k, n], 1, false, false)
}

/// `[M, K]` by `[N, K]` transposed.
pub(super) fn product_with_transposed(left: CubeTensor, right: CubeTensor) -> CubeTensor {
    let ([m, k], [n, _]) = (dims(left.shape()), dims(right.shape()));
    tiled(left, right, [m, k, n], 1, false, true)
}

/// `[K, M]` transposed by `[K, N]`. There are thousands of rows to add up and few tiles of the result, so that a device has work for all its parts
/// only if each takes some of the rows; their products are added in a fixed order.
pub(super) fn product_over_rows(left: CubeTensor, right: CubeTensor) -> CubeTensor {
    let ([rows, m], [_, n]) = (dims(left.shape()), dims(right.shape()));
    let chunks = chunks(rows, MOST_CHUNKS, FEWEST_ROWS);
    let products = tiled(left, right, [m, rows / chunks, n], chunks, true, false);
    let products = CubeBackend::float_reshape(products, Shape::new([chunks, m, n]));
    CubeBackend::float_reshape(CubeBackend::float_sum_dim(products, 0), Shape::new([m, n]))
}

/// The sum of all rows, `[N]`, in parts likewise: Burn adds up each column in one invocation.
pub(super) fn sum_of_rows(matrix: CubeTensor) -> CubeTensor {
    let [rows, n] = dims(matrix.shape());
    let chunks = chunks(rows, 64, 32);
    let parts = CubeBackend::float_reshape(into_contiguous(matrix), Shape::new([chunks, rows / chunks, n]));
    let sums = CubeBackend::float_reshape(CubeBackend::float_sum_dim(parts, 1), Shape::new([chunks, n]));
    CubeBackend::float_reshape(CubeBackend::float_sum_dim(sums, 0), Shape::new([n]))
}

fn chunks(rows: usize, most: usize, fewest_rows: usize) -> usize {
    (1..=most).rev().find(|chunks| rows.is_multiple_of(*chunks) && rows / chunks >= fewest_rows).unwrap_or(1)
}

/// A processor that stands in for a GPU reads number by number; Burn's kernels suit it better than a tile of many numbers.
fn plain(left: CubeTensor, right: CubeTensor, [m, k, n]: [usize; 3], chunks: usize, by_column: bool, by_row: bool) -> CubeTensor {
    let right = if by_row { CubeBackend::float_transpose(right) } else { right };
    if !by_column {
        return into_contiguous(CubeBackend::float_matmul(left, right));
    }
    let chunk = |tensor, columns| CubeBackend::float_reshape(tensor, Shape::new([chunks, k, columns]));
    CubeBackend::float_matmul(CubeBackend::float_swap_dims(chunk(left, m), 1, 2), chunk(right, n))
}

fn tiled(left: CubeTensor, right: CubeTensor, [m, k, n]: [usize; 3], chunks: usize, by_column: bool, by_row: bool) -> CubeTensor {
    if limits(&left.device).software && std::env::var_os("RNN_TILES").is_none() {
        return plain(left, right, [m, k, n], chunks, by_column, by_row);
    }
    let (left, right) = (into_contiguous(left), into_contiguous(right));
    let out = empty(&left, [chunks * m, n]);
    // Larger tiles reuse what they read more often, if there are enough of them for the whole device.
    let tiles = |[rows, columns]: [usize; 2]| m.div_ceil(SIDE * rows) * n.div_ceil(SIDE * columns) * chunks;
    let shapes = [[8, 8], [8, 4]];
    let shape = shapes.into_iter().find(|&shape| tiles(shape) >= FEW_TILES).unwrap_or([4, 4]);
    let [rows, columns] = shape;
    let (columns_of_tiles, mut rows_of_tiles, mut layers) = (n.div_ceil(SIDE * columns), m.div_ceil(SIDE * rows), chunks);
    let most = GpuLimits::WEBGPU.workgroups;
    // More tiles than a dimension has workgroups: those that follow are in the third.
    if rows_of_tiles > most && chunks == 1 {
        layers = rows_of_tiles.div_ceil(most);
        rows_of_tiles = rows_of_tiles.div_ceil(layers);
    }
    tile::launch(
        &left.client,
        CubeCount::Static(columns_of_tiles as u32, rows_of_tiles as u32, layers as u32),
        CubeDim::new_1d((SIDE * SIDE) as u32),
        left.clone().into_tensor_arg(),
        right.into_tensor_arg(),
        out.clone().into_tensor_arg(),
        m as u32,
        k as u32,
        n as u32,
        chunks > 1,
        by_column,
        by_row,
        rows,
        columns,
        number(&left),
    );
    out
}

/// A tile of a product, a workgroup for each: 16 by 16 invocations, of which each has numbers 16 rows and columns apart.
#[cube(launch)]
fn tile<F: Float>(
    left: &Tensor<F>,
    right: &Tensor<F>,
    out: &mut Tensor<F>,
    m: u32,
    k: u32,
    n: u32,
    #[comptime] chunked: bool,
    #[comptime] by_column: bool,
    #[comptime] by_row: bool,
    #[comptime] rows: usize,
    #[comptime] columns: usize,
    #[define(F)] _number: ElemType,
) {
    let (m, k, n) = (m as usize, k as usize, n as usize);
    let height = comptime!(SIDE * rows);
    let breadth = comptime!(SIDE * columns);
    let id = UNIT_POS_X as usize;
    let (own_row, own_column) = (id / SIDE, id % SIDE);
    let first_column = CUBE_POS_X as usize * breadth;
    let mut first_row = CUBE_POS_Y as usize * height;
    let mut chunk = 0usize;
    if comptime!(chunked) {
        chunk = CUBE_POS_Z as usize;
    } else {
        first_row += CUBE_POS_Z as usize * CUBE_COUNT_Y as usize * height;
    }
    // Rows of numbers that invocations read side by side and write one below the other: an odd length keeps them in banks of their own.
    let (left_pitch, right_pitch) = (comptime!(SIDE * rows + 1), comptime!(SIDE * columns + 1));
    let mut lefts = Shared::<[f32]>::new_slice(comptime!(DEPTH * (SIDE * rows + 1)));
    let mut rights = Shared::<[f32]>::new_slice(comptime!(DEPTH * (SIDE * columns + 1)));
    let mut results = Array::<f32>::new(comptime!(rows * columns));
    #[unroll]
    for index in 0..comptime!(rows * columns) {
        results[index] = 0.0f32;
    }
    let mut of_left = Array::<f32>::new(rows);
    let mut of_right = Array::<f32>::new(columns);
    read_left::<F>(left, &mut of_left, 0usize, first_row, chunk, m, k, id, by_column, rows);
    read_right::<F>(right, &mut of_right, 0usize, first_column, chunk, n, k, id, by_row, columns);
    let steps = k.div_ceil(DEPTH);
    for step in 0..steps {
        #[unroll]
        for index in 0..rows {
            let place = id + comptime!(index * SIDE * SIDE);
            if comptime!(by_column) {
                lefts[place / height * left_pitch + place % height] = of_left[index];
            } else {
                lefts[place % DEPTH * left_pitch + place / DEPTH] = of_left[index];
            }
        }
        #[unroll]
        for index in 0..columns {
            let place = id + comptime!(index * SIDE * SIDE);
            if comptime!(by_row) {
                rights[place % DEPTH * right_pitch + place / DEPTH] = of_right[index];
            } else {
                rights[place / breadth * right_pitch + place % breadth] = of_right[index];
            }
        }
        sync_cube();
        // Asked for while these are multiplied.
        if step + 1 < steps {
            read_left::<F>(left, &mut of_left, (step + 1) * DEPTH, first_row, chunk, m, k, id, by_column, rows);
            read_right::<F>(right, &mut of_right, (step + 1) * DEPTH, first_column, chunk, n, k, id, by_row, columns);
        }
        #[unroll]
        for depth in 0..DEPTH {
            let mut of_row = Array::<f32>::new(rows);
            #[unroll]
            for r in 0..rows {
                of_row[r] = lefts[own_row + comptime!(depth * left_pitch + r * SIDE)];
            }
            #[unroll]
            for c in 0..columns {
                let of_column = rights[own_column + comptime!(depth * right_pitch + c * SIDE)];
                #[unroll]
                for r in 0..rows {
                    results[comptime!(r * columns + c)] += of_row[r] * of_column;
                }
            }
        }
        sync_cube();
    }
    #[unroll]
    for r in 0..rows {
        #[unroll]
        for c in 0..columns {
            let (i, j) = (first_row + own_row + comptime!(r * SIDE), first_column + own_column + comptime!(c * SIDE));
            if i < m && j < n {
                out[(chunk * m + i) * n + j] = F::cast_from(results[comptime!(r * columns + c)]);
            }
        }
    }
}

/// What an invocation brings of the left matrix's tile, from a depth on.
#[cube]
fn read_left<F: Float>(
    left: &Tensor<F>,
    into: &mut Array<f32>,
    from: usize,
    first: usize,
    chunk: usize,
    m: usize,
    k: usize,
    id: usize,
    #[comptime] by_column: bool,
    #[comptime] rows: usize,
) {
    #[unroll]
    for index in 0..rows {
        let place = id + comptime!(index * SIDE * SIDE);
        let mut number = 0.0f32;
        if comptime!(by_column) {
            let (i, d) = (first + place % comptime!(SIDE * rows), from + place / comptime!(SIDE * rows));
            if i < m && d < k {
                number = f32::cast_from(left[(chunk * k + d) * m + i]);
            }
        } else {
            let (i, d) = (first + place / DEPTH, from + place % DEPTH);
            if i < m && d < k {
                number = f32::cast_from(left[i * k + d]);
            }
        }
        into[index] = number;
    }
}

/// What an invocation brings of the right matrix's tile, from a depth on.
#[cube]
fn read_right<F: Float>(
    right: &Tensor<F>,
    into: &mut Array<f32>,
    from: usize,
    first: usize,
    chunk: usize,
    n: usize,
    k: usize,
    id: usize,
    #[comptime] by_row: bool,
    #[comptime] columns: usize,
) {
    #[unroll]
    for index in 0..columns {
        let place = id + comptime!(index * SIDE * SIDE);
        let mut number = 0.0f32;
        if comptime!(by_row) {
            let (j, d) = (first + place / DEPTH, from + place % DEPTH);
            if j < n && d < k {
                number = f32::cast_from(right[j * k + d]);
            }
        } else {
            let (j, d) = (first + place % comptime!(SIDE * columns), from + place / comptime!(SIDE * columns));
            if j < n && d < k {
                number = f32::cast_from(right[(chunk * k + d) * n + j]);
            }
        }
        into[index] = number;
    }
}
