//! The product of a step within a workgroup, with weights in registers or in memory.

use cubecl::prelude::*;

use crate::gpu::plan::Split;

/// Numbers per vector of weights that are read in every step.
pub(super) const FOUR: usize = 4;

/// Reads the weights that an invocation keeps: `depth` numbers for each of its outputs.
///
/// A surplus weight meets a number that is zero, or belongs to a unit that nobody finishes.
///
/// # Shapes
///
/// - recurrent kernel: `[H, G*H]`
/// - weights: `[units * gates * depth]`
#[cube]
pub(super) fn keep<F: Float, N: Size>(
    recurrent_kernel: &Tensor<Vector<F, N>>,
    weights: &mut Array<f32>,
    part: usize,
    lane: usize,
    #[comptime] split: Split,
) {
    let gates = comptime!(split.gates);
    let depth = comptime!(split.depth());
    #[unroll]
    for u in 0..comptime!(split.units) {
        let j = min(lane + comptime!(u * split.lanes()), comptime!(split.hidden - 1));
        #[unroll]
        for g in 0..gates {
            #[unroll]
            for k in 0..depth {
                let row = min(part * depth + k, comptime!(split.length - 1));
                let mut place = j * comptime!(split.length) + row;
                if comptime!(!split.transposed) {
                    place = row * comptime!(split.gates * split.hidden)
                        + comptime!(g * split.hidden)
                        + j;
                }
                weights[comptime!((u * gates + g) * depth + k)] =
                    f32::cast_from(recurrent_kernel[place].extract(0usize));
            }
        }
    }
}

/// Multiplies an invocation's part of each row's vector by its weights.
///
/// # Shapes
///
/// - recurrent kernel: `[length/4, gates*H, 4]`, unless the weights are kept
/// - vectors: `[rows, parts * depth]`
/// - products: `[rows, units * gates]`
#[cube]
pub(super) fn multiply<F: Float, N: Size>(
    recurrent_kernel: &Tensor<Vector<F, N>>,
    weights: &Array<f32>,
    vectors: &Shared<[f32]>,
    products: &mut Array<f32>,
    part: usize,
    lane: usize,
    #[comptime] split: Split,
    #[comptime] rows: usize,
) {
    let gates = comptime!(split.gates);
    let depth = comptime!(split.depth());
    let outputs = comptime!(split.units * split.gates);
    let pitch = comptime!(split.parts * split.depth());
    #[unroll]
    for index in 0..comptime!(rows * outputs) {
        products[index] = 0.0f32;
    }
    if comptime!(split.keeps) {
        #[unroll]
        for k in 0..depth {
            #[unroll]
            for r in 0..rows {
                let number = vectors[part * depth + comptime!(r * pitch + k)];
                #[unroll]
                for o in 0..outputs {
                    products[comptime!(r * outputs + o)] +=
                        weights[comptime!(o * depth + k)] * number;
                }
            }
        }
    } else {
        for block in 0..comptime!(depth / FOUR) {
            let from = part * depth + block * FOUR;
            let vector = min(from / FOUR, comptime!(split.length.div_ceil(FOUR) - 1));
            let mut read = Array::<Vector<f32, N>>::new(outputs);
            #[unroll]
            for u in 0..comptime!(split.units) {
                let j = min(lane + comptime!(u * split.lanes()), comptime!(split.hidden - 1));
                #[unroll]
                for g in 0..gates {
                    let column = vector * comptime!(split.gates * split.hidden)
                        + comptime!(g * split.hidden)
                        + j;
                    read[comptime!(u * gates + g)] = Vector::cast_from(recurrent_kernel[column]);
                }
            }
            #[unroll]
            for k in 0..FOUR {
                #[unroll]
                for r in 0..rows {
                    let number = vectors[from + comptime!(r * pitch + k)];
                    #[unroll]
                    for o in 0..outputs {
                        products[comptime!(r * outputs + o)] += read[o].extract(k) * number;
                    }
                }
            }
        }
    }
}

/// Writes an invocation's products for the others to add up.
///
/// # Shapes
///
/// - partial: `[parts, rows, gates, columns]`
#[cube]
pub(super) fn exchange(
    products: &Array<f32>,
    partial: &mut Shared<[f32]>,
    part: usize,
    lane: usize,
    #[comptime] split: Split,
    #[comptime] rows: usize,
) {
    let gates = comptime!(split.gates);
    let columns = comptime!(split.columns());
    #[unroll]
    for r in 0..rows {
        #[unroll]
        for u in 0..comptime!(split.units) {
            #[unroll]
            for g in 0..gates {
                let place = (part * rows + r) * comptime!(gates * columns)
                    + comptime!(g * columns + u * split.lanes())
                    + lane;
                partial[place] = products[comptime!((r * split.units + u) * gates + g)];
            }
        }
    }
}

/// Adds up the products of a row, unit and gate over all parts.
#[cube]
pub(super) fn total(
    partial: &Shared<[f32]>,
    row: usize,
    j: usize,
    #[comptime] gate: usize,
    #[comptime] split: Split,
    #[comptime] rows: usize,
) -> f32 {
    let width = comptime!(split.gates * split.columns());
    let mut product = 0.0f32;
    #[unroll]
    for part in 0..comptime!(split.parts) {
        product +=
            partial[(row + comptime!(part * rows)) * width + comptime!(gate * split.columns()) + j];
    }
    product
}
