//! Computations of each cell for one hidden unit of one sequence, on the device. Numbers are stored
//! as `F` and computed in `f32`.

use cubecl::prelude::*;

use crate::cell::Cell;

/// Below this absolute value tanh uses a short series: the exponential function loses the last
/// digits near zero.
const SMALL: f32 = 0.1;

/// Hyperbolic tangent. A device's own function may overflow for large numbers.
#[cube]
fn tanh(x: f32) -> f32 {
    let size = x.abs();
    let exp = (-2.0f32 * size).exp();
    let large = (1.0f32 - exp) / (1.0f32 + exp);
    let square = x * x;
    let small = size
        * (1.0f32
            - square * (0.333_333_34f32 - square * (0.133_333_34f32 - square * 0.053_968_254f32)));
    let result = select(size < SMALL, small, large);
    select(x < 0.0f32, -result, result)
}

/// The logistic function.
#[cube]
fn sigmoid(x: f32) -> f32 {
    let exp = (-x.abs()).exp();
    select(x < 0.0f32, exp, 1.0f32) / (1.0f32 + exp)
}

/// Hidden and cell state, or their gradients. Only an LSTM uses the cell state.
#[derive(CubeType, Clone, Copy)]
pub(super) struct CellState {
    pub(super) hidden: f32,
    pub(super) cell: f32,
}

/// Runs a step of unit `j` and returns its next state. `products` are the recurrent products, one
/// per gate.
///
/// The unit's sums start at `at` and are `units` apart. They hold the input products, which the
/// values for the backward pass replace.
#[cube]
pub(super) fn forward<F: Float>(
    sums: &mut Tensor<F>,
    at: usize,
    bias: &Tensor<F>,
    j: usize,
    products: &Array<f32>,
    before: CellState,
    #[comptime] kind: Cell,
    #[comptime] units: usize,
) -> CellState {
    let mut after = CellState { hidden: before.hidden, cell: before.cell };
    if comptime!(kind == Cell::SimpleRnn) {
        let h = tanh(f32::cast_from(sums[at]) + f32::cast_from(bias[j]) + products[0]);
        sums[at] = F::cast_from(h);
        after.hidden = h;
    }
    if comptime!(kind == Cell::Lstm) {
        let i = sigmoid(f32::cast_from(sums[at]) + f32::cast_from(bias[j]) + products[0]);
        let f = sigmoid(
            f32::cast_from(sums[at + units]) + f32::cast_from(bias[units + j]) + products[1],
        );
        let c = tanh(
            f32::cast_from(sums[at + 2 * units])
                + f32::cast_from(bias[2 * units + j])
                + products[2],
        );
        let o = sigmoid(
            f32::cast_from(sums[at + 3 * units])
                + f32::cast_from(bias[3 * units + j])
                + products[3],
        );
        after.cell = f * before.cell + i * c;
        after.hidden = o * tanh(after.cell);
        sums[at] = F::cast_from(i);
        sums[at + units] = F::cast_from(f);
        sums[at + 2 * units] = F::cast_from(c);
        sums[at + 3 * units] = F::cast_from(o);
    }
    if comptime!(kind == Cell::Gru) {
        let z = sigmoid(f32::cast_from(sums[at]) + f32::cast_from(bias[j]) + products[0]);
        let r = sigmoid(
            f32::cast_from(sums[at + units]) + f32::cast_from(bias[units + j]) + products[1],
        );
        let recurrent = f32::cast_from(bias[2 * units + j]) + products[2];
        let n = tanh(
            f32::cast_from(sums[at + 3 * units])
                + f32::cast_from(bias[3 * units + j])
                + r * recurrent,
        );
        after.hidden = n + z * (before.hidden - n);
        sums[at] = F::cast_from(z);
        sums[at + units] = F::cast_from(r);
        sums[at + 2 * units] = F::cast_from(recurrent);
        sums[at + 3 * units] = F::cast_from(n);
    }
    after
}

/// Computes the gradients of [`forward`]: of the sums into `gradient`, and of the products into
/// `gates`. It returns those of the previous states, without the path through the recurrent
/// product.
///
/// `saved` are the sums that `forward` left. `before` and `after` index the states around the step:
/// cell states for an LSTM, hidden states for a GRU.
#[cube]
pub(super) fn backward<F: Float>(
    saved: &Tensor<F>,
    gradient: &mut Tensor<F>,
    at: usize,
    states: &Tensor<F>,
    before: usize,
    after: usize,
    of: CellState,
    gates: &mut Array<f32>,
    #[comptime] kind: Cell,
    #[comptime] units: usize,
) -> CellState {
    let mut through = CellState { hidden: 0.0f32, cell: 0.0f32 };
    if comptime!(kind == Cell::SimpleRnn) {
        let h = f32::cast_from(saved[at]);
        gates[0] = of.hidden * (1.0f32 - h * h);
        gradient[at] = F::cast_from(gates[0]);
    }
    if comptime!(kind == Cell::Lstm) {
        let i = f32::cast_from(saved[at]);
        let f = f32::cast_from(saved[at + units]);
        let c = f32::cast_from(saved[at + 2 * units]);
        let o = f32::cast_from(saved[at + 3 * units]);
        let squashed = tanh(f32::cast_from(states[after]));
        let of_cell = of.hidden * o * (1.0f32 - squashed * squashed) + of.cell;
        gates[0] = of_cell * c * i * (1.0f32 - i);
        gates[1] = of_cell * f32::cast_from(states[before]) * f * (1.0f32 - f);
        gates[2] = of_cell * i * (1.0f32 - c * c);
        gates[3] = of.hidden * squashed * o * (1.0f32 - o);
        gradient[at] = F::cast_from(gates[0]);
        gradient[at + units] = F::cast_from(gates[1]);
        gradient[at + 2 * units] = F::cast_from(gates[2]);
        gradient[at + 3 * units] = F::cast_from(gates[3]);
        through.cell = of_cell * f;
    }
    if comptime!(kind == Cell::Gru) {
        let z = f32::cast_from(saved[at]);
        let r = f32::cast_from(saved[at + units]);
        let recurrent = f32::cast_from(saved[at + 2 * units]);
        let n = f32::cast_from(saved[at + 3 * units]);
        let of_n = of.hidden * (1.0f32 - z) * (1.0f32 - n * n);
        gates[0] = of.hidden * (f32::cast_from(states[before]) - n) * z * (1.0f32 - z);
        gates[1] = of_n * recurrent * r * (1.0f32 - r);
        gates[2] = of_n * r;
        gradient[at] = F::cast_from(gates[0]);
        gradient[at + units] = F::cast_from(gates[1]);
        gradient[at + 2 * units] = F::cast_from(gates[2]);
        gradient[at + 3 * units] = F::cast_from(of_n);
        through.hidden = of.hidden * z;
    }
    through
}
