use std::{marker::PhantomData, mem::MaybeUninit, ops::Range};

use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

use super::{
    cells::{ForwardStep, RecurrentCell, State, forward as step_forward},
    filling::{Filling, filled, memory},
    operands::{Operands, Outputs, Reset, Saved},
    product::{Product, Rows, Strided},
    real::Real,
    slices::{Aligned, chunks, cut, slices},
};
use crate::sizes::Sizes;

/// Runs a cell over whole sequences.
pub(crate) fn forward<C: RecurrentCell, T: Real>(operands: &Operands<'_, T>) -> Outputs<T> {
    let nothing = slices(operands.sizes.batch).iter().map(|_| None).collect();
    run::<C, T>(operands, nothing)
}

/// Runs a cell over whole sequences and saves what [`super::backward()`] needs.
pub(crate) fn forward_saving<C: RecurrentCell, T: Real>(
    operands: &Operands<'_, T>,
) -> (Outputs<T>, Saved<T>) {
    let Sizes { batch, time, hidden, .. } = operands.sizes;
    let (sums_width, state_width) = (time * C::SUMS * hidden, (time + 1) * hidden);
    let cell_width = if C::HAS_CELL_STATE { state_width } else { 0 };
    let (mut sums, mut hiddens, mut cells) =
        (memory(batch * sums_width), memory(batch * state_width), memory(batch * cell_width));
    let slices = slices(batch);
    let states = cut(&mut hiddens, &slices, state_width)
        .into_iter()
        .zip(cut(&mut cells, &slices, cell_width));
    let buffers = cut(&mut sums, &slices, sums_width).into_iter().zip(states);
    let buffers = buffers.map(|(sums, (hidden, cell))| {
        Some(Buffers {
            sums: Filling::new(sums),
            hidden: Filling::new(hidden),
            cell: Filling::new(cell),
        })
    });
    let outputs = run::<C, T>(operands, buffers.collect());
    // SAFETY: the tasks of all slices have finished, and each has checked that its parts are full.
    let saved =
        unsafe { Saved { sums: filled(sums), hidden: filled(hiddens), cell: filled(cells) } };
    (outputs, saved)
}

/// Runs all slices; `saved` has one entry per slice.
fn run<C: RecurrentCell, T: Real>(
    operands: &Operands<'_, T>,
    saved: Vec<Option<Buffers<'_, T>>>,
) -> Outputs<T> {
    let Sizes { batch, time, hidden, .. } = operands.sizes;
    let cell_width = if C::HAS_CELL_STATE { hidden } else { 0 };
    let mut sequence = memory(batch * time * hidden);
    let (mut last_hidden, mut last_cell) =
        (vec![T::ZERO; batch * hidden], vec![T::ZERO; batch * cell_width]);
    let slices = slices(batch);
    let last = cut(&mut last_hidden, &slices, hidden).into_iter().zip(cut(
        &mut last_cell,
        &slices,
        cell_width,
    ));
    let outputs = cut(&mut sequence, &slices, time * hidden).into_iter().zip(last);
    let weights = Weights::new(operands);
    let tasks = slices.into_iter().zip(saved).zip(outputs).map(
        |((rows, saved), (sequence, (hidden, cell)))| {
            let last = State { hidden, cell };
            ForwardTask::<C, T> {
                arch: operands.arch,
                operands,
                weights: &weights,
                rows,
                sequence,
                last,
                saved,
                marker: PhantomData,
            }
        },
    );
    let mut tasks: Vec<ForwardTask<'_, C, T>> = tasks.collect();
    if let [task] = tasks.as_mut_slice() {
        task.run();
    } else {
        tasks.par_iter_mut().for_each(ForwardTask::run);
    }
    drop(tasks);
    // SAFETY: the tasks of all slices have finished, and a task writes the hidden state of every
    // row at every step.
    Outputs { sequence: unsafe { filled(sequence) }, hidden: last_hidden, cell: last_cell }
}

/// Weights, copied to cache-line boundaries for fast products. For a single row they are borrowed:
/// a copy would not pay.
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
        let copied = |values: &'a [T]| {
            if operands.sizes.batch == 1 {
                Copied::Borrowed(values)
            } else {
                Copied::Owned(Aligned::copy_of(values))
            }
        };
        Self {
            kernel: copied(operands.kernel),
            recurrent_kernel: copied(operands.recurrent_kernel),
        }
    }
}

/// Buffers of a slice: sums `[T, rows, SUMS*H]`; hidden and cell states `[T + 1, rows, H]` each.
struct Buffers<'a, T> {
    sums: Filling<'a, T>,
    hidden: Filling<'a, T>,
    cell: Filling<'a, T>,
}

/// One slice of the batch.
struct ForwardTask<'a, C, T> {
    arch: Arch,
    operands: &'a Operands<'a, T>,
    weights: &'a Weights<'a, T>,
    rows: Range<usize>,
    /// Hidden states of all steps, `[rows, T, H]`.
    sequence: &'a mut [MaybeUninit<T>],
    /// States after the last step, `[rows, H]` each.
    last: State<&'a mut [T]>,
    /// Buffers for all steps. If `None`, the buffers of one chunk are reused.
    saved: Option<Buffers<'a, T>>,
    marker: PhantomData<C>,
}

impl<C: RecurrentCell, T: Real> ForwardTask<'_, C, T> {
    fn run(&mut self) {
        let Sizes { time, input, hidden, .. } = self.operands.sizes;
        let rows = self.rows.len();
        let longest = chunks(time, rows).next().map_or(0, |steps| steps.len());
        let (sums_width, state_width) = (rows * C::SUMS * hidden, rows * hidden);
        let cell_width = if C::HAS_CELL_STATE { state_width } else { 0 };
        let mut gathered = Aligned::zeros(longest * rows * input);
        let keeps = self.saved.is_some();
        let scratch = |length| memory(if keeps { 0 } else { length });
        let (mut sums, mut hiddens, mut cells) = (
            scratch(longest * sums_width),
            scratch((longest + 1) * state_width),
            scratch((longest + 1) * cell_width),
        );
        let scratch = Buffers {
            sums: Filling::new(&mut sums),
            hidden: Filling::new(&mut hiddens),
            cell: Filling::new(&mut cells),
        };
        let mut buffers = self.saved.take().unwrap_or(scratch);
        self.start(&mut buffers.hidden, state_width, self.operands.hidden);
        self.start(&mut buffers.cell, cell_width, self.operands.cell);
        for steps in chunks(time, rows) {
            if !keeps {
                buffers.sums.keep_last(0);
                buffers.hidden.keep_last(state_width);
                buffers.cell.keep_last(cell_width);
            }
            buffers.sums.repeat(self.operands.bias, steps.len() * rows);
            buffers.hidden.zeros(steps.len() * state_width);
            buffers.cell.zeros(steps.len() * cell_width);
            let chunk = Chunk {
                sums: last(buffers.sums.values(), steps.len() * sums_width),
                hidden: last(buffers.hidden.values(), (steps.len() + 1) * state_width),
                cell: last(buffers.cell.values(), (steps.len() + 1) * cell_width),
            };
            self.chunk(&steps, &mut gathered[..steps.len() * rows * input], chunk);
        }
        self.last.hidden.copy_from_slice(last(buffers.hidden.values(), state_width));
        self.last.cell.copy_from_slice(last(buffers.cell.values(), cell_width));
        if keeps {
            [&buffers.sums, &buffers.hidden, &buffers.cell]
                .iter()
                .for_each(|buffer| buffer.check_full());
        }
    }

    /// Writes the states before the first step.
    fn start(&self, states: &mut Filling<'_, T>, width: usize, initial: Option<&[T]>) {
        let hidden = self.operands.sizes.hidden;
        match initial.filter(|_| width > 0) {
            Some(initial) => {
                states.repeat(&initial[self.rows.start * hidden..self.rows.end * hidden], 1)
            }
            None => states.zeros(width),
        }
    }

    /// Resets states before a step, after their values have become outputs of the step before it.
    /// That of the chunk before has written its last states itself.
    fn reset(&mut self, t: usize, is_first: bool, hiddens: &mut [T], cells: &mut [T]) {
        let Sizes { time, hidden, .. } = self.operands.sizes;
        for (index, row) in self.rows.clone().enumerate() {
            let Some(reset) = self.operands.reset(row, t) else { continue };
            let state = &mut hiddens[index * hidden..][..hidden];
            if !is_first {
                self.sequence[(index * time + t - 1) * hidden..][..hidden]
                    .write_copy_of_slice(state);
            }
            let to = |state: &mut [T], initial: Option<&[T]>| match (reset, initial) {
                (Reset::Initial, Some(initial)) => {
                    state.copy_from_slice(&initial[row * hidden..][..hidden])
                }
                _ => state.fill(T::ZERO),
            };
            to(state, self.operands.hidden);
            if C::HAS_CELL_STATE {
                to(&mut cells[index * hidden..][..hidden], self.operands.cell);
            }
        }
    }

    fn chunk(&mut self, steps: &Range<usize>, gathered: &mut [T], chunk: Chunk<'_, T>) {
        let Sizes { time, input, hidden, .. } = self.operands.sizes;
        let (rows, width, gates) = (self.rows.len(), C::SUMS * hidden, C::GATES * hidden);
        let Chunk { sums, hidden: hiddens, cell: cells } = chunk;
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
            if self.operands.resets.is_some() {
                let is_first = index == 0;
                let (hiddens, cells) =
                    (&mut hiddens[index * state_width..], &mut cells[index * cell_width..]);
                self.reset(t, is_first, &mut hiddens[..state_width], &mut cells[..cell_width]);
            }
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
            let after =
                State { hidden: &mut after[..state_width], cell: &mut cell_after[..cell_width] };
            let before = State { hidden: &*before, cell: &*cell_before };
            self.arch.dispatch(StepOfRows::<C, T> {
                operands: self.operands,
                rows: &self.rows,
                t,
                sums,
                before,
                after,
                marker: PhantomData,
            });
        }
        // Written after the chunk, not step by step, so that each sequence gets one contiguous
        // write.
        for (row, sequence) in self.sequence.chunks_exact_mut(time * hidden).enumerate() {
            for (index, t) in steps.clone().enumerate() {
                let next = t + 1;
                let was_reset =
                    next < steps.end && self.operands.reset(self.rows.start + row, next).is_some();
                if was_reset {
                    continue; // Written before the reset.
                }
                sequence[t * hidden..][..hidden].write_copy_of_slice(
                    &hiddens[(index + 1) * state_width + row * hidden..][..hidden],
                );
            }
        }
    }
}

/// Sums of a chunk's steps, and its states, starting with those before the first step.
struct Chunk<'a, T> {
    sums: &'a mut [T],
    hidden: &'a mut [T],
    cell: &'a mut [T],
}

fn last<T>(values: &mut [T], count: usize) -> &mut [T] {
    let start = values.len() - count;
    &mut values[start..]
}

/// One step of all rows of a slice, between two products.
struct StepOfRows<'a, C, T> {
    operands: &'a Operands<'a, T>,
    rows: &'a Range<usize>,
    t: usize,
    sums: &'a mut [T],
    before: State<&'a [T]>,
    after: State<&'a mut [T]>,
    marker: PhantomData<C>,
}

impl<C: RecurrentCell, T: Real> WithSimd for StepOfRows<'_, C, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let hidden = self.operands.sizes.hidden;
        let cell = if C::HAS_CELL_STATE { hidden } else { 0 };
        for (index, row) in self.rows.clone().enumerate() {
            let before = State {
                hidden: &self.before.hidden[index * hidden..][..hidden],
                cell: &self.before.cell[index * cell..][..cell],
            };
            let after = State {
                hidden: &mut self.after.hidden[index * hidden..][..hidden],
                cell: &mut self.after.cell[index * cell..][..cell],
            };
            if self.operands.is_masked(row, self.t) {
                after.hidden.copy_from_slice(before.hidden);
                after.cell.copy_from_slice(before.cell);
            } else {
                let width = C::SUMS * hidden;
                step_forward::<C, T, S>(ForwardStep {
                    sums: &mut self.sums[index * width..][..width],
                    before,
                    after,
                });
            }
        }
    }
}
