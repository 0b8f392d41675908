//! Reports how an operator runs on a device.

use burn::tensor::Device;

use crate::{cell::Cell, limits::GpuLimits, operator::has_operators};

/// How an operator runs on a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Route {
    /// Fused on the CPU; slices of the batch run on several threads.
    Cpu,
    /// On the GPU, with all steps in one launch; recurrent weights are kept in registers.
    KeptWeights {
        /// Rows of the batch per workgroup.
        rows: usize,
        /// Invocations per workgroup of the forward pass.
        invocations: usize,
    },
    /// On the GPU, with all steps in one launch; recurrent weights are read in every step.
    StreamedWeights {
        /// Rows of the batch per workgroup.
        rows: usize,
        /// Invocations per workgroup of the forward pass.
        invocations: usize,
    },
    /// On the GPU, with one launch per step.
    LaunchPerStep,
    /// Tensor operations, step by step, with a hand-written gradient.
    Composed,
    /// Tensor operations, step by step, differentiated by Burn's autodiff: the backend has no
    /// recurrent operators.
    Reference,
}

/// Returns the limits of a GPU device, or of a driver that emulates a GPU; `None` for other
/// devices.
///
/// It queries the device, which initialises it on first use.
pub fn gpu_limits(device: &Device) -> Option<GpuLimits> {
    #[cfg(feature = "gpu")]
    if let burn::backend::DispatchDevice::Cube(device) = crate::operator::computing(device) {
        return Some(crate::gpu::limits(device));
    }
    let _ = device;
    None
}

/// Returns how the operator of a cell runs on a device, in `F32`.
///
/// # Examples
///
/// ```
/// use burn::tensor::Device;
/// use rnn_kernels::{Cell, Route, route};
///
/// assert_eq!(route(Cell::Lstm, [64, 60, 80, 100], &Device::flex()), Route::Cpu);
/// ```
///
/// # Shapes
///
/// The sizes are `[B, T, I, H]`: an input `[B, T, I]` and `H` hidden units.
pub fn route(kind: Cell, [batch, time, input, hidden]: [usize; 4], device: &Device) -> Route {
    let _ = (kind, batch, time, input, hidden);
    if !has_operators(device) {
        return Route::Reference;
    }
    #[cfg(feature = "gpu")]
    if let Some(limits) = gpu_limits(device) {
        let sizes = crate::sizes::Sizes { batch, time, input, hidden };
        return match crate::gpu::Method::of(kind, sizes, limits) {
            Some(crate::gpu::Method::Sequence(plan)) => {
                let (rows, invocations) = (plan.rows, plan.forward.invocations());
                if plan.keeps() {
                    Route::KeptWeights { rows, invocations }
                } else {
                    Route::StreamedWeights { rows, invocations }
                }
            }
            Some(crate::gpu::Method::Steps) => Route::LaunchPerStep,
            None => Route::Composed,
        };
    }
    Route::Cpu
}
