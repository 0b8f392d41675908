//! Tensors of a device in the layouts of the kernels, and their products.

use burn::{
    backend::{
        TensorMetadata, cubecl::dtype_to_elem_type, ops::FloatTensorOps, tensor::FloatTensor,
    },
    tensor::Shape,
};
use burn_cubecl::{
    CubeBackend, kernel::into_contiguous, ops::numeric::empty_device_contiguous_dtype,
    tensor::CubeTensor,
};
use cubecl::ir::ElemType;

use crate::{composed, operands::dims, sizes::Sizes};

/// Largest number of parts for sums over rows.
const MOST_CHUNKS: usize = 16;
/// Smallest number of rows per part.
const FEWEST_ROWS: usize = 128;

/// Storage type of a tensor's numbers.
pub(super) fn number(tensor: &CubeTensor) -> ElemType {
    dtype_to_elem_type(tensor.dtype)
}

/// Allocates a tensor on the device and with the type of another.
pub(super) fn empty(like: &CubeTensor, shape: impl Into<Shape>) -> CubeTensor {
    empty_device_contiguous_dtype(
        like.client.clone(),
        like.device.clone(),
        shape.into(),
        like.dtype,
    )
}

/// Zeros on the device and with the type of another tensor.
pub(super) fn zeros(like: &CubeTensor, shape: [usize; 2]) -> CubeTensor {
    CubeBackend::float_zeros(Shape::new(shape), &like.device, like.dtype.into())
}

/// Tensors of a forward pass.
pub(super) struct Forward<'a> {
    /// The input product, `[T*B, S*H]`, time-major; the values for the backward pass replace it.
    pub(super) sums: &'a CubeTensor,
    /// Recurrent weights, `[H, G*H]`.
    pub(super) recurrent_kernel: CubeTensor,
    /// Bias of the sums, `[S*H]`.
    pub(super) bias: CubeTensor,
    /// Hidden states, starting with the initial ones, `[(T+1)*B, H]`, time-major.
    pub(super) hidden: &'a CubeTensor,
    /// Cell states in the same layout; for cells other than the LSTM, the hidden states.
    pub(super) cell: &'a CubeTensor,
    /// Mask, `[B, T]`.
    pub(super) mask: Option<CubeTensor>,
}

/// Tensors of a backward pass.
pub(super) struct Backward<'a> {
    /// The sums that the forward pass left, `[T*B, S*H]`.
    pub(super) saved: &'a CubeTensor,
    /// Cell states for an LSTM, hidden states for others, `[(T+1)*B, H]`.
    pub(super) states: CubeTensor,
    /// Recurrent weights, `[H, G*H]`.
    pub(super) recurrent_kernel: CubeTensor,
    /// Gradients of the hidden states of all steps, `[B, T, H]`.
    pub(super) upstream: Option<CubeTensor>,
    /// Gradients of the last hidden and cell states, `[B, H]`.
    pub(super) of_state: [Option<CubeTensor>; 2],
    /// Mask, `[B, T]`.
    pub(super) mask: Option<CubeTensor>,
    /// The gradients of the sums to fill, `[T*B, S*H]`.
    pub(super) gradient: &'a CubeTensor,
}

/// Gradients of the hidden and cell states after the last step, `[2*B, H]`.
pub(super) fn carried(
    like: &CubeTensor,
    of_state: [Option<CubeTensor>; 2],
    sizes: Sizes,
) -> CubeTensor {
    let Sizes { batch, hidden, .. } = sizes;
    let given =
        |gradient: Option<CubeTensor>| gradient.unwrap_or_else(|| zeros(like, [batch, hidden]));
    into_contiguous(CubeBackend::float_cat(of_state.map(given).into(), 0))
}

/// Multiplies `[T*B, M]` transposed by `[T*B, N]`. There are thousands of rows to add up but few
/// tiles of the result. To keep the whole device busy, the rows are split into parts, whose
/// products are added in a fixed order.
pub(super) fn product_over_rows(left: CubeTensor, right: CubeTensor) -> CubeTensor {
    let ([rows, m], [_, n]) = (dims(left.shape()), dims(right.shape()));
    let chunks = (1..=MOST_CHUNKS)
        .rev()
        .find(|chunks| rows.is_multiple_of(*chunks) && rows / chunks >= FEWEST_ROWS)
        .unwrap_or(1);
    if chunks == 1 {
        return CubeBackend::float_matmul(CubeBackend::float_transpose(left), right);
    }
    let chunk = |tensor, columns| {
        CubeBackend::float_reshape(tensor, Shape::new([chunks, rows / chunks, columns]))
    };
    let products = CubeBackend::float_matmul(
        CubeBackend::float_swap_dims(chunk(left, m), 1, 2),
        chunk(right, n),
    );
    CubeBackend::float_reshape(CubeBackend::float_sum_dim(products, 0), Shape::new([m, n]))
}

/// Pads a matrix with zeros to a multiple of four rows or columns.
fn padded(matrix: CubeTensor, dim: usize) -> CubeTensor {
    let [rows, columns] = dims(matrix.shape());
    let mut shape = [rows, columns];
    let missing = shape[dim].next_multiple_of(4) - shape[dim];
    if missing == 0 {
        return matrix;
    }
    shape[dim] = missing;
    let zeros = zeros(&matrix, shape);
    CubeBackend::float_cat(vec![matrix, zeros], dim)
}

/// Rearranges `[K, N]` as `[K/4, N, 4]`: four rows side by side.
pub(super) fn fours_of_rows(matrix: CubeTensor) -> CubeTensor {
    let matrix = padded(matrix, 0);
    let [rows, columns] = dims(matrix.shape());
    let fours = CubeBackend::float_reshape(matrix, Shape::new([rows / 4, 4, columns]));
    into_contiguous(CubeBackend::float_swap_dims(fours, 1, 2))
}

/// Rearranges `[N, K]` as `[K/4, N, 4]`: four columns side by side.
pub(super) fn fours_of_columns(matrix: CubeTensor) -> CubeTensor {
    let matrix = padded(matrix, 1);
    let [rows, columns] = dims(matrix.shape());
    let fours = CubeBackend::float_reshape(matrix, Shape::new([rows, columns / 4, 4]));
    into_contiguous(CubeBackend::float_swap_dims(fours, 0, 1))
}

pub(super) fn narrow(
    tensor: &FloatTensor<CubeBackend>,
    dim: usize,
    start: usize,
    length: usize,
) -> CubeTensor {
    composed::narrow::<CubeBackend>(tensor, dim, start, length)
}
