//! The experiments: the course's seven, as data.

use std::{fmt, str::FromStr};

use rnn_models::Cell;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// One experiment: what it reads, which model it trains and how.
#[derive(Debug, PartialEq)]
pub(crate) struct Recipe {
    pub(crate) name: &'static str,
    pub(crate) about: &'static str,
    pub(crate) task: Task,
    pub(crate) epochs: usize,
    pub(crate) batch_size: usize,
    pub(crate) learning_rate: f64,
}

/// What an experiment learns.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Task {
    /// The next letter.
    Letters(Letters),
    /// The next day's opening price.
    Stock {
        /// Recurrent cell of both layers.
        cell: Cell,
    },
}

/// A next-letter task and the size of its model.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Letters {
    pub(crate) alphabet: usize,
    pub(crate) window: usize,
    pub(crate) cyclic: bool,
    pub(crate) units: usize,
    pub(crate) embedding: Option<usize>,
}

/// Days an experiment on prices looks back.
pub(crate) const STOCK_WINDOW: usize = 60;

const fn letters(name: &'static str, about: &'static str, task: Letters) -> Recipe {
    Recipe { name, about, task: Task::Letters(task), epochs: 100, batch_size: 32, learning_rate: 0.01 }
}

const fn stock(name: &'static str, about: &'static str, cell: Cell) -> Recipe {
    Recipe { name, about, task: Task::Stock { cell }, epochs: 50, batch_size: 64, learning_rate: 0.001 }
}

/// The experiments in the course's order.
pub(crate) static RECIPES: [Recipe; 7] = [
    letters(
        "letters-onehot-1",
        "one letter of abcde, one-hot -> the next",
        Letters { alphabet: 5, window: 1, cyclic: true, units: 3, embedding: None },
    ),
    letters(
        "letters-onehot-4",
        "four letters of abcde, one-hot -> the next",
        Letters { alphabet: 5, window: 4, cyclic: true, units: 3, embedding: None },
    ),
    letters(
        "letters-embedding-1",
        "one letter of abcde, embedded -> the next",
        Letters { alphabet: 5, window: 1, cyclic: true, units: 3, embedding: Some(2) },
    ),
    letters(
        "letters-embedding-4",
        "four letters of the alphabet, embedded -> the next",
        Letters { alphabet: 26, window: 4, cyclic: false, units: 10, embedding: Some(2) },
    ),
    stock("stock-rnn", "60 daily opens -> the next open, SimpleRNN", Cell::SimpleRnn),
    stock("stock-lstm", "60 daily opens -> the next open, LSTM", Cell::Lstm),
    stock("stock-gru", "60 daily opens -> the next open, GRU", Cell::Gru),
];

/// An experiment chosen by name.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Experiment(pub(crate) &'static Recipe);

impl FromStr for Experiment {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        if let Some(recipe) = RECIPES.iter().find(|recipe| recipe.name == name) {
            return Ok(Self(recipe));
        }
        let likeness = |recipe: &Recipe| strsim::jaro_winkler(recipe.name, name);
        let nearest = RECIPES.iter().max_by(|a, b| likeness(a).total_cmp(&likeness(b))).filter(|recipe| likeness(recipe) > 0.6);
        let nearest = nearest.map_or_else(String::new, |recipe| format!("; did you mean `{}`?", recipe.name));
        Err(format!("unknown experiment{nearest} (`rnn-train list` shows all)"))
    }
}

impl fmt::Display for Experiment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.name)
    }
}

impl Serialize for Experiment {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0.name)
    }
}

impl<'de> Deserialize<'de> for Experiment {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}
