//! The numbers of every epoch: collected while training, kept in `metrics.csv`.

use std::{
    fs,
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use serde::{Deserialize, Serialize};

use crate::{
    console::note,
    error::{Error, Result},
    io::{read_up_to, write_atomic},
};

/// Bytes of `metrics.csv`: two million epochs.
const LARGEST: u64 = 256 << 20;

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
        if let Some(text) = read_up_to(&path, LARGEST)? {
            for row in csv::Reader::from_reader(text.as_bytes()).deserialize() {
                let row: std::result::Result<Epoch, csv::Error> = row;
                epochs.push(row.map_err(|error| Error::Artifact {
                    path: path.clone(),
                    problem: format!("expected the epochs of earlier runs, got: {error}"),
                })?);
            }
        }
        Ok(Self { path, epochs: Arc::new(Mutex::new(epochs)) })
    }

    /// The same, to train further: losses that cannot be read stop nobody. The file is put aside, and says so.
    pub(crate) fn recover(path: PathBuf) -> Self {
        Self::open(path.clone()).unwrap_or_else(|error| {
            let aside = path.with_extension("damaged.csv");
            let kept = if fs::rename(&path, &aside).is_ok() { format!(" (kept as {})", aside.display()) } else { String::new() };
            note(format_args!("{error}; going on without them{kept}"));
            Self::new(path)
        })
    }

    /// Says which epochs up to one are missing.
    pub(crate) fn told_of_gaps(&self, reached: usize) {
        let epochs = self.lock();
        let there = epochs.iter().filter(|epoch| (1..=reached).contains(&epoch.epoch)).count();
        if there < reached {
            note(format_args!(
                "{}: {} of the {reached} epochs so far are missing; nothing else depends on them",
                self.path.display(),
                reached - there
            ));
        }
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

    /// Adds an epoch.
    pub(crate) fn push(&self, epoch: Epoch) {
        self.lock().push(epoch);
    }

    /// Writes `metrics.csv`.
    pub(crate) fn write(&self) -> Result<()> {
        let mut writer = csv::Writer::from_writer(Vec::new());
        let internal = |problem: String| Error::Internal(problem);
        let epochs = self.epochs();
        // The header is there before the first row.
        let none = [Epoch::default()];
        for epoch in if epochs.is_empty() { &none[..] } else { &epochs } {
            writer.serialize(epoch).map_err(|error| internal(error.to_string()))?;
        }
        let mut text = writer.into_inner().map_err(|error| internal(error.to_string()))?;
        if epochs.is_empty() {
            text.truncate(text.iter().position(|byte| *byte == b'\n').map_or(0, |end| end + 1));
        }
        write_atomic(&self.path, &text)
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Epoch>> {
        self.epochs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
