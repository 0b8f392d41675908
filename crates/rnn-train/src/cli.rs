//! What can be typed. `settings` turns it into what it means.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::{backend::BackendChoice, recipe::Experiment, settings::LARGEST_COUNT, weights::Format};

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
    Train(TrainArgs),
    /// Print the metrics again, from the best checkpoint
    Evaluate(EvaluateArgs),
    /// Predict the next letter, or an opening price
    Predict(PredictArgs),
    /// Write the best weights to a file
    Export(ExportArgs),
    /// List the experiments
    List(JsonArgs),
    /// List the devices this program can compute on
    Devices(JsonArgs),
}

#[derive(Debug, Args)]
pub(crate) struct TrainArgs {
    /// Experiment, see `rnn-train list`
    pub(crate) experiment: Experiment,
    /// Passes over the training data [default: the recipe's, see `rnn-train list`]
    #[arg(long, value_parser = positive)]
    pub(crate) epochs: Option<usize>,
    /// Samples a step [default: the recipe's]
    #[arg(long, value_parser = positive)]
    pub(crate) batch_size: Option<usize>,
    /// Step size of Adam [default: the recipe's]
    #[arg(long, value_parser = positive_number, allow_negative_numbers = true)]
    pub(crate) learning_rate: Option<f64>,
    /// Seed of weights, sample order and dropout [default: 2]
    #[arg(long)]
    pub(crate) seed: Option<u64>,
    /// Start over instead of training further
    #[arg(long)]
    pub(crate) fresh: bool,
    /// Price file (stock experiments); also RNN_STOCK_CSV [default: the one trained on before, else the embedded synthetic sample]
    #[arg(long, value_name = "FILE")]
    pub(crate) data: Option<PathBuf>,
    /// How progress is shown [default: auto]
    #[arg(long, value_enum)]
    pub(crate) progress: Option<Progress>,
}

#[derive(Debug, Args)]
pub(crate) struct EvaluateArgs {
    /// Experiment, see `rnn-train list`
    pub(crate) experiment: Experiment,
    /// Price file (stock experiments) [default: the one it was trained on]
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
    /// Letters to continue, or dates to predict the open of; without any, letters are asked for and
    /// prices are predicted for the day after the last row
    pub(crate) inputs: Vec<String>,
    /// Price file (stock experiments) [default: the one it was trained on]
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

fn positive(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(number) if (1..=LARGEST_COUNT).contains(&number) => Ok(number),
        _ => Err(format!("expected a whole number from 1 to {LARGEST_COUNT}")),
    }
}

fn positive_number(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(number) if number.is_finite() && number > 0.0 => Ok(number),
        _ => Err("expected a number above 0".to_owned()),
    }
}
