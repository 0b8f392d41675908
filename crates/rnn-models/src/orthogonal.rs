//! Random matrices with orthonormal rows or columns.

use std::mem;

use burn::tensor::{Device, Distribution, Tensor, TensorData};
use rayon::prelude::*;

/// Vectors of a panel. A panel is orthonormalised first, then removed from all later vectors, while
/// it is in cache.
const PANEL: usize = 16;
/// Sums that are computed side by side in a dot product.
const LANES: usize = 8;

/// Draws a matrix whose shorter side has orthonormal vectors, times `gain`.
///
/// It is the matrix of Burn's `Initializer::Orthogonal` for the same random numbers, up to
/// rounding: the Q of a QR decomposition whose R has a positive diagonal. It takes `O(r^2 * c)`
/// operations for `r <= c`, Burn's takes `O(r * c^2)`.
pub(crate) fn draw([rows, columns]: [usize; 2], gain: f64, device: &Device) -> Tensor<2> {
    let drawn = Tensor::<2>::random([rows, columns], Distribution::Normal(0.0, 1.0), device);
    let dtype = drawn.dtype();
    let values: Vec<f64> = drawn.into_data().iter::<f64>().collect();
    let mut values = if rows < columns {
        orthonormal(values, columns)
    } else {
        transposed(&orthonormal(transposed(&values, columns), rows), rows)
    };
    values.iter_mut().for_each(|value| *value *= gain);
    Tensor::from_data(TensorData::new(values, [rows, columns]), (device, dtype))
}

/// Orthonormalises independent vectors that are stored one after another.
///
/// This is the modified Gram-Schmidt process. Its error is the machine epsilon times the condition
/// number. That is some thousands for a square random matrix of 1,000 rows. In f64 the error is
/// therefore far below the rounding of f32. Every vector is changed by one thread and in the same
/// order. So the result does not depend on the number of threads.
fn orthonormal(mut vectors: Vec<f64>, length: usize) -> Vec<f64> {
    let mut rest = vectors.as_mut_slice();
    while !rest.is_empty() {
        let size = rest.len().min(PANEL * length);
        let (panel, later) = mem::take(&mut rest).split_at_mut(size);
        for start in (0..size).step_by(length) {
            let (before, from) = panel.split_at_mut(start);
            let vector = &mut from[..length];
            remove(before, vector);
            let norm = dot(vector, vector).sqrt();
            vector.iter_mut().for_each(|value| *value /= norm);
        }
        later.par_chunks_exact_mut(length).for_each(|vector| remove(panel, vector));
        rest = later;
    }
    vectors
}

/// Removes the components along orthonormal vectors, one after another.
fn remove(units: &[f64], vector: &mut [f64]) {
    for unit in units.chunks_exact(vector.len()) {
        let along = dot(unit, vector);
        vector.iter_mut().zip(unit).for_each(|(value, unit)| *value -= along * unit);
    }
}

/// A dot product, as several sums that a processor adds side by side.
fn dot(one: &[f64], other: &[f64]) -> f64 {
    let (ones, last) = one.as_chunks::<LANES>();
    let (others, other_last) = other.as_chunks::<LANES>();
    let mut sums = [0.0; LANES];
    for (ones, others) in ones.iter().zip(others) {
        for lane in 0..LANES {
            sums[lane] += ones[lane] * others[lane];
        }
    }
    let rest: f64 = last.iter().zip(other_last).map(|(one, other)| one * other).sum();
    sums.iter().sum::<f64>() + rest
}

/// Transposes a matrix whose rows have `columns` values.
fn transposed(values: &[f64], columns: usize) -> Vec<f64> {
    let column = |column: usize| values.iter().skip(column).step_by(columns).copied();
    (0..columns).flat_map(column).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHAPES: [[usize; 2]; 6] = [[1, 1], [3, 12], [40, 40], [17, 5], [130, 520], [200, 200]];

    fn values(tensor: Tensor<2>) -> Vec<f64> {
        tensor.into_data().iter::<f64>().collect()
    }

    /// Largest distance of the Gram matrix of the shorter side from the identity.
    fn distance(tensor: Tensor<2>) -> f64 {
        let [rows, columns] = tensor.dims();
        let short = if rows < columns { tensor } else { tensor.transpose() };
        let length = rows.max(columns);
        let values = values(short);
        let vectors: Vec<&[f64]> = values.chunks_exact(length).collect();
        let mut largest: f64 = 0.0;
        for (row, one) in vectors.iter().enumerate() {
            for (column, other) in vectors.iter().enumerate() {
                let expected = if row == column { 1.0 } else { 0.0 };
                largest = largest.max((dot(one, other) - expected).abs());
            }
        }
        largest
    }

    #[test]
    fn the_shorter_side_is_orthonormal() {
        let device = Device::flex();
        for shape in SHAPES {
            let error = distance(draw(shape, 1.0, &device));
            assert!(error < 1e-5, "{shape:?}: {error}");
        }
        let norm = draw([2, 8], 3.0, &device).square().sum().into_scalar::<f32>();
        assert!((norm - 18.0).abs() < 1e-4, "two rows of norm 3: {norm}");
    }

    #[test]
    fn the_number_of_threads_changes_no_bit() {
        let mut state = 1_u64;
        let mut number = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state >> 11) as f64 / (1_u64 << 53) as f64 - 0.5
        };
        let vectors: Vec<f64> = (0..90 * 123).map(|_| number()).collect();
        let results = [1, 2, 7].map(|threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| orthonormal(vectors.clone(), 123))
        });
        assert_eq!(results[0], results[1]);
        assert_eq!(results[0], results[2]);
    }

    /// Without a positive diagonal of R, the first value would always have one sign.
    #[test]
    fn both_signs_are_as_likely() {
        let device = Device::flex();
        let mut positive = [0; 8];
        for _ in 0..400 {
            for (count, value) in positive.iter_mut().zip(values(draw([2, 4], 1.0, &device))) {
                *count += u32::from(value > 0.0);
            }
        }
        assert!(positive.iter().all(|count| (140..260).contains(count)), "{positive:?}");
    }
}
