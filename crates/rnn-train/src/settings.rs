//! What a command means: flags over the settings file over the run before over the recipe, resolved once.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use rnn_data::{Fill, Naive, Part, ReadOptions, Split, Transform};
use rnn_models::Cell;
use serde::{Deserialize, Serialize};

use crate::{
    Error, Result,
    backend::BackendChoice,
    cli::{Global, Progress},
    console::note,
    options::Options,
    recipe::{Experiment, Task, nearest},
    schedule::RateSettings,
    text_file,
    values::{Loss, OptimizerName, ScoredPart, SplitName},
};

/// The resolved settings of a training run.
#[derive(Debug, Clone)]
pub(crate) struct TrainSettings {
    pub(crate) experiment: Experiment,
    pub(crate) epochs: usize,
    pub(crate) batch_size: usize,
    pub(crate) rate: RateSettings,
    pub(crate) seed: u64,
    pub(crate) optimizer: OptimizerSettings,
    /// Epochs without a better loss after which training stops; 0: never.
    pub(crate) patience: usize,
    /// A state on disk is at most so old, inside an epoch, too.
    pub(crate) save_every: Duration,
    pub(crate) fresh: bool,
    pub(crate) progress: Progress,
    /// Everything that was resolved, for `config.json`.
    pub(crate) options: Options,
}

/// How weights are changed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct OptimizerSettings {
    pub(crate) name: OptimizerName,
    pub(crate) weight_decay: f64,
    /// Of sgd.
    pub(crate) momentum: f64,
    /// Largest norm of the gradient of a tensor; 0: any.
    pub(crate) clip_norm: f64,
}

/// The resolved settings of a task on series.
#[derive(Debug, Clone)]
pub(crate) struct SeriesSettings {
    pub(crate) read: ReadSettings,
    /// None: guessed from the header.
    pub(crate) target: Option<Named<String>>,
    pub(crate) features: Option<Named<Vec<String>>>,
    pub(crate) window: usize,
    pub(crate) horizon: usize,
    pub(crate) transform: Transform,
    pub(crate) naive: Naive,
    pub(crate) season: Option<usize>,
    pub(crate) split: Split,
    pub(crate) cell: Cell,
    pub(crate) units: Vec<usize>,
    pub(crate) dropout: f64,
    pub(crate) loss: SeriesLoss,
    pub(crate) samples: Option<usize>,
    /// Part that is scored.
    pub(crate) score: Part,
    /// Level of conformal intervals.
    pub(crate) interval: Option<f64>,
}

/// What a model of series is trained to make small.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct SeriesLoss {
    pub(crate) name: Loss,
    /// Rising, 0.5 among them; none of other losses than that of quantiles.
    pub(crate) quantiles: Vec<f64>,
}

/// A setting, and whether it is the recipe's: what the recipe names and a file does not have is guessed.
#[derive(Debug, Clone)]
pub(crate) struct Named<T> {
    pub(crate) value: T,
    pub(crate) of_recipe: bool,
}

/// How files are read.
#[derive(Debug, Clone)]
pub(crate) struct ReadSettings {
    pub(crate) path: Option<PathBuf>,
    pub(crate) date_column: Option<String>,
    pub(crate) skip_bad: bool,
    pub(crate) rows: ReadOptions,
}

/// Settings every command has.
#[derive(Debug, Clone)]
pub(crate) struct GlobalSettings {
    pub(crate) artifacts: PathBuf,
    pub(crate) backend: BackendChoice,
    pub(crate) file: Options,
}

/// `config.json`: everything that defines a run, written before training starts.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct RunConfig {
    /// Version of this file's layout.
    pub(crate) format: u32,
    pub(crate) experiment: Experiment,
    pub(crate) backend: String,
    /// Trainable parameters of the model.
    pub(crate) parameters: usize,
    /// What a series experiment was trained on.
    pub(crate) source: Option<DataSource>,
    /// Every option, resolved; epochs are those of this run, beyond those of earlier runs in the folder.
    pub(crate) options: Options,
}

/// Which data a run used.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct DataSource {
    /// Name of the file or folder.
    pub(crate) file: String,
    /// Where it was read from; absent for the embedded sample.
    pub(crate) path: Option<PathBuf>,
    /// Of the file, or of the hashes of a folder's files.
    pub(crate) sha256: String,
    pub(crate) rows: usize,
    /// Series of a folder.
    pub(crate) series: usize,
    pub(crate) synthetic: bool,
}

impl RunConfig {
    /// The layout this program writes and reads.
    pub(crate) const FORMAT: u32 = 3;
}

impl GlobalSettings {
    pub(crate) fn resolve(global: &Global) -> Result<Self> {
        let file = match &global.config {
            Some(path) => read_options(path)?,
            None => Options::default(),
        };
        Ok(Self {
            artifacts: global.artifacts.clone().or(file.artifacts.clone()).unwrap_or_else(|| "artifacts".into()),
            backend: global.backend.or(file.backend).unwrap_or(BackendChoice::Auto),
            file,
        })
    }

    /// Letters experiments read no data.
    pub(crate) fn refuse_data_of_letters(&self, experiment: Experiment, data: Option<&Path>) -> Result<()> {
        match (experiment.0.task, data) {
            (Task::Letters(_), Some(_)) => {
                Err(Error::Usage(format!("{experiment} makes its own letters: --data is for the experiments on series")))
            }
            _ => Ok(()),
        }
    }

    /// Layers the options of several runs or of none that is kept: only the data is that of the run before, where no other is named.
    pub(crate) fn layered_on_data(&self, experiment: Experiment, flags: &Options, before: Option<Options>) -> Result<Options> {
        let named = flags.data.is_some() || self.file.data.is_some() || data_of_environment().is_some();
        let before = before.filter(|_| !named).map(Options::of_data);
        let options = self.layered(experiment, flags, before.as_ref())?;
        if let Some(path) = before.and_then(|before| before.data) {
            note(format_args!("on {}, as the training before (--data chooses another)", path.display()));
        }
        Ok(options)
    }

    /// Layers the options of a run: flags, settings file, environment, the run before, recipe.
    pub(crate) fn layered(&self, experiment: Experiment, flags: &Options, before: Option<&Options>) -> Result<Options> {
        let typed = flags.clone().over(self.file.clone());
        if let Task::Letters(_) = experiment.0.task {
            // A settings file may be one for all experiments.
            if let Some((name, _)) = flags.clone().of_series().entries()?.into_iter().next() {
                let flag = name.replace('_', "-");
                return Err(Error::Usage(format!("{experiment} makes its own letters: --{flag} is for the experiments on series")));
            }
            let letters = typed.clone().over(before.cloned().unwrap_or_default()).over(experiment.0.options());
            return Ok(letters.without_series());
        }
        let environment = Options { data: data_of_environment(), ..Options::default() };
        Ok(typed.over(environment).over(before.cloned().unwrap_or_default()).over(experiment.0.options()))
    }
}

impl TrainSettings {
    /// Makes sense of layered options.
    pub(crate) fn new(experiment: Experiment, options: Options, fresh: bool) -> Result<Self> {
        let mut optimizer = OptimizerSettings {
            name: set(options.optimizer, "optimizer")?.0,
            weight_decay: set(options.weight_decay, "weight_decay")?.0.0,
            momentum: set(options.momentum, "momentum")?.0.0,
            clip_norm: set(options.clip_norm, "clip_norm")?.0.0,
        };
        let decays = optimizer.name == OptimizerName::AdamW;
        if !decays && options.weight_decay == experiment.0.options().weight_decay {
            // The recipe's decay is said of its own optimizer.
            optimizer.weight_decay = 0.0;
        }
        if !decays && optimizer.weight_decay > 0.0 {
            let (name, decay) = (optimizer.name, optimizer.weight_decay);
            return Err(Error::Usage(format!("weight decay {decay} needs the optimizer adamw; {name} has none (--optimizer adamw)")));
        }
        let epochs = set(options.epochs, "epochs")?.0.0;
        let rate = RateSettings {
            rate: set(options.learning_rate, "learning_rate")?.0.0,
            schedule: set(options.schedule, "schedule")?.0,
            warmup: set(options.warmup, "warmup")?.0.0,
        };
        rate.check(epochs)?;
        Ok(Self {
            experiment,
            epochs,
            batch_size: set(options.batch_size, "batch_size")?.0.0,
            rate,
            seed: set(options.seed, "seed")?,
            optimizer,
            patience: set(options.patience, "patience")?,
            save_every: Duration::try_from_secs_f64(set(options.checkpoint_every_seconds, "checkpoint_every_seconds")?.0.0)
                .unwrap_or(Duration::MAX),
            fresh,
            progress: options.progress.unwrap_or(Progress::Auto),
            options,
        })
    }
}

impl SeriesSettings {
    /// Makes sense of layered options.
    pub(crate) fn new(experiment: Experiment, options: &Options) -> Result<Self> {
        let recipe = experiment.0.options();
        let split = match set(options.split, "split")?.0 {
            SplitName::Course if options.purge.is_some_and(|purge| purge > 0) => {
                return Err(Error::Usage(
                    "--purge is between the parts of a holdout split; the course's has none (--split holdout)".to_owned(),
                ));
            }
            SplitName::Course => Split::Course,
            SplitName::Holdout => Split::Holdout {
                valid: set(options.valid, "valid")?.0,
                test: set(options.test, "test")?.0,
                purge: set(options.purge, "purge")?,
            },
        };
        // What the recipe says of intervals is said of its own split.
        let interval =
            options.interval.filter(|_| split != Split::Course || options.interval != recipe.interval).and_then(|level| level.0.0);
        if split == Split::Course && interval.is_some() {
            let problem = "prediction intervals are calibrated on a validation part, which the course's split has not; use --split holdout";
            return Err(Error::Usage(problem.to_owned()));
        }
        let score = match set(options.score, "score")?.0 {
            ScoredPart::Valid if split == Split::Course => {
                let problem = "the course's split has no validation part of its own to score: it is the test part; use --split holdout";
                return Err(Error::Usage(problem.to_owned()));
            }
            ScoredPart::Valid => Part::Valid,
            ScoredPart::Test => Part::Test,
        };
        let transform = set(options.transform, "transform")?.0;
        let horizon = set(options.horizon, "horizon")?.0.0;
        let loss = SeriesLoss::new(options)?;
        if loss.name == Loss::Quantile {
            if options.interval != recipe.interval && interval.is_some() {
                let problem = "the intervals of the quantile loss are those between its outer quantiles (--quantiles), not of --interval";
                return Err(Error::Usage(problem.to_owned()));
            }
            if horizon > 1 && matches!(transform, Transform::Difference | Transform::LogReturn) {
                return Err(Error::Usage(format!(
                    "quantiles of changes do not add up over {horizon} steps; use --transform residual or log-residual, which are against one known value"
                )));
            }
        }
        // Intervals calibrated on what is scored would be right by themselves.
        let interval = interval.filter(|_| loss.quantiles.is_empty() && score == Part::Test);
        let units: Vec<usize> = set(options.units.clone(), "units")?.into_iter().map(|units| units.0.0).collect();
        if let Some(large) = units.iter().find(|units| **units > MOST_UNITS) {
            return Err(Error::Usage(format!("a layer has at most {MOST_UNITS} hidden units, got {large} (--units)")));
        }
        if units.is_empty() || options.features.as_ref().is_some_and(Vec::is_empty) {
            return Err(Error::Usage("a model needs at least one recurrent layer and one feature (--units, --features)".to_owned()));
        }
        Ok(Self {
            read: ReadSettings {
                path: options.data.clone(),
                date_column: options.date_column.clone(),
                skip_bad: set(options.skip_bad, "skip_bad")?,
                rows: ReadOptions {
                    date_format: options.date_format.clone(),
                    fill: options.fill.map_or(Fill::None, |fill| fill.0),
                    from: options.from.map(|time| time.0.0),
                    until: options.until.map(|time| end_of(time.0.0)),
                },
            },
            target: named(&options.target, &recipe.target),
            features: named(&options.features, &recipe.features),
            window: set(options.window, "window")?.0.0,
            horizon,
            transform,
            naive: set(options.naive, "naive")?.0,
            season: options.season.filter(|season| *season > 0),
            split,
            cell: set(options.cell, "cell")?.0,
            units,
            dropout: set(options.dropout, "dropout")?.0.0,
            loss,
            samples: options.samples.filter(|samples| *samples > 0),
            score,
            interval,
        })
    }

    /// Level of the intervals, if there are any.
    pub(crate) fn level(&self) -> Option<f64> {
        self.loss.level().or(self.interval)
    }
}

impl SeriesLoss {
    fn new(options: &Options) -> Result<Self> {
        let name = set(options.loss, "loss")?.0;
        if name != Loss::Quantile {
            return Ok(Self { name, quantiles: Vec::new() });
        }
        let quantiles: Vec<f64> = set(options.quantiles.clone(), "quantiles")?.into_iter().map(|quantile| quantile.0.0).collect();
        let rise = quantiles.windows(2).all(|pair| pair[0] < pair[1]);
        if !rise || quantiles.len() < 2 || !quantiles.contains(&0.5) {
            let got: Vec<String> = quantiles.iter().map(f64::to_string).collect();
            let problem = format!("expected rising quantiles with 0.5 among them, like 0.05,0.5,0.95, got {} (--quantiles)", got.join(","));
            return Err(Error::Usage(problem));
        }
        Ok(Self { name, quantiles })
    }

    /// Which of the lines a model says is its forecast.
    pub(crate) fn forecast(&self) -> usize {
        self.quantiles.iter().position(|quantile| *quantile == 0.5).unwrap_or(0)
    }

    /// Share of the values between the outer quantiles.
    pub(crate) fn level(&self) -> Option<f64> {
        Some(self.quantiles.last()? - self.quantiles.first()?)
    }
}

/// Hidden units of a layer: its weights, their gradients and moments take some seven gigabytes.
const MOST_UNITS: usize = 10_000;

/// A date means all of its day.
fn end_of(time: jiff::civil::DateTime) -> jiff::civil::DateTime {
    let midnight = time.time() == jiff::civil::Time::midnight();
    if midnight { time.date().to_datetime(jiff::civil::Time::MAX) } else { time }
}

fn data_of_environment() -> Option<PathBuf> {
    std::env::var_os("RNN_STOCK_CSV").filter(|path| !path.is_empty()).map(PathBuf::from)
}

fn named<T: Clone + PartialEq>(value: &Option<T>, of_recipe: &Option<T>) -> Option<Named<T>> {
    value.clone().map(|value| Named { of_recipe: of_recipe.as_ref() == Some(&value), value })
}

/// An option that the recipe, at the latest, has set.
fn set<T>(option: Option<T>, name: &str) -> Result<T> {
    option.ok_or_else(|| Error::Internal(format!("no recipe sets `{name}`")))
}

fn read_options(path: &Path) -> Result<Options> {
    let problem = |problem: String| Error::Settings { path: path.to_owned(), problem };
    let text = text_file::read(path, text_file::MOST).map_err(|error| problem(format!("cannot be read: {error}")))?;
    parse_options(&text).map_err(problem)
}

/// The options of a settings file.
pub(crate) fn parse_options(text: &str) -> std::result::Result<Options, String> {
    toml::from_str(text).map_err(|error| {
        let said = text_file::toml_problem(text, &error);
        let unknown = said.split("unknown field `").nth(1).and_then(|rest| rest.split('`').next());
        let Some(unknown) = unknown else { return said };
        // The list of all keys that follows is what `config` prints, better.
        let place = said.split("unknown field").next().unwrap_or_default();
        let keys: Vec<String> =
            ["artifacts", "backend"].map(str::to_owned).into_iter().chain(Options::described().into_iter().map(|key| key.0)).collect();
        let nearest = nearest(unknown, keys.iter().map(String::as_str));
        let nearest = nearest.map_or_else(String::new, |nearest| format!("; did you mean `{nearest}`?"));
        format!("{place}unknown key `{unknown}`{nearest} (`rnn-train config EXPERIMENT` prints all keys)")
    })
}
