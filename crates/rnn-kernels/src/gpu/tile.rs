use cubecl::{ir::ElemType, prelude::*};

/// Invocations along each side of a tile.
pub(super) const SIDE: usize = 16;
/// Depth of the tiles in workgroup memory.
const DEPTH: usize = 16;

/// Compile-time parameters of a product.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Form {
    /// Numbers per invocation along the rows of a tile.
    pub(super) rows: usize,
    /// Numbers per invocation along the columns of a tile.
    pub(super) columns: usize,
    /// Whether the sum is split into chunks, each with a result of its own.
    pub(super) chunked: bool,
    pub(super) left: Left,
    pub(super) right: Right,
    pub(super) out: Out,
    /// In a matrix with a gap, columns from `2 * gap` on are stored `gap` columns further: a GRU's
    /// third sum has no input part.
    pub(super) gap: usize,
}

/// How the left matrix is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub(super) struct Left {
    /// Numbers per stored row.
    pub(super) width: usize,
    /// Whether it is stored as `[K, M]`, else as `[M, K]`.
    pub(super) by_column: bool,
    /// Whether stored rows are batch-first; see [`place`].
    pub(super) batch_first: bool,
    /// Whether rows of masked steps count as zeros, if they are batch-first.
    pub(super) masked: bool,
    /// Whether there is a last column of ones that is not stored, if it is stored as `[K, M]`.
    pub(super) ones: bool,
    /// Whether its columns have a gap.
    pub(super) gap: bool,
}

/// How the right matrix is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub(super) struct Right {
    /// Numbers per stored row.
    pub(super) width: usize,
    /// Whether it is stored as `[N, K]`, else as `[K, N]`.
    pub(super) by_row: bool,
    /// Whether its columns have a gap.
    pub(super) gap: bool,
}

/// How the result is stored, `[chunks * M, N]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub(super) struct Out {
    /// Numbers per stored row.
    pub(super) width: usize,
    /// Whether stored rows are batch-first; see [`place`].
    pub(super) batch_first: bool,
    /// Whether its columns have a gap.
    pub(super) gap: bool,
}

/// Computes a tile of a product, with one workgroup for each: 16 by 16 invocations, each with
/// numbers 16 rows and columns apart.
///
/// # Shapes
///
/// - left, right, out: see [`Left`], [`Right`] and [`Out`]; `K` is the depth of one chunk
/// - mask: `[B, T]`, if the left matrix is masked
#[cube(launch)]
pub(super) fn tile<F: Float>(
    left: &Tensor<F>,
    right: &Tensor<F>,
    mask: &Tensor<F>,
    out: &mut Tensor<F>,
    m: u32,
    k: u32,
    n: u32,
    batch: u32,
    time: u32,
    #[comptime] form: Form,
    #[define(F)] _number: ElemType,
) {
    let (m, k, n) = (m as usize, k as usize, n as usize);
    let (batch, time) = (batch as usize, time as usize);
    let rows = comptime!(form.rows);
    let columns = comptime!(form.columns);
    let height = comptime!(SIDE * form.rows);
    let breadth = comptime!(SIDE * form.columns);
    let (left_deep, right_deep) = (comptime!(form.left.by_column), comptime!(!form.right.by_row));
    let id = UNIT_POS_X as usize;
    let (own_row, own_column) = (id / SIDE, id % SIDE);
    let first_column = CUBE_POS_X as usize * breadth;
    let mut first_row = CUBE_POS_Y as usize * height;
    let mut chunk = 0usize;
    if comptime!(form.chunked) {
        chunk = CUBE_POS_Z as usize;
    } else {
        first_row += CUBE_POS_Z as usize * CUBE_COUNT_Y as usize * height;
    }
    // Invocations read side by side and write one below the other: an odd length of the rows puts
    // these numbers into different banks.
    let (left_pitch, right_pitch) =
        (comptime!(SIDE * form.rows + 1), comptime!(SIDE * form.columns + 1));
    let mut lefts = Shared::<[f32]>::new_slice(comptime!(DEPTH * (SIDE * form.rows + 1)));
    let mut rights = Shared::<[f32]>::new_slice(comptime!(DEPTH * (SIDE * form.columns + 1)));
    let mut results = Array::<f32>::new(comptime!(form.rows * form.columns));
    #[unroll]
    for index in 0..comptime!(form.rows * form.columns) {
        results[index] = 0.0f32;
    }
    let mut of_left = Array::<f32>::new(rows);
    let mut of_right = Array::<f32>::new(columns);
    let from = chunk * k;
    read_left::<F>(left, mask, &mut of_left, 0usize, from, first_row, m, k, batch, time, form);
    read_right::<F>(right, &mut of_right, 0usize, from, first_column, n, k, form);
    let steps = k.div_ceil(DEPTH);
    for step in 0..steps {
        write(&of_left, &mut lefts, id, left_deep, rows);
        write(&of_right, &mut rights, id, right_deep, columns);
        sync_cube();
        // Requested while these are multiplied.
        if step + 1 < steps {
            let next = (step + 1) * DEPTH;
            read_left::<F>(
                left,
                mask,
                &mut of_left,
                next,
                from,
                first_row,
                m,
                k,
                batch,
                time,
                form,
            );
            read_right::<F>(right, &mut of_right, next, from, first_column, n, k, form);
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
        let i = first_row + own_row + comptime!(r * SIDE);
        let mut row = chunk * m + i;
        if comptime!(form.out.batch_first) {
            row = place(i, batch, time);
        }
        #[unroll]
        for c in 0..columns {
            let j = first_column + own_column + comptime!(c * SIDE);
            if i < m && j < n {
                let column = stored(j, comptime!(form.out.gap), comptime!(form.gap));
                out[row * comptime!(form.out.width) + column] =
                    F::cast_from(results[comptime!(r * columns + c)]);
            }
        }
    }
}

/// The place of time-major row `t*B + b` in batch-first storage, `b*T + t`.
#[cube]
fn place(row: usize, batch: usize, time: usize) -> usize {
    row % batch * time + row / batch
}

/// The stored column of a column.
#[cube]
fn stored(column: usize, #[comptime] has_gap: bool, #[comptime] gap: usize) -> usize {
    let mut at = column;
    if comptime!(has_gap) {
        at = select(column >= comptime!(2 * gap), column + gap, column);
    }
    at
}

/// Reads an invocation's numbers of the left tile, from depth `next` on.
#[cube]
fn read_left<F: Float>(
    matrix: &Tensor<F>,
    mask: &Tensor<F>,
    into: &mut Array<f32>,
    next: usize,
    from: usize,
    first: usize,
    m: usize,
    k: usize,
    batch: usize,
    time: usize,
    #[comptime] form: Form,
) {
    let left = comptime!(form.left);
    #[unroll]
    for index in 0..comptime!(form.rows) {
        let own = UNIT_POS_X as usize + comptime!(index * SIDE * SIDE);
        let mut i = first + own / DEPTH;
        let mut d = next + own % DEPTH;
        if comptime!(left.by_column) {
            i = first + own % comptime!(SIDE * form.rows);
            d = next + own / comptime!(SIDE * form.rows);
        }
        let mut number = 0.0f32;
        if i < m && d < k {
            let mut row = i;
            let mut column = stored(d, comptime!(left.gap), comptime!(form.gap));
            if comptime!(left.by_column) {
                row = from + d;
                column = i;
            }
            if comptime!(left.batch_first) {
                row = place(row, batch, time);
            }
            let mut counts = true;
            if comptime!(left.masked) {
                counts = f32::cast_from(mask[row]) != 0.0f32;
            }
            let mut is_stored = true;
            if comptime!(left.ones) {
                is_stored = column < comptime!(left.width);
                number = select(is_stored, 0.0f32, 1.0f32);
            }
            if counts && is_stored {
                number = f32::cast_from(matrix[row * comptime!(left.width) + column]);
            }
        }
        into[index] = number;
    }
}

/// Reads an invocation's numbers of the right tile, from depth `next` on.
#[cube]
fn read_right<F: Float>(
    matrix: &Tensor<F>,
    into: &mut Array<f32>,
    next: usize,
    from: usize,
    first: usize,
    n: usize,
    k: usize,
    #[comptime] form: Form,
) {
    let right = comptime!(form.right);
    #[unroll]
    for index in 0..comptime!(form.columns) {
        let own = UNIT_POS_X as usize + comptime!(index * SIDE * SIDE);
        let mut j = first + own % comptime!(SIDE * form.columns);
        let mut d = next + own / comptime!(SIDE * form.columns);
        if comptime!(right.by_row) {
            j = first + own / DEPTH;
            d = next + own % DEPTH;
        }
        let mut number = 0.0f32;
        if j < n && d < k {
            let mut at = (from + d) * comptime!(right.width)
                + stored(j, comptime!(right.gap), comptime!(form.gap));
            if comptime!(right.by_row) {
                at = j * comptime!(right.width) + d;
            }
            number = f32::cast_from(matrix[at]);
        }
        into[index] = number;
    }
}

/// Writes the numbers that were read to workgroup memory.
#[cube]
fn write(
    numbers: &Array<f32>,
    tile: &mut Shared<[f32]>,
    id: usize,
    #[comptime] deep: bool,
    #[comptime] count: usize,
) {
    let pitch = comptime!(SIDE * count + 1);
    #[unroll]
    for index in 0..count {
        let own = id + comptime!(index * SIDE * SIDE);
        if comptime!(deep) {
            let side = comptime!(SIDE * count);
            tile[own / side * pitch + own % side] = numbers[index];
        } else {
            tile[own % DEPTH * pitch + own / DEPTH] = numbers[index];
        }
    }
}
