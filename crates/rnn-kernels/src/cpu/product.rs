//! The matrix product of the recurrent kernels: `C += A B`, in place, on one thread.
//!
//! One register tile serves all five products of a recurrent layer, because A is read value by value and may lie in any order
//! (`[x; h]` as it is or transposed), and B and C are read row by row, unpacked. The shapes are small (tens of rows, hundreds of columns) and
//! B is in cache, so what a general library does for large matrices (packing, blocking for three caches) costs here more than it brings;
//! BENCHMARKS.md has the figures against the `gemm` crate.

use pulp::{Simd, WithSimd};

use super::real::Real;

/// Rows of B that are gone through before the next columns: what a tile reads of them stays in the first-level cache.
const DEPTH: usize = 128;

/// A matrix read value by value: the value at `(row, column)` is `data[row * row_stride + column * column_stride]`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Strided<'a, T> {
    pub(crate) data: &'a [T],
    pub(crate) row_stride: usize,
    pub(crate) column_stride: usize,
}

/// Rows of values, `stride` apart.
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
    /// Panics unless all that will be touched is there.
    #[inline(always)]
    fn check(&self) {
        let last = |count: usize, stride: usize| (count - 1).checked_mul(stride);
        let fits = |rows: usize, row_stride: usize, columns: usize, column_stride: usize, length: usize| {
            let end = last(rows, row_stride).and_then(|row| row.checked_add(last(columns, column_stride)?));
            end.is_some_and(|end| end < length)
        };
        assert!(fits(self.rows, self.a.row_stride, self.depth, self.a.column_stride, self.a.data.len()), "A is too short");
        assert!(fits(self.depth, self.b.stride, self.columns, 1, self.b.data.len()), "B is too short");
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
            // Tiles of 24 vectors where there are 32 registers, of 12 where there are 16.
            let mut row = 0;
            if S::REGISTER_COUNT >= 32 {
                row = self.bands::<S, 8, 3>(simd, row, start, depth);
            }
            row = self.bands::<S, 4, 3>(simd, row, start, depth);
            self.bands::<S, 1, 8>(simd, row, start, depth);
        }
    }
}

impl<T: Real> Product<'_, T> {
    /// Goes through bands of `R` rows from `row` on, `V` vectors at a time; returns the first row that is left.
    ///
    /// Columns are the outer loop: the band of B that a column of tiles reads is read from memory once.
    #[inline(always)]
    fn bands<S: Simd, const R: usize, const V: usize>(&mut self, simd: S, row: usize, start: usize, depth: usize) -> usize {
        let end = row + (self.rows - row) / R * R;
        if end == row {
            return row;
        }
        let lanes = T::lanes::<S>();
        let mut column = 0;
        while column + V * lanes <= self.columns {
            for row in (row..end).step_by(R) {
                // SAFETY: R rows and V vectors of columns from here on lie within the sizes that `check` has seen.
                unsafe { self.tile::<S, R, V, false>(simd, row, column, start, depth) };
            }
            column += V * lanes;
        }
        while column + lanes <= self.columns {
            for row in (row..end).step_by(R) {
                // SAFETY: as above, with one vector.
                unsafe { self.tile::<S, R, 1, false>(simd, row, column, start, depth) };
            }
            column += lanes;
        }
        if column < self.columns {
            for row in (row..end).step_by(R) {
                // SAFETY: as above; the tile touches no column from `self.columns` on.
                unsafe { self.tile::<S, R, 1, true>(simd, row, column, start, depth) };
            }
        }
        end
    }

    /// Adds one tile of the product: `R` rows by `V` vectors, or by what is left of one vector where `MASKED`.
    ///
    /// # Safety
    ///
    /// The sizes must have been checked, and the tile must lie within them.
    #[inline(always)]
    unsafe fn tile<S: Simd, const R: usize, const V: usize, const MASKED: bool>(
        &mut self,
        simd: S,
        row: usize,
        column: usize,
        start: usize,
        depth: usize,
    ) {
        let lanes = T::lanes::<S>();
        let mask = T::mask(simd, if MASKED { self.columns - column } else { lanes });
        let (a_row, a_column, b_stride, c_stride) = (self.a.row_stride, self.a.column_stride, self.b.stride, self.c_stride);
        // SAFETY: the caller vouches that the tile lies within A, B and C, whose lengths `check` has compared with the sizes;
        // with MASKED, only the lanes of the mask, the columns that are left, are read and written.
        unsafe {
            let a = self.a.data.as_ptr().add(row * a_row + start * a_column);
            let b = self.b.data.as_ptr().add(start * b_stride + column);
            let c = self.c.as_mut_ptr().add(row * c_stride + column);
            let read = |from: *const T| if MASKED { T::load_masked(simd, mask, from) } else { T::load::<S>(from) };
            let mut sums = [[T::splat(simd, T::ZERO); V]; R];
            for (r, sums) in sums.iter_mut().enumerate() {
                for (v, sum) in sums.iter_mut().enumerate() {
                    *sum = read(c.add(r * c_stride + v * lanes));
                }
            }
            for k in 0..depth {
                let mut columns = [T::splat(simd, T::ZERO); V];
                for (v, column) in columns.iter_mut().enumerate() {
                    *column = read(b.add(k * b_stride + v * lanes));
                }
                for (r, sums) in sums.iter_mut().enumerate() {
                    let value = T::splat(simd, *a.add(r * a_row + k * a_column));
                    for (sum, column) in sums.iter_mut().zip(columns) {
                        *sum = T::mul_add(simd, value, column, *sum);
                    }
                }
            }
            for (r, sums) in sums.iter().enumerate() {
                for (v, sum) in sums.iter().enumerate() {
                    let to = c.add(r * c_stride + v * lanes);
                    if MASKED {
                        T::store_masked(simd, mask, to, *sum);
                    } else {
                        T::store::<S>(to, *sum);
                    }
                }
            }
        }
    }
}
