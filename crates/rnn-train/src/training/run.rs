//! A run as three steps: [`Claim`] the folder, [`Claim::decide`] what to resume, [`Run::go`].

use std::{path::Path, sync::Arc};

use burn::{module::Module, tensor::Device};
use rnn_files::Lock;
use rnn_models::ModelSummary;

use super::{
    checkpoint::{Best, Checkpoints, Last, blank},
    fit::{Fit, initial},
    interrupt::Signals,
    observer::Watch,
    report::report,
};
use crate::{
    backend::{Backend, SMALLER_BATCH, USE_CPU, default_cpu},
    error::{Error, Result},
    run::{History, METRICS, Provenance, RunConfig, RunFolder},
    settings::{Changes, OptionList, Options, TrainSettings},
    task::Task,
};

/// Lock file of a training run.
const LOCK: &str = ".train.lock";

/// A run folder claimed by this process, or no folder for a run in memory.
pub(crate) struct Claim {
    folder: Option<RunFolder>,
    /// None if the folder does not exist. It is created and locked after all checks.
    lock: Option<Lock>,
    fresh: bool,
    earlier: Option<EarlierRun>,
}

/// An earlier run in the same folder.
struct EarlierRun {
    config: RunConfig,
    checkpoints: Arc<Checkpoints>,
}

/// Where a training starts.
enum Start {
    /// Start with new weights.
    New,
    /// Continue from the best weights of the earlier run.
    Best(Best),
    /// Resume the interrupted run.
    Last(Last),
}

/// A run that is ready to start.
pub(crate) struct Run<'a, T: Task> {
    claim: Claim,
    task: &'a T,
    settings: &'a TrainSettings,
    model: T::Model,
    summary: Option<ModelSummary>,
    parameters: usize,
    start: Start,
}

/// The result of a run: a model with the best weights.
pub(crate) struct Finished<T: Task> {
    pub(crate) model: T::Model,
    pub(crate) best: Best,
    pub(crate) device: Device,
}

impl Claim {
    /// A run in memory, which needs no folder.
    pub(crate) fn memory() -> Self {
        Self { folder: None, lock: None, fresh: true, earlier: None }
    }

    /// Locks a folder and opens the earlier run in it, unless `fresh` is set.
    ///
    /// A backup is restored first if the run that replaced it has no checkpoint.
    ///
    /// # Errors
    ///
    /// If another process uses the folder, or no checkpoint of the earlier run is intact.
    pub(crate) fn take(folder: RunFolder, fresh: bool) -> Result<Self> {
        let lock = if folder.folder.is_dir() { Some(folder.lock(LOCK)?) } else { None };
        if !Checkpoints::exist(&folder.checkpoints()) {
            // A run with --fresh was stopped before its first checkpoint.
            folder.restore_backup()?;
        }
        let earlier = if fresh { None } else { EarlierRun::open(&folder)? };
        Ok(Self { folder: Some(folder), lock, fresh, earlier })
    }

    /// The options of the earlier run, if it has a checkpoint.
    pub(crate) fn earlier(&self) -> Option<&Options> {
        self.earlier
            .as_ref()
            .filter(|earlier| !earlier.checkpoints.is_empty())
            .map(|earlier| &earlier.config.options)
    }

    /// Options inherited from the earlier run: all if it was interrupted, otherwise only data and
    /// model options.
    pub(crate) fn inherited(&self) -> Option<Options> {
        let options = self.earlier()?.clone();
        let interrupted =
            self.earlier.as_ref().is_some_and(|earlier| earlier.checkpoints.last().is_some());
        Some(if interrupted { Options { artifacts: None, ..options } } else { options.of_series() })
    }

    /// Rejects the embedded sample for a run that was trained on rows in memory.
    pub(crate) fn check_file(&self, path: Option<&Path>) -> Result<()> {
        let earlier = self.earlier.as_ref().filter(|earlier| !earlier.checkpoints.is_empty());
        earlier.map_or(Ok(()), |earlier| {
            let data = earlier.config.source.clone();
            Provenance { data, scalers: None }.check_file(path)
        })
    }

    /// Rejects options that do not fit the weights of the earlier run. Logs other changes.
    pub(crate) fn check(&self, options: &Options) -> Result<()> {
        let (Some(folder), Some(earlier)) = (&self.folder, self.earlier()) else { return Ok(()) };
        let Changes { refused, noted } = options.changes_from(earlier)?;
        if let Some(difference) = refused {
            let problem = format!(
                "was trained with {difference} (keep the option, choose another folder with \
                 --artifacts, or use --fresh to start over)"
            );
            return Err(Error::Artifact { path: folder.folder.clone(), problem });
        }
        if !noted.is_empty() {
            log::info!("changed since the previous run: {}", noted.join(", "));
        }
        Ok(())
    }

    /// Decides where training starts, and creates the model.
    ///
    /// # Errors
    ///
    /// If the folder holds another model, or `config.json` does not match the interrupted run.
    pub(crate) fn decide<'a, T: Task>(
        self,
        task: &'a T,
        settings: &'a TrainSettings,
    ) -> Result<Run<'a, T>> {
        let start = match (&self.folder, &self.earlier) {
            (Some(folder), Some(earlier)) => earlier.start(folder, task, settings)?,
            _ => Start::New,
        };
        let model = match start {
            Start::New => initial(task, settings.seed),
            _ => blank(task, &Device::flex().autodiff()),
        };
        let summary = task.summary(&model);
        let parameters = summary.as_ref().map_or_else(|| model.num_params(), ModelSummary::total);
        if let (Some(folder), Some(earlier)) = (&self.folder, &self.earlier) {
            earlier.check_parameters(folder, task.name(), parameters)?;
            earlier.checkpoints.fit(&model)?;
        }
        Ok(Run { claim: self, task, settings, model, summary, parameters, start })
    }
}

impl EarlierRun {
    fn open(folder: &RunFolder) -> Result<Option<Self>> {
        let checkpoints = Checkpoints::recover(folder)?;
        match folder.config()? {
            Some(config) => Ok(Some(Self { config, checkpoints })),
            None if checkpoints.is_empty() => Ok(None),
            None => {
                let problem =
                    "has a checkpoint but no config.json (use --fresh to start over)".to_owned();
                Err(Error::Artifact { path: folder.folder.clone(), problem })
            }
        }
    }

    fn check_parameters(&self, folder: &RunFolder, name: &str, parameters: usize) -> Result<()> {
        let found = self.config.parameters;
        if found == parameters {
            return Ok(());
        }
        let problem = format!(
            "holds a model with {found} parameters, expected {parameters} for {name} (choose \
             another folder with --artifacts, or use --fresh to start over)"
        );
        Err(Error::Artifact { path: folder.folder.clone(), problem })
    }

    fn start<T: Task>(
        &self,
        folder: &RunFolder,
        task: &T,
        settings: &TrainSettings,
    ) -> Result<Start> {
        let best = self.checkpoints.best().map_or(Start::New, Start::Best);
        let Some(last) = self.checkpoints.last() else { return Ok(best) };
        let fingerprint = self.config.options.fingerprint()?;
        if fingerprint != last.options {
            return Err(folder.config_error(
                "does not match the interrupted run (restore it, or use --fresh to start over)",
            ));
        }
        if settings.options.fingerprint()? == fingerprint
            && last.sha256.as_deref() == task.provenance().sha256()
        {
            return Ok(Start::Last(last));
        }
        let instead = if matches!(best, Start::Best(_)) {
            "continuing from its best weights instead"
        } else {
            "starting over"
        };
        log::info!(
            "the previous run was interrupted, but settings or data have changed: {instead}"
        );
        Ok(best)
    }
}

impl<T: Task> Run<'_, T> {
    /// Trains and writes the reports of the best weights.
    ///
    /// Returns `None` if there is no best checkpoint for this data.
    ///
    /// # Errors
    ///
    /// If training fails or is interrupted. Written checkpoints are kept. If this run wrote none,
    /// the results of the earlier run are restored.
    pub(crate) fn go(mut self, backend: &Backend, watch: &Watch) -> Result<Option<Finished<T>>> {
        let earlier = self.claim.earlier.take().map(|earlier| earlier.checkpoints);
        let Some(folder) = self.claim.folder.clone() else {
            let checkpoints = Checkpoints::in_memory(self.task.name());
            return self.train(None, &checkpoints, backend, watch);
        };
        let existed = self.claim.lock.is_some();
        let _lock = self.claim.lock.take().map_or_else(|| folder.lock(LOCK), Ok)?;
        if !existed && Checkpoints::exist(&folder.checkpoints()) {
            let folder = folder.folder.display();
            return Err(Error::Worker(format!(
                "{folder}: another process trained here in the meantime (run the command again)"
            )));
        }
        if self.claim.fresh {
            folder.back_up(
                Checkpoints::open(&folder)
                    .ok()
                    .is_none_or(|checkpoints| checkpoints.best().is_some()),
            )?;
        }
        folder.create()?;
        let checkpoints = earlier.map_or_else(|| Checkpoints::open(&folder), Ok)?;
        let trained = self.train(Some(&folder), &checkpoints, backend, watch);
        match checkpoints.on_disk() {
            (_, true) => folder.discard_backup(),
            (true, false) => {}
            (false, _) => folder.restore_backup()?,
        }
        trained
    }

    fn train(
        self,
        folder: Option<&RunFolder>,
        checkpoints: &Arc<Checkpoints>,
        backend: &Backend,
        watch: &Watch,
    ) -> Result<Option<Finished<T>>> {
        let Self { claim, task, settings, model, summary, parameters, start } = self;
        let provenance = task.provenance();
        // Losses on different data are not comparable: only the weights are kept.
        let best = checkpoints.best();
        let lowest = best
            .as_ref()
            .filter(|best| best.provenance.is_of_same_data(&provenance))
            .map_or(f64::INFINITY, |best| best.loss);
        start.log(lowest);
        let metrics = folder.map(|folder| folder.path(METRICS));
        let history = match metrics {
            Some(metrics) if best.is_some() || matches!(start, Start::Last(_)) => {
                History::recover(metrics)
            }
            metrics => History::new(metrics),
        };
        history.log_gaps(start.epoch());
        match &start {
            Start::Last(last) => history.truncate(last.epoch),
            _ => checkpoints.forget_interrupted()?,
        }
        if let Some(folder) = folder {
            folder.write_config(&RunConfig {
                format: RunConfig::FORMAT,
                experiment: task.name().to_owned(),
                backend: backend.name.clone(),
                parameters,
                source: provenance.data.clone(),
                options: settings.options.clone(),
            })?;
        }
        watch.observer.started(summary.as_ref());

        let signals =
            Arc::new(if watch.signals { Signals::recorded()? } else { Signals::ignored() });
        let fit = Fit {
            settings,
            checkpoints,
            history: &history,
            backend,
            lowest,
            signals: &signals,
            last: start.last(),
            observer: &watch.observer,
            interface: watch.interface,
            fresh: claim.fresh,
        };
        let trained = backend.guard(SMALLER_BATCH, || fit.run(task, model));
        if let Err(error @ Error::Interrupted { .. }) = trained {
            return Err(error);
        }
        // A failed run reports its best checkpoint, too. After a GPU failure the CPU scores it.
        let cpu = default_cpu();
        let backend = if matches!(trained, Err(Error::Gpu { .. })) { &cpu } else { backend };
        let best = checkpoints.best().filter(|best| best.provenance.is_of_same_data(&provenance));
        let finish = |best: Best| {
            let model = checkpoints.load(task, &backend.device, &best)?;
            if let Some(folder) = folder {
                report(
                    folder,
                    task,
                    (&model, &best),
                    &history,
                    (&backend.device, &*watch.observer),
                )?;
            }
            Ok(Finished { model, best, device: backend.device.clone() })
        };
        let finished = best.map(|best| backend.guard(USE_CPU, || finish(best))).transpose();
        if let (Some(signal), Ok(()), Ok(_)) = (signals.received(), &trained, &finished) {
            let place = "after its last epoch, while writing reports".to_owned();
            return Err(Error::Interrupted {
                signal,
                in_interface: false,
                place,
                fresh: claim.fresh,
            });
        }
        trained?;
        let finished = finished?;
        // A run is complete only after its reports are written.
        checkpoints.end_run()?;
        Ok(finished)
    }
}

impl Start {
    /// Logs where training resumes; `lowest` is the best loss on this data, if any.
    fn log(&self, lowest: f64) {
        match self {
            Self::New => {}
            Self::Last(Last { epoch, step, run: [_, end], .. }) => {
                let step =
                    if *step > 0 { format!(", step {step} of the next") } else { String::new() };
                log::info!(
                    "resuming the interrupted run after epoch {epoch} of {end}{step} (use --fresh \
                     to start over)"
                );
            }
            Self::Best(Best { epoch, loss, .. }) => {
                let compared = if lowest.is_finite() {
                    ""
                } else {
                    "; the data has changed, so earlier losses are ignored"
                };
                log::info!(
                    "continuing from epoch {epoch}, the best (loss {loss:.6}){compared} (use \
                     --fresh to start over)"
                );
            }
        }
    }

    /// Number of epochs trained before.
    fn epoch(&self) -> usize {
        match self {
            Self::New => 0,
            Self::Best(best) => best.epoch,
            Self::Last(last) => last.epoch,
        }
    }

    fn last(&self) -> Option<&Last> {
        match self {
            Self::Last(last) => Some(last),
            _ => None,
        }
    }
}
