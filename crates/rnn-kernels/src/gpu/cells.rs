//! What each cell computes for one hidden unit of one sequence, on the device.

use cubecl::prelude::*;

/// Where tanh's short series is as good as the exponential function, which loses the last digits near zero.
const SMALL: f32 = 0.1;

/// Hyperbolic tangent; a device's own may overflow for large numbers.
#[cube]
pub(super) fn tanh(x: f32) -> f32 {
    let size = x.abs();
    let exp = (-2.0f32 * size).exp();
    let large = (1.0f32 - exp) / (1.0f32 + exp);
    let square = x * x;
    let small = size * (1.0f32 - square * (0.333_333_34f32 - square * (0.133_333_34f32 - square * 0.053_968_254f32)));
    let result = select(size < SMALL, small, large);
    select(x < 0.0f32, -result, result)
}

/// The logistic function.
#[cube]
pub(super) fn sigmoid(x: f32) -> f32 {
    let exp = (-x.abs()).exp();
    select(x < 0.0f32, exp, 1.0f32) / (1.0f32 + exp)
}
