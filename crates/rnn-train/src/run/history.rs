//! The metrics of every epoch, kept in `metrics.csv`.
//!
//! The last column, `check`, is a checksum of the row and of the `check` above it. So a changed,
//! moved or missing row is detected, and a row never changes once it is written.

use std::{
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use csv::StringRecord;
use rnn_files::{read_if_exists_up_to, rename_synced, sha256, write_atomic};
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// Maximum bytes of `metrics.csv`: two million epochs.
const LARGEST: u64 = 256 << 20;

/// Columns of `metrics.csv`. Early versions wrote no `check`.
const HEADER: [&str; 8] = [
    "epoch",
    "train_loss",
    "valid_loss",
    "train_accuracy",
    "valid_accuracy",
    "learning_rate",
    "seconds",
    "check",
];

/// Hexadecimal digits of a `check`.
const DIGITS: usize = 16;

/// Largest number of an epoch, far beyond any training.
pub(crate) const MAX_EPOCH: usize = 1_000_000_000;

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
    /// Whether the file has a checksum in every row.
    has_checksums: bool,
    epochs: Arc<Mutex<Vec<Epoch>>>,
}

impl History {
    /// Starts a new `metrics.csv`.
    pub(crate) fn new(path: Option<PathBuf>) -> Self {
        Self { path, has_checksums: true, epochs: Arc::default() }
    }

    /// Opens the `metrics.csv` of earlier runs; it may be missing.
    pub(crate) fn open(path: PathBuf) -> Result<Self> {
        let metrics = match read_if_exists_up_to(&path, LARGEST)? {
            Some(text) => parse(&text).map_err(|problem| Error::Artifact {
                path: path.clone(),
                problem: format!("expected the epochs of earlier runs, got: {problem}"),
            })?,
            None => Metrics::default(),
        };
        let Metrics { epochs, has_checksums } = metrics;
        Ok(Self { path: Some(path), has_checksums, epochs: Arc::new(Mutex::new(epochs)) })
    }

    /// Whether the opened file had a checksum in every row.
    pub(crate) fn has_checksums(&self) -> bool {
        self.has_checksums
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
        let internal = |problem: String| Error::Internal(problem);
        let (mut text, mut check) = (HEADER.join(",") + "\n", String::new());
        for epoch in self.lock().iter() {
            let mut writer = csv::WriterBuilder::new().has_headers(false).from_writer(Vec::new());
            writer.serialize(epoch).map_err(|error| internal(error.to_string()))?;
            let row = writer.into_inner().map_err(|error| internal(error.to_string()))?;
            let row = String::from_utf8(row).map_err(|error| internal(error.to_string()))?;
            let row = row.trim_end();
            check = check_of(&check, row);
            text.push_str(&format!("{row},{check}\n"));
        }
        Ok(write_atomic(path, text.as_bytes())?)
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Epoch>> {
        self.epochs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The checksum of a row that follows a row with the checksum `before`.
fn check_of(before: &str, row: &str) -> String {
    let mut check = sha256(format!("{before}\n{row}").as_bytes());
    check.truncate(DIGITS);
    check
}

/// The content of `metrics.csv`.
#[derive(Debug, Default)]
pub(crate) struct Metrics {
    epochs: Vec<Epoch>,
    has_checksums: bool,
}

/// Reads the rows of `metrics.csv` and checks them.
pub(crate) fn parse(text: &str) -> std::result::Result<Metrics, String> {
    let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(text.as_bytes());
    let mut rows = reader.records();
    let header = rows.next().transpose().map_err(|error| error.to_string())?;
    let header = header.unwrap_or_default();
    let early = StringRecord::from(&HEADER[..HEADER.len() - 1]);
    let has_checksums = header.iter().eq(HEADER);
    // A run that was stopped early may have left an empty file.
    if !has_checksums && header != early && !header.is_empty() {
        return Err(format!("the columns {}", header.iter().collect::<Vec<_>>().join(",")));
    }
    let (mut epochs, mut check): (Vec<Epoch>, _) = (Vec::new(), String::new());
    for row in rows {
        let mut row = row.map_err(|error| error.to_string())?;
        let line = row.position().map_or(0, csv::Position::line);
        if has_checksums {
            let last = row.len() - 1;
            let found = row[last].to_owned();
            row.truncate(last);
            check = check_of(&check, &row.iter().collect::<Vec<_>>().join(","));
            if found != check {
                return Err(format!("line {line}, which does not match its checksum"));
            }
        }
        let epoch: Epoch =
            row.deserialize(Some(&early)).map_err(|error| format!("line {line}: {error}"))?;
        let before = epochs.last().map_or(0, |epoch| epoch.epoch);
        if epoch.epoch <= before || epoch.epoch > MAX_EPOCH {
            let number = epoch.epoch;
            return Err(format!("line {line}: epoch {number} after epoch {before}"));
        }
        epochs.push(epoch);
    }
    Ok(Metrics { epochs, has_checksums })
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn history(path: PathBuf) -> History {
        let history = History::new(Some(path));
        for epoch in 1..=3 {
            let train_loss = Some(0.1 / epoch as f64);
            history.push(Epoch { epoch, train_loss, learning_rate: 1e-3, ..Epoch::default() });
        }
        history.write().unwrap();
        history
    }

    #[test]
    fn every_flipped_bit_and_every_moved_row_of_the_metrics_is_detected() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("metrics.csv");
        let epochs = history(path.clone()).epochs();
        let text = fs::read_to_string(&path).unwrap();
        assert_eq!(parse(&text).unwrap().epochs, epochs);
        for bit in 0..8 * text.len() {
            let mut bytes = text.clone().into_bytes();
            bytes[bit / 8] ^= 1 << (bit % 8);
            let read = String::from_utf8(bytes).ok().and_then(|text| parse(&text).ok());
            // The end of a line may become another one.
            assert!(read.is_none_or(|read| read.epochs == epochs), "bit {bit}");
        }
        let lines: Vec<&str> = text.lines().collect();
        for order in [&[0, 1, 3][..], &[0, 2, 3], &[0, 2, 1, 3], &[0, 1, 1, 2, 3]] {
            let moved: String = order.iter().map(|line| format!("{}\n", lines[*line])).collect();
            assert!(parse(&moved).is_err(), "{moved}");
        }
    }

    #[test]
    fn metrics_of_early_versions_are_read_without_checksums() {
        let early = "epoch,train_loss,valid_loss,train_accuracy,valid_accuracy,learning_rate,\
                     seconds\n1,0.5,0.25,,,0.001,0.125\n2,0.25,,,,0.001,0.125\n";
        let epochs = parse(early).unwrap().epochs;
        assert_eq!((epochs.len(), epochs[0].valid_loss), (2, Some(0.25)));
        assert!(parse("").unwrap().epochs.is_empty());
        for (changed, problem) in [
            (early.replace("\n2,", "\n1,"), "line 3: epoch 1 after epoch 1"),
            (early.replace("\n2,", "\n18446744073709551615,"), "line 3: epoch 1844674407370955"),
            (early.replace("seconds", "second"), "the columns epoch,"),
        ] {
            let error = parse(&changed).unwrap_err();
            assert!(error.starts_with(problem), "{error}");
        }
    }
}
