//! What trained models predict: of rows that are known, of a day, of the rows after the last.

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

/// Forecasts of more steps than the horizon that intervals are calibrated on; each costs as many
/// predictions as a forecast.
const CALIBRATED_ON: usize = 250;
/// Rows of copies of a series that are kept at once.
const COPIED_ROWS: usize = 2_000_000;

/// A predicted value of a day.
#[derive(Debug, Serialize)]
pub struct DayPrediction {
    /// Series of a folder.
    pub series: Option<String>,
    /// The predicted day; absent for the row after the last.
    pub date: Option<String>,
    /// Last day the prediction knows.
    pub known_until: String,
    /// The predicted value.
    pub predicted: f64,
    /// The value of that day, where the file has it.
    pub actual: Option<f64>,
    /// Column that is predicted.
    pub target: String,
    /// Name of the file.
    pub file: String,
    /// Whether the numbers are made up.
    pub synthetic: bool,
}

impl SeriesTask {
    /// Predicts the value of a day of the file, or of the row after its last.
    ///
    /// # Errors
    ///
    /// When the day is not in the file or has too few rows before it.
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
                    "{} is no trading day of {}, which has {first} to {last}",
                    format_time(day),
                    series.name
                ))
            })?,
        };
        let needed = series.first_origin();
        if origin < needed {
            let first = times
                .get(needed)
                .map_or_else(|| "after the last".to_owned(), |time| format_time(*time));
            return Err(Error::Usage(format!(
                "{needed} rows must come before a predicted one; the first such day is {first}"
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

    /// Forecasts the rows after the last of each series by the mean of some models, with intervals
    /// where the run has them.
    ///
    /// # Errors
    ///
    /// When more steps are asked for than the model predicts at once, and its inputs of later rows
    /// are not known.
    ///
    /// Beyond the horizon models of quantiles have no intervals: how far what they go on from is
    /// off is not known to them.
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

    /// Forecasts of some steps all of which are in the validation part, each with its origin.
    pub(super) fn validation_forecasts(
        &self,
        models: &[WithLoss<SeriesModel>],
        series: &Arc<Series>,
        steps: usize,
        device: &Device,
    ) -> Result<Vec<(usize, QuantilePaths)>> {
        let origins = series.origins(Subset::Valid);
        let end = (series.rows(Subset::Valid).end + 1).saturating_sub(steps).max(origins.start);
        let apart = if steps > self.settings.horizon {
            (end - origins.start).div_ceil(CALIBRATED_ON).max(1)
        } else {
            1
        };
        let origins: Vec<usize> = (origins.start..end).step_by(apart).collect();
        let forecasts = self.forecast_from(models, series, &origins, steps, device)?;
        Ok(origins.into_iter().zip(forecasts).collect())
    }

    /// Forecasts from some origins; beyond the horizon each goes on from what it has said itself,
    /// with one line.
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
                "{steps} steps are more than the {horizon} the model predicts at once, and it \
                 reads more of each row than the values it predicts; \
                 train it with --fresh --horizon {steps}"
            );
            return Err(Error::Usage(problem));
        }
        let mut forecasts = Vec::with_capacity(origins.len());
        for origins in origins.chunks((COPIED_ROWS / series.times.len().max(1)).clamp(1, BATCH)) {
            let mut known: Vec<Arc<Series>> =
                origins.iter().map(|&origin| Arc::new(series.truncated(origin))).collect();
            for said in (0..steps).step_by(horizon) {
                let windows =
                    known.iter().map(|series| Window::new(series, series.times.len())).collect();
                for (series, outputs) in
                    known.iter_mut().zip(predict_windows(models, windows, device)?)
                {
                    let taken = horizon.min(steps - said);
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
