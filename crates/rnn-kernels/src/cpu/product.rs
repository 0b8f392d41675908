//! The matrix product of the recurrent kernels: `C += A B`, in place, on one thread.
//!
//! One register tile serves all five products of a recurrent layer. A is read value by value and
//! may have any strides (plain or transposed); B and C are read row by row, unpacked. The shapes
//! are small (tens of rows, hundreds of columns) and B is in cache. Packing and blocking for three
//! caches, as general libraries do, would cost more than it gains. docs/benchmarks.md has the
//! figures against the `gemm` crate.

use pulp::{Simd, WithSimd};

use super::real::Real;

/// Rows of B that are processed before the next columns. A tile's part of them stays in the
/// first-level cache.
const DEPTH: usize = 128;

/// A matrix that is read value by value. The value at `(row, column)` is
/// `data[row * row_stride + column * column_stride]`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Strided<'a, T> {
    pub(crate) data: &'a [T],
    pub(crate) row_stride: usize,
    pub(crate) column_stride: usize,
}

/// A matrix of contiguous rows, `stride` values apart.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rows<'a, T> {
    pub(crate) data: &'a [T],
    pub(crate) stride: usize,
}

/// `C[rows, columns] += A[rows, depth] B[depth, columns]`.
pub(crate) struct Product<'a, T> {
    pub(crate) rows: usize,
    pub(crate) columns: usize,
    pub(crate) depth: usize,
    pub(crate) a: Strided<'a, T>,
    pub(crate) b: Rows<'a, T>,
    pub(crate) c: &'a mut [T],
    pub(crate) c_stride: usize,
}

impl<T: Real> Product<'_, T> {
    /// Panics if an operand is too short for the sizes.
    #[inline(always)]
    fn check(&self) {
        let last = |count: usize, stride: usize| (count - 1).checked_mul(stride);
        let fits = |rows: usize,
                    row_stride: usize,
                    columns: usize,
                    column_stride: usize,
                    length: usize| {
            let end = last(rows, row_stride)
                .and_then(|row| row.checked_add(last(columns, column_stride)?));
            end.is_some_and(|end| end < length)
        };
        assert!(
            fits(self.rows, self.a.row_stride, self.depth, self.a.column_stride, self.a.data.len()),
            "A is too short"
        );
        assert!(
            fits(self.depth, self.b.stride, self.columns, 1, self.b.data.len()),
            "B is too short"
        );
        assert!(fits(self.rows, self.c_stride, self.columns, 1, self.c.len()), "C is too short");
    }
}

impl<T: Real> WithSimd for Product<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        if self.rows == 0 || self.columns == 0 || self.depth == 0 {
            return;
        }
        self.check();
        for start in (0..self.depth).step_by(DEPTH) {
            let depth = DEPTH.min(self.depth - start);
            // With 32 registers, a tile holds 24 vectors of sums. With 16 registers, it holds at
            // most 12, in a shape that leaves one register free: 4 rows of 3 vectors need all 16,
            // and compilers then spill one in every iteration.
            if S::REGISTER_COUNT >= 32 {
                let row = self.bands::<S, 8, 3>(simd, 0, start, depth);
                let row = self.bands::<S, 4, 3>(simd, row, start, depth);
                self.bands::<S, 1, 8>(simd, row, start, depth);
            } else {
                let row = self.bands::<S, 6, 2>(simd, 0, start, depth);
                let row = self.bands::<S, 4, 2>(simd, row, start, depth);
                self.bands::<S, 1, 8>(simd, row, start, depth);
            }
        }
    }
}

impl<T: Real> Product<'_, T> {
    /// Processes bands of `R` rows, starting at `row`, at most `V` vectors at a time. Returns the
    /// first remaining row.
    #[inline(always)]
    fn bands<S: Simd, const R: usize, const V: usize>(
        &mut self,
        simd: S,
        row: usize,
        start: usize,
        depth: usize,
    ) -> usize {
        let end = row + (self.rows - row) / R * R;
        let part = Part { rows: row..end, start, depth };
        if end > row {
            let column = self.strips::<S, R, V>(simd, &part, 0);
            let column = if V > 4 { self.strips::<S, R, 4>(simd, &part, column) } else { column };
            let column = if V > 2 { self.strips::<S, R, 2>(simd, &part, column) } else { column };
            let column = self.strips::<S, R, 1>(simd, &part, column);
            if column < self.columns {
                for row in part.rows.clone().step_by(R) {
                    // SAFETY: R rows from here on lie within the sizes that `check` has verified;
                    // the tile touches no column beyond them.
                    unsafe { self.tile::<S, R, 1, true>(simd, &part, row, column) };
                }
            }
        }
        end
    }

    /// Processes strips of `V` vectors, starting at `column`. Returns the first remaining column.
    ///
    /// Columns are the outer loop, so that the tiles of a strip read their part of B from memory
    /// once.
    #[inline(always)]
    fn strips<S: Simd, const R: usize, const V: usize>(
        &mut self,
        simd: S,
        part: &Part,
        mut column: usize,
    ) -> usize {
        let width = V * T::lanes::<S>();
        while column + width <= self.columns {
            for row in part.rows.clone().step_by(R) {
                // SAFETY: R rows and V vectors of columns from here on lie within the sizes that
                // `check` has verified.
                unsafe { self.tile::<S, R, V, false>(simd, part, row, column) };
            }
            column += width;
        }
        column
    }

    /// Adds one tile of the product: `R` rows by `V` vectors, or by the rest of one vector if
    /// `LAST`.
    ///
    /// # Safety
    ///
    /// The sizes must have been checked, and the tile must lie within them.
    #[inline(always)]
    unsafe fn tile<S: Simd, const R: usize, const V: usize, const LAST: bool>(
        &mut self,
        simd: S,
        part: &Part,
        row: usize,
        column: usize,
    ) {
        let lanes = T::lanes::<S>();
        let mask = T::mask(simd, if LAST { self.columns - column } else { lanes });
        let (a_row, a_column, b_stride, c_stride) =
            (self.a.row_stride, self.a.column_stride, self.b.stride, self.c_stride);
        let (a_start, b_start, c_start) = (
            row * a_row + part.start * a_column,
            part.start * b_stride + column,
            row * c_stride + column,
        );
        // Masks are slow on some machines. Whole vectors are read as long as the memory is long
        // enough: in a last vector, sums of columns beyond the end are computed but not stored.
        let is_whole = |start: usize, length: usize| !LAST || start + lanes <= length;
        let c_length = self.c.len();
        let whole_depth = match self.b.data.len().checked_sub(b_start + lanes) {
            _ if !LAST => part.depth,
            Some(room) => part.depth.min(room / b_stride.max(1) + 1),
            None => 0,
        };
        // SAFETY: the caller guarantees that the tile lies within A, B and C, whose lengths `check`
        // has compared with the sizes. Of a last vector, only the lanes of the mask are read and
        // written. All lanes are used only if they lie within the same memory: see `is_whole` and
        // `whole_depth`.
        unsafe {
            let (a, b, c) = (
                self.a.data.as_ptr().add(a_start),
                self.b.data.as_ptr().add(b_start),
                self.c.as_mut_ptr().add(c_start),
            );
            let mut sums = [[T::splat(simd, T::ZERO); V]; R];
            for (r, sums) in sums.iter_mut().enumerate() {
                for (v, sum) in sums.iter_mut().enumerate() {
                    let (from, whole) = (
                        c.add(r * c_stride + v * lanes),
                        is_whole(c_start + r * c_stride, c_length),
                    );
                    *sum =
                        if whole { T::load::<S>(from) } else { T::load_masked(simd, mask, from) };
                }
            }
            for k in 0..whole_depth {
                let mut columns = [T::splat(simd, T::ZERO); V];
                for (v, column) in columns.iter_mut().enumerate() {
                    *column = T::load::<S>(b.add(k * b_stride + v * lanes));
                }
                Self::add(simd, &mut sums, a.add(k * a_column), a_row, columns);
            }
            for k in whole_depth..part.depth {
                let columns = [T::load_masked(simd, mask, b.add(k * b_stride)); V];
                Self::add(simd, &mut sums, a.add(k * a_column), a_row, columns);
            }
            for (r, sums) in sums.iter().enumerate() {
                for (v, sum) in sums.iter().enumerate() {
                    let to = c.add(r * c_stride + v * lanes);
                    if !LAST {
                        T::store::<S>(to, *sum);
                    } else if is_whole(c_start + r * c_stride, c_length) {
                        T::store::<S>(to, T::select(simd, mask, *sum, T::load::<S>(to)));
                    } else {
                        T::store_masked(simd, mask, to, *sum);
                    }
                }
            }
        }
    }
}

impl<T: Real> Product<'_, T> {
    /// Adds the products of `V` vectors of a row of B with the `R` matching values of A.
    ///
    /// It is a function, because a closure cannot be marked `#[inline(always)]`. A closure that is
    /// not inlined lacks the caller's instruction set, and every multiply-add becomes a call.
    ///
    /// # Safety
    ///
    /// `R` values of A, `a_row` apart, must be readable.
    #[inline(always)]
    unsafe fn add<S: Simd, const R: usize, const V: usize>(
        simd: S,
        sums: &mut [[T::Vector<S>; V]; R],
        a: *const T,
        a_row: usize,
        columns: [T::Vector<S>; V],
    ) {
        for (r, sums) in sums.iter_mut().enumerate() {
            // SAFETY: the caller guarantees the value.
            let value = T::splat(simd, unsafe { *a.add(r * a_row) });
            for (sum, column) in sums.iter_mut().zip(columns) {
                *sum = T::mul_add(simd, value, column, *sum);
            }
        }
    }
}

/// Part of a product that is multiplied at a time: a range of rows of A, and a range of depth
/// (columns of A, rows of B).
struct Part {
    rows: std::ops::Range<usize>,
    start: usize,
    depth: usize,
}
