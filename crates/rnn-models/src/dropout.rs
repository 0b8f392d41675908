use burn::{nn::Dropout, tensor::Tensor};
use rnn_kernels::dropout_mask;

/// Applies Burn's dropout settings with our masks, which are drawn faster and are the same on GPUs.
///
/// # Shapes
///
/// Input and output have the same shape, of any rank.
pub(crate) fn drop_values<const D: usize>(dropout: &Dropout, input: Tensor<D>) -> Tensor<D> {
    if !dropout.training.is_enabled() || !input.device().is_autodiff() || dropout.prob == 0.0 {
        return input;
    }
    let mask = dropout_mask(input.dims(), dropout.prob, &input.device(), input.dtype());
    input * mask
}
