//! The stock job with the layers of `burn::nn`, printing the JSON lines of the scripts in `benches/peers`.

use std::{error::Error, hint::black_box, path::PathBuf, sync::Arc, time::Instant};

use burn::{
    data::dataloader::DataLoader,
    module::Module,
    nn::loss::{MseLoss, Reduction},
    optim::{AdamConfig, GradientsParams, ModuleOptimizer},
    tensor::{Device, Distribution, Tensor},
};
use clap::Parser;
use rnn_data::{
    CsvFile, EpochLoaderBuilder, ReadOptions, Scaler, SeriesConfig, Split, Subset, Transform, WindowBatch, WindowBatcher, Windows,
};
use rnn_models::Cell;
use serde_json::json;
use workspace_benches::{BATCH, Backend, NnStockModel, WINDOW, cell, report, time};

const LEARNING_RATE: f64 = 1e-3;
/// Keras's epsilon.
const ADAM_EPSILON: f32 = 1e-7;

/// The stock job with Burn's own layers: training, or inference with --inference.
#[derive(Parser)]
struct Args {
    /// Recurrent cell of both layers
    #[arg(long, value_parser = cell, default_value = "lstm")]
    cell: Cell,
    /// Backend
    #[arg(long, value_enum, default_value = "ndarray")]
    backend: Backend,
    /// Passes over the training data
    #[arg(long, default_value_t = 50)]
    epochs: usize,
    /// Seed of weights, sample order and dropout
    #[arg(long, default_value_t = 2)]
    seed: u64,
    /// Price file [default: the embedded synthetic sample]
    #[arg(long)]
    data: Option<PathBuf>,
    /// Time the prediction of so many windows at once instead of training
    #[arg(long, value_name = "WINDOWS")]
    inference: Option<usize>,
    /// Least number of timed predictions
    #[arg(long, default_value_t = 10)]
    repeats: usize,
}

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() -> Result<()> {
    let args = Args::parse();
    match args.inference {
        Some(windows) => infer(&args, windows),
        None => train(&args),
    }
}

fn infer(args: &Args, windows: usize) -> Result<()> {
    let device = args.backend.device();
    let model = NnStockModel::new(args.cell, &device);
    let batch = Tensor::random([windows, WINDOW, 1], Distribution::Uniform(0.0, 1.0), &device);
    let timing = time(args.repeats, || {
        black_box(model.forward(batch.clone()).into_data().iter::<f32>().sum::<f32>());
    });
    report(&json!({
        "mode": args.backend.name(),
        "windows": windows,
        "milliseconds": 1e3 * timing.median,
        "fastest": 1e3 * timing.fastest,
        "slowest": 1e3 * timing.slowest,
        "repeats": timing.repeats,
    }))?;
    Ok(())
}

fn train(args: &Args) -> Result<()> {
    let file = args.data.as_deref().map_or_else(|| CsvFile::sample(None), |path| CsvFile::open(path, None))?;
    let config = SeriesConfig::new("open".into()).with_window(WINDOW).with_transform(Transform::MinMax).with_split(Split::Course);
    let data = config.init(file.read(&config.columns(), &ReadOptions::default())?)?;
    let Scaler::MinMax { min, max } = data.series[0].scalers.target else { return Err("the course scales to [0, 1]".into()) };
    let device = args.backend.device();
    let learning = device.clone().autodiff();
    learning.seed(args.seed);
    let train = loader(&data.windows(Subset::Train), Some(args.seed), &learning);
    let valid = loader(&data.windows(Subset::Test), None, &device);
    let mut optimizer = AdamConfig::new().with_epsilon(ADAM_EPSILON).init();
    let mut model = NnStockModel::new(args.cell, &learning);
    let (mut lowest, mut best) = (f64::INFINITY, None);

    let started = Instant::now();
    for epoch in 1..=args.epochs {
        let epoch_started = Instant::now();
        let loss;
        (model, loss) = train_epoch(model, &mut optimizer, train.as_ref())?;
        let valid_loss = mean_loss(&model.valid(), valid.as_ref())?;
        if valid_loss < lowest {
            (lowest, best) = (valid_loss, Some(model.clone()));
        }
        let seconds = epoch_started.elapsed().as_secs_f64();
        report(&json!({ "epoch": epoch, "seconds": seconds, "loss": loss, "valid_loss": valid_loss }))?;
    }
    let fit_seconds = started.elapsed().as_secs_f64();
    let best = best.ok_or("no epoch ended with a finite loss")?;
    let rmse = mean_loss(&best.valid(), valid.as_ref())?.sqrt() * (max - min);
    report(&json!({
        "peer": format!("burn::nn on {}", args.backend.name()),
        "cell": args.cell.to_string(),
        "seed": args.seed,
        "fit_seconds": fit_seconds,
        "best_rmse": rmse,
    }))?;
    Ok(())
}

fn loader(windows: &Windows, seed: Option<u64>, device: &Device) -> Arc<dyn DataLoader<WindowBatch>> {
    let builder = EpochLoaderBuilder::new(WindowBatcher).batch_size(BATCH).set_device(device.clone());
    match seed {
        Some(seed) => builder.shuffle(seed).build(windows.clone()),
        None => builder.build(windows.clone()),
    }
}

/// One pass over the training windows; gives the mean loss over the samples.
fn train_epoch(
    mut model: NnStockModel,
    optimizer: &mut ModuleOptimizer,
    batches: &dyn DataLoader<WindowBatch>,
) -> Result<(NnStockModel, f64)> {
    let mut total = 0.0;
    for batch in batches.iter() {
        let batch = batch?;
        let samples = batch.targets.dims()[0];
        let loss = MseLoss::new().forward(model.forward(batch.windows), batch.targets, Reduction::Mean);
        let gradients = GradientsParams::from_grads(loss.backward(), &model);
        model = optimizer.step(LEARNING_RATE, model, gradients);
        total += loss.into_scalar::<f64>() * samples as f64;
    }
    Ok((model, total / batches.num_items() as f64))
}

fn mean_loss(model: &NnStockModel, batches: &dyn DataLoader<WindowBatch>) -> Result<f64> {
    let mut total = 0.0;
    for batch in batches.iter() {
        let batch = batch?;
        let loss = MseLoss::new().forward(model.forward(batch.windows), batch.targets, Reduction::Sum);
        total += loss.into_scalar::<f64>();
    }
    Ok(total / batches.num_items() as f64)
}
