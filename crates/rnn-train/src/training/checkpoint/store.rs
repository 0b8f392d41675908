//! The checkpoints of an experiment: its best, and the last of a run that goes on.
//!
//! burn-train hands over model, optimizer and scheduler on three threads. They are put together
//! here, and written once a moment has passed: first the files, each under a temporary name that is
//! synced and renamed, then the manifest that names them, with sizes and checksums. Earlier
//! manifests and the files that they name stay, so that there is something to go back to whichever
//! file is damaged; only what none of them names is removed.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use burn::tensor::Bytes;
use rnn_files::{rename_synced, seal, write_atomic};

use super::manifest::{Best, Files, Last, Manifest, NAMES, PARTS, Stamp, manifest_path, prune};
use crate::error::{Error, Result};

/// The checkpoints of one run folder, or of a run that is kept in memory.
#[derive(Debug)]
pub(crate) struct Checkpoints {
    pub(super) folder: Option<PathBuf>,
    /// Name of the task they belong to.
    pub(super) name: String,
    pub(super) state: Mutex<CheckpointState>,
}

#[derive(Debug, Default)]
pub(super) struct CheckpointState {
    pub(super) best: Option<Best>,
    pub(super) last: Option<Last>,
    pub(super) written: Option<Written>,
    /// The one before it.
    pub(super) before: Option<Written>,
    /// The last one with another best checkpoint, where that is none of the two.
    pub(super) older: Option<Written>,
    /// Files that training starts from, where they are not those of the best.
    pub(super) start: Option<Files>,
    /// Checkpoints some of whose parts are still to come, by number.
    pub(super) saving: BTreeMap<usize, Saving>,
    /// What files are to hold that are not written yet; in memory, all of them.
    pub(super) unwritten: BTreeMap<String, Bytes>,
    pub(super) numbers: usize,
    /// How long the last write took.
    pub(super) took: Duration,
}

/// A manifest as it is on disk.
#[derive(Debug, Clone)]
pub(super) struct Written {
    text: String,
    /// Names in it.
    files: Vec<String>,
    /// Files of its best checkpoint.
    best: Option<Files>,
}

/// A checkpoint that is being saved.
#[derive(Debug)]
pub(crate) struct Saving {
    /// What it is as the last one; its files are filled in.
    pub(crate) last: Last,
    /// What it is as the best one, if it is.
    pub(crate) best: Option<Best>,
    /// Whether it is to be on disk when it is complete; else it may wait.
    pub(crate) now: bool,
    pub(crate) parts: [Option<Bytes>; PARTS.len()],
}

impl Checkpoints {
    /// Whether a folder holds a checkpoint.
    pub(crate) fn exist(folder: &Path) -> bool {
        NAMES.iter().any(|name| folder.join(name).exists())
    }

    /// The best checkpoint so far.
    pub(crate) fn best(&self) -> Option<Best> {
        self.state().best.clone()
    }

    /// The last checkpoint of a run that has not come to its end.
    pub(crate) fn last(&self) -> Option<Last> {
        self.state().last.clone()
    }

    /// How long it took to write the last checkpoint.
    pub(crate) fn took(&self) -> Duration {
        self.state().took
    }

    /// Whether there is neither.
    pub(crate) fn are_none(&self) -> bool {
        let state = self.state();
        state.best.is_none() && state.last.is_none()
    }

    /// Whether there is a checkpoint on disk, and whether there is a best one.
    pub(crate) fn on_disk(&self) -> (bool, bool) {
        let state = self.state();
        (
            state.written.is_some(),
            state.written.as_ref().is_some_and(|written| written.best.is_some()),
        )
    }

    /// Training starts from this checkpoint, not from the best.
    pub(crate) fn start_from(&self, last: &Last) {
        self.state().start = Some(last.files.clone());
    }

    /// A checkpoint is about to be saved; its parts come under this number.
    pub(crate) fn begin(&self, saving: Saving) -> usize {
        let mut state = self.state();
        state.numbers += 1;
        let number = state.numbers;
        state.saving.insert(number, saving);
        number
    }

    /// A part of a checkpoint has been read from its device; with the last part it is complete.
    pub(super) fn part_saved(&self, number: usize, part: usize, bytes: Bytes) -> Result<()> {
        let mut state = self.state();
        let Some(saving) = state.saving.get_mut(&number) else { return Ok(()) };
        saving.parts[part] = Some(bytes);
        if saving.parts.iter().any(Option::is_none) {
            return Ok(());
        }
        let Some(Saving { mut last, best, now, parts }) = state.saving.remove(&number) else {
            return Ok(());
        };
        for (part, bytes) in parts.into_iter().flatten().enumerate() {
            let stamp = Stamp::of(&bytes, last.epoch, last.step);
            state.unwritten.insert(stamp.name(part), bytes);
            last.files[part] = stamp;
        }
        if let Some(best) = best {
            state.best = Some(Best { files: last.files.clone(), ..best });
        }
        state.last = Some(last);
        // What neither is any more need not be written.
        let named = self.manifest(&state).files();
        state.unwritten.retain(|name, _| named.contains(name));
        if now { self.write(&mut state) } else { Ok(()) }
    }

    /// Writes what waits to be written.
    pub(crate) fn flush(&self) -> Result<()> {
        let mut state = self.state();
        if state.unwritten.is_empty() { Ok(()) } else { self.write(&mut state) }
    }

    /// The run has come to its end: the next one trains further from the best.
    pub(crate) fn end_run(&self) -> Result<()> {
        let mut state = self.state();
        state.last = None;
        self.write(&mut state)
    }

    /// The run has come to nothing: the next one trains further from the best, or starts over where
    /// there is none.
    pub(crate) fn abandon_run(&self) -> Result<()> {
        self.end_run()?;
        let mut state = self.state();
        if state.best.is_none() {
            if let Some(folder) = &self.folder {
                for path in
                    NAMES.map(|name| folder.join(name)).into_iter().filter(|path| path.exists())
                {
                    fs::remove_file(&path).map_err(|source| Error::Write { path, source })?;
                }
                prune(folder, &[]);
            }
            *state = CheckpointState::default();
        }
        Ok(())
    }

    /// A run begins that is not the interrupted one.
    pub(crate) fn forget_interrupted(&self) -> Result<()> {
        let mut state = self.state();
        if state.last.take().is_some() { self.write(&mut state) } else { Ok(()) }
    }

    pub(super) fn manifest(&self, state: &CheckpointState) -> Manifest {
        Manifest {
            format: Manifest::FORMAT,
            experiment: self.name.clone(),
            best: state.best.clone(),
            last: state.last.clone(),
        }
    }

    /// Writes the files of the checkpoints and the manifest, and then removes what neither it nor
    /// those before it name.
    fn write(&self, state: &mut CheckpointState) -> Result<()> {
        let started = Instant::now();
        let manifest = self.manifest(state);
        if manifest.best.is_none() && manifest.last.is_none() {
            return Ok(());
        }
        let written = Written::of(&manifest)?;
        let Some(folder) = &self.folder else {
            state.unwritten.retain(|name, _| written.files.contains(name));
            state.written = Some(written);
            return Ok(());
        };
        for (name, bytes) in &state.unwritten {
            write_atomic(&folder.join(name), bytes)?;
        }
        // One that has no files of its own is no state to go back from: those before it stay.
        if let Some(last) = state
            .written
            .as_ref()
            .filter(|last| written.files.iter().any(|name| !last.files.contains(name)))
        {
            let [_, before, older] = NAMES.map(|name| folder.join(name));
            if last.best == written.best
                && state.before.as_ref().is_some_and(|before| before.best != written.best)
            {
                rename_synced(&before, &older)
                    .map_err(|source| Error::Write { path: older, source })?;
                state.older = state.before.take();
            }
            write_atomic(&before, last.text.as_bytes())?;
            state.before = state.written.clone();
        }
        write_atomic(&manifest_path(folder), written.text.as_bytes())?;
        let kept = [Some(&written), state.before.as_ref(), state.older.as_ref()]
            .into_iter()
            .flatten()
            .flat_map(|manifest| manifest.files.clone());
        prune(folder, &kept.collect::<Vec<_>>());
        state.unwritten.clear();
        state.written = Some(written);
        state.took = started.elapsed();
        Ok(())
    }

    pub(super) fn state(&self) -> MutexGuard<'_, CheckpointState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Written {
    pub(super) fn of(manifest: &Manifest) -> Result<Self> {
        let best = manifest.best.as_ref().map(|best| best.files.clone());
        Ok(Self { text: seal(manifest)?, files: manifest.files(), best })
    }
}
