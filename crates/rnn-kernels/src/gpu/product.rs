//! Matrix products of a layer over the rows of all steps, of which there are thousands.
//!
//! Without its tuning, Burn's product reaches a tenth of what a GPU can do at these shapes: see
//! docs/benchmarks.md. These tiles also read sequences in their own layout, with masks. They leave
//! out a GRU's sum without an input part. So no tensor is rearranged first.

use burn::{
    backend::{TensorMetadata, ops::FloatTensorOps},
    tensor::Shape,
};
use burn_cubecl::{CubeBackend, kernel::into_contiguous, tensor::CubeTensor};
use cubecl::prelude::*;

use super::{
    tensors::{empty, narrow, number},
    tile::{self, Form, Left, Out, Right, SIDE},
};
use crate::{
    cell::Cell,
    limits::GpuLimits,
    operands::{Gradients, Operands, dims},
    sizes::Sizes,
};

/// Number of tiles from which tiles are made larger.
const FEW_TILES: usize = 120;
/// Numbers per invocation along both sides of a tile, largest first.
const SHAPES: [[usize; 2]; 3] = [[8, 8], [8, 4], [4, 4]];
/// Most parts of the rows of a product, and fewest rows per part.
const PRODUCT_PARTS: [usize; 2] = [32, 128];
/// Most parts of the rows of a sum, and fewest rows per part.
const SUM_PARTS: [usize; 2] = [64, 32];

/// Sizes of a product, `[M, K]` by `[K, N]`, in chunks with one result each.
#[derive(Debug, Clone, Copy)]
struct Extent {
    m: usize,
    k: usize,
    n: usize,
    chunks: usize,
}

/// The input product, `[T*B, S*H]`, time-major. A GRU's third sum has no input part and is not
/// written.
pub(super) fn sums(operands: &Operands<CubeBackend>, kind: Cell, sizes: Sizes) -> CubeTensor {
    let Sizes { batch, time, input, hidden } = sizes;
    let rows = into_contiguous(operands.input.clone());
    let mask = operands.mask.as_ref().cloned().map(into_contiguous);
    let gates = kind.gates() * hidden;
    let out = empty(&rows, [time * batch, kind.sums() * hidden]);
    let masked = mask.is_some();
    launch(
        [rows, into_contiguous(operands.kernel.clone()), out.clone()],
        mask,
        Extent { m: time * batch, k: input, n: gates, chunks: 1 },
        Form {
            left: Left { width: input, batch_first: true, masked, ..Left::default() },
            right: Right { width: gates, ..Right::default() },
            out: Out { width: kind.sums() * hidden, gap: kind == Cell::Gru, ..Out::default() },
            ..Form::of(hidden)
        },
        sizes,
    );
    out
}

/// All gradients, from those of the sums, `[T*B, S*H]`, and of the initial states. `hiddens` are
/// the hidden states, starting with the initial one. Rows are time-major.
pub(super) fn gradients(
    operands: &Operands<CubeBackend>,
    sums: CubeTensor,
    hiddens: CubeTensor,
    [hidden, cell]: [CubeTensor; 2],
    kind: Cell,
    needs_input: bool,
    sizes: Sizes,
) -> Gradients<CubeBackend> {
    let Sizes { batch, time, input, hidden: units } = sizes;
    let gates = kind.gates() * units;
    let width = kind.sums() * units;
    let gap = kind == Cell::Gru;
    let mask = operands.mask.as_ref().cloned().map(into_contiguous);
    let masked = mask.is_some();
    let rows = time * batch;
    // A column of ones beside the inputs gives the gradient of the bias, unless a sum is missing.
    let ones = !gap;
    let m = input + usize::from(ones);
    let left = Left { width: input, by_column: true, batch_first: true, masked, ones, gap: false };
    let right = Right { width, gap, ..Right::default() };
    let inputs = into_contiguous(operands.input.clone());
    let kernel = over_rows([inputs, sums.clone()], mask, [rows, m, gates], left, right, sizes);
    let left = Left { width: units, by_column: true, ..Left::default() };
    let right = Right { width, ..Right::default() };
    let recurrent_kernel = over_rows(
        [into_contiguous(hiddens), sums.clone()],
        None,
        [rows, units, gates],
        left,
        right,
        sizes,
    );
    let bias = if ones {
        let bias = narrow(&kernel, 0, input, 1);
        CubeBackend::float_reshape(bias, Shape::new([gates]))
    } else {
        sum_of_rows(sums.clone())
    };
    let input_gradient = needs_input.then(|| {
        let out = empty(&sums, [batch, time, input]);
        launch(
            [sums.clone(), into_contiguous(operands.kernel.clone()), out.clone()],
            None,
            Extent { m: rows, k: gates, n: input, chunks: 1 },
            Form {
                left: Left { width, gap, ..Left::default() },
                right: Right { width: gates, by_row: true, ..Right::default() },
                out: Out { width: input, batch_first: true, ..Out::default() },
                ..Form::of(units)
            },
            sizes,
        );
        out
    });
    Gradients {
        input: input_gradient.into(),
        kernel: if ones { narrow(&kernel, 0, 0, input) } else { kernel },
        recurrent_kernel,
        bias,
        cell: if kind == Cell::Lstm { cell } else { hidden.clone() },
        hidden,
    }
}

/// Multiplies `[K, M]` transposed by `[K, N]`. There are thousands of rows to add up but few tiles
/// of the result. To keep the whole device busy, the rows are split into parts, whose products are
/// added in a fixed order.
fn over_rows(
    [left, right]: [CubeTensor; 2],
    mask: Option<CubeTensor>,
    [rows, m, n]: [usize; 3],
    of_left: Left,
    of_right: Right,
    sizes: Sizes,
) -> CubeTensor {
    let chunks = parts(rows, PRODUCT_PARTS);
    let out = empty(&left, [chunks * m, n]);
    launch(
        [left, right, out.clone()],
        mask,
        Extent { m, k: rows / chunks, n, chunks },
        Form {
            left: of_left,
            right: of_right,
            out: Out { width: n, ..Out::default() },
            ..Form::of(sizes.hidden)
        },
        sizes,
    );
    if chunks == 1 {
        return out;
    }
    let products = CubeBackend::float_reshape(out, Shape::new([chunks, m, n]));
    CubeBackend::float_reshape(CubeBackend::float_sum_dim(products, 0), Shape::new([m, n]))
}

/// Adds up all rows, `[N]`, in parts as well: Burn adds up each column in one invocation.
fn sum_of_rows(matrix: CubeTensor) -> CubeTensor {
    let [rows, n] = dims(matrix.shape());
    let chunks = parts(rows, SUM_PARTS);
    let matrix = CubeBackend::float_reshape(matrix, Shape::new([chunks, rows / chunks, n]));
    let sums = CubeBackend::float_sum_dim(matrix, 1);
    if chunks == 1 {
        return CubeBackend::float_reshape(sums, Shape::new([n]));
    }
    let sums = CubeBackend::float_reshape(sums, Shape::new([chunks, n]));
    CubeBackend::float_reshape(CubeBackend::float_sum_dim(sums, 0), Shape::new([n]))
}

/// Number of equal parts of `rows`.
fn parts(rows: usize, [most, fewest_rows]: [usize; 2]) -> usize {
    let fits = |parts: &usize| rows.is_multiple_of(*parts) && rows / parts >= fewest_rows;
    (1..=most).rev().find(fits).unwrap_or(1)
}

impl Form {
    fn of(hidden: usize) -> Self {
        Self {
            rows: 1,
            columns: 1,
            chunked: false,
            left: Left::default(),
            right: Right::default(),
            out: Out::default(),
            gap: hidden,
        }
    }
}

/// Launches a product in tiles, with one workgroup for each. `form` has yet no size of the tiles.
fn launch(
    [left, right, out]: [CubeTensor; 3],
    mask: Option<CubeTensor>,
    extent: Extent,
    form: Form,
    sizes: Sizes,
) {
    let Extent { m, k, n, chunks } = extent;
    // Larger tiles use what they read more often, if there are enough of them for a whole device.
    let tiles = |[rows, columns]: [usize; 2]| [m.div_ceil(SIDE * rows), n.div_ceil(SIDE * columns)];
    let enough = |shape: &[usize; 2]| tiles(*shape).iter().product::<usize>() * chunks >= FEW_TILES;
    let shape = SHAPES.into_iter().find(enough).unwrap_or(SHAPES[2]);
    let [mut high, wide] = tiles(shape);
    let [rows, columns] = shape;
    let mut layers = chunks;
    // Tiles beyond the number of workgroups in one dimension are in the third one.
    if chunks == 1 {
        layers = high.div_ceil(GpuLimits::WEBGPU.workgroups);
        high = high.div_ceil(layers);
    }
    let client = left.client.clone();
    let stored = number(&left);
    tile::tile::launch(
        &client,
        CubeCount::Static(wide as u32, high as u32, layers as u32),
        CubeDim::new_1d((SIDE * SIDE) as u32),
        left.clone().into_tensor_arg(),
        right.into_tensor_arg(),
        mask.unwrap_or(left).into_tensor_arg(),
        out.into_tensor_arg(),
        m as u32,
        k as u32,
        n as u32,
        sizes.batch as u32,
        sizes.time as u32,
        Form { rows, columns, chunked: chunks > 1, ..form },
        stored,
    );
}

#[cfg(test)]
mod tests {
    use burn::{
        backend::{DispatchDevice, read_sync},
        tensor::{Device, DeviceKind, TensorData},
    };

    use super::*;

    const SIZES: Sizes = Sizes { batch: 1, time: 1, input: 1, hidden: 1 };

    /// Small whole numbers, whose sums are exact in any order.
    fn numbers([rows, columns]: [usize; 2], salt: usize) -> Vec<f32> {
        (0..rows * columns).map(|index| ((index * 7 + salt) % 13) as f32 - 6.0).collect()
    }

    fn tensor(values: Vec<f32>, shape: [usize; 2]) -> CubeTensor {
        let device = Device::wgpu(DeviceKind::DefaultDevice);
        let DispatchDevice::Cube(device) = device.as_dispatch() else {
            panic!("not a device of CubeCL: {device:?}")
        };
        CubeBackend::float_from_data(TensorData::new(values, shape), device)
    }

    fn values(tensor: CubeTensor) -> Vec<f32> {
        read_sync(CubeBackend::float_into_data(tensor)).unwrap().iter::<f32>().collect()
    }

    #[test]
    fn products_of_tiles_of_all_sizes_are_exact() {
        for [m, k, n] in [[1, 1, 1], [5, 17, 3], [130, 33, 65], [2100, 4, 520], [2100, 3, 1100]] {
            for (by_column, by_row) in [(false, false), (false, true), (true, false)] {
                let left = if by_column { [k, m] } else { [m, k] };
                let right = if by_row { [n, k] } else { [k, n] };
                let (lefts, rights) = (numbers(left, 1), numbers(right, 2));
                let mut expected = vec![0.0; m * n];
                for (index, sum) in expected.iter_mut().enumerate() {
                    let (i, j) = (index / n, index % n);
                    let term = |d: usize| {
                        let left = if by_column { d * m + i } else { i * k + d };
                        let right = if by_row { j * k + d } else { d * n + j };
                        lefts[left] * rights[right]
                    };
                    *sum = (0..k).map(term).sum();
                }
                let operands = [tensor(lefts, left), tensor(rights, right)];
                let out = empty(&operands[0], [m, n]);
                let [first, second] = operands;
                let form = Form {
                    left: Left { width: left[1], by_column, ..Left::default() },
                    right: Right { width: right[1], by_row, ..Right::default() },
                    out: Out { width: n, ..Out::default() },
                    ..Form::of(1)
                };
                let extent = Extent { m, k, n, chunks: 1 };
                launch([first, second, out.clone()], None, extent, form, SIZES);
                assert_eq!(values(out), expected, "{m} {k} {n}, {by_column} {by_row}");
            }
        }
    }

    #[test]
    fn sums_over_rows_are_exact_in_parts() {
        for shape @ [rows, columns] in [[1, 1], [31, 5], [96, 7], [4096, 12]] {
            let matrix = numbers(shape, 3);
            let sums: Vec<f32> = (0..columns)
                .map(|column| matrix.iter().skip(column).step_by(columns).sum())
                .collect();
            assert_eq!(values(sum_of_rows(tensor(matrix, shape))), sums, "{rows} rows");
        }
    }
}
