//! The best checkpoint of an experiment, the last one of a run that goes on, and the manifest that names both.
//!
//! burn-train saves model, optimizer and scheduler as three files on three threads, under their final names, and finds a
//! checkpoint again by an epoch number its caller must know. Here each file is written under a temporary name and renamed, and
//! once all three of an epoch are there, `manifest.json` is made to name that epoch; only then is the one before removed.

mod keep;

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
    train::checkpoint::{Checkpoint, Checkpointer, CheckpointerError},
};
pub(crate) use keep::{KeepBest, Patience, Run, RunProgress};
use rnn_data::Scalers;
use serde::{Deserialize, Serialize};

use crate::{
    Error, Result,
    artifacts::{read_if_there, temporary, write_atomic},
    backend::Watch,
    record,
    settings::DataSource,
};

const PARTS: [&str; 3] = ["model", "optimizer", "scheduler"];

/// `manifest.json`: which checkpoint is the best, and which the last of a run that has not come to its end.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Manifest {
    #[serde(flatten)]
    best: Best,
    /// None once the run has come to its end.
    #[serde(default)]
    last: Option<Last>,
}

/// Where a run that goes on has got to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Last {
    /// Epoch after which it was saved.
    pub(crate) epoch: usize,
    /// First and last epoch of the run.
    pub(crate) run: [usize; 2],
    /// The best epoch of the run so far, which may not be the best of the folder, and its loss.
    pub(crate) lowest: (usize, f64),
    /// Hash of the run's data.
    pub(crate) sha256: Option<String>,
}

/// Which checkpoint is the best, and what its weights and its loss mean.
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
        self.sha256() == other.sha256()
    }

    /// Hash of the data.
    pub(crate) fn sha256(&self) -> Option<&str> {
        self.data.as_ref().map(|data| data.sha256.as_str())
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
    last: Option<Last>,
    /// Whether the run has come to its end: what is still being saved is no last checkpoint any more.
    ended: bool,
    /// Epoch whose checkpoint training starts from, where that is not the best.
    start: Option<usize>,
    /// Checkpoints some of whose parts are still being written, oldest first.
    saving: Vec<Saving>,
}

#[derive(Debug)]
struct Saving {
    epoch: usize,
    /// What it will be.
    best: Option<Best>,
    last: Option<Last>,
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
        let manifest: Option<Manifest> = read_if_there(&path)?.map(|text| serde_json::from_str(&text)).transpose().map_err(|error| {
            Error::Artifact { path, problem: format!("expected the manifest of a checkpoint, got: {error}; start over with --fresh") }
        })?;
        let (best, last) = manifest.map_or((None, None), |manifest| (Some(manifest.best), manifest.last));
        Ok(Arc::new(Self { folder, state: Mutex::new(State { best, last, ..State::default() }) }))
    }

    /// The best checkpoint so far.
    pub(crate) fn best(&self) -> Option<Best> {
        self.state().best.clone()
    }

    /// The last checkpoint of a run that has not come to its end.
    pub(crate) fn interrupted(&self) -> Option<Last> {
        self.state().last.clone()
    }

    /// Training starts from the checkpoint of this epoch, not from the best.
    pub(crate) fn start_from(&self, epoch: usize) {
        self.state().start = Some(epoch);
    }

    /// Makes sure that training can go on from the checkpoint of an epoch.
    pub(crate) fn check<M: Module>(&self, model: M, epoch: usize) -> Result<()> {
        self.load_epoch(model, epoch)?;
        let unreadable = |part, error: RecordError| self.unreadable(part, epoch, &error);
        record::read(|| OptimizerRecord::load(self.path(PARTS[1], epoch))).map_err(|error| unreadable(PARTS[1], error))?;
        record::read(|| LrSchedulerRecord::load(self.path(PARTS[2], epoch))).map_err(|error| unreadable(PARTS[2], error))?;
        Ok(())
    }

    /// Loads the best checkpoint into a model of the same sizes.
    pub(crate) fn load<M: Module>(&self, model: M, best: &Best) -> Result<M> {
        self.load_epoch(model, best.epoch)
    }

    fn load_epoch<M: Module>(&self, model: M, epoch: usize) -> Result<M> {
        let path = self.path(PARTS[0], epoch);
        let loaded = record::read(|| ModuleRecord::load(&path)).map_err(|error| self.unreadable(PARTS[0], epoch, &error))?;
        record::read(|| model.try_load_record(loaded)).map_err(|error| {
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

    fn unreadable(&self, part: &str, epoch: usize, error: &RecordError) -> Error {
        let which = if self.best().is_some_and(|best| best.epoch == epoch) { "best" } else { "last" };
        let problem = format!("this part of the {which} checkpoint cannot be read ({error}); start over with --fresh");
        Error::Artifact { path: self.path(part, epoch), problem }
    }

    fn begin(&self, epoch: usize, best: Option<Best>, last: Option<Last>) {
        self.state().saving.push(Saving { epoch, best, last, parts_left: PARTS.len() });
    }

    /// The run has come to its end: the next one trains further from the best.
    pub(crate) fn end_run(&self) -> Result<()> {
        let mut state = self.state();
        state.ended = true;
        state.last = None;
        self.write(&mut state)
    }

    /// A run begins that is not the interrupted one.
    pub(crate) fn forget_interrupted(&self) -> Result<()> {
        let mut state = self.state();
        if state.last.take().is_some() { self.write(&mut state) } else { Ok(()) }
    }

    /// Writes the manifest, and then removes the checkpoints that it does not name.
    fn write(&self, state: &mut State) -> Result<()> {
        let Some(best) = state.best.clone() else { return Ok(()) };
        let named = [Some(best.epoch), state.last.as_ref().map(|last| last.epoch)];
        let manifest = Manifest { best, last: state.last.clone() };
        let text = serde_json::to_string_pretty(&manifest).map_err(|error| Error::Internal(error.to_string()))?;
        write_atomic(&self.folder.join("manifest.json"), text.as_bytes())?;
        let saving: Vec<usize> = state.saving.iter().map(|saving| saving.epoch).collect();
        let keeps = |epoch: usize| named.contains(&Some(epoch)) || saving.contains(&epoch);
        for name in fs::read_dir(&self.folder).into_iter().flatten().flatten().map(|entry| entry.file_name()) {
            // What cannot be removed does no harm: the manifest no longer names it.
            if name.to_str().and_then(epoch_of).is_some_and(|epoch| !keeps(epoch)) {
                drop(fs::remove_file(self.folder.join(name)));
            }
        }
        Ok(())
    }

    /// Called when a part of an epoch's checkpoint is in place; the last part makes that checkpoint what it is to be.
    fn part_saved(&self, epoch: usize) -> Result<()> {
        let mut state = self.state();
        let Some(index) = state.saving.iter().position(|saving| saving.epoch == epoch) else { return Ok(()) };
        state.saving[index].parts_left -= 1;
        if state.saving[index].parts_left > 0 {
            return Ok(());
        }
        let Saving { best, last, .. } = state.saving.remove(index);
        state.best = best.or_else(|| state.best.take());
        state.last = last.or_else(|| state.last.take()).filter(|_| !state.ended);
        self.write(&mut state)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The epoch of a checkpoint's file.
fn epoch_of(name: &str) -> Option<usize> {
    let (part, epoch) = name.strip_suffix(".bpk")?.rsplit_once('-')?;
    epoch.parse().ok().filter(|_| PARTS.contains(&part))
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

    /// The record that training starts from; burn-train passes the epoch to continue after, which may be a later one.
    fn restore(&self, epoch: usize) -> std::result::Result<R, CheckpointerError> {
        let start = self.checkpoints.state().start;
        let epoch = start.or_else(|| self.checkpoints.best().map(|best| best.epoch)).unwrap_or(epoch);
        R::load(self.checkpoints.path(self.name, epoch))
    }

    fn delete(&self, _epoch: usize) -> std::result::Result<(), CheckpointerError> {
        Ok(())
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
