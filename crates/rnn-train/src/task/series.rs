use std::io::Write;

use burn::{
    data::dataset::Dataset,
    tensor::Device,
    train::{SupervisedTraining, metric::LossMetric},
};
use rnn_data::{EpochLoaderBuilder, Naive, Scalers, Subset, Table, WindowBatch, WindowBatcher};
use rnn_models::{ModelSummary, SeriesModel, SeriesModelConfig};

use super::{
    Batching, Loaders, Task, automatic,
    calibration::{needed, too_few},
    data::{Data, absolute},
    objective::WithLoss,
    weights::{Format, encode},
};
use crate::{
    error::{Error, Result},
    evaluation::{MOSTLY, SeriesEvaluation},
    plot::{self, Picture},
    run::{PREDICTION, Provenance},
    settings::{Count, Experiment, Loss, OptionList, Options, Seasons, SeriesSettings, Typed},
};

/// Windows from which on a validation leaves some out, if epochs draw theirs.
const VALIDATED: usize = 4000;

/// The task of forecasting one or many series.
///
/// # Examples
///
/// ```
/// use jiff::{ToSpan, civil::date};
/// use rnn_data::Table;
/// use rnn_train::{Options, SeriesTask};
///
/// let first = date(2024, 1, 1).at(0, 0, 0, 0);
/// let times = (0..400).map(|day| first + day.days()).collect();
/// let values = (0..400).map(|day| 10.0 + (f64::from(day) / 7.0).sin()).collect();
/// let table = Table::from_columns("sensor", times, [("temperature", values)])?;
///
/// let options = Options::default().target("temperature").window(14).horizon(7);
/// let task = SeriesTask::from_table(table, options)?;
/// assert_eq!(task.series().count(), 1);
/// # Ok::<(), rnn_train::Error>(())
/// ```
pub struct SeriesTask {
    name: String,
    options: Options,
    pub(crate) settings: SeriesSettings,
    pub(crate) data: Data,
}

impl SeriesTask {
    /// A task on rows in memory. Unset options take the defaults of the experiment `series`.
    ///
    /// # Errors
    ///
    /// If options conflict, there are too few rows, or a column is missing.
    pub fn from_table(table: Table, options: Options) -> Result<Self> {
        if options.data.is_some() {
            let problem = "data: the rows are in memory (leave this option unset)".to_owned();
            return Err(Error::Usage(problem));
        }
        let task = Self::from_rows(table, options, None)?;
        task.check()?;
        Ok(task)
    }

    /// A task on rows in memory. Scalers of a trained model are passed in.
    pub(crate) fn from_rows(
        table: Table,
        options: Options,
        scalers: Option<&Scalers>,
    ) -> Result<Self> {
        let recipe = Experiment::series().options();
        let options = options.checked()?.over(recipe.clone());
        let settings = SeriesSettings::new(&options, &recipe)?;
        let data = Data::from_table(&settings, table, scalers)?;
        Self::new(Experiment::series().name(), options, settings, data)
    }

    /// Reads the data and logs its warnings. Scalers of a trained model are passed in; those of a
    /// new model are fitted on the training set.
    pub(crate) fn open(
        experiment: Experiment,
        options: Options,
        scalers: Option<&Scalers>,
    ) -> Result<Self> {
        let settings = SeriesSettings::new(&options, &experiment.options())?;
        let data = Data::open(&settings, scalers)?;
        Self::new(experiment.name(), options, settings, data)
    }

    /// Records the columns chosen by default in the options, so that later runs use the same.
    fn new(
        name: &str,
        mut options: Options,
        mut settings: SeriesSettings,
        data: Data,
    ) -> Result<Self> {
        for (subset, name) in
            [(Subset::Train, "training"), (Subset::Valid, "validation"), (Subset::Test, "test")]
        {
            if data.panel.windows(subset).len() == 0 {
                return Err(Error::Usage(format!(
                    "{name} set: too short for a window (use a smaller --window, or change \
                     --valid and --test)"
                )));
            }
        }
        options.target = Some(data.config.target.clone());
        options.features = Some(data.config.features.iter().map(ToString::to_string).collect());
        options.data.clone_from(&data.source.path);
        for path in [&mut options.future_data, &mut options.static_data].into_iter().flatten() {
            *path = absolute(path)?;
        }
        options.future = options.future.map(|_| data.config.future.clone());
        options.season = Some(Typed(Seasons::of(&data.config.seasons)));
        options.window = Some(Typed(Count(data.config.window)));
        let windows = data.panel.windows(Subset::Train).len();
        let steps =
            automatic::Steps::new(settings.samples.map_or(windows, |most| most.min(windows)));
        options = options.over(steps.options());
        settings.samples = options.samples.filter(|samples| *samples > 0);
        let task = Self { name: name.to_owned(), options, settings, data };
        task.note_zeros();
        Ok(task)
    }

    /// The names of the series.
    pub fn series(&self) -> impl Iterator<Item = &str> {
        self.data.panel.series.iter().map(|series| series.name.as_str())
    }

    /// Whether errors are ratios: all series of a panel have the same scale.
    pub(super) fn is_logarithmic(&self) -> bool {
        self.data.panel.series.iter().any(|series| series.is_logarithmic())
    }

    /// The fraction of rows whose target is 0.
    pub(super) fn zeros(&self) -> f64 {
        let values = || self.data.panel.series.iter().flat_map(|series| &series.target);
        values().filter(|value| **value == 0.0).count() as f64 / values().count() as f64
    }

    /// Says that the median of mostly zeros is 0.
    fn note_zeros(&self) {
        let zeros = self.zeros();
        if zeros > MOSTLY && matches!(self.settings.loss.name, Loss::Mae | Loss::Quantile) {
            log::info!(
                "{}: {:.0}% of the values of `{}` are 0, so their median is 0 (use --loss mse to \
                 forecast the mean)",
                self.data.source.file,
                100.0 * zeros,
                self.data.config.target
            );
        }
    }

    /// Rejects settings with which scoring would fail after training.
    pub(crate) fn check(&self) -> Result<()> {
        let panel = &self.data.panel;
        let shortest =
            panel.series.iter().map(|series| series.rows(Subset::Train).len()).min().unwrap_or(0);
        self.check_sets(shortest, panel.windows(Subset::Valid).len())
    }

    /// Checks the settings for sets of these sizes.
    pub(crate) fn check_sets(&self, training_rows: usize, validation_windows: usize) -> Result<()> {
        let long = self.data.config.seasons.iter().find(|season| **season >= training_rows);
        if let Some(season) = long {
            let problem = format!(
                "season length {season}: must be less than the {training_rows} rows of the \
                 training set (use a smaller --season)"
            );
            return Err(Error::Usage(problem));
        }
        if let Naive::Seasonal(season) = self.settings.naive
            && season >= training_rows
            && self.settings.transform.is_residual()
        {
            let problem = format!(
                "naive forecast seasonal:{season}: the season length must be less than the \
                 {training_rows} rows of the training set (use a shorter season)"
            );
            return Err(Error::Usage(problem));
        }
        let is_too_high =
            |level: &f64| !self.settings.is_adaptive() && needed(*level) > validation_windows;
        match self.settings.interval.filter(is_too_high) {
            Some(level) => Err(too_few(level, self.settings.horizon, validation_windows)),
            None => Ok(()),
        }
    }

    fn model_config(&self) -> SeriesModelConfig {
        SeriesModelConfig::new(self.settings.cell)
            .with_features(self.data.panel.series[0].width())
            .with_units(self.settings.units.clone())
            .with_horizon(self.settings.horizon)
            .with_quantiles(self.settings.loss.quantiles.len().max(1))
            .with_median(self.settings.loss.forecast())
            .with_dropout(self.settings.dropout)
            .with_zero_output(self.settings.transform.is_residual())
    }
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
        WithLoss { model: self.model_config().init(device), loss: self.settings.loss.clone() }
    }

    fn model_to_load(&self, device: &Device) -> WithLoss<SeriesModel> {
        WithLoss { model: self.model_config().init_zeros(device), loss: self.settings.loss.clone() }
    }

    fn parameters(&self) -> Option<usize> {
        // More than fit into memory are no number of a checkpoint either.
        Some(self.model_config().num_params().unwrap_or(usize::MAX))
    }

    fn summary(&self, model: &WithLoss<SeriesModel>) -> Option<ModelSummary> {
        Some(model.model.summary(self.data.config.window))
    }

    fn weights(&self, model: &WithLoss<SeriesModel>, format: Format) -> Result<Vec<u8>> {
        // What another program needs to compute inputs and to read outputs.
        let json = |value: serde_json::Result<serde_json::Value>| {
            value.map_err(|error| Error::Internal(error.to_string()))
        };
        let no_path =
            Options { data: None, future_data: None, static_data: None, ..self.options() };
        let options = no_path.of_series();
        let options = options.entries()?;
        let mut metadata = vec![("options", json(serde_json::to_value(options))?)];
        if let Some(scalers) = &self.provenance().scalers {
            metadata.push(("scalers", json(serde_json::to_value(scalers))?));
        }
        encode(&model.model, format, &self.name, &metadata)
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
        let valid = match self.settings.samples {
            Some(samples) => windows(Subset::Valid).thinned(samples.max(VALIDATED)),
            None => windows(Subset::Valid),
        };
        Loaders { train: train.build(windows(Subset::Train)), valid: loader().build(valid) }
    }

    fn metrics(
        &self,
        training: SupervisedTraining<WithLoss<SeriesModel>>,
    ) -> SupervisedTraining<WithLoss<SeriesModel>> {
        training.metrics((LossMetric::new(),))
    }

    fn provenance(&self) -> Provenance {
        // Series of a folder have their own scalers, which are fitted again.
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
        Ok(vec![(PREDICTION, plot::predictions(evaluation, &series)?)])
    }
}
