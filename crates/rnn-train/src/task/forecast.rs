//! Predictions of trained models: for known rows, for a day, and for future rows.

use std::sync::Arc;

use burn::tensor::Device;
use jiff::civil::DateTime;
use rnn_data::{Series, Subset, Window, format_time};
use rnn_models::SeriesModel;
use serde::Serialize;

use super::{
    objective::WithLoss,
    outputs::{BATCH, Ensemble, QuantilePaths, interval, lines, outer, predict_windows},
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
            Some(day) => times.iter().position(|time| *time == day).ok_or_else(|| {
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
        if let Some(problem) = self.crossed_gap(series, origin) {
            return Err(Error::Usage(problem));
        }
        let ensemble = self.ensemble(std::slice::from_ref(model), device)?;
        let outputs = predict_windows(&ensemble, vec![Window::new(series, origin)], 1, device)?;
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
    /// The forecast has intervals if the run has them. Those of a linear forecast adapt to the
    /// errors on all rows of the test set. Quantile models give no intervals beyond their horizon:
    /// the error of their own inputs is unknown.
    ///
    /// # Errors
    ///
    /// If `steps` exceeds the horizon, and the features of later rows are unknown. If the last
    /// window of every series crosses a gap, or dates end with the year 9999.
    pub(crate) fn forecast(
        &self,
        models: &[WithLoss<SeriesModel>],
        steps: usize,
        device: &Device,
    ) -> Result<Vec<Forecast>> {
        let ensemble = &self.ensemble(models, device)?;
        let intervals = self
            .settings
            .interval
            .filter(|_| !self.settings.is_adaptive())
            .map(|level| self.calibrate(ensemble, level, steps, device))
            .transpose()?;
        let (mut forecasts, mut crossed) = (Vec::new(), None);
        for series in &self.data.panel.series {
            let origin = series.times.len();
            if let Some(problem) = self.crossed_gap(series, origin) {
                if self.data.panel.series.len() > 1 {
                    log::warn!("no forecast: {problem}");
                }
                crossed = Some(problem);
                continue;
            }
            let times = later(series, steps)?;
            let lines = self.forecast_from(ensemble, series, &[origin], steps, device)?.remove(0);
            let forecast = &lines[self.settings.loss.forecast().min(lines.len() - 1)];
            let spread = spreads(series)[origin];
            let adaptive = self.adaptive(ensemble, series, device)?;
            let bands = match &adaptive {
                Some(adaptive) => {
                    let mut path = adaptive.path();
                    let origins = series.origins_ahead(Subset::Test, 1).collect();
                    for (origin, lines) in self.predicted(ensemble, series, origins, device)? {
                        path.at(&series.target[..origin], &lines[0]);
                    }
                    let horizon = steps.min(series.horizon());
                    Some(path.at(&series.target, &forecast[..horizon]))
                }
                None => None,
            };
            let values =
                times.into_iter().zip(forecast).enumerate().map(|(step, (time, &value))| {
                    let (quantiles, bounds) = match &bands {
                        Some(bands) => outer(bands.quantiles(step, value).shown),
                        None => interval(&lines, step, || {
                            Some(intervals.as_ref()?.0.around(step, value, spread))
                        }),
                    };
                    let numbers = bounds.iter().flatten().chain(&quantiles).chain([&value]);
                    if let Some(number) = numbers.copied().find(|number| !number.is_finite()) {
                        let place = format!("{number} for {}", format_time(time));
                        return Err(Error::NotFinite(place));
                    }
                    Ok(ForecastValue {
                        time,
                        value,
                        lower: bounds.map(|bounds| bounds[0]),
                        upper: bounds.map(|bounds| bounds[1]),
                        quantiles,
                    })
                });
            let shown = origin.saturating_sub(self.data.config.window.max(60));
            forecasts.push(Forecast {
                series: series.name.clone(),
                known_until: series.times[origin - 1],
                values: values.collect::<Result<_>>()?,
                history: (shown..origin)
                    .map(|row| (series.times[row], series.target[row]))
                    .collect(),
            });
        }
        match crossed {
            Some(problem) if forecasts.is_empty() => Err(Error::Usage(problem)),
            _ => Ok(forecasts),
        }
    }

    /// Describes the gap inside the window before a row, if one is longer than `--max-gap`.
    fn crossed_gap(&self, series: &Series, origin: usize) -> Option<String> {
        let row = series.gap_before(origin)?;
        let [from, to] = [row - 1, row].map(|row| series.times.get(row).copied().map(format_time));
        Some(format!(
            "{}: the window of {} rows crosses the gap from {} to {}, longer than --max-gap (train \
             with --fresh and a larger --max-gap, a smaller --window or --fill)",
            series.name,
            self.data.config.window,
            from.unwrap_or_default(),
            to.unwrap_or_default()
        ))
    }

    /// Forecasts that lie in the validation set, each with its origin.
    pub(super) fn validation_forecasts(
        &self,
        ensemble: &Ensemble<'_>,
        series: &Arc<Series>,
        steps: usize,
        device: &Device,
    ) -> Result<Vec<(usize, QuantilePaths)>> {
        let origins = series.origins_ahead(Subset::Valid, steps);
        let stride = if steps > self.settings.horizon {
            origins.len().div_ceil(CALIBRATED_ON).max(1)
        } else {
            1
        };
        let origins: Vec<usize> = origins.step_by(stride).collect();
        let forecasts = self.forecast_from(ensemble, series, &origins, steps, device)?;
        Ok(origins.into_iter().zip(forecasts).collect())
    }

    /// Forecasts from each origin. Beyond the horizon a forecast continues from its own values,
    /// with one path.
    fn forecast_from(
        &self,
        ensemble: &Ensemble<'_>,
        series: &Arc<Series>,
        origins: &[usize],
        steps: usize,
        device: &Device,
    ) -> Result<Vec<QuantilePaths>> {
        let horizon = series.horizon();
        if steps <= horizon {
            let windows = origins.iter().map(|&origin| Window::new(series, origin)).collect();
            let outputs = predict_windows(ensemble, windows, steps, device)?;
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
            for origin in origins {
                series.check_future_steps(*origin, steps)?;
            }
            let mut known: Vec<Arc<Series>> =
                origins.iter().map(|&origin| Arc::new(series.truncated(origin))).collect();
            let times =
                known.iter().map(|series| later(series, steps)).collect::<Result<Vec<_>>>()?;
            for done in (0..steps).step_by(horizon) {
                let taken = horizon.min(steps - done);
                let windows =
                    known.iter().map(|series| Window::new(series, series.times.len())).collect();
                let outputs = predict_windows(ensemble, windows, taken, device)?;
                for ((series, times), outputs) in known.iter_mut().zip(&times).zip(outputs) {
                    let values = lines(series, series.times.len(), &outputs, taken)
                        .swap_remove(self.settings.loss.forecast());
                    let series = Arc::make_mut(series);
                    times[done..]
                        .iter()
                        .zip(values)
                        .for_each(|(time, value)| series.push(*time, value));
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

/// The times of the rows after the last one.
fn later(series: &Series, steps: usize) -> Result<Vec<DateTime>> {
    let times = series.next_times(steps);
    if times.len() == steps {
        return Ok(times);
    }
    let (name, count) = (&series.name, times.len());
    let fix =
        if count > 0 { format!("use --steps {count}") } else { "correct the dates".to_owned() };
    let problem =
        format!("{name}: {steps} steps end after the year 9999, the last of dates ({fix})");
    Err(Error::Usage(problem))
}
