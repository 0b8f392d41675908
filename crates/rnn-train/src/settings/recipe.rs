//! The experiments as data: the seven of the course, and three with a holdout split.

use std::{fmt, str::FromStr};

use rnn_data::{Naive, SetSize, Transform, nearest_name};
use rnn_models::Cell;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::{
    option_list::OptionList,
    options::Options,
    values::{Loss, OptimizerName, Seasons, SplitName},
};

/// An experiment: its task, and its options that differ from the defaults.
#[derive(Debug)]
struct Recipe {
    name: &'static str,
    about: &'static str,
    task: TaskRecipe,
    options: fn() -> Options,
}

/// The task of an experiment.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum TaskRecipe {
    /// The next letter.
    Letters(LettersRecipe),
    /// The next values of a series.
    Series,
}

/// A next-letter task and the size of its model.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct LettersRecipe {
    pub(crate) alphabet: usize,
    pub(crate) window: usize,
    pub(crate) cyclic: bool,
    pub(crate) units: usize,
    pub(crate) embedding: Option<usize>,
}

fn letters() -> Options {
    Options::default().epochs(100).batch_size(32).learning_rate(0.01).patience(0)
}

/// The course's models of prices.
fn course(cell: Cell) -> Options {
    Options::default()
        .epochs(50)
        .batch_size(64)
        .learning_rate(0.001)
        .patience(0)
        .samples(0)
        .cell(cell)
        .units([80, 100])
        .dropout(0.2)
        .target("open")
        .features(["open"])
        .window(60)
        .transform(Transform::MinMax)
        .naive(Naive::LastValue)
        .split(SplitName::Course)
        .valid(SetSize::Fraction(0.15))
        .test(SetSize::Fraction(0.15))
        .loss(Loss::Mse)
        .interval(None)
}

/// Forecasts of any series, with a validation set: what is left of a linear forecast.
///
/// Window, batch size, epochs, samples and patience follow from the data.
fn series() -> Options {
    let automatic = Options { window: None, batch_size: None, epochs: None, ..holdout() };
    Options { patience: None, samples: None, ..automatic }
        .naive(Naive::Linear)
        .season(Seasons::Auto)
        .purge(None)
}

/// A model of changes with a validation set.
fn holdout() -> Options {
    Options::default()
        .epochs(100)
        .batch_size(256)
        .learning_rate(0.002)
        .cell(Cell::Lstm)
        .units([32])
        .window(20)
        .transform(Transform::Residual)
        .naive(Naive::LastValue)
        .split(SplitName::Holdout)
        .valid(SetSize::Fraction(0.15))
        .test(SetSize::Fraction(0.15))
        .loss(Loss::Mae)
        .optimizer(OptimizerName::AdamW)
        .weight_decay(0.01)
        .clip_norm(1.0)
        .patience(10)
        .samples(0)
        .interval(0.9)
}

/// Forecasts of prices. The settings of `stock-gap` and `stock-open` had the best backtests before
/// the test set of the course's file. docs/results.md has the method.
fn prices() -> Options {
    holdout()
        .units([64])
        .target("open")
        .transform(Transform::LogResidual)
        .valid(SetSize::Rows(240))
        .test(SetSize::Rows(240))
}

fn stock_gap() -> Options {
    let features = [
        "gap",
        "log(close/open)",
        "log(high/close)",
        "log(low/close)",
        "log-return(close)",
        "log-return(volume)",
    ];
    prices().naive(Naive::LastClose).features(features)
}

fn stock_open() -> Options {
    prices().features(["open"]).window(5).transform(Transform::LogReturn)
}

const fn next_letter(name: &'static str, about: &'static str, task: LettersRecipe) -> Recipe {
    Recipe { name, about, task: TaskRecipe::Letters(task), options: letters }
}

const fn forecast(name: &'static str, about: &'static str, options: fn() -> Options) -> Recipe {
    Recipe { name, about, task: TaskRecipe::Series, options }
}

/// The experiments: those of the course in its order, then the others.
static RECIPES: [Recipe; 10] = [
    next_letter(
        "letters-onehot-1",
        "one letter of abcde, one-hot -> the next",
        LettersRecipe { alphabet: 5, window: 1, cyclic: true, units: 3, embedding: None },
    ),
    next_letter(
        "letters-onehot-4",
        "four letters of abcde, one-hot -> the next",
        LettersRecipe { alphabet: 5, window: 4, cyclic: true, units: 3, embedding: None },
    ),
    next_letter(
        "letters-embedding-1",
        "one letter of abcde, embedded -> the next",
        LettersRecipe { alphabet: 5, window: 1, cyclic: true, units: 3, embedding: Some(2) },
    ),
    next_letter(
        "letters-embedding-4",
        "four letters of the alphabet, embedded -> the next",
        LettersRecipe { alphabet: 26, window: 4, cyclic: false, units: 10, embedding: Some(2) },
    ),
    forecast("stock-rnn", "60 daily opens -> the next open, SimpleRNN", || course(Cell::SimpleRnn)),
    forecast("stock-lstm", "60 daily opens -> the next open, LSTM", || course(Cell::Lstm)),
    forecast("stock-gru", "60 daily opens -> the next open, GRU", || course(Cell::Gru)),
    forecast(
        "stock-gap",
        "open, high, low, close, volume -> the next open relative to the last close, LSTM",
        stock_gap,
    ),
    forecast("stock-open", "daily opens -> the log return of the next open, LSTM", stock_open),
    forecast(
        "series",
        "any CSV with dates -> the next values relative to a linear forecast, LSTM",
        series,
    ),
];

/// An experiment chosen by name.
#[derive(Debug, Clone, Copy)]
pub struct Experiment(&'static Recipe);

impl Experiment {
    /// The experiments: those of the course in its order, then the others.
    pub fn all() -> impl Iterator<Item = Self> {
        RECIPES.iter().map(Self)
    }

    /// Forecasts of any series.
    pub(crate) fn series() -> Self {
        Self(&RECIPES[RECIPES.len() - 1])
    }

    /// The name on the command line.
    pub fn name(self) -> &'static str {
        self.0.name
    }

    /// A one-line description of the task.
    pub fn about(self) -> &'static str {
        self.0.about
    }

    pub(crate) fn task(self) -> TaskRecipe {
        self.0.task
    }

    /// The options of the recipe, the lowest layer.
    pub(crate) fn options(self) -> Options {
        let options = (self.0.options)().over(Options::defaults());
        if self.is_series() { options } else { options.without_series() }
    }

    /// Returns an error for a command or flag that needs a time-series experiment.
    pub(crate) fn require_series(self, what: &str) -> crate::error::Result<()> {
        let problem = || {
            crate::error::Error::Usage(format!(
                "{what}: needs a time-series experiment, and {self} learns letters (see \
                 `rnn-train list`)"
            ))
        };
        self.is_series().then_some(()).ok_or_else(problem)
    }

    /// True for time-series experiments, false for letters experiments.
    pub(crate) fn is_series(self) -> bool {
        self.task() == TaskRecipe::Series
    }
}

/// The default experiment: `stock-lstm`.
impl Default for Experiment {
    fn default() -> Self {
        Self(&RECIPES[5])
    }
}

impl PartialEq for Experiment {
    fn eq(&self, other: &Self) -> bool {
        self.name() == other.name()
    }
}

impl FromStr for Experiment {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        Self::all().find(|experiment| experiment.name() == name).ok_or_else(|| {
            let nearest = nearest_name(name, Self::all().map(Self::name));
            let nearest =
                nearest.map_or_else(String::new, |nearest| format!("; did you mean `{nearest}`?"));
            format!("unknown experiment{nearest} (see `rnn-train list`)")
        })
    }
}

impl fmt::Display for Experiment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Serialize for Experiment {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl<'de> Deserialize<'de> for Experiment {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}
