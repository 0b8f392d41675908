//! What can be typed. `settings` turns it into what it means.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::{
    backend::BackendChoice,
    commands::FetchArgs,
    history::Epoch,
    options::Options,
    recipe::Experiment,
    values::{Count, Level, Method, Positive, Ranking, ScoredPart},
    weights::Format,
};

/// Train, evaluate and use the course's recurrent models.
#[derive(Debug, Parser)]
#[command(
    name = "rnn-train",
    version,
    about = "Recurrent networks on Burn: predict the next letter, predict the next opening price",
    after_help = "Without a command, trains and evaluates stock-lstm on the embedded synthetic sample."
)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
    #[command(flatten)]
    pub(crate) global: Global,
}

/// Flags every command takes.
#[derive(Debug, Args)]
pub(crate) struct Global {
    /// Folder of all experiments' results [default: artifacts]
    #[arg(long, global = true, value_name = "DIR")]
    pub(crate) artifacts: Option<PathBuf>,
    /// Where to compute [default: auto]
    #[arg(long, global = true, value_enum)]
    pub(crate) backend: Option<BackendChoice>,
    /// Settings file; flags override it
    #[arg(long, global = true, value_name = "FILE.toml")]
    pub(crate) config: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Train an experiment (or train it further) and evaluate it
    Train(Box<TrainArgs>),
    /// Print the metrics again, from the best checkpoint
    Evaluate(EvaluateArgs),
    /// Predict the next letter, or the value of a day
    Predict(PredictArgs),
    /// Forecast the rows after the last, with intervals
    Forecast(ForecastArgs),
    /// Train and score on one part of the data after another, as time went on
    Backtest(Box<BacktestArgs>),
    /// Find a learning rate by a short training whose rate rises
    FindLr(Box<FindLrArgs>),
    /// Search settings: many trainings, ranked by the validation part
    Search(Box<SearchArgs>),
    /// Hold two runs against each other: settings, scores, learning curves
    Compare(CompareArgs),
    /// Print every setting of an experiment as a commented settings file
    Config(ConfigArgs),
    /// Write the best weights to a file
    Export(ExportArgs),
    /// Fetch daily bars of a share, or the days a file does not have yet
    Fetch(FetchArgs),
    /// List the experiments
    List(JsonArgs),
    /// List the devices this program can compute on
    Devices(JsonArgs),
}

#[derive(Debug, Args)]
pub(crate) struct TrainArgs {
    /// Experiment, see `rnn-train list`
    pub(crate) experiment: Experiment,
    /// Start over instead of training further
    #[arg(long)]
    pub(crate) fresh: bool,
    /// Train so many models, of one seed after another, and report median and spread
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    pub(crate) seeds: Option<Count>,
    #[command(flatten)]
    pub(crate) parallel: ParallelArgs,
    #[command(flatten)]
    pub(crate) options: Options,
}

#[derive(Debug, Args)]
pub(crate) struct ParallelArgs {
    /// Models trained at once [default: as many as processors and memory allow]
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    pub(crate) jobs: Option<Count>,
    /// Threads of each [default: the processors, shared out]
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    pub(crate) threads: Option<Count>,
}

impl ParallelArgs {
    pub(crate) fn is_set(&self) -> bool {
        self.jobs.is_some() || self.threads.is_some()
    }
}

#[derive(Debug, Args)]
pub(crate) struct BacktestArgs {
    /// Experiment on series, see `rnn-train list`
    pub(crate) experiment: Experiment,
    /// Parts at the end of the data that are forecast one after another, each by a model trained on what came before
    #[arg(long, value_name = "N", default_value = "5", allow_negative_numbers = true)]
    pub(crate) folds: Count,
    /// Train each on all rows before (the default)
    #[arg(long, conflicts_with = "sliding")]
    pub(crate) expanding: bool,
    /// Train each on as many rows before as the first has
    #[arg(long)]
    pub(crate) sliding: bool,
    /// Print one JSON document
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) parallel: ParallelArgs,
    #[command(flatten)]
    pub(crate) options: Options,
}

#[derive(Debug, Args)]
pub(crate) struct FindLrArgs {
    /// Experiment, see `rnn-train list`
    pub(crate) experiment: Experiment,
    /// Rate of the first step
    #[arg(long, value_name = "X", default_value = "1e-6", allow_negative_numbers = true)]
    pub(crate) lowest: Positive,
    /// Rate of the last step
    #[arg(long, value_name = "X", default_value = "1", allow_negative_numbers = true)]
    pub(crate) highest: Positive,
    /// Steps from the one to the other
    #[arg(long, value_name = "N", default_value = "200", allow_negative_numbers = true)]
    pub(crate) steps: Count,
    /// Print one JSON document
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) options: Options,
}

#[derive(Debug, Args)]
pub(crate) struct ForecastArgs {
    /// Experiment on series, see `rnn-train list`
    pub(crate) experiment: Experiment,
    /// Rows to forecast after the last of the file [default: as many as the model predicts at once]
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    pub(crate) steps: Option<Count>,
    /// Forecast by the mean of the models of `train --seeds`
    #[arg(long)]
    pub(crate) mean_of_seeds: bool,
    /// Level of the prediction intervals, or none [default: the run's]
    #[arg(long, value_name = "SHARE", allow_negative_numbers = true)]
    pub(crate) interval: Option<Level>,
    /// CSV file or folder [default: the one it was trained on]
    #[arg(long, value_name = "PATH")]
    pub(crate) data: Option<PathBuf>,
    /// Print one JSON document
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct SearchArgs {
    /// Experiment on series, see `rnn-train list`
    pub(crate) experiment: Experiment,
    /// Keys of a settings file with their values: `units = [[32], [64]]`, `learning_rate = { min = 1e-4, max = 1e-2, log = true }`
    #[arg(long, value_name = "FILE.toml")]
    pub(crate) space: PathBuf,
    /// Settings that are tried, beside those as they are [default: 20; all of a grid]
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    pub(crate) trials: Option<Count>,
    /// Start no training after so many minutes; the same command goes on
    #[arg(long, value_name = "X", allow_negative_numbers = true)]
    pub(crate) minutes: Option<Positive>,
    /// random, grid, or halving (the best third goes on for thrice the epochs)
    #[arg(long, value_name = "NAME", default_value = "random")]
    pub(crate) method: Method,
    /// rmse, mae, mase or smape of the validation part
    #[arg(long, value_name = "NAME", default_value = "rmse")]
    pub(crate) metric: Ranking,
    /// Seed of the draws; that of the trainings is --seed
    #[arg(long, value_name = "N", default_value = "1", allow_negative_numbers = true)]
    pub(crate) search_seed: u64,
    /// Start over instead of going on
    #[arg(long)]
    pub(crate) fresh: bool,
    /// Print one JSON document
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) parallel: ParallelArgs,
    #[command(flatten)]
    pub(crate) options: Options,
}

#[derive(Debug, Args)]
pub(crate) struct CompareArgs {
    /// Folder of a run (it has a config.json), or an experiment in --artifacts
    pub(crate) first: PathBuf,
    /// Another
    pub(crate) second: PathBuf,
    /// Column of metrics.csv that is drawn [default: valid_loss where both have it, else train_loss]
    #[arg(long, value_enum)]
    pub(crate) metric: Option<Metric>,
    /// Picture to write, without its ending [default: compare, in --artifacts]
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    /// Print one JSON document
    #[arg(long)]
    pub(crate) json: bool,
}

/// A column of `metrics.csv`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "snake_case")]
pub(crate) enum Metric {
    /// Loss of the training part
    TrainLoss,
    /// Loss of the validation part
    ValidLoss,
    /// Accuracy on the training part
    TrainAccuracy,
    /// Learning rate of an epoch's last step
    LearningRate,
    /// Seconds of an epoch
    Seconds,
}

impl Metric {
    /// As `metrics.csv` has it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::TrainLoss => "train_loss",
            Self::ValidLoss => "valid_loss",
            Self::TrainAccuracy => "train_accuracy",
            Self::LearningRate => "learning_rate",
            Self::Seconds => "seconds",
        }
    }

    /// Its value of an epoch, if it has one.
    pub(crate) fn of(self, epoch: &Epoch) -> Option<f64> {
        match self {
            Self::TrainLoss => epoch.train_loss,
            Self::ValidLoss => epoch.valid_loss,
            Self::TrainAccuracy => epoch.train_accuracy,
            Self::LearningRate => Some(epoch.learning_rate),
            Self::Seconds => Some(epoch.seconds),
        }
    }
}

#[derive(Debug, Args)]
pub(crate) struct ConfigArgs {
    /// Experiment, see `rnn-train list`
    pub(crate) experiment: Experiment,
}

#[derive(Debug, Args)]
pub(crate) struct EvaluateArgs {
    /// Experiment, see `rnn-train list`
    pub(crate) experiment: Experiment,
    /// CSV file or folder (experiments on series) [default: the one it was trained on]
    #[arg(long, value_name = "FILE")]
    pub(crate) data: Option<PathBuf>,
    /// Part that is scored (experiments on series): test or valid [default: the run's]
    #[arg(long, value_name = "PART")]
    pub(crate) score: Option<ScoredPart>,
    /// Print one JSON document
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct PredictArgs {
    /// Experiment, see `rnn-train list`
    pub(crate) experiment: Experiment,
    /// Letters to continue, or dates to predict the value of; without any, letters are asked for and
    /// values are predicted for the day after the last row
    pub(crate) inputs: Vec<String>,
    /// CSV file or folder (experiments on series) [default: the one it was trained on]
    #[arg(long, value_name = "FILE")]
    pub(crate) data: Option<PathBuf>,
    /// Print one JSON document
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ExportArgs {
    /// Experiment, see `rnn-train list`
    pub(crate) experiment: Experiment,
    /// File format
    #[arg(long, value_enum)]
    pub(crate) format: Format,
    /// File to write
    #[arg(long, value_name = "FILE")]
    pub(crate) out: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct JsonArgs {
    /// Print one JSON document
    #[arg(long)]
    pub(crate) json: bool,
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
