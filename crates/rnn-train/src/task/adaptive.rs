//! Calibrates the intervals that adapt, with the forecasts of a run.

use std::sync::Arc;

use burn::tensor::Device;
use rnn_data::{Series, Subset};

use super::{
    outputs::{Ensemble, QuantilePaths, lines, predict},
    series::SeriesTask,
};
use crate::{
    error::Result,
    evaluation::{Adaptive, Known, OutOfFold},
};

/// Most values of forecasts that calibrate a series: the last ones.
const KEPT: usize = 2_000_000;

impl SeriesTask {
    /// Calibrates the intervals of a series; `None` if the run has others or none.
    ///
    /// On the validation set the forecasts are those of the models. Before it they are the linear
    /// forecasts of its folds.
    pub(super) fn adaptive(
        &self,
        ensemble: &Ensemble<'_>,
        series: &Arc<Series>,
        device: &Device,
    ) -> Result<Option<Adaptive>> {
        if !self.settings.is_adaptive() {
            return Ok(None);
        }
        let (config, horizon) = (&self.data.config, self.settings.horizon);
        let test = series.rows(Subset::Test).start + config.window;
        let rows = test.min(series.target.len());
        let kept = rows.saturating_sub(KEPT / horizon);
        let smoothed = series.smoothed_forecasts(kept).unwrap_or_default();
        let mut out_of_fold = OutOfFold::default();
        if let Some(folds) = series.folds() {
            let first = folds.start.max(kept);
            let valid = series.rows(Subset::Valid).start + config.window;
            let linear = |origin| {
                let step = |step| config.naive.forecast(series, origin, step);
                Some((0..horizon).map(step).collect())
            };
            let mut forecasts: Vec<Option<Vec<f64>>> =
                (first..rows.min(valid)).map(linear).collect();
            forecasts.resize(rows.saturating_sub(first), None);
            let origins = series.origins_ahead(Subset::Valid, 1);
            let origins = origins.filter(|origin| (first..rows).contains(origin)).collect();
            for (origin, mut lines) in self.predicted(ensemble, series, origins, device)? {
                forecasts[origin - first] = Some(lines.swap_remove(0));
            }
            out_of_fold = OutOfFold { first, forecasts };
        }
        let known = Known {
            values: &series.target[..rows],
            seasons: &config.seasons,
            horizon,
            from: kept,
            smoothed: &smoothed,
        };
        Ok(Some(Adaptive::new(known, &out_of_fold, &self.settings.quantiles())))
    }

    /// Forecasts of the whole horizon from origins.
    pub(super) fn predicted(
        &self,
        ensemble: &Ensemble<'_>,
        series: &Arc<Series>,
        origins: Vec<usize>,
        device: &Device,
    ) -> Result<Vec<(usize, QuantilePaths)>> {
        let outputs = predict(ensemble, series, origins.iter().copied(), device)?;
        let of = |(origin, outputs): (usize, Vec<f64>)| {
            (origin, lines(series, origin, &outputs, self.settings.horizon))
        };
        Ok(origins.into_iter().zip(outputs).map(of).collect())
    }
}
