//! Backends and devices.

mod choose;
mod device;
mod fault;
#[cfg(feature = "wgpu")]
mod gpu;
#[cfg(not(feature = "wgpu"))]
#[path = "no_gpu.rs"]
mod gpu;
mod race;
mod random;

pub use choose::BackendChoice;
pub(crate) use device::{Backend, SMALLER_BATCH, SOFTWARE, STOCK_LAYER, USE_CPU, default_cpu};
pub(crate) use fault::Watchdog;
pub(crate) use random::lock_generator;
