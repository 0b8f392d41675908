//! What a command means: flags over the settings file over the recipe, resolved once.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::{
    Error, Result,
    backend::BackendChoice,
    cli::{Global, Progress, TrainArgs},
    recipe::{Experiment, Task},
};

/// Default seed: the first with which all letters experiments reach accuracy 1.0 (with seed 1, letters-embedding-1 gets four of five).
const SEED: u64 = 2;

/// The resolved settings of a training run, as far as they do not depend on data and device.
#[derive(Debug, Clone)]
pub(crate) struct TrainSettings {
    pub(crate) experiment: Experiment,
    pub(crate) epochs: usize,
    pub(crate) batch_size: usize,
    pub(crate) learning_rate: f64,
    pub(crate) seed: u64,
    pub(crate) fresh: bool,
    pub(crate) data: Option<PathBuf>,
    pub(crate) progress: Progress,
}

/// Settings every command has.
#[derive(Debug, Clone)]
pub(crate) struct GlobalSettings {
    pub(crate) artifacts: PathBuf,
    pub(crate) backend: BackendChoice,
    file: SettingsFile,
}

/// A settings file: any of the flags, by name.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct SettingsFile {
    artifacts: Option<PathBuf>,
    backend: Option<BackendChoice>,
    epochs: Option<usize>,
    batch_size: Option<usize>,
    learning_rate: Option<f64>,
    seed: Option<u64>,
    data: Option<PathBuf>,
    progress: Option<Progress>,
}

/// `config.json`: everything that defines a run, written before training starts.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct RunConfig {
    /// Version of this file's layout.
    pub(crate) format: u32,
    pub(crate) experiment: Experiment,
    /// Epochs of this run, beyond those of earlier runs in the folder.
    pub(crate) epochs: usize,
    pub(crate) batch_size: usize,
    pub(crate) learning_rate: f64,
    pub(crate) seed: u64,
    pub(crate) optimizer: String,
    pub(crate) backend: String,
    /// Trainable parameters of the model.
    pub(crate) parameters: usize,
    /// Price file of a stock experiment.
    pub(crate) data: Option<DataSource>,
}

/// Which price file a run used.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct DataSource {
    pub(crate) file: String,
    /// Where it was read from; absent for the embedded sample.
    pub(crate) path: Option<PathBuf>,
    pub(crate) sha256: String,
    pub(crate) rows: usize,
    pub(crate) synthetic: bool,
}

/// Epochs and samples a step there can be.
pub(crate) const LARGEST_COUNT: usize = 1_000_000;

impl RunConfig {
    /// The layout this program writes and reads.
    pub(crate) const FORMAT: u32 = 1;
}

impl GlobalSettings {
    pub(crate) fn resolve(global: &Global) -> Result<Self> {
        let file = match &global.config {
            Some(path) => SettingsFile::read(path)?,
            None => SettingsFile::default(),
        };
        Ok(Self {
            artifacts: global.artifacts.clone().or(file.artifacts.clone()).unwrap_or_else(|| "artifacts".into()),
            backend: global.backend.or(file.backend).unwrap_or(BackendChoice::Auto),
            file,
        })
    }

    /// Resolves a training run.
    pub(crate) fn train(&self, args: &TrainArgs) -> Result<TrainSettings> {
        let (recipe, file) = (args.experiment.0, &self.file);
        Ok(TrainSettings {
            experiment: args.experiment,
            epochs: args.epochs.or(file.epochs).unwrap_or(recipe.epochs),
            batch_size: args.batch_size.or(file.batch_size).unwrap_or(recipe.batch_size),
            learning_rate: args.learning_rate.or(file.learning_rate).unwrap_or(recipe.learning_rate),
            seed: args.seed.or(file.seed).unwrap_or(SEED),
            fresh: args.fresh,
            data: self.training_data(args.experiment, args.data.as_deref())?,
            progress: args.progress.or(file.progress).unwrap_or(Progress::Auto),
        })
    }

    /// The price file to train on: by flag, by environment or by settings file.
    fn training_data(&self, experiment: Experiment, flag: Option<&Path>) -> Result<Option<PathBuf>> {
        let variable = std::env::var_os("RNN_STOCK_CSV").filter(|value| !value.is_empty()).map(PathBuf::from);
        let reads_prices = matches!(experiment.0.task, Task::Stock { .. });
        Ok(self.data(experiment, flag)?.or(variable.filter(|_| reads_prices)).or_else(|| self.file.data.clone().filter(|_| reads_prices)))
    }

    /// The price file asked for by flag. Letters experiments read none.
    pub(crate) fn data(&self, experiment: Experiment, flag: Option<&Path>) -> Result<Option<PathBuf>> {
        match (experiment.0.task, flag) {
            (Task::Letters(_), Some(_)) => {
                Err(Error::Usage(format!("{experiment} makes its own letters: --data is for the stock experiments")))
            }
            _ => Ok(flag.map(Path::to_owned)),
        }
    }
}

impl SettingsFile {
    fn read(path: &Path) -> Result<Self> {
        let problem = |problem: String| Error::Settings { path: path.to_owned(), problem };
        let text = std::fs::read_to_string(path).map_err(|error| problem(format!("cannot be read: {error}")))?;
        let file: Self = toml::from_str(&text).map_err(|error| problem(error.to_string().trim_end().to_owned()))?;
        for (name, number) in [("epochs", file.epochs), ("batch_size", file.batch_size)] {
            if let Some(number) = number.filter(|number| !(1..=LARGEST_COUNT).contains(number)) {
                return Err(problem(format!("`{name}` must be from 1 to {LARGEST_COUNT}, got {number}")));
            }
        }
        match file.learning_rate {
            Some(rate) if !(rate.is_finite() && rate > 0.0) => Err(problem(format!("`learning_rate` must be above 0, got {rate}"))),
            _ => Ok(file),
        }
    }
}
