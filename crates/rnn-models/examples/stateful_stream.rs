//! Reads a stream in batches with a layer that keeps its state. The hidden states equal those of
//! one pass over the whole sequence.
//!
//! `cargo run -p rnn-models --example stateful_stream`

#![expect(clippy::print_stdout, reason = "an example shows its results")]

use burn::tensor::{Device, Distribution, Tensor};
use rnn_models::{GruConfig, Stateful};

const STEPS: usize = 60;
const FEATURES: usize = 3;

/// Reads a stream of [`STEPS`] steps in batches of `steps_per_batch`. Returns the largest
/// difference from one pass over the whole sequence.
pub(crate) fn largest_difference(steps_per_batch: usize) -> f32 {
    let device = Device::flex();
    let layer = GruConfig::new(FEATURES, 8).init(&device);
    let stream = Tensor::<3>::random([1, STEPS, FEATURES], Distribution::Normal(0.0, 1.0), &device);
    let whole = layer.forward(stream.clone(), None).sequence;

    let mut stateful = Stateful::new(layer);
    let batches = stream.split(steps_per_batch, 1);
    let read = batches.into_iter().map(|batch| stateful.forward(batch).0).collect();
    (Tensor::cat(read, 1) - whole).abs().max().into_scalar::<f32>()
}

#[allow(dead_code, reason = "the test calls `largest_difference`")]
fn main() {
    for steps_per_batch in [1, 7, 20] {
        let difference = largest_difference(steps_per_batch);
        println!(
            "{steps_per_batch:2} steps per batch: differs from the whole sequence by at most \
             {difference:.1e}"
        );
    }
}
