use burn::tensor::Device;
#[cfg(feature = "wgpu")]
use burn::tensor::DeviceKind;
use clap::ValueEnum;
use rnn_models::Cell;

/// A backend of Burn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Backend {
    /// ndarray, the default of `rnn-train`.
    Ndarray,
    /// Flex, Burn's newer CPU backend.
    Flex,
    /// A GPU, or a driver that emulates one.
    #[cfg(feature = "wgpu")]
    Wgpu,
}

impl Backend {
    /// The backend's device, without gradients.
    #[allow(
        deprecated,
        reason = "burn-ndarray is deprecated in Burn 0.22, and the backend this project was asked \
                  for"
    )]
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

/// The recurrent cells, with their names on the command line and in experiments.
pub const CELLS: [(&str, Cell); 3] =
    [("rnn", Cell::SimpleRnn), ("lstm", Cell::Lstm), ("gru", Cell::Gru)];

/// Returns the cell with a name.
///
/// # Errors
///
/// Returns an error if no cell has this name.
pub fn cell(name: &str) -> Result<Cell, String> {
    CELLS
        .iter()
        .find(|(known, _)| *known == name)
        .map(|(_, cell)| *cell)
        .ok_or_else(|| format!("no cell `{name}`"))
}
