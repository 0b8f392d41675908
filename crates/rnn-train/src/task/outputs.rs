//! Predictions of models in the units of the target.

use std::sync::Arc;

use burn::{data::dataloader::batcher::Batcher, tensor::Device};
use rnn_data::{Series, Window, WindowBatcher};
use rnn_models::SeriesModel;

use super::objective::WithLoss;
use crate::error::{Error, Result};

/// Number of windows per prediction batch.
pub(super) const BATCH: usize = 256;

/// Forecasts from one origin in the units of the target: one path per quantile, or a single path.
pub(super) type QuantilePaths = Vec<Vec<f64>>;

/// Converts a model's outputs to the units of the target, one path per quantile.
pub(super) fn lines(
    series: &Series,
    origin: usize,
    outputs: &[f64],
    steps: usize,
) -> QuantilePaths {
    outputs
        .chunks(series.horizon())
        .map(|line| series.inverse_transform(origin, &line[..steps]))
        .collect()
}

/// The quantiles of a step and its interval.
///
/// With quantiles the interval lies between the outer two; otherwise `other` gives it.
pub(super) fn interval(
    lines: &QuantilePaths,
    step: usize,
    other: impl FnOnce() -> Option<[f64; 2]>,
) -> (Vec<f64>, Option<[f64; 2]>) {
    match &lines[..] {
        [_, _, ..] => outer(lines.iter().map(|line| line[step]).collect()),
        _ => (Vec::new(), other()),
    }
}

/// Quantiles of a row, and the interval between the outer two.
pub(super) fn outer(quantiles: Vec<f64>) -> (Vec<f64>, Option<[f64; 2]>) {
    let interval = quantiles.first().copied().zip(quantiles.last().copied());
    (quantiles, interval.map(<[f64; 2]>::from))
}

/// Models whose mean is a forecast.
pub(super) struct Ensemble<'a> {
    pub(super) models: &'a [WithLoss<SeriesModel>],
    /// Fraction of the outputs at each step that is added to the linear forecast, if there is one.
    pub(super) fractions: Option<Vec<f64>>,
}

/// The mean prediction of the models from each origin, transformed and scaled.
///
/// Each prediction has `horizon` values per quantile.
pub(super) fn predict(
    ensemble: &Ensemble<'_>,
    series: &Arc<Series>,
    origins: impl Iterator<Item = usize>,
    device: &Device,
) -> Result<Vec<Vec<f64>>> {
    let windows: Vec<Window> = origins.map(|origin| Window::new(series, origin)).collect();
    predict_windows(ensemble, windows, series.horizon(), device)
}

/// The predictions of windows, of which `steps` rows are used.
pub(super) fn predict_windows(
    ensemble: &Ensemble<'_>,
    windows: Vec<Window>,
    steps: usize,
    device: &Device,
) -> Result<Vec<Vec<f64>>> {
    let mut predictions = Vec::with_capacity(windows.len());
    for window in &windows {
        window.series().check_future_steps(window.origin(), steps)?;
    }
    for windows in windows.chunks(BATCH) {
        let batch = WindowBatcher.batch(windows.to_vec(), device);
        let mut sum: Vec<f64> = Vec::new();
        for model in ensemble.models {
            let predicted = model.model.forward(batch.windows.clone()).into_data();
            sum.resize(predicted.num_elements(), 0.0);
            sum.iter_mut().zip(predicted.iter::<f64>()).for_each(|(sum, value)| *sum += value);
        }
        let count = ensemble.models.len() as f64;
        let mut mean: Vec<f64> = sum.into_iter().map(|sum| sum / count).collect();
        if let Some(fractions) = &ensemble.fractions {
            let steps = mean.chunks_mut(fractions.len());
            steps.for_each(|line| {
                line.iter_mut().zip(fractions).for_each(|(one, fraction)| *one *= fraction)
            });
        }
        if let Some(bad) = mean.iter().find(|value| !value.is_finite()) {
            return Err(Error::NotFinite(bad.to_string()));
        }
        predictions.extend(mean.chunks(mean.len() / windows.len()).map(<[f64]>::to_vec));
    }
    Ok(predictions)
}
