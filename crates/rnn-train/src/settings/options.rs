//! The one list of options: what can be set by flag, settings file, recipe or program, and what
//! each is about.
//!
//! Everything else follows from the list: flags, keys of settings files, the output of `config`,
//! what a search may vary, what may differ when a run is resumed, and fingerprints.

use std::path::PathBuf;

use clap::Args;
use rnn_data::{Fill, Naive, SetSize, Transform};
use rnn_files::sha256;
use rnn_models::Cell;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Map, Value};

use super::{
    schedule::RateSchedule,
    typed::{Setting, Typed, listed, plain, whole},
    values::{
        Count, Level, Loss, OptimizerName, Positive, Progress, Quantile, Quantity, ScoredPart,
        Share, SplitName, Time,
    },
};
use crate::{backend::BackendChoice, error::Error};

/// What an option is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// Where results go, what computes, how progress is shown and saved.
    Program,
    /// Which files are read, and how.
    Data,
    /// Which values are predicted and scored.
    Scored,
    /// What scores are compared with.
    Report,
    /// What a loss measures, and in which units.
    Loss,
    /// What the weights and the memory of the optimizer mean.
    Model,
    /// How the weights are changed.
    Training,
}

/// Whether an option may differ from the earlier run when a folder is trained further.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Resume {
    Free,
    /// It may, and the user is told.
    Noted,
    /// It may not: the weights or their loss would mean something else.
    Same,
}

/// An option of the list.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Field {
    /// Key in settings files; the flag has hyphens.
    pub(crate) name: &'static str,
    pub(crate) role: Role,
    pub(crate) resume: Resume,
    /// Heading in the help; none for options that are no flags of a run.
    pub(crate) heading: Option<&'static str>,
    /// Whether its value is a path, which differs between machines.
    pub(crate) is_path: bool,
}

impl Field {
    /// The flag that sets it.
    pub(crate) fn flag(&self) -> String {
        format!("--{}", self.name.replace('_', "-"))
    }

    /// Whether it is part of what makes a run what it is; data is identified by its content instead
    /// of its path.
    fn is_fingerprinted(&self) -> bool {
        self.role != Role::Program && !self.is_path
    }
}

/// How the options of a run differ from those of the earlier run in its folder.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Changes {
    /// The first that may not differ.
    pub(crate) refused: Option<String>,
    pub(crate) noted: Vec<String>,
}

/// A list of options, as [`options!`] declares it.
pub(crate) trait OptionList: Args + Serialize + DeserializeOwned {
    /// Every option, in the order of the declaration.
    const FIELDS: &'static [Field];

    /// These options, and those of a lower layer where these are not set.
    #[must_use]
    fn over(self, below: Self) -> Self;

    /// Some of the options; the others are not set.
    #[must_use]
    fn only(self, keeps: impl Fn(&Field) -> bool) -> Self;

    /// The option of a name.
    fn field(name: &str) -> Option<&'static Field> {
        Self::FIELDS.iter().find(|field| field.name == name)
    }

    /// What is set, by name.
    ///
    /// # Errors
    ///
    /// When a path is not UTF-8 text.
    fn entries(&self) -> Result<Map<String, Value>, Error> {
        match serde_json::to_value(self) {
            Ok(Value::Object(entries)) => {
                Ok(entries.into_iter().filter(|(_, value)| !value.is_null()).collect())
            }
            _ => Err(Error::Usage(
                "a path among the options is not UTF-8 text, which settings are kept in; rename it"
                    .to_owned(),
            )),
        }
    }

    /// What is set except paths: the same on every machine.
    fn portable_entries(&self) -> Result<Map<String, Value>, Error> {
        let mut entries = self.entries()?;
        entries.retain(|name, _| Self::field(name).is_some_and(|field| !field.is_path));
        Ok(entries)
    }

    /// Hash of all that makes a run what it is.
    fn fingerprint(&self) -> Result<String, Error> {
        let mut entries = self.entries()?;
        entries.retain(|name, _| Self::field(name).is_some_and(Field::is_fingerprinted));
        Ok(sha256(Value::Object(entries).to_string().as_bytes()))
    }

    /// How these options differ from those of the earlier run that is trained further.
    fn changes_from(&self, before: &Self) -> Result<Changes, Error> {
        let (before, now) = (before.entries()?, self.entries()?);
        let written = |value: Option<&Value>| value.map_or_else(|| "not set".to_owned(), plain);
        let mut changes = Changes::default();
        for Field { name, resume, .. } in
            Self::FIELDS.iter().filter(|field| before.get(field.name) != now.get(field.name))
        {
            let (was, is) = (written(before.get(*name)), written(now.get(*name)));
            match resume {
                Resume::Free => {}
                Resume::Noted => changes.noted.push(format!("{name} {is} (before: {was})")),
                Resume::Same => {
                    changes.refused =
                        changes.refused.or_else(|| Some(format!("{name} = {was}, not {is}")))
                }
            }
        }
        Ok(changes)
    }

    /// Checks every value against the bounds of its option.
    ///
    /// # Errors
    ///
    /// Which value is out of bounds.
    fn checked(self) -> Result<Self, Error> {
        for (name, value) in self.entries()? {
            let one = Map::from_iter([(name.clone(), value)]);
            serde_json::from_value::<Self>(Value::Object(one))
                .map_err(|error| Error::Usage(format!("{name}: {error}")))?;
        }
        Ok(self)
    }

    /// Every flag with its help text, in the order of the list.
    fn described() -> Vec<(&'static Field, String)> {
        let command = Self::augment_args(clap::Command::new("options"));
        let described = |argument: &clap::Arg| {
            Some((
                Self::field(argument.get_id().as_str())?,
                argument.get_help().map(ToString::to_string).unwrap_or_default(),
            ))
        };
        command.get_arguments().filter_map(described).collect()
    }

    /// The flags that set these options, for another process of this program.
    fn as_flags(&self) -> Result<Vec<String>, Error> {
        let quoted = |item: &Value| match plain(item) {
            text if text.contains([',', '"']) => format!("\"{}\"", text.replace('"', "\"\"")),
            text => text,
        };
        let flag = |(name, value): (String, Value)| {
            let text = match value {
                Value::Array(items) => items.iter().map(quoted).collect::<Vec<_>>().join(","),
                other => plain(&other),
            };
            format!("--{}={text}", name.replace('_', "-"))
        };
        Ok(self.entries()?.into_iter().map(flag).collect())
    }
}

/// Declares a list of options: groups by heading, and of each option its help text, role, rule when
/// a run is resumed, name and type. Options of the group `program` are no flags of a run.
macro_rules! options {
    (
        $(#[$docs:meta])*
        $vis:vis struct $list:ident {
            program { $($(#[$program_meta:meta])* $program_role:ident $program_resume:ident $program:ident: $program_kind:ty,)* }
            $($heading:literal { $($(#[$meta:meta])* $role:ident $resume:ident $name:ident: $kind:ty $(= $default:expr)?,)* })*
        }
    ) => {
        $(#[$docs])*
        #[derive(Debug, Clone, Default, PartialEq, Args, Serialize, Deserialize)]
        #[serde(deny_unknown_fields)]
        $vis struct $list {
            $($(#[$program_meta])* #[arg(skip)] pub(crate) $program: Option<$program_kind>,)*
            $($($(#[$meta])* #[arg(long, allow_negative_numbers = true, help_heading = $heading)] pub(crate) $name: Option<$kind>,)*)*
        }

        impl OptionList for $list {
            const FIELDS: &'static [Field] = &[
                $(options!(@field None, $program_role $program_resume $program: $program_kind),)*
                $($(options!(@field Some($heading), $role $resume $name: $kind),)*)*
            ];

            fn over(self, below: Self) -> Self {
                Self { $($program: self.$program.or(below.$program),)* $($($name: self.$name.or(below.$name),)*)* }
            }

            fn only(self, keeps: impl Fn(&Field) -> bool) -> Self {
                let mut kept = Self::FIELDS.iter().map(keeps);
                let mut next = || kept.next().unwrap_or_default();
                Self {
                    $($program: if next() { self.$program } else { None },)*
                    $($($name: if next() { self.$name } else { None },)*)*
                }
            }
        }

        impl $list {
            /// The defaults of the list, below those of any recipe.
            pub fn defaults() -> Self {
                Self::default()$($($(.$name($default))?)*)*
            }

            $(options!(@setter $program: $program_kind);)*
            $($(options!(@setter $name: $kind);)*)*
        }
    };
    (@field $heading:expr, $role:ident $resume:ident $name:ident: $kind:ty) => {
        Field {
            name: stringify!($name),
            role: Role::$role,
            resume: Resume::$resume,
            heading: $heading,
            is_path: matches!(stringify!($kind).as_bytes(), b"PathBuf"),
        }
    };
    (@setter $name:ident: $kind:ty) => {
        #[doc = concat!("Sets `", stringify!($name), "`; `rnn-train config EXPERIMENT` prints what it means.")]
        #[must_use]
        pub fn $name(mut self, value: impl Into<<$kind as Setting>::Value>) -> Self {
            self.$name = Some(<$kind as Setting>::from_value(value.into()));
            self
        }
    };
}

/// Default seed: the first with which all letters experiments reach accuracy 1.0 (with seed 1,
/// letters-embedding-1 gets four of five).
const SEED: u64 = 2;

options! {
    /// The options of a run. What is not set is left to the recipe of its experiment.
    ///
    /// # Examples
    ///
    /// ```
    /// use rnn_train::Options;
    ///
    /// let options = Options::default().target("close").window(20_usize).units([64]).learning_rate(0.002);
    /// # let _ = options;
    /// ```
    pub struct Options {
    program {
        /// Folder of all experiments' results
        #[serde(skip_serializing_if = "Option::is_none")]
        Program Free artifacts: PathBuf,
        /// Where to compute
        #[serde(skip_serializing)]
        Program Free backend: BackendChoice,
    }

    "Training" {
        /// How progress is shown: auto, tui (burn-train's terminal interface), plain (a line an
        /// epoch) or none
        #[arg(value_enum)]
        #[serde(skip_serializing)]
        Program Free progress: Progress,
        /// Passes over the training data
        #[arg(value_name = "N")]
        Training Free epochs: Typed<Count>,
        /// Samples a step
        #[arg(value_name = "N")]
        Training Noted batch_size: Typed<Count>,
        /// Step size of the optimizer, which the schedule starts from
        #[arg(value_name = "X")]
        Training Noted learning_rate: Typed<Positive>,
        /// How the rate goes on: constant, cosine (to 0), cosine:EPOCHS (starts over),
        /// step:EPOCHS:FACTOR, exponential:FACTOR (an epoch) or
        /// plateau:EPOCHS:FACTOR (after so many epochs without a better loss)
        #[arg(value_name = "NAME")]
        Training Noted schedule: Typed<RateSchedule> = RateSchedule::Constant,
        /// Epochs over which the rate first rises from near 0
        #[arg(value_name = "EPOCHS")]
        Training Noted warmup: Typed<Quantity> = 0.0,
        /// Seed of weights, sample order and dropout
        #[arg(value_name = "N", value_parser = whole::<u64>)]
        Training Free seed: u64 = SEED,
        /// adam, adamw (decoupled weight decay), sgd or rmsprop
        #[arg(value_name = "NAME")]
        Model Same optimizer: Typed<OptimizerName> = OptimizerName::Adam,
        /// Weight decay of adamw
        #[arg(value_name = "X")]
        Training Noted weight_decay: Typed<Quantity> = 0.0,
        /// Momentum of sgd
        #[arg(value_name = "SHARE")]
        Training Noted momentum: Typed<Share> = 0.9,
        /// Largest norm of the gradient of a weight tensor, as Keras's clipnorm; 0: no clipping
        #[arg(value_name = "X")]
        Training Noted clip_norm: Typed<Quantity> = 0.0,
        /// Stop after so many epochs without a better validation loss; 0: never
        #[arg(value_name = "EPOCHS", value_parser = whole::<usize>)]
        Training Noted patience: usize = 0_usize,
        /// Inside long epochs, too, the state of the run is saved this often: no more than that is
        /// lost, whatever happens
        #[arg(value_name = "SECONDS")]
        Program Free checkpoint_every_seconds: Typed<Positive> = 60.0,
    }

    "Series" {
        /// mse, huber (delta 1), mae or quantile, in scaled units
        #[arg(value_name = "NAME")]
        Loss Same loss: Typed<Loss>,
        /// What the quantile loss learns, 0.5 among them: it is the forecast, and the outer two are
        /// its interval
        #[arg(value_name = "Q,Q", value_delimiter = ',')]
        Loss Same quantiles: Vec<Typed<Quantile>> = [0.05, 0.5, 0.95],
        /// Windows an epoch, a new random choice each time; 0: all of them
        #[arg(value_name = "N", value_parser = whole::<usize>)]
        Training Noted samples: usize = 0_usize,
        /// Recurrent cell: simple-rnn, lstm or gru
        #[arg(value_name = "NAME")]
        Model Same cell: Typed<Cell>,
        /// Hidden units of each recurrent layer, e.g. 80,100
        #[arg(value_name = "N,N", value_delimiter = ',')]
        Model Same units: Vec<Typed<Count>>,
        /// Share of values dropped after each recurrent layer while training
        #[arg(value_name = "SHARE")]
        Training Noted dropout: Typed<Share> = 0.0,
        /// CSV file, or a folder of them (one model over many series); also RNN_STOCK_CSV [default:
        /// the one trained on before, else the embedded synthetic sample]
        #[arg(value_name = "PATH")]
        Data Free data: PathBuf,
        /// Column of dates [default: found by name or content]
        #[arg(value_name = "NAME")]
        Data Same date_column: String,
        /// How dates are written, as strftime has it, e.g. %d.%m.%Y [default: found out]
        #[arg(value_name = "PATTERN")]
        Data Same date_format: String,
        /// Column to predict
        #[arg(value_name = "NAME")]
        Data Same target: String,
        /// What the model reads of each row: columns, difference(c), return(c), log-return(c),
        /// log(a/b), gap, weekday, month, hour
        #[arg(value_name = "A,B", value_parser = listed)]
        Model Same features: ::std::vec::Vec<String>,
        /// What becomes of missing values: none (an error), forward or linear
        #[arg(value_name = "NAME")]
        Data Same fill: Typed<Fill> = Fill::None,
        /// First date that counts
        #[arg(value_name = "DATE")]
        Scored Same from: Typed<Time>,
        /// Last date that counts
        #[arg(value_name = "DATE")]
        Scored Same until: Typed<Time>,
        /// Leave out files of a folder that cannot be used, and say which
        #[arg(value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
        Data Free skip_bad: bool = false,
        /// Rows the model looks back on
        #[arg(value_name = "ROWS")]
        Model Same window: Typed<Count>,
        /// Rows it predicts at once
        #[arg(value_name = "ROWS")]
        Scored Same horizon: Typed<Count> = 1_usize,
        /// What it predicts: minmax, standard, difference, log-return, residual or log-residual
        /// (the change against a naive forecast)
        #[arg(value_name = "NAME")]
        Loss Same transform: Typed<Transform>,
        /// The naive forecast of the residual transforms: last-value, last-close, drift,
        /// seasonal:ROWS or mean:ROWS
        #[arg(value_name = "NAME")]
        Loss Same naive: Typed<Naive>,
        /// Rows of a season, for the seasonal naive baseline; 0: none
        #[arg(value_name = "ROWS", value_parser = whole::<usize>)]
        Report Free season: usize = 0_usize,
        /// holdout (training, validation and test part by date), or course (the last 240 rows are
        /// test and validation part)
        #[arg(value_name = "NAME")]
        Scored Same split: Typed<SplitName>,
        /// Validation part of a holdout split: a number of rows, a share, or its first date
        #[arg(value_name = "CUT")]
        Scored Same valid: Typed<SetSize>,
        /// Test part of a holdout split, likewise
        #[arg(value_name = "CUT")]
        Scored Same test: Typed<SetSize>,
        /// Rows between the parts of a holdout split, at least the window; windows up to this long
        /// are judged on the same rows
        #[arg(value_name = "ROWS", value_parser = whole::<usize>)]
        Scored Same purge: usize = 0_usize,
        /// Part that is scored and drawn: test, or valid (the test part stays unseen, for choosing
        /// settings)
        #[arg(value_name = "PART")]
        Scored Free score: Typed<ScoredPart> = ScoredPart::Test,
        /// Level of the prediction intervals, e.g. 0.9, calibrated on the validation part (split
        /// conformal), or none
        #[arg(value_name = "SHARE")]
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
