use pulp::{Arch, Simd, WithSimd};
use rayon::ThreadPoolBuilder;

use super::{
    math::{sigmoid, tanh},
    product::{Product, Rows, Strided},
    slices::{chunks, slices},
    *,
};
use crate::sizes::Sizes;

/// Documented error bound, in ulp. Each formula rounds about six times after an error of 1 ulp in
/// the exponential.
const LARGEST_ULP: f64 = 4.0;

/// Pseudo-random numbers in [-1, 1), equal on every machine.
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
    /// Exact value in f64, accurate to the last bits even if `1 + e^-x` would lose them.
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

fn map<T: Real>(arch: Arch, function: Function, values: &[T]) -> Vec<T> {
    let mut results = values.to_vec();
    arch.dispatch(Map(function, &mut results));
    results
}

/// Every instruction set of this machine, the scalar one first.
fn instruction_sets() -> Vec<Arch> {
    let mut sets = vec![Arch::Scalar];
    #[cfg(not(target_arch = "x86_64"))]
    sets.push(Arch::new());
    #[cfg(target_arch = "x86_64")]
    {
        sets.extend(pulp::x86::V3::try_new().map(Arch::V3));
        sets.extend(pulp::x86::V4::try_new().map(Arch::V4));
    }
    sets
}

#[test]
#[cfg_attr(miri, ignore = "millions of numbers")]
fn activations_are_within_4_ulp_in_f32_by_every_instruction_set() {
    for (arch, function) in instruction_sets()
        .into_iter()
        .flat_map(|arch| [(arch, Function::Tanh), (arch, Function::Sigmoid)])
    {
        // With the machine's own instruction set: every 97th number of [0, 20] with both signs, 22
        // million numbers. With the slow scalar set: every 997th.
        let stride = if matches!(arch, Arch::Scalar) { 997 } else { 97 };
        let last = 20f32.to_bits();
        for start in (0..=last).step_by(stride * 4096) {
            let sizes = (0..4096)
                .map(|index| start + index * stride as u32)
                .take_while(|&bits| bits <= last)
                .map(f32::from_bits);
            let inputs: Vec<f32> = sizes.flat_map(|size| [size, -size]).collect();
            for (x, got) in inputs.iter().zip(map(arch, function, &inputs)) {
                let exact = function.exact(f64::from(*x));
                let nearest = (exact as f32).abs();
                let ulp = f64::from(f32::from_bits(nearest.to_bits() + 1)) - f64::from(nearest);
                let error = (f64::from(got) - exact).abs() / ulp;
                assert!(
                    error <= LARGEST_ULP,
                    "{arch:?}: {function:?}({x:e}) = {got:e}, exactly {exact:e}: {error} ulp"
                );
            }
        }
    }
}

#[test]
#[cfg_attr(miri, ignore = "200,000 numbers")]
fn activations_are_within_4_ulp_in_f64_by_every_instruction_set() {
    for (arch, function) in instruction_sets()
        .into_iter()
        .flat_map(|arch| [(arch, Function::Tanh), (arch, Function::Sigmoid)])
    {
        let inputs: Vec<f64> = numbers(200_000, 1)
            .map(|number| number * 20.0)
            .chain(numbers(1000, 2).map(|number| number * 1e-8))
            .collect();
        for (x, got) in inputs.iter().zip(map(arch, function, &inputs)) {
            // The standard library is the reference here, and may itself have an error of 1 ulp.
            let exact = function.exact(*x);
            let error =
                (got - exact).abs() / (f64::from_bits(exact.abs().to_bits() + 1) - exact.abs());
            assert!(
                error <= LARGEST_ULP,
                "{arch:?}: {function:?}({x:e}) = {got:e}, exactly {exact:e}: {error} ulp"
            );
        }
    }
}

#[test]
fn activations_carry_nan_and_infinities() {
    fn check<T: Real>(arch: Arch, to_f64: fn(T) -> f64) {
        let inputs =
            [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 0.0, -0.0, 1e30, -1e30].map(T::from_f64);
        let results =
            |function| <[T; 7]>::try_from(map(arch, function, &inputs)).unwrap().map(to_f64);
        let [nan, one, minus_one, zero, minus_zero, high, low] = results(Function::Tanh);
        assert!(nan.is_nan());
        assert_eq!([one, minus_one, zero, minus_zero, high, low], [1.0, -1.0, 0.0, 0.0, 1.0, -1.0]);
        assert!(minus_zero.is_sign_negative());
        let [nan, one, none, half, other_half, high, low] = results(Function::Sigmoid);
        assert!(nan.is_nan());
        assert_eq!([one, none, half, other_half, high, low], [1.0, 0.0, 0.5, 0.5, 1.0, 0.0]);
    }
    for arch in instruction_sets() {
        check::<f32>(arch, f64::from);
        check::<f64>(arch, |value| value);
    }
}

/// A product with one loop per index.
fn product_by_hand(
    a: impl Fn(usize, usize) -> f64,
    b: impl Fn(usize, usize) -> f64,
    [rows, columns, depth]: [usize; 3],
) -> Vec<f64> {
    let value = |row, column| (0..depth).map(|k| a(row, k) * b(k, column)).sum();
    (0..rows)
        .flat_map(|row| (0..columns).map(move |column| (row, column)))
        .map(|(row, column)| value(row, column))
        .collect()
}

/// Strides of A, as (row stride, column stride).
type Strides = fn(rows: usize, depth: usize) -> (usize, usize);

#[test]
fn products_agree_with_three_loops() {
    fn check<T: Real>(
        set: &str,
        run: impl Fn(Product<'_, T>),
        to_f64: fn(T) -> f64,
        tolerance: f64,
    ) {
        let by_rows: Strides = |_, depth| (depth + 2, 1);
        let by_columns: Strides = |rows, _| (1, rows + 2);
        let apart: Strides = |_, depth| (3 * depth + 1, 3);
        for rows in [1, 2, 4, 7, 8, 9, 17] {
            for columns in [1, 3, 8, 15, 16, 17, 47, 48, 49, 100, 129] {
                for (depth, strides) in [
                    (1, by_rows),
                    (5, by_columns),
                    (128, by_rows),
                    (131, by_columns),
                    (140, apart),
                    (260, by_rows),
                ] {
                    if cfg!(miri) && rows * columns * depth > 2000 {
                        continue; // Miri is about 1,000 times slower than a processor.
                    }
                    let (b_stride, c_stride) = (columns + 3, columns + 1);
                    let (a_row, a_column) = strides(rows, depth);
                    let a: Vec<T> = values((rows - 1) * a_row + (depth - 1) * a_column + 1, 1.0, 1);
                    let b: Vec<T> = values((depth - 1) * b_stride + columns, 1.0, 2);
                    let before: Vec<T> = values((rows - 1) * c_stride + columns + 5, 1.0, 3);
                    let mut c = before.clone();
                    run(Product {
                        rows,
                        columns,
                        depth,
                        a: Strided { data: &a, row_stride: a_row, column_stride: a_column },
                        b: Rows { data: &b, stride: b_stride },
                        c: &mut c,
                        c_stride,
                    });
                    let (at_a, at_b) = (
                        |row: usize, k: usize| to_f64(a[row * a_row + k * a_column]),
                        |k: usize, n: usize| to_f64(b[k * b_stride + n]),
                    );
                    let expected = product_by_hand(at_a, at_b, [rows, columns, depth]);
                    for (position, (&after, &before)) in c.iter().zip(&before).enumerate() {
                        let (row, column) = (position / c_stride, position % c_stride);
                        let added = if row < rows && column < columns {
                            expected[row * columns + column]
                        } else {
                            0.0
                        };
                        let error = (to_f64(after) - to_f64(before) - added).abs();
                        assert!(
                            error <= tolerance,
                            "{set}: {rows}x{columns}x{depth} at {row}, {column}: off by {error:e}"
                        );
                    }
                }
            }
        }
    }
    // Sums of at most 260 products below one.
    for arch in instruction_sets() {
        check::<f32>(&format!("{arch:?}"), |product| arch.dispatch(product), f64::from, 1e-4);
        check::<f64>(&format!("{arch:?}"), |product| arch.dispatch(product), |value| value, 1e-13);
    }
    // Emulated vectors of several numbers, so that Miri also runs the last vector of a row.
    check::<f32>(
        "vectors of eight",
        |product| product.with_simd(pulp::Scalar256b),
        f64::from,
        1e-4,
    );
    check::<f64>(
        "vectors of four",
        |product| product.with_simd(pulp::Scalar256b),
        |value| value,
        1e-13,
    );
}

#[test]
fn a_product_checks_its_operands() {
    let check = |[a, b, c]: [usize; 3], a_stride: usize| {
        let panic = std::panic::catch_unwind(|| {
            let (a, b, mut c) = (vec![0f32; a], vec![0f32; b], vec![0f32; c]);
            let (a, b) = (
                Strided { data: &a, row_stride: a_stride, column_stride: 1 },
                Rows { data: &b, stride: 2 },
            );
            Arch::new().dispatch(Product {
                rows: 2,
                columns: 2,
                depth: 3,
                a,
                b,
                c: &mut c,
                c_stride: 2,
            });
        });
        panic.err().map(|message| message.downcast_ref::<&str>().copied().unwrap_or_default())
    };
    assert_eq!(check([6, 6, 4], 3), None);
    assert_eq!(check([5, 6, 4], 3), Some("A is too short"));
    assert_eq!(check([6, 5, 4], 3), Some("B is too short"));
    assert_eq!(check([6, 6, 3], 3), Some("C is too short"));
    assert_eq!(
        check([6, 6, 4], usize::MAX),
        Some("A is too short"),
        "an overflow counts as too short"
    );
}

#[test]
fn slices_and_chunks_cover_everything_once() {
    for batch in 1..300 {
        let slices = slices(batch);
        assert!(slices.len() == 1 || slices.len().is_multiple_of(2), "{batch}");
        assert_eq!((slices[0].start, slices[slices.len() - 1].end), (0, batch));
        assert!(
            slices.windows(2).all(|pair| pair[0].end == pair[1].start)
                && slices.iter().all(|slice| (1..=16).contains(&slice.len()))
        );
    }
    for (time, rows) in [(1, 1), (60, 16), (7, 9), (1000, 1), (130, 1), (3, 200)] {
        let chunks: Vec<_> = chunks(time, rows).collect();
        assert_eq!((chunks[0].start, chunks[chunks.len() - 1].end), (0, time));
        assert!(
            chunks.windows(2).all(|pair| pair[0].end == pair[1].start)
                && chunks.iter().all(|chunk| !chunk.is_empty())
        );
    }
}

/// All outputs and gradients of a cell for one problem. `extras` adds a mask and initial states.
fn everything<C: RecurrentCell, T: Real>(arch: Arch, extras: bool) -> Vec<T> {
    let sizes = if cfg!(miri) {
        Sizes { batch: 10, time: 26, input: 1, hidden: 2 }
    } else {
        Sizes { batch: 37, time: 19, input: 5, hidden: 33 }
    };
    let Sizes { batch, time, input, hidden } = sizes;
    let gates = C::GATES * hidden;
    let [x, kernel, recurrent_kernel, bias] =
        [batch * time * input, input * gates, hidden * gates, C::SUMS * hidden]
            .map(|count| values::<T>(count, 0.5, count as u64));
    let [first_hidden, first_cell] = [1, 2].map(|seed| values::<T>(batch * hidden, 0.5, seed));
    let mask: Vec<T> = numbers(batch * time, 4)
        .map(|number| if number > -0.4 { T::ONE } else { T::ZERO })
        .collect();
    let operands = Operands {
        arch,
        sizes,
        input: &x,
        kernel: &kernel,
        recurrent_kernel: &recurrent_kernel,
        bias: &bias,
        mask: extras.then_some(&mask),
        resets: None,
        hidden: extras.then_some(&first_hidden),
        cell: extras.then_some(&first_cell),
    };
    let (outputs, saved) = forward_saving::<C, T>(&operands);
    let inferred = forward::<C, T>(&operands);
    assert_eq!(inferred.sequence, outputs.sequence, "inference equals training");
    assert_eq!((inferred.hidden, inferred.cell), (outputs.hidden.clone(), outputs.cell.clone()));
    let saved = SavedView { sums: &saved.sums, hidden: &saved.hidden, cell: &saved.cell };
    let cell = (C::HAS_CELL_STATE && extras).then_some(&outputs.cell[..]);
    let upstream =
        Upstream { sequence: Some(&outputs.sequence), hidden: Some(&outputs.hidden), cell };
    let found = backward::<C, T>(&operands, &saved, &upstream, true);
    let parts = [
        outputs.sequence.clone(),
        found.input,
        found.kernel,
        found.recurrent_kernel,
        found.bias,
        found.hidden,
        found.cell,
    ];
    parts.concat()
}

#[test]
fn results_are_the_same_bytes_for_any_number_of_threads() {
    fn check<C: RecurrentCell, T: Real>(extras: bool) {
        let bytes = |threads| {
            let pool = ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pulp::bytemuck::cast_slice::<T, u8>(
                &pool.install(|| everything::<C, T>(Arch::new(), extras)),
            )
            .to_vec()
        };
        let one = bytes(1);
        assert!(one.iter().any(|&byte| byte != 0));
        let counts: &[usize] = if cfg!(miri) { &[2] } else { &[2, 3, 5] };
        for &threads in counts {
            assert!(one == bytes(threads), "{threads} threads, masked and with states: {extras}");
        }
    }
    for extras in [false, true] {
        check::<SimpleRnn, f32>(extras);
        check::<Lstm, f32>(extras);
        check::<Gru, f32>(extras);
        check::<SimpleRnn, f64>(extras);
        check::<Lstm, f64>(extras);
        check::<Gru, f64>(extras);
    }
}

#[test]
#[cfg_attr(miri, ignore = "Miri has one instruction set")]
fn every_instruction_set_gives_about_the_same() {
    fn check<C: RecurrentCell, T: Real>(to_f64: fn(T) -> f64, tolerance: f64) {
        for extras in [false, true] {
            let plain = everything::<C, T>(Arch::Scalar, extras);
            for arch in instruction_sets() {
                for (got, expected) in everything::<C, T>(arch, extras).into_iter().zip(&plain) {
                    let (got, expected) = (to_f64(got), to_f64(*expected));
                    // The sums have hundreds of terms, with and without fused rounding.
                    assert!(
                        (got - expected).abs() <= tolerance * expected.abs().max(1.0),
                        "{arch:?}: {got} {expected}"
                    );
                }
            }
        }
    }
    check::<SimpleRnn, f32>(f64::from, 2e-4);
    check::<Lstm, f32>(f64::from, 2e-4);
    check::<Gru, f32>(f64::from, 2e-4);
    check::<SimpleRnn, f64>(|value| value, 1e-12);
    check::<Lstm, f64>(|value| value, 1e-12);
    check::<Gru, f64>(|value| value, 1e-12);
}

/// Multiply-adds must be inlined: otherwise each is a call in the innermost loop, several times
/// slower, with no other symptom. The function would then have its own symbol in this program.
#[test]
#[cfg(all(target_arch = "x86_64", target_os = "linux", not(miri)))]
fn multiply_adds_are_inlined() {
    let program = std::fs::read(std::env::current_exe().unwrap()).unwrap();
    let has =
        |symbol: &str| program.windows(symbol.len()).any(|window| window == symbol.as_bytes());
    // Mangled names of this crate; the first check shows that the program has symbols.
    assert!(has("11rnn_kernels3cpu"), "the program has no symbols, or the mangling has changed");
    // The name is split, so that the search does not find this text.
    for name in ["mm512_fmadd_p", "mm256_fmadd_p"] {
        assert!(
            !has(&format!("__{name}")),
            "calls to _{name}* instead of the instruction: which closure in cpu/ is not inlined?"
        );
    }
}
