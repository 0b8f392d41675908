//! Converts an LSTM of `burn::nn` to ours with one line, and times both.
//!
//! `cargo run --release -p rnn-models --example from_burn_nn`

#![expect(clippy::print_stdout, reason = "an example shows its results")]

use std::time::{Duration, Instant};

use burn::{
    nn,
    tensor::{Device, Distribution, Tensor},
};
use rnn_models::{ConversionError, Lstm};

/// Time of both layers for a batch, and the largest difference of their outputs.
pub(crate) struct Comparison {
    pub(crate) burn_nn: Duration,
    pub(crate) ours: Duration,
    pub(crate) largest_difference: f32,
}

/// Returns the fastest time of five calls, and the output.
fn time(forward: impl Fn() -> Tensor<3>) -> (Duration, Tensor<3>) {
    let mut fastest = Duration::MAX;
    let mut output = forward();
    for _ in 0..5 {
        let started = Instant::now();
        output = forward();
        fastest = fastest.min(started.elapsed());
    }
    (fastest, output)
}

/// Runs a layer of `burn::nn` and its conversion over a batch `[32, 60, 16]`.
pub(crate) fn compare() -> Result<Comparison, ConversionError> {
    let device = Device::flex();
    let layer = nn::LstmConfig::new(16, 64, true).init(&device);
    let faster = Lstm::try_from(layer.clone())?; // the one line

    let input = Tensor::<3>::random([32, 60, 16], Distribution::Normal(0.0, 1.0), &device);
    let (burn_nn, expected) = time(|| layer.forward(input.clone(), None).0);
    let (ours, got) = time(|| faster.forward(input.clone(), None).sequence);
    let largest_difference = (got - expected).abs().max().into_scalar::<f32>();
    Ok(Comparison { burn_nn, ours, largest_difference })
}

#[allow(dead_code, reason = "the test calls `compare`")]
fn main() -> Result<(), ConversionError> {
    let Comparison { burn_nn, ours, largest_difference } = compare()?;
    let ratio = burn_nn.as_secs_f64() / ours.as_secs_f64();
    println!("burn::nn::Lstm {burn_nn:.2?}, ours {ours:.2?}: {ratio:.1} times as fast");
    println!("outputs differ by at most {largest_difference:.1e}");
    Ok(())
}
