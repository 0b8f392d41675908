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
    /// Whether `--backend auto` takes it.
    auto: bool,
    /// Of a GPU.
    limits: Option<Limits>,
    /// How each cell runs.
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

/// Lists the devices, what limits them and how each cell runs on them.
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
                " {:<10} {} invocations and {} KiB a workgroup, {} tensors a kernel, \
                 buffers of {} MiB",
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
        "How cells run is said for batches of {batch}, {time} steps of {input} features and \
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
    let told = |cell| match quietly(|| route(cell, STOCK_LAYER, device)) {
        Some(Route::Cpu) => "whole sequences, on all cores".to_owned(),
        Some(Route::OneLaunch { rows, invocations }) => {
            format!(
                "whole sequences in one launch, {rows} rows a workgroup of {invocations} \
                 invocations"
            )
        }
        Some(Route::TwoLaunchesAStep) => {
            "step by step, a matrix product and a launch each".to_owned()
        }
        Some(Route::Composed) => {
            "step by step, by tensor operations: the device has less than WebGPU promises"
                .to_owned()
        }
        Some(Route::Reference) => "step by step: a backend without the operators".to_owned(),
        Some(other) => format!("{other:?}"),
        None => "the device does not answer".to_owned(),
    };
    Cell::ALL.map(|cell| listed(cell, told(cell))).into()
}
