//! The numbers of every epoch: collected while training, kept in `metrics.csv`.

use std::{
    collections::HashMap,
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use burn::train::{
    Interrupter,
    logger::MetricLogger,
    metric::{
        MetricDefinition, MetricId, NumericEntry,
        store::{EpochSummary, MetricsUpdate, Split},
    },
};
use serde::{Deserialize, Serialize};

use crate::{Error, Result, artifacts::write_atomic, schedule::Rates, text_file};

/// How often `metrics.csv` is written while training; always once more at the end.
const WRITE_EVERY: Duration = Duration::from_secs(1);

/// Bytes of `metrics.csv`: half a million epochs.
const LARGEST: u64 = 64 << 20;

/// One row of `metrics.csv`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Epoch {
    pub(crate) epoch: usize,
    pub(crate) train_loss: Option<f64>,
    pub(crate) valid_loss: Option<f64>,
    pub(crate) train_accuracy: Option<f64>,
    pub(crate) valid_accuracy: Option<f64>,
    /// Of the last step.
    pub(crate) learning_rate: f64,
    pub(crate) seconds: f64,
}

/// All epochs of an experiment, those of earlier runs included.
#[derive(Debug, Clone)]
pub(crate) struct History {
    path: PathBuf,
    epochs: Arc<Mutex<Vec<Epoch>>>,
}

impl History {
    /// Starts a new `metrics.csv`.
    pub(crate) fn new(path: PathBuf) -> Self {
        Self { path, epochs: Arc::default() }
    }

    /// Opens the `metrics.csv` of earlier runs, which may not be there.
    pub(crate) fn open(path: PathBuf) -> Result<Self> {
        let mut epochs = Vec::new();
        if path.exists() {
            let unreadable = |error: csv::Error| Error::Artifact {
                path: path.clone(),
                problem: format!("expected the epochs of earlier runs, got: {error}; start over with --fresh"),
            };
            let text = text_file::read(&path, LARGEST).map_err(|error| unreadable(error.into()))?;
            for row in csv::Reader::from_reader(text.as_bytes()).deserialize() {
                epochs.push(row.map_err(unreadable)?);
            }
        }
        Ok(Self { path, epochs: Arc::new(Mutex::new(epochs)) })
    }

    /// Forgets the epochs after one, which are trained again.
    pub(crate) fn truncate(&self, last: usize) {
        self.lock().retain(|epoch| epoch.epoch <= last);
    }

    /// Number of the last epoch; 0 before the first.
    pub(crate) fn last_epoch(&self) -> usize {
        self.lock().last().map_or(0, |epoch| epoch.epoch)
    }

    /// All epochs, oldest first.
    pub(crate) fn epochs(&self) -> Vec<Epoch> {
        self.lock().clone()
    }

    /// Writes `metrics.csv`.
    pub(crate) fn write(&self) -> Result<()> {
        let mut writer = csv::Writer::from_writer(Vec::new());
        let internal = |problem: String| Error::Internal(problem);
        for epoch in self.lock().iter() {
            writer.serialize(epoch).map_err(|error| internal(error.to_string()))?;
        }
        write_atomic(&self.path, &writer.into_inner().map_err(|error| internal(error.to_string()))?)
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Epoch>> {
        self.epochs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Collects burn-train's metrics into a [`History`].
pub(crate) struct Recorder {
    history: History,
    rates: Arc<Rates>,
    validates: bool,
    names: HashMap<MetricId, String>,
    /// Last epoch-level value of each metric.
    finals: HashMap<(Split, String), f64>,
    epoch_started: Instant,
    last_write: Instant,
    training: Interrupter,
    interface: Interrupter,
}

impl Recorder {
    /// Without a validation part (`validates`), what an epoch is judged on is not recorded.
    ///
    /// `training` stops the training; `interface` is what the terminal interface stops when its user quits.
    ///
    /// They are two because burn-train 0.22.1's interface resets its own interrupter, and with it the error of a failed run,
    /// before the result is read.
    pub(crate) fn new(history: History, rates: Arc<Rates>, validates: bool, training: Interrupter, interface: Interrupter) -> Self {
        let now = Instant::now();
        let (names, finals) = (HashMap::new(), HashMap::new());
        Self { history, rates, validates, names, finals, epoch_started: now, last_write: now, training, interface }
    }

    fn last(&self, split: &Split, name: &str) -> Option<f64> {
        self.finals.get(&(split.clone(), name.to_owned())).copied()
    }

    fn end_epoch(&mut self, number: usize) {
        let accuracy = |split: Split| self.last(&split, "Accuracy").map(|percent| percent / 100.0);
        let epoch = Epoch {
            epoch: number,
            train_loss: self.last(&Split::Train, "Loss"),
            valid_loss: self.last(&Split::Valid, "Loss").filter(|_| self.validates),
            train_accuracy: accuracy(Split::Train),
            valid_accuracy: accuracy(Split::Valid).filter(|_| self.validates),
            learning_rate: self.rates.last(),
            seconds: self.epoch_started.elapsed().as_secs_f64(),
        };
        self.epoch_started = Instant::now();
        self.history.lock().push(epoch);
        if self.last_write.elapsed() >= WRITE_EVERY {
            self.last_write = Instant::now();
            if let Err(error) = self.history.write() {
                self.training.stop(Some(&error.to_string()));
            }
        }
    }
}

impl MetricLogger for Recorder {
    fn log(&mut self, update: MetricsUpdate, _epoch: usize, split: &Split) {
        for update in update.entries_numeric {
            if let (Some(name), Some(NumericEntry::Final(value))) = (self.names.get(&update.entry.metric_id), update.numeric_entry) {
                self.finals.insert((split.clone(), name.clone()), value);
            }
        }
        if self.interface.should_stop() {
            self.training.stop(Some("stopped in the terminal interface; the best checkpoint so far is kept"));
        }
    }

    fn read_numeric(&mut self, name: &str, _epoch: usize, split: &Split) -> std::result::Result<Vec<NumericEntry>, String> {
        Ok(self.last(split, name).map(NumericEntry::Final).into_iter().collect())
    }

    fn log_metric_definition(&mut self, definition: MetricDefinition) {
        self.names.insert(definition.metric_id, definition.name.to_string());
    }

    fn log_epoch_summary(&mut self, summary: EpochSummary) {
        // The validation split ends an epoch.
        if summary.split == Split::Valid {
            self.end_epoch(summary.epoch_number);
        }
    }
}
