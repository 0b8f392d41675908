//! Stubs for a build without GPU support.

use super::device::Backend;

/// A stub: there are no adapters.
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
        super::device::default_cpu()
    }
}

pub(super) fn adapters() -> Result<Vec<Adapter>, String> {
    let command = "cargo run -p rnn-train --features wgpu";
    Err(format!("this program was built without GPU support, which `{command}` includes"))
}

pub(super) fn probe(_: &Adapter) -> Result<(), String> {
    Err("no GPU support".to_owned())
}
