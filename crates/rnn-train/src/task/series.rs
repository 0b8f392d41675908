use std::{
    io::Write,
    time::{Duration, Instant},
};

use burn::{
    data::dataset::Dataset,
    tensor::Device,
    train::{SupervisedTraining, metric::LossMetric},
};
use jiff::civil::DateTime;
use rnn_data::{
    EpochLoaderBuilder, Naive, Scalers, Split, Subset, Table, WindowBatch, WindowBatcher,
};
use rnn_models::{ModelSummary, SeriesModel, SeriesModelConfig};

use super::{
    Batching, Loaders, Task,
    data::Data,
    objective::WithLoss,
    outputs::{interval, lines, predict},
    weights::{Format, encode},
};
use crate::{
    error::{Error, Result},
    evaluation::{
        BaselineScores, Baselines, Calibration, Conformal, Errors, IntervalMethod, IntervalScores,
        Prediction, PredictionRows, QuantileErrors, ScaledScores, SeriesEvaluation, StepScores,
        Yardstick, skill, spreads,
    },
    plot::{self, Picture},
    run::Provenance,
    settings::{Experiment, OptionList, Options, SeriesSettings},
};

/// Scoring many series says how far it is this often.
const TOLD_EVERY: Duration = Duration::from_secs(10);

/// Learning the next values of one or many series.
pub struct SeriesTask {
    name: String,
    options: Options,
    pub(crate) settings: SeriesSettings,
    pub(crate) data: Data,
}

impl SeriesTask {
    /// A task on rows in memory, with the options of the experiment `series` where others are not
    /// set.
    ///
    /// # Errors
    ///
    /// When options do not go together, the rows are too few for them, or a column is missing.
    pub fn from_table(table: Table, options: Options) -> Result<Self> {
        let recipe = Experiment::series().options();
        let options = options.checked()?.over(recipe.clone());
        let settings = SeriesSettings::new(&options, &recipe)?;
        let data = Data::from_table(&settings, table, None)?;
        let task = Self::new(Experiment::series().name(), options, settings, data)?;
        task.check()?;
        Ok(task)
    }

    /// Reads the data and logs what is odd about it. The scalers of a trained model are given;
    /// those of a new model are fitted on the training set.
    pub(crate) fn open(
        experiment: Experiment,
        options: Options,
        scalers: Option<&Scalers>,
    ) -> Result<Self> {
        let settings = SeriesSettings::new(&options, &experiment.options())?;
        let data = Data::open(&settings, scalers)?;
        Self::new(experiment.name(), options, settings, data)
    }

    /// Puts what was guessed from the data into the options, so that whoever reads them again need
    /// not guess.
    fn new(name: &str, mut options: Options, settings: SeriesSettings, data: Data) -> Result<Self> {
        for (subset, name) in
            [(Subset::Train, "training"), (Subset::Valid, "validation"), (Subset::Test, "test")]
        {
            if data.panel.windows(subset).len() == 0 {
                return Err(Error::Usage(format!(
                    "no window fits into the {name} part; use a smaller --window, or other --valid and --test"
                )));
            }
        }
        options.target = Some(data.config.target.clone());
        options.features = Some(data.config.features.iter().map(ToString::to_string).collect());
        options.data.clone_from(&data.source.path);
        Ok(Self { name: name.to_owned(), options, settings, data })
    }

    /// The names of the series.
    pub fn series(&self) -> impl Iterator<Item = &str> {
        self.data.panel.series.iter().map(|series| series.name.as_str())
    }

    /// Refuses what would turn out only when a trained model is scored.
    pub(crate) fn check(&self) -> Result<()> {
        let panel = &self.data.panel;
        let shortest =
            panel.series.iter().map(|series| series.rows(Subset::Train).len()).min().unwrap_or(0);
        self.check_parts(shortest, panel.windows(Subset::Valid).len())
    }

    /// The same for parts of these sizes.
    pub(crate) fn check_parts(
        &self,
        training_rows: usize,
        validation_windows: usize,
    ) -> Result<()> {
        if let Some(season) = self.settings.season.filter(|season| *season >= training_rows) {
            let problem = format!(
                "a season of {season} rows does not fit into a training part of {training_rows}; use a smaller --season"
            );
            return Err(Error::Usage(problem));
        }
        if let Naive::Seasonal(season) = self.settings.naive
            && season >= training_rows
            && self.settings.transform.is_residual()
        {
            let problem = format!(
                "the naive forecast seasonal:{season} does not fit into a training part of {training_rows} rows; use a shorter season"
            );
            return Err(Error::Usage(problem));
        }
        match self.settings.interval.filter(|level| needed(*level) > validation_windows) {
            Some(level) => Err(too_few(level, self.settings.horizon, validation_windows)),
            None => Ok(()),
        }
    }

    /// Scores the mean of some trained models; what they predict is written as CSV, where it is
    /// asked for.
    pub(crate) fn evaluate_mean(
        &self,
        models: &[WithLoss<SeriesModel>],
        device: &Device,
        predictions: Option<&mut dyn Write>,
    ) -> Result<SeriesEvaluation> {
        let config = &self.data.config;
        let steps = config.horizon;
        let all = &self.data.panel.series;
        let baselines = Baselines::new(
            &config.target,
            all.iter().any(|series| series.close.is_some()),
            self.settings.season,
        );
        let names = baselines.names();
        let (forecast, quantiles) = (self.settings.loss.forecast(), &self.settings.loss.quantiles);
        let intervals = self
            .settings
            .interval
            .map(|level| self.calibrate(models, level, steps, device))
            .transpose()?;
        let mut errors = vec![vec![Errors::default(); steps]; 1 + names.len()];
        let mut scaled = ScaledScores { mse: 0.0, rmse: 0.0, mae: 0.0 };
        let series_names: Vec<String> = self.series().map(str::to_owned).collect();
        let rows = predictions.map(|out| {
            PredictionRows::new(
                out,
                &series_names,
                steps > 1,
                self.settings.level().is_some(),
                quantiles,
            )
        });
        let mut rows = rows.transpose()?;
        let (mut shown, mut count, mut covered, mut width) =
            (Vec::<Prediction>::new(), 0usize, 0usize, 0.0);
        let mut quantile_errors = QuantileErrors::new(quantiles);
        let mut span: Option<[DateTime; 2]> = None;
        let mut told = Instant::now();
        for (index, series) in all.iter().enumerate() {
            if told.elapsed() >= TOLD_EVERY {
                log::info!("scoring: series {index} of {}", all.len());
                told = Instant::now();
            }
            let origins = series.origins(self.settings.score);
            let yardstick = Yardstick::new(series, self.settings.season);
            let fitted = baselines.fit(series);
            let spreads = spreads(series);
            for (origin, outputs) in origins.clone().zip(predict(models, series, origins, device)?)
            {
                let last = series.target[origin - 1];
                for (step, &raw) in outputs[forecast * steps..].iter().take(steps).enumerate() {
                    let error = raw - series.transform(origin, step);
                    scaled.mse += error * error;
                    scaled.mae += error.abs();
                }
                let lines = lines(series, origin, &outputs, steps);
                for (step, &predicted) in lines[forecast].iter().enumerate() {
                    let actual = series.target[origin + step];
                    errors[0][step].add(actual, predicted, last, yardstick);
                    let conformal =
                        || Some(intervals.as_ref()?.0.around(step, predicted, spreads[origin]));
                    let (quantiles, interval) = interval(&lines, step, conformal);
                    quantile_errors.add(actual, &quantiles);
                    if let Some([low, high]) = interval {
                        covered += usize::from((low..=high).contains(&actual));
                        width += high - low;
                    }
                    let time = series.times[origin + step];
                    let prediction = Prediction {
                        series: index,
                        time,
                        step: step + 1,
                        actual,
                        predicted,
                        interval,
                        quantiles,
                    };
                    if let Some(rows) = &mut rows {
                        rows.write(&prediction)?;
                    }
                    count += 1;
                    let [first, last] = span.unwrap_or([time; 2]);
                    span = Some([first.min(time), last.max(time)]);
                    if step == 0 && shown.first().is_none_or(|first| first.series == index) {
                        shown.push(prediction);
                    }
                }
                for (errors, forecast) in
                    errors[1..].iter_mut().zip(fitted.forecasts(origin, steps))
                {
                    for (step, (errors, predicted)) in errors.iter_mut().zip(forecast).enumerate() {
                        errors.add(series.target[origin + step], predicted, last, yardstick);
                    }
                }
            }
        }
        if let Some(rows) = rows {
            rows.finish()?;
        }
        let windows = count / steps;
        let count = count as f64;
        (scaled.mse, scaled.mae) = (scaled.mse / count, scaled.mae / count);
        scaled.rmse = scaled.mse.sqrt();
        let named = |scores: &dyn Fn(&[Errors]) -> Errors| -> Vec<BaselineScores> {
            let each = names.iter().zip(&errors[1..]);
            each.map(|(name, errors)| BaselineScores {
                name: name.clone(),
                scores: scores(errors).scores(),
            })
            .collect()
        };
        let overall =
            |errors: &[Errors]| errors.iter().copied().fold(Errors::default(), Errors::and);
        let (model, baseline_scores) = (overall(&errors[0]).scores(), named(&overall));
        if !model.mse.is_finite() {
            return Err(Error::NotFinite(format!("a mean squared error of {}", model.mse)));
        }
        let of_step = |step: usize| {
            let (model, baselines) = (errors[0][step].scores(), named(&|errors| errors[step]));
            StepScores { step: step + 1, skill: skill(&model, &baselines), model, baselines }
        };
        Ok(SeriesEvaluation {
            experiment: self.name.clone(),
            target: config.target.clone(),
            split: if config.split == Split::Course { "course" } else { "holdout" }.to_owned(),
            part: if self.settings.score == Subset::Valid { "valid" } else { "test" }.to_owned(),
            span: span.unwrap_or_default(),
            best_epoch: None,
            windows,
            horizon: steps,
            skill: skill(&model, &baseline_scores),
            model,
            scaled,
            baselines: baseline_scores,
            steps: if steps > 1 { (0..steps).map(of_step).collect() } else { Vec::new() },
            interval: self.settings.level().map(|level| IntervalScores {
                level,
                method: match intervals {
                    Some((intervals, calibrated_on)) => {
                        IntervalMethod::SplitConformal { intervals, calibrated_on }
                    }
                    None => quantile_errors.scores(),
                },
                coverage: covered as f64 / count,
                mean_width: width / count,
            }),
            data: self.data.source.clone(),
            shown,
        })
    }

    /// Prediction intervals for some steps, from the errors on the validation part; and how many
    /// forecasts they come from.
    pub(super) fn calibrate(
        &self,
        models: &[WithLoss<SeriesModel>],
        level: f64,
        steps: usize,
        device: &Device,
    ) -> Result<(Conformal, usize)> {
        let mut calibration = Calibration::new(steps, self.data.config.transform.is_logarithmic());
        let mut count = 0;
        for series in &self.data.panel.series {
            let spreads = spreads(series);
            for (origin, predicted) in self.validation_forecasts(models, series, steps, device)? {
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

/// Forecasts that intervals of a level come from at least: theirs is the error whose rank is that
/// share of one more than there are.
fn needed(level: f64) -> usize {
    let near = (level / (1.0 - level)).floor() as usize;
    (near.max(1)..)
        .find(|count| ((count + 1) as f64 * level).ceil() as usize <= *count)
        .unwrap_or(near)
}

fn too_few(level: f64, steps: usize, count: usize) -> Error {
    let (needed, plural) = (needed(level), if steps == 1 { "" } else { "s" });
    Error::Usage(format!(
        "intervals of {level} need at least {needed} forecasts of {steps} step{plural} in the validation part, which has {count}; use a larger \
         --valid, a smaller --interval or fewer steps"
    ))
}

impl Task for SeriesTask {
    const VALIDATES: bool = true;
    type Batch = WindowBatch;
    type Model = WithLoss<SeriesModel>;
    type Evaluation = SeriesEvaluation;

    fn name(&self) -> &str {
        &self.name
    }

    fn options(&self) -> Options {
        self.options.clone()
    }

    fn model(&self, device: &Device) -> WithLoss<SeriesModel> {
        let config = SeriesModelConfig::new(self.settings.cell)
            .with_features(self.data.panel.series[0].width())
            .with_units(self.settings.units.clone())
            .with_horizon(self.settings.horizon)
            .with_quantiles(self.settings.loss.quantiles.len().max(1))
            .with_median(self.settings.loss.forecast())
            .with_dropout(self.settings.dropout)
            .with_zero_output(self.settings.transform.is_residual());
        WithLoss { model: config.init(device), loss: self.settings.loss.clone() }
    }

    fn summary(&self, model: &WithLoss<SeriesModel>) -> Option<ModelSummary> {
        Some(model.model.summary(self.settings.window))
    }

    fn weights(&self, model: &WithLoss<SeriesModel>, format: Format) -> Result<Vec<u8>> {
        encode(&model.model, format, &self.name)
    }

    fn loaders(&self, batching: Batching, device: &Device) -> Loaders<WindowBatch> {
        let Batching { batch_size, seed, first_epoch, steps_done } = batching;
        let loader = || {
            EpochLoaderBuilder::new(WindowBatcher)
                .batch_size(batch_size)
                .first_epoch(first_epoch)
                .set_device(device.clone())
        };
        let train = loader().shuffle(seed).samples(self.settings.samples).skip_batches(steps_done);
        let windows = |subset| self.data.panel.windows(subset);
        Loaders {
            train: train.build(windows(Subset::Train)),
            valid: loader().build(windows(Subset::Valid)),
        }
    }

    fn metrics(
        &self,
        training: SupervisedTraining<WithLoss<SeriesModel>>,
    ) -> SupervisedTraining<WithLoss<SeriesModel>> {
        training.metrics((LossMetric::new(),))
    }

    fn provenance(&self) -> Provenance {
        // Each series of a folder has scalers of its own, which are fitted again.
        let one = self.data.panel.series.first().filter(|_| self.data.panel.series.len() == 1);
        Provenance {
            data: Some(self.data.source.clone()),
            scalers: one.map(|series| series.scalers.clone()),
        }
    }

    fn has_predictions(&self) -> bool {
        true
    }

    fn evaluate(
        &self,
        model: &WithLoss<SeriesModel>,
        best_epoch: usize,
        device: &Device,
        predictions: Option<&mut dyn Write>,
    ) -> Result<SeriesEvaluation> {
        let evaluation = self.evaluate_mean(std::slice::from_ref(model), device, predictions)?;
        Ok(SeriesEvaluation { best_epoch: Some(best_epoch), ..evaluation })
    }

    fn pictures(&self, evaluation: &SeriesEvaluation) -> Result<Vec<(&'static str, Picture)>> {
        let series: Vec<&str> = self.series().collect();
        Ok(vec![("prediction", plot::predictions(evaluation, &series)?)])
    }
}
