//! Trains an LSTM to forecast a sine with Burn's Adam, and prints the loss.
//!
//! `cargo run -p rnn-models --example sine`

#![expect(clippy::print_stdout, reason = "an example shows its results")]

use burn::{
    module::Module,
    nn::{
        Linear, LinearConfig,
        loss::{MseLoss, Reduction},
    },
    optim::{AdamConfig, GradientsParams},
    tensor::{Device, Tensor, TensorData},
};
use rnn_models::{Lstm, LstmConfig};

const WINDOW: usize = 20;
const WINDOWS: usize = 100;
const STEPS: usize = 60;

/// A model that forecasts the value after a window from the last hidden state.
#[derive(Module, Debug)]
struct Forecaster {
    lstm: Lstm,
    dense: Linear,
}

impl Forecaster {
    fn new(device: &Device) -> Self {
        Self {
            lstm: LstmConfig::new(1, 16).init(device),
            dense: LinearConfig::new(16, 1).init(device),
        }
    }

    /// Forecasts the value `[B, 1]` after each window `[B, T, 1]`.
    fn forward(&self, windows: Tensor<3>) -> Tensor<2> {
        self.dense.forward(self.lstm.forward(windows, None).last())
    }
}

/// Creates windows `[B, T, 1]` of a sine, and the value `[B, 1]` after each.
fn windows(device: &Device) -> (Tensor<3>, Tensor<2>) {
    let sine = |step: usize| (step as f32 * 0.3).sin();
    let windows: Vec<f32> =
        (0..WINDOWS).flat_map(|start| (start..start + WINDOW).map(sine)).collect();
    let targets: Vec<f32> = (0..WINDOWS).map(|start| sine(start + WINDOW)).collect();
    let windows = Tensor::from_data(TensorData::new(windows, [WINDOWS, WINDOW, 1]), device);
    (windows, Tensor::from_data(TensorData::new(targets, [WINDOWS, 1]), device))
}

/// Trains a new model and returns the loss of each step.
pub(crate) fn train() -> Vec<f32> {
    let device = Device::flex().autodiff();
    device.seed(1);
    let (windows, targets) = windows(&device);
    let mut model = Forecaster::new(&device);
    let mut optimizer = AdamConfig::new().init();
    let step = |_| {
        let forecast = model.forward(windows.clone());
        let loss = MseLoss::new().forward(forecast, targets.clone(), Reduction::Mean);
        let gradients = GradientsParams::from_grads(loss.backward(), &model);
        model = optimizer.step(0.01, model.clone(), gradients);
        loss.into_scalar::<f32>()
    };
    (0..STEPS).map(step).collect()
}

#[allow(dead_code, reason = "the test calls `train`")]
fn main() {
    for (step, loss) in train().iter().enumerate().step_by(10) {
        println!("step {step:2}  loss {loss:.5}");
    }
}
