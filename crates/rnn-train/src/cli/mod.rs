//! The command line: one file a command, each with its arguments.

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

/// Runs a command line in this process without its results.
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
