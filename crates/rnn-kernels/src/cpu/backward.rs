use std::{marker::PhantomData, mem::MaybeUninit, ops::Range};

use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

use super::{
    cells::{BackwardStep, RecurrentCell, State, backward as step_backward, cell_after},
    filling::{filled, memory},
    operands::{Gradients, Operands, Reset, SavedView, Upstream},
    product::{Product, Rows, Strided},
    real::Real,
    slices::{Aligned, chunks, cut, slices},
};
use crate::sizes::Sizes;

/// Largest number of slices that run at a time. Each holds gradients of the weights; without a
/// limit, a large batch would hold a copy for every 16 rows.
const MOST_SLICES: usize = 16;
/// Smallest number of slices that run at a time, for weights of any size.
const FEWEST_SLICES: usize = 4;
/// Target number of weight gradients held at a time: 16 times those of an LSTM with 256 units.
const HELD_WEIGHTS: usize = 1 << 23;

/// Computes the gradients of [`super::forward_saving`]. The input's gradient is computed only if
/// `needs_input`; the first layer of a model does not need it.
pub(crate) fn backward<C: RecurrentCell, T: Real>(
    operands: &Operands<'_, T>,
    saved: &SavedView<'_, T>,
    upstream: &Upstream<'_, T>,
    needs_input: bool,
) -> Gradients<T> {
    let Sizes { batch, time, input, hidden } = operands.sizes;
    let gates = C::GATES * hidden;
    let cell_width = if C::HAS_CELL_STATE { hidden } else { 0 };
    let input_width = if needs_input { time * input } else { 0 };
    let (mut input_gradient, mut hidden_gradient, mut cell_gradient) = (
        memory(batch * input_width),
        vec![T::ZERO; batch * hidden],
        vec![T::ZERO; batch * cell_width],
    );
    let slices = slices(batch);
    let transposed = Transposed {
        recurrent_kernel: Aligned::transpose_of(operands.recurrent_kernel, hidden, gates),
        kernel: needs_input.then(|| Aligned::transpose_of(operands.kernel, input, gates)),
    };
    let outputs = cut(&mut input_gradient, &slices, input_width).into_iter();
    let outputs = outputs.zip(cut(&mut hidden_gradient, &slices, hidden)).zip(cut(
        &mut cell_gradient,
        &slices,
        cell_width,
    ));
    let tasks: Vec<BackwardTask<'_, C, T>> = slices
        .iter()
        .zip(outputs)
        .map(|(rows, ((input, hidden), cell))| {
            let (rows, gradient) = (rows.clone(), State { hidden, cell });
            BackwardTask {
                arch: operands.arch,
                operands,
                saved,
                upstream,
                transposed: &transposed,
                rows,
                input,
                gradient,
                marker: PhantomData,
            }
        })
        .collect();
    let mut weights = WeightGradients::zeros::<C>(operands.sizes);
    let mut tasks = tasks.into_iter();
    let at_a_time = (HELD_WEIGHTS / ((input + hidden) * gates)).clamp(FEWEST_SLICES, MOST_SLICES);
    loop {
        let wave: Vec<BackwardTask<'_, C, T>> = tasks.by_ref().take(at_a_time).collect();
        let run = |mut task: BackwardTask<'_, C, T>| task.run();
        let partial: Vec<WeightGradients<T>> = match wave.len() {
            0 => break,
            1 => wave.into_iter().map(run).collect(),
            _ => wave.into_par_iter().map(run).collect(),
        };
        // Added in the order of the slices, not of completion: sums of floats depend on their
        // order.
        partial.iter().for_each(|other| weights.add(operands.arch, other));
    }
    Gradients {
        // SAFETY: the tasks of all slices have finished. A task writes its part, if any, for every
        // row and step.
        input: unsafe { filled(input_gradient) },
        kernel: weights.kernel.to_vec(),
        recurrent_kernel: weights.recurrent_kernel.to_vec(),
        bias: weights.bias,
        hidden: hidden_gradient,
        cell: cell_gradient,
    }
}

struct Transposed<T> {
    recurrent_kernel: Aligned<T>,
    kernel: Option<Aligned<T>>,
}

/// Gradients of the weights, over one slice or several.
struct WeightGradients<T> {
    kernel: Aligned<T>,
    recurrent_kernel: Aligned<T>,
    bias: Vec<T>,
}

impl<T: Real> WeightGradients<T> {
    fn zeros<C: RecurrentCell>(sizes: Sizes) -> Self {
        let gates = C::GATES * sizes.hidden;
        Self {
            kernel: Aligned::zeros(sizes.input * gates),
            recurrent_kernel: Aligned::zeros(sizes.hidden * gates),
            bias: vec![T::ZERO; C::SUMS * sizes.hidden],
        }
    }

    fn add(&mut self, arch: Arch, other: &Self) {
        arch.dispatch(AddRows { to: &mut self.kernel, rows: &other.kernel });
        arch.dispatch(AddRows { to: &mut self.recurrent_kernel, rows: &other.recurrent_kernel });
        arch.dispatch(AddRows { to: &mut self.bias, rows: &other.bias });
    }
}

/// Adds up rows into one.
struct AddRows<'a, T> {
    to: &'a mut [T],
    rows: &'a [T],
}

impl<T: Real> WithSimd for AddRows<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        self.rows.chunks_exact(self.to.len()).for_each(|row| add(self.to, row));
    }
}

#[inline(always)]
fn add<T: Real>(to: &mut [T], values: &[T]) {
    to.iter_mut().zip(values).for_each(|(to, value)| *to += *value);
}

/// One slice of the batch.
struct BackwardTask<'a, C, T> {
    arch: Arch,
    operands: &'a Operands<'a, T>,
    saved: &'a SavedView<'a, T>,
    upstream: &'a Upstream<'a, T>,
    transposed: &'a Transposed<T>,
    rows: Range<usize>,
    /// Gradient of the input, `[rows, T, I]`, or empty.
    input: &'a mut [MaybeUninit<T>],
    /// Gradients of the states after the step to be processed next, `[rows, H]` each.
    gradient: State<&'a mut [T]>,
    marker: PhantomData<C>,
}

impl<C: RecurrentCell, T: Real> BackwardTask<'_, C, T> {
    fn run(&mut self) -> WeightGradients<T> {
        let Sizes { time, input, hidden, .. } = self.operands.sizes;
        let (rows, width) = (self.rows.len(), C::SUMS * hidden);
        let cell_width = if C::HAS_CELL_STATE { hidden } else { 0 };
        fn part<'a, V>(all: &'a [V], rows: &Range<usize>, width: usize) -> &'a [V] {
            &all[rows.start * width..rows.end * width]
        }
        let saved = SavedView {
            sums: part(self.saved.sums, &self.rows, time * width),
            hidden: part(self.saved.hidden, &self.rows, (time + 1) * hidden),
            cell: part(self.saved.cell, &self.rows, (time + 1) * cell_width),
        };
        if let Some(upstream) = self.upstream.hidden {
            self.gradient.hidden.copy_from_slice(part(upstream, &self.rows, hidden));
        }
        if let Some(upstream) = self.upstream.cell.filter(|_| C::HAS_CELL_STATE) {
            self.gradient.cell.copy_from_slice(part(upstream, &self.rows, hidden));
        }
        let mut weights = WeightGradients::zeros::<C>(self.operands.sizes);
        let resets = self.operands.resets.is_some();
        let width_of = |width: usize| if resets { rows * width } else { 0 };
        let mut initial = State {
            hidden: vec![T::ZERO; width_of(hidden)],
            cell: vec![T::ZERO; width_of(cell_width)],
        };
        let longest = chunks(time, rows).next().map_or(0, |steps| steps.len());
        let mut sums = Aligned::zeros(longest * rows * width);
        let mut gathered = Aligned::zeros(longest * rows * input);
        for steps in chunks(time, rows).rev() {
            let sums = &mut sums[..steps.len() * rows * width];
            self.recurrence(&steps, &saved, sums, &mut initial);
            let gathered = &mut gathered[..steps.len() * rows * input];
            self.operands.gather_input(&self.rows, &steps, gathered);
            let hiddens = &saved.hidden[steps.start * rows * hidden..steps.end * rows * hidden];
            self.weights(sums, gathered, hiddens, &mut weights);
            if let Some(kernel) = &self.transposed.kernel {
                self.input(&steps, sums, kernel, gathered);
            }
        }
        add(self.gradient.hidden, &initial.hidden);
        add(self.gradient.cell, &initial.cell);
        weights
    }

    /// Runs a chunk's steps in reverse and computes the gradients of their sums. `initial` collects
    /// the gradients of the states that a reset has set to the initial ones.
    fn recurrence(
        &mut self,
        steps: &Range<usize>,
        saved: &SavedView<'_, T>,
        sums: &mut [T],
        initial: &mut State<Vec<T>>,
    ) {
        let hidden = self.operands.sizes.hidden;
        let (rows, width, gates) = (self.rows.len(), C::SUMS * hidden, C::GATES * hidden);
        for t in steps.clone().rev() {
            let sums = &mut sums[(t - steps.start) * rows * width..][..rows * width];
            self.arch.dispatch(StepOfRows::<C, T> {
                operands: self.operands,
                rows: &self.rows,
                t,
                saved,
                upstream: self.upstream.sequence,
                gradient: State { hidden: self.gradient.hidden, cell: self.gradient.cell },
                sums,
                marker: PhantomData,
            });
            self.arch.dispatch(Product {
                rows,
                columns: hidden,
                depth: gates,
                a: Strided { data: sums, row_stride: width, column_stride: 1 },
                b: Rows { data: &self.transposed.recurrent_kernel, stride: hidden },
                c: self.gradient.hidden,
                c_stride: hidden,
            });
            if self.operands.resets.is_some() {
                self.reset(t, initial);
            }
        }
    }

    /// Ends the gradients of the states before a step that were reset.
    fn reset(&mut self, t: usize, initial: &mut State<Vec<T>>) {
        let hidden = self.operands.sizes.hidden;
        for (index, row) in self.rows.clone().enumerate() {
            let Some(reset) = self.operands.reset(row, t) else { continue };
            let of_row = index * hidden..(index + 1) * hidden;
            let end = |gradient: &mut [T], initial: &mut [T]| {
                if reset == Reset::Initial {
                    add(initial, gradient);
                }
                gradient.fill(T::ZERO);
            };
            end(&mut self.gradient.hidden[of_row.clone()], &mut initial.hidden[of_row.clone()]);
            if C::HAS_CELL_STATE {
                end(&mut self.gradient.cell[of_row.clone()], &mut initial.cell[of_row]);
            }
        }
    }

    /// Adds a chunk's contribution to the gradients of the weights.
    fn weights(&self, sums: &[T], input: &[T], hiddens: &[T], weights: &mut WeightGradients<T>) {
        let Sizes { input: features, hidden, .. } = self.operands.sizes;
        let (width, gates) = (C::SUMS * hidden, C::GATES * hidden);
        let rows = sums.len() / width;
        for run in C::INPUT {
            self.arch.dispatch(Product {
                rows: features,
                columns: run.count * hidden,
                depth: rows,
                a: Strided { data: input, row_stride: 1, column_stride: features },
                b: Rows { data: &sums[run.sum * hidden..], stride: width },
                c: &mut weights.kernel[run.first * hidden..],
                c_stride: gates,
            });
        }
        self.arch.dispatch(Product {
            rows: hidden,
            columns: gates,
            depth: rows,
            a: Strided { data: hiddens, row_stride: 1, column_stride: hidden },
            b: Rows { data: sums, stride: width },
            c: &mut weights.recurrent_kernel,
            c_stride: gates,
        });
        self.arch.dispatch(AddRows { to: &mut weights.bias, rows: sums });
    }

    /// Computes a chunk's gradient of the input; `scratch` is `[steps, rows, I]`.
    fn input(&mut self, steps: &Range<usize>, sums: &[T], kernel: &[T], scratch: &mut [T]) {
        let Sizes { time, input, hidden, .. } = self.operands.sizes;
        let width = C::SUMS * hidden;
        scratch.fill(T::ZERO);
        for run in C::INPUT {
            self.arch.dispatch(Product {
                rows: sums.len() / width,
                columns: input,
                depth: run.count * hidden,
                a: Strided { data: &sums[run.sum * hidden..], row_stride: width, column_stride: 1 },
                b: Rows { data: &kernel[run.first * hidden * input..], stride: input },
                c: scratch,
                c_stride: input,
            });
        }
        let rows = self.rows.len();
        for (index, row) in scratch.chunks_exact(input).enumerate() {
            let (step, sequence) = (index / rows, index % rows);
            self.input[(sequence * time + steps.start + step) * input..][..input]
                .write_copy_of_slice(row);
        }
    }
}

/// One step of all rows of a slice, in reverse.
struct StepOfRows<'a, C, T> {
    operands: &'a Operands<'a, T>,
    rows: &'a Range<usize>,
    t: usize,
    saved: &'a SavedView<'a, T>,
    /// Gradient of all hidden states, `[B, T, H]`.
    upstream: Option<&'a [T]>,
    gradient: State<&'a mut [T]>,
    sums: &'a mut [T],
    marker: PhantomData<C>,
}

impl<C: RecurrentCell, T: Real> WithSimd for StepOfRows<'_, C, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let Sizes { time, hidden, .. } = self.operands.sizes;
        let (width, cell) = (C::SUMS * hidden, if C::HAS_CELL_STATE { hidden } else { 0 });
        let count = self.rows.len();
        for (index, row) in self.rows.clone().enumerate() {
            if let Some(upstream) = self.upstream {
                add(
                    &mut self.gradient.hidden[index * hidden..][..hidden],
                    &upstream[(row * time + self.t) * hidden..][..hidden],
                );
            }
            let sums_gradient = &mut self.sums[index * width..][..width];
            if self.operands.is_masked(row, self.t) {
                sums_gradient.fill(T::ZERO);
                continue;
            }
            let position = self.t * count + index;
            let sums = &self.saved.sums[position * width..][..width];
            let before = State {
                hidden: &self.saved.hidden[position * hidden..][..hidden],
                cell: &self.saved.cell[position * cell..][..cell],
            };
            // A reset before the next step has replaced the saved state after this one.
            let next = self.t + 1;
            let was_reset = next < time && self.operands.reset(row, next).is_some();
            let recomputed;
            let after = if C::HAS_CELL_STATE && was_reset {
                recomputed = cell_after::<C, T, S>(sums, &before);
                &recomputed
            } else {
                &self.saved.cell[(position + count) * cell..][..cell]
            };
            step_backward::<C, T, S>(BackwardStep {
                saved: sums,
                before,
                cell_after: after,
                gradient: State {
                    hidden: &mut self.gradient.hidden[index * hidden..][..hidden],
                    cell: &mut self.gradient.cell[index * cell..][..cell],
                },
                sums_gradient,
            });
        }
    }
}
