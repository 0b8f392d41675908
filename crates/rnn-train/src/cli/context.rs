//! The context shared by all commands.

use super::output::progress;
use crate::{
    backend::Backend,
    error::{Error, Result},
    run::RunFolder,
    settings::{Experiment, GlobalSettings, Options},
    training::options_before,
    workers::RunHere,
};

/// The global settings, and the function that runs further commands in this process.
pub(super) struct Context {
    pub(super) settings: GlobalSettings,
    pub(super) run_here: RunHere,
}

impl Context {
    /// Chooses the backend and prints which one and why.
    pub(super) fn backend(&self) -> Result<Backend> {
        let (backend, why) = Backend::choose(self.settings.backend)?;
        progress(why);
        Ok(backend)
    }

    /// Layers the options of a command that trains from scratch: only `data` is inherited.
    pub(super) fn options(&self, experiment: Experiment, typed: &Options) -> Result<Options> {
        let before = options_before(&self.settings, experiment);
        self.settings.layered_on_data(experiment, typed, before)
    }

    /// The run folder of an experiment.
    pub(super) fn folder(&self, experiment: Experiment) -> RunFolder {
        RunFolder::new(&self.settings.artifacts, experiment)
    }
}

/// Returns an error for the first given flag, with the reason.
pub(super) fn refuse(flags: &[(&str, bool)], reason: &str) -> Result<()> {
    match flags.iter().find(|(_, given)| *given) {
        Some((flag, _)) => Err(Error::Usage(format!("{flag}: {reason}"))),
        None => Ok(()),
    }
}
