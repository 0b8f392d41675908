//! Going from one tensor over all time steps to one tensor per step, and back.

use burn::tensor::Tensor;

/// Cuts a time-major `[T, B, F]` tensor into its `T` steps `[B, F]`.
///
/// By halves, not step by step: the gradient of a slice is a zero tensor as large as what it was cut from, so cutting
/// every step from the whole costs O(T^2) memory traffic backward, and cutting halves of halves O(T log T).
pub(crate) fn unbind(steps: Tensor<3>) -> Vec<Tensor<2>> {
    let [time, batch, features] = steps.dims();
    if time == 1 {
        return vec![steps.reshape([batch, features])];
    }
    let half = time / 2;
    let mut first = unbind(steps.clone().narrow(0, 0, half));
    first.extend(unbind(steps.narrow(0, half, time - half)));
    first
}

/// Multiplies all steps of a `[B, T, I]` input by a `[I, F]` kernel in one product and cuts the `[B, F]` steps apart.
pub(crate) fn project(input: Tensor<3>, kernel: Tensor<2>, bias: Option<Tensor<1>>) -> Vec<Tensor<2>> {
    let [batch, time, features] = input.dims();
    let [_, units] = kernel.dims();
    let rows = input.swap_dims(0, 1).reshape([time * batch, features]);
    let mut projected = rows.matmul(kernel);
    if let Some(bias) = bias {
        projected = projected + bias.unsqueeze();
    }
    unbind(projected.reshape([time, batch, units]))
}
