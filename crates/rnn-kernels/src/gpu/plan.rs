//! Which way a call takes on a device: by what the device can hold, never by what devices usually
//! hold.

use burn_cubecl::CubeDevice;
use cubecl::prelude::Const;

use crate::{cell::Cell, limits::GpuLimits, sizes::Sizes};

/// Rows of the batch, or of weights, that make a vector.
pub(super) type Four = Const<4>;

/// Bytes of a number in workgroup memory.
const NUMBER: usize = size_of::<f32>();
/// Tensors of a kernel.
const BINDINGS: usize = GpuLimits::WEBGPU.bindings;
/// Invocations of a workgroup at most, where a device allows more: what every WebGPU device has.
const MOST_UNITS: usize = GpuLimits::WEBGPU.invocations;
/// Rows of the batch that a workgroup carries; each more reuses the recurrent weights once more.
const ROWS: [usize; 2] = [8, 4];
/// Sums of an invocation at most, for all its rows, units and gates: they are kept in registers.
const MOST_SUMS: usize = 64;
/// Workgroups are multiples of what devices run side by side, at least.
const PLANE: usize = 8;
/// Workgroups that there should be, so that no part of a device is idle, before a workgroup takes
/// more rows than it must.
const FEW_GROUPS: usize = 16;
/// Numbers of a recurrent kernel that workgroups read anew in every step, at most: an LSTM's with
/// 256 hidden units. With more, a product of the whole batch reads them fewer times (not measured
/// on a GPU).
const MOST_WEIGHTS: usize = 4 * 256 * 256;

/// How a call runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    /// All steps in one launch.
    Whole(Plan),
    /// A product and a launch for each step.
    Steps,
}

/// What a kernel of all steps is compiled for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Plan {
    pub(crate) kind: Cell,
    /// Hidden units, `H`.
    pub(crate) hidden: usize,
    /// Rows of the batch that a workgroup carries through all steps.
    pub(crate) rows: usize,
    /// Invocations of a workgroup.
    pub(crate) units: usize,
    /// Hidden units of an invocation.
    pub(crate) per_unit: usize,
}

/// Asks a device for its limits.
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

impl Way {
    /// The way of a call; none on a device with less than WebGPU promises, and for more numbers
    /// than an index of 32 bits reaches.
    ///
    /// Buffers that are too large for a device are too large on every way: the device says so.
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
        // A processor reads number by number: its invocations take as many units as they can, and
        // reuse what they read.
        let wanted = if limits.software { most_per_unit.max(1) } else { 1 };
        let units = hidden.div_ceil(wanted).next_multiple_of(PLANE).min(MOST_UNITS);
        let per_unit = hidden.div_ceil(units);
        // Backward shares the gradients of all gates; forward, the hidden states before and after a
        // step.
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
    /// What WebGPU promises everywhere; one binding goes to the sizes of tensors.
    const WEBGPU: GpuLimits = GpuLimits::WEBGPU;

    #[test]
    fn webgpu_holds_all_cells_up_to_256_units_in_one_launch() {
        for kind in KINDS {
            for hidden in [1, 15, 80, 100, 256] {
                for software in [false, true] {
                    let sizes = Sizes { batch: 64, time: 60, input: 80, hidden };
                    let way = Way::of(kind, sizes, GpuLimits { software, ..WEBGPU });
                    let Some(Way::Whole(plan)) = way else {
                        panic!("{kind:?}, {hidden} units: {way:?}")
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
    fn more_units_go_step_by_step() {
        let sizes = Sizes { batch: 64, time: 60, input: 80, hidden: 1024 };
        for kind in KINDS {
            for limits in [WEBGPU, GpuLimits { shared_memory: 256 << 10, ..WEBGPU }] {
                assert_eq!(Way::of(kind, sizes, limits), Some(Way::Steps), "{kind:?}");
            }
        }
    }

    #[test]
    fn a_workgroup_takes_more_rows_once_there_are_workgroups_for_the_whole_device() {
        let rows = |batch| match Way::of(
            Cell::Lstm,
            Sizes { batch, time: 60, input: 80, hidden: 100 },
            WEBGPU,
        ) {
            Some(Way::Whole(plan)) => plan.rows,
            other => panic!("{other:?}"),
        };
        assert_eq!([1, 64, 65, 120, 121, 512].map(rows), [4, 4, 4, 4, 8, 8]);
    }

    #[test]
    fn what_a_device_does_not_hold_has_no_way() {
        let sizes = Sizes { batch: 64, time: 60, input: 80, hidden: 100 };
        let way = |sizes, limits| Way::of(Cell::Lstm, sizes, limits);
        assert!(matches!(way(sizes, WEBGPU), Some(Way::Whole(_))));
        assert_eq!(way(sizes, GpuLimits { bindings: 6, ..WEBGPU }), None);
        assert_eq!(way(sizes, GpuLimits { invocations: 128, ..WEBGPU }), None);
        assert_eq!(way(Sizes { time: 200_000, ..sizes }, WEBGPU), None);
        assert_eq!(way(sizes, GpuLimits { workgroups: 3, ..WEBGPU }), Some(Way::Steps));
    }
}
