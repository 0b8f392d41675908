//! The examples, run.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;

use jiff::{ToSpan, civil::date};
use rnn_data::{Naive, Table};
use rnn_train::{Format, Options, SeriesTask, Training};

#[path = "../examples/own_model.rs"]
mod own_model;
#[path = "../examples/train_series.rs"]
mod train_series;
#[path = "../examples/use_weights.rs"]
mod use_weights;

#[test]
fn a_prediction_follows_from_the_exported_weights_alone() {
    let first = date(2024, 1, 1).at(0, 0, 0, 0);
    let times = (0..200).map(|day| first + day.days()).collect();
    let values: Vec<f64> = (0..200).map(|day| 10.0 + (f64::from(day) / 5.0).sin()).collect();
    let table = Table::from_columns("sensor", times, [("temperature", values.clone())]).unwrap();
    let options = Options::default().features(["temperature"]).epochs(2);
    let options = options.naive(Naive::LastValue).window(20);
    let task = SeriesTask::from_table(table, options).unwrap();
    let model = Training::new(&task).run().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("model.safetensors");
    fs::write(&file, model.weights(Format::Safetensors).unwrap()).unwrap();
    let expected = model.forecast(1).unwrap()[0].values[0].value;
    let found = use_weights::next_value(&file, &values[values.len() - 21..]).unwrap();
    assert!((found - expected).abs() < 1e-5, "{found} and {expected}");
}

#[test]
fn a_series_in_memory_is_forecast_as_its_training_in_a_folder_forecasts_it() {
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("sales");
    let in_memory = train_series::week_ahead(None).unwrap();
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    let in_folder = train_series::week_ahead(Some(&run)).unwrap();
    let values = |forecast: &rnn_train::Forecast| -> Vec<f64> {
        forecast.values.iter().map(|value| value.value).collect()
    };
    assert_eq!(values(&in_memory), values(&in_folder));
    for file in ["config.json", "evaluation.json", "weights.txt", "prediction.svg", "metrics.csv"] {
        assert!(run.join(file).is_file(), "{file}");
    }
}

#[test]
fn a_model_of_ones_own_is_trained_and_trained_further_in_a_folder() {
    let folder = tempfile::tempdir().unwrap();
    let first = own_model::classify(folder.path()).unwrap();
    assert!(first.accuracy > 0.9, "{first}");
    let again = own_model::classify(folder.path()).unwrap();
    assert!(again.accuracy >= first.accuracy, "{again}");
    let epochs = fs::read_to_string(folder.path().join("metrics.csv")).unwrap().lines().count() - 1;
    assert_eq!(epochs, 12, "both runs are recorded");
}
