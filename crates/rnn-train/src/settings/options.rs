//! The one list of options: what can be set by flag, settings file, recipe or program, and what
//! each is about.
//!
//! Everything else follows from the list: flags, keys of settings files, the output of `config`,
//! what a search may vary, what may differ when a run is resumed, and fingerprints.

use std::path::PathBuf;

use clap::Args;
use rnn_data::{Fill, Naive, SetSize, Transform};
use rnn_models::Cell;
use serde::{Deserialize, Serialize};

use super::{
    option_list::{Field, OptionList, Resume, Role, options},
    schedule::RateSchedule,
    typed::{Accepts, Typed, listed, whole},
    values::{
        Count, Level, Loss, OptimizerName, Positive, Progress, Quantile, Quantity, ScoredPart,
        Share, SplitName, Time,
    },
};
use crate::backend::BackendChoice;

/// Default seed: the first with which all letters experiments reach accuracy 1.0 (with seed 1,
/// letters-embedding-1 gets four of five).
const SEED: u64 = 2;

options! {
    /// The options of a run. What is not set is left to the recipe of its experiment. Each setter
    /// has the help text of the flag of its name; bounds are checked when a task or a training is
    /// made. `progress` is of the command alone.
    ///
    /// # Examples
    ///
    /// ```
    /// use rnn_train::Options;
    ///
    /// let options = Options::default().target("close").window(20).units([64]);
    /// # let _ = options;
    /// ```
    pub struct Options {
    program {
        /// Folder of all experiments' results
        @[serde(skip_serializing_if = "Option::is_none")]
        Program Free artifacts: PathBuf,
        /// Where to compute
        @[serde(skip_serializing)]
        Program Free backend: BackendChoice,
    }

    "Training" {
        /// How progress is shown: auto, tui (burn-train's terminal interface), plain (a line an
        /// epoch) or none
        @[arg(value_enum)]
        @[serde(skip_serializing)]
        Program Free progress: Progress,
        /// Passes over the training data
        @[arg(value_name = "N")]
        Training Free epochs: Typed<Count>,
        /// Samples a step
        @[arg(value_name = "N")]
        Training Noted batch_size: Typed<Count>,
        /// Step size of the optimizer, which the schedule starts from
        @[arg(value_name = "X")]
        Training Noted learning_rate: Typed<Positive>,
        /// How the rate goes on: constant, cosine (to 0), cosine:EPOCHS (starts over),
        /// step:EPOCHS:FACTOR, exponential:FACTOR (an epoch) or
        /// plateau:EPOCHS:FACTOR (after so many epochs without a better loss)
        @[arg(value_name = "NAME")]
        Training Noted schedule: Typed<RateSchedule> = RateSchedule::Constant,
        /// Epochs over which the rate first rises from near 0
        @[arg(value_name = "EPOCHS")]
        Training Noted warmup: Typed<Quantity> = 0.0,
        /// Seed of weights, sample order and dropout
        @[arg(value_name = "N", value_parser = whole::<u64>)]
        Training Free seed: u64 = SEED,
        /// adam, adamw (decoupled weight decay), sgd or rmsprop
        @[arg(value_name = "NAME")]
        Training Same optimizer: Typed<OptimizerName> = OptimizerName::Adam,
        /// Weight decay of adamw
        @[arg(value_name = "X")]
        Training Noted weight_decay: Typed<Quantity> = 0.0,
        /// Momentum of sgd
        @[arg(value_name = "SHARE")]
        Training Noted momentum: Typed<Share> = 0.9,
        /// Largest norm of the gradient of a weight tensor, as Keras's clipnorm; 0: no clipping
        @[arg(value_name = "X")]
        Training Noted clip_norm: Typed<Quantity> = 0.0,
        /// Stop after so many epochs without a better validation loss; 0: never
        @[arg(value_name = "EPOCHS", value_parser = whole::<usize>)]
        Training Noted patience: usize = 0,
        /// Inside long epochs, too, the state of the run is saved this often: no more than that is
        /// lost, whatever happens
        @[arg(value_name = "SECONDS")]
        Program Free checkpoint_every_seconds: Typed<Positive> = 60.0,
    }

    "Series" {
        /// mse, huber (delta 1), mae or quantile, in scaled units
        @[arg(value_name = "NAME")]
        Loss Same loss: Typed<Loss>,
        /// What the quantile loss learns, 0.5 among them: it is the forecast, and the outer two are
        /// its interval
        @[arg(value_name = "Q,Q", value_delimiter = ',')]
        Loss Same quantiles: Vec<Typed<Quantile>> = [0.05, 0.5, 0.95],
        /// Windows an epoch, a new random choice each time; 0: all of them
        @[arg(value_name = "N", value_parser = whole::<usize>)]
        Training Noted samples: usize = 0,
        /// Recurrent cell: simple-rnn, lstm or gru
        @[arg(value_name = "NAME")]
        Model Same cell: Typed<Cell>,
        /// Hidden units of each recurrent layer, e.g. 80,100
        @[arg(value_name = "N,N", value_delimiter = ',')]
        Model Same units: Vec<Typed<Count>>,
        /// Share of values dropped after each recurrent layer while training
        @[arg(value_name = "SHARE")]
        Training Noted dropout: Typed<Share> = 0.0,
        /// CSV file, or a folder of them (one model over many series); also RNN_STOCK_CSV [default:
        /// the one trained on before, else the embedded synthetic sample]
        @[arg(value_name = "PATH")]
        Data Free data: PathBuf,
        /// Column of dates [default: found by name or content]
        @[arg(value_name = "NAME")]
        Data Same date_column: String,
        /// How dates are written, as strftime has it, e.g. %d.%m.%Y [default: found out]
        @[arg(value_name = "PATTERN")]
        Data Same date_format: String,
        /// Column to predict
        @[arg(value_name = "NAME")]
        Data Same target: String,
        /// What the model reads of each row: columns, difference(c), return(c), log-return(c),
        /// log(a/b), gap, weekday, month, hour
        @[arg(value_name = "A,B", value_parser = listed)]
        Model Same features: ::std::vec::Vec<String>,
        /// What becomes of missing values: none (an error), forward or linear
        @[arg(value_name = "NAME")]
        Data Same fill: Typed<Fill> = Fill::None,
        /// First date that counts
        @[arg(value_name = "DATE")]
        Scored Same from: Typed<Time>,
        /// Last date that counts
        @[arg(value_name = "DATE")]
        Scored Same until: Typed<Time>,
        /// Leave out files of a folder that cannot be used, and say which
        @[arg(value_name = "BOOL", num_args = 0..=1)]
        @[arg(require_equals = true, default_missing_value = "true")]
        Data Free skip_bad: bool = false,
        /// Rows the model looks back on
        @[arg(value_name = "ROWS")]
        Model Same window: Typed<Count>,
        /// Rows it predicts at once
        @[arg(value_name = "ROWS")]
        Scored Same horizon: Typed<Count> = 1,
        /// What it predicts: minmax, standard, difference, log-return, residual or log-residual
        /// (the change against a naive forecast)
        @[arg(value_name = "NAME")]
        Loss Same transform: Typed<Transform>,
        /// The naive forecast of the residual transforms: last-value, last-close, drift,
        /// seasonal:ROWS or mean:ROWS
        @[arg(value_name = "NAME")]
        Loss Same naive: Typed<Naive>,
        /// Rows of a season, for the seasonal naive baseline; 0: none
        @[arg(value_name = "ROWS", value_parser = whole::<usize>)]
        Report Free season: usize = 0,
        /// holdout (training, validation and test part by date), or course (the last 240 rows are
        /// test and validation part)
        @[arg(value_name = "NAME")]
        Scored Same split: Typed<SplitName>,
        /// Validation part of a holdout split: a number of rows, a share, or its first date
        @[arg(value_name = "CUT")]
        Scored Same valid: Typed<SetSize>,
        /// Test part of a holdout split, likewise
        @[arg(value_name = "CUT")]
        Scored Same test: Typed<SetSize>,
        /// Rows between the parts of a holdout split, at least the window; windows up to this long
        /// are judged on the same rows
        @[arg(value_name = "ROWS", value_parser = whole::<usize>)]
        Scored Same purge: usize = 0,
        /// Part that is scored and drawn: test, or valid (the test part stays unseen, for choosing
        /// settings)
        @[arg(value_name = "PART")]
        Scored Free score: Typed<ScoredPart> = ScoredPart::Test,
        /// Level of the prediction intervals, e.g. 0.9, calibrated on the validation part (split
        /// conformal), or none
        @[arg(value_name = "SHARE")]
        Report Free interval: Typed<Level>,
    }
    }
}

impl Options {
    /// The heading of the options that only experiments on series have.
    pub(crate) const SERIES: &str = "Series";

    /// The options that only experiments on series have.
    pub(crate) fn of_series(self) -> Self {
        self.only(|field| field.heading == Some(Self::SERIES))
    }

    /// The options that every experiment has.
    pub(crate) fn without_series(self) -> Self {
        self.only(|field| field.heading != Some(Self::SERIES))
    }
}

#[cfg(test)]
#[allow(unreachable_pub, reason = "the setters of a list of a test are those of Options")]
mod tests;
