//! The claim of a run folder: its lock, the earlier run in it, and what is resumed.

use std::{path::Path, sync::Arc};

use burn::{module::Module, tensor::Device};
use rnn_files::Lock;
use rnn_models::ModelSummary;

use super::{
    checkpoint::{Best, Checkpoints, Last, blank},
    fit::initial,
    run::Run,
};
use crate::{
    error::{Error, Result},
    run::{Provenance, RunConfig, RunFolder},
    settings::{Changes, OptionList, Options, TrainSettings},
    task::Task,
};

/// Lock file of a training run.
pub(super) const LOCK: &str = ".train.lock";

/// A run folder claimed by this process, or no folder for a run in memory.
pub(crate) struct Claim {
    pub(super) folder: Option<RunFolder>,
    /// None if the folder does not exist. It is created and locked after all checks.
    pub(super) lock: Option<Lock>,
    pub(super) fresh: bool,
    pub(super) earlier: Option<EarlierRun>,
}

/// An earlier run in the same folder.
pub(super) struct EarlierRun {
    config: RunConfig,
    pub(super) checkpoints: Arc<Checkpoints>,
}

/// Where a training starts.
pub(super) enum Start {
    /// Start with new weights.
    New,
    /// Continue from the best weights of the earlier run.
    Best(Best),
    /// Resume the interrupted run.
    Last(Last),
}

impl Claim {
    /// A run in memory, which needs no folder.
    pub(crate) fn memory() -> Self {
        Self { folder: None, lock: None, fresh: true, earlier: None }
    }

    /// Locks a folder and opens the earlier run in it, unless `fresh` is set.
    ///
    /// A backup is restored first if the run that replaced it has no checkpoint.
    ///
    /// # Errors
    ///
    /// If another process uses the folder, or no checkpoint of the earlier run is intact.
    pub(crate) fn take(folder: RunFolder, fresh: bool) -> Result<Self> {
        let lock = if folder.folder.is_dir() { Some(folder.lock(LOCK)?) } else { None };
        if !Checkpoints::exist(&folder.checkpoints()) {
            // A run with --fresh was stopped before its first checkpoint.
            folder.restore_backup()?;
        }
        let earlier = if fresh { None } else { EarlierRun::open(&folder)? };
        Ok(Self { folder: Some(folder), lock, fresh, earlier })
    }

    /// The options of the earlier run, if it has a checkpoint.
    pub(crate) fn earlier(&self) -> Option<&Options> {
        self.earlier
            .as_ref()
            .filter(|earlier| !earlier.checkpoints.is_empty())
            .map(|earlier| &earlier.config.options)
    }

    /// Options inherited from the earlier run: all if it was interrupted, otherwise only data and
    /// model options.
    pub(crate) fn inherited(&self) -> Option<Options> {
        let options = self.earlier()?.clone();
        let interrupted =
            self.earlier.as_ref().is_some_and(|earlier| earlier.checkpoints.last().is_some());
        Some(if interrupted { Options { artifacts: None, ..options } } else { options.of_series() })
    }

    /// Rejects the embedded sample for a run that was trained on rows in memory.
    pub(crate) fn check_file(&self, path: Option<&Path>) -> Result<()> {
        let earlier = self.earlier.as_ref().filter(|earlier| !earlier.checkpoints.is_empty());
        earlier.map_or(Ok(()), |earlier| {
            let data = earlier.config.source.clone();
            Provenance { data, scalers: None }.check_file(path)
        })
    }

    /// Rejects options that do not fit the weights of the earlier run. Logs other changes.
    pub(crate) fn check(&self, options: &Options) -> Result<()> {
        let (Some(folder), Some(earlier)) = (&self.folder, self.earlier()) else { return Ok(()) };
        let Changes { refused, noted } = options.changes_from(earlier)?;
        if let Some(difference) = refused {
            let problem = format!(
                "was trained with {difference} (keep the option, choose another folder with \
                 --artifacts, or use --fresh to start over)"
            );
            return Err(Error::Artifact { path: folder.folder.clone(), problem });
        }
        if !noted.is_empty() {
            log::info!("changed since the previous run: {}", noted.join(", "));
        }
        Ok(())
    }

    /// Decides where training starts, and creates the model.
    ///
    /// # Errors
    ///
    /// If the folder holds another model, or `config.json` does not match the interrupted run.
    pub(crate) fn decide<'a, T: Task>(
        self,
        task: &'a T,
        settings: &'a TrainSettings,
    ) -> Result<Run<'a, T>> {
        let start = match (&self.folder, &self.earlier) {
            (Some(folder), Some(earlier)) => earlier.start(folder, task, settings)?,
            _ => Start::New,
        };
        if let (Some(folder), Some(earlier), Some(parameters)) =
            (&self.folder, &self.earlier, task.parameters())
        {
            earlier.check_parameters(folder, task.name(), parameters)?;
            earlier.checkpoints.check_size(parameters)?;
        }
        let model = match start {
            Start::New => initial(task, settings.seed),
            _ => blank(task, &Device::flex().autodiff()),
        };
        let summary = task.summary(&model);
        let parameters = summary.as_ref().map_or_else(|| model.num_params(), ModelSummary::total);
        if let (Some(folder), Some(earlier)) = (&self.folder, &self.earlier) {
            earlier.check_parameters(folder, task.name(), parameters)?;
            earlier.checkpoints.fit(&model)?;
        }
        Ok(Run { claim: self, task, settings, model, summary, parameters, start })
    }
}

impl EarlierRun {
    fn open(folder: &RunFolder) -> Result<Option<Self>> {
        let checkpoints = Checkpoints::recover(folder)?;
        checkpoints.repair()?;
        match folder.config()? {
            Some(config) => Ok(Some(Self { config, checkpoints })),
            None if checkpoints.is_empty() => Ok(None),
            None => {
                let problem =
                    "has a checkpoint but no config.json (use --fresh to start over)".to_owned();
                Err(Error::Artifact { path: folder.folder.clone(), problem })
            }
        }
    }

    fn check_parameters(&self, folder: &RunFolder, name: &str, parameters: usize) -> Result<()> {
        let found = self.config.parameters;
        if found == parameters {
            return Ok(());
        }
        let problem = format!(
            "holds a model with {found} parameters, expected {parameters} for {name} (choose \
             another folder with --artifacts, or use --fresh to start over)"
        );
        Err(Error::Artifact { path: folder.folder.clone(), problem })
    }

    fn start<T: Task>(
        &self,
        folder: &RunFolder,
        task: &T,
        settings: &TrainSettings,
    ) -> Result<Start> {
        let best = self.checkpoints.best().map_or(Start::New, Start::Best);
        let Some(last) = self.checkpoints.last() else { return Ok(best) };
        let fingerprint = self.config.options.fingerprint()?;
        if fingerprint != last.options {
            return Err(folder.config_error(
                "does not match the interrupted run (restore it, or use --fresh to start over)",
            ));
        }
        if settings.options.fingerprint()? == fingerprint
            && last.sha256.as_deref() == task.provenance().sha256()
        {
            return Ok(Start::Last(last));
        }
        let instead = if matches!(best, Start::Best(_)) {
            "continuing from its best weights instead"
        } else {
            "starting over"
        };
        log::info!(
            "the previous run was interrupted, but settings or data have changed: {instead}"
        );
        Ok(best)
    }
}

impl Start {
    /// Logs where training resumes; `lowest` is the best loss on this data, if any.
    pub(super) fn log(&self, lowest: f64) {
        match self {
            Self::New => {}
            Self::Last(Last { epoch, step, run: [_, end], .. }) => {
                let step =
                    if *step > 0 { format!(", step {step} of the next") } else { String::new() };
                log::info!(
                    "resuming the interrupted run after epoch {epoch} of {end}{step} (use --fresh \
                     to start over)"
                );
            }
            Self::Best(Best { epoch, loss, .. }) => {
                let compared = if lowest.is_finite() {
                    ""
                } else {
                    "; the data has changed, so earlier losses are ignored"
                };
                log::info!(
                    "continuing from epoch {epoch}, the best (loss {loss:.6}){compared} (use \
                     --fresh to start over)"
                );
            }
        }
    }

    /// Number of epochs trained before.
    pub(super) fn epoch(&self) -> usize {
        match self {
            Self::New => 0,
            Self::Best(best) => best.epoch,
            Self::Last(last) => last.epoch,
        }
    }

    pub(super) fn last(&self) -> Option<&Last> {
        match self {
            Self::Last(last) => Some(last),
            _ => None,
        }
    }
}
