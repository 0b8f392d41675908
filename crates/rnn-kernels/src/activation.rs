use burn::tensor::Tensor;

/// The logistic function, computed as `(1 + tanh(x / 2)) / 2`.
///
/// # Examples
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// use rnn_kernels::sigmoid;
///
/// let values = sigmoid(Tensor::zeros([1, 2], &Device::flex()));
/// assert_eq!(values.into_data().iter::<f32>().collect::<Vec<_>>(), [0.5, 0.5]);
/// ```
///
/// # Precision
///
/// Burn's default `sigmoid`, which ndarray uses, computes in f32 for every type: in f64 it is off
/// by 1e-8. It takes six passes with two exponentials and a logarithm (burn-backend 0.22.1,
/// `ActivationOps::sigmoid`).
///
/// # Shapes
///
/// Input and output have the same shape.
pub fn sigmoid(values: Tensor<2>) -> Tensor<2> {
    (values * 0.5).tanh() * 0.5 + 0.5
}
