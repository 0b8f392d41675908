//! The metrics of every epoch, kept in `metrics.csv`.

use std::{
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use rnn_files::{read_if_exists_up_to, rename_synced, write_atomic};
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// Maximum bytes of `metrics.csv`: two million epochs.
const LARGEST: u64 = 256 << 20;

/// One row of `metrics.csv`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Epoch {
    /// Number of the epoch, counted from 1.
    pub epoch: usize,
    /// Mean training loss.
    pub train_loss: Option<f64>,
    /// Mean validation loss; none without a validation set.
    pub valid_loss: Option<f64>,
    /// Training accuracy of letters models, 0 to 1.
    pub train_accuracy: Option<f64>,
    /// Validation accuracy of letters models, 0 to 1.
    pub valid_accuracy: Option<f64>,
    /// Learning rate of the last step.
    pub learning_rate: f64,
    /// Duration in seconds.
    pub seconds: f64,
}

/// All epochs in a run folder, including those of earlier runs.
#[derive(Debug, Clone)]
pub(crate) struct History {
    /// None: kept in memory.
    path: Option<PathBuf>,
    epochs: Arc<Mutex<Vec<Epoch>>>,
}

impl History {
    /// Starts a new `metrics.csv`.
    pub(crate) fn new(path: Option<PathBuf>) -> Self {
        Self { path, epochs: Arc::default() }
    }

    /// Opens the `metrics.csv` of earlier runs; it may be missing.
    pub(crate) fn open(path: PathBuf) -> Result<Self> {
        let mut epochs = Vec::new();
        if let Some(text) = read_if_exists_up_to(&path, LARGEST)? {
            for row in csv::Reader::from_reader(text.as_bytes()).deserialize() {
                let row: std::result::Result<Epoch, csv::Error> = row;
                epochs.push(row.map_err(|error| Error::Artifact {
                    path: path.clone(),
                    problem: format!("expected the epochs of earlier runs, got: {error}"),
                })?);
            }
        }
        Ok(Self { path: Some(path), epochs: Arc::new(Mutex::new(epochs)) })
    }

    /// Opens the history of a resumed run. An unreadable file is renamed, reported and ignored.
    pub(crate) fn recover(path: PathBuf) -> Self {
        Self::open(path.clone()).unwrap_or_else(|error| {
            let backup = path.with_extension("damaged.csv");
            let kept = if rename_synced(&path, &backup).is_ok() {
                format!(" (backed up as {})", backup.display())
            } else {
                String::new()
            };
            log::info!("{error}; continuing without them{kept}");
            Self::new(Some(path))
        })
    }

    /// Logs the number of missing epochs up to epoch `reached`.
    pub(crate) fn log_gaps(&self, reached: usize) {
        let found = self.lock().iter().filter(|epoch| (1..=reached).contains(&epoch.epoch)).count();
        if let Some(path) = self.path.as_ref().filter(|_| found < reached) {
            let missing = reached - found;
            log::info!(
                "{}: {missing} of {reached} epochs are missing; training does not need them",
                path.display()
            );
        }
    }

    /// Removes the epochs after `last`, which are trained again.
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

    /// Adds an epoch.
    pub(crate) fn push(&self, epoch: Epoch) {
        self.lock().push(epoch);
    }

    /// Writes `metrics.csv`.
    pub(crate) fn write(&self) -> Result<()> {
        let Some(path) = &self.path else { return Ok(()) };
        let mut writer = csv::Writer::from_writer(Vec::new());
        let internal = |problem: String| Error::Internal(problem);
        let epochs = self.epochs();
        // The header is written before the first row.
        let none = [Epoch::default()];
        for epoch in if epochs.is_empty() { &none[..] } else { &epochs } {
            writer.serialize(epoch).map_err(|error| internal(error.to_string()))?;
        }
        let mut text = writer.into_inner().map_err(|error| internal(error.to_string()))?;
        if epochs.is_empty() {
            text.truncate(text.iter().position(|byte| *byte == b'\n').map_or(0, |end| end + 1));
        }
        Ok(write_atomic(path, &text)?)
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Epoch>> {
        self.epochs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
