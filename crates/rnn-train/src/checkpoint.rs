//! The best checkpoint of an experiment, and the manifest that names it.
//!
//! burn-train saves model, optimizer and scheduler as three files on three threads, under their final names, and finds a
//! checkpoint again by an epoch number its caller must know. Here each file is written under a temporary name and renamed, and
//! once all three of an epoch are there, `manifest.json` is made to name that epoch; only then is the one before removed.

use std::{
    fs, panic,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use burn::{
    lr_scheduler::LrSchedulerRecord,
    module::Module,
    optim::OptimizerRecord,
    store::{ModuleRecord, RecordError},
    train::{
        Interrupter,
        checkpoint::{Checkpoint, Checkpointer, CheckpointerError, CheckpointingAction, CheckpointingStrategy},
        metric::store::{Aggregate, EventStoreClient, Split},
    },
};
use rnn_data::Scalers;
use serde::{Deserialize, Serialize};

use crate::{
    Error, Result,
    artifacts::{read_if_there, temporary, write_atomic},
    backend::Watch,
    schedule::Rates,
    settings::DataSource,
};

const PARTS: [&str; 3] = ["model", "optimizer", "scheduler"];

/// `manifest.json`: which checkpoint is the best, and what its weights and its loss mean.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Best {
    /// Epoch after which it was saved.
    pub(crate) epoch: usize,
    /// Loss of its weights: on the validation part, or on the training part where there is none.
    pub(crate) loss: f64,
    #[serde(flatten)]
    pub(crate) meaning: Meaning,
}

/// What a model's numbers mean: the data its loss was measured on, and the scalers between it and its inputs and outputs.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Meaning {
    pub(crate) data: Option<DataSource>,
    pub(crate) scalers: Option<Scalers>,
}

impl Meaning {
    /// Whether both speak of the same prices, wherever the files are.
    pub(crate) fn is_of_same_data(&self, other: &Self) -> bool {
        let sha256 = |meaning: &Self| meaning.data.as_ref().map(|data| data.sha256.clone());
        sha256(self) == sha256(other)
    }
}

/// The checkpoint folder of one experiment.
#[derive(Debug)]
pub(crate) struct Checkpoints {
    folder: PathBuf,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    best: Option<Best>,
    /// Checkpoints some of whose parts are still being written, oldest first.
    saving: Vec<Saving>,
}

#[derive(Debug)]
struct Saving {
    best: Best,
    parts_left: usize,
}

impl Checkpoints {
    /// Whether a folder holds a checkpoint.
    pub(crate) fn exist(folder: &Path) -> bool {
        folder.join("manifest.json").exists()
    }

    /// Opens a checkpoint folder, which may be empty.
    pub(crate) fn open(folder: PathBuf) -> Result<Arc<Self>> {
        let path = folder.join("manifest.json");
        let best = read_if_there(&path)?.map(|text| serde_json::from_str(&text)).transpose().map_err(|error| Error::Artifact {
            path,
            problem: format!("expected the manifest of a checkpoint, got: {error}; start over with --fresh"),
        })?;
        Ok(Arc::new(Self { folder, state: Mutex::new(State { best, saving: Vec::new() }) }))
    }

    /// The best checkpoint so far.
    pub(crate) fn best(&self) -> Option<Best> {
        self.state().best.clone()
    }

    /// Makes sure that training can go on from the best checkpoint.
    pub(crate) fn check<M: Module>(&self, model: M, best: &Best) -> Result<()> {
        self.load(model, best)?;
        let unreadable = |part, error: RecordError| self.unreadable(part, best, &error);
        OptimizerRecord::load(self.path(PARTS[1], best.epoch)).map_err(|error| unreadable(PARTS[1], error))?;
        LrSchedulerRecord::load(self.path(PARTS[2], best.epoch)).map_err(|error| unreadable(PARTS[2], error))?;
        Ok(())
    }

    /// Loads the best checkpoint into a model of the same sizes.
    pub(crate) fn load<M: Module>(&self, model: M, best: &Best) -> Result<M> {
        let path = self.path(PARTS[0], best.epoch);
        let record = ModuleRecord::load(&path).map_err(|error| self.unreadable(PARTS[0], best, &error))?;
        model.try_load_record(record).map_err(|error| {
            let difference = error.to_string().replace("Shape { dims: [", "[").replace("] }", "]");
            let problem = format!("holds another model ({difference}); choose another folder with --artifacts, or start over with --fresh");
            Error::Artifact { path, problem }
        })
    }

    /// What saves and restores one of [`PARTS`] for burn-train; `gpu` names the adapter its numbers come from, if any.
    pub(crate) fn part(self: &Arc<Self>, index: usize, gpu: Option<String>) -> Part {
        Part { name: PARTS[index], checkpoints: self.clone(), gpu }
    }

    fn path(&self, part: &str, epoch: usize) -> PathBuf {
        self.folder.join(format!("{part}-{epoch}.bpk"))
    }

    fn unreadable(&self, part: &str, best: &Best, error: &RecordError) -> Error {
        let problem = format!("this part of the best checkpoint cannot be read ({error}); start over with --fresh");
        Error::Artifact { path: self.path(part, best.epoch), problem }
    }

    fn begin(&self, best: Best) {
        self.state().saving.push(Saving { best, parts_left: PARTS.len() });
    }

    /// Called when a part of an epoch's checkpoint is in place; the last part makes that checkpoint the best.
    fn part_saved(&self, epoch: usize) -> Result<()> {
        let mut state = self.state();
        let Some(index) = state.saving.iter().position(|saving| saving.best.epoch == epoch) else { return Ok(()) };
        state.saving[index].parts_left -= 1;
        if state.saving[index].parts_left > 0 {
            return Ok(());
        }
        let best = state.saving.remove(index).best;
        let text = serde_json::to_string_pretty(&best).map_err(|error| Error::Internal(error.to_string()))?;
        write_atomic(&self.folder.join("manifest.json"), text.as_bytes())?;
        let epoch = best.epoch;
        let before = state.best.replace(best);
        if let Some(before) = before.filter(|before| before.epoch != epoch) {
            // What cannot be removed does no harm: the manifest no longer names it.
            PARTS.iter().for_each(|part| drop(fs::remove_file(self.path(part, before.epoch))));
        }
        Ok(())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Saves and restores one of the three records of a checkpoint.
pub(crate) struct Part {
    name: &'static str,
    checkpoints: Arc<Checkpoints>,
    gpu: Option<String>,
}

impl<R: Checkpoint> Checkpointer<R> for Part {
    fn save(&self, epoch: usize, record: R) -> std::result::Result<(), CheckpointerError> {
        let path = self.checkpoints.path(self.name, epoch);
        let temporary = temporary(&path);
        // A record is read from its device here. A panic would end burn-train's thread, and then the process: its handle panics
        // when it is dropped.
        let watch = Watch::start(self.gpu.as_deref());
        let saved = panic::catch_unwind(panic::AssertUnwindSafe(|| record.save(temporary.clone())));
        drop(watch);
        let saved = saved.unwrap_or_else(|_| Err(CheckpointerError::Unknown("its numbers cannot be read".to_owned())));
        if let Err(error) = saved {
            let _ = fs::remove_file(&temporary);
            return Err(error);
        }
        fs::rename(&temporary, &path).map_err(CheckpointerError::IOError)?;
        self.checkpoints.part_saved(epoch).map_err(|error| CheckpointerError::Unknown(error.to_string()))
    }

    /// The best checkpoint's record; burn-train passes the epoch to continue after, which may be a later one.
    fn restore(&self, epoch: usize) -> std::result::Result<R, CheckpointerError> {
        let epoch = self.checkpoints.best().map_or(epoch, |best| best.epoch);
        R::load(self.checkpoints.path(self.name, epoch))
    }

    fn delete(&self, _epoch: usize) -> std::result::Result<(), CheckpointerError> {
        Ok(())
    }
}

/// Saves a checkpoint after every epoch whose weights are better than all before, judged after the epoch.
pub(crate) struct KeepBest {
    checkpoints: Arc<Checkpoints>,
    interrupter: Interrupter,
    meaning: Meaning,
    lowest: f64,
    rates: Arc<Rates>,
}

impl KeepBest {
    /// `lowest` is the loss the first epoch has to beat; `rates` are told every loss.
    pub(crate) fn new(checkpoints: Arc<Checkpoints>, interrupter: Interrupter, meaning: Meaning, lowest: f64, rates: Arc<Rates>) -> Self {
        Self { checkpoints, interrupter, meaning, lowest, rates }
    }
}

impl CheckpointingStrategy for KeepBest {
    fn checkpointing(&mut self, epoch: usize, store: &EventStoreClient) -> Vec<CheckpointingAction> {
        let loss = store.find_metric("Loss", epoch, Aggregate::Mean, &Split::Valid).unwrap_or(f64::NAN);
        if !loss.is_finite() {
            let kept = if self.checkpoints.best().is_some() { " (the best checkpoint so far is kept)" } else { "" };
            self.interrupter.stop(Some(&format!("the loss is {loss} after epoch {epoch}; try a smaller --learning-rate{kept}")));
            return Vec::new();
        }
        self.rates.judge(loss);
        if loss >= self.lowest {
            return Vec::new();
        }
        self.lowest = loss;
        self.checkpoints.begin(Best { epoch, loss, meaning: self.meaning.clone() });
        vec![CheckpointingAction::Save]
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::Bytes;

    use super::*;

    /// A record whose device fails while it is read.
    struct Lost;

    impl Checkpoint for Lost {
        fn save(self, path: PathBuf) -> std::result::Result<(), CheckpointerError> {
            fs::write(path, "half a record").map_err(CheckpointerError::IOError)?;
            panic!("the device was lost")
        }

        fn load(_: PathBuf) -> std::result::Result<Self, CheckpointerError> {
            Ok(Self)
        }

        fn checkpoint_from_bytes(_: Bytes) -> std::result::Result<Self, RecordError> {
            Ok(Self)
        }

        fn checkpoint_into_bytes(self) -> std::result::Result<Bytes, RecordError> {
            Ok(Bytes::from_bytes_vec(Vec::new()))
        }
    }

    #[test]
    fn a_record_that_panics_is_an_error_and_leaves_no_file() {
        let folder = tempfile::tempdir().unwrap();
        let part = Checkpoints::open(folder.path().to_owned()).unwrap().part(0, None);
        assert!(matches!(part.save(3, Lost), Err(CheckpointerError::Unknown(_))));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
