//! The checkpoints of an experiment: its best, and the last of a run that goes on.
//!
//! burn-train hands over model, optimizer and scheduler on three threads. They are put together
//! here, and written once a moment has passed: first the files, each under a temporary name that is
//! synced and renamed, then the manifest that names them, with sizes and checksums. Earlier
//! manifests and the files that they name stay, so that there is something to go back to whichever
//! file is damaged; only what none of them names is removed.

use std::{
    collections::BTreeMap,
    fmt::Display,
    fs,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use burn::{
    lr_scheduler::LrSchedulerRecord,
    module::Module,
    optim::OptimizerRecord,
    store::{ModuleRecord, RecordError},
    tensor::Bytes,
    train::checkpoint::Checkpoint,
};
use rnn_files::{rename_synced, seal, write_atomic};

use super::{
    manifest::{Best, Files, Last, Manifest, NAMES, PARTS, Stamp, manifest_path, prune},
    record,
};
use crate::{
    error::{Error, Result},
    run::RunFolder,
};

/// The checkpoints of one run folder, or of a run that is kept in memory.
#[derive(Debug)]
pub(crate) struct Checkpoints {
    folder: Option<PathBuf>,
    /// Name of the task they belong to.
    name: String,
    state: Mutex<CheckpointState>,
}

#[derive(Debug, Default)]
struct CheckpointState {
    best: Option<Best>,
    last: Option<Last>,
    written: Option<Written>,
    /// The one before it.
    before: Option<Written>,
    /// The last one with another best checkpoint, where that is none of the two.
    older: Option<Written>,
    /// Files that training starts from, where they are not those of the best.
    start: Option<Files>,
    /// Checkpoints some of whose parts are still to come, by number.
    saving: BTreeMap<usize, Saving>,
    /// What files are to hold that are not written yet; in memory, all of them.
    unwritten: BTreeMap<String, Bytes>,
    numbers: usize,
    /// How long the last write took.
    took: Duration,
}

/// A manifest as it is on disk.
#[derive(Debug, Clone)]
struct Written {
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

    /// Opens a checkpoint folder, which may be empty, to read it.
    ///
    /// # Errors
    ///
    /// When its manifest is damaged.
    pub(crate) fn open(artifacts: &RunFolder) -> Result<Arc<Self>> {
        let (folder, name) = (artifacts.checkpoints(), artifacts.name.as_str());
        let manifest = Manifest::read(&manifest_path(&folder), name)
            .map_err(|error| advised(error, TRAIN_GOES_BACK))?;
        if manifest.is_none() && Self::exist(&folder) {
            let problem = format!("is not there, but the manifest before it is; {TRAIN_GOES_BACK}");
            return Err(Error::Artifact { path: manifest_path(&folder), problem });
        }
        Ok(Self::of(folder, name, manifest))
    }

    /// Opens a checkpoint folder, which may be empty, to train further: what is damaged is said,
    /// and the checkpoint before it taken.
    ///
    /// # Errors
    ///
    /// When there are checkpoints, and none is whole.
    pub(crate) fn recover(artifacts: &RunFolder) -> Result<Arc<Self>> {
        let (folder, name) = (artifacts.checkpoints(), artifacts.name.as_str());
        let mut problems = Vec::new();
        let mut manifests = Vec::new();
        // Whole ones first: from there a run comes to the same end. What is not needed is not
        // looked at.
        for file in NAMES {
            match Manifest::read(&folder.join(file), name).and_then(|manifest| {
                let checked = manifest.as_ref().map_or(Ok(()), |manifest| manifest.check(&folder));
                manifests.extend(manifest.clone());
                checked.map(|()| manifest)
            }) {
                Ok(Some(manifest)) => {
                    return Ok(Self::gone_back(folder, name, &problems, manifest, ""));
                }
                Ok(None) if file == NAMES[0] && Self::exist(&folder) => {
                    problems.push(Error::Artifact {
                        path: folder.join(file),
                        problem: "is not there".to_owned(),
                    });
                }
                Ok(None) => {}
                Err(error) => problems.push(error),
            }
        }
        // Then what is left of them.
        for manifest in manifests {
            let best = Manifest { last: None, ..manifest.clone() };
            if best.best.is_some() && best.check(&folder).is_ok() {
                return Ok(Self::gone_back(
                    folder,
                    name,
                    &problems,
                    best,
                    "; the epochs after it are lost",
                ));
            }
            let last = Manifest { best: None, ..manifest };
            if last.last.as_ref().is_some_and(|last| last.epoch < last.run[1])
                && last.check(&folder).is_ok()
            {
                return Ok(Self::gone_back(
                    folder,
                    name,
                    &problems,
                    last,
                    "; the best weights so far are lost",
                ));
            }
        }
        match problems.into_iter().next() {
            Some(problem) => {
                Err(advised(problem, "no other checkpoint is whole; start over with --fresh"))
            }
            None => Ok(Self::of(folder, name, None)),
        }
    }

    fn gone_back(
        folder: PathBuf,
        name: &str,
        problems: &[Error],
        manifest: Manifest,
        lost: &str,
    ) -> Arc<Self> {
        if let Some(problem) = problems.first() {
            log::info!("{problem}; going back to {manifest}{lost}");
        }
        Self::of(folder, name, Some(manifest))
    }

    /// Makes sure that training can go on from all there is, with a model of these sizes.
    ///
    /// # Errors
    ///
    /// When it is of another model.
    pub(crate) fn fit<M: Module>(&self, model: &M) -> Result<()> {
        let manifest = self.manifest(&self.state());
        for files in manifest.checkpoints() {
            self.load_files(model.clone(), files)?;
            let optimizer = self.readable::<OptimizerRecord>(files, 1)?;
            record::fits_an_optimizer(optimizer)
                .map_err(|error| self.unreadable(files, 1, &error))?;
            self.readable::<LrSchedulerRecord>(files, 2)?;
        }
        Ok(())
    }

    fn of(folder: PathBuf, name: &str, manifest: Option<Manifest>) -> Arc<Self> {
        let written = manifest.as_ref().and_then(|manifest| Written::of(manifest).ok());
        let [before, older] = [NAMES[1], NAMES[2]].map(|file| {
            Manifest::read(&folder.join(file), name)
                .ok()
                .flatten()
                .and_then(|manifest| Written::of(&manifest).ok())
        });
        let (best, last) = manifest.map_or((None, None), |manifest| (manifest.best, manifest.last));
        Arc::new(Self {
            folder: Some(folder),
            name: name.to_owned(),
            state: Mutex::new(CheckpointState {
                best,
                last,
                written,
                before,
                older,
                ..CheckpointState::default()
            }),
        })
    }

    /// The checkpoints of a run that is kept in memory.
    pub(crate) fn in_memory(name: &str) -> Arc<Self> {
        Arc::new(Self { folder: None, name: name.to_owned(), state: Mutex::default() })
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

    /// What training starts from.
    pub(super) fn start(&self, part: usize) -> Result<Bytes> {
        let files = {
            let state = self.state();
            state.start.clone().or(state.best.as_ref().map(|best| best.files.clone()))
        };
        let files = files.ok_or_else(|| {
            Error::Internal("training starts from a checkpoint that is not there".to_owned())
        })?;
        self.bytes(&files, part)
    }

    /// What a file of a checkpoint holds.
    fn bytes(&self, files: &Files, part: usize) -> Result<Bytes> {
        match (&self.folder, self.state().unwritten.get(&files[part].name(part))) {
            (_, Some(bytes)) => Ok(bytes.clone()),
            (Some(folder), None) => files[part].read(folder, part),
            (None, None) => Err(Error::Internal("a checkpoint in memory is gone".to_owned())),
        }
    }

    fn readable<R: Checkpoint>(&self, files: &Files, part: usize) -> Result<R> {
        let bytes = self.bytes(files, part)?;
        record::read(|| R::checkpoint_from_bytes(bytes))
            .map_err(|error| self.unreadable(files, part, &error))
    }

    /// Where a file of a checkpoint is, for errors.
    fn path(&self, files: &Files, part: usize) -> PathBuf {
        self.folder.clone().unwrap_or_default().join(files[part].name(part))
    }

    fn unreadable(&self, files: &Files, part: usize, error: &RecordError) -> Error {
        let problem = format!("cannot be read ({error}); start over with --fresh");
        Error::Artifact { path: self.path(files, part), problem }
    }

    fn load_files<M: Module>(&self, model: M, files: &Files) -> Result<M> {
        let bytes = self.bytes(files, 0)?;
        let loaded = record::read(|| ModuleRecord::from_bytes(bytes))
            .map_err(|error| self.unreadable(files, 0, &error))?;
        record::read(|| model.try_load_record(loaded)).map_err(|error| {
            let difference = error.to_string().replace("Shape { dims: [", "[").replace("] }", "]");
            let problem = format!("holds another model ({difference}); choose another folder with --artifacts, or start over with --fresh");
            Error::Artifact { path: self.path(files, 0), problem }
        })
    }

    /// Loads the best checkpoint into a model of the same sizes.
    pub(crate) fn load<M: Module>(&self, model: M, best: &Best) -> Result<M> {
        self.load_files(model, &best.files).map_err(|error| advised(error, TRAIN_GOES_BACK))
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

    fn manifest(&self, state: &CheckpointState) -> Manifest {
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

    fn state(&self) -> MutexGuard<'_, CheckpointState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Written {
    fn of(manifest: &Manifest) -> Result<Self> {
        let best = manifest.best.as_ref().map(|best| best.files.clone());
        Ok(Self { text: seal(manifest)?, files: manifest.files(), best })
    }
}

/// What to do when a checkpoint is damaged, for those that only read it.
const TRAIN_GOES_BACK: &str =
    "`train` goes on from the checkpoint before it, if that is whole; `train --fresh` starts over";

/// An error of a file, with what to do.
fn advised(error: Error, advice: impl Display) -> Error {
    match error {
        Error::Artifact { path, problem } => {
            Error::Artifact { path, problem: format!("{problem}; {advice}") }
        }
        other => other,
    }
}

/// Reads the text of a manifest; also without its checksum, which nobody's changes would get past.
pub(crate) fn read_manifest(text: &str) -> std::result::Result<(), String> {
    Manifest::parse(text)
        .or_else(|problem| serde_json::from_str::<Manifest>(text).map_err(|_| problem))
        .map(|manifest| drop(manifest.files()))
}
