//! Values that options take, each with its bounds: the same on the command line and in files.

use std::{fmt, str::FromStr};

use clap::ValueEnum;
use jiff::civil::DateTime;
use rnn_data::moment;
use rnn_models::Cell;

/// Epochs, samples a step and rows there can be.
pub(crate) const LARGEST_COUNT: usize = 1_000_000;

/// A whole number from 1 to [`LARGEST_COUNT`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Count(pub(crate) usize);

/// A number above 0.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Positive(pub(crate) f64);

/// A number of at least 0.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Quantity(pub(crate) f64);

/// A number of at least 0 and below 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Share(pub(crate) f64);

/// A number above 0 and below 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Quantile(pub(crate) f64);

/// A number above 0 and below 1, or none.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Level(pub(crate) Option<f64>);

/// A date, or a date and a time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Time(pub(crate) DateTime);

macro_rules! number {
    ($name:ident, $kind:ty, $is_good:expr, $expected:expr) => {
        impl FromStr for $name {
            type Err = String;

            fn from_str(text: &str) -> Result<Self, String> {
                let good: fn(&$kind) -> bool = $is_good;
                text.parse().ok().filter(good).map(Self).ok_or_else(|| format!("expected {}, got `{text}`", $expected))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

number!(Count, usize, |number| (1..=LARGEST_COUNT).contains(number), format_args!("a whole number from 1 to {LARGEST_COUNT}"));
number!(Positive, f64, |number| number.is_finite() && *number > 0.0, "a number above 0");
number!(Quantity, f64, |number| number.is_finite() && *number >= 0.0, "a number of at least 0");
number!(Share, f64, |number| (0.0..1.0).contains(number), "a number of at least 0 and below 1");

number!(Quantile, f64, |number| *number > 0.0 && *number < 1.0, "a number above 0 and below 1");

impl FromStr for Level {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.parse::<f64>() {
            Ok(level) if level > 0.0 && level < 1.0 => Ok(Self(Some(level))),
            _ if text == "none" => Ok(Self(None)),
            _ => Err(format!("expected a number above 0 and below 1, or none, got `{text}`")),
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(level) => level.fmt(f),
            None => f.write_str("none"),
        }
    }
}

impl FromStr for Time {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        text.parse().map(Self).map_err(|_| format!("expected a date like 2020-04-24, got `{text}`"))
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&moment(self.0))
    }
}

/// Defines an enum whose variants have names.
macro_rules! named {
    ($(#[$docs:meta])* $name:ident { $($(#[$variant_docs:meta])* $variant:ident = $text:literal),* $(,)? }) => {
        $(#[$docs])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum $name { $($(#[$variant_docs])* $variant),* }

        impl FromStr for $name {
            type Err = String;

            fn from_str(text: &str) -> Result<Self, String> {
                match text {
                    $($text => Ok(Self::$variant),)*
                    _ => Err(format!("expected one of {}, got `{text}`", [$($text),*].join(", "))),
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(match self { $(Self::$variant => $text),* })
            }
        }
    };
}

named! {
    /// What the models of series are trained to make small, in scaled units.
    #[derive(Default)]
    Loss {
        /// Mean squared error.
        #[default]
        Mse = "mse",
        /// Quadratic up to an error of 1, linear beyond.
        Huber = "huber",
        /// Mean absolute error.
        Mae = "mae",
        /// Pinball loss of several quantiles (Koenker and Bassett, 1978).
        Quantile = "quantile",
    }
}

named! {
    /// An optimizer.
    OptimizerName {
        /// Kingma and Ba, 2015.
        Adam = "adam",
        /// Loshchilov and Hutter, 2019.
        AdamW = "adamw",
        /// Stochastic gradient descent with momentum (Polyak, 1964).
        Sgd = "sgd",
        /// Tieleman and Hinton, 2012.
        RmsProp = "rmsprop",
    }
}

named! {
    /// The part of the data that is scored.
    ScoredPart {
        /// The test part.
        Test = "test",
        /// The validation part; the test part stays unseen.
        Valid = "valid",
    }
}

named! {
    /// How a search chooses trials.
    Method {
        /// Values drawn at random.
        Random = "random",
        /// All combinations.
        Grid = "grid",
        /// Drawn at random, trained for a few epochs; the best go on for more.
        Halving = "halving",
    }
}

named! {
    /// The score that trials are ranked by, in the units of the target or as a share.
    Ranking {
        /// Root of the mean squared error.
        Rmse = "rmse",
        /// Mean absolute error.
        Mae = "mae",
        /// Mean absolute scaled error.
        Mase = "mase",
        /// Symmetric mean absolute percentage error.
        Smape = "smape",
    }
}

named! {
    /// How rows are split, apart from where.
    SplitName {
        /// See [`rnn_data::Split::Course`].
        Course = "course",
        /// See [`rnn_data::Split::Holdout`].
        Holdout = "holdout",
    }
}

named! {
    /// A recurrent cell.
    CellName {
        /// SimpleRNN.
        SimpleRnn = "simple-rnn",
        /// LSTM.
        Lstm = "lstm",
        /// GRU.
        Gru = "gru",
    }
}

impl From<CellName> for Cell {
    fn from(name: CellName) -> Self {
        match name {
            CellName::SimpleRnn => Self::SimpleRnn,
            CellName::Lstm => Self::Lstm,
            CellName::Gru => Self::Gru,
        }
    }
}

/// How training progress is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Progress {
    /// The terminal interface on a terminal, lines elsewhere
    Auto,
    /// burn-train's terminal interface
    Tui,
    /// One line an epoch on stderr
    Plain,
    /// Nothing
    None,
}
