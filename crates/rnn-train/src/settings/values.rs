//! Types of option values with their bounds, the same on the command line and in files.

use std::{fmt, str::FromStr};

use clap::ValueEnum;
use jiff::civil::{Date, DateTime};
use rnn_data::{MOST_SEASONS, format_time};
use rnn_models::thousands;

use super::typed::{Accepts, Setting};

/// Upper bound of counts such as epochs, samples and rows.
pub(crate) const LARGEST_COUNT: usize = 1_000_000;

/// Defines a number type with bounds.
macro_rules! number {
    ($(#[$docs:meta])* $vis:vis $name:ident($kind:ty): $is_good:expr, $expected:expr) => {
        $(#[$docs])*
        #[derive(Debug, Clone, Copy, PartialEq)]
        $vis struct $name(pub(crate) $kind);

        impl FromStr for $name {
            type Err = String;

            fn from_str(text: &str) -> Result<Self, String> {
                let good: fn(&$kind) -> bool = $is_good;
                let number = text.parse().ok().filter(good).map(Self);
                number.ok_or_else(|| format!("expected {}, got `{text}`", $expected))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        wraps!($name($kind));
    };
}

/// Implements the option traits for a wrapper type.
macro_rules! wraps {
    ($name:ident($kind:ty)) => {
        impl Setting for $name {
            type Value = $kind;

            fn value(self) -> $kind {
                self.0
            }
        }

        impl Accepts<$kind> for $name {
            fn accept(value: $kind) -> Self {
                Self(value)
            }
        }
    };
}

number! {
    /// A whole number from 1 to [`LARGEST_COUNT`].
    pub Count(usize): |number| (1..=LARGEST_COUNT).contains(number), format_args!("a whole number \
        from 1 to {}", thousands(LARGEST_COUNT))
}
number! {
    /// A number of processes or threads, from 1 to 1,024.
    pub(crate) WorkerCount(usize): |number| (1..=1024).contains(number),
        "a whole number from 1 to 1,024"
}
number! {
    /// A number of trials, from 1 to 10,000. Each one is a training and a folder.
    pub(crate) TrialCount(usize): |number| (1..=10_000).contains(number),
        "a whole number from 1 to 10,000"
}
number! {
    /// A number above 0.
    pub Positive(f64): |number| number.is_finite() && *number > 0.0, "a number above 0"
}
number! {
    /// A number of at least 0.
    pub Quantity(f64): |number| number.is_finite() && *number >= 0.0, "a number of at least 0"
}
number! {
    /// A number of at least 0 and below 1.
    pub Fraction(f64): |number| (0.0..1.0).contains(number), "a number of at least 0 and below 1"
}
number! {
    /// A number above 0 and below 1.
    pub Quantile(f64): |number| *number > 0.0 && *number < 1.0, "a number above 0 and below 1"
}

/// A number above 0 and below 1, or none.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Level(pub(crate) Option<f64>);

/// A date, or a date and a time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Time(pub(crate) DateTime);

/// A number of rows, or none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Purge(pub(crate) Option<usize>);

/// Season lengths in rows: found in the data, or given; none if all are 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seasons {
    /// Found by autocorrelation and calendar.
    Auto,
    /// Given lengths; the rest are 0.
    Lengths([usize; MOST_SEASONS]),
}

impl Seasons {
    /// The first lengths of a list.
    pub(crate) fn of(lengths: &[usize]) -> Self {
        let mut all = [0; MOST_SEASONS];
        all.iter_mut().zip(lengths).for_each(|(slot, length)| *slot = *length);
        Self::Lengths(all)
    }

    /// The given lengths; none if they are to be found.
    pub(crate) fn lengths(&self) -> Option<Vec<usize>> {
        match self {
            Self::Auto => None,
            Self::Lengths(all) => Some(all.iter().copied().filter(|length| *length > 0).collect()),
        }
    }
}

wraps!(Level(Option<f64>));
wraps!(Purge(Option<usize>));
wraps!(Time(DateTime));

impl Accepts<f64> for Level {
    fn accept(value: f64) -> Self {
        Self(Some(value))
    }
}

impl Accepts<usize> for Purge {
    fn accept(value: usize) -> Self {
        Self(Some(value))
    }
}

impl<const N: usize> Accepts<[usize; N]> for Seasons {
    fn accept(values: [usize; N]) -> Self {
        Self::of(&values)
    }
}

impl FromStr for Purge {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.parse() {
            Ok(rows) => Ok(Self(Some(rows))),
            Err(_) if text == "none" => Ok(Self(None)),
            Err(_) => Err(format!("expected a number of rows, or none, got `{text}`")),
        }
    }
}

impl fmt::Display for Purge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(rows) => rows.fmt(f),
            None => f.write_str("none"),
        }
    }
}

impl FromStr for Seasons {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let lengths: Result<Vec<usize>, _> =
            text.split(',').map(|length| length.trim().parse()).collect();
        match lengths {
            _ if text == "auto" => Ok(Self::Auto),
            Ok(lengths) if lengths == [0] => Ok(Self::of(&[])),
            Ok(mut lengths)
                if lengths.len() <= MOST_SEASONS
                    && lengths.iter().all(|length| (1..=LARGEST_COUNT).contains(length)) =>
            {
                lengths.sort_unstable();
                lengths.dedup();
                Ok(Self::of(&lengths))
            }
            _ => Err(format!(
                "expected auto, 0, or at most {MOST_SEASONS} season lengths in rows like 24,168, \
                 got `{text}`"
            )),
        }
    }
}

impl fmt::Display for Seasons {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lengths = match self.lengths() {
            None => return f.write_str("auto"),
            Some(lengths) if lengths.is_empty() => vec!["0".to_owned()],
            Some(lengths) => lengths.iter().map(usize::to_string).collect(),
        };
        f.write_str(&lengths.join(","))
    }
}

impl Accepts<Date> for Time {
    fn accept(value: Date) -> Self {
        Self(value.into())
    }
}

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
        f.write_str(&format_time(self.0))
    }
}

/// Defines an enum with text names.
macro_rules! named {
    ($(#[$docs:meta])* $vis:vis $name:ident {
        $($(#[$variant_docs:meta])* $variant:ident = $text:literal),* $(,)?
    }) => {
        $(#[$docs])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        $vis enum $name { $($(#[$variant_docs])* $variant),* }

        crate::settings::typed::plain_settings!($name);

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
    /// The loss of time-series models, in scaled units.
    #[derive(Default)]
    pub Loss {
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
    pub OptimizerName {
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
    /// The set to score.
    pub ScoredSet {
        /// The test set.
        Test = "test",
        /// The validation set; the test set stays unseen.
        Valid = "valid",
    }
}

named! {
    /// The method of a search.
    pub(crate) Method {
        /// Values drawn at random.
        Random = "random",
        /// All combinations.
        Grid = "grid",
        /// Drawn at random and trained for a few epochs; the best are trained for more.
        Halving = "halving",
    }
}

named! {
    /// The score that ranks trials.
    pub(crate) Ranking {
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
    /// The treatment of lasting changes of level, such as unadjusted stock splits.
    #[derive(Default)]
    pub LevelShifts {
        /// Prices are refused, other series have a warning.
        #[default]
        Refuse = "refuse",
        /// The rows before are multiplied by the factor.
        Adjust = "adjust",
        /// The values stay as they are.
        Keep = "keep",
    }
}

named! {
    /// The kind of split.
    pub SplitName {
        /// See [`rnn_data::Split::Course`].
        Course = "course",
        /// See [`rnn_data::Split::Holdout`].
        Holdout = "holdout",
    }
}

/// Display of the training progress.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Progress {
    /// The terminal interface on a terminal, lines elsewhere
    Auto,
    /// burn-train's terminal interface
    Tui,
    /// Lines on stderr, at most one per second
    Plain,
    /// No progress
    None,
}
