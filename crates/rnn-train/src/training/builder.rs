//! The builder with which a Rust program trains a model.

use std::{path::PathBuf, sync::Arc};

use burn::tensor::Device;
use rnn_data::Table;

use super::{
    checkpoint::Best,
    claim::Claim,
    observer::{Observer, Silent, Watch},
    run::Finished,
};
use crate::{
    backend::{Backend, BackendChoice, USE_CPU},
    error::{Error, Result},
    evaluation::Forecast,
    run::RunFolder,
    settings::{Field, OptionList, Options, Role, TrainSettings},
    task::{Format, SeriesTask, Task},
    text::PROGRESS,
};

/// Trains a task, in memory or in a folder. A run in a folder can resume after any interruption.
///
/// Nothing is printed: an [`Observer`] receives the progress, and messages go to the `log` crate.
/// On a CPU the same seed gives the same weights, even while other threads train or load models.
/// Burn has one random number generator per process. If the caller draws from it during training,
/// the result changes.
///
/// # Examples
///
/// ```
/// use jiff::{ToSpan, civil::date};
/// use rnn_data::Table;
/// use rnn_train::{Options, SeriesTask, Training};
///
/// let first = date(2024, 1, 1).at(0, 0, 0, 0);
/// let times = (0..400).map(|day| first + day.days()).collect();
/// let values = (0..400).map(|day| 10.0 + (f64::from(day) / 7.0).sin()).collect();
/// let table = Table::from_columns("sensor", times, [("temperature", values)])?;
/// let options = Options::default().window(14).units([8]).epochs(2);
/// let task = SeriesTask::from_table(table, options)?;
///
/// let model = Training::new(&task).run()?;
/// assert!(model.evaluate()?.model.rmse.is_finite());
/// assert_eq!(model.forecast(3)?[0].values.len(), 3);
/// # Ok::<(), rnn_train::Error>(())
/// ```
#[must_use = "a training starts with `run`"]
pub struct Training<'a, T: Task> {
    task: &'a T,
    options: Options,
    folder: Option<PathBuf>,
    fresh: bool,
    backend: BackendChoice,
    observer: Arc<dyn Observer>,
    stop_on_signals: bool,
}

/// A trained model with its task.
pub struct TrainedModel<'a, T: Task> {
    task: &'a T,
    model: T::Model,
    best: Best,
    backend: Backend,
    device: Device,
}

impl<'a, T: Task> Training<'a, T> {
    /// Trains in memory, with the options of the task.
    pub fn new(task: &'a T) -> Self {
        let (options, observer) = (Options::default(), Arc::new(Silent));
        Self {
            task,
            options,
            folder: None,
            fresh: false,
            backend: BackendChoice::Auto,
            observer,
            stop_on_signals: false,
        }
    }

    /// Training options that override those of the task: epochs, batch size, learning rate, seed,
    /// optimizer and so on. Data, loss and model options belong to the task.
    pub fn options(mut self, options: Options) -> Self {
        self.options = options;
        self
    }

    /// Trains in a folder, and writes checkpoints, settings, scores, weights and plots there.
    ///
    /// An interrupted run resumes; a finished one continues from its best weights.
    pub fn folder(mut self, folder: impl Into<PathBuf>) -> Self {
        self.folder = Some(folder.into());
        self
    }

    /// Starts over. Results of an earlier run are kept until this run has a best checkpoint.
    pub fn fresh(mut self) -> Self {
        self.fresh = true;
        self
    }

    /// The backend; [`BackendChoice::Auto`] by default.
    ///
    /// With GPU support compiled in, `Auto` times the GPU against the CPU once. It keeps the times
    /// in the user's cache folder. If a GPU stops responding, the process exits.
    pub fn backend(mut self, backend: BackendChoice) -> Self {
        self.backend = backend;
        self
    }

    /// Receives the progress; [`Silent`] by default.
    pub fn observer(mut self, observer: impl Observer + 'static) -> Self {
        self.observer = Arc::new(observer);
        self
    }

    /// Stops on Ctrl-C and SIGTERM: the step is finished and the state saved.
    ///
    /// The signal handlers stay installed in this process.
    pub fn stop_on_signals(mut self) -> Self {
        self.stop_on_signals = true;
        self
    }

    /// Trains, and returns the model with its best weights.
    ///
    /// # Errors
    ///
    /// If options are invalid or conflict, or the folder holds another model or is in use. Also
    /// if the loss is not finite, files cannot be written, or training is interrupted.
    pub fn run(self) -> Result<TrainedModel<'a, T>> {
        let recipe = self.task.options();
        check_training_options(&self.options, &recipe)?;
        let settings = TrainSettings::new(self.options.checked()?.over(recipe.clone()), &recipe)?;
        let claim = match self.folder {
            Some(folder) => {
                Claim::take(RunFolder { name: self.task.name().to_owned(), folder }, self.fresh)?
            }
            None => Claim::memory(),
        };
        claim.check(&settings.options)?;
        let run = claim.decide(self.task, &settings)?;
        let (backend, why) = Backend::choose(self.backend)?;
        log::info!(target: PROGRESS, "{why}");
        let watch =
            Watch { observer: self.observer, interface: false, signals: self.stop_on_signals };
        let finished = run.go(&backend, &watch)?;
        let Finished { model, best, device } =
            finished.ok_or_else(|| Error::Training("no epoch was completed".to_owned()))?;
        Ok(TrainedModel { task: self.task, model, best, backend, device })
    }
}

/// Rejects data, loss and model options: the task was created with them.
fn check_training_options(asked: &Options, task: &Options) -> Result<()> {
    let (asked, task) = (asked.entries()?, task.entries()?);
    let of_task = |name: &&String| {
        Options::field(name).is_some_and(|field| field.heading == Some(Options::SERIES))
            && asked.get(*name) != task.get(*name)
    };
    match asked.keys().find(of_task) {
        Some(name) => Err(Error::Usage(format!(
            "{name}: is an option of the task, not of the training (create the task with it)"
        ))),
        None => Ok(()),
    }
}

impl RunFolder {
    /// Loads the best weights of a run for its task.
    ///
    /// Pass the task that the run was trained with, or, for other rows, the one that
    /// [`series_task`](Self::series_task) returns.
    ///
    /// # Errors
    ///
    /// If the folder has no intact checkpoint of this task. Also when the model, the loss, the
    /// data options or the scalers differ.
    pub fn load<'a, T: Task>(
        &self,
        task: &'a T,
        backend: BackendChoice,
    ) -> Result<TrainedModel<'a, T>> {
        let folder = Self { name: task.name().to_owned(), ..self.clone() };
        let (options, checkpoints, best) = folder.trained()?;
        let of_task = |field: &Field| !matches!(field.role, Role::Training | Role::Program);
        let changes = task.options().only(of_task).changes_from(&options.only(of_task))?;
        let refused = |problem: String| Error::Artifact { path: self.folder.clone(), problem };
        if let Some(difference) = changes.refused {
            return Err(refused(format!("was trained with {difference}")));
        }
        if best.provenance.scalers != task.provenance().scalers {
            let problem = "was trained on data with different scalers (for other rows use \
                           RunFolder::series_task)";
            return Err(refused(problem.to_owned()));
        }
        let (backend, why) = Backend::choose(backend)?;
        log::info!(target: PROGRESS, "{why}");
        let device = backend.device.clone();
        let model = backend.guard(USE_CPU, || checkpoints.load(task, &device, &best))?;
        Ok(TrainedModel { task, model, best, backend, device })
    }

    /// The task of a run on other rows, for example newer ones.
    ///
    /// It has the options of the run and the scalers fitted on its training set.
    ///
    /// # Errors
    ///
    /// If the folder has no checkpoint, there are too few rows, or a column is missing.
    pub fn series_task(&self, table: Table) -> Result<SeriesTask> {
        let (options, _, best) = self.trained()?;
        let options = Options { data: None, future_data: None, ..options };
        SeriesTask::from_rows(table, options, best.provenance.scalers.as_ref())
    }
}

impl<T: Task> TrainedModel<'_, T> {
    /// The model, with its best weights.
    pub fn model(&self) -> &T::Model {
        &self.model
    }

    /// The device of the model.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// Epoch of the best weights, counted from 1.
    pub fn best_epoch(&self) -> usize {
        self.best.epoch
    }

    /// Validation loss of the best weights; the training loss if there is no validation set.
    pub fn best_loss(&self) -> f64 {
        self.best.loss
    }

    /// Scores the model.
    ///
    /// # Errors
    ///
    /// If its predictions are not finite.
    pub fn evaluate(&self) -> Result<T::Evaluation> {
        self.backend
            .guard(USE_CPU, || self.task.evaluate(&self.model, self.best.epoch, &self.device, None))
    }

    /// Encodes the weights in a file format.
    ///
    /// # Errors
    ///
    /// If they cannot be read from their device.
    pub fn weights(&self, format: Format) -> Result<Vec<u8>> {
        self.task.weights(&self.model, format)
    }
}

impl TrainedModel<'_, SeriesTask> {
    /// Forecasts the next rows of each series, with prediction intervals if `interval` is set.
    ///
    /// # Errors
    ///
    /// If `steps` is 0, or when it exceeds the horizon and later features are unknown.
    pub fn forecast(&self, steps: usize) -> Result<Vec<Forecast>> {
        if steps == 0 {
            return Err(Error::Usage("steps: expected at least 1, got 0".to_owned()));
        }
        self.backend.guard(USE_CPU, || {
            self.task.forecast(std::slice::from_ref(&self.model), steps, &self.device)
        })
    }
}
