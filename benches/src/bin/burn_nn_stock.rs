//! The stock job with the layers of `burn::nn`, a peer program of `cargo xtask bench`. It prints a
//! JSON line per epoch, whose times are recorded.

use std::{
    error::Error,
    io::{self, Write},
    path::PathBuf,
    sync::Arc,
};

use burn::{
    data::dataloader::DataLoader,
    module::Module,
    nn::loss::{MseLoss, Reduction},
    optim::{AdamConfig, GradientsParams, ModuleOptimizer},
    tensor::Device,
};
use clap::Parser;
use rnn_data::{
    CsvFile, EpochLoaderBuilder, ReadOptions, Scaler, SeriesConfig, Split, Subset, Transform,
    WindowBatch, WindowBatcher, Windows,
};
use rnn_models::Cell;
use serde_json::{Value, json};
use workspace_benches::{BATCH, Backend, NnStockModel, WINDOW, cell};

const LEARNING_RATE: f64 = 1e-3;
/// Keras's epsilon.
const ADAM_EPSILON: f32 = 1e-7;

/// Trains the stock model of Burn's own layers.
#[derive(Parser)]
struct Args {
    /// Recurrent cell of both layers
    #[arg(long, value_parser = cell, default_value = "lstm")]
    cell: Cell,
    /// Backend
    #[arg(long, value_enum, default_value = "ndarray")]
    backend: Backend,
    /// Number of epochs
    #[arg(long, default_value_t = 50)]
    epochs: usize,
    /// Seed of weights, sample order and dropout
    #[arg(long, default_value_t = 2)]
    seed: u64,
    /// Price file [default: the embedded synthetic sample]
    #[arg(long)]
    data: Option<PathBuf>,
}

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() -> Result<()> {
    train(&Args::parse())
}

fn train(args: &Args) -> Result<()> {
    let file = args
        .data
        .as_deref()
        .map_or_else(|| CsvFile::sample(None), |path| CsvFile::open(path, None))?;
    let config = SeriesConfig::new("open".into())
        .with_window(WINDOW)
        .with_transform(Transform::MinMax)
        .with_split(Split::Course);
    let data = config.init(file.read(&config.columns(), &ReadOptions::default())?)?;
    let Scaler::MinMax { min, max } = data.series[0].scalers.target else {
        return Err("the course scales to [0, 1]".into());
    };
    let device = args.backend.device();
    let learning = device.clone().autodiff();
    learning.seed(args.seed);
    let train = loader(&data.windows(Subset::Train), Some(args.seed), &learning);
    let valid = loader(&data.windows(Subset::Test), None, &device);
    let mut optimizer = AdamConfig::new().with_epsilon(ADAM_EPSILON).init();
    let mut model = NnStockModel::new(args.cell, &learning);
    let (mut lowest, mut best) = (f64::INFINITY, None);

    for epoch in 1..=args.epochs {
        let loss;
        (model, loss) = train_epoch(model, &mut optimizer, train.as_ref())?;
        let valid_loss = mean_loss(&model.valid(), valid.as_ref())?;
        if valid_loss < lowest {
            (lowest, best) = (valid_loss, Some(model.clone()));
        }
        report(&json!({ "epoch": epoch, "loss": loss, "valid_loss": valid_loss }))?;
    }
    let best = best.ok_or("no epoch ended with a finite loss")?;
    let rmse = mean_loss(&best.valid(), valid.as_ref())?.sqrt() * (max - min);
    let peer = format!("burn::nn on {}", args.backend.name());
    report(&json!({ "peer": peer, "seed": args.seed, "best_rmse": rmse }))
}

/// Prints a line and flushes it: the reader records its time.
fn report(values: &Value) -> Result<()> {
    let mut output = io::stdout().lock();
    writeln!(output, "{values}")?;
    Ok(output.flush()?)
}

fn loader(
    windows: &Windows,
    seed: Option<u64>,
    device: &Device,
) -> Arc<dyn DataLoader<WindowBatch>> {
    let builder =
        EpochLoaderBuilder::new(WindowBatcher).batch_size(BATCH).set_device(device.clone());
    match seed {
        Some(seed) => builder.shuffle(seed).build(windows.clone()),
        None => builder.build(windows.clone()),
    }
}

/// Trains one epoch and returns the mean loss over the samples.
fn train_epoch(
    mut model: NnStockModel,
    optimizer: &mut ModuleOptimizer,
    batches: &dyn DataLoader<WindowBatch>,
) -> Result<(NnStockModel, f64)> {
    let mut total = 0.0;
    for batch in batches.iter() {
        let batch = batch?;
        let samples = batch.targets.dims()[0];
        let loss =
            MseLoss::new().forward(model.forward(batch.windows), batch.targets, Reduction::Mean);
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
        let loss =
            MseLoss::new().forward(model.forward(batch.windows), batch.targets, Reduction::Sum);
        total += loss.into_scalar::<f64>();
    }
    Ok(total / batches.num_items() as f64)
}
