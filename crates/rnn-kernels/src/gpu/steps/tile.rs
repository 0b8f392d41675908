//! Tiles of a step, one workgroup each.

use cubecl::prelude::*;

use crate::{cell::Cell, limits::GpuLimits, sizes::Sizes};

/// Invocations side by side: neighbours read neighbouring weights.
pub(super) const LANES: usize = 32;
/// Vectors of weights that are requested at once, to hide the latency of memory.
pub(super) const AHEAD: usize = 2;
/// Rows of the batch per workgroup. With the larger number, weights are read fewer times.
const ROWS: [usize; 2] = [8, 16];
/// Workgroups that keep a large device busy. Only beyond it does a workgroup take more rows.
const MANY_GROUPS: usize = 128;
/// Possible numbers of parts of a product, each added up by other invocations.
const PARTS: [usize; 4] = [16, 8, 4, 2];
/// Largest number of invocations per workgroup, even if a device allows more.
const MOST_INVOCATIONS: usize = 512;

/// How a step is divided among workgroups and their invocations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Tile {
    pub(super) kind: Cell,
    pub(super) hidden: usize,
    /// Rows of the batch per workgroup.
    pub(super) rows: usize,
    /// Parts of a product.
    pub(super) parts: usize,
}

impl Tile {
    /// Chooses as many parts as fit, with `outputs` sums per row and lane.
    pub(super) fn of(kind: Cell, sizes: Sizes, outputs: usize, limits: GpuLimits) -> Self {
        let Sizes { batch, hidden, .. } = sizes;
        let tile = |rows: usize, parts: usize| Self { kind, hidden, rows, parts };
        let [few, many] = ROWS;
        let groups = batch.div_ceil(many) * hidden.div_ceil(LANES);
        let rows = if groups >= MANY_GROUPS { many } else { few };
        let fits = |tile: &Self| {
            let invocations = tile.parts * LANES;
            let shared = tile.parts * tile.rows * outputs * LANES * size_of::<f32>();
            // Each invocation finishes four units of a row, or nothing.
            invocations <= limits.invocations.min(MOST_INVOCATIONS)
                && tile.rows * LANES / 4 <= invocations
                && shared <= limits.shared_memory
        };
        let mut tiles =
            [rows, few].into_iter().flat_map(|rows| PARTS.map(|parts| tile(rows, parts)));
        // Every WebGPU device runs the last one.
        tiles.find(fits).unwrap_or(tile(few, PARTS[3]))
    }

    /// Groups of rows beyond the number of workgroups in one dimension are in the third one.
    pub(super) fn launched(self, batch: usize) -> (CubeCount, CubeDim) {
        let groups = batch.div_ceil(self.rows);
        let layers = groups.div_ceil(GpuLimits::WEBGPU.workgroups);
        let count = [self.hidden.div_ceil(LANES), groups.div_ceil(layers), layers];
        let [x, y, z] = count.map(|count| count as u32);
        (CubeCount::Static(x, y, z), CubeDim::new_1d((LANES * self.parts) as u32))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tiles_fit_the_limits_of_their_device() {
        let large = GpuLimits { invocations: 1024, shared_memory: 48 << 10, ..GpuLimits::WEBGPU };
        for limits in [GpuLimits::WEBGPU, large] {
            for kind in Cell::ALL {
                for batch in [1, 64, 512, 600_000] {
                    let sizes = Sizes { batch, time: 3, input: 4, hidden: 1024 };
                    for outputs in [1, kind.gates()] {
                        let tile = Tile::of(kind, sizes, outputs, limits);
                        let shared = tile.parts * tile.rows * outputs * LANES * size_of::<f32>();
                        assert!(shared <= limits.shared_memory, "{tile:?}");
                        assert!(tile.parts * LANES <= limits.invocations, "{tile:?}");
                        let (CubeCount::Static(x, y, z), _) = tile.launched(batch) else {
                            panic!("{tile:?}: not a static number of workgroups")
                        };
                        let most = limits.workgroups as u32;
                        assert!(x <= most && y <= most && z <= most, "{tile:?}: {x} {y} {z}");
                        assert!(y as usize * z as usize * tile.rows >= batch, "{tile:?}");
                    }
                }
            }
        }
    }
}
