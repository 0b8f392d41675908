use std::{marker::PhantomData, ops::Range};

use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

use super::{
    Operands, Outputs, Saved, Sizes,
    cells::{Cell, ForwardStep, State, forward as step_forward},
    product::{Product, Rows, Strided},
    real::Real,
    slices::{Aligned, chunks, cut, slices},
};

/// Runs a cell over whole sequences.
pub(crate) fn forward<C: Cell, T: Real>(operands: &Operands<'_, T>) -> Outputs<T> {
    run::<C, T>(operands, None)
}

/// Runs a cell over whole sequences and keeps what [`super::backward()`] needs.
pub(crate) fn forward_saving<C: Cell, T: Real>(operands: &Operands<'_, T>) -> (Outputs<T>, Saved<T>) {
    let Sizes { batch, time, hidden, .. } = operands.sizes;
    let mut saved = Saved {
        sums: vec![T::ZERO; batch * time * C::SUMS * hidden],
        hidden: vec![T::ZERO; batch * (time + 1) * hidden],
        cell: vec![T::ZERO; if C::HAS_CELL_STATE { batch * (time + 1) * hidden } else { 0 }],
    };
    (run::<C, T>(operands, Some(&mut saved)), saved)
}

fn run<C: Cell, T: Real>(operands: &Operands<'_, T>, saved: Option<&mut Saved<T>>) -> Outputs<T> {
    let Sizes { batch, time, hidden, .. } = operands.sizes;
    let cell_width = if C::HAS_CELL_STATE { hidden } else { 0 };
    let mut outputs = Outputs {
        sequence: vec![T::ZERO; batch * time * hidden],
        hidden: vec![T::ZERO; batch * hidden],
        cell: vec![T::ZERO; batch * cell_width],
    };
    let slices = slices(batch);
    let sequences = cut(&mut outputs.sequence, &slices, time * hidden);
    let last_hidden = cut(&mut outputs.hidden, &slices, hidden);
    let last_cell = cut(&mut outputs.cell, &slices, cell_width);
    let mut saved: Vec<Option<Buffers<'_, T>>> = match saved {
        None => slices.iter().map(|_| None).collect(),
        Some(saved) => {
            let sums = cut(&mut saved.sums, &slices, time * C::SUMS * hidden);
            let states = cut(&mut saved.hidden, &slices, (time + 1) * hidden).into_iter();
            let states = states.zip(cut(&mut saved.cell, &slices, (time + 1) * cell_width));
            sums.into_iter().zip(states).map(|(sums, (hidden, cell))| Some(Buffers { sums, hidden, cell })).collect()
        }
    };
    let weights = Weights::new(operands);
    let mut tasks: Vec<Task<'_, C, T>> = Vec::with_capacity(slices.len());
    let outputs_of_slices = sequences.into_iter().zip(last_hidden).zip(last_cell);
    for ((rows, saved), ((sequence, hidden), cell)) in slices.into_iter().zip(saved.drain(..)).zip(outputs_of_slices) {
        let last = State { hidden, cell };
        tasks.push(Task { arch: Arch::new(), operands, weights: &weights, rows, sequence, last, saved, of: PhantomData });
    }
    if let [task] = tasks.as_mut_slice() {
        task.run();
    } else {
        tasks.par_iter_mut().for_each(Task::run);
    }
    drop(tasks);
    outputs
}

/// The weights as products read them fastest: on cache lines, unless they are used too seldom to be worth a copy.
struct Weights<'a, T> {
    kernel: Copied<'a, T>,
    recurrent_kernel: Copied<'a, T>,
}

enum Copied<'a, T> {
    Borrowed(&'a [T]),
    Owned(Aligned<T>),
}

impl<T> Copied<'_, T> {
    fn get(&self) -> &[T] {
        match self {
            Self::Borrowed(values) => values,
            Self::Owned(values) => values,
        }
    }
}

impl<'a, T: Real> Weights<'a, T> {
    fn new(operands: &Operands<'a, T>) -> Self {
        let copied =
            |values: &'a [T]| if operands.sizes.batch == 1 { Copied::Borrowed(values) } else { Copied::Owned(Aligned::copy_of(values)) };
        Self { kernel: copied(operands.kernel), recurrent_kernel: copied(operands.recurrent_kernel) }
    }
}

/// Where a slice's sums and states of some steps go: `[steps, rows, SUMS*H]`, and `[steps + 1, rows, H]` each.
struct Buffers<'a, T> {
    sums: &'a mut [T],
    hidden: &'a mut [T],
    cell: &'a mut [T],
}

/// One slice of the batch.
struct Task<'a, C, T> {
    arch: Arch,
    operands: &'a Operands<'a, T>,
    weights: &'a Weights<'a, T>,
    rows: Range<usize>,
    /// `[rows, T, H]`.
    sequence: &'a mut [T],
    /// `[rows, H]` each.
    last: State<&'a mut [T]>,
    /// All steps' buffers; without them, one chunk's are used again and again.
    saved: Option<Buffers<'a, T>>,
    of: PhantomData<C>,
}

impl<C: Cell, T: Real> Task<'_, C, T> {
    fn run(&mut self) {
        let Sizes { time, input, hidden, .. } = self.operands.sizes;
        let rows = self.rows.len();
        let steps = chunks(time, rows).next().map_or(0, |steps| steps.len());
        let (sums_width, state_width) = (rows * C::SUMS * hidden, rows * hidden);
        let cell_width = if C::HAS_CELL_STATE { state_width } else { 0 };
        let mut gathered = Aligned::zeros(steps * rows * input);
        let scratch = |length| Aligned::zeros(if self.saved.is_some() { 0 } else { length });
        let (mut sums, mut hiddens, mut cells) =
            (scratch(steps * sums_width), scratch((steps + 1) * state_width), scratch((steps + 1) * cell_width));
        let mut saved = self.saved.take();

        for steps in chunks(time, rows) {
            let buffers = match &mut saved {
                Some(all) => Buffers {
                    sums: &mut all.sums[steps.start * sums_width..steps.end * sums_width],
                    hidden: &mut all.hidden[steps.start * state_width..(steps.end + 1) * state_width],
                    cell: &mut all.cell[steps.start * cell_width..(steps.end + 1) * cell_width],
                },
                None => Buffers { sums: &mut sums[..steps.len() * sums_width], hidden: &mut hiddens, cell: &mut cells },
            };
            if steps.start == 0 {
                self.start(buffers.hidden, self.operands.hidden);
                self.start(buffers.cell, self.operands.cell.filter(|_| C::HAS_CELL_STATE));
            }
            self.chunk(&steps, &mut gathered[..steps.len() * rows * input], buffers);
            if saved.is_none() {
                // The next chunk goes on from here.
                hiddens.copy_within(steps.len() * state_width..(steps.len() + 1) * state_width, 0);
                cells.copy_within(steps.len() * cell_width..(steps.len() + 1) * cell_width, 0);
            }
        }
        let (hidden, cell) = match &saved {
            Some(all) => (&all.hidden[time * state_width..], &all.cell[time * cell_width..]),
            None => (&hiddens[..state_width], &cells[..cell_width]),
        };
        self.last.hidden.copy_from_slice(hidden);
        self.last.cell.copy_from_slice(cell);
    }

    /// Writes the states before the first step.
    fn start(&self, states: &mut [T], initial: Option<&[T]>) {
        let hidden = self.operands.sizes.hidden;
        let width = states.len().min(self.rows.len() * hidden);
        match initial {
            Some(initial) => states[..width].copy_from_slice(&initial[self.rows.start * hidden..self.rows.end * hidden]),
            None => states[..width].fill(T::ZERO),
        }
    }

    fn chunk(&mut self, steps: &Range<usize>, gathered: &mut [T], buffers: Buffers<'_, T>) {
        let Sizes { time, input, hidden, .. } = self.operands.sizes;
        let (rows, width, gates) = (self.rows.len(), C::SUMS * hidden, C::GATES * hidden);
        let Buffers { sums, hidden: hiddens, cell: cells } = buffers;
        sums.chunks_exact_mut(width).for_each(|row| row.copy_from_slice(self.operands.bias));
        self.operands.gather_input(&self.rows, steps, gathered);
        for run in C::INPUT {
            self.arch.dispatch(Product {
                rows: steps.len() * rows,
                columns: run.count * hidden,
                depth: input,
                a: Strided { data: gathered, row_stride: input, column_stride: 1 },
                b: Rows { data: &self.weights.kernel.get()[run.first * hidden..], stride: gates },
                c: &mut sums[run.sum * hidden..],
                c_stride: width,
            });
        }
        let state_width = rows * hidden;
        let cell_width = if C::HAS_CELL_STATE { state_width } else { 0 };
        for (index, t) in steps.clone().enumerate() {
            let (before, after) = hiddens[index * state_width..].split_at_mut(state_width);
            let (cell_before, cell_after) = cells[index * cell_width..].split_at_mut(cell_width);
            let sums = &mut sums[index * rows * width..(index + 1) * rows * width];
            if t > 0 || self.operands.hidden.is_some() {
                self.arch.dispatch(Product {
                    rows,
                    columns: gates,
                    depth: hidden,
                    a: Strided { data: before, row_stride: hidden, column_stride: 1 },
                    b: Rows { data: self.weights.recurrent_kernel.get(), stride: gates },
                    c: sums,
                    c_stride: width,
                });
            }
            let after = State { hidden: &mut after[..state_width], cell: &mut cell_after[..cell_width] };
            let before = State { hidden: &*before, cell: &*cell_before };
            self.arch.dispatch(StepOfRows::<C, T> { operands: self.operands, rows: &self.rows, t, sums, before, after, of: PhantomData });
            for (row, hidden_row) in hiddens[(index + 1) * state_width..].chunks_exact(hidden).take(rows).enumerate() {
                self.sequence[(row * time + t) * hidden..][..hidden].copy_from_slice(hidden_row);
            }
        }
    }
}

/// One step of all rows of a slice, between two products.
struct StepOfRows<'a, C, T> {
    operands: &'a Operands<'a, T>,
    rows: &'a Range<usize>,
    t: usize,
    sums: &'a mut [T],
    before: State<&'a [T]>,
    after: State<&'a mut [T]>,
    of: PhantomData<C>,
}

impl<C: Cell, T: Real> WithSimd for StepOfRows<'_, C, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let hidden = self.operands.sizes.hidden;
        let cell = if C::HAS_CELL_STATE { hidden } else { 0 };
        for (index, row) in self.rows.clone().enumerate() {
            let before = State { hidden: &self.before.hidden[index * hidden..][..hidden], cell: &self.before.cell[index * cell..][..cell] };
            let after =
                State { hidden: &mut self.after.hidden[index * hidden..][..hidden], cell: &mut self.after.cell[index * cell..][..cell] };
            if self.operands.is_masked(row, self.t) {
                after.hidden.copy_from_slice(before.hidden);
                after.cell.copy_from_slice(before.cell);
            } else {
                let width = C::SUMS * hidden;
                step_forward::<C, T, S>(ForwardStep { sums: &mut self.sums[index * width..][..width], before, after });
            }
        }
    }
}
