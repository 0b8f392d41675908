//! Chooses a device: the requested one, or the fastest.

use burn::tensor::Device;
use clap::ValueEnum;
use serde::Deserialize;

use super::{
    device::{Backend, USE_CPU, default_cpu, flex, ndarray},
    gpu, race,
};
use crate::error::{Error, Result};

/// The requested backend.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum BackendChoice {
    /// The GPU if it is faster than the CPU, otherwise the CPU
    #[default]
    Auto,
    /// GPU through wgpu (Vulkan, Metal, DX12)
    Wgpu,
    /// CPU
    Ndarray,
    /// CPU, Burn's newer backend
    Flex,
}

/// A device available to this program.
#[derive(Debug)]
pub(crate) struct DeviceInfo {
    /// Value of `--backend` that selects it.
    pub(crate) backend: &'static str,
    pub(crate) name: String,
    pub(crate) kind: &'static str,
    pub(crate) device: Device,
}

impl Backend {
    /// Finds the device for a choice. The second value is a line with the device and the reason.
    pub(crate) fn choose(choice: BackendChoice) -> Result<(Self, String)> {
        match choice {
            BackendChoice::Ndarray => {
                Ok((ndarray(), "backend ndarray (CPU), as requested".to_owned()))
            }
            BackendChoice::Flex => Ok((flex(), "backend flex (CPU), as requested".to_owned())),
            BackendChoice::Wgpu => {
                let unusable = |problem: String| Error::Backend(format!("{problem} ({USE_CPU})"));
                let adapter = gpu::adapters().map_err(unusable)?.into_iter().next();
                let adapter = adapter.ok_or_else(|| Error::Backend(NO_ADAPTER.to_owned()))?;
                gpu::probe(&adapter).map_err(|problem| {
                    unusable(format!("{} cannot compute: {problem}", adapter.name))
                })?;
                let why =
                    format!("backend wgpu on {} ({}), as requested", adapter.name, adapter.kind());
                Ok((adapter.into(), why))
            }
            BackendChoice::Auto => Ok(automatic()),
        }
    }

    /// All devices available to this program.
    pub(crate) fn devices() -> Vec<DeviceInfo> {
        let cpu = |backend: Self, id, name: &str| DeviceInfo {
            backend: id,
            name: name.to_owned(),
            kind: "CPU",
            device: backend.device,
        };
        let mut devices = vec![
            cpu(ndarray(), "ndarray", "Burn's ndarray backend"),
            cpu(flex(), "flex", "Burn's flex backend"),
        ];
        let adapters = gpu::adapters().unwrap_or_default();
        devices.extend(adapters.into_iter().map(|adapter| {
            let (name, kind) = (adapter.name.clone(), adapter.kind());
            DeviceInfo { backend: "wgpu", name, kind, device: Self::from(adapter).device }
        }));
        devices
    }
}

const NO_ADAPTER: &str = "--backend wgpu: no graphics adapter was found (install a Vulkan driver, \
                          or use --backend ndarray for the CPU)";

fn automatic() -> (Backend, String) {
    let cpu = |why: &str| {
        let backend = default_cpu();
        let reason = if why.is_empty() { String::new() } else { format!(": {why}") };
        let line = format!("backend {} (CPU){reason}", backend.name);
        (backend, line)
    };
    let adapters = match gpu::adapters() {
        Ok(adapters) => adapters,
        Err(_) if !cfg!(feature = "wgpu") => return cpu(""),
        Err(problem) => return cpu(&problem),
    };
    let Some(adapter) = adapters.into_iter().find(|adapter| adapter.hardware) else {
        return cpu("no hardware graphics adapter was found");
    };
    if let Err(problem) = gpu::probe(&adapter) {
        return cpu(&format!("{} cannot compute: {problem}", adapter.name));
    }
    let (name, gpu) = (adapter.name.clone(), Backend::from(adapter));
    match race::run(&name, &gpu.device, &default_cpu().device) {
        Ok(race) if race.gpu_wins() => (gpu, format!("backend wgpu on {name}: {race}")),
        Ok(race) => cpu(&format!("{race} (use --backend wgpu to choose {name})")),
        Err(problem) => cpu(&format!("{name} cannot train: {problem}")),
    }
}
