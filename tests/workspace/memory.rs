//! Tests of the memory of operators and layers, measured by a counting allocator.
//!
//! This is a separate test program, because its allocator would count other tests too. Its own
//! tests take turns.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod counting;

use std::sync::{Mutex, PoisonError};

use burn::tensor::{Device, DeviceType, Tensor};
use counting::{Counting, peak};
use rnn_kernels::{GruWeights, LstmWeights, SimpleRnnWeights, gru, lstm, simple_rnn};
use rnn_models::LstmConfig;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Held by the test that runs.
static TURN: Mutex<()> = Mutex::new(());

const BATCH: usize = 32;
const INPUT: usize = 8;
const UNITS: usize = 64;

/// Peak memory of [`layer`] on one thread: with two threads, the overlap of their buffers is
/// random.
fn run(cell: &str, time: usize, device: &Device, learns: bool) -> f64 {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    pool.install(|| layer(cell, time, device, learns))
}

/// Peak memory of a cell over `time` steps, with the backward pass if `learns`.
fn layer(cell: &str, time: usize, device: &Device, learns: bool) -> f64 {
    let gates = match cell {
        "simple_rnn" => 1,
        "lstm" => 4,
        _ => 3,
    };
    let weights = |shape| {
        let tensor = Tensor::<2>::ones(shape, device) * 0.01;
        if learns { tensor.require_grad() } else { tensor }
    };
    let (input, kernel, recurrent_kernel) = (
        Tensor::<3>::ones([BATCH, time, INPUT], device),
        weights([INPUT, gates * UNITS]),
        weights([UNITS, gates * UNITS]),
    );
    peak(|| {
        let sequence = match cell {
            "simple_rnn" => {
                simple_rnn(
                    input,
                    SimpleRnnWeights { kernel, recurrent_kernel, bias: None },
                    None,
                    None,
                )
                .sequence
            }
            "lstm" => {
                lstm(input, LstmWeights { kernel, recurrent_kernel, bias: None }, None, None)
                    .sequence
            }
            _ => {
                gru(
                    input,
                    GruWeights { kernel, recurrent_kernel, bias: None, recurrent_bias: None },
                    None,
                    None,
                )
                .sequence
            }
        };
        if learns {
            drop(sequence.sum().backward());
        }
    }) as f64
}

#[test]
fn inference_holds_only_its_output_and_training_grows_linearly_with_time() {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    // Hidden states of one step.
    let step = (BATCH * UNITS * size_of::<f32>()) as f64;
    for backend in [DeviceType::Flex, DeviceType::NdArray] {
        let device = Device::enumerate(backend.clone()).into_iter().next().unwrap();
        for (cell, sums) in [("simple_rnn", 1.0), ("lstm", 4.0), ("gru", 4.0)] {
            let grows = |device: &Device, learns: bool| {
                // From the second call on, threads and caches exist.
                run(cell, 10, device, learns);
                let [short, middle, long] =
                    [200, 400, 800].map(|time| run(cell, time, device, learns));
                let slopes = [(middle - short) / 200.0 / step, (long - middle) / 400.0 / step];
                assert!(
                    (slopes[1] / slopes[0] - 1.0).abs() < 0.05,
                    "{cell} on {backend:?}: bytes a step grow with time: {slopes:?}"
                );
                slopes[1]
            };
            let inference = grows(&device, false);
            assert!(
                inference < 1.1,
                "{cell} on {backend:?}: inference holds {inference:.2} times its output"
            );
            // Saved values, the output and its gradient, and copies of the input.
            let training = grows(&device.clone().autodiff(), true);
            assert!(
                training < sums + 5.0,
                "{cell} on {backend:?}: training holds {training:.2} states a step"
            );
        }
    }
}

#[test]
fn drawing_a_wide_layer_takes_a_few_times_its_weights() {
    const WIDE: usize = 512;
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let weights = (WIDE * 4 * WIDE * size_of::<f32>()) as f64;
    let drawn = peak(|| drop(LstmConfig::new(1, WIDE).init(&Device::flex()))) as f64 / weights;
    // The random numbers, the same in f64, and the result. A square matrix of 4 * WIDE alone would
    // be 4 times the weights.
    assert!(drawn < 6.0, "{drawn:.1} times the weights");
}
