//! The command line: one file per command, with its arguments.

mod args;
mod backtest;
mod compare;
mod completions;
mod config;
mod context;
mod devices;
mod evaluate;
mod export;
mod fetch;
mod find_lr;
mod flags;
mod forecast;
mod limits;
mod list;
mod man;
mod output;
mod predict;
mod progress;
mod search;
mod seeds;
mod train;
mod verify;

use std::{path::PathBuf, sync::LazyLock};

use args::JsonArgs;
use backtest::BacktestArgs;
use clap::{Args, CommandFactory, Parser, Subcommand};
use compare::CompareArgs;
use completions::CompletionsArgs;
use config::ConfigArgs;
use context::Context;
use evaluate::EvaluateArgs;
use export::ExportArgs;
use fetch::FetchArgs;
use find_lr::FindLrArgs;
use forecast::ForecastArgs;
use git_version::git_version;
pub(crate) use limits::within_limits;
use man::ManArgs;
use output::muted;
pub(crate) use output::{error, guarded, log_to_stderr};
use predict::PredictArgs;
use search::SearchArgs;
use train::TrainArgs;
use verify::VerifyArgs;

use crate::{
    backend::BackendChoice,
    error::Result,
    settings::GlobalSettings,
    text::{Language, set_language},
};

/// Version, commit and the backends that are built in.
static VERSION: LazyLock<String> = LazyLock::new(|| {
    let commit = git_version!(args = ["--always", "--abbrev=9"], fallback = "unknown commit");
    let backends = match (cfg!(feature = "wgpu"), cfg!(feature = "vulkan")) {
        (_, true) => "ndarray, flex, wgpu (SPIR-V)",
        (true, _) => "ndarray, flex, wgpu",
        _ => "ndarray, flex",
    };
    format!("{} ({commit}; backends: {backends})", env!("CARGO_PKG_VERSION"))
});

/// Train, evaluate and use the course's recurrent models.
#[derive(Debug, Parser)]
#[command(
    name = "rnn-train",
    version = VERSION.as_str(),
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
#[command(next_help_heading = "Options of every command")]
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
    /// Language of the score tables [default: en]
    #[arg(long, global = true, value_enum)]
    pub(crate) lang: Option<Language>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Train an experiment (or continue its training) and evaluate it
    #[command(after_help = "Examples:\n  \
                      rnn-train train stock-lstm\n  \
                      rnn-train train stock-gap --data prices.csv\n  \
                      rnn-train train series --data sensors.csv --target temperature --horizon 7")]
    Train(Box<TrainArgs>),
    /// Evaluate the best checkpoint
    #[command(after_help = "Examples:\n  \
                      rnn-train evaluate stock-gap\n  \
                      rnn-train evaluate stock-gap --json")]
    Evaluate(EvaluateArgs),
    /// Predict the next letter, or the value of a given day
    #[command(after_help = "Example:\n  rnn-train predict stock-gap 2017-03-10")]
    Predict(PredictArgs),
    /// Forecast the rows after the last one, with prediction intervals
    #[command(after_help = "Examples:\n  \
                      rnn-train forecast stock-gap\n  \
                      rnn-train forecast series --json")]
    Forecast(ForecastArgs),
    /// Walk-forward evaluation: train and score on several test sets in turn
    #[command(after_help = "Example:\n  rnn-train backtest stock-gap --folds 5 --data prices.csv")]
    Backtest(Box<BacktestArgs>),
    /// Learning rate range test: suggest a rate after a short training with rising rates
    #[command(after_help = "Example:\n  rnn-train find-lr stock-lstm --data prices.csv")]
    FindLr(Box<FindLrArgs>),
    /// Hyperparameter search: many trainings, ranked on the validation set
    #[command(after_help = "Example:\n  rnn-train search stock-gap --space space.toml --trials 40")]
    Search(Box<SearchArgs>),
    /// Compare two runs: settings, scores and learning curves
    #[command(after_help = "Example:\n  rnn-train compare stock-gap stock-open")]
    Compare(CompareArgs),
    /// Print all settings of an experiment as a commented settings file
    #[command(after_help = "Example:\n  rnn-train config stock-gap > run.toml")]
    Config(ConfigArgs),
    /// Write the best weights to a file
    #[command(after_help = "Example:\n  \
                      rnn-train export stock-gap --format safetensors --out gap.safetensors")]
    Export(ExportArgs),
    /// Download daily bars of a stock, or add new days to a file
    #[command(after_help = "Examples:\n  \
                      rnn-train fetch 600519\n  \
                      rnn-train fetch AAPL --from 2015-01-01 --out apple.csv")]
    Fetch(FetchArgs),
    /// Check every file of runs against its checksum
    #[command(after_help = "Example:\n  rnn-train verify artifacts")]
    Verify(VerifyArgs),
    /// List the experiments
    #[command(after_help = "Example:\n  rnn-train list")]
    List(JsonArgs),
    /// List the compute devices
    #[command(after_help = "Example:\n  rnn-train devices")]
    Devices(JsonArgs),
    /// Print a completion script for a shell
    #[command(after_help = "Example:\n  rnn-train completions bash > rnn-train.bash")]
    Completions(CompletionsArgs),
    /// Write manual pages
    #[command(after_help = "Example:\n  rnn-train man --out man")]
    Man(ManArgs),
}

impl Command {
    /// The name on the command line.
    fn name(&self) -> &'static str {
        match self {
            Self::Train(_) => "train",
            Self::Evaluate(_) => "evaluate",
            Self::Predict(_) => "predict",
            Self::Forecast(_) => "forecast",
            Self::Backtest(_) => "backtest",
            Self::FindLr(_) => "find-lr",
            Self::Search(_) => "search",
            Self::Compare(_) => "compare",
            Self::Config(_) => "config",
            Self::Export(_) => "export",
            Self::Fetch(_) => "fetch",
            Self::Verify(_) => "verify",
            Self::List(_) => "list",
            Self::Devices(_) => "devices",
            Self::Completions(_) => "completions",
            Self::Man(_) => "man",
        }
    }
}

/// Records the command that runs, for the flags of messages.
pub(crate) fn remember(cli: &Cli) {
    flags::remember(Cli::command(), cli.command.as_ref().map_or("train", Command::name));
}

/// Runs a command line in this process without printing its results.
fn run_here(args: Vec<String>) -> std::result::Result<(), String> {
    let cli = Cli::try_parse_from(args).map_err(|error| error.to_string())?;
    muted(|| run(cli)).map_err(|error| error.to_string())
}

/// Runs a command.
pub(crate) fn run(cli: Cli) -> Result<()> {
    let Global { artifacts, backend, config, lang } = cli.global;
    if let Some(language) = lang {
        set_language(language);
    }
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
        Some(Command::Verify(args)) => verify::run(context, &args),
        Some(Command::List(args)) => list::experiments(context, args.json),
        Some(Command::Devices(args)) => devices::devices(args.json),
        Some(Command::Completions(args)) => completions::run(&args, Cli::command()),
        Some(Command::Man(args)) => man::run(&args, Cli::command()),
    }
}
