//! Computations of each cell between two matrix products, forward and backward, on one row of sums
//! and states.
//!
//! A row of sums (pre-activations) has `SUMS` numbers per hidden unit, gate after gate. Rows are
//! processed in blocks of [`BLOCK`] units, whose loops compilers vectorise. The last block is
//! padded with zeros.

use pulp::Simd;

use super::{
    math::{sigmoid, tanh},
    real::Real,
};

/// Hidden units computed together: one AVX-512 register of `f32`, or two or four registers on
/// narrower machines.
const BLOCK: usize = 16;

/// State of one sequence at a step, `[H]` each.
pub(crate) struct State<R> {
    pub(crate) hidden: R,
    /// Empty for a cell without a cell state.
    pub(crate) cell: R,
}

/// Arguments of [`forward`], for one row.
pub(crate) struct ForwardStep<'a, T> {
    /// In: the sums of both products. Out: the values that `backward` needs.
    pub(crate) sums: &'a mut [T],
    pub(crate) before: State<&'a [T]>,
    /// Out: the states after the step.
    pub(crate) after: State<&'a mut [T]>,
}

/// Arguments of [`backward`], for one row.
pub(crate) struct BackwardStep<'a, T> {
    /// The row of sums as `forward` left it.
    pub(crate) saved: &'a [T],
    /// States before the step.
    pub(crate) before: State<&'a [T]>,
    /// Cell state after the step.
    pub(crate) cell_after: &'a [T],
    /// In: gradients of the states after the step. Out: gradients of the states before it, without
    /// the path through the recurrent product.
    pub(crate) gradient: State<&'a mut [T]>,
    /// Out: gradients of the row of sums.
    pub(crate) sums_gradient: &'a mut [T],
}

/// Consecutive gates of the kernel, and the position of their input product in a row of sums.
pub(crate) struct Gates {
    pub(crate) first: usize,
    pub(crate) count: usize,
    pub(crate) sum: usize,
}

/// A recurrent cell. The recurrent product is added to the first `GATES` sums, in the order of the
/// weights.
pub(crate) trait RecurrentCell: Send + Sync + 'static {
    /// Number of gates in the weights.
    const GATES: usize;
    /// Number of sums per hidden unit.
    const SUMS: usize = Self::GATES;
    /// Whether the cell has a cell state besides the hidden state.
    const HAS_CELL_STATE: bool = false;
    /// Positions of the input products in a row of sums.
    const INPUT: &'static [Gates] = &[Gates { first: 0, count: Self::GATES, sum: 0 }];

    /// Applies the activations that depend on one sum only. It runs gate after gate, so that values
    /// are independent and a processor computes several at a time.
    fn activate<T: Real, S: Simd>(sums: &mut [T], units: usize);

    /// Computes the rest of the step, for one block of the `units` hidden units.
    fn forward<T: Real, S: Simd>(step: &mut ForwardStep<'_, T>, units: usize, block: impl Block);

    /// Computes the gradients of `forward`.
    fn backward<T: Real, S: Simd>(step: &mut BackwardStep<'_, T>, units: usize, block: impl Block);
}

/// Elman's cell with tanh: `h = tanh(s)`.
pub(crate) struct SimpleRnn;

/// LSTM, with the sums `i, f, c, o`.
pub(crate) struct Lstm;

/// GRU whose reset gate acts after the recurrent product. Its sums are `z`, `r`, the recurrent part
/// of the candidate, and the input part of the candidate.
pub(crate) struct Gru;

impl RecurrentCell for SimpleRnn {
    const GATES: usize = 1;

    #[inline(always)]
    fn activate<T: Real, S: Simd>(sums: &mut [T], _: usize) {
        map(sums, tanh::<T, S>);
    }

    #[inline(always)]
    fn forward<T: Real, S: Simd>(step: &mut ForwardStep<'_, T>, _: usize, block: impl Block) {
        block.write(step.after.hidden, 0, &block.read(step.sums, 0));
    }

    #[inline(always)]
    fn backward<T: Real, S: Simd>(step: &mut BackwardStep<'_, T>, _: usize, block: impl Block) {
        let hidden = block.read(step.saved, 0);
        let mut gradient = block.read(step.gradient.hidden, 0);
        for (gradient, h) in gradient.iter_mut().zip(hidden) {
            *gradient = *gradient * (T::ONE - h * h);
        }
        block.write(step.sums_gradient, 0, &gradient);
        block.write(step.gradient.hidden, 0, &[T::ZERO; BLOCK]);
    }
}

impl RecurrentCell for Lstm {
    const GATES: usize = 4;
    const HAS_CELL_STATE: bool = true;

    #[inline(always)]
    fn activate<T: Real, S: Simd>(sums: &mut [T], units: usize) {
        map(&mut sums[..2 * units], sigmoid::<T, S>);
        map(&mut sums[2 * units..3 * units], tanh::<T, S>);
        map(&mut sums[3 * units..], sigmoid::<T, S>);
    }

    #[inline(always)]
    fn forward<T: Real, S: Simd>(step: &mut ForwardStep<'_, T>, units: usize, block: impl Block) {
        let [i, f, c, o] = [0, units, 2 * units, 3 * units].map(|gate| block.read(step.sums, gate));
        let mut cell = block.read(step.before.cell, 0);
        let mut hidden = [T::ZERO; BLOCK];
        for u in 0..BLOCK {
            cell[u] = f[u].fused::<S>(cell[u], i[u] * c[u]);
            hidden[u] = o[u] * tanh::<T, S>(cell[u]);
        }
        block.write(step.after.cell, 0, &cell);
        block.write(step.after.hidden, 0, &hidden);
    }

    #[inline(always)]
    fn backward<T: Real, S: Simd>(step: &mut BackwardStep<'_, T>, units: usize, block: impl Block) {
        let (mut i, mut f) = (block.read(step.saved, 0), block.read(step.saved, units));
        let (mut c, mut o) = (block.read(step.saved, 2 * units), block.read(step.saved, 3 * units));
        let (before, after) = (block.read(step.before.cell, 0), block.read(step.cell_after, 0));
        let (hidden, mut cell) =
            (block.read(step.gradient.hidden, 0), block.read(step.gradient.cell, 0));
        for u in 0..BLOCK {
            let squashed = tanh::<T, S>(after[u]);
            let through = hidden[u] * o[u] * (T::ONE - squashed * squashed) + cell[u];
            cell[u] = through * f[u];
            o[u] = hidden[u] * squashed * o[u] * (T::ONE - o[u]);
            f[u] = through * before[u] * f[u] * (T::ONE - f[u]);
            (i[u], c[u]) =
                (through * c[u] * i[u] * (T::ONE - i[u]), through * i[u] * (T::ONE - c[u] * c[u]));
        }
        block.write(step.sums_gradient, 0, &i);
        block.write(step.sums_gradient, units, &f);
        block.write(step.sums_gradient, 2 * units, &c);
        block.write(step.sums_gradient, 3 * units, &o);
        block.write(step.gradient.cell, 0, &cell);
        block.write(step.gradient.hidden, 0, &[T::ZERO; BLOCK]);
    }
}

impl RecurrentCell for Gru {
    const GATES: usize = 3;
    const SUMS: usize = 4;
    const INPUT: &'static [Gates] =
        &[Gates { first: 0, count: 2, sum: 0 }, Gates { first: 2, count: 1, sum: 3 }];

    #[inline(always)]
    fn activate<T: Real, S: Simd>(sums: &mut [T], units: usize) {
        map(&mut sums[..2 * units], sigmoid::<T, S>);
    }

    #[inline(always)]
    fn forward<T: Real, S: Simd>(step: &mut ForwardStep<'_, T>, units: usize, block: impl Block) {
        let [z, r, recurrent, mut n] =
            [0, units, 2 * units, 3 * units].map(|sum| block.read(step.sums, sum));
        let mut hidden = block.read(step.before.hidden, 0);
        for u in 0..BLOCK {
            n[u] = tanh::<T, S>(r[u].fused::<S>(recurrent[u], n[u]));
            hidden[u] = z[u].fused::<S>(hidden[u] - n[u], n[u]);
        }
        block.write(step.sums, 3 * units, &n);
        block.write(step.after.hidden, 0, &hidden);
    }

    #[inline(always)]
    fn backward<T: Real, S: Simd>(step: &mut BackwardStep<'_, T>, units: usize, block: impl Block) {
        let (mut z, mut r) = (block.read(step.saved, 0), block.read(step.saved, units));
        let (mut recurrent, mut n) =
            (block.read(step.saved, 2 * units), block.read(step.saved, 3 * units));
        let (before, mut hidden) =
            (block.read(step.before.hidden, 0), block.read(step.gradient.hidden, 0));
        for u in 0..BLOCK {
            let candidate = hidden[u] * (T::ONE - z[u]) * (T::ONE - n[u] * n[u]);
            let update = hidden[u] * (before[u] - n[u]) * z[u] * (T::ONE - z[u]);
            hidden[u] = hidden[u] * z[u];
            let reset = candidate * recurrent[u] * r[u] * (T::ONE - r[u]);
            (z[u], recurrent[u], n[u]) = (update, candidate * r[u], candidate);
            r[u] = reset;
        }
        block.write(step.sums_gradient, 0, &z);
        block.write(step.sums_gradient, units, &r);
        block.write(step.sums_gradient, 2 * units, &recurrent);
        block.write(step.sums_gradient, 3 * units, &n);
        block.write(step.gradient.hidden, 0, &hidden);
    }
}

/// A block of neighbouring hidden units, with read and write access to their values.
///
/// Full and partial blocks are two types: copies of a variable length would call `memcpy` instead
/// of vector instructions.
pub(crate) trait Block: Copy {
    /// Reads the block's values of a row, starting at `offset`; lanes without a unit are zero.
    fn read<T: Real>(self, row: &[T], offset: usize) -> [T; BLOCK];

    /// Writes the block's values.
    fn write<T: Real>(self, row: &mut [T], offset: usize, values: &[T; BLOCK]);
}

/// `BLOCK` units, starting at this index.
#[derive(Clone, Copy)]
struct Full(usize);

/// The last units: start and count, fewer than `BLOCK`.
#[derive(Clone, Copy)]
struct Rest(usize, usize);

impl Block for Full {
    #[inline(always)]
    fn read<T: Real>(self, row: &[T], offset: usize) -> [T; BLOCK] {
        let mut values = [T::ZERO; BLOCK];
        values.copy_from_slice(&row[offset + self.0..][..BLOCK]);
        values
    }

    #[inline(always)]
    fn write<T: Real>(self, row: &mut [T], offset: usize, values: &[T; BLOCK]) {
        row[offset + self.0..][..BLOCK].copy_from_slice(values);
    }
}

impl Block for Rest {
    #[inline(always)]
    fn read<T: Real>(self, row: &[T], offset: usize) -> [T; BLOCK] {
        let mut values = [T::ZERO; BLOCK];
        values[..self.1].copy_from_slice(&row[offset + self.0..][..self.1]);
        values
    }

    #[inline(always)]
    fn write<T: Real>(self, row: &mut [T], offset: usize, values: &[T; BLOCK]) {
        row[offset + self.0..][..self.1].copy_from_slice(&values[..self.1]);
    }
}

/// Applies a function to each value in place.
#[inline(always)]
fn map<T: Real>(values: &mut [T], function: impl Fn(T) -> T) {
    #[inline(always)]
    fn of<T: Real>(values: &mut [T], block: impl Block, function: &impl Fn(T) -> T) {
        let mut lanes = block.read(values, 0);
        for value in &mut lanes {
            *value = function(*value);
        }
        block.write(values, 0, &lanes);
    }
    let full = values.len() / BLOCK * BLOCK;
    for start in (0..full).step_by(BLOCK) {
        of(values, Full(start), &function);
    }
    if full < values.len() {
        let rest = Rest(full, values.len() - full);
        of(values, rest, &function);
    }
}

/// Runs one step of one sequence.
#[inline(always)]
pub(crate) fn forward<C: RecurrentCell, T: Real, S: Simd>(step: ForwardStep<'_, T>) {
    C::activate::<T, S>(step.sums, step.after.hidden.len());
    states::<C, T, S>(step);
}

/// Computes the cell state after a step again, from the saved sums and the states before it.
pub(crate) fn cell_after<C: RecurrentCell, T: Real, S: Simd>(
    saved: &[T],
    before: &State<&[T]>,
) -> Vec<T> {
    let zeros = || vec![T::ZERO; before.hidden.len()];
    let (mut sums, mut hidden, mut cell) = (saved.to_vec(), zeros(), zeros());
    states::<C, T, S>(ForwardStep {
        sums: &mut sums,
        before: State { hidden: before.hidden, cell: before.cell },
        after: State { hidden: &mut hidden, cell: &mut cell },
    });
    cell
}

/// Computes the states after a step from its activated sums.
#[inline(always)]
fn states<C: RecurrentCell, T: Real, S: Simd>(mut step: ForwardStep<'_, T>) {
    let units = step.after.hidden.len();
    let full = units / BLOCK * BLOCK;
    for start in (0..full).step_by(BLOCK) {
        C::forward::<T, S>(&mut step, units, Full(start));
    }
    if full < units {
        C::forward::<T, S>(&mut step, units, Rest(full, units - full));
    }
}

/// Computes the gradients of one step of one sequence.
#[inline(always)]
pub(crate) fn backward<C: RecurrentCell, T: Real, S: Simd>(mut step: BackwardStep<'_, T>) {
    let units = step.gradient.hidden.len();
    let full = units / BLOCK * BLOCK;
    for start in (0..full).step_by(BLOCK) {
        C::backward::<T, S>(&mut step, units, Full(start));
    }
    if full < units {
        C::backward::<T, S>(&mut step, units, Rest(full, units - full));
    }
}
