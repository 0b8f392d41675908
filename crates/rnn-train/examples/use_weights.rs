//! Reproduces a prediction of `rnn-train predict series` from `model.safetensors` alone.
//!
//! Run `rnn-train train series --data sensors.csv --target temperature --features temperature
//! --naive last-value --window 20`: that model predicts the change of the last value. Then run
//! this example with the file of weights and the last 21 values of `temperature`:
//! `cargo run -p rnn-train --example use_weights -- artifacts/series/model.safetensors 14.1 14.3`.

use std::{error::Error, fs, path::Path};

use burn::{
    store::{ModuleSnapshot, SafetensorsStore},
    tensor::{Device, Tensor, TensorData},
};
use rnn_data::Scalers;
use rnn_models::{Cell, SeriesModelConfig};
use safetensors::SafeTensors;

/// Predicts the value after the last one, with a model of one feature and the transform `residual`.
pub(crate) fn next_value(weights: &Path, values: &[f64]) -> Result<f64, Box<dyn Error>> {
    let bytes = fs::read(weights)?;
    let (_, header) = SafeTensors::read_metadata(&bytes)?;
    let metadata = header.metadata().as_ref().ok_or("no metadata")?;
    let scalers: Scalers = serde_json::from_str(&metadata["scalers"])?;
    let options: serde_json::Value = serde_json::from_str(&metadata["options"])?;
    let units = serde_json::from_value(options["units"].clone())?;

    let device = Device::flex();
    let mut model = SeriesModelConfig::new(Cell::Lstm).with_units(units).init(&device);
    let mut store = SafetensorsStore::from_bytes(Some(bytes)).skip_enum_variants(true);
    model.load_from(&mut store)?;

    let changes = values.windows(2).map(|pair| scalers.inputs[0].transform(pair[1] - pair[0]));
    let changes: Vec<f64> = changes.collect();
    let shape = [1, changes.len(), 1];
    let input = Tensor::<3>::from_data(TensorData::new(changes, shape), &device);
    let output = model.forward(input).into_data().iter::<f64>().next().ok_or("no output")?;
    Ok(values[values.len() - 1] + scalers.target.inverse_transform(output))
}

#[allow(dead_code, reason = "the test that includes this file calls what main calls")]
#[allow(clippy::print_stdout, reason = "an example shows what it does")]
fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let (weights, values) = args.split_first().ok_or("expected a file of weights and values")?;
    let values: Vec<f64> = values.iter().map(|value| value.parse()).collect::<Result<_, _>>()?;
    println!("{}", next_value(Path::new(weights), &values)?);
    Ok(())
}
