//! Chooses the method of a call from the limits that the device reports.

use burn_cubecl::CubeDevice;
use cubecl::prelude::Const;

use crate::{cell::Cell, limits::GpuLimits, sizes::Sizes};

/// Rows of the batch, or of weights, per vector.
pub(super) type Four = Const<4>;

/// Bytes per number in workgroup memory.
const NUMBER: usize = size_of::<f32>();
/// Tensors (bindings) that a kernel needs.
const BINDINGS: usize = GpuLimits::WEBGPU.bindings;
/// Largest number of invocations per workgroup, even if a device allows more. Every WebGPU device
/// supports it.
const MOST_UNITS: usize = GpuLimits::WEBGPU.invocations;
/// Possible numbers of batch rows per workgroup. Each extra row reuses the recurrent weights once
/// more.
const ROWS: [usize; 2] = [8, 4];
/// Largest number of sums per invocation, over all its rows, units and gates: they are kept in
/// registers.
const MOST_SUMS: usize = 64;
/// Workgroup sizes are multiples of the smallest plane (subgroup) of devices.
const PLANE: usize = 8;
/// Number of workgroups that keeps a device busy. Only beyond it does a workgroup take more rows.
const FEW_GROUPS: usize = 16;
/// Largest recurrent kernel, in numbers, that workgroups read again in every step: that of an LSTM
/// with 256 hidden units. For a larger one, a product over the whole batch reads it fewer times
/// (not measured on a GPU).
const MOST_WEIGHTS: usize = 4 * 256 * 256;

/// Method by which a call runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Method {
    /// All steps in one launch.
    Whole(Plan),
    /// A product and a launch per step.
    Steps,
}

/// Compile-time parameters of a kernel that runs all steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Plan {
    pub(crate) kind: Cell,
    /// Hidden units, `H`.
    pub(crate) hidden: usize,
    /// Rows of the batch per workgroup.
    pub(crate) rows: usize,
    /// Invocations per workgroup.
    pub(crate) units: usize,
    /// Hidden units per invocation.
    pub(crate) per_unit: usize,
}

/// Queries the limits of a device.
pub(crate) fn limits(device: &CubeDevice) -> GpuLimits {
    let client = device.client();
    let properties = client.properties();
    let hardware = &properties.hardware;
    GpuLimits {
        invocations: hardware.max_units_per_cube.min(hardware.max_cube_dim.0) as usize,
        shared_memory: hardware.max_shared_memory_size,
        bindings: hardware.max_bindings as usize,
        buffer: usize::try_from(properties.memory.max_page_size).unwrap_or(usize::MAX),
        workgroups: hardware.max_cube_count.0 as usize,
        software: properties.identity.physical.is_none(),
    }
}

impl Method {
    /// Chooses the method of a call. Returns `None` if the device is below the WebGPU limits, or if
    /// indices would exceed 32 bits.
    ///
    /// Buffer sizes are not checked here: if one is too large, every method fails, and the device
    /// reports it.
    pub(crate) fn of(kind: Cell, sizes: Sizes, limits: GpuLimits) -> Option<Self> {
        let Sizes { batch, time, input, hidden } = sizes;
        let rows = time.checked_add(1)?.checked_mul(batch)?.max(hidden).max(input);
        let numbers = rows.checked_mul(kind.sums())?.checked_mul(hidden.max(input))?;
        let holds = limits.bindings >= BINDINGS
            && limits.invocations >= MOST_UNITS
            && u32::try_from(numbers).is_ok();
        holds.then(|| Plan::of(kind, sizes, limits).map_or(Self::Steps, Self::Whole))
    }
}

impl Plan {
    fn of(kind: Cell, sizes: Sizes, limits: GpuLimits) -> Option<Self> {
        let Sizes { batch, hidden, .. } = sizes;
        if kind.gates() * hidden * hidden > MOST_WEIGHTS {
            return None;
        }
        let rows = if batch.div_ceil(ROWS[0]) >= FEW_GROUPS { &ROWS[..] } else { &ROWS[1..] };
        rows.iter().find_map(|&rows| Self::with_rows(kind, batch, hidden, rows, limits))
    }

    fn with_rows(
        kind: Cell,
        batch: usize,
        hidden: usize,
        rows: usize,
        limits: GpuLimits,
    ) -> Option<Self> {
        let most_per_unit = MOST_SUMS / (rows * kind.gates());
        // A CPU reads number by number. Its invocations take the largest number of units and
        // reuse the values they read.
        let wanted = if limits.software { most_per_unit.max(1) } else { 1 };
        let units = hidden.div_ceil(wanted).next_multiple_of(PLANE).min(MOST_UNITS);
        let per_unit = hidden.div_ceil(units);
        // The backward pass shares the gradients of all gates; the forward pass shares the hidden
        // states before and after a step.
        let shared = rows
            * (kind.gates() * hidden).next_multiple_of(4).max(2 * hidden.next_multiple_of(4))
            * NUMBER;
        let fits = shared <= limits.shared_memory
            && per_unit <= most_per_unit
            && batch.div_ceil(rows) <= limits.workgroups;
        fits.then_some(Self { kind, hidden, rows, units, per_unit })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KINDS: [Cell; 3] = [Cell::SimpleRnn, Cell::Lstm, Cell::Gru];
    /// The limits of every WebGPU device; one binding holds the sizes of the tensors.
    const WEBGPU: GpuLimits = GpuLimits::WEBGPU;

    #[test]
    fn webgpu_runs_all_cells_up_to_256_units_in_one_launch() {
        for kind in KINDS {
            for hidden in [1, 15, 80, 100, 256] {
                for software in [false, true] {
                    let sizes = Sizes { batch: 64, time: 60, input: 80, hidden };
                    let method = Method::of(kind, sizes, GpuLimits { software, ..WEBGPU });
                    let Some(Method::Whole(plan)) = method else {
                        panic!("{kind:?}, {hidden} units: {method:?}")
                    };
                    assert!(
                        plan.rows * hidden * kind.gates().max(2) * NUMBER <= WEBGPU.shared_memory
                    );
                    assert!(plan.units * plan.per_unit >= hidden && plan.units <= 256);
                    assert!(plan.rows * plan.per_unit * kind.gates() <= MOST_SUMS);
                }
            }
        }
    }

    #[test]
    fn larger_layers_run_step_by_step() {
        let sizes = Sizes { batch: 64, time: 60, input: 80, hidden: 1024 };
        for kind in KINDS {
            for limits in [WEBGPU, GpuLimits { shared_memory: 256 << 10, ..WEBGPU }] {
                assert_eq!(Method::of(kind, sizes, limits), Some(Method::Steps), "{kind:?}");
            }
        }
    }

    #[test]
    fn a_workgroup_takes_more_rows_once_the_device_is_busy() {
        let rows = |batch| match Method::of(
            Cell::Lstm,
            Sizes { batch, time: 60, input: 80, hidden: 100 },
            WEBGPU,
        ) {
            Some(Method::Whole(plan)) => plan.rows,
            other => panic!("{other:?}"),
        };
        assert_eq!([1, 64, 65, 120, 121, 512].map(rows), [4, 4, 4, 4, 8, 8]);
    }

    #[test]
    fn a_call_beyond_the_limits_of_a_device_has_no_method() {
        let sizes = Sizes { batch: 64, time: 60, input: 80, hidden: 100 };
        let method = |sizes, limits| Method::of(Cell::Lstm, sizes, limits);
        assert!(matches!(method(sizes, WEBGPU), Some(Method::Whole(_))));
        assert_eq!(method(sizes, GpuLimits { bindings: 6, ..WEBGPU }), None);
        assert_eq!(method(sizes, GpuLimits { invocations: 128, ..WEBGPU }), None);
        assert_eq!(method(Sizes { time: 200_000, ..sizes }, WEBGPU), None);
        assert_eq!(method(sizes, GpuLimits { workgroups: 3, ..WEBGPU }), Some(Method::Steps));
    }
}
