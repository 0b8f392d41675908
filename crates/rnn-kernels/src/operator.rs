//! Conversion from public tensors to the backend extension and back.

use burn::{
    backend::{Dispatch, DispatchDevice},
    tensor::{Bool, DType, Device, FloatDType, Tensor},
};

use crate::{
    cell::Cell,
    operands::{Operands, Optional},
    ops::RecurrentOps,
    steps::{ResetState, Steps},
};

/// Tensors of one call, with checked shapes.
pub(crate) struct Call {
    pub(crate) kind: Cell,
    pub(crate) input: Tensor<3>,
    pub(crate) kernel: Tensor<2>,
    pub(crate) recurrent_kernel: Tensor<2>,
    /// Bias of the sums, `[S*H]`; zeros if `None`.
    pub(crate) bias: Option<Tensor<1>>,
    pub(crate) steps: Steps,
    pub(crate) hidden: Option<Tensor<2>>,
    pub(crate) cell: Option<Tensor<2>>,
}

/// Hidden states of all steps; hidden and cell state after the last step.
pub(crate) struct LayerOutput {
    pub(crate) sequence: Tensor<3>,
    pub(crate) hidden: Tensor<2>,
    pub(crate) cell: Tensor<2>,
}

/// Returns the device that computes; an autodiff device wraps it.
pub(crate) fn computing(device: &Device) -> &DispatchDevice {
    match device.as_dispatch() {
        DispatchDevice::Autodiff(device) => device,
        other => other,
    }
}

/// True if the device's backend has the recurrent operators.
pub(crate) fn has_operators(device: &Device) -> bool {
    match computing(device) {
        #[cfg(feature = "flex")]
        DispatchDevice::Flex(_) => true,
        #[cfg(feature = "ndarray")]
        DispatchDevice::NdArray(_) => true,
        #[cfg(feature = "gpu")]
        DispatchDevice::Cube(_) => true,
        #[allow(unreachable_patterns, reason = "Burn's features decide which backends there are")]
        _ => false,
    }
}

/// True if the device's operators store `F16`.
fn stores_half(device: &Device) -> bool {
    #[cfg(feature = "gpu")]
    if let DispatchDevice::Cube(_) = computing(device) {
        return device.supports_dtype(DType::F16);
    }
    let _ = device;
    false
}

impl Call {
    /// Runs the operator. Half precision is computed in `F32` and converted back. The CPU core has
    /// vectors of `f32` and `f64` only. Sums of 16 bits over many steps would lose the last
    /// contributions. GPUs that support `F16` store it: each launch computes in `F32` and stores
    /// its results as `F16`.
    pub(crate) fn run(self) -> LayerOutput {
        let dtype = self.input.dtype();
        match dtype {
            DType::F32 | DType::F64 => self.dispatch(),
            DType::F16 if stores_half(&self.input.device()) => self.dispatch(),
            _ => {
                let LayerOutput { sequence, hidden, cell } = self.cast(FloatDType::F32).dispatch();
                let back: FloatDType = dtype.into();
                LayerOutput {
                    sequence: sequence.cast(back),
                    hidden: hidden.cast(back),
                    cell: cell.cast(back),
                }
            }
        }
    }

    fn cast(self, dtype: FloatDType) -> Self {
        Self {
            input: self.input.cast(dtype),
            kernel: self.kernel.cast(dtype),
            recurrent_kernel: self.recurrent_kernel.cast(dtype),
            bias: self.bias.map(|tensor| tensor.cast(dtype)),
            hidden: self.hidden.map(|tensor| tensor.cast(dtype)),
            cell: self.cell.map(|tensor| tensor.cast(dtype)),
            ..self
        }
    }

    fn dispatch(self) -> LayerOutput {
        let (device, dtype) = (self.input.device(), self.input.dtype());
        let [units, _] = self.recurrent_kernel.dims();
        let bias = self.bias.unwrap_or_else(|| {
            Tensor::zeros([self.kind.sums() * units], (&device.without_autodiff(), dtype))
        });
        let float = |mask: Tensor<2, Bool>| {
            let float: FloatDType = dtype.into();
            mask.float().cast(float)
        };
        let mask = self.steps.mask.map(float);
        let resets = self.steps.resets.map(|resets| match resets.to {
            ResetState::Zeros => float(resets.before),
            ResetState::Initial => float(resets.before) * 2.0,
        });
        let optional = |tensor: Option<Tensor<2>>| {
            Optional::<Dispatch>::from(tensor.map(Tensor::into_dispatch))
        };
        let operands = Operands::<Dispatch> {
            input: self.input.into_dispatch(),
            kernel: self.kernel.into_dispatch(),
            recurrent_kernel: self.recurrent_kernel.into_dispatch(),
            bias: bias.into_dispatch(),
            mask: optional(mask),
            resets: optional(resets),
            hidden: optional(self.hidden),
            cell: optional(self.cell),
        };
        let outputs = Dispatch::recurrent(operands, self.kind);
        LayerOutput {
            sequence: Tensor::from_dispatch(outputs.sequence),
            hidden: Tensor::from_dispatch(outputs.hidden),
            cell: Tensor::from_dispatch(outputs.cell),
        }
    }
}
