//! Everything that can be set about a run: by flag, by settings file, by recipe. One list for all three.

use std::{fmt::Display, path::PathBuf, str::FromStr};

use clap::{Args, CommandFactory};
use rnn_data::{Cut, Fill, Naive, Transform};
use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{self, value::MapAccessDeserializer},
};
use serde_json::{Map, Value};

use super::{
    schedule::RateSchedule,
    values::{CellName, Count, Level, Loss, OptimizerName, Positive, Progress, Quantile, Quantity, ScoredPart, Share, SplitName, Time},
};
use crate::{backend::BackendChoice, error::Error, io::sha256};

/// A value that is written as text: typed, in a settings file (also as a number), or in `config.json`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Typed<T>(pub(crate) T);

/// What can be set; what is not set is left to the next layer.
#[derive(Debug, Clone, Default, PartialEq, Args, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Options {
    /// Folder of all experiments' results
    #[arg(skip)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) artifacts: Option<PathBuf>,
    /// Where to compute
    #[arg(skip)]
    #[serde(skip_serializing)]
    pub(crate) backend: Option<BackendChoice>,
    /// How progress is shown: auto, tui (burn-train's terminal interface), plain (a line an epoch) or none
    #[arg(long, value_enum, help_heading = TRAINING)]
    #[serde(skip_serializing)]
    pub(crate) progress: Option<Progress>,

    /// Passes over the training data
    #[arg(long, value_name = "N", allow_negative_numbers = true, help_heading = TRAINING)]
    pub(crate) epochs: Option<Typed<Count>>,
    /// Samples a step
    #[arg(long, value_name = "N", allow_negative_numbers = true, help_heading = TRAINING)]
    pub(crate) batch_size: Option<Typed<Count>>,
    /// Step size of the optimizer, which the schedule starts from
    #[arg(long, value_name = "X", allow_negative_numbers = true, help_heading = TRAINING)]
    pub(crate) learning_rate: Option<Typed<Positive>>,
    /// How the rate goes on: constant, cosine (to 0), cosine:EPOCHS (starts over), step:EPOCHS:FACTOR, exponential:FACTOR (an epoch) or
    /// plateau:EPOCHS:FACTOR (after so many epochs without a better loss)
    #[arg(long, value_name = "NAME", help_heading = TRAINING)]
    pub(crate) schedule: Option<Typed<RateSchedule>>,
    /// Epochs over which the rate first rises from near 0
    #[arg(long, value_name = "EPOCHS", allow_negative_numbers = true, help_heading = TRAINING)]
    pub(crate) warmup: Option<Typed<Quantity>>,
    /// Seed of weights, sample order and dropout
    #[arg(long, value_name = "N", value_parser = whole::<u64>, allow_negative_numbers = true, help_heading = TRAINING)]
    pub(crate) seed: Option<u64>,
    /// adam, adamw (decoupled weight decay), sgd or rmsprop
    #[arg(long, value_name = "NAME", help_heading = TRAINING)]
    pub(crate) optimizer: Option<Typed<OptimizerName>>,
    /// Weight decay of adamw
    #[arg(long, value_name = "X", allow_negative_numbers = true, help_heading = TRAINING)]
    pub(crate) weight_decay: Option<Typed<Quantity>>,
    /// Momentum of sgd
    #[arg(long, value_name = "SHARE", allow_negative_numbers = true, help_heading = TRAINING)]
    pub(crate) momentum: Option<Typed<Share>>,
    /// Largest norm of the gradient of a weight tensor, as Keras's clipnorm; 0: no clipping
    #[arg(long, value_name = "X", allow_negative_numbers = true, help_heading = TRAINING)]
    pub(crate) clip_norm: Option<Typed<Quantity>>,
    /// Stop after so many epochs without a better validation loss; 0: never
    #[arg(long, value_name = "EPOCHS", value_parser = whole::<usize>, allow_negative_numbers = true, help_heading = TRAINING)]
    pub(crate) patience: Option<usize>,
    /// Inside long epochs, too, the state of the run is saved this often: no more than that is lost, whatever happens
    #[arg(long, value_name = "SECONDS", allow_negative_numbers = true, help_heading = TRAINING)]
    pub(crate) checkpoint_every_seconds: Option<Typed<Positive>>,

    /// mse, huber (delta 1), mae or quantile, in scaled units
    #[arg(long, value_name = "NAME", help_heading = Options::SERIES)]
    pub(crate) loss: Option<Typed<Loss>>,
    /// What the quantile loss learns, 0.5 among them: it is the forecast, and the outer two are its interval
    #[arg(long, value_name = "Q,Q", value_delimiter = ',', allow_negative_numbers = true, help_heading = Options::SERIES)]
    pub(crate) quantiles: Option<Vec<Typed<Quantile>>>,
    /// Windows an epoch, a new random choice each time; 0: all of them
    #[arg(long, value_name = "N", value_parser = whole::<usize>, allow_negative_numbers = true, help_heading = Options::SERIES)]
    pub(crate) samples: Option<usize>,
    /// Recurrent cell: simple-rnn, lstm or gru
    #[arg(long, value_name = "NAME", help_heading = Options::SERIES)]
    pub(crate) cell: Option<Typed<CellName>>,
    /// Hidden units of each recurrent layer, e.g. 80,100
    #[arg(long, value_name = "N,N", value_delimiter = ',', allow_negative_numbers = true, help_heading = Options::SERIES)]
    pub(crate) units: Option<Vec<Typed<Count>>>,
    /// Share of values dropped after each recurrent layer while training
    #[arg(long, value_name = "SHARE", allow_negative_numbers = true, help_heading = Options::SERIES)]
    pub(crate) dropout: Option<Typed<Share>>,
    /// CSV file, or a folder of them (one model over many series); also RNN_STOCK_CSV [default: the one trained on before, else the embedded synthetic sample]
    #[arg(long, value_name = "PATH", help_heading = Options::SERIES)]
    pub(crate) data: Option<PathBuf>,
    /// Column of dates [default: found by name or content]
    #[arg(long, value_name = "NAME", help_heading = Options::SERIES)]
    pub(crate) date_column: Option<String>,
    /// How dates are written, as strftime has it, e.g. %d.%m.%Y [default: found out]
    #[arg(long, value_name = "PATTERN", help_heading = Options::SERIES)]
    pub(crate) date_format: Option<String>,
    /// Column to predict
    #[arg(long, value_name = "NAME", help_heading = Options::SERIES)]
    pub(crate) target: Option<String>,
    /// What the model reads of each row: columns, difference(c), return(c), log-return(c), log(a/b), gap, weekday, month, hour
    #[arg(long, value_name = "A,B", value_parser = listed, help_heading = Options::SERIES)]
    pub(crate) features: Option<::std::vec::Vec<String>>,
    /// What becomes of missing values: none (an error), forward or linear
    #[arg(long, value_name = "NAME", help_heading = Options::SERIES)]
    pub(crate) fill: Option<Typed<Fill>>,
    /// First date that counts
    #[arg(long, value_name = "DATE", allow_negative_numbers = true, help_heading = Options::SERIES)]
    pub(crate) from: Option<Typed<Time>>,
    /// Last date that counts
    #[arg(long, value_name = "DATE", allow_negative_numbers = true, help_heading = Options::SERIES)]
    pub(crate) until: Option<Typed<Time>>,
    /// Leave out files of a folder that cannot be used, and say which
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true", help_heading = Options::SERIES)]
    pub(crate) skip_bad: Option<bool>,
    /// Rows the model looks back on
    #[arg(long, value_name = "ROWS", allow_negative_numbers = true, help_heading = Options::SERIES)]
    pub(crate) window: Option<Typed<Count>>,
    /// Rows it predicts at once
    #[arg(long, value_name = "ROWS", allow_negative_numbers = true, help_heading = Options::SERIES)]
    pub(crate) horizon: Option<Typed<Count>>,
    /// What it predicts: minmax, standard, difference, log-return, residual or log-residual (the change against a naive forecast)
    #[arg(long, value_name = "NAME", help_heading = Options::SERIES)]
    pub(crate) transform: Option<Typed<Transform>>,
    /// The naive forecast of the residual transforms: last-value, last-close, drift, seasonal:ROWS or mean:ROWS
    #[arg(long, value_name = "NAME", help_heading = Options::SERIES)]
    pub(crate) naive: Option<Typed<Naive>>,
    /// Rows of a season, for the seasonal naive baseline; 0: none
    #[arg(long, value_name = "ROWS", value_parser = whole::<usize>, allow_negative_numbers = true, help_heading = Options::SERIES)]
    pub(crate) season: Option<usize>,
    /// holdout (training, validation and test part by date), or course (the last 240 rows are test and validation part)
    #[arg(long, value_name = "NAME", help_heading = Options::SERIES)]
    pub(crate) split: Option<Typed<SplitName>>,
    /// Validation part of a holdout split: a number of rows, a share, or its first date
    #[arg(long, value_name = "CUT", allow_negative_numbers = true, help_heading = Options::SERIES)]
    pub(crate) valid: Option<Typed<Cut>>,
    /// Test part of a holdout split, likewise
    #[arg(long, value_name = "CUT", allow_negative_numbers = true, help_heading = Options::SERIES)]
    pub(crate) test: Option<Typed<Cut>>,
    /// Rows between the parts of a holdout split, at least the window; windows up to this long are judged on the same rows
    #[arg(long, value_name = "ROWS", value_parser = whole::<usize>, allow_negative_numbers = true, help_heading = Options::SERIES)]
    pub(crate) purge: Option<usize>,
    /// Part that is scored and drawn: test, or valid (the test part stays unseen, for choosing settings)
    #[arg(long, value_name = "PART", help_heading = Options::SERIES)]
    pub(crate) score: Option<Typed<ScoredPart>>,
    /// Level of the prediction intervals, e.g. 0.9, calibrated on the validation part (split conformal), or none
    #[arg(long, value_name = "SHARE", allow_negative_numbers = true, help_heading = Options::SERIES)]
    pub(crate) interval: Option<Typed<Level>>,
}

const TRAINING: &str = "Training";

impl Options {
    /// The heading of what only series have.
    pub(crate) const SERIES: &str = "Series";

    /// These options, and those of a lower layer where these say nothing.
    pub(crate) fn over(self, below: Self) -> Self {
        macro_rules! layered {
            ($($name:ident)*) => { Self { $($name: self.$name.or(below.$name)),* } };
        }
        layered!(
            artifacts backend progress epochs batch_size learning_rate schedule warmup seed optimizer weight_decay momentum clip_norm patience checkpoint_every_seconds loss quantiles samples cell units
            dropout data date_column date_format target features fill from until skip_bad window horizon transform naive season split valid
            test purge score interval
        )
    }

    /// The options that only series have.
    pub(crate) fn of_series(self) -> Self {
        self.parted().1
    }

    /// The options that everything has.
    pub(crate) fn without_series(self) -> Self {
        self.parted().0
    }

    /// The options that everything has, and those that only series have.
    fn parted(mut self) -> (Self, Self) {
        macro_rules! taken {
            ($($name:ident)*) => { Self { $($name: self.$name.take(),)* ..Self::default() } };
        }
        let common = taken!(
            artifacts backend progress epochs batch_size learning_rate schedule warmup seed optimizer weight_decay momentum clip_norm patience checkpoint_every_seconds
        );
        (common, self)
    }

    /// The options that say what the data is.
    pub(crate) fn of_data(self) -> Self {
        let Self { data, date_column, date_format, target, fill, skip_bad, .. } = self;
        Self { data, date_column, date_format, target, fill, skip_bad, ..Self::default() }
    }

    /// What is set, by name.
    ///
    /// # Errors
    ///
    /// When a path is no UTF-8 text.
    pub(crate) fn entries(&self) -> Result<Map<String, Value>, Error> {
        match serde_json::to_value(self) {
            Ok(Value::Object(entries)) => Ok(entries.into_iter().filter(|(_, value)| !value.is_null()).collect()),
            _ => Err(Error::Usage("a path among the options is not UTF-8 text, which settings are kept in; rename it".to_owned())),
        }
    }

    /// Hash of all that makes a run what it is: data is told from other by what it holds; how often a run is saved changes nothing.
    pub(crate) fn fingerprint(&self) -> Result<String, Error> {
        let mut entries = self.entries()?;
        entries.retain(|name, _| !["artifacts", "data", "checkpoint_every_seconds"].contains(&name.as_str()));
        Ok(sha256(Value::Object(entries).to_string().as_bytes()))
    }

    /// Every option's name, in the order of this list, with what it means and its group.
    pub(crate) fn described() -> Vec<(String, String, String)> {
        #[derive(clap::Parser)]
        struct All {
            #[command(flatten)]
            _options: Options,
        }
        let described = |argument: &clap::Arg| {
            let text = argument.get_help().map(ToString::to_string).unwrap_or_default();
            Some((argument.get_id().to_string(), text, argument.get_help_heading()?.to_owned()))
        };
        All::command().get_arguments().filter_map(described).collect()
    }

    /// The flags that set these options, for another process of this program.
    pub(crate) fn as_flags(&self) -> Result<Vec<String>, Error> {
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

/// The items of a list with commas between them; one that has a comma itself is in quotes, as in a CSV file.
fn listed(text: &str) -> Result<Vec<String>, csv::Error> {
    let mut reader = csv::ReaderBuilder::new().has_headers(false).trim(csv::Trim::All).from_reader(text.as_bytes());
    let records = reader.records().collect::<Result<Vec<_>, _>>()?;
    Ok(records.iter().flatten().map(str::to_owned).collect())
}

fn whole<T: FromStr>(text: &str) -> Result<T, String> {
    text.parse().map_err(|_| format!("expected a whole number of at least 0, got `{text}`"))
}

/// A value as it is typed.
pub(crate) fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

impl<T: FromStr> FromStr for Typed<T> {
    type Err = T::Err;

    fn from_str(text: &str) -> Result<Self, T::Err> {
        text.parse().map(Self)
    }
}

impl<T: Display> Serialize for Typed<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let text = self.0.to_string();
        match (text.parse::<u64>(), text.parse::<f64>()) {
            (Ok(number), _) => serializer.serialize_u64(number),
            (_, Ok(number)) if number.is_finite() => serializer.serialize_f64(number),
            _ => serializer.serialize_str(&text),
        }
    }
}

impl<'de, T: FromStr<Err: Display>> Deserialize<'de> for Typed<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;
        impl<'de> de::Visitor<'de> for Text {
            type Value = String;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a text in quotes or a number")
            }

            fn visit_str<E>(self, text: &str) -> Result<String, E> {
                Ok(text.to_owned())
            }

            fn visit_i64<E>(self, number: i64) -> Result<String, E> {
                Ok(number.to_string())
            }

            fn visit_u64<E>(self, number: u64) -> Result<String, E> {
                Ok(number.to_string())
            }

            fn visit_f64<E>(self, number: f64) -> Result<String, E> {
                Ok(number.to_string())
            }

            /// A date of TOML, without quotes.
            fn visit_map<A: de::MapAccess<'de>>(self, map: A) -> Result<String, A::Error> {
                toml::value::Datetime::deserialize(MapAccessDeserializer::new(map))
                    .map(|time| time.to_string())
                    .map_err(|_| de::Error::invalid_type(de::Unexpected::Map, &self))
            }
        }
        deserializer.deserialize_any(Text)?.parse().map(Self).map_err(de::Error::custom)
    }
}

/// An option that the recipe, at the latest, has set.
pub(crate) fn set<T>(option: Option<T>, name: &str) -> Result<T, Error> {
    option.ok_or_else(|| Error::Internal(format!("no recipe sets `{name}`")))
}

#[cfg(test)]
mod tests {
    use clap::FromArgMatches;

    use super::*;

    fn parsed(args: &[&str]) -> Options {
        let command = Options::augment_args(clap::Command::new("x"));
        Options::from_arg_matches(&command.get_matches_from([&["x"], args].concat())).unwrap()
    }

    #[test]
    fn flags_settings_files_and_json_say_the_same() {
        let flags = parsed(&[
            "--epochs",
            "3",
            "--features",
            "open,log(high/low),\"Adj, close\"",
            "--test",
            "2019-05-01",
            "--valid",
            "0.2",
            "--units",
            "32,16",
        ]);
        let file: Options = toml::from_str(
            "epochs = 3\nfeatures = [\"open\", \"log(high/low)\", \"Adj, close\"]\ntest = 2019-05-01\nvalid = 0.2\nunits = [32, 16]\n",
        )
        .unwrap();
        assert_eq!(flags, file);
        assert_eq!(serde_json::from_value::<Options>(Value::Object(flags.entries().unwrap())).unwrap(), flags);
        let again = flags.as_flags().unwrap();
        assert_eq!(parsed(&again.iter().map(String::as_str).collect::<Vec<_>>()), flags);
    }

    #[test]
    fn every_option_can_be_layered_and_has_a_description() {
        let below = parsed(&["--epochs", "3", "--window", "7", "--skip-bad"]);
        let above = parsed(&["--window", "8"]);
        assert_eq!(above.over(below), parsed(&["--epochs", "3", "--window", "8", "--skip-bad"]));
        for (name, text, _) in Options::described() {
            assert!(!text.is_empty(), "{name}");
        }
    }
}
