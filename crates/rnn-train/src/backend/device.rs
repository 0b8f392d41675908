//! A backend and its device.

use burn::tensor::Device;

/// A backend with its device.
#[derive(Debug, Clone)]
pub(crate) struct Backend {
    pub(crate) name: String,
    pub(crate) device: Device,
    /// Name of the adapter, if it is a GPU.
    pub(super) gpu: Option<String>,
}

/// Advice after a failure of the GPU.
pub(crate) const USE_CPU: &str = "use --backend ndarray for the CPU";
/// Advice after a failure of the GPU during training.
pub(crate) const SMALLER_BATCH: &str =
    "use a smaller --batch-size, or --backend ndarray for the CPU";

/// `[B, T, I, H]` of the layer with which devices are compared: the second of the stock models.
pub(crate) const STOCK_LAYER: [usize; 4] = [64, 60, 80, 100];

/// Kind of an adapter that runs on the CPU.
pub(crate) const SOFTWARE: &str = "software adapter";

/// The CPU backend of `--backend auto`.
pub(crate) fn default_cpu() -> Backend {
    ndarray()
}

#[allow(
    deprecated,
    reason = "burn-ndarray is deprecated in Burn 0.22, and the CPU backend this project was asked \
              for"
)]
pub(super) fn ndarray() -> Backend {
    Backend { name: "ndarray".to_owned(), device: Device::ndarray(), gpu: None }
}

pub(super) fn flex() -> Backend {
    Backend { name: "flex".to_owned(), device: Device::flex(), gpu: None }
}

impl Backend {
    /// The value of `--backend` that selects it.
    pub(crate) fn option(&self) -> &str {
        if self.gpu.is_some() { "wgpu" } else { &self.name }
    }
}
