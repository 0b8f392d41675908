//! Our layers, measured: inference, growth of a step's cost, and what the machine's matrix product gives.

use std::{error::Error, hint::black_box, sync::Barrier, thread, time::Instant};

use burn::tensor::{Device, Distribution, Tensor};
use clap::{Args, Parser, Subcommand};
use rnn_models::{Cell, RecurrentConfig, SeriesModelConfig};
use serde_json::json;
use workspace_benches::{BATCH, Backend, Timing, UNITS, WINDOW, cell, report, time};

/// Rows, columns and depth of the product that sets the floor.
const GEMM_SIZE: usize = 1024;
/// Products one thread does between two looks at the clock: few, so that some burst meets the machine undisturbed.
const GEMM_BURST: usize = 4;

#[derive(Parser)]
#[command(about = "Measures our layers; prints JSON lines")]
struct Cli {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Best GFLOP/s of a large f32 matrix product, from one calling thread and from one a core
    Gemm {
        /// Backend
        #[arg(long, value_enum, default_value = "flex")]
        backend: Backend,
        /// Least number of timed bursts
        #[arg(long, default_value_t = 40)]
        repeats: usize,
    },
    /// Prediction of windows by the stock model, without gradients
    Inference {
        #[command(flatten)]
        layer: Layer,
        /// Windows predicted at once
        #[arg(long)]
        windows: usize,
    },
    /// Forward and backward of one layer over steps T, units H and batch B, each around the stock shape
    Growth {
        #[command(flatten)]
        layer: Layer,
        /// Only the ends of each range
        #[arg(long)]
        quick: bool,
        /// Ranges of a GPU: larger batches and longer sequences
        #[arg(long)]
        large: bool,
    },
}

#[derive(Args)]
struct Layer {
    /// Recurrent cell
    #[arg(long, value_parser = cell)]
    cell: Cell,
    /// Backend
    #[arg(long, value_enum, default_value = "ndarray")]
    backend: Backend,
    /// Least number of timed calls
    #[arg(long, default_value_t = 10)]
    repeats: usize,
}

/// Sizes of one layer's step.
#[derive(Debug, Clone, Copy)]
struct Shape {
    batch: usize,
    steps: usize,
    input: usize,
    units: usize,
}

const STOCK: Shape = Shape { batch: BATCH, steps: WINDOW, input: UNITS[0], units: UNITS[1] };
const STEPS: [usize; 5] = [60, 120, 240, 480, 960];
const HIDDEN: [usize; 6] = [16, 32, 64, 128, 256, 512];
const BATCHES: [usize; 6] = [1, 4, 16, 64, 256, 512];
const LARGE_STEPS: [usize; 3] = [60, 240, 1000];
const LARGE_HIDDEN: [usize; 4] = [80, 128, 256, 1024];
const LARGE_BATCHES: [usize; 3] = [64, 256, 512];

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() -> Result<()> {
    match Cli::parse().task {
        Task::Gemm { backend, repeats } => gemm(backend, repeats),
        Task::Inference { layer, windows } => inference(&layer, windows),
        Task::Growth { layer, quick, large } => growth(&layer, quick, large),
    }
}

fn inference(layer: &Layer, windows: usize) -> Result<()> {
    let device = layer.backend.device();
    let model = SeriesModelConfig::new(layer.cell).init(&device);
    let batch = Tensor::random([windows, WINDOW, 1], Distribution::Uniform(0.0, 1.0), &device);
    // Some backends hand out data before they are there; a number that is read is.
    let timing = time(layer.repeats, || {
        black_box(model.forward(batch.clone()).into_data().iter::<f32>().sum::<f32>());
    });
    report(&json!({
        "mode": layer.backend.name(),
        "windows": windows,
        "milliseconds": 1e3 * timing.median,
        "fastest": 1e3 * timing.fastest,
        "slowest": 1e3 * timing.slowest,
        "repeats": timing.repeats,
    }))?;
    Ok(())
}

fn growth(layer: &Layer, quick: bool, large: bool) -> Result<()> {
    let steps: &[usize] = if large { &LARGE_STEPS } else { &STEPS };
    let units: &[usize] = if large { &LARGE_HIDDEN } else { &HIDDEN };
    let batches: &[usize] = if large { &LARGE_BATCHES } else { &BATCHES };
    let steps: Vec<_> = steps.iter().map(|&steps| ("T", steps, Shape { steps, ..STOCK })).collect();
    let units: Vec<_> = units.iter().map(|&units| ("H", units, Shape { units, ..STOCK })).collect();
    let batches: Vec<_> = batches.iter().map(|&batch| ("B", batch, Shape { batch, ..STOCK })).collect();
    for points in [&steps[..], &units[..], &batches[..]] {
        let last = points.len() - 1;
        for (_, &(axis, value, shape)) in points.iter().enumerate().filter(|(index, _)| !quick || [0, last].contains(index)) {
            let timing = step(layer, shape)?;
            // What every product of the layer has in common; constant where cost grows with the work alone.
            let work = shape.batch * shape.steps * shape.units * (shape.input + shape.units);
            report(&json!({
                "axis": axis,
                "value": value,
                "milliseconds": 1e3 * timing.median,
                "fastest": 1e3 * timing.fastest,
                "slowest": 1e3 * timing.slowest,
                "repeats": timing.repeats,
                "nanoseconds_per_unit_of_work": 1e9 * timing.median / work as f64,
            }))?;
        }
    }
    Ok(())
}

/// Forward and backward, with the gradient of the input, as in a layer above another.
fn step(layer: &Layer, shape: Shape) -> Result<Timing> {
    let device = layer.backend.device().autodiff();
    let module = RecurrentConfig::new(layer.cell, shape.input, shape.units).init(&device);
    let sizes = [shape.batch, shape.steps, shape.input];
    let input = Tensor::random(sizes, Distribution::Uniform(-1.0, 1.0), &device);
    let mut problem = None;
    let timing = time(layer.repeats, || {
        let gradients = module.forward(input.clone().require_grad()).sequence.sum().backward();
        // A GPU is still at work.
        problem = device.sync().err().or(problem.take());
        drop(gradients);
    });
    match problem {
        Some(problem) => Err(format!("{}, {shape:?}: {problem}", layer.backend.name()).into()),
        None => Ok(timing),
    }
}

/// Whichever way is the fastest depends on the backend's own threading; `cargo xtask bench` runs this with it and without it.
fn gemm(backend: Backend, repeats: usize) -> Result<()> {
    let device = backend.device();
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let mut callers = vec![1, cores];
    callers.dedup();
    for callers in callers {
        let seconds = (0..=repeats).map(|_| burst(callers, &device)).fold(f64::INFINITY, f64::min);
        let operations = 2.0 * (GEMM_SIZE as f64).powi(3) * (GEMM_BURST * callers) as f64;
        report(&json!({ "callers": callers, "gflops": operations / seconds / 1e9 }))?;
    }
    Ok(())
}

/// Seconds that `callers` threads take for a burst of products each, from the first one's start to the last one's end.
fn burst(callers: usize, device: &Device) -> f64 {
    let ready = Barrier::new(callers);
    let work = || {
        let random = || Tensor::<2>::random([GEMM_SIZE; 2], Distribution::Uniform(-1.0, 1.0), device);
        let (left, right) = (random(), random());
        drop(left.clone().matmul(right.clone()));
        let _ = device.sync();
        ready.wait();
        let started = Instant::now();
        (0..GEMM_BURST).for_each(|_| drop(left.clone().matmul(right.clone())));
        let synced = device.sync();
        synced.ok().map(|()| (started, Instant::now()))
    };
    thread::scope(|scope| {
        let threads: Vec<_> = (0..callers).map(|_| scope.spawn(work)).collect();
        let spans: Vec<_> = threads.into_iter().filter_map(|thread| thread.join().ok()?).collect();
        let (started, ended) = (spans.iter().map(|span| span.0).min(), spans.iter().map(|span| span.1).max());
        started.zip(ended).map_or(f64::INFINITY, |(started, ended)| (ended - started).as_secs_f64())
    })
}
