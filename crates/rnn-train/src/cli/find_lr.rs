use std::iter;

use burn::train::TrainStep;
use clap::Args;
use rnn_files::{csv_rows, to_json};
use serde::Serialize;

use super::context::{Context, refuse};
use super::output::{json, out};
use crate::{
    backend::SMALLER_BATCH,
    error::{Error, Result},
    plot,
    settings::{Count, Experiment, Options, Positive, Progress, TaskRecipe, TrainSettings},
    task::{LettersTask, Objective, SeriesTask, Task},
    text::{cells, number, table},
    training::{LearningRateRange, RangeStep, Suggestion, suggest},
};

#[derive(Debug, Args)]
pub(crate) struct FindLrArgs {
    /// Name of the experiment (see `rnn-train list`)
    pub(crate) experiment: Experiment,
    /// Learning rate of the first step
    #[arg(long, value_name = "X", default_value = "1e-6", allow_negative_numbers = true)]
    pub(crate) lowest: Positive,
    /// Learning rate of the last step
    #[arg(long, value_name = "X", default_value = "1", allow_negative_numbers = true)]
    pub(crate) highest: Positive,
    /// Number of training steps
    #[arg(long, value_name = "N", default_value = "200", allow_negative_numbers = true)]
    pub(crate) steps: Count,
    /// Print one JSON document
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) options: Options,
}

/// `find-lr.json`: the suggestion and every step.
#[derive(Debug, Serialize)]
struct RangeReport<'a> {
    experiment: Experiment,
    optimizer: String,
    batch_size: usize,
    synthetic: bool,
    #[serde(flatten)]
    suggestion: &'a Suggestion,
    points: &'a [RangeStep],
}

/// Finds a learning rate.
pub(super) fn run(context: &Context, args: &FindLrArgs) -> Result<()> {
    let (Positive(lowest), Positive(highest), Count(steps)) =
        (args.lowest, args.highest, args.steps);
    let is_good = |rate| (LEAST..=MOST).contains(rate);
    if ![lowest, highest].iter().all(is_good) || highest < 100.0 * lowest {
        return Err(Error::Usage(format!(
            "--lowest, --highest: expected rates from {LEAST:e} to {MOST:e}, the highest at least \
             100 times the lowest"
        )));
    }
    let asked = &args.options;
    refuse(
        &[
            ("--epochs", asked.epochs.is_some()),
            ("--learning-rate", asked.learning_rate.is_some()),
            ("--schedule", asked.schedule.is_some()),
            ("--warmup", asked.warmup.is_some()),
            ("--patience", asked.patience.is_some()),
        ],
        "not available for a range test (use --steps, --lowest and --highest)",
    )?;
    if steps < FEWEST {
        return Err(Error::Usage(format!(
            "--steps {steps}: a range test needs at least {FEWEST} steps"
        )));
    }
    let options = context.options(args.experiment, &args.options)?;
    let test = LearningRateRange { lowest, highest, steps };
    let settings = |options| TrainSettings::new(options, &args.experiment.options());
    match args.experiment.task() {
        TaskRecipe::Letters(letters) => {
            let task = LettersTask::new(args.experiment, letters);
            find(context, args, &settings(options)?, test, &task)
        }
        TaskRecipe::Series => {
            let task = SeriesTask::open(args.experiment, options, None)?;
            let settings = settings(task.options())?;
            find(context, args, &settings, test, &task)
        }
    }
}

/// Name of the result files, without extension.
const NAME: &str = "find-lr";
/// Bounds of the rates of a range test.
const LEAST: f64 = 1e-12;
const MOST: f64 = 1e3;
/// Fewest steps that show a trend.
const FEWEST: usize = 20;

fn find<T: Task>(
    context: &Context,
    args: &FindLrArgs,
    settings: &TrainSettings,
    test: LearningRateRange,
    task: &T,
) -> Result<()>
where
    T::Model: Objective + TrainStep<Input = T::Batch, Output = <T::Model as Objective>::Output>,
{
    let backend = context.backend()?;
    let quiet = settings.options.progress == Some(Progress::None);
    let points =
        &backend.guard(SMALLER_BATCH, || test.run(task, settings, &backend.device, quiet))?;
    let (suggestion, experiment) = (&suggest(points), args.experiment);
    let artifacts = context.folder(experiment);
    let _lock = artifacts.lock(&format!(".{NAME}.lock"))?;
    let synthetic = task.provenance().is_synthetic();
    let (optimizer, batch_size) = (settings.optimizer.name.to_string(), settings.batch_size);
    let report = RangeReport { experiment, optimizer, batch_size, synthetic, suggestion, points };
    artifacts.write(&format!("{NAME}.json"), to_json(&report)?)?;
    let header = ["step", "learning_rate", "loss", "smoothed"].map(str::to_owned);
    let row =
        |point: &RangeStep| cells![point.step, point.learning_rate, point.loss, point.smoothed];
    artifacts.write(&format!("{NAME}.csv"), csv_rows(&header, points, row)?)?;
    let data = if synthetic { ", SYNTHETIC data" } else { "" };
    let title = format!("{experiment}: learning rate range test, {}{data}", report.optimizer);
    let steps: Vec<[f64; 3]> =
        points.iter().map(|point| [point.learning_rate, point.loss, point.smoothed]).collect();
    plot::range_test(&title, &steps, suggestion.learning_rate)?.write_to(&artifacts, NAME)?;
    if args.json {
        json(&report);
        return Ok(());
    }
    let (steps, optimizer, seed) = (points.len(), &report.optimizer, settings.seed);
    out(format_args!(
        "{experiment}: {steps} steps of {batch_size} samples, {optimizer}, seed {seed}{data}"
    ));
    // About twelve lines of the table.
    let shown = points.iter().step_by(steps.div_ceil(12).max(1));
    let rows =
        shown.map(|at| cells![format_args!("{:.1e}", at.learning_rate), number(at.smoothed)]);
    out(table(">>", iter::once(cells!["learning rate", "loss"]).chain(rows)));
    let asked = test.steps;
    if steps < asked {
        out(format_args!("Stopped after step {steps} of {asked}: the loss diverged."));
    }
    match suggestion.learning_rate {
        Some(rate) => out(format_args!("Suggested: --learning-rate {rate}")),
        None => out("Suggested: none"),
    }
    out(format_args!("Why: {}.", suggestion.reason));
    out(format_args!(
        "\nwritten to {}: {NAME}.svg/.png  {NAME}.csv  {NAME}.json",
        artifacts.folder.display()
    ));
    Ok(())
}
