//! Training with burn-train, plus seeds, checkpoints, resuming and error reports.

use std::sync::{Arc, Mutex, PoisonError};

use burn::{
    module::Module,
    tensor::Device,
    train::{
        Interrupter, Learner, SupervisedTraining, TrainingError, TrainingStrategy,
        checkpoint::CheckpointerError,
        renderer::{MetricsRenderer, tui::TuiMetricsRendererWrapper},
    },
};

use super::{
    checkpoint::{Checkpoints, Last, PartCheckpointer},
    epochs::{AlwaysSave, EndReason, Epochs, LoopSettings},
    interrupt::Signals,
    metrics::{Measured, Recorder},
    observer::Observer,
    renderer::ObserverRenderer,
};
use crate::{
    backend::{Backend, lock_generator},
    error::{Error, Result, Signal},
    run::History,
    settings::{OptionList, Rates, Span, TrainSettings},
    task::{Batching, Task},
};

/// One training run.
pub(crate) struct Fit<'a> {
    pub(crate) settings: &'a TrainSettings,
    pub(crate) checkpoints: &'a Arc<Checkpoints>,
    pub(crate) history: &'a History,
    pub(crate) backend: &'a Backend,
    /// Best loss so far: a new best checkpoint needs a lower one.
    pub(crate) lowest: f64,
    pub(crate) signals: &'a Arc<Signals>,
    /// The state to resume from, if a run was interrupted.
    pub(crate) last: Option<&'a Last>,
    pub(crate) observer: &'a Arc<dyn Observer>,
    /// Whether burn-train's terminal interface shows the training.
    pub(crate) interface: bool,
    /// Whether `--fresh` was given; for messages.
    pub(crate) fresh: bool,
}

/// A new model with weights drawn on the CPU, so that they depend only on the seed.
pub(crate) fn initial<T: Task>(task: &T, seed: u64) -> T::Model {
    let cpu = Device::flex().autodiff();
    let _generator = lock_generator();
    cpu.seed(seed);
    task.model(&cpu)
}

impl Fit<'_> {
    /// Trains a model and leaves the result as the best checkpoint.
    ///
    /// An interrupted run resumes from its last checkpoint. Otherwise training starts from the
    /// best checkpoint, if there is one.
    pub(crate) fn run<T: Task>(&self, task: &T, model: T::Model) -> Result<()> {
        let settings = self.settings;
        let done = self.last.map_or_else(|| self.done(), |last| last.epoch);
        let [first, total] =
            self.last.map_or([done + 1, done.saturating_add(settings.epochs)], |last| last.run);
        let lowest_of_run = self.last.and_then(|last| last.lowest);
        if let Some(last) = self.last {
            let waited = lowest_of_run.map_or(0, |(lowest, _)| last.epoch - lowest.min(last.epoch));
            if last.epoch == total || settings.patience > 0 && waited >= settings.patience {
                // Training is complete; only the reports are missing. This also replaces what a
                // kill has left of the file.
                return self.history.write();
            }
            self.checkpoints.start_from(last);
        }
        let device = self.backend.device.clone().autodiff();
        let part = |index| PartCheckpointer::new(self.checkpoints, index, self.backend.gpu());
        let steps_done = self.last.map_or(0, |last| last.step);
        let schedule = Batching {
            batch_size: settings.batch_size,
            seed: settings.seed,
            first_epoch: done + 1,
            steps_done,
        };
        let loaders = task.loaders(schedule, &device);
        let steps_per_epoch = loaders.train.num_items().div_ceil(settings.batch_size);
        let (scheduler, rates) =
            settings.rate.build(Span { first_epoch: first, last_epoch: total, steps_per_epoch })?;
        let (training, interface) = (Interrupter::new(), Interrupter::new());
        let measured = Measured::starting_after(
            steps_done,
            self.last.map(|last| last.sums.clone()).unwrap_or_default(),
        );
        let (history, recorder_rates, validates) =
            (self.history.clone(), rates.clone(), T::VALIDATES);
        let recorder = Recorder::new(
            history.clone(),
            measured.clone(),
            recorder_rates,
            validates,
            training.clone(),
            interface.clone(),
        );
        let changing = settings.rate.changes().then(|| rates.clone());
        let plan = LoopSettings {
            checkpoints: self.checkpoints.clone(),
            history,
            measured,
            rates,
            signals: self.signals.clone(),
            provenance: task.provenance(),
            options: settings.options.fingerprint()?,
            lowest: self.lowest,
            run: [first, total],
            steps_done,
            lowest_of_run,
            patience: settings.patience,
            in_interface: self.interface,
            save_every: settings.save_every,
        };
        let epochs = Arc::new(Epochs {
            device: device.clone(),
            plan,
            end_reason: Mutex::new(EndReason::Finished),
        });

        let mut supervised = SupervisedTraining::new(".", loaders.train, loaders.valid)
            .renderer(self.renderer(T::VALIDATES, interface, done, changing))
            .with_metric_logger(recorder)
            .with_application_logger(None)
            .with_interrupter(training)
            .with_training_strategy(TrainingStrategy::Custom(epochs.clone()))
            .with_custom_checkpointers(part(0), part(1), part(2))
            .with_checkpointing_strategy(AlwaysSave)
            .num_epochs(total);
        if self.last.is_some() || self.checkpoints.best().is_some() {
            supervised = supervised.checkpoint(done);
        }
        let result = task.metrics(supervised).launch(Learner::new(
            model.fork(&device),
            settings.optimizer.build(),
            scheduler,
        ));

        let end_reason = epochs.end_reason.lock().unwrap_or_else(PoisonError::into_inner).clone();
        // metrics.csv is written before the checkpoint: a resumed run needs its epochs.
        let written = self.history.write().and_then(|()| self.checkpoints.flush());
        if let Some(error) = result.error {
            return Err(Error::Training(describe(&error)));
        }
        written?;
        match end_reason {
            EndReason::Finished => Ok(()),
            EndReason::Patience => {
                let last = self.history.last_epoch();
                log::info!(
                    "stopped early after epoch {last} of {total}: the loss has not improved for \
                     {} epochs (--patience)",
                    settings.patience
                );
                Ok(())
            }
            EndReason::Stopped { epoch, step } => {
                let by = self.signals.received();
                let place = if step == 0 {
                    format!("after epoch {epoch} of {total}")
                } else {
                    format!(
                        "after step {step} of {steps_per_epoch} of epoch {} of {total}",
                        epoch + 1
                    )
                };
                Err(Error::Interrupted {
                    signal: by.unwrap_or(Signal::Interrupt),
                    in_interface: by.is_none(),
                    place,
                    fresh: self.fresh,
                })
            }
            EndReason::NonFiniteLoss { epoch, step, loss } => {
                // Resuming this run would fail in the same way.
                self.checkpoints.abandon_run()?;
                let place = step.map_or_else(
                    || format!("after epoch {epoch}"),
                    |step| format!("at step {step} of epoch {epoch}"),
                );
                let kept = match self.checkpoints.best() {
                    Some(best) => format!("the best epoch was {}", best.epoch),
                    None => "there is no checkpoint yet".to_owned(),
                };
                Err(Error::Training(format!(
                    "the loss is {loss} {place}; {kept} (use a smaller --learning-rate, or \
                     --clip-norm 1)"
                )))
            }
        }
    }

    fn renderer(
        &self,
        validates: bool,
        interface: Interrupter,
        done: usize,
        rates: Option<Arc<Rates>>,
    ) -> Box<dyn MetricsRenderer> {
        if self.interface {
            return Box::new(TuiMetricsRendererWrapper::new(interface, (done > 0).then_some(done)));
        }
        Box::new(ObserverRenderer::new(self.observer.clone(), validates, rates))
    }

    /// Number of epochs trained by earlier runs.
    fn done(&self) -> usize {
        self.checkpoints.best().map_or(0, |best| self.history.last_epoch().max(best.epoch))
    }
}

fn describe(error: &TrainingError) -> String {
    match error {
        TrainingError::Checkpoint(CheckpointerError::Unknown(problem)) => problem.clone(),
        TrainingError::Checkpoint(CheckpointerError::IOError(error)) => {
            format!("the checkpoint cannot be written: {error}")
        }
        other => other.to_string(),
    }
}
