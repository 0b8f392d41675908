//! How an operator runs on a device, for programs that say so.

use burn::tensor::Device;

use crate::{cell::Cell, limits::GpuLimits, operator::has_operators};

/// How an operator runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Route {
    /// On the CPU, all steps in one go, slices of the batch on several threads.
    Cpu,
    /// On the GPU, all steps in one launch.
    OneLaunch {
        /// Rows of the batch that a workgroup carries.
        rows: usize,
        /// Invocations of a workgroup.
        invocations: usize,
    },
    /// On the GPU, step by step, a matrix product and a launch each.
    TwoLaunchesAStep,
    /// Tensor operations step by step, with a gradient of its own.
    Composed,
    /// Tensor operations step by step, differentiated by Burn: the backend is not one of the
    /// operators'.
    Reference,
}

/// The limits of a device that is a GPU, or what a driver offers as one.
///
/// The device is asked, which starts it if it was not in use.
pub fn gpu_limits(device: &Device) -> Option<GpuLimits> {
    #[cfg(feature = "gpu")]
    if let burn::backend::DispatchDevice::Cube(device) = crate::operator::computing(device) {
        return Some(crate::gpu::limits(device));
    }
    let _ = device;
    None
}

/// How the operator of a cell runs on a device, in `F32`.
///
/// # Shapes
///
/// The sizes are `B`, `T`, `I` and `H`: an input `[B, T, I]` and `H` hidden units.
pub fn route(kind: Cell, [batch, time, input, hidden]: [usize; 4], device: &Device) -> Route {
    let _ = (kind, batch, time, input, hidden);
    if !has_operators(device) {
        return Route::Reference;
    }
    #[cfg(feature = "gpu")]
    if let Some(limits) = gpu_limits(device) {
        let sizes = crate::sizes::Sizes { batch, time, input, hidden };
        return match crate::gpu::Way::of(kind, sizes, limits) {
            Some(crate::gpu::Way::Whole(plan)) => {
                Route::OneLaunch { rows: plan.rows, invocations: plan.units }
            }
            Some(crate::gpu::Way::Steps) => Route::TwoLaunchesAStep,
            None => Route::Composed,
        };
    }
    Route::Cpu
}
