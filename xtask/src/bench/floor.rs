//! The least time an epoch could take: its matrix products at the machine's best rate.

use std::process::Command;

use super::{
    child,
    program::{Cell, Setup},
    turns::Turns,
};
use crate::shell::Result;

const WINDOW: usize = 60;
const TEST_ROWS: usize = 300;
/// Input features and hidden units of the stock model's layers.
const LAYERS: [(usize, usize); 2] = [(1, 80), (80, 100)];

/// The machine's best rate of a large f32 matrix product.
#[derive(Debug, Clone, Copy)]
pub(super) struct Floor {
    pub(super) gflops: f64,
}

/// Floating-point operations of an epoch's matrix products.
#[derive(Debug, Clone, Copy)]
pub(super) struct Operations {
    pub(super) training: f64,
    pub(super) validation: f64,
}

impl Floor {
    pub(super) fn best(one: Self, other: Self) -> Self {
        Self { gflops: one.gflops.max(other.gflops) }
    }

    /// Least seconds of an epoch.
    pub(super) fn seconds(&self, operations: &Operations) -> f64 {
        (operations.training + operations.validation) / (1e9 * self.gflops)
    }
}

impl Operations {
    /// Of one epoch on a price file of so many rows, split as the course does.
    ///
    /// A step of a layer with `G` gates multiplies `[I] x [I, G*H]` and `[H] x [H, G*H]`; backward computes the gradients of both factors of
    /// both products, but not that of the first layer's input. Elementwise work is not counted.
    pub(super) fn of_epoch(cell: Cell, rows: usize) -> Self {
        let gates = match cell {
            Cell::Rnn => 1,
            Cell::Gru => 3,
            Cell::Lstm => 4,
        };
        let forward: usize = LAYERS.iter().map(|(input, units)| 2 * gates * units * (input + units)).sum();
        let (first_input, first_units) = LAYERS[0];
        let backward = 2 * forward - 2 * gates * first_units * first_input;
        let steps = |windows: usize| (windows * WINDOW) as f64;
        let training = steps(rows.saturating_sub(TEST_ROWS + WINDOW)) * (forward + backward) as f64;
        Self { training, validation: steps(TEST_ROWS - WINDOW) * forward as f64 }
    }
}

/// Measures the rate with the backend's own threads and, against their overhead, with a thread of ours a core and none of its own.
pub(super) fn measure(setup: &Setup, bursts: usize) -> Result<Floor> {
    // A GPU has threads of its own.
    let (backend, ways) = if setup.on_gpu() { ("wgpu", vec![None]) } else { ("flex", vec![None, Some(("RAYON_NUM_THREADS", "1"))]) };
    let names = ["own threads", "one thread a product"].map(str::to_owned);
    let mut turns = Turns::new("matrix product", names[..ways.len()].to_vec());
    let mut gflops = 0.0_f64;
    for way in ways {
        let mut command = Command::new(setup.program("layers"));
        command.args(["gemm", "--backend", backend, "--repeats", &bursts.to_string()]).envs(way);
        for line in turns.take(|| child::run(command))?.lines() {
            gflops = gflops.max(line["gflops"].as_f64().unwrap_or_default());
        }
    }
    if gflops > 0.0 { Ok(Floor { gflops }) } else { Err("`layers gemm` reported no rate".to_owned()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_epoch_of_the_course_has_the_known_operations() {
        let rounded = |cell| (Operations::of_epoch(cell, 2426).training / 1e9).round();
        assert_eq!([Cell::Rnn, Cell::Lstm, Cell::Gru].map(rounded), [18.0, 73.0, 55.0]);
        let validation = Operations::of_epoch(Cell::Lstm, 2426).validation / 1e9;
        assert!((validation - 2.82).abs() < 0.01, "{validation}");
    }
}
