//! The training loop, with checkpoints and early stopping.
//!
//! Burn's own loop saves and stops only between epochs. This loop, for one device, also saves
//! inside an epoch, handles signals, and reports the step with a non-finite loss.

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

/// Settings of the training loop.
pub(super) struct LoopSettings {
    pub(super) checkpoints: Arc<Checkpoints>,
    pub(super) history: History,
    pub(super) measured: Measured,
    /// Receives every loss.
    pub(super) rates: Arc<Rates>,
    pub(super) signals: Arc<Signals>,
    pub(super) provenance: Provenance,
    /// Hash of the settings.
    pub(super) options: String,
    /// Best loss so far.
    pub(super) lowest: f64,
    /// First and last epoch.
    pub(super) run: [usize; 2],
    /// Steps of the first epoch that an interrupted run completed.
    pub(super) steps_done: usize,
    /// Best epoch of the interrupted run, and its loss.
    pub(super) lowest_of_run: Option<(usize, f64)>,
    /// Epochs without improvement before the run stops; 0 disables early stopping.
    pub(super) patience: usize,
    /// Whether a terminal interface shows the run.
    pub(super) in_interface: bool,
    /// Maximum time between checkpoints inside an epoch.
    pub(super) save_every: Duration,
}

/// Why a run ended.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum EndReason {
    /// It completed its last epoch, or burn-train reported an error.
    Finished,
    /// Too many epochs without improvement.
    Patience,
    /// It was stopped and saved after `epoch` epochs and `step` steps of the next.
    Stopped { epoch: usize, step: usize },
    /// A loss was not finite.
    NonFiniteLoss { epoch: usize, step: Option<usize>, loss: f64 },
}

/// The loop as a burn-train strategy.
pub(super) struct Epochs {
    pub(super) device: Device,
    pub(super) plan: LoopSettings,
    pub(super) end_reason: Mutex<EndReason>,
}

/// Time between checkpoints after epochs. The first epoch always writes one: without it an
/// interrupted run would look like a finished one.
const SAVE_INTERVAL: Duration = Duration::from_secs(1);
/// Saving between epochs may use at most 1/10 of the run time.
const SAVE_TIME_DIVISOR: u32 = 10;

/// A strategy that saves at every call.
pub(super) struct AlwaysSave;

impl CheckpointingStrategy for AlwaysSave {
    fn checkpointing(
        &mut self,
        _number: usize,
        _store: &EventStoreClient,
    ) -> Vec<CheckpointingAction> {
        vec![CheckpointingAction::Save]
    }
}

/// A running training loop.
struct RunningLoop<'a, M: LearnerModel> {
    plan: &'a LoopSettings,
    learner: Learner<M>,
    events: SupervisedTrainingEventProcessor<M>,
    checkpointer: Option<LearningCheckpointer<M>>,
    store: Arc<EventStoreClient>,
    interrupter: Interrupter,
    /// Completed steps of this epoch.
    step: usize,
    lowest: f64,
    lowest_of_run: Option<(usize, f64)>,
    saved: Option<Instant>,
    /// Time of the last write of `metrics.csv`.
    history_write_time: Duration,
    started: Instant,
    /// Whether Ctrl-C sends a signal in the terminal interface, too.
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
        let (step, saved, history_write_time, started, ctrl_c) =
            (steps_done, None, Duration::ZERO, Instant::now(), false);
        let mut running = RunningLoop {
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
            history_write_time,
            started,
            ctrl_c,
        };
        let mut epochs = starting_epoch..=num_epochs;
        let end_reason = epochs
            .find_map(|epoch| running.epoch(epoch, &train, &valid))
            .unwrap_or(EndReason::Finished);
        *self.end_reason.lock().unwrap_or_else(PoisonError::into_inner) = end_reason;
        (running.learner.model(), running.events)
    }
}

impl<M: LearnerModel> RunningLoop<'_, M> {
    /// Runs an epoch. Returns a reason if the run ends here.
    fn epoch(
        &mut self,
        epoch: usize,
        train: &TrainLoader<M>,
        valid: &ValidLoader<M>,
    ) -> Option<EndReason> {
        self.train(epoch, train);
        if !self.should_stop() {
            self.validate(epoch, valid);
        }
        self.flush_metrics(epoch);
        if self.interrupter.error().is_some() {
            return Some(EndReason::Finished);
        }
        if let Some((step, loss)) = self.plan.measured.non_finite_loss() {
            return Some(EndReason::NonFiniteLoss { epoch, step: Some(step), loss });
        }
        let Some(loss) = self.plan.measured.epoch_loss(epoch) else {
            // The epoch was stopped before its end.
            let step = self.step;
            self.save(epoch - 1, None, true);
            return Some(EndReason::Stopped { epoch: epoch - 1, step });
        };
        self.step = 0;
        if !loss.is_finite() {
            return Some(EndReason::NonFiniteLoss { epoch, step: None, loss });
        }
        self.finish_epoch(epoch, loss)
    }

    /// Compares the loss of an epoch, saves if due, and decides whether the run ends.
    fn finish_epoch(&mut self, epoch: usize, loss: f64) -> Option<EndReason> {
        self.plan.rates.judge(loss);
        if self.lowest_of_run.is_none_or(|(_, lowest)| loss < lowest) {
            self.lowest_of_run = Some((epoch, loss));
        }
        let stops = self.should_stop();
        let waited = epoch - self.lowest_of_run.map_or(epoch, |(lowest, _)| lowest.min(epoch));
        let patience = self.plan.patience > 0 && waited >= self.plan.patience;
        // The last epoch is saved even if the reports fail.
        let ends = stops || patience || epoch == self.plan.run[1];
        let interval = self.plan.save_every.min(SAVE_INTERVAL).max(
            SAVE_TIME_DIVISOR * (self.plan.checkpoints.write_time() + self.history_write_time),
        );
        let due = ends || self.saved.is_none_or(|saved| saved.elapsed() >= interval);
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
            Some(EndReason::Stopped { epoch, step: 0 })
        } else if patience {
            Some(EndReason::Patience)
        } else {
            None
        }
    }

    fn train(&mut self, epoch: usize, loader: &TrainLoader<M>) {
        let mut batches = loader.iter();
        if batches.progress().is_completed() {
            // The run resumes after the last step of an epoch: no step is left.
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
            if self.should_stop() {
                break;
            }
            if self.saved.unwrap_or(self.started).elapsed() >= self.plan.save_every {
                self.flush_metrics(epoch);
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
            if self.should_stop() {
                // A partial validation gives no comparable loss.
                return;
            }
        }
        self.interrupter.fail_on_error(self.events.process_valid(LearnerEvent::EndSplit(epoch)));
        self.interrupter.fail_on_error(self.events.process_train(LearnerEvent::EndEpoch(epoch)));
    }

    /// Waits until all events so far have been measured.
    fn flush_metrics(&mut self, epoch: usize) {
        let flushed = self.events.flush();
        self.interrupter.fail_on_error(flushed);
        // The loggers' thread replies after it has handled all earlier events.
        let _ = self.store.find_metric(LOSS, epoch, Aggregate::Mean, &Split::Train);
    }

    /// Whether the run must stop here. Its state is saved first.
    fn should_stop(&self) -> bool {
        self.plan.signals.received().is_some() || self.interrupter.should_stop()
    }

    /// Saves the state after `epoch` epochs and the completed steps of the next.
    fn save(&mut self, epoch: usize, best: Option<Best>, now: bool) {
        let LoopSettings { checkpoints, history, measured, provenance, run, options, .. } =
            self.plan;
        if now {
            // metrics.csv is written before the checkpoint.
            let started = Instant::now();
            if let Err(error) = history.write() {
                self.interrupter.fail(CheckpointerError::Unknown(error.to_string()));
                return;
            }
            self.history_write_time = started.elapsed();
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
