//! Collects the metrics of burn-train while a run trains.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Instant,
};

use burn::train::{
    Interrupter,
    logger::MetricLogger,
    metric::{
        MetricDefinition, MetricId, NumericEntry,
        store::{EpochSummary, MetricsUpdate, Split},
    },
};

use super::checkpoint::Sums;
use crate::{
    run::{Epoch, History},
    settings::Rates,
};

/// The metrics of a run so far. burn-train keeps no metrics with which a run could resume inside an
/// epoch.
#[derive(Debug, Clone, Default)]
pub(crate) struct Measured(Arc<Mutex<Values>>);

#[derive(Debug, Default)]
struct Values {
    /// Sums over the training steps of this epoch.
    train: Sums,
    valid: Sums,
    /// Measured steps of this epoch.
    steps: usize,
    /// First step with a non-finite loss, and that loss.
    non_finite_loss: Option<(usize, f64)>,
    /// The last completed epoch, and the loss by which it is compared.
    epoch_loss: Option<(usize, f64)>,
}

impl Measured {
    /// Starts after some steps of an epoch.
    pub(crate) fn starting_after(steps: usize, sums: Sums) -> Self {
        Self(Arc::new(Mutex::new(Values { train: sums, steps, ..Values::default() })))
    }

    /// Sums over the steps of this epoch.
    pub(crate) fn sums(&self) -> Sums {
        self.lock().train.clone()
    }

    /// First step of this epoch with a non-finite loss, and that loss.
    pub(crate) fn non_finite_loss(&self) -> Option<(usize, f64)> {
        self.lock().non_finite_loss
    }

    /// The loss by which a completed epoch is compared.
    pub(crate) fn epoch_loss(&self, epoch: usize) -> Option<f64> {
        self.lock().epoch_loss.filter(|(completed, _)| *completed == epoch).map(|(_, loss)| loss)
    }

    fn lock(&self) -> MutexGuard<'_, Values> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The mean of a metric over the samples of its epoch.
fn mean(sums: &Sums, name: &str) -> Option<f64> {
    sums.get(name).map(|(sum, count)| sum / *count as f64)
}

/// Collects burn-train's metrics into a [`History`].
pub(crate) struct Recorder {
    history: History,
    measured: Measured,
    rates: Arc<Rates>,
    validates: bool,
    names: HashMap<MetricId, String>,
    epoch_started: Instant,
    training: Interrupter,
    interface: Interrupter,
}

impl Recorder {
    /// Validation metrics are recorded only if the task has a validation set (`validates`).
    ///
    /// `training` stops the training; the terminal interface sets `interface` when its user quits.
    ///
    /// They are separate because burn-train 0.22.1's interface resets its own interrupter. That
    /// would erase the error of a failed run before it is read.
    pub(crate) fn new(
        history: History,
        measured: Measured,
        rates: Arc<Rates>,
        validates: bool,
        training: Interrupter,
        interface: Interrupter,
    ) -> Self {
        Self {
            history,
            measured,
            rates,
            validates,
            names: HashMap::new(),
            epoch_started: Instant::now(),
            training,
            interface,
        }
    }

    fn end_epoch(&mut self, number: usize) {
        let mut values = self.measured.lock();
        let accuracy = |sums: &Sums| mean(sums, ACCURACY).map(|percent| percent / 100.0);
        let epoch = Epoch {
            epoch: number,
            train_loss: mean(&values.train, LOSS),
            valid_loss: mean(&values.valid, LOSS).filter(|_| self.validates),
            train_accuracy: accuracy(&values.train),
            valid_accuracy: accuracy(&values.valid).filter(|_| self.validates),
            learning_rate: self.rates.last(),
            seconds: self.epoch_started.elapsed().as_secs_f64(),
        };
        let loss = mean(&values.valid, LOSS).unwrap_or(f64::NAN);
        *values = Values { epoch_loss: Some((number, loss)), ..Values::default() };
        self.epoch_started = Instant::now();
        self.history.push(epoch);
    }
}

/// Metric names of burn-train.
pub(crate) const LOSS: &str = "Loss";

const ACCURACY: &str = "Accuracy";

impl MetricLogger for Recorder {
    fn log(&mut self, update: MetricsUpdate, _epoch: usize, split: &Split) {
        let mut values = self.measured.lock();
        for update in update.entries_numeric {
            let Some(name) = self.names.get(&update.entry.metric_id) else { continue };
            let Some(NumericEntry::Aggregated { aggregated_value: value, count }) =
                update.numeric_entry
            else {
                continue;
            };
            if *split == Split::Train && name == LOSS {
                values.steps += 1;
                if !value.is_finite() && values.non_finite_loss.is_none() {
                    values.non_finite_loss = Some((values.steps, value));
                    self.training.stop(None);
                }
            }
            let sums = if *split == Split::Train { &mut values.train } else { &mut values.valid };
            let (sum, total) = sums.entry(name.clone()).or_default();
            (*sum, *total) = (*sum + value * count as f64, *total + count);
        }
        if self.interface.should_stop() {
            self.training.stop(None);
        }
    }

    fn read_numeric(
        &mut self,
        name: &str,
        _epoch: usize,
        split: &Split,
    ) -> std::result::Result<Vec<NumericEntry>, String> {
        let values = self.measured.lock();
        let sums = if *split == Split::Train { &values.train } else { &values.valid };
        Ok(mean(sums, name).map(NumericEntry::Final).into_iter().collect())
    }

    fn log_metric_definition(&mut self, definition: MetricDefinition) {
        self.names.insert(definition.metric_id, definition.name.to_string());
    }

    fn log_epoch_summary(&mut self, summary: EpochSummary) {
        // The validation summary ends an epoch.
        if summary.split == Split::Valid {
            self.end_epoch(summary.epoch_number);
        }
    }
}
