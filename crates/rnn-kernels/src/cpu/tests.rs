use pulp::{Arch, Simd, WithSimd};
use rayon::ThreadPoolBuilder;

use super::{
    math::{sigmoid, tanh},
    product::{Product, Rows, Strided},
    slices::{chunks, slices},
    *,
};

/// The bound that is promised; each formula rounds about six times after an error of one in the exponential.
const LARGEST_ULP: f64 = 4.0;

/// Numbers in [-1, 1) that are the same everywhere.
fn numbers(count: usize, seed: u64) -> impl Iterator<Item = f64> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    (0..count).map(move |_| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 11) as f64 / (1u64 << 52) as f64 - 1.0
    })
}

fn values<T: Real>(count: usize, scale: f64, seed: u64) -> Vec<T> {
    numbers(count, seed).map(|number| T::from_f64(number * scale)).collect()
}

#[derive(Clone, Copy, Debug)]
enum Function {
    Tanh,
    Sigmoid,
}

impl Function {
    /// In f64, accurate to the last bits also where `1 + e^-x` would lose them.
    fn exact(self, x: f64) -> f64 {
        match self {
            Self::Tanh => x.tanh(),
            Self::Sigmoid if x < 0.0 => x.exp() / (1.0 + x.exp()),
            Self::Sigmoid => 1.0 / (1.0 + (-x).exp()),
        }
    }
}

struct Map<'a, T>(Function, &'a mut [T]);

impl<T: Real> WithSimd for Map<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        for value in self.1 {
            *value = match self.0 {
                Function::Tanh => tanh::<T, S>(*value),
                Function::Sigmoid => sigmoid::<T, S>(*value),
            };
        }
    }
}

fn map<T: Real>(function: Function, values: &[T]) -> Vec<T> {
    let mut results = values.to_vec();
    Arch::new().dispatch(Map(function, &mut results));
    results
}

#[test]
fn activations_are_within_4_ulp_in_f32() {
    for function in [Function::Tanh, Function::Sigmoid] {
        // Every 97th number of [0, 20] with both signs: 11 million of them.
        let last = 20f32.to_bits();
        for start in (0..=last).step_by(97 * 4096) {
            let sizes = (0..4096).map(|index| start + index * 97).take_while(|&bits| bits <= last).map(f32::from_bits);
            let inputs: Vec<f32> = sizes.flat_map(|size| [size, -size]).collect();
            for (x, got) in inputs.iter().zip(map(function, &inputs)) {
                let exact = function.exact(f64::from(*x));
                let nearest = (exact as f32).abs();
                let ulp = f64::from(f32::from_bits(nearest.to_bits() + 1)) - f64::from(nearest);
                let error = (f64::from(got) - exact).abs() / ulp;
                assert!(error <= LARGEST_ULP, "{function:?}({x:e}) = {got:e}, exactly {exact:e}: {error} ulp");
            }
        }
    }
}

#[test]
fn activations_are_accurate_in_f64() {
    for function in [Function::Tanh, Function::Sigmoid] {
        let inputs: Vec<f64> =
            numbers(200_000, 1).map(|number| number * 20.0).chain(numbers(1000, 2).map(|number| number * 1e-8)).collect();
        for (x, got) in inputs.iter().zip(map(function, &inputs)) {
            let exact = function.exact(*x);
            // The standard library is the judge here; it may itself be off by one.
            let error = (got - exact).abs() / (f64::from_bits(exact.abs().to_bits() + 1) - exact.abs());
            assert!(error <= LARGEST_ULP + 1.0, "{function:?}({x:e}) = {got:e}, exactly {exact:e}: {error} ulp");
        }
    }
}

#[test]
fn activations_carry_nan_and_infinities() {
    fn check<T: Real>(to_f64: fn(T) -> f64) {
        let inputs = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 0.0, -0.0, 1e30, -1e30].map(T::from_f64);
        let [nan, one, minus_one, zero, minus_zero, high, low] = <[T; 7]>::try_from(map(Function::Tanh, &inputs)).unwrap().map(to_f64);
        assert!(nan.is_nan());
        assert_eq!([one, minus_one, zero, minus_zero, high, low], [1.0, -1.0, 0.0, 0.0, 1.0, -1.0]);
        assert!(minus_zero.is_sign_negative());
        let [nan, one, none, half, other_half, high, low] = <[T; 7]>::try_from(map(Function::Sigmoid, &inputs)).unwrap().map(to_f64);
        assert!(nan.is_nan());
        assert_eq!([one, none, half, other_half, high, low], [1.0, 0.0, 0.5, 0.5, 1.0, 0.0]);
    }
    check::<f32>(f64::from);
    check::<f64>(|value| value);
}

/// A product with one loop for each index.
fn product_by_hand(a: impl Fn(usize, usize) -> f64, b: impl Fn(usize, usize) -> f64, [rows, columns, depth]: [usize; 3]) -> Vec<f64> {
    let value = |row, column| (0..depth).map(|k| a(row, k) * b(k, column)).sum();
    (0..rows).flat_map(|row| (0..columns).map(move |column| (row, column))).map(|(row, column)| value(row, column)).collect()
}

#[test]
fn products_agree_with_three_loops() {
    fn check<T: Real>(to_f64: fn(T) -> f64, tolerance: f64) {
        for rows in [1, 2, 4, 7, 8, 9, 17] {
            for columns in [1, 3, 8, 15, 16, 17, 47, 48, 49, 100, 129] {
                for (depth, transposed) in [(1, false), (5, true), (128, false), (131, true), (260, false)] {
                    let (b_stride, c_stride) = (columns + 3, columns + 1);
                    let (a_row, a_column) = if transposed { (1, rows + 2) } else { (depth + 2, 1) };
                    let a: Vec<T> = values((rows - 1) * a_row + (depth - 1) * a_column + 1, 1.0, 1);
                    let b: Vec<T> = values((depth - 1) * b_stride + columns, 1.0, 2);
                    let before: Vec<T> = values((rows - 1) * c_stride + columns + 5, 1.0, 3);
                    let mut c = before.clone();
                    Arch::new().dispatch(Product {
                        rows,
                        columns,
                        depth,
                        a: Strided { data: &a, row_stride: a_row, column_stride: a_column },
                        b: Rows { data: &b, stride: b_stride },
                        c: &mut c,
                        c_stride,
                    });
                    let (at_a, at_b) =
                        (|row: usize, k: usize| to_f64(a[row * a_row + k * a_column]), |k: usize, n: usize| to_f64(b[k * b_stride + n]));
                    let expected = product_by_hand(at_a, at_b, [rows, columns, depth]);
                    for (position, (&after, &before)) in c.iter().zip(&before).enumerate() {
                        let (row, column) = (position / c_stride, position % c_stride);
                        let added = if row < rows && column < columns { expected[row * columns + column] } else { 0.0 };
                        let error = (to_f64(after) - to_f64(before) - added).abs();
                        assert!(error <= tolerance, "{rows}x{columns}x{depth} at {row}, {column}: off by {error:e}");
                    }
                }
            }
        }
    }
    // Sums of at most 260 products below one.
    check::<f32>(f64::from, 1e-4);
    check::<f64>(|value| value, 1e-13);
}

#[test]
#[should_panic(expected = "B is too short")]
fn a_product_checks_its_operands() {
    let (a, b, mut c) = ([0f32; 6], [0f32; 5], [0f32; 4]);
    let (a, b) = (Strided { data: &a, row_stride: 3, column_stride: 1 }, Rows { data: &b, stride: 2 });
    Arch::new().dispatch(Product { rows: 2, columns: 2, depth: 3, a, b, c: &mut c, c_stride: 2 });
}

#[test]
fn slices_and_chunks_cover_everything_once() {
    for batch in 1..300 {
        let slices = slices(batch);
        assert!(slices.len() == 1 || slices.len().is_multiple_of(2), "{batch}");
        assert_eq!((slices[0].start, slices[slices.len() - 1].end), (0, batch));
        assert!(slices.windows(2).all(|pair| pair[0].end == pair[1].start) && slices.iter().all(|slice| (1..=16).contains(&slice.len())));
    }
    for (time, rows) in [(1, 1), (60, 16), (7, 9), (1000, 1), (130, 1), (3, 200)] {
        let chunks: Vec<_> = chunks(time, rows).collect();
        assert_eq!((chunks[0].start, chunks[chunks.len() - 1].end), (0, time));
        assert!(chunks.windows(2).all(|pair| pair[0].end == pair[1].start) && chunks.iter().all(|chunk| !chunk.is_empty()));
    }
}

/// Everything a cell gives for one problem, in order.
fn everything<C: Cell>(arch: Arch) -> Vec<f32> {
    let sizes = Sizes { batch: 37, time: 19, input: 5, hidden: 33 };
    let Sizes { batch, time, input, hidden } = sizes;
    let gates = C::GATES * hidden;
    let [x, kernel, recurrent_kernel, bias] =
        [batch * time * input, input * gates, hidden * gates, C::SUMS * hidden].map(|count| values::<f32>(count, 0.5, count as u64));
    let operands = Operands {
        arch,
        sizes,
        input: &x,
        kernel: &kernel,
        recurrent_kernel: &recurrent_kernel,
        bias: &bias,
        mask: None,
        hidden: None,
        cell: None,
    };
    let (outputs, saved) = forward_saving::<C, f32>(&operands);
    let inferred = forward::<C, f32>(&operands);
    assert_eq!(inferred.sequence, outputs.sequence, "inference gives what training gives");
    assert_eq!((inferred.hidden, inferred.cell), (outputs.hidden.clone(), outputs.cell.clone()));
    let saved = SavedView { sums: &saved.sums, hidden: &saved.hidden, cell: &saved.cell };
    let upstream = Upstream { sequence: Some(&outputs.sequence), hidden: Some(&outputs.hidden), cell: None };
    let found = backward::<C, f32>(&operands, &saved, &upstream, true);
    let parts = [outputs.sequence.clone(), found.input, found.kernel, found.recurrent_kernel, found.bias, found.hidden, found.cell];
    parts.concat()
}

#[test]
fn results_are_the_same_bytes_for_any_number_of_threads() {
    fn check<C: Cell>() {
        let bytes = |threads| {
            let pool = ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| everything::<C>(Arch::new())).into_iter().map(f32::to_bits).collect::<Vec<_>>()
        };
        let one = bytes(1);
        assert!(one.iter().any(|&bits| bits != 0));
        for threads in [2, 3, 5] {
            assert_eq!(one, bytes(threads), "{threads} threads");
        }
    }
    check::<SimpleRnn>();
    check::<Lstm>();
    check::<Gru>();
}

/// Every instruction set of this machine, the plainest first.
fn instruction_sets() -> Vec<Arch> {
    let mut sets = vec![Arch::Scalar];
    #[cfg(target_arch = "x86_64")]
    {
        sets.extend(pulp::x86::V3::try_new().map(Arch::V3));
        sets.extend(pulp::x86::V4::try_new().map(Arch::V4));
    }
    sets
}

#[test]
fn every_instruction_set_gives_about_the_same() {
    fn check<C: Cell>() {
        let plain = everything::<C>(Arch::Scalar);
        for arch in instruction_sets() {
            for (got, expected) in everything::<C>(arch).iter().zip(&plain) {
                // Sums of hundreds of terms, with and without fused rounding.
                assert!((got - expected).abs() <= 2e-4 * expected.abs().max(1.0), "{arch:?}: {got} {expected}");
            }
        }
    }
    check::<SimpleRnn>();
    check::<Lstm>();
    check::<Gru>();
}
