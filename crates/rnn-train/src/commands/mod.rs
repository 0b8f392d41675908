//! One file a command.

mod backtest;
mod compare;
mod config;
mod devices;
mod evaluate;
mod export;
mod fetch;
mod find_lr;
mod forecast;
mod list;
mod predict;
mod search;
mod seeds;
mod train;
mod trained;

pub(crate) use backtest::FoldPrediction;
pub(crate) use fetch::FetchArgs;

use crate::{
    Result,
    cli::{Cli, Command, ParallelArgs, TrainArgs},
    options::Options,
    recipe::{Experiment, RECIPES},
    settings::GlobalSettings,
};

/// What runs when no command is given.
const DEFAULT_EXPERIMENT: &str = "stock-lstm";

/// Runs a command.
pub(crate) fn run(cli: Cli) -> Result<()> {
    let global = GlobalSettings::resolve(&cli.global)?;
    match cli.command {
        None => train::run(&global, &default_training()),
        Some(Command::Train(args)) => train::run(&global, &args),
        Some(Command::Evaluate(args)) => evaluate::run(&global, &args),
        Some(Command::Predict(args)) => predict::run(&global, &args),
        Some(Command::Forecast(args)) => forecast::run(&global, &args),
        Some(Command::Backtest(args)) => backtest::run(&global, &args),
        Some(Command::Compare(args)) => compare::run(&global, &args),
        Some(Command::Search(args)) => search::run(&global, &args),
        Some(Command::FindLr(args)) => find_lr::run(&global, &args),
        Some(Command::Config(args)) => config::run(&global, &args),
        Some(Command::Export(args)) => export::run(&global, &args),
        Some(Command::Fetch(args)) => fetch::run(&args),
        Some(Command::List(args)) => list::experiments(&global, args.json),
        Some(Command::Devices(args)) => devices::devices(args.json),
    }
}

fn default_training() -> TrainArgs {
    let recipe = RECIPES.iter().find(|recipe| recipe.name == DEFAULT_EXPERIMENT).unwrap_or(&RECIPES[0]);
    TrainArgs {
        experiment: Experiment(recipe),
        fresh: false,
        seeds: None,
        parallel: ParallelArgs { jobs: None, threads: None },
        options: Options::default(),
    }
}
