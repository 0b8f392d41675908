//! Trains your own model: a bidirectional GRU that classifies slow and fast waves.
//!
//! Run `cargo run -p rnn-train --example own_model -- FOLDER`. If killed, it resumes when started
//! again.

use std::{fmt, io::Write, path::Path};

use burn::{
    data::{dataloader::batcher::Batcher, dataset::InMemDataset},
    module::Module,
    nn::{Linear, LinearConfig, loss::CrossEntropyLossConfig},
    tensor::{Device, Int, Tensor, TensorData, activation::log_softmax},
    train::{
        ClassificationOutput, InferenceStep, SupervisedTraining, TrainOutput, TrainStep,
        metric::{AccuracyMetric, LossMetric},
    },
};
use rnn_data::EpochLoaderBuilder;
use rnn_models::{Bidirectional, BidirectionalConfig, Gru, GruConfig};
use rnn_train::{Batching, Loaders, Options, Result, Task, Training};
use serde::Serialize;

const STEPS: usize = 24;

/// A wave and its class: 0 slow, 1 fast.
type Wave = ([f32; STEPS], i64);

/// `[B, T, 1]` waves and `[B]` classes.
#[derive(Clone, Debug)]
struct Waves {
    waves: Tensor<3>,
    classes: Tensor<1, Int>,
}

#[derive(Clone)]
struct WaveBatcher;

impl Batcher<Wave, Waves> for WaveBatcher {
    fn batch(&self, items: Vec<Wave>, device: &Device) -> Waves {
        let (waves, classes): (Vec<_>, Vec<_>) = items.into_iter().unzip();
        let shape = [classes.len(), STEPS, 1];
        Waves {
            waves: Tensor::from_data(TensorData::new(waves.concat(), shape), device),
            classes: Tensor::from_data(TensorData::new(classes, [shape[0]]), device),
        }
    }
}

/// The model: any Burn module that burn-train can train.
#[derive(Module, Debug)]
struct Classifier {
    layer: Bidirectional<Gru>,
    output: Linear,
}

impl Classifier {
    fn forward(&self, batch: Waves) -> ClassificationOutput {
        let logits = self.output.forward(self.layer.forward(batch.waves, None).last);
        // One loss per sample, since the last batch of an epoch may be short.
        let targets = batch.classes.clone().unsqueeze_dim(1);
        let losses = log_softmax(logits.clone(), 1).gather(1, targets).neg().squeeze_dim(1);
        ClassificationOutput::new(losses, logits, batch.classes)
    }
}

impl TrainStep for Classifier {
    type Input = Waves;
    type Output = ClassificationOutput;

    fn step(&self, batch: Waves) -> TrainOutput<ClassificationOutput> {
        let output = self.forward(batch);
        TrainOutput::new(self, output.loss.clone().mean().backward(), output)
    }
}

impl InferenceStep for Classifier {
    type Input = Waves;
    type Output = ClassificationOutput;

    fn step(&self, batch: Waves) -> ClassificationOutput {
        self.forward(batch)
    }
}

/// The task of classifying waves.
struct WaveTask;

/// Scores on the validation set.
#[derive(Debug, Serialize)]
pub(crate) struct Accuracy {
    loss: f32,
    pub(crate) accuracy: f32,
}

impl fmt::Display for Accuracy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "loss {:.4}, accuracy {:.1}%", self.loss, 100.0 * self.accuracy)
    }
}

/// Waves that differ in phase. A quarter of them is the validation set.
fn waves(validates: bool) -> Vec<Wave> {
    let wave = |index: usize| {
        let (class, phase) = (index % 2, index as f32 * 0.37);
        let pace = if class == 0 { 0.3 } else { 0.6 };
        (std::array::from_fn(|step| (phase + pace * step as f32).sin()), class as i64)
    };
    (0..400).filter(|index| (index / 2 % 4 == 3) == validates).map(wave).collect()
}

impl Task for WaveTask {
    const VALIDATES: bool = true;
    type Batch = Waves;
    type Model = Classifier;
    type Evaluation = Accuracy;

    fn name(&self) -> &str {
        "waves"
    }

    fn options(&self) -> Options {
        Options::defaults().epochs(6).batch_size(32).learning_rate(0.01)
    }

    fn model(&self, device: &Device) -> Classifier {
        Classifier {
            layer: BidirectionalConfig::new(GruConfig::new(1, 8)).init(device),
            output: LinearConfig::new(16, 2).init(device),
        }
    }

    fn loaders(&self, batching: Batching, device: &Device) -> Loaders<Waves> {
        let Batching { batch_size, seed, first_epoch, steps_done } = batching;
        let loader = || {
            EpochLoaderBuilder::new(WaveBatcher)
                .batch_size(batch_size)
                .first_epoch(first_epoch)
                .set_device(device.clone())
        };
        let train = loader().shuffle(seed).skip_batches(steps_done);
        Loaders {
            train: train.build(InMemDataset::new(waves(false))),
            valid: loader().build(InMemDataset::new(waves(true))),
        }
    }

    fn metrics(&self, training: SupervisedTraining<Classifier>) -> SupervisedTraining<Classifier> {
        training.metrics((LossMetric::new(), AccuracyMetric::new()))
    }

    fn evaluate(
        &self,
        model: &Classifier,
        _best_epoch: usize,
        device: &Device,
        _predictions: Option<&mut dyn Write>,
    ) -> Result<Accuracy> {
        let batch = WaveBatcher.batch(waves(true), device);
        let output = model.forward(batch.clone());
        let right = output.output.clone().argmax(1).squeeze_dim(1).equal(batch.classes.clone());
        let loss = CrossEntropyLossConfig::new().init(device).forward(output.output, batch.classes);
        let accuracy = right.float().mean().into_scalar::<f32>();
        Ok(Accuracy { loss: loss.into_scalar::<f32>(), accuracy })
    }
}

/// Trains in a folder, where an interrupted run resumes.
pub(crate) fn classify(folder: &Path) -> Result<Accuracy> {
    Training::new(&WaveTask).folder(folder).stop_on_signals().run()?.evaluate()
}

#[allow(clippy::print_stdout, reason = "an example shows what it does")]
#[allow(dead_code, reason = "the test that includes this file calls what main calls")]
fn main() -> Result<()> {
    let folder = std::env::args_os().nth(1).unwrap_or_else(|| "artifacts/waves".into());
    println!("{}", classify(Path::new(&folder))?);
    Ok(())
}
