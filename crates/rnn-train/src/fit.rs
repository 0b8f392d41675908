//! Training with burn-train, and what it leaves to its caller: seeds, the best checkpoint, going on, honest failure.

use std::{
    io::{self, IsTerminal},
    sync::Arc,
};

use burn::{
    module::Module,
    tensor::Device,
    train::{
        Interrupter, Learner, SupervisedTraining, TrainingError,
        checkpoint::CheckpointerError,
        renderer::{MetricsRenderer, tui::TuiMetricsRendererWrapper},
    },
};

use crate::{
    Error, Result,
    backend::Backend,
    checkpoint::{Checkpoints, KeepBest, Last, Patience, Run, RunProgress},
    cli::Progress,
    console::note,
    history::{History, Recorder},
    job::{Job, Schedule},
    progress::Lines,
    schedule::{Rates, Span},
    settings::TrainSettings,
};

/// One training run.
pub(crate) struct Fit<'a> {
    pub(crate) settings: &'a TrainSettings,
    pub(crate) checkpoints: &'a Arc<Checkpoints>,
    pub(crate) history: &'a History,
    pub(crate) backend: &'a Backend,
    /// Loss the first checkpoint has to beat.
    pub(crate) lowest: f64,
    /// Where an interrupted run goes on.
    pub(crate) last: Option<&'a Last>,
}

/// A new model whose weights depend on the seed alone: they are drawn on the CPU, whichever device then trains them.
pub(crate) fn initial<J: Job>(job: &J, seed: u64) -> J::Trainee {
    let cpu = Device::flex().autodiff();
    cpu.seed(seed);
    job.trainee(&cpu)
}

impl Fit<'_> {
    /// Trains a model, from the best checkpoint if there is one, or from the last of an interrupted run; the result is the checkpoint folder's best.
    pub(crate) fn run<J: Job>(&self, job: &J, trainee: J::Trainee) -> Result<()> {
        let settings = self.settings;
        let done = self.last.map_or_else(|| self.done(), |last| last.epoch);
        let [first, total] = self.last.map_or([done + 1, done.saturating_add(settings.epochs)], |last| last.run);
        if let Some(last) = self.last {
            if settings.patience > 0 && last.epoch >= last.lowest.0 + settings.patience {
                // It was interrupted when all that was left were its reports.
                return Ok(());
            }
            self.checkpoints.start_from(last.epoch);
        }
        let device = self.backend.device.clone().autodiff();
        let part = |index| self.checkpoints.part(index, self.backend.gpu());
        let schedule = Schedule { batch_size: settings.batch_size, seed: settings.seed, first_epoch: done + 1 };
        let loaders = job.loaders(schedule, &device);
        let steps_per_epoch = loaders.train.num_items().div_ceil(settings.batch_size);
        let (scheduler, rates) = settings.rate.build(Span { first_epoch: first, last_epoch: total, steps_per_epoch })?;
        let (training, interface) = (Interrupter::new(), Interrupter::new());
        let recorder = Recorder::new(self.history.clone(), rates.clone(), J::VALIDATES, training.clone(), interface.clone());
        let changing = settings.rate.changes().then(|| rates.clone());
        let progress = RunProgress::new(self.last.map(|last| last.lowest));
        let (lowest, history) = (self.lowest, self.history.clone());
        let run = Run { meaning: job.meaning(), lowest, epochs: [first, total], progress: progress.clone(), rates, history };
        let keep = KeepBest::new(self.checkpoints.clone(), training.clone(), run);

        let mut supervised = SupervisedTraining::new(".", loaders.train, loaders.valid)
            .renderer(self.renderer(J::VALIDATES, interface, done, changing))
            .with_metric_logger(recorder)
            .with_application_logger(None)
            .with_interrupter(training)
            .with_custom_checkpointers(part(0), part(1), part(2))
            .with_checkpointing_strategy(keep)
            .num_epochs(total);
        if done > 0 {
            supervised = supervised.checkpoint(done);
        }
        if settings.patience > 0 {
            supervised = supervised.early_stopping(Patience { epochs: settings.patience, progress: progress.clone() });
        }
        let result = job.metrics(supervised).launch(Learner::new(trainee.fork(&device), settings.optimizer.build(), scheduler));

        self.history.write()?;
        if let Some(error) = result.error {
            return Err(Error::Training(describe(&error)));
        }
        if let Some(interruption) = result.interrupted {
            return Err(Error::Training(interruption.reason.unwrap_or_else(|| "interrupted".to_owned())));
        }
        let last = self.history.last_epoch();
        if last == total {
            return Ok(());
        }
        if settings.patience > 0 && last >= progress.lowest().0 + settings.patience {
            note(format_args!("stopped after epoch {last} of {total}: no better loss in {} epochs (--patience)", settings.patience));
            return Ok(());
        }
        Err(Error::Training(format!("it ended after epoch {last} of {total}")))
    }

    fn renderer(&self, validates: bool, interface: Interrupter, done: usize, rates: Option<Arc<Rates>>) -> Box<dyn MetricsRenderer> {
        let terminal = io::stdout().is_terminal() && io::stderr().is_terminal();
        match self.settings.progress {
            Progress::Auto if terminal => Box::new(TuiMetricsRendererWrapper::new(interface, (done > 0).then_some(done))),
            Progress::Tui => Box::new(TuiMetricsRendererWrapper::new(interface, (done > 0).then_some(done))),
            Progress::Auto | Progress::Plain => Box::new(Lines::new(false, validates, rates)),
            Progress::None => Box::new(Lines::new(true, validates, rates)),
        }
    }

    /// Epochs trained by earlier runs.
    fn done(&self) -> usize {
        self.checkpoints.best().map_or(0, |best| self.history.last_epoch().max(best.epoch))
    }
}

fn describe(error: &TrainingError) -> String {
    match error {
        TrainingError::Checkpoint(CheckpointerError::Unknown(problem)) => problem.clone(),
        TrainingError::Checkpoint(CheckpointerError::IOError(error)) => format!("the checkpoint cannot be written: {error}"),
        other => other.to_string(),
    }
}
