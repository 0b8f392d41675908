//! Chooses the method of a call from the limits that the device reports.

use burn_cubecl::CubeDevice;
use cubecl::{ir::PciVendor, prelude::*};

use crate::{cell::Cell, limits::GpuLimits, sizes::Sizes};

/// Numbers per vector.
pub(super) type Four = Const<4>;

/// Bytes per number in workgroup memory.
const NUMBER: usize = size_of::<f32>();
/// Tensors (bindings) that a kernel needs.
const BINDINGS: usize = GpuLimits::WEBGPU.bindings;
/// Fewest invocations per workgroup of a supported device. Every WebGPU device has them.
const FEWEST_INVOCATIONS: usize = GpuLimits::WEBGPU.invocations;
/// Largest number of invocations per workgroup, even if a device allows more: with more, each has
/// too few registers.
const MOST_INVOCATIONS: usize = 512;
/// Workgroups that keep a large device busy (an H200 has 132 multiprocessors). Only beyond it does
/// a workgroup that keeps its weights take more rows.
const MANY_GROUPS: usize = 132;
/// The same, if weights are read in every step: each row more uses them once more. Not measured.
const FEW_GROUPS: usize = 32;
/// Largest number of sums per invocation, over all its rows, units and gates: they are kept in
/// registers.
const MOST_SUMS: usize = 64;
/// Hidden units per invocation, if a unit has a single product: each number is read for all four.
const UNITS: usize = 4;
/// Possible numbers of parts of a vector, each multiplied by other invocations.
const PARTS: [usize; 6] = [32, 16, 8, 4, 2, 1];
/// Largest recurrent kernel, in numbers, that workgroups read again in every step: that of an LSTM
/// with 256 hidden units. One launch a step reads a larger one fewer times.
const MOST_WEIGHTS: usize = 4 * 256 * 256;
/// Rows of the batch per workgroup on a driver that emulates a GPU.
const SOFTWARE_ROWS: [usize; 2] = [4, 8];
/// Most hidden units per invocation on such a driver. With more, a kernel takes long to compile.
const SOFTWARE_UNITS: usize = 8;
/// Invocations that such a driver runs side by side.
const PLANE: usize = 8;
/// Number of workgroups from which a driver that emulates a GPU takes the larger number of rows.
const SOFTWARE_GROUPS: usize = 16;

/// Method by which a call runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Method {
    /// All steps in one launch. Weights are kept in registers, or read in every step.
    Sequence(Plan),
    /// One launch per step.
    Steps,
}

/// Compile-time parameters of the kernels that run all steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Plan {
    pub(crate) kind: Cell,
    /// Rows of the batch per workgroup.
    pub(crate) rows: usize,
    pub(crate) forward: Split,
    pub(crate) backward: Split,
}

/// How a workgroup multiplies vectors by the recurrent matrix. Each invocation multiplies one part
/// of the vectors, for some of the hidden units.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Split {
    /// Hidden units, `H`.
    pub(crate) hidden: usize,
    /// Products per hidden unit: `G` in the forward pass, 1 in the backward pass.
    pub(crate) gates: usize,
    /// Numbers of a vector: `H` in the forward pass, `G*H` in the backward pass.
    pub(crate) length: usize,
    /// Whether the matrix is transposed, as in the backward pass.
    pub(crate) transposed: bool,
    /// Whether weights are kept in registers.
    pub(crate) keeps: bool,
    /// Hidden units per invocation.
    pub(crate) units: usize,
    /// Parts of a vector.
    pub(crate) parts: usize,
}

/// Queries the limits of a device.
pub(crate) fn limits(device: &CubeDevice) -> GpuLimits {
    let client = device.client();
    let properties = client.properties();
    let hardware = &properties.hardware;
    let physical = properties.identity.physical.as_ref();
    GpuLimits {
        invocations: hardware.max_units_per_cube.min(hardware.max_cube_dim.0) as usize,
        shared_memory: hardware.max_shared_memory_size,
        bindings: hardware.max_bindings as usize,
        buffer: usize::try_from(properties.memory.max_page_size).unwrap_or(usize::MAX),
        workgroups: hardware.max_cube_count.0 as usize,
        kept_weights: kept_weights(physical.and_then(|device| device.vendor)),
        software: physical.is_none(),
    }
}

/// Weights per invocation that stay in registers, with [`MOST_INVOCATIONS`] in a workgroup.
///
/// NVIDIA and AMD have at least 128 registers for each. Beside 90 weights no register is spilled.
/// Compiled for `sm_90` with ptxas, an LSTM of 80 units takes 122 registers; with 100 weights it
/// spills. Others have fewer registers, or do not report their vendor.
fn kept_weights(vendor: Option<PciVendor>) -> usize {
    match vendor {
        Some(PciVendor::Nvidia | PciVendor::Amd) => 90,
        _ => 0,
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
        let hidden = hidden.checked_next_multiple_of(4)?;
        let rows = time.checked_add(1)?.checked_mul(batch)?.max(hidden).max(input);
        let numbers = rows.checked_mul(kind.sums())?.checked_mul(hidden.max(input))?;
        let holds = limits.bindings >= BINDINGS
            && limits.invocations >= FEWEST_INVOCATIONS
            && u32::try_from(numbers).is_ok();
        holds.then(|| Plan::of(kind, sizes, limits).map_or(Self::Steps, Self::Sequence))
    }
}

impl Plan {
    fn of(kind: Cell, sizes: Sizes, limits: GpuLimits) -> Option<Self> {
        let streams = kind.gates() * sizes.hidden * sizes.hidden <= MOST_WEIGHTS;
        Self::kept(kind, sizes, limits)
            .or_else(|| Self::streamed(kind, sizes, limits).filter(|_| streams))
    }

    /// Weights in registers.
    fn kept(kind: Cell, sizes: Sizes, limits: GpuLimits) -> Option<Self> {
        if limits.kept_weights == 0 {
            return None;
        }
        let [forward, backward] = [Split::forward, Split::backward].map(|split| {
            let split = Split { keeps: true, ..split(kind, sizes.hidden) };
            split.in_parts(limits, |split| split.kept() <= limits.kept_weights)
        });
        Self::with_rows(kind, sizes.batch, [forward?, backward?], MANY_GROUPS, limits)
    }

    /// Weights read in every step.
    fn streamed(kind: Cell, sizes: Sizes, limits: GpuLimits) -> Option<Self> {
        let Sizes { batch, hidden, .. } = sizes;
        let splits = [Split::forward, Split::backward].map(|split| split(kind, hidden));
        if limits.software {
            return Self::emulated(kind, batch, splits, limits);
        }
        let [forward, backward] = splits.map(|split| {
            let wider = [1, 2, 4].map(|times| Split { units: split.units * times, ..split });
            wider.into_iter().find_map(|split| split.in_parts(limits, |_| true))
        });
        Self::with_rows(kind, batch, [forward?, backward?], FEW_GROUPS, limits)
    }

    /// As few rows per workgroup as give work to a whole device.
    fn with_rows(
        kind: Cell,
        batch: usize,
        [forward, backward]: [Split; 2],
        groups: usize,
        limits: GpuLimits,
    ) -> Option<Self> {
        let all = [1, 2, 4];
        let rows = all.into_iter().find(|rows| batch.div_ceil(*rows) <= groups).unwrap_or(4);
        let fewer = all.into_iter().rev().filter(|fewer| *fewer <= rows);
        let mut plans = fewer.map(|rows| Self { kind, rows, forward, backward });
        plans.find(|plan| plan.fits(batch, limits))
    }

    /// A driver that emulates a GPU reads number by number. Its invocations take the largest number
    /// of units and rows, and reuse the values they read.
    fn emulated(kind: Cell, batch: usize, splits: [Split; 2], limits: GpuLimits) -> Option<Self> {
        let [few, many] = SOFTWARE_ROWS;
        let rows = if batch.div_ceil(many) >= SOFTWARE_GROUPS { many } else { few };
        let plan = |rows: usize| {
            let units = (MOST_SUMS / (rows * kind.gates())).clamp(1, SOFTWARE_UNITS);
            let [forward, backward] = splits.map(|split| {
                let lanes = split.hidden.div_ceil(units).next_multiple_of(PLANE);
                Split { units: split.hidden.div_ceil(lanes), parts: 1, ..split }
            });
            Self { kind, rows, forward, backward }
        };
        let mut plans = [rows, few, 2, 1].map(plan).into_iter();
        plans.find(|plan| plan.fits(batch, limits))
    }

    fn fits(&self, batch: usize, limits: GpuLimits) -> bool {
        let most = limits.invocations.min(MOST_INVOCATIONS);
        [self.forward, self.backward].into_iter().all(|split| {
            let shared = self.rows * split.parts * split.depth() + self.partial(split);
            shared * NUMBER <= limits.shared_memory
                && split.invocations() <= most
                && self.rows * split.outputs() <= MOST_SUMS
        }) && batch.div_ceil(self.rows) <= limits.workgroups
    }

    /// Hidden units, `H`.
    pub(crate) fn hidden(&self) -> usize {
        self.forward.hidden
    }

    /// Whether weights are kept in registers for all steps.
    pub(crate) fn keeps(&self) -> bool {
        self.forward.keeps
    }

    /// Cells that an invocation finishes: one hidden unit of one row each.
    pub(crate) fn finished(&self, split: Split) -> usize {
        (self.rows * split.hidden).div_ceil(split.invocations())
    }

    /// Products that invocations exchange, in numbers.
    pub(crate) fn partial(&self, split: Split) -> usize {
        split.parts * self.rows * split.gates * split.columns()
    }

    pub(crate) fn workgroups(&self, batch: usize) -> CubeCount {
        CubeCount::Static(batch.div_ceil(self.rows) as u32, 1, 1)
    }
}

impl Split {
    /// The forward pass multiplies states by `[H, G*H]`.
    fn forward(kind: Cell, hidden: usize) -> Self {
        let gates = kind.gates();
        // A state read serves all gates of a unit.
        let units = if gates == 1 { UNITS } else { 1 };
        let (transposed, keeps) = (false, false);
        Self { hidden, gates, length: hidden, transposed, keeps, units, parts: 1 }
    }

    /// The backward pass multiplies gradients of gates by the transposed matrix, `[G*H, H]`.
    fn backward(kind: Cell, hidden: usize) -> Self {
        let (transposed, keeps) = (true, false);
        let length = kind.gates() * hidden;
        Self { hidden, gates: 1, length, transposed, keeps, units: UNITS, parts: 1 }
    }

    /// Chooses the parts: the most that the invocations of a workgroup allow, a power of two if it
    /// `holds`.
    fn in_parts(self, limits: GpuLimits, holds: impl Fn(&Self) -> bool) -> Option<Self> {
        let most = limits.invocations.min(MOST_INVOCATIONS);
        let fits = |split: &Self| split.invocations() <= most;
        let power = PARTS.into_iter().map(|parts| Self { parts, ..self }).find(fits)?;
        let other = Self { parts: most / self.lanes(), ..self };
        [power, other].into_iter().find(holds)
    }

    /// Numbers of a part of a vector. Weights that are not kept are read in fours.
    pub(crate) fn depth(&self) -> usize {
        let depth = self.length.div_ceil(self.parts);
        if self.keeps { depth } else { depth.next_multiple_of(4) }
    }

    /// Invocations per part.
    pub(crate) fn lanes(&self) -> usize {
        self.hidden.div_ceil(self.units)
    }

    /// Invocations per workgroup.
    pub(crate) fn invocations(&self) -> usize {
        self.parts * self.lanes()
    }

    /// Products per row and invocation.
    pub(crate) fn outputs(&self) -> usize {
        self.units * self.gates
    }

    /// Hidden units of all invocations; some may be surplus.
    pub(crate) fn columns(&self) -> usize {
        self.units * self.lanes()
    }

    /// Weights that an invocation keeps.
    pub(crate) fn kept(&self) -> usize {
        if self.keeps { self.outputs() * self.depth() } else { 0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KINDS: [Cell; 3] = [Cell::SimpleRnn, Cell::Lstm, Cell::Gru];
    /// The limits of every WebGPU device; one binding holds the sizes of the tensors.
    const WEBGPU: GpuLimits = GpuLimits::WEBGPU;
    /// An NVIDIA H200 through Vulkan, as far as plans depend on it.
    const H200: GpuLimits =
        GpuLimits { invocations: 1024, shared_memory: 48 << 10, kept_weights: 90, ..WEBGPU };

    const fn stock(hidden: usize) -> Sizes {
        Sizes { batch: 64, time: 60, input: 80, hidden }
    }

    fn plan(kind: Cell, sizes: Sizes, limits: GpuLimits) -> Plan {
        match Method::of(kind, sizes, limits) {
            Some(Method::Sequence(plan)) => plan,
            other => panic!("{kind:?}, {sizes:?}: {other:?}"),
        }
    }

    #[test]
    fn webgpu_runs_all_cells_up_to_256_units_in_one_launch() {
        for kind in KINDS {
            for hidden in [1, 2, 15, 80, 100, 256] {
                for software in [false, true] {
                    let limits = GpuLimits { software, ..WEBGPU };
                    let plan = plan(kind, stock(hidden), limits);
                    assert!(!plan.keeps(), "{kind:?}, {hidden} units: {plan:?}");
                    assert!(plan.fits(64, limits), "{kind:?}, {hidden} units: {plan:?}");
                    for split in [plan.forward, plan.backward] {
                        assert!(split.columns() >= hidden && split.invocations() <= 256);
                        assert!(split.parts * split.depth() >= split.length, "{split:?}");
                        assert!(split.depth().is_multiple_of(4), "{split:?}");
                    }
                }
            }
        }
    }

    #[test]
    fn weights_are_kept_up_to_what_registers_hold() {
        let most = |kind| {
            let keeps = |hidden: &usize| plan(kind, stock(*hidden), H200).keeps();
            (1..=256).take_while(keeps).last().unwrap_or(0)
        };
        assert_eq!(KINDS.map(most), [204, 102, 120]);
        for kind in KINDS {
            for hidden in 1..=most(kind) {
                let plan = plan(kind, stock(hidden), H200);
                for split in [plan.forward, plan.backward] {
                    assert!(split.kept() <= 90 && split.invocations() <= 512, "{split:?}");
                    assert!(split.parts * split.depth() >= split.length, "{split:?}");
                }
            }
            let few = GpuLimits { kept_weights: 0, ..H200 };
            assert!(!plan(kind, stock(80), few).keeps(), "{kind:?}");
        }
    }

    #[test]
    fn larger_layers_run_step_by_step() {
        for kind in KINDS {
            for limits in [WEBGPU, H200, GpuLimits { shared_memory: 256 << 10, ..H200 }] {
                assert_eq!(Method::of(kind, stock(1024), limits), Some(Method::Steps), "{kind:?}");
            }
        }
    }

    #[test]
    fn a_workgroup_takes_more_rows_once_the_device_is_busy() {
        let rows = |limits: GpuLimits| {
            move |batch| plan(Cell::Lstm, Sizes { batch, ..stock(100) }, limits).rows
        };
        assert_eq!([1, 64, 132, 133, 265, 512, 9000].map(rows(H200)), [1, 1, 1, 2, 4, 4, 4]);
        assert_eq!([1, 32, 33, 64, 65, 9000].map(rows(WEBGPU)), [1, 1, 2, 2, 2, 2]);
        let software = GpuLimits { software: true, ..WEBGPU };
        assert_eq!([1, 64, 65, 120, 121, 512].map(rows(software)), [4, 4, 4, 4, 8, 8]);
    }

    #[test]
    fn a_call_beyond_the_limits_of_a_device_has_no_method() {
        let sizes = stock(100);
        let method = |sizes, limits| Method::of(Cell::Lstm, sizes, limits);
        assert!(matches!(method(sizes, WEBGPU), Some(Method::Sequence(_))));
        assert_eq!(method(sizes, GpuLimits { bindings: 6, ..WEBGPU }), None);
        assert_eq!(method(sizes, GpuLimits { invocations: 128, ..WEBGPU }), None);
        assert_eq!(method(Sizes { time: 200_000, ..sizes }, WEBGPU), None);
        assert_eq!(method(sizes, GpuLimits { workgroups: 3, ..WEBGPU }), Some(Method::Steps));
    }
}
