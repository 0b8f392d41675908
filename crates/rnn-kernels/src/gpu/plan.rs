//! Which way a call takes on a device: by what the device can hold, never by what devices usually hold.

use burn_cubecl::CubeDevice;

use crate::{cpu::Sizes, ops::CellKind};

/// Bytes of a number.
const NUMBER: usize = size_of::<f32>();
/// Tensors of a kernel.
const BINDINGS: u32 = 7;
/// Invocations of a workgroup at most, where a device allows more: what every WebGPU device has.
const MOST_UNITS: usize = 256;
/// Hidden units of an invocation at most: their code is written out one by one. With twelve, lavapipe (Mesa 22.3.6) gives wrong numbers.
const MOST_PER_UNIT: usize = 4;
/// Rows of the batch that a workgroup carries at most; each more reuses the recurrent weights once more.
const MOST_ROWS: usize = 8;
/// Sums of an invocation at most, for all its rows, units and gates: they are kept in registers.
const MOST_SUMS: usize = 64;
/// Workgroups are multiples of what devices run side by side, at least.
const PLANE: usize = 8;
/// Workgroups below which a slice of the batch rather gets fewer rows than leave parts of a device idle.
const FEW_GROUPS: usize = 16;

/// What a kernel is compiled for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Plan {
    pub(crate) kind: CellKind,
    /// Hidden units, `H`.
    pub(crate) hidden: usize,
    /// Rows of the batch that a workgroup carries through all steps.
    pub(crate) rows: usize,
    /// Invocations of a workgroup.
    pub(crate) units: usize,
    /// Hidden units of an invocation.
    pub(crate) per_unit: usize,
}

/// What of a device limits kernels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Limits {
    /// Invocations of a workgroup.
    pub(crate) units: usize,
    /// Bytes that a workgroup shares.
    pub(crate) shared: usize,
    /// Tensors of a kernel.
    pub(crate) bindings: u32,
    /// Bytes of one buffer.
    pub(crate) buffer: usize,
    /// Workgroups of a launch.
    pub(crate) groups: usize,
    /// Whether a processor stands in for a GPU. It reads number by number, so that invocations take several units, and reuse what they read.
    pub(crate) software: bool,
}

impl Limits {
    pub(crate) fn of(device: &CubeDevice) -> Self {
        let client = device.client();
        let properties = client.properties();
        let hardware = &properties.hardware;
        Self {
            units: (hardware.max_units_per_cube.min(hardware.max_cube_dim.0)) as usize,
            shared: hardware.max_shared_memory_size,
            bindings: hardware.max_bindings,
            buffer: usize::try_from(properties.memory.max_page_size).unwrap_or(usize::MAX),
            groups: hardware.max_cube_count.0 as usize,
            software: properties.identity.physical.is_none(),
        }
    }
}

impl Plan {
    /// One launch for all steps; none where that does not fit.
    pub(crate) fn whole(kind: CellKind, sizes: Sizes, limits: Limits) -> Option<Self> {
        let Sizes { batch, time, input, hidden } = sizes;
        let shared_by = if limits.software { MOST_PER_UNIT } else { 1 };
        let units = hidden.div_ceil(shared_by).next_multiple_of(PLANE).min(MOST_UNITS).min(limits.units);
        let per_unit = hidden.div_ceil(units);
        // Backward shares the gradients of all gates; forward, the hidden states before and after a step.
        let row = hidden * kind.gates().max(2) * NUMBER;
        let fits = |rows: &usize| rows * row <= limits.shared && rows * per_unit * kind.gates() <= MOST_SUMS;
        let rows = batch.div_ceil(FEW_GROUPS).next_power_of_two().min(MOST_ROWS);
        let rows = (0..=rows.ilog2()).rev().map(|power| 1 << power).find(fits)?;
        let largest = ((time + 1) * batch).checked_mul(kind.sums() * hidden.max(input))?.checked_mul(NUMBER)?;
        let fits =
            limits.bindings >= BINDINGS && largest <= limits.buffer && per_unit <= MOST_PER_UNIT && batch.div_ceil(rows) <= limits.groups;
        fits.then_some(Self { kind, hidden, rows, units, per_unit })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What WebGPU promises everywhere; one binding goes to the sizes of tensors.
    const WEBGPU: Limits = Limits { units: 256, shared: 16 << 10, bindings: 7, buffer: 128 << 20, groups: 65_535, software: false };

    #[test]
    fn webgpu_holds_all_cells_up_to_1024_units_in_one_launch() {
        for kind in [CellKind::SimpleRnn, CellKind::Lstm, CellKind::Gru] {
            for hidden in [1, 15, 80, 100, 256, 257, 1024] {
                for software in [false, true] {
                    let plan = Plan::whole(kind, Sizes { batch: 64, time: 60, input: 80, hidden }, Limits { software, ..WEBGPU });
                    let plan = plan.expect("a plan");
                    assert!(plan.rows * hidden * kind.gates().max(2) * NUMBER <= WEBGPU.shared);
                    assert!(plan.units * plan.per_unit >= hidden && plan.units <= 256);
                }
            }
        }
    }

    #[test]
    fn what_does_not_fit_has_no_plan() {
        let sizes = Sizes { batch: 64, time: 60, input: 80, hidden: 100 };
        let plan = |sizes, limits| Plan::whole(CellKind::Lstm, sizes, limits);
        assert!(plan(sizes, WEBGPU).is_some());
        assert_eq!(plan(Sizes { hidden: 1025, ..sizes }, WEBGPU), None);
        assert_eq!(plan(Sizes { hidden: 1025, ..sizes }, Limits { shared: 64 << 10, ..WEBGPU }), None);
        assert_eq!(plan(sizes, Limits { bindings: 6, ..WEBGPU }), None);
        assert_eq!(plan(Sizes { time: 6000, ..sizes }, WEBGPU), None);
        assert_eq!(plan(sizes, Limits { groups: 3, ..WEBGPU }), None);
    }
}
