use burn::tensor::Tensor;

/// The logistic function, as `(1 + tanh(x / 2)) / 2`.
///
/// Burn's default `sigmoid`, which ndarray uses, goes through f32 whatever the tensor's type is and
/// takes six passes with two exponentials and a logarithm (burn-backend 0.22.1,
/// `ActivationOps::sigmoid`): in f64 it is off by 1e-8.
///
/// # Shapes
///
/// Any `[B, H]`; the output has the same.
pub fn sigmoid(values: Tensor<2>) -> Tensor<2> {
    (values * 0.5).tanh() * 0.5 + 0.5
}
