use burn::tensor::Device;
#[cfg(feature = "wgpu")]
use burn::tensor::DeviceKind;
use clap::ValueEnum;
use rnn_models::{Cell, ParseCellError};

/// A backend of Burn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Backend {
    /// The older backend, this project's default.
    Ndarray,
    /// The newer backend.
    Flex,
    /// A GPU, or what a driver offers in its place.
    #[cfg(feature = "wgpu")]
    Wgpu,
}

impl Backend {
    /// Both backends on the CPU.
    pub const CPU: [Self; 2] = [Self::Ndarray, Self::Flex];

    /// The backend's device, without gradients.
    #[allow(deprecated, reason = "burn-ndarray is deprecated in Burn 0.22, and the backend this project was asked for")]
    pub fn device(self) -> Device {
        match self {
            Self::Ndarray => Device::ndarray(),
            Self::Flex => Device::flex(),
            #[cfg(feature = "wgpu")]
            Self::Wgpu => Device::wgpu(DeviceKind::DefaultDevice),
        }
    }

    /// Name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ndarray => "ndarray",
            Self::Flex => "flex",
            #[cfg(feature = "wgpu")]
            Self::Wgpu => "wgpu",
        }
    }
}

/// Parses a recurrent cell: `simple-rnn` (or `rnn`, as the peers' scripts say), `lstm` or `gru`.
///
/// # Errors
///
/// When the text names no cell.
pub fn cell(text: &str) -> Result<Cell, ParseCellError> {
    if text == "rnn" { Ok(Cell::SimpleRnn) } else { text.parse() }
}
