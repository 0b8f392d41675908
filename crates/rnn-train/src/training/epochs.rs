//! The training loop: epochs of steps, and between them what must not be lost.
//!
//! Burn's own loop saves after epochs alone, and stops between them. This one is its like on one
//! device, and also saves inside an epoch, notes signals, and knows after which step a loss was no
//! number.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use burn::{
    tensor::Device,
    train::{
        EventProcessorTraining, InferenceStep, Interrupter, Learner, LearnerEvent, LearnerModel,
        LearningCheckpointer, SupervisedLearningStrategy, SupervisedTrainingEventProcessor,
        TrainLoader, TrainingComponents, TrainingItem, ValidLoader,
        checkpoint::{CheckpointerError, CheckpointingAction, CheckpointingStrategy},
        metric::store::{Aggregate, EventStoreClient, Split},
    },
};

use super::{
    checkpoint::{Best, Checkpoints, Files, Last, Saving},
    interrupt::{Signals, take_ctrl_c},
    metrics::{LOSS, Measured},
};
use crate::{
    backend::lock_generator,
    run::{History, Provenance},
    settings::Rates,
};

/// What a run is, for its loop.
pub(super) struct LoopSettings {
    pub(super) checkpoints: Arc<Checkpoints>,
    pub(super) history: History,
    pub(super) measured: Measured,
    /// Is told every loss.
    pub(super) rates: Arc<Rates>,
    pub(super) signals: Arc<Signals>,
    pub(super) provenance: Provenance,
    /// Hash of the settings.
    pub(super) options: String,
    /// Loss that the first epoch has to beat.
    pub(super) lowest: f64,
    /// First and last epoch.
    pub(super) run: [usize; 2],
    /// Steps of the first epoch that an interrupted run has done.
    pub(super) steps_done: usize,
    /// The best epoch that an interrupted run has seen, and its loss.
    pub(super) lowest_of_run: Option<(usize, f64)>,
    /// Epochs without a better loss that end the run; 0: none do.
    pub(super) patience: usize,
    /// Whether a terminal interface shows it.
    pub(super) in_interface: bool,
    /// A state of the run on disk is at most so old, inside an epoch.
    pub(super) save_every: Duration,
}

/// How a run ended.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Ending {
    /// After its last epoch, or with an error that burn-train has.
    Itself,
    /// Too many epochs without a better loss.
    Patience,
    /// It was stopped, after so many epochs and so many steps of the next, and saved there.
    Stopped { epoch: usize, step: usize },
    /// A loss was no number.
    Broken { epoch: usize, step: Option<usize>, loss: f64 },
}

/// burn-train's strategy of such a run.
pub(super) struct Epochs {
    pub(super) device: Device,
    pub(super) plan: LoopSettings,
    pub(super) ending: Mutex<Ending>,
}

/// Between epochs the last state on disk is at most so old. The first comes after the first epoch:
/// without it a run that was interrupted would pass for one that has come to its end.
const BETWEEN_EPOCHS: Duration = Duration::from_secs(1);
/// Of the time of a run, saving between epochs takes no more than one in so many.
const SHARE: u32 = 10;

/// Saves whenever it is asked.
pub(super) struct Always;

impl CheckpointingStrategy for Always {
    fn checkpointing(
        &mut self,
        _number: usize,
        _store: &EventStoreClient,
    ) -> Vec<CheckpointingAction> {
        vec![CheckpointingAction::Save]
    }
}

/// A run that goes on.
struct Going<'a, M: LearnerModel> {
    plan: &'a LoopSettings,
    learner: Learner<M>,
    events: SupervisedTrainingEventProcessor<M>,
    checkpointer: Option<LearningCheckpointer<M>>,
    store: Arc<EventStoreClient>,
    interrupter: Interrupter,
    /// Steps of this epoch that are done.
    step: usize,
    lowest: f64,
    lowest_of_run: Option<(usize, f64)>,
    saved: Option<Instant>,
    /// How long `metrics.csv` took to write.
    took: Duration,
    started: Instant,
    /// Whether Ctrl-C is a signal in the interface, too.
    ctrl_c: bool,
}

impl<M: LearnerModel> SupervisedLearningStrategy<M> for Epochs {
    fn fit(
        &self,
        components: TrainingComponents<M>,
        mut learner: Learner<M>,
        train: TrainLoader<M>,
        valid: ValidLoader<M>,
        starting_epoch: usize,
    ) -> (M, SupervisedTrainingEventProcessor<M>) {
        let TrainingComponents {
            interrupter,
            event_processor: events,
            checkpointer,
            event_store: store,
            num_epochs,
            ..
        } = components;
        let (train, valid) =
            (train.to_device(&self.device), valid.to_device(&self.device.clone().inner()));
        learner.fork(&self.device);
        let LoopSettings { steps_done, lowest, lowest_of_run, .. } = self.plan;
        let plan = &self.plan;
        let (step, saved, took, started, ctrl_c) =
            (steps_done, None, Duration::ZERO, Instant::now(), false);
        let mut going = Going {
            plan,
            learner,
            events,
            checkpointer,
            store,
            interrupter,
            step,
            lowest,
            lowest_of_run,
            saved,
            took,
            started,
            ctrl_c,
        };
        let mut epochs = starting_epoch..=num_epochs;
        let ending =
            epochs.find_map(|epoch| going.epoch(epoch, &train, &valid)).unwrap_or(Ending::Itself);
        *self.ending.lock().unwrap_or_else(PoisonError::into_inner) = ending;
        (going.learner.model(), going.events)
    }
}

impl<M: LearnerModel> Going<'_, M> {
    /// Goes through an epoch; says how the run ended, if it did.
    fn epoch(
        &mut self,
        epoch: usize,
        train: &TrainLoader<M>,
        valid: &ValidLoader<M>,
    ) -> Option<Ending> {
        self.train(epoch, train);
        if !self.stops() {
            self.validate(epoch, valid);
        }
        self.settle(epoch);
        if self.interrupter.error().is_some() {
            return Some(Ending::Itself);
        }
        if let Some((step, loss)) = self.plan.measured.broken() {
            return Some(Ending::Broken { epoch, step: Some(step), loss });
        }
        let Some(loss) = self.plan.measured.judged(epoch) else {
            // It was stopped before its end.
            let step = self.step;
            self.save(epoch - 1, None, true);
            return Some(Ending::Stopped { epoch: epoch - 1, step });
        };
        self.step = 0;
        if !loss.is_finite() {
            return Some(Ending::Broken { epoch, step: None, loss });
        }
        self.judge(epoch, loss)
    }

    /// An epoch has ended, with this loss.
    fn judge(&mut self, epoch: usize, loss: f64) -> Option<Ending> {
        self.plan.rates.judge(loss);
        if self.lowest_of_run.is_none_or(|(_, lowest)| loss < lowest) {
            self.lowest_of_run = Some((epoch, loss));
        }
        let stops = self.stops();
        let waited = epoch - self.lowest_of_run.map_or(epoch, |(lowest, _)| lowest.min(epoch));
        let patience = self.plan.patience > 0 && waited >= self.plan.patience;
        // The last epoch is saved, whatever comes of the reports.
        let ends = stops || patience || epoch == self.plan.run[1];
        let often = self
            .plan
            .save_every
            .min(BETWEEN_EPOCHS)
            .max(SHARE * (self.plan.checkpoints.took() + self.took));
        let due = ends || self.saved.is_none_or(|saved| saved.elapsed() >= often);
        let best = loss < self.lowest;
        self.lowest = self.lowest.min(loss);
        if best || due {
            let provenance = self.plan.provenance.clone();
            self.save(
                epoch,
                best.then(|| Best { epoch, loss, provenance, files: Files::default() }),
                due,
            );
        }
        if stops {
            Some(Ending::Stopped { epoch, step: 0 })
        } else if patience {
            Some(Ending::Patience)
        } else {
            None
        }
    }

    fn train(&mut self, epoch: usize, loader: &TrainLoader<M>) {
        let mut batches = loader.iter();
        if batches.progress().is_completed() {
            // A run that resumes after the last step of an epoch has nothing to say of its steps.
            return;
        }
        let begin = self.events.process_train(LearnerEvent::StartSplit {
            epoch_number: epoch,
            total_items: loader.num_items(),
        });
        self.interrupter.fail_on_error(begin);
        loop {
            // The loader seeds each step, which then draws its dropout masks.
            let generator = lock_generator();
            let Some(batch) = batches.next() else { break };
            let batch = match batch {
                Ok(batch) => batch,
                Err(error) => {
                    self.interrupter.fail(error);
                    break;
                }
            };
            let output = self.learner.train_step(batch);
            drop(generator);
            self.learner.lr_step();
            self.learner.optimizer_step(output.grads);
            self.step += 1;
            if self.plan.in_interface && !self.ctrl_c {
                // The interface has taken the keys by now.
                take_ctrl_c();
                self.ctrl_c = true;
            }
            let item = TrainingItem::new(
                output.item,
                batches.progress(),
                Some(self.step),
                Some(self.learner.lr_current()),
            );
            self.interrupter
                .fail_on_error(self.events.process_train(LearnerEvent::ProcessedItem(item)));
            if self.stops() {
                break;
            }
            if self.saved.unwrap_or(self.started).elapsed() >= self.plan.save_every {
                self.settle(epoch);
                if self.interrupter.should_stop() {
                    break;
                }
                self.save(epoch - 1, None, true);
            }
        }
        self.interrupter.fail_on_error(self.events.process_train(LearnerEvent::EndSplit(epoch)));
    }

    fn validate(&mut self, epoch: usize, loader: &ValidLoader<M>) {
        let total_items = loader.num_items();
        self.interrupter.fail_on_error(
            self.events
                .process_valid(LearnerEvent::StartSplit { epoch_number: epoch, total_items }),
        );
        let model = self.learner.model().valid();
        let mut batches = loader.iter();
        let mut step = 0;
        while let Some(batch) = batches.next() {
            let batch = match batch {
                Ok(batch) => batch,
                Err(error) => {
                    self.interrupter.fail(error);
                    return;
                }
            };
            step += 1;
            let item = TrainingItem::new(
                InferenceStep::step(&model, batch),
                batches.progress(),
                Some(step),
                None,
            );
            self.interrupter
                .fail_on_error(self.events.process_valid(LearnerEvent::ProcessedItem(item)));
            if self.stops() {
                // A part of it is no loss to judge by.
                return;
            }
        }
        self.interrupter.fail_on_error(self.events.process_valid(LearnerEvent::EndSplit(epoch)));
        self.interrupter.fail_on_error(self.events.process_train(LearnerEvent::EndEpoch(epoch)));
    }

    /// Waits until all that was told so far has been measured.
    fn settle(&mut self, epoch: usize) {
        let flushed = self.events.flush();
        self.interrupter.fail_on_error(flushed);
        // Loggers have a thread of their own, which answers once it has done all before.
        let _ = self.store.find_metric(LOSS, epoch, Aggregate::Mean, &Split::Train);
    }

    /// Whether the run is to stop here; what it has done is saved first.
    fn stops(&self) -> bool {
        self.plan.signals.came().is_some() || self.interrupter.should_stop()
    }

    /// Saves a state: after so many epochs, and the steps of this one.
    fn save(&mut self, epoch: usize, best: Option<Best>, now: bool) {
        let LoopSettings { checkpoints, history, measured, provenance, run, options, .. } =
            self.plan;
        if now {
            // The epochs of metrics.csv are there first.
            let started = Instant::now();
            if let Err(error) = history.write() {
                self.interrupter.fail(CheckpointerError::Unknown(error.to_string()));
                return;
            }
            self.took = started.elapsed();
            self.saved = Some(Instant::now());
        }
        let sums = if self.step > 0 { measured.sums() } else { Default::default() };
        let (step, lowest, sha256) =
            (self.step, self.lowest_of_run, provenance.sha256().map(str::to_owned));
        let options = options.clone();
        let last =
            Last { epoch, step, run: *run, options, lowest, sha256, sums, files: Files::default() };
        let number = checkpoints.begin(Saving { last, best, now, parts: Default::default() });
        if let Some(checkpointer) = &mut self.checkpointer {
            checkpointer.checkpoint(&self.learner, number, &self.store);
        }
    }
}
