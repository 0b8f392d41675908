//! Graphics adapters, through wgpu.

use burn::tensor::{Device, DeviceType, Tensor};

use super::{Backend, Result};
use crate::console::quietly;

/// A graphics adapter wgpu can use.
pub(super) struct Adapter {
    pub(super) name: String,
    pub(super) hardware: bool,
    device: Device,
}

impl Adapter {
    pub(super) fn kind(&self) -> &'static str {
        if self.hardware { "GPU" } else { "software adapter" }
    }
}

impl From<Adapter> for Backend {
    fn from(adapter: Adapter) -> Self {
        Self { name: "wgpu".to_owned(), device: adapter.device }
    }
}

/// All adapters, hardware first. Burn panics on the first use of a device that is not there, so they are listed, not tried.
pub(super) fn adapters() -> Result<Vec<Adapter>> {
    let devices = quietly(|| Device::enumerate(DeviceType::Wgpu));
    let mut adapters: Vec<Adapter> = devices.into_iter().flatten().filter_map(identify).collect();
    adapters.sort_by_key(|adapter| !adapter.hardware);
    Ok(adapters)
}

/// Whether the adapter computes 2 x 2 ones times themselves right.
pub(super) fn probe(adapter: &Adapter) -> std::result::Result<(), String> {
    let sum = quietly(|| {
        let ones = Tensor::<2>::ones([2, 2], &adapter.device);
        ones.clone().matmul(ones).sum().try_into_scalar::<f32>()
    });
    match sum {
        Some(Ok(8.0)) => Ok(()),
        Some(Ok(sum)) => Err(format!("a test product gave {sum}, expected 8")),
        Some(Err(error)) => Err(error.to_string()),
        None => Err("a test product failed".to_owned()),
    }
}

fn identify(device: Device) -> Option<Adapter> {
    // A software adapter (Mesa lavapipe, say) has no physical device behind it.
    let identity = quietly(|| device.identity())??;
    Some(Adapter { hardware: identity.physical.is_some(), name: identity.name, device })
}
