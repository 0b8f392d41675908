//! What can be typed. `settings` turns it into what it means.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::{
    backend::BackendChoice,
    commands::FetchArgs,
    options::Options,
    recipe::Experiment,
    values::{Count, Level},
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
