//! Layers of settings. From the top: flags, settings file, environment, previous run, recipe.

use std::path::{Path, PathBuf};

use rnn_files::{MAX_TEXT_BYTES, read_text};

use super::{
    file::parse_settings,
    option_list::{Field, OptionList, Role},
    options::Options,
    recipe::{Experiment, TaskRecipe},
    series::NO_INTERVALS,
    typed::{Setting, Typed},
    values::SplitName,
};
use crate::{
    backend::BackendChoice,
    error::{Error, Result},
};

/// Settings shared by all commands.
#[derive(Debug, Clone)]
pub(crate) struct GlobalSettings {
    pub(crate) artifacts: PathBuf,
    pub(crate) backend: BackendChoice,
    pub(crate) file: Options,
}

impl GlobalSettings {
    /// Resolves the global flags: the output folder, the backend and a settings file.
    pub(crate) fn resolve(
        artifacts: Option<PathBuf>,
        backend: Option<BackendChoice>,
        config: Option<&Path>,
    ) -> Result<Self> {
        let file = match config {
            Some(path) => read_options(path)?,
            None => Options::default(),
        };
        Ok(Self {
            artifacts: artifacts.or(file.artifacts.clone()).unwrap_or_else(|| "artifacts".into()),
            backend: backend.or(file.backend).unwrap_or(BackendChoice::Auto),
            file,
        })
    }

    /// Returns an error for `data` with a letters experiment.
    pub(crate) fn refuse_data_of_letters(
        &self,
        experiment: Experiment,
        data: Option<&Path>,
    ) -> Result<()> {
        match (experiment.task(), data) {
            (TaskRecipe::Letters(_), Some(_)) => Err(Error::Usage(format!(
                "--data: needs a time-series experiment, and {experiment} learns letters (see \
                 `rnn-train list`)"
            ))),
            _ => Ok(()),
        }
    }

    /// Layers options for commands that start new runs: only `data` options are inherited, and only
    /// if no other data is given.
    pub(crate) fn layered_on_data(
        &self,
        experiment: Experiment,
        flags: &Options,
        before: Option<Options>,
    ) -> Result<Options> {
        let given =
            flags.data.is_some() || self.file.data.is_some() || data_of_environment().is_some();
        let before =
            before.filter(|_| !given).map(|before| before.only(|field| field.role == Role::Data));
        let options = self.layered(experiment, flags, before.as_ref())?;
        if let Some(path) = before.and_then(|before| before.data) {
            log::info!(
                "data: {}, as in the previous run (use --data to change it)",
                path.display()
            );
        }
        Ok(options)
    }

    /// Layers the options of a run: flags, settings file, environment, previous run, recipe.
    pub(crate) fn layered(
        &self,
        experiment: Experiment,
        flags: &Options,
        before: Option<&Options>,
    ) -> Result<Options> {
        let typed = flags.clone().over(self.file.clone());
        if let TaskRecipe::Letters(_) = experiment.task() {
            // One settings file may serve all experiments, so only flags are refused.
            let flag = flags
                .clone()
                .of_series()
                .entries()?
                .keys()
                .find_map(|name| Options::field(name))
                .map(Field::flag);
            if let Some(flag) = flag {
                return Err(Error::Usage(format!(
                    "{flag}: needs a time-series experiment, and {experiment} learns letters (see \
                     `rnn-train list`)"
                )));
            }
            let letters =
                typed.clone().over(before.cloned().unwrap_or_default()).over(experiment.options());
            return Ok(letters.without_series());
        }
        let environment = Options { data: data_of_environment(), ..Options::default() };
        let options = typed
            .over(environment)
            .over(before.cloned().unwrap_or_default())
            .over(experiment.options());
        // A settings file may repeat the interval of the recipe, so only the flag is refused.
        let course = options.split == Some(Typed(SplitName::Course));
        if course && flags.interval.and_then(Setting::value).is_some() {
            return Err(Error::Usage(NO_INTERVALS.to_owned()));
        }
        Ok(options)
    }
}

fn data_of_environment() -> Option<PathBuf> {
    std::env::var_os("RNN_STOCK_CSV").filter(|path| !path.is_empty()).map(PathBuf::from)
}

fn read_options(path: &Path) -> Result<Options> {
    let problem = |problem: String| Error::Settings { path: path.to_owned(), problem };
    let text = read_text(path, MAX_TEXT_BYTES)
        .map_err(|error| problem(format!("cannot be read: {error}")))?;
    parse_settings(&text).map_err(problem)
}
