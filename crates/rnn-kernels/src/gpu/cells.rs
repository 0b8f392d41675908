//! Computations of each cell for one hidden unit of one sequence, on the device, in `f32`.

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

/// Runs a step of one unit and returns its next state. `products` are the recurrent products, one
/// per gate.
///
/// `sums` hold the input products and the bias, `[S]`. The values for the backward pass replace
/// them.
#[cube]
pub(super) fn forward(
    sums: &mut Array<f32>,
    products: &Array<f32>,
    before: CellState,
    #[comptime] kind: Cell,
) -> CellState {
    let mut after = CellState { hidden: before.hidden, cell: before.cell };
    if comptime!(kind == Cell::SimpleRnn) {
        let h = tanh(sums[0] + products[0]);
        sums[0] = h;
        after.hidden = h;
    }
    if comptime!(kind == Cell::Lstm) {
        let i = sigmoid(sums[0] + products[0]);
        let f = sigmoid(sums[1] + products[1]);
        let c = tanh(sums[2] + products[2]);
        let o = sigmoid(sums[3] + products[3]);
        after.cell = f * before.cell + i * c;
        after.hidden = o * tanh(after.cell);
        sums[0] = i;
        sums[1] = f;
        sums[2] = c;
        sums[3] = o;
    }
    if comptime!(kind == Cell::Gru) {
        let z = sigmoid(sums[0] + products[0]);
        let r = sigmoid(sums[1] + products[1]);
        let recurrent = sums[2] + products[2];
        let n = tanh(sums[3] + r * recurrent);
        after.hidden = n + z * (before.hidden - n);
        sums[0] = z;
        sums[1] = r;
        sums[2] = recurrent;
        sums[3] = n;
    }
    after
}

/// Computes the gradients of [`forward`]: of the sums, into `gradient`, `[S]`. The first of them,
/// one per gate, are those of the products, too. It returns those of the previous states, without
/// the path through the recurrent product.
///
/// `saved` are the sums that `forward` left. `before` and `after` are the states around the step:
/// cell states for an LSTM, hidden states for a GRU.
#[cube]
pub(super) fn backward(
    saved: &Array<f32>,
    before: f32,
    after: f32,
    of: CellState,
    gradient: &mut Array<f32>,
    #[comptime] kind: Cell,
) -> CellState {
    let mut through = CellState { hidden: 0.0f32, cell: 0.0f32 };
    if comptime!(kind == Cell::SimpleRnn) {
        let h = saved[0];
        gradient[0] = of.hidden * (1.0f32 - h * h);
    }
    if comptime!(kind == Cell::Lstm) {
        let i = saved[0];
        let f = saved[1];
        let c = saved[2];
        let o = saved[3];
        let squashed = tanh(after);
        let of_cell = of.hidden * o * (1.0f32 - squashed * squashed) + of.cell;
        gradient[0] = of_cell * c * i * (1.0f32 - i);
        gradient[1] = of_cell * before * f * (1.0f32 - f);
        gradient[2] = of_cell * i * (1.0f32 - c * c);
        gradient[3] = of.hidden * squashed * o * (1.0f32 - o);
        through.cell = of_cell * f;
    }
    if comptime!(kind == Cell::Gru) {
        let z = saved[0];
        let r = saved[1];
        let recurrent = saved[2];
        let n = saved[3];
        let of_n = of.hidden * (1.0f32 - z) * (1.0f32 - n * n);
        gradient[0] = of.hidden * (before - n) * z * (1.0f32 - z);
        gradient[1] = of_n * recurrent * r * (1.0f32 - r);
        gradient[2] = of_n * r;
        gradient[3] = of_n;
        through.hidden = of.hidden * z;
    }
    through
}
