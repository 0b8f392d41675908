//! Predictions of trained models: for known rows, for a day, and for future rows.

use std::sync::Arc;

use burn::tensor::Device;
use jiff::civil::DateTime;
use rnn_data::{Series, Subset, Window, extend_calendar, format_time};
use rnn_models::SeriesModel;
use serde::Serialize;

use super::{
    objective::WithLoss,
    outputs::{BATCH, QuantilePaths, interval, lines, predict, predict_windows},
    series::SeriesTask,
};
use crate::{
    error::{Error, Result},
    evaluation::{Forecast, ForecastValue, spreads},
};

/// Maximum number of forecasts for calibration beyond the horizon. Each costs several predictions.
const CALIBRATED_ON: usize = 250;
/// Maximum number of copied rows in memory.
const COPIED_ROWS: usize = 2_000_000;

/// A predicted value for a day.
#[derive(Debug, Serialize)]
pub struct DayPrediction {
    /// Name of the series, if the data is a folder.
    pub series: Option<String>,
    /// The predicted day; none for the row after the last.
    pub date: Option<String>,
    /// Last day before the prediction.
    pub known_until: String,
    /// The predicted value.
    pub predicted: f64,
    /// The actual value, if the file has it.
    pub actual: Option<f64>,
    /// The predicted column.
    pub target: String,
    /// Name of the file.
    pub file: String,
    /// Whether the data is synthetic.
    pub synthetic: bool,
}

impl SeriesTask {
    /// Predicts the value of a day in the file, or of the row after the last.
    ///
    /// # Errors
    ///
    /// If the day is not in the file, or too few rows precede it.
    pub(crate) fn predict_day(
        &self,
        model: &WithLoss<SeriesModel>,
        series: &Arc<Series>,
        day: Option<DateTime>,
        device: &Device,
    ) -> Result<DayPrediction> {
        let times = &series.times;
        let origin = match day {
            None => times.len(),
            Some(day) => times.binary_search(&day).map_err(|_| {
                let (first, last) = (format_time(times[0]), format_time(times[times.len() - 1]));
                Error::Usage(format!(
                    "{}: not a date of {}, which has {first} to {last} (choose one of its dates)",
                    format_time(day),
                    series.name
                ))
            })?,
        };
        let needed = series.first_origin();
        if origin < needed {
            let first = times.get(needed).map_or_else(
                || "a longer file".to_owned(),
                |time| format_time(*time) + " or later",
            );
            return Err(Error::Usage(format!(
                "the prediction needs {needed} rows before it (choose {first})"
            )));
        }
        let outputs = predict(std::slice::from_ref(model), series, origin..origin + 1, device)?;
        let lines = lines(series, origin, &outputs[0], 1);
        let many = self.data.panel.series.len() > 1;
        Ok(DayPrediction {
            series: many.then(|| series.name.clone()),
            date: day.map(format_time),
            known_until: format_time(times[origin - 1]),
            predicted: lines[self.settings.loss.forecast()][0],
            actual: series.target.get(origin).copied(),
            target: self.data.config.target.clone(),
            file: self.data.source.file.clone(),
            synthetic: self.data.source.synthetic,
        })
    }

    /// Forecasts the next rows of each series by the mean of the models.
    ///
    /// The forecast has intervals if the run has them. Quantile models give no intervals beyond
    /// their horizon: the error of their own inputs is unknown.
    ///
    /// # Errors
    ///
    /// If `steps` exceeds the horizon, and the features of later rows are unknown.
    pub(crate) fn forecast(
        &self,
        models: &[WithLoss<SeriesModel>],
        steps: usize,
        device: &Device,
    ) -> Result<Vec<Forecast>> {
        let intervals = self
            .settings
            .interval
            .map(|level| self.calibrate(models, level, steps, device))
            .transpose()?;
        let mut forecasts = Vec::new();
        for series in &self.data.panel.series {
            let origin = series.times.len();
            let lines = self.forecast_from(models, series, &[origin], steps, device)?.remove(0);
            let forecast = &lines[self.settings.loss.forecast().min(lines.len() - 1)];
            let spread = spreads(series)[origin];
            let values =
                extend_calendar(&series.times, steps).into_iter().zip(forecast).enumerate().map(
                    |(step, (time, &value))| {
                        let (quantiles, bounds) = interval(&lines, step, || {
                            Some(intervals.as_ref()?.0.around(step, value, spread))
                        });
                        ForecastValue {
                            time,
                            value,
                            lower: bounds.map(|bounds| bounds[0]),
                            upper: bounds.map(|bounds| bounds[1]),
                            quantiles,
                        }
                    },
                );
            let shown = origin.saturating_sub(self.settings.window.max(60));
            forecasts.push(Forecast {
                series: series.name.clone(),
                known_until: series.times[origin - 1],
                values: values.collect(),
                history: (shown..origin)
                    .map(|row| (series.times[row], series.target[row]))
                    .collect(),
            });
        }
        Ok(forecasts)
    }

    /// Forecasts that lie in the validation set, each with its origin.
    pub(super) fn validation_forecasts(
        &self,
        models: &[WithLoss<SeriesModel>],
        series: &Arc<Series>,
        steps: usize,
        device: &Device,
    ) -> Result<Vec<(usize, QuantilePaths)>> {
        let origins = series.origins(Subset::Valid);
        let end = (series.rows(Subset::Valid).end + 1).saturating_sub(steps).max(origins.start);
        let stride = if steps > self.settings.horizon {
            (end - origins.start).div_ceil(CALIBRATED_ON).max(1)
        } else {
            1
        };
        let origins: Vec<usize> = (origins.start..end).step_by(stride).collect();
        let forecasts = self.forecast_from(models, series, &origins, steps, device)?;
        Ok(origins.into_iter().zip(forecasts).collect())
    }

    /// Forecasts from each origin. Beyond the horizon a forecast continues from its own values,
    /// with one path.
    fn forecast_from(
        &self,
        models: &[WithLoss<SeriesModel>],
        series: &Arc<Series>,
        origins: &[usize],
        steps: usize,
        device: &Device,
    ) -> Result<Vec<QuantilePaths>> {
        let horizon = series.horizon();
        if steps <= horizon {
            let windows = origins.iter().map(|&origin| Window::new(series, origin)).collect();
            let outputs = predict_windows(models, windows, device)?;
            return Ok(origins
                .iter()
                .zip(outputs)
                .map(|(&origin, outputs)| lines(series, origin, &outputs, steps))
                .collect());
        }
        if !series.can_push() {
            let problem = format!(
                "{steps} steps: the model predicts {horizon} at once, and its features of later \
                 rows are unknown (train it with --fresh --horizon {steps})"
            );
            return Err(Error::Usage(problem));
        }
        let mut forecasts = Vec::with_capacity(origins.len());
        for origins in origins.chunks((COPIED_ROWS / series.times.len().max(1)).clamp(1, BATCH)) {
            let mut known: Vec<Arc<Series>> =
                origins.iter().map(|&origin| Arc::new(series.truncated(origin))).collect();
            for done in (0..steps).step_by(horizon) {
                let windows =
                    known.iter().map(|series| Window::new(series, series.times.len())).collect();
                for (series, outputs) in
                    known.iter_mut().zip(predict_windows(models, windows, device)?)
                {
                    let taken = horizon.min(steps - done);
                    let values = lines(series, series.times.len(), &outputs, taken)
                        .swap_remove(self.settings.loss.forecast());
                    let times = extend_calendar(&series.times, taken);
                    let series = Arc::make_mut(series);
                    times
                        .into_iter()
                        .zip(values)
                        .for_each(|(time, value)| series.push(time, value));
                }
            }
            forecasts.extend(
                known
                    .iter()
                    .zip(origins)
                    .map(|(series, &origin)| vec![series.target[origin..origin + steps].to_vec()]),
            );
        }
        Ok(forecasts)
    }
}
