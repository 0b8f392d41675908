//! The checkpoints of a run: the best one, and the last one of an unfinished run.
//!
//! burn-train passes model, optimizer and scheduler on three threads. They are collected here and
//! written when due: first the files, then the manifest with their sizes and checksums. Each file
//! is written under a temporary name, synced and renamed.
//!
//! Earlier manifests and their files are kept, so that any damaged file leaves a fallback. While
//! there is only one checkpoint, its files and its manifest are written twice. Only files that no
//! manifest names are removed.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use burn::tensor::Bytes;
use rnn_files::{rename_synced, seal, write_atomic};

use super::manifest::{
    Best, Files, Last, Manifest, NAMES, PARTS, Reports, Stamp, manifest_path, prune,
};
use crate::error::{Error, Result};

/// The checkpoints of a run, in its folder or in memory.
#[derive(Debug)]
pub(crate) struct Checkpoints {
    pub(super) folder: Option<PathBuf>,
    /// Name of the task.
    pub(super) name: String,
    pub(super) state: Mutex<CheckpointState>,
}

#[derive(Debug, Default)]
pub(super) struct CheckpointState {
    pub(super) best: Option<Best>,
    pub(super) last: Option<Last>,
    /// Reports of a finished run.
    pub(super) reports: Reports,
    pub(super) written: Option<Written>,
    /// The previous manifest.
    pub(super) before: Option<Written>,
    /// A manifest with a different best checkpoint, written when the other two share theirs.
    pub(super) older: Option<Written>,
    /// Files to start training from, if not those of the best checkpoint.
    pub(super) start: Option<Files>,
    /// Incomplete checkpoints, by number.
    pub(super) saving: BTreeMap<usize, Saving>,
    /// Contents of files not written yet; of all files for a run in memory.
    pub(super) unwritten: BTreeMap<String, Bytes>,
    pub(super) numbers: usize,
    /// Time of the last write.
    pub(super) write_time: Duration,
}

/// A manifest on disk.
#[derive(Debug, Clone)]
pub(super) struct Written {
    text: String,
    /// Names of its files.
    files: Vec<String>,
    /// Files of its best checkpoint.
    best: Option<Files>,
    /// Files of its last checkpoint.
    last: Option<Files>,
}

/// A checkpoint during saving.
#[derive(Debug)]
pub(crate) struct Saving {
    /// Its entry as the last checkpoint; the files are filled in later.
    pub(crate) last: Last,
    /// Its entry as the best checkpoint, if it is the best.
    pub(crate) best: Option<Best>,
    /// Whether to write it as soon as it is complete; otherwise it may wait.
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

    /// The last checkpoint of an unfinished run.
    pub(crate) fn last(&self) -> Option<Last> {
        self.state().last.clone()
    }

    /// Time it took to write the last checkpoint.
    pub(crate) fn write_time(&self) -> Duration {
        self.state().write_time
    }

    /// Whether there is no checkpoint.
    pub(crate) fn is_empty(&self) -> bool {
        let state = self.state();
        state.best.is_none() && state.last.is_none()
    }

    /// Whether any checkpoint is on disk.
    pub(crate) fn on_disk(&self) -> bool {
        self.state().written.is_some()
    }

    /// Whether the run has ended, with a best checkpoint.
    pub(crate) fn is_finished(&self) -> bool {
        let state = self.state();
        state.best.is_some() && state.last.is_none()
    }

    /// The reports of a finished run.
    pub(crate) fn reports(&self) -> Reports {
        self.state().reports.clone()
    }

    /// Starts training from this checkpoint instead of the best.
    pub(crate) fn start_from(&self, last: &Last) {
        self.state().start = Some(last.files.clone());
    }

    /// Starts to save a checkpoint. Returns the number under which its records arrive.
    pub(crate) fn begin(&self, saving: Saving) -> usize {
        let mut state = self.state();
        state.numbers += 1;
        let number = state.numbers;
        state.saving.insert(number, saving);
        number
    }

    /// Adds a record of a checkpoint. The last of the three completes it.
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
        state.reports.clear();
        // Files of neither checkpoint need not be written.
        let named = self.manifest(&state).files();
        state.unwritten.retain(|name, _| named.contains(name));
        if now { self.write(&mut state) } else { Ok(()) }
    }

    /// Writes all pending files.
    pub(crate) fn flush(&self) -> Result<()> {
        let mut state = self.state();
        if state.unwritten.is_empty() { Ok(()) } else { self.write(&mut state) }
    }

    /// Marks the run as finished: the next run continues from the best weights.
    pub(crate) fn end_run(&self, reports: Reports) -> Result<()> {
        let mut state = self.state();
        state.last = None;
        state.reports = reports;
        self.write(&mut state)
    }

    /// Marks the run as failed: the next run continues from the best weights, or starts over if
    /// there are none.
    pub(crate) fn abandon_run(&self) -> Result<()> {
        self.end_run(Reports::new())?;
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

    /// Discards the state of an interrupted run, and the checksums of earlier reports.
    pub(crate) fn forget_interrupted(&self) -> Result<()> {
        let mut state = self.state();
        let has_reports = !std::mem::take(&mut state.reports).is_empty();
        if state.last.take().is_some() || has_reports { self.write(&mut state) } else { Ok(()) }
    }

    pub(super) fn manifest(&self, state: &CheckpointState) -> Manifest {
        Manifest {
            format: Manifest::FORMAT,
            experiment: self.name.clone(),
            best: state.best.clone(),
            last: state.last.clone(),
            reports: state.reports.clone(),
        }
    }

    /// Writes the checkpoint files and the manifest. Then removes files that no manifest names.
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
        // A manifest that adds no files needs no new fallback: earlier manifests stay.
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
        let mut kept = self.write_copies(folder, state, &written)?;
        write_atomic(&manifest_path(folder), written.text.as_bytes())?;
        if state.before.is_none() {
            write_atomic(&folder.join(NAMES[1]), written.text.as_bytes())?;
            state.before = Some(written.clone());
        }
        let manifests = [Some(&written), state.before.as_ref(), state.older.as_ref()];
        kept.extend(manifests.into_iter().flatten().flat_map(|manifest| manifest.files.clone()));
        prune(folder, &kept);
        state.unwritten.clear();
        state.written = Some(written);
        state.write_time = started.elapsed();
        Ok(())
    }

    /// Copies the files of a manifest's checkpoint, unless an earlier manifest has another one.
    ///
    /// Returns the names of the copies.
    fn write_copies(
        &self,
        folder: &Path,
        state: &CheckpointState,
        written: &Written,
    ) -> Result<Vec<String>> {
        let Some(only) = written.best.as_ref().or(written.last.as_ref()) else {
            return Ok(Vec::new());
        };
        let is_other = |earlier: &Written| match &earlier.best {
            Some(best) => best != only,
            None => written.best.is_none() && earlier.last.as_ref().is_some_and(|it| it != only),
        };
        if [&state.before, &state.older].into_iter().flatten().any(is_other) {
            return Ok(Vec::new());
        }
        let mut names = Vec::new();
        for (part, stamp) in only.iter().enumerate() {
            let name = stamp.copy_name(part);
            let path = folder.join(&name);
            if fs::symlink_metadata(&path).is_ok_and(|file| file.is_file()) {
                names.push(name);
                continue;
            }
            let bytes = match state.unwritten.get(&stamp.name(part)) {
                Some(bytes) => bytes.clone(),
                None => stamp.read(folder, part)?,
            };
            write_atomic(&path, &bytes)?;
            names.push(name);
        }
        Ok(names)
    }

    pub(super) fn state(&self) -> MutexGuard<'_, CheckpointState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Written {
    pub(super) fn of(manifest: &Manifest) -> Result<Self> {
        let best = manifest.best.as_ref().map(|best| best.files.clone());
        let last = manifest.last.as_ref().map(|last| last.files.clone());
        Ok(Self { text: seal(manifest)?, files: manifest.files(), best, last })
    }
}
