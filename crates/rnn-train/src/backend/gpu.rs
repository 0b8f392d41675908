//! Graphics adapters, through wgpu.

use burn::tensor::{Device, DeviceType, Tensor};

use super::{
    device::{Backend, SOFTWARE},
    fault::root,
};
use crate::panics::caught;

/// A graphics adapter that wgpu can use.
pub(super) struct Adapter {
    pub(super) name: String,
    pub(super) hardware: bool,
    device: Device,
}

impl Adapter {
    pub(super) fn kind(&self) -> &'static str {
        if self.hardware { "GPU" } else { SOFTWARE }
    }
}

impl From<Adapter> for Backend {
    fn from(adapter: Adapter) -> Self {
        Self { name: "wgpu".to_owned(), device: adapter.device, gpu: Some(adapter.name) }
    }
}

/// All adapters that can be opened, hardware first. An error if there are adapters but none opens.
///
/// Burn panics on the first use of a missing device, so adapters are listed first.
pub(super) fn adapters() -> Result<Vec<Adapter>, String> {
    let (devices, listing) =
        caught(|| Device::enumerate(DeviceType::Wgpu).into_iter().collect::<Vec<_>>());
    let devices = devices.unwrap_or_default();
    let some = !devices.is_empty();
    // A panic explains why there are no adapters.
    let (adapters, opening) =
        caught(|| devices.into_iter().filter_map(identify).collect::<Vec<_>>());
    let mut adapters = adapters.unwrap_or_default();
    match listing.or(opening) {
        Some(problem) if adapters.is_empty() => {
            let what = if some {
                "the graphics adapter cannot be opened"
            } else {
                "graphics adapters cannot be listed"
            };
            return Err(format!("{what}: {}", root(&problem.text)));
        }
        _ => {}
    }
    adapters.sort_by_key(|adapter| !adapter.hardware);
    Ok(adapters)
}

/// Checks that the adapter computes a small matrix product correctly.
pub(super) fn probe(adapter: &Adapter) -> Result<(), String> {
    if cfg!(feature = "vulkan") && !adapter.hardware {
        // Their drivers lack an extension that cubecl-spirv 0.11.3 needs, and crash.
        return Err(
            "software adapters cannot run SPIR-V kernels; build with the feature wgpu, not \
                    vulkan"
                .to_owned(),
        );
    }
    let (sum, panic) = caught(|| {
        let ones = Tensor::<2>::ones([2, 2], &adapter.device);
        ones.clone().matmul(ones).sum().try_into_scalar::<f32>()
    });
    match (sum, panic) {
        (Some(Ok(8.0)), _) => Ok(()),
        (Some(Ok(sum)), _) => Err(format!("a test product gave {sum}, expected 8")),
        // A panic on the device thread came before the error.
        (_, Some(panic)) => Err(root(&panic.text)),
        (Some(Err(error)), None) => Err(root(&error.to_string())),
        (None, None) => Err("a test product failed".to_owned()),
    }
}

fn identify(device: Device) -> Option<Adapter> {
    // A software adapter, such as Mesa lavapipe, has no physical device.
    let identity = std::panic::catch_unwind(|| device.identity()).ok()??;
    Some(Adapter { hardware: identity.physical.is_some(), name: identity.name, device })
}
