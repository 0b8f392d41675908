//! The command line: one file per command, with its arguments.

mod args;
mod backtest;
mod compare;
mod config;
mod context;
mod devices;
mod evaluate;
mod export;
mod fetch;
mod find_lr;
mod forecast;
mod list;
mod output;
mod predict;
mod progress;
mod search;
mod seeds;
mod train;

use std::path::PathBuf;

use args::JsonArgs;
use backtest::BacktestArgs;
use clap::{Args, Parser, Subcommand};
use compare::CompareArgs;
use config::ConfigArgs;
use context::Context;
use evaluate::EvaluateArgs;
use export::ExportArgs;
use fetch::FetchArgs;
use find_lr::FindLrArgs;
use forecast::ForecastArgs;
use output::muted;
pub(crate) use output::{error, guarded, log_to_stderr};
use predict::PredictArgs;
use search::SearchArgs;
use train::TrainArgs;

use crate::{backend::BackendChoice, error::Result, settings::GlobalSettings};

/// Train, evaluate and use the course's recurrent models.
#[derive(Debug, Parser)]
#[command(
    name = "rnn-train",
    version,
    about = "Recurrent networks on Burn: predict the next letter, predict the next opening price",
    after_help = "Without a command, trains and evaluates stock-lstm on the embedded synthetic \
                  sample."
)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
    #[command(flatten)]
    pub(crate) global: Global,
}

/// Flags of every command.
#[derive(Debug, Args)]
pub(crate) struct Global {
    /// Folder of all results [default: artifacts]
    #[arg(long, global = true, value_name = "DIR")]
    pub(crate) artifacts: Option<PathBuf>,
    /// Compute backend [default: auto]
    #[arg(long, global = true, value_enum)]
    pub(crate) backend: Option<BackendChoice>,
    /// Settings file, which flags override
    #[arg(long, global = true, value_name = "FILE.toml")]
    pub(crate) config: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Train an experiment (or continue its training) and evaluate it
    Train(Box<TrainArgs>),
    /// Evaluate the best checkpoint
    Evaluate(EvaluateArgs),
    /// Predict the next letter, or the value of a given day
    Predict(PredictArgs),
    /// Forecast the rows after the last one, with prediction intervals
    Forecast(ForecastArgs),
    /// Walk-forward evaluation: train and score on several test sets in turn
    Backtest(Box<BacktestArgs>),
    /// Learning rate range test: suggest a rate after a short training with rising rates
    FindLr(Box<FindLrArgs>),
    /// Hyperparameter search: many trainings, ranked on the validation set
    Search(Box<SearchArgs>),
    /// Compare two runs: settings, scores and learning curves
    Compare(CompareArgs),
    /// Print all settings of an experiment as a commented settings file
    Config(ConfigArgs),
    /// Write the best weights to a file
    Export(ExportArgs),
    /// Download daily bars of a stock, or add new days to a file
    Fetch(FetchArgs),
    /// List the experiments
    List(JsonArgs),
    /// List the compute devices
    Devices(JsonArgs),
}

/// Runs a command line in this process without printing its results.
fn run_here(args: Vec<String>) -> std::result::Result<(), String> {
    let cli = Cli::try_parse_from(args).map_err(|error| error.to_string())?;
    muted(|| run(cli)).map_err(|error| error.to_string())
}

/// Runs a command.
pub(crate) fn run(cli: Cli) -> Result<()> {
    let Global { artifacts, backend, config } = cli.global;
    let settings = GlobalSettings::resolve(artifacts, backend, config.as_deref())?;
    let context = &Context { settings, run_here };
    match cli.command {
        None => train::run(context, &TrainArgs::default()),
        Some(Command::Train(args)) if args.seeds.is_some() => seeds::run(context, &args),
        Some(Command::Train(args)) => train::run(context, &args),
        Some(Command::Evaluate(args)) => evaluate::run(context, &args),
        Some(Command::Predict(args)) => predict::run(context, &args),
        Some(Command::Forecast(args)) => forecast::run(context, &args),
        Some(Command::Backtest(args)) => backtest::run(context, &args),
        Some(Command::Compare(args)) => compare::run(context, &args),
        Some(Command::Search(args)) => search::run(context, &args),
        Some(Command::FindLr(args)) => find_lr::run(context, &args),
        Some(Command::Config(args)) => config::run(context, &args),
        Some(Command::Export(args)) => export::run(context, &args),
        Some(Command::Fetch(args)) => fetch::run(&args),
        Some(Command::List(args)) => list::experiments(context, args.json),
        Some(Command::Devices(args)) => devices::devices(args.json),
    }
}
