//! A run as three steps: [`Claim`] the folder, [`Claim::decide`] what to resume, [`Run::go`].

use std::{path::Path, sync::Arc};

use burn::{module::Module, tensor::Device};
use rnn_files::Lock;
use rnn_models::ModelSummary;

use super::{
    checkpoint::{Best, Checkpoints, Last},
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

/// The lock of a training.
const LOCK: &str = ".train.lock";

/// A run folder that is this process's to train in, or no folder: a run in memory.
pub(crate) struct Claim {
    folder: Option<RunFolder>,
    /// None for a folder that is not there: it is made and locked once all that can be refused has
    /// been.
    lock: Option<Lock>,
    fresh: bool,
    earlier: Option<Earlier>,
}

/// An earlier run in the same folder.
struct Earlier {
    config: RunConfig,
    checkpoints: Arc<Checkpoints>,
}

/// Where a training starts.
enum Start {
    /// From new weights.
    New,
    /// From the best weights of the earlier run.
    Best(Best),
    /// Where the earlier run was interrupted.
    Last(Last),
}

/// A run that is ready to go.
pub(crate) struct Run<'a, T: Task> {
    claim: Claim,
    task: &'a T,
    settings: &'a TrainSettings,
    model: T::Model,
    summary: Option<ModelSummary>,
    parameters: usize,
    start: Start,
}

/// What a run has come to: its best weights and their scores.
pub(crate) struct Finished<T: Task> {
    pub(crate) model: T::Model,
    pub(crate) best: Best,
    pub(crate) device: Device,
}

impl Claim {
    /// A run in memory: there is nothing to claim.
    pub(crate) fn memory() -> Self {
        Self { folder: None, lock: None, fresh: true, earlier: None }
    }

    /// Locks a folder, brings back what a run that came to nothing had backed up, and opens what an
    /// earlier run left, unless the new one starts over.
    ///
    /// # Errors
    ///
    /// When another process trains there, or no checkpoint of the earlier run is whole.
    pub(crate) fn take(folder: RunFolder, fresh: bool) -> Result<Self> {
        let lock = if folder.folder.is_dir() { Some(folder.lock(LOCK)?) } else { None };
        if !Checkpoints::exist(&folder.checkpoints()) {
            // A run that started over was stopped before it had a checkpoint.
            folder.restore_aside()?;
        }
        let earlier = if fresh { None } else { Earlier::open(&folder)? };
        Ok(Self { folder: Some(folder), lock, fresh, earlier })
    }

    /// The options of the earlier run, if it left weights.
    pub(crate) fn earlier(&self) -> Option<&Options> {
        self.earlier
            .as_ref()
            .filter(|earlier| !earlier.checkpoints.are_none())
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

    /// Refuses to train further on the embedded sample what was trained on rows in memory.
    pub(crate) fn check_file(&self, path: Option<&Path>) -> Result<()> {
        let earlier = self.earlier.as_ref().filter(|earlier| !earlier.checkpoints.are_none());
        earlier.map_or(Ok(()), |earlier| {
            let data = earlier.config.source.clone();
            Provenance { data, scalers: None }.check_file(path)
        })
    }

    /// Refuses options under which the weights of the earlier run would mean something else; logs
    /// which others differ.
    pub(crate) fn check(&self, options: &Options) -> Result<()> {
        let (Some(folder), Some(earlier)) = (&self.folder, self.earlier()) else { return Ok(()) };
        let Changes { refused, noted } = options.changes_from(earlier)?;
        if let Some(difference) = refused {
            let problem = format!(
                "was trained with {difference}; go on with the same, choose another folder with \
                 --artifacts, or start over with --fresh"
            );
            return Err(Error::Artifact { path: folder.folder.clone(), problem });
        }
        if !noted.is_empty() {
            log::info!("not as before: {}", noted.join(", "));
        }
        Ok(())
    }

    /// Decides where a training starts, and makes its model.
    ///
    /// # Errors
    ///
    /// When the folder holds another model, or its `config.json` is not that of the run that was
    /// interrupted.
    pub(crate) fn decide<'a, T: Task>(
        self,
        task: &'a T,
        settings: &'a TrainSettings,
    ) -> Result<Run<'a, T>> {
        let model = initial(task, settings.seed);
        let summary = task.summary(&model);
        let parameters = summary.as_ref().map_or_else(|| model.num_params(), ModelSummary::total);
        let start = match (&self.folder, &self.earlier) {
            (Some(folder), Some(earlier)) => {
                earlier.check_parameters(folder, task.name(), parameters)?;
                let start = earlier.start(folder, task, settings)?;
                earlier.checkpoints.fit(&model)?;
                start
            }
            _ => Start::New,
        };
        Ok(Run { claim: self, task, settings, model, summary, parameters, start })
    }
}

impl Earlier {
    fn open(folder: &RunFolder) -> Result<Option<Self>> {
        let checkpoints = Checkpoints::recover(folder)?;
        match folder.config()? {
            Some(config) => Ok(Some(Self { config, checkpoints })),
            None if checkpoints.are_none() => Ok(None),
            None => {
                let problem = "holds a checkpoint without its config.json; start over with --fresh"
                    .to_owned();
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
            "holds a model of {found} parameters, {name} has {parameters}; choose another folder \
             with --artifacts, or start over with --fresh"
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
                "is not that of the run that was interrupted here; put \
                that back, or start over with --fresh",
            ));
        }
        if settings.options.fingerprint()? == fingerprint
            && last.sha256.as_deref() == task.provenance().sha256()
        {
            return Ok(Start::Last(last));
        }
        let instead = if matches!(best, Start::Best(_)) {
            "its best weights are trained further instead"
        } else {
            "it starts over"
        };
        log::info!("the run before was interrupted; with other settings or other data {instead}");
        Ok(best)
    }
}

impl<T: Task> Run<'_, T> {
    /// Trains, and writes the reports of the best weights; without a best checkpoint of this data
    /// there is nothing to report.
    ///
    /// # Errors
    ///
    /// When the training fails or is interrupted. Checkpoints that were written stay, and so do the
    /// results of the earlier run if this one leaves none.
    pub(crate) fn go(mut self, backend: &Backend, watch: &Watch) -> Result<Option<Finished<T>>> {
        let earlier = self.claim.earlier.take().map(|earlier| earlier.checkpoints);
        let Some(folder) = self.claim.folder.clone() else {
            let checkpoints = Checkpoints::in_memory(self.task.name());
            return self.train(None, &checkpoints, backend, watch);
        };
        let was_there = self.claim.lock.is_some();
        let _lock = self.claim.lock.take().map_or_else(|| folder.lock(LOCK), Ok)?;
        if !was_there && Checkpoints::exist(&folder.checkpoints()) {
            let folder = folder.folder.display();
            return Err(Error::Worker(format!(
                "another process has trained in {folder} meanwhile; start again"
            )));
        }
        if self.claim.fresh {
            folder.set_aside(
                Checkpoints::open(&folder)
                    .ok()
                    .is_none_or(|checkpoints| checkpoints.best().is_some()),
            )?;
        }
        folder.create()?;
        let checkpoints = earlier.map_or_else(|| Checkpoints::open(&folder), Ok)?;
        let trained = self.train(Some(&folder), &checkpoints, backend, watch);
        match checkpoints.on_disk() {
            (_, true) => folder.discard_aside(),
            (true, false) => {}
            (false, _) => folder.restore_aside()?,
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
        // A loss on other data says nothing about this data: weights go on, the comparison starts
        // anew.
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

        let signals = Arc::new(if watch.signals { Signals::noted()? } else { Signals::ignored() });
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
        // Also a run that failed leaves reports of its best checkpoint; a GPU that failed cannot
        // make them.
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
        if let (Some(signal), Ok(()), Ok(_)) = (signals.came(), &trained, &finished) {
            let place = "after its last epoch, while it made its reports".to_owned();
            return Err(Error::Interrupted {
                signal,
                in_interface: false,
                place,
                fresh: claim.fresh,
            });
        }
        trained?;
        let finished = finished?;
        // Only now: a run that is interrupted before its reports are there has not come to its end.
        checkpoints.end_run()?;
        Ok(finished)
    }
}

impl Start {
    /// Logs where a training resumes; `lowest` is the loss that it has to beat, if any.
    fn log(&self, lowest: f64) {
        match self {
            Self::New => {}
            Self::Last(Last { epoch, step, run: [_, end], .. }) => {
                let step =
                    if *step > 0 { format!(" and step {step} of the next") } else { String::new() };
                log::info!(
                    "the run was interrupted; going on after epoch {epoch} of {end}{step}; \
                     --fresh starts over"
                );
            }
            Self::Best(Best { epoch, loss, .. }) => {
                let compared = if lowest.is_finite() {
                    ""
                } else {
                    "; the data is another, so what counts as best starts anew"
                };
                log::info!(
                    "going on from epoch {epoch} (loss {loss:.6}); --fresh starts over{compared}"
                );
            }
        }
    }

    /// Epochs that were trained before.
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
