use burn::tensor::Device;
use rnn_models::{Cell, Route, gpu_limits, route};
use serde::Serialize;

use super::output::{json, out};
use crate::{
    backend::{Backend, BackendChoice, SOFTWARE, STOCK_LAYER},
    error::Result,
    panics::quietly,
};

#[derive(Serialize)]
struct AdapterRow {
    backend: &'static str,
    name: String,
    kind: &'static str,
    /// True if `--backend auto` selects this device.
    auto: bool,
    /// Limits of a GPU; none for a CPU.
    limits: Option<Limits>,
    /// The execution route of each cell.
    routes: Vec<CellRoute>,
}

#[derive(Serialize)]
struct Limits {
    invocations_a_workgroup: usize,
    shared_bytes_a_workgroup: usize,
    tensors_a_kernel: usize,
    bytes_a_buffer: usize,
}

#[derive(Serialize)]
struct CellRoute {
    cell: &'static str,
    route: String,
}

/// Lists the devices with their limits and the execution route of each cell.
pub(super) fn devices(as_json: bool) -> Result<()> {
    let (taken, why) = Backend::choose(BackendChoice::Auto)?;
    let listed: Vec<AdapterRow> = Backend::devices()
        .into_iter()
        .map(|info| AdapterRow {
            auto: info.device == taken.device,
            limits: limits(&info.device),
            routes: routes(&info.device, info.kind),
            backend: info.backend,
            name: info.name,
            kind: info.kind,
        })
        .collect();
    if as_json {
        json(&listed);
        return Ok(());
    }
    let [batch, time, input, hidden] = STOCK_LAYER;
    out(format_args!(" {:<10} {:<18} {}", "--backend", "Kind", "Device"));
    for device in listed {
        out(format_args!(" {:<10} {:<18} {}", device.backend, device.kind, device.name));
        if let Some(limits) = device.limits {
            out(format_args!(
                " {:<10} per workgroup {} invocations and {} KiB; per kernel {} \
                 tensors; per buffer {} MiB",
                "",
                limits.invocations_a_workgroup,
                limits.shared_bytes_a_workgroup >> 10,
                limits.tensors_a_kernel,
                limits.bytes_a_buffer >> 20
            ));
        }
        for CellRoute { cell, route } in device.routes {
            out(format_args!(" {:<10} {cell:<10} {route}", ""));
        }
    }
    out(format_args!("\n--backend auto: {why}"));
    out(format_args!(
        "Routes are those of batches of {batch} sequences, {time} steps of {input} features, and \
         {hidden} hidden units."
    ));
    if !cfg!(feature = "wgpu") {
        out("GPUs are not listed: this program was built without the wgpu feature.");
    }
    Ok(())
}

fn limits(device: &Device) -> Option<Limits> {
    let limits = quietly(|| gpu_limits(device)).flatten()?;
    Some(Limits {
        invocations_a_workgroup: limits.invocations,
        shared_bytes_a_workgroup: limits.shared_memory,
        tensors_a_kernel: limits.bindings,
        bytes_a_buffer: limits.buffer,
    })
}

fn routes(device: &Device, device_kind: &str) -> Vec<CellRoute> {
    let listed = |cell: Cell, route: String| CellRoute { cell: cell.title(), route };
    if cfg!(feature = "vulkan") && device_kind == SOFTWARE {
        let route = "refused: compiled to SPIR-V, which needs a GPU";
        return Cell::ALL.map(|cell| listed(cell, route.to_owned())).into();
    }
    let described = |cell| match quietly(|| route(cell, STOCK_LAYER, device)) {
        Some(Route::Cpu) => "whole sequences, on all cores".to_owned(),
        Some(Route::KeptWeights { rows, invocations }) => {
            format!(
                "whole sequences in one launch, weights kept in registers, {rows} rows per \
                 workgroup of {invocations} invocations"
            )
        }
        Some(Route::StreamedWeights { rows, invocations }) => {
            format!(
                "whole sequences in one launch, weights read in every step, {rows} rows per \
                 workgroup of {invocations} invocations"
            )
        }
        Some(Route::LaunchPerStep) => "step by step, with one launch per step".to_owned(),
        Some(Route::Composed) => {
            "step by step, with tensor operations: the device is below the limits of WebGPU"
                .to_owned()
        }
        Some(Route::Reference) => "step by step: the backend lacks the fused operators".to_owned(),
        Some(other) => format!("{other:?}"),
        None => "unknown: the device does not respond".to_owned(),
    };
    Cell::ALL.map(|cell| listed(cell, described(cell))).into()
}
