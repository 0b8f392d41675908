use burn::{nn::Dropout, tensor::Tensor};
use rnn_kernels::dropout_mask;

/// Burn's dropout with a mask that is drawn faster, and is the same on GPUs.
///
/// # Shapes
///
/// Any; the output has the same.
pub(crate) fn drop_values<const D: usize>(dropout: &Dropout, input: Tensor<D>) -> Tensor<D> {
    if !dropout.training.is_enabled() || !input.device().is_autodiff() || dropout.prob == 0.0 {
        return input;
    }
    let mask = dropout_mask(input.dims(), dropout.prob, &input.device(), input.dtype());
    input * mask
}
