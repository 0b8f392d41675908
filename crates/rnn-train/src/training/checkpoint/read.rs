//! Reading models, optimizers and schedulers from checkpoints.

use std::{fmt::Display, path::PathBuf};

use burn::{
    lr_scheduler::LrSchedulerRecord,
    module::Module,
    optim::OptimizerRecord,
    store::{ModuleRecord, RecordError},
    tensor::{Bytes, Device},
    train::checkpoint::Checkpoint,
};

use super::{
    manifest::{Best, Files},
    record,
    store::Checkpoints,
};
use crate::{
    backend::lock_generator,
    error::{Error, Result},
    task::Task,
};

/// What to do when a checkpoint is damaged, for those that only read it.
pub(super) const TRAIN_GOES_BACK: &str =
    "`train` goes on from the checkpoint before it, if that is whole; `train --fresh` starts over";

impl Checkpoints {
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
            let problem = format!(
                "holds another model ({difference}); choose another folder with \
                                   --artifacts, or start over with --fresh"
            );
            Error::Artifact { path: self.path(files, 0), problem }
        })
    }

    /// Loads the best checkpoint into a model of the task.
    pub(crate) fn load<T: Task>(&self, task: &T, device: &Device, best: &Best) -> Result<T::Model> {
        let model = {
            let _generator = lock_generator();
            task.model(device)
        };
        self.load_files(model, &best.files).map_err(|error| advised(error, TRAIN_GOES_BACK))
    }
}

/// An error of a file, with what to do.
pub(super) fn advised(error: Error, advice: impl Display) -> Error {
    match error {
        Error::Artifact { path, problem } => {
            Error::Artifact { path, problem: format!("{problem}; {advice}") }
        }
        other => other,
    }
}
