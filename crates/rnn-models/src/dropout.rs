use burn::{
    nn::Dropout,
    tensor::{DType, Device, Tensor},
};
use rnn_kernels::dropout_mask;

/// Burn's dropout with a mask that is drawn faster on CPUs and is the same on GPUs.
///
/// # Shapes
///
/// Any; the output has the same.
pub(crate) fn drop_values<const D: usize>(dropout: &Dropout, input: Tensor<D>) -> Tensor<D> {
    if !dropout.training.is_enabled() || !input.device().is_autodiff() || dropout.prob == 0.0 {
        return input;
    }
    let mask = mask(input.dims(), dropout.prob, &input.device(), input.dtype());
    input * mask
}

/// [`dropout_mask`]; a GPU's is drawn by the ndarray backend and uploaded.
///
/// A GPU's own generator gives other numbers, and with them another model after the first step: a training could not be compared with
/// the CPU's. An upload does not wait for the GPU.
pub(crate) fn mask<const D: usize>(shape: [usize; D], rate: f64, device: &Device, dtype: DType) -> Tensor<D> {
    #[allow(deprecated, reason = "the CPU backend this project was asked for")]
    let cpu = Device::ndarray();
    let computing = device.clone().inner();
    if computing == cpu || computing == Device::flex() {
        return dropout_mask(shape, rate, device, dtype);
    }
    Tensor::from_data(dropout_mask(shape, rate, &cpu, dtype).into_data(), (device, dtype))
}
