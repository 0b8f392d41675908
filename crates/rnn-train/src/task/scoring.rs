//! Scores forecasts on the validation or test set, and calibrates intervals.

use std::{
    io::Write,
    time::{Duration, Instant},
};

use burn::tensor::Device;
use jiff::civil::DateTime;
use rnn_data::{Split, Subset};
use rnn_models::SeriesModel;

use super::{
    Task,
    calibration::too_few,
    objective::WithLoss,
    outputs::{Ensemble, interval, lines, outer, predict},
    series::SeriesTask,
};
use crate::{
    error::{Error, Result},
    evaluation::{
        Adaptive, BaselineScores, Baselines, CRPS, Calibration, Conformal, ErrorScale, Errors,
        IntervalMethod, IntervalScores, Prediction, PredictionRows, QuantileErrors, Quantiles,
        ScaledScores, SeriesEvaluation, StepScores, skill, spreads,
    },
    text::PROGRESS,
};

/// Time between progress messages while scoring many series.
const LOG_INTERVAL: Duration = Duration::from_secs(10);

/// Sums over the scored values.
struct ScoreSums {
    /// Errors by step: those of the model first, then of each baseline.
    errors: Vec<Vec<Errors>>,
    scaled: ScaledScores,
    quantiles: QuantileErrors,
    /// Errors of the quantiles of CRPS.
    crps: QuantileErrors,
    /// Number of forecasts that calibrated adaptive intervals.
    calibrated_on: usize,
    count: usize,
    /// Number of values inside their intervals, and the sum of the interval widths.
    covered: usize,
    width: f64,
    span: Option<[DateTime; 2]>,
    shown: Vec<Prediction>,
}

impl ScoreSums {
    fn new(baselines: usize, steps: usize, quantiles: &[f64]) -> Self {
        Self {
            errors: vec![vec![Errors::default(); steps]; 1 + baselines],
            scaled: ScaledScores { mse: 0.0, rmse: 0.0, mae: 0.0 },
            quantiles: QuantileErrors::new(quantiles),
            crps: QuantileErrors::new(&CRPS),
            calibrated_on: 0,
            count: 0,
            covered: 0,
            width: 0.0,
            span: None,
            shown: Vec::new(),
        }
    }

    /// Adds the error of a raw prediction, transformed and scaled.
    fn add_scaled(&mut self, error: f64) {
        self.scaled.mse += error * error;
        self.scaled.mae += error.abs();
    }

    /// Adds a prediction in the units of the target; `last` is the last value of its window.
    fn add(&mut self, prediction: Prediction, last: f64, scale: ErrorScale) {
        let Prediction { step, time, actual, predicted, interval, .. } = prediction;
        self.errors[0][step - 1].add(actual, predicted, last, scale);
        self.quantiles.add(actual, &prediction.quantiles);
        if let Some([low, high]) = interval {
            self.covered += usize::from((low..=high).contains(&actual));
            self.width += high - low;
        }
        self.count += 1;
        let [first, latest] = self.span.unwrap_or([time; 2]);
        self.span = Some([first.min(time), latest.max(time)]);
        let is_first_series =
            self.shown.first().is_none_or(|first| first.series == prediction.series);
        if step == 1 && is_first_series {
            self.shown.push(prediction);
        }
    }

    /// Scores of each baseline, from the errors that `choose` selects.
    fn baselines(
        &self,
        names: &[String],
        choose: impl Fn(&[Errors]) -> Errors,
    ) -> Vec<BaselineScores> {
        let each = names.iter().zip(&self.errors[1..]);
        each.map(|(name, errors)| BaselineScores {
            name: name.clone(),
            scores: choose(errors).scores(),
        })
        .collect()
    }

    fn steps(&self, names: &[String]) -> Vec<StepScores> {
        let of_step = |step: usize| {
            let model = self.errors[0][step].scores();
            let baselines = self.baselines(names, |errors| errors[step]);
            StepScores { step: step + 1, skill: skill(&model, &baselines), model, baselines }
        };
        let steps = self.errors[0].len();
        if steps > 1 { (0..steps).map(of_step).collect() } else { Vec::new() }
    }
}

impl SeriesTask {
    /// Scores the mean of trained models. Writes its predictions as CSV to `predictions`, if given.
    pub(crate) fn evaluate_mean(
        &self,
        models: &[WithLoss<SeriesModel>],
        device: &Device,
        predictions: Option<&mut dyn Write>,
    ) -> Result<SeriesEvaluation> {
        let (config, settings) = (&self.data.config, &self.settings);
        let ensemble = &self.ensemble(models, device)?;
        let steps = config.horizon;
        let all = &self.data.panel.series;
        let has_close = all.iter().any(|series| series.close.is_some());
        let baselines = Baselines::new(&config.target, has_close, config);
        let names = baselines.names();
        let (forecast, quantiles) = (settings.loss.forecast(), &settings.quantiles());
        let intervals = settings
            .interval
            .filter(|_| !settings.is_adaptive())
            .map(|level| self.calibrate(ensemble, level, steps, device))
            .transpose()?;
        let series_names: Vec<String> = self.series().map(str::to_owned).collect();
        let has_interval = settings.level().is_some();
        let rows = predictions
            .map(|out| PredictionRows::new(out, &series_names, steps > 1, has_interval, quantiles));
        let mut rows = rows.transpose()?;
        let mut sums = ScoreSums::new(names.len(), steps, quantiles);
        let mut logged = Instant::now();
        for (index, series) in all.iter().enumerate() {
            if logged.elapsed() >= LOG_INTERVAL {
                log::info!(target: PROGRESS, "scoring: series {index} of {}", all.len());
                logged = Instant::now();
            }
            let origins = series.origins(settings.score);
            let known = origins.clone().next().unwrap_or(series.target.len());
            let scale = ErrorScale::new(&series.target[..known], config.seasons.first().copied());
            let fitted = baselines.fit(series);
            let spreads = spreads(series);
            let adaptive = self.adaptive(ensemble, series, device)?;
            sums.calibrated_on += adaptive.as_ref().map_or(0, |adaptive| adaptive.calibrated_on);
            let mut path = adaptive.as_ref().map(Adaptive::path);
            for (origin, outputs) in
                origins.clone().zip(predict(ensemble, series, origins, device)?)
            {
                let last = series.target[origin - 1];
                for (step, &raw) in outputs[forecast * steps..].iter().take(steps).enumerate() {
                    sums.add_scaled(raw - series.transform(origin, step));
                }
                let lines = lines(series, origin, &outputs, steps);
                let bands =
                    path.as_mut().map(|path| path.at(&series.target[..origin], &lines[forecast]));
                for (step, &predicted) in lines[forecast].iter().enumerate() {
                    let row = origin + step;
                    let (quantiles, interval) = match &bands {
                        Some(bands) => {
                            let Quantiles { shown, crps } = bands.quantiles(step, predicted);
                            sums.crps.add(series.target[row], &crps);
                            outer(shown)
                        }
                        None => interval(&lines, step, || {
                            Some(intervals.as_ref()?.0.around(step, predicted, spreads[origin]))
                        }),
                    };
                    let (time, actual) = (series.times[row], series.target[row]);
                    let (series, step) = (index, step + 1);
                    let prediction =
                        Prediction { series, time, step, actual, predicted, interval, quantiles };
                    if let Some(rows) = &mut rows {
                        rows.write(&prediction)?;
                    }
                    sums.add(prediction, last, scale);
                }
                for (errors, forecast) in
                    sums.errors[1..].iter_mut().zip(fitted.forecasts(origin, steps))
                {
                    for (step, (errors, predicted)) in errors.iter_mut().zip(forecast).enumerate() {
                        errors.add(series.target[origin + step], predicted, last, scale);
                    }
                }
            }
        }
        if let Some(rows) = rows {
            rows.finish()?;
        }
        let evaluation = self.evaluation(sums, &names, intervals)?;
        Ok(SeriesEvaluation { fractions: ensemble.fractions.clone(), ..evaluation })
    }

    fn evaluation(
        &self,
        sums: ScoreSums,
        names: &[String],
        intervals: Option<(Conformal, usize)>,
    ) -> Result<SeriesEvaluation> {
        let config = &self.data.config;
        let overall =
            |errors: &[Errors]| errors.iter().copied().fold(Errors::default(), Errors::and);
        let (model, baselines) =
            (overall(&sums.errors[0]).scores(), sums.baselines(names, overall));
        if !model.mse.is_finite() {
            return Err(Error::NotFinite(format!("a mean squared error of {}", model.mse)));
        }
        let (steps, windows) = (sums.steps(names), sums.count / config.horizon);
        let count = sums.count as f64;
        let mse = sums.scaled.mse / count;
        Ok(SeriesEvaluation {
            experiment: self.name().to_owned(),
            target: config.target.clone(),
            split: if config.split == Split::Course { "course" } else { "holdout" }.to_owned(),
            set: if self.settings.score == Subset::Valid { "valid" } else { "test" }.to_owned(),
            span: sums.span.unwrap_or_default(),
            best_epoch: None,
            windows,
            zeros: Some(self.zeros()),
            horizon: config.horizon,
            skill: skill(&model, &baselines),
            model,
            scaled: ScaledScores { mse, rmse: mse.sqrt(), mae: sums.scaled.mae / count },
            baselines,
            steps,
            interval: self.settings.level().map(|level| IntervalScores {
                level,
                method: match intervals {
                    Some((intervals, calibrated_on)) => {
                        IntervalMethod::SplitConformal { intervals, calibrated_on }
                    }
                    None => {
                        let (quantiles, pinball) = sums.quantiles.scores();
                        match self.settings.is_adaptive() {
                            true => IntervalMethod::Adaptive {
                                calibrated_on: sums.calibrated_on,
                                quantiles,
                                pinball,
                                crps: 2.0 * sums.crps.scores().1,
                            },
                            false => IntervalMethod::Quantiles { quantiles, pinball },
                        }
                    }
                },
                coverage: sums.covered as f64 / count,
                mean_width: sums.width / count,
            }),
            fractions: None,
            data: self.data.source.clone(),
            shown: sums.shown,
        })
    }

    /// Calibrates prediction intervals on the validation set. Returns them with the number of
    /// forecasts used.
    pub(super) fn calibrate(
        &self,
        ensemble: &Ensemble<'_>,
        level: f64,
        steps: usize,
        device: &Device,
    ) -> Result<(Conformal, usize)> {
        let mut calibration = Calibration::new(steps, self.is_logarithmic());
        let mut count = 0;
        for series in &self.data.panel.series {
            let spreads = spreads(series);
            for (origin, predicted) in self.validation_forecasts(ensemble, series, steps, device)? {
                count += 1;
                for (step, &predicted) in predicted[0].iter().enumerate() {
                    calibration.add(step, series.target[origin + step], predicted, spreads[origin]);
                }
            }
        }
        let intervals = calibration.intervals(level).ok_or_else(|| too_few(level, steps, count))?;
        Ok((intervals, count))
    }
}
