//! The recurrent operators composed of a backend's tensor operations, with hand-written
//! backpropagation through time. Backends without their own kernels run it. Saved rows are
//! time-major.

use burn::{
    backend::{
        Backend, TensorMetadata, get_device_settings,
        tensor::{BoolTensor, FloatTensor},
    },
    tensor::{Shape, Slice},
};

use crate::{
    cell::Cell,
    operands::{Gradients, Operands, Optional, Outputs, Saved, Upstream, dims},
    reset::Reset,
};

/// Runs a cell over whole sequences.
pub(crate) fn forward<B: Backend>(operands: &Operands<B>, kind: Cell) -> Outputs<B> {
    run(operands, kind, &mut None)
}

/// Runs a cell over whole sequences and saves what [`backward`] needs.
pub(crate) fn forward_saving<B: Backend>(
    operands: &Operands<B>,
    kind: Cell,
) -> (Outputs<B>, Saved<B>) {
    let mut steps = Some(SavedSteps { sums: Vec::new(), hidden: Vec::new(), cell: Vec::new() });
    let outputs = run(operands, kind, &mut steps);
    let SavedSteps { sums, hidden, cell } = steps.unwrap_or_else(|| unreachable!("set above"));
    let hidden = B::float_cat(hidden, 0);
    let cell = if kind == Cell::Lstm { B::float_cat(cell, 0) } else { hidden.clone() };
    (outputs, Saved { sums: B::float_cat(sums, 0), hidden, cell })
}

struct SavedSteps<B: Backend> {
    sums: Vec<FloatTensor<B>>,
    hidden: Vec<FloatTensor<B>>,
    cell: Vec<FloatTensor<B>>,
}

/// States of one step, `[B, H]` each.
#[derive(Clone)]
struct StepState<B: Backend> {
    hidden: FloatTensor<B>,
    cell: FloatTensor<B>,
}

fn run<B: Backend>(
    operands: &Operands<B>,
    kind: Cell,
    saved: &mut Option<SavedSteps<B>>,
) -> Outputs<B> {
    let [batch, time, _] = dims(operands.input.shape());
    let [units, _] = dims(operands.recurrent_kernel.shape());
    let rows = time_major(operands);
    let projected = B::float_matmul(rows, operands.kernel.clone());
    let bias = B::float_reshape(operands.bias.clone(), Shape::new([1, kind.sums() * units]));
    let zeros = || {
        B::float_zeros(
            Shape::new([batch, units]),
            &operands.input.device(),
            operands.input.dtype().into(),
        )
    };
    let initial = |state: &Optional<B>| state.as_ref().cloned().unwrap_or_else(zeros);
    let start = StepState::<B> { hidden: initial(&operands.hidden), cell: initial(&operands.cell) };
    let mut state = start.clone();
    let mut sequence = Vec::with_capacity(time);
    for t in 0..time {
        if let Some(reset) = reset(operands, t, units) {
            state.hidden = reset.apply(state.hidden, &start.hidden);
            state.cell = reset.apply(state.cell, &start.cell);
        }
        let from_input = narrow::<B>(&projected, 0, t * batch, batch);
        let from_state = B::float_matmul(state.hidden.clone(), operands.recurrent_kernel.clone());
        let (sums, mut next) = step::<B>(kind, from_input, from_state, &bias, &state, units);
        if let Some(masked) = masked(operands, t, units) {
            next.hidden = B::float_mask_where(next.hidden, masked.clone(), state.hidden.clone());
            next.cell = B::float_mask_where(next.cell, masked, state.cell.clone());
        }
        if let Some(saved) = saved {
            saved.sums.push(sums);
            saved.hidden.push(state.hidden);
            saved.cell.push(state.cell);
        }
        state = next;
        sequence.push(B::float_reshape(state.hidden.clone(), Shape::new([batch, 1, units])));
    }
    if let Some(saved) = saved {
        saved.hidden.push(state.hidden.clone());
        saved.cell.push(state.cell.clone());
    }
    let cell = if kind == Cell::Lstm { state.cell } else { state.hidden.clone() };
    Outputs { sequence: B::float_cat(sequence, 1), hidden: state.hidden, cell }
}

/// Runs one step. Returns the activated sums `[B, S*H]` and the next states.
fn step<B: Backend>(
    kind: Cell,
    from_input: FloatTensor<B>,
    from_state: FloatTensor<B>,
    bias: &FloatTensor<B>,
    state: &StepState<B>,
    units: usize,
) -> (FloatTensor<B>, StepState<B>) {
    let gate = |tensor: &FloatTensor<B>, index: usize| narrow::<B>(tensor, 1, index * units, units);
    match kind {
        Cell::SimpleRnn => {
            let hidden =
                B::float_tanh(B::float_add(B::float_add(from_input, from_state), bias.clone()));
            (hidden.clone(), StepState { hidden, cell: state.cell.clone() })
        }
        Cell::Lstm => {
            let sums = B::float_add(B::float_add(from_input, from_state), bias.clone());
            let [i, f, o] = [0, 1, 3].map(|index| sigmoid::<B>(gate(&sums, index)));
            let c = B::float_tanh(gate(&sums, 2));
            let cell = B::float_add(
                B::float_mul(f.clone(), state.cell.clone()),
                B::float_mul(i.clone(), c.clone()),
            );
            let hidden = B::float_mul(o.clone(), B::float_tanh(cell.clone()));
            (B::float_cat(vec![i, f, c, o], 1), StepState { hidden, cell })
        }
        Cell::Gru => {
            let both = |index| {
                B::float_add(
                    B::float_add(gate(&from_input, index), gate(&from_state, index)),
                    gate(bias, index),
                )
            };
            let (z, r) = (sigmoid::<B>(both(0)), sigmoid::<B>(both(1)));
            let recurrent = B::float_add(gate(&from_state, 2), gate(bias, 2));
            let from_input = B::float_add(gate(&from_input, 2), gate(bias, 3));
            let n =
                B::float_tanh(B::float_add(from_input, B::float_mul(r.clone(), recurrent.clone())));
            let hidden = B::float_add(
                n.clone(),
                B::float_mul(z.clone(), B::float_sub(state.hidden.clone(), n.clone())),
            );
            (
                B::float_cat(vec![z, r, recurrent, n], 1),
                StepState { hidden, cell: state.cell.clone() },
            )
        }
    }
}

/// Computes the gradients of [`forward_saving`].
pub(crate) fn backward<B: Backend>(
    operands: &Operands<B>,
    saved: &Saved<B>,
    upstream: &Upstream<B>,
    kind: Cell,
    needs_input: bool,
) -> Gradients<B> {
    let [batch, time, _] = dims(operands.input.shape());
    let [units, gates] = dims(operands.recurrent_kernel.shape());
    let zeros = || {
        B::float_zeros(
            Shape::new([batch, units]),
            &operands.input.device(),
            operands.input.dtype().into(),
        )
    };
    let given = |gradient: &Optional<B>| gradient.as_ref().cloned().unwrap_or_else(zeros);
    let mut gradient =
        StepState::<B> { hidden: given(&upstream.hidden), cell: given(&upstream.cell) };
    let mut initial = StepState::<B> { hidden: zeros(), cell: zeros() };
    let transposed = B::float_transpose(operands.recurrent_kernel.clone());
    let mut sums = Vec::with_capacity(time);
    for t in (0..time).rev() {
        if let Some(sequence) = upstream.sequence.as_ref() {
            let of_step =
                B::float_reshape(narrow::<B>(sequence, 1, t, 1), Shape::new([batch, units]));
            gradient.hidden = B::float_add(gradient.hidden, of_step);
        }
        let at = |tensor: &FloatTensor<B>, t: usize| narrow::<B>(tensor, 0, t * batch, batch);
        let before = StepState::<B> { hidden: at(&saved.hidden, t), cell: at(&saved.cell, t) };
        let (mut of_sums, mut next) = step_backward::<B>(
            kind,
            &at(&saved.sums, t),
            &before,
            // Resets replace saved states.
            operands.resets.as_ref().is_none().then(|| at(&saved.cell, t + 1)),
            &gradient,
            units,
        );
        if let Some(masked) = masked(operands, t, units) {
            let all =
                B::bool_expand(narrow_bool::<B>(&masked), Shape::new([batch, kind.sums() * units]));
            of_sums = B::float_mask_fill(of_sums, all, 0.0.into());
            next.hidden = B::float_mask_where(next.hidden, masked.clone(), gradient.hidden);
            next.cell = B::float_mask_where(next.cell, masked, gradient.cell);
        }
        let through = B::float_matmul(narrow::<B>(&of_sums, 1, 0, gates), transposed.clone());
        gradient = StepState { hidden: B::float_add(next.hidden, through), cell: next.cell };
        if let Some(reset) = reset(operands, t, units) {
            (gradient.hidden, initial.hidden) = reset.end(gradient.hidden, initial.hidden);
            (gradient.cell, initial.cell) = reset.end(gradient.cell, initial.cell);
        }
        sums.push(of_sums);
    }
    if operands.resets.as_ref().is_some() {
        gradient.hidden = B::float_add(gradient.hidden, initial.hidden);
        gradient.cell = B::float_add(gradient.cell, initial.cell);
    }
    sums.reverse();
    let product = |left, right| B::float_matmul(B::float_transpose(left), right);
    gradients(
        operands,
        B::float_cat(sums, 0),
        &saved.hidden,
        [gradient.hidden, gradient.cell],
        kind,
        needs_input,
        product,
    )
}

/// Computes all gradients from those of the sums, `[T*B, S*H]`, and of the initial hidden and cell
/// states. `hiddens` are the hidden states, starting with the initial one. Rows are time-major.
/// `product` multiplies `[T*B, M]` transposed by `[T*B, N]`, for the gradients of the weights.
pub(crate) fn gradients<B: Backend>(
    operands: &Operands<B>,
    sums: FloatTensor<B>,
    hiddens: &FloatTensor<B>,
    [hidden, cell]: [FloatTensor<B>; 2],
    kind: Cell,
    needs_input: bool,
    product: impl Fn(FloatTensor<B>, FloatTensor<B>) -> FloatTensor<B>,
) -> Gradients<B> {
    let [batch, time, input] = dims(operands.input.shape());
    let [units, gates] = dims(operands.recurrent_kernel.shape());
    let of_input = match kind {
        Cell::Gru => B::float_cat(
            vec![narrow::<B>(&sums, 1, 0, 2 * units), narrow::<B>(&sums, 1, 3 * units, units)],
            1,
        ),
        Cell::SimpleRnn | Cell::Lstm => sums.clone(),
    };
    let rows = time_major(operands);
    let hiddens = narrow::<B>(hiddens, 0, 0, time * batch);
    Gradients {
        kernel: product(rows, of_input.clone()),
        recurrent_kernel: product(hiddens, narrow::<B>(&sums, 1, 0, gates)),
        bias: B::float_reshape(B::float_sum_dim(sums, 0), Shape::new([kind.sums() * units])),
        input: needs_input
            .then(|| {
                let rows = B::float_matmul(of_input, B::float_transpose(operands.kernel.clone()));
                B::float_swap_dims(B::float_reshape(rows, Shape::new([time, batch, input])), 0, 1)
            })
            .into(),
        cell: if kind == Cell::Lstm { cell } else { hidden.clone() },
        hidden,
    }
}

/// Computes the gradients of [`step`] with respect to its sums and to the previous states. The
/// latter exclude the path through the recurrent product. `cell_after` is computed again if `None`.
fn step_backward<B: Backend>(
    kind: Cell,
    saved: &FloatTensor<B>,
    before: &StepState<B>,
    cell_after: Option<FloatTensor<B>>,
    gradient: &StepState<B>,
    units: usize,
) -> (FloatTensor<B>, StepState<B>) {
    let gate = |index: usize| narrow::<B>(saved, 1, index * units, units);
    let mul = |factors: &[&FloatTensor<B>]| {
        let first = factors[0].clone();
        factors[1..].iter().fold(first, |product, factor| B::float_mul(product, (*factor).clone()))
    };
    let one_minus = |tensor: FloatTensor<B>| B::float_add_scalar(B::float_neg(tensor), 1.0.into());
    // Derivatives of sigmoid and tanh, computed from their values.
    let of_sigmoid = |value: &FloatTensor<B>| B::float_mul(value.clone(), one_minus(value.clone()));
    let of_tanh = |value: &FloatTensor<B>| one_minus(B::float_mul(value.clone(), value.clone()));
    let zeros = || {
        B::float_zeros(
            gradient.hidden.shape(),
            &gradient.hidden.device(),
            gradient.hidden.dtype().into(),
        )
    };
    match kind {
        Cell::SimpleRnn => (
            mul(&[&gradient.hidden, &of_tanh(saved)]),
            StepState { hidden: zeros(), cell: gradient.cell.clone() },
        ),
        Cell::Lstm => {
            let [i, f, c, o] = [0, 1, 2, 3].map(gate);
            let cell_after = cell_after
                .unwrap_or_else(|| B::float_add(mul(&[&f, &before.cell]), mul(&[&i, &c])));
            let squashed = B::float_tanh(cell_after);
            let through = B::float_add(
                mul(&[&gradient.hidden, &o, &of_tanh(&squashed)]),
                gradient.cell.clone(),
            );
            let sums = vec![
                mul(&[&through, &c, &of_sigmoid(&i)]),
                mul(&[&through, &before.cell, &of_sigmoid(&f)]),
                mul(&[&through, &i, &of_tanh(&c)]),
                mul(&[&gradient.hidden, &squashed, &of_sigmoid(&o)]),
            ];
            (B::float_cat(sums, 1), StepState { hidden: zeros(), cell: mul(&[&through, &f]) })
        }
        Cell::Gru => {
            let [z, r, recurrent, n] = [0, 1, 2, 3].map(gate);
            let candidate = mul(&[&gradient.hidden, &one_minus(z.clone()), &of_tanh(&n)]);
            let sums = vec![
                mul(&[&gradient.hidden, &B::float_sub(before.hidden.clone(), n), &of_sigmoid(&z)]),
                mul(&[&candidate, &recurrent, &of_sigmoid(&r)]),
                mul(&[&candidate, &r]),
                candidate,
            ];
            (
                B::float_cat(sums, 1),
                StepState { hidden: mul(&[&gradient.hidden, &z]), cell: gradient.cell.clone() },
            )
        }
    }
}

/// Inputs as `[T*B, I]`. Masked steps are zero, so padding may hold any values.
pub(crate) fn time_major<B: Backend>(operands: &Operands<B>) -> FloatTensor<B> {
    let [batch, time, input] = dims(operands.input.shape());
    let mut values = operands.input.clone();
    if let Some(mask) = operands.mask.as_ref() {
        let settings = get_device_settings::<B>(&mask.device());
        let masked = B::float_equal_elem(mask.clone(), 0.0.into(), settings.bool_dtype);
        let masked = B::bool_expand(
            B::bool_reshape(masked, Shape::new([batch, time, 1])),
            Shape::new([batch, time, input]),
        );
        values = B::float_mask_fill(values, masked, 0.0.into());
    }
    B::float_reshape(B::float_swap_dims(values, 0, 1), Shape::new([time * batch, input]))
}

/// Masked sequences of a step, `[B, H]`; `None` without a mask.
fn masked<B: Backend>(operands: &Operands<B>, t: usize, units: usize) -> Option<BoolTensor<B>> {
    let mask = narrow::<B>(operands.mask.as_ref()?, 1, t, 1);
    let [batch, _] = dims(mask.shape());
    let settings = get_device_settings::<B>(&mask.device());
    Some(B::bool_expand(
        B::float_equal_elem(mask, 0.0.into(), settings.bool_dtype),
        Shape::new([batch, units]),
    ))
}

/// Resets before a step; `None` without resets.
fn reset<B: Backend>(operands: &Operands<B>, t: usize, units: usize) -> Option<Reset<B>> {
    Some(Reset::new(narrow::<B>(operands.resets.as_ref()?, 1, t, 1), units))
}

fn narrow_bool<B: Backend>(tensor: &BoolTensor<B>) -> BoolTensor<B> {
    B::bool_slice(tensor.clone(), &[Slice::from(..), Slice::from(0..1)])
}

/// Slices `length` entries of one dimension.
pub(crate) fn narrow<B: Backend>(
    tensor: &FloatTensor<B>,
    dim: usize,
    start: usize,
    length: usize,
) -> FloatTensor<B> {
    let slices: Vec<Slice> = (0..tensor.shape().num_dims())
        .map(
            |index| if index == dim { Slice::from(start..start + length) } else { Slice::from(..) },
        )
        .collect();
    B::float_slice(tensor.clone(), &slices)
}

/// The logistic function, `(1 + tanh(x / 2)) / 2`; see [`crate::sigmoid`].
fn sigmoid<B: Backend>(tensor: FloatTensor<B>) -> FloatTensor<B> {
    let half = B::float_tanh(B::float_mul_scalar(tensor, 0.5.into()));
    B::float_add_scalar(B::float_mul_scalar(half, 0.5.into()), 0.5.into())
}
