//! Which device computes, and why.

use burn::tensor::Device;
use clap::ValueEnum;
use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// The backend asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum BackendChoice {
    /// A GPU if there is one, else the CPU
    Auto,
    /// GPU through wgpu (Vulkan, Metal, DX12)
    Wgpu,
    /// CPU
    Ndarray,
    /// CPU, Burn's newer backend
    Flex,
}

/// The backend that computes.
#[derive(Debug, Clone)]
pub(crate) struct Backend {
    pub(crate) name: String,
    pub(crate) device: Device,
}

/// A device this program can compute on.
#[derive(Debug, Serialize)]
pub(crate) struct DeviceInfo {
    /// Value of `--backend` that selects it.
    pub(crate) backend: &'static str,
    pub(crate) name: String,
    pub(crate) kind: &'static str,
}

impl Backend {
    /// Finds the device for a choice; the second value says in one line what was taken and why.
    ///
    /// The default CPU backend is `default_cpu`.
    pub(crate) fn choose(choice: BackendChoice) -> Result<(Self, String)> {
        match choice {
            BackendChoice::Ndarray => Ok((ndarray(), "backend ndarray (CPU), as asked".to_owned())),
            BackendChoice::Flex => Ok((flex(), "backend flex (CPU), as asked".to_owned())),
            BackendChoice::Wgpu => {
                let adapter = gpu::adapters()?.into_iter().next();
                let adapter = adapter.ok_or_else(|| Error::Backend(NO_ADAPTER.to_owned()))?;
                gpu::probe(&adapter).map_err(|problem| {
                    Error::Backend(format!("{} does not compute ({problem}); use --backend ndarray for the CPU", adapter.name))
                })?;
                let why = format!("backend wgpu on {} ({}), as asked", adapter.name, adapter.kind());
                Ok((adapter.into(), why))
            }
            BackendChoice::Auto => Ok(automatic()),
        }
    }

    /// Every device this program can compute on.
    pub(crate) fn devices() -> Vec<DeviceInfo> {
        let cpu = |backend, name: &str| DeviceInfo { backend, name: name.to_owned(), kind: "CPU" };
        let mut devices = vec![cpu("ndarray", "Burn's ndarray backend"), cpu("flex", "Burn's flex backend")];
        let adapters = gpu::adapters().unwrap_or_default();
        devices.extend(adapters.iter().map(|adapter| DeviceInfo { backend: "wgpu", name: adapter.name.clone(), kind: adapter.kind() }));
        devices
    }
}

const NO_ADAPTER: &str = "no graphics adapter was found for --backend wgpu; install a Vulkan driver, or use --backend ndarray for the CPU";

fn automatic() -> (Backend, String) {
    let cpu = |why: &str| {
        let backend = default_cpu();
        let line = format!("backend {} (CPU): {why}", backend.name);
        (backend, line)
    };
    let adapters = match gpu::adapters() {
        Ok(adapters) => adapters,
        Err(_) => return cpu("built without the wgpu feature"),
    };
    let Some(adapter) = adapters.into_iter().find(|adapter| adapter.hardware) else {
        return cpu("no hardware graphics adapter was found");
    };
    match gpu::probe(&adapter) {
        Ok(()) => {
            let why = format!("backend wgpu on {}: a hardware adapter that answers", adapter.name);
            (adapter.into(), why)
        }
        Err(problem) => cpu(&format!("{} does not compute ({problem})", adapter.name)),
    }
}

/// The CPU backend of `--backend auto`: change it here.
pub(crate) fn default_cpu() -> Backend {
    ndarray()
}

#[allow(deprecated, reason = "burn-ndarray is deprecated in Burn 0.22, and the CPU backend this project was asked for")]
fn ndarray() -> Backend {
    Backend { name: "ndarray".to_owned(), device: Device::ndarray() }
}

fn flex() -> Backend {
    Backend { name: "flex".to_owned(), device: Device::flex() }
}

#[cfg(not(feature = "wgpu"))]
mod gpu {
    use super::{Backend, Error, Result};

    /// Stands for an adapter where there can be none.
    pub(super) struct Adapter {
        pub(super) name: String,
        pub(super) hardware: bool,
    }

    impl Adapter {
        pub(super) fn kind(&self) -> &'static str {
            "GPU"
        }
    }

    impl From<Adapter> for Backend {
        fn from(_: Adapter) -> Self {
            super::default_cpu()
        }
    }

    pub(super) fn adapters() -> Result<Vec<Adapter>> {
        let command = "cargo run -p rnn-train --features wgpu";
        Err(Error::Backend(format!("this program was built without GPU support: `{command}` builds it in, --backend ndarray uses the CPU")))
    }

    pub(super) fn probe(_: &Adapter) -> std::result::Result<(), String> {
        Err("no GPU support".to_owned())
    }
}

#[cfg(feature = "wgpu")]
mod gpu {
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
}
