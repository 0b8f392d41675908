//! A run: trains a claimed folder, writes the reports, and settles what becomes of a backup.

use std::sync::Arc;

use burn::tensor::Device;
use rnn_models::ModelSummary;

use super::{
    checkpoint::{Best, Checkpoints, Reports},
    claim::{Claim, LOCK, Start},
    fit::Fit,
    interrupt::Signals,
    observer::Watch,
    report::report,
};
use crate::{
    backend::{Backend, SMALLER_BATCH, USE_CPU, default_cpu},
    error::{Error, Result},
    run::{History, METRICS, RunConfig, RunFolder},
    settings::TrainSettings,
    task::Task,
};

/// A run that is ready to start.
pub(crate) struct Run<'a, T: Task> {
    pub(super) claim: Claim,
    pub(super) task: &'a T,
    pub(super) settings: &'a TrainSettings,
    pub(super) model: T::Model,
    pub(super) summary: Option<ModelSummary>,
    pub(super) parameters: usize,
    pub(super) start: Start,
}

/// The result of a run: a model with the best weights.
pub(crate) struct Finished<T: Task> {
    pub(crate) model: T::Model,
    pub(crate) best: Best,
    pub(crate) device: Device,
}

impl<T: Task> Run<'_, T> {
    /// Trains and writes the reports of the best weights.
    ///
    /// Returns `None` if there is no best checkpoint for this data.
    ///
    /// # Errors
    ///
    /// If training fails or is interrupted. Written checkpoints are kept. A failed run that
    /// replaced another is removed, and the other restored, unless the failed run is better.
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
            folder.back_up(folder.is_finished())?;
        }
        folder.create()?;
        let checkpoints = earlier.map_or_else(|| Checkpoints::open(&folder), Ok)?;
        let trained = self.train(Some(&folder), &checkpoints, backend, watch);
        match &trained {
            Err(Error::Interrupted { .. }) if checkpoints.on_disk() => {}
            Err(_) if folder.backup_stands(&checkpoints) => folder.give_way_to_backup(),
            Err(_) if folder.has_backup() => {
                log::info!(
                    "{}: the failed run replaces the previous run, since its loss is lower",
                    folder.folder.display()
                );
                folder.discard_backup();
            }
            _ => folder.discard_backup(),
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
        if trained.is_err() && folder.is_some_and(|folder| folder.backup_stands(checkpoints)) {
            return trained.map(|()| None);
        }
        // A failed run reports its best checkpoint, too. After a GPU failure the CPU scores it.
        let cpu = default_cpu();
        let backend = if matches!(trained, Err(Error::Gpu { .. })) { &cpu } else { backend };
        let best = checkpoints.best().filter(|best| best.provenance.is_of_same_data(&provenance));
        let mut reports = Reports::new();
        let mut finish = |best: Best| {
            let model = checkpoints.load(task, &backend.device, &best)?;
            if let Some(folder) = folder {
                reports = report(
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
        checkpoints.end_run(reports)?;
        Ok(finished)
    }
}
