//! Reads models, optimizers and schedulers from checkpoints.

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

/// Advice on a damaged checkpoint, for commands that only read it.
pub(super) const TRAIN_ADVICE: &str =
    "run `train` to resume from an earlier checkpoint, or `train --fresh` to start over";

/// A model to load weights into. A task may draw weights for it.
pub(crate) fn blank<T: Task>(task: &T, device: &Device) -> T::Model {
    let _generator = lock_generator();
    task.model_to_load(device)
}

impl Checkpoints {
    /// Checks that training can resume from all checkpoints with this model.
    ///
    /// # Errors
    ///
    /// If a checkpoint belongs to another model, or cannot be read.
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

    /// The record to start training from.
    pub(super) fn start(&self, part: usize) -> Result<Bytes> {
        let files = {
            let state = self.state();
            state.start.clone().or(state.best.as_ref().map(|best| best.files.clone()))
        };
        let files = files
            .ok_or_else(|| Error::Internal("the checkpoint to start from is missing".to_owned()))?;
        self.bytes(&files, part)
    }

    /// The bytes of a file of a checkpoint.
    fn bytes(&self, files: &Files, part: usize) -> Result<Bytes> {
        match (&self.folder, self.state().unwritten.get(&files[part].name(part))) {
            (_, Some(bytes)) => Ok(bytes.clone()),
            (Some(folder), None) => files[part].read(folder, part),
            (None, None) => Err(Error::Internal("a checkpoint in memory is missing".to_owned())),
        }
    }

    fn readable<R: Checkpoint>(&self, files: &Files, part: usize) -> Result<R> {
        let bytes = self.bytes(files, part)?;
        record::read(|| R::checkpoint_from_bytes(bytes))
            .map_err(|error| self.unreadable(files, part, &error))
    }

    /// The path of a file of a checkpoint, for errors.
    fn path(&self, files: &Files, part: usize) -> PathBuf {
        self.folder.clone().unwrap_or_default().join(files[part].name(part))
    }

    fn unreadable(&self, files: &Files, part: usize, error: &RecordError) -> Error {
        let problem = format!("cannot be read: {error} (use --fresh to start over)");
        Error::Artifact { path: self.path(files, part), problem }
    }

    fn load_files<M: Module>(&self, model: M, files: &Files) -> Result<M> {
        let bytes = self.bytes(files, 0)?;
        let loaded = record::read(|| ModuleRecord::from_bytes(bytes))
            .map_err(|error| self.unreadable(files, 0, &error))?;
        record::read(|| model.try_load_record(loaded)).map_err(|error| {
            let difference = error.to_string().replace("Shape { dims: [", "[").replace("] }", "]");
            let problem = format!(
                "holds another model: {difference} (choose another folder with --artifacts, or \
                 use --fresh to start over)"
            );
            Error::Artifact { path: self.path(files, 0), problem }
        })
    }

    /// Checks that the files of all checkpoints are large enough for a model.
    ///
    /// # Errors
    ///
    /// If a file holds fewer parameters.
    pub(crate) fn check_size(&self, parameters: usize) -> Result<()> {
        let manifest = self.manifest(&self.state());
        manifest.checkpoints().try_for_each(|files| self.check_files(files, parameters))
    }

    fn check_files(&self, files: &Files, parameters: usize) -> Result<()> {
        let most = files[0].most_parameters();
        if parameters as u64 <= most {
            return Ok(());
        }
        let problem = format!(
            "holds another model: at most {most} parameters, expected {parameters} (choose \
             another folder with --artifacts, or use --fresh to start over)"
        );
        Err(Error::Artifact { path: self.path(files, 0), problem })
    }

    /// Loads the best checkpoint into a model of the task.
    pub(crate) fn load<T: Task>(&self, task: &T, device: &Device, best: &Best) -> Result<T::Model> {
        if let Some(parameters) = task.parameters() {
            self.check_files(&best.files, parameters)?;
        }
        let model = blank(task, device);
        self.load_files(model, &best.files).map_err(|error| with_advice(error, TRAIN_ADVICE))
    }
}

/// Adds advice to an error of a file, unless it has some.
pub(super) fn with_advice(error: Error, advice: impl Display) -> Error {
    match error {
        Error::Artifact { path, problem } if !problem.contains("--fresh") => {
            Error::Artifact { path, problem: format!("{problem} ({advice})") }
        }
        other => other,
    }
}
