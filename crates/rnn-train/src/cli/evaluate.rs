use std::path::PathBuf;

use clap::Args;

use super::context::Context;
use super::output::{json, out};
use crate::{
    error::Result,
    evaluation::Evaluation,
    settings::{Experiment, ScoredSet, TaskRecipe},
    task::LettersTask,
    training::Trained,
};

#[derive(Debug, Args)]
pub(crate) struct EvaluateArgs {
    /// Name of the experiment (see `rnn-train list`)
    pub(crate) experiment: Experiment,
    /// CSV file or folder, for time-series experiments [default: the training data]
    #[arg(long, value_name = "FILE")]
    pub(crate) data: Option<PathBuf>,
    /// Set to score, for time-series experiments: test or valid [default: that of the run]
    #[arg(long, value_name = "SET")]
    pub(crate) score: Option<ScoredSet>,
    /// Print one JSON document
    #[arg(long)]
    pub(crate) json: bool,
}

/// Evaluates the best checkpoint.
pub(super) fn run(context: &Context, args: &EvaluateArgs) -> Result<()> {
    context.settings.refuse_data_of_letters(args.experiment, args.data.as_deref())?;
    if args.score.is_some() {
        args.experiment.require_series("--score")?;
    }
    let mut trained = Trained::open(&context.settings.artifacts, args.experiment)?;
    if let Some(set) = args.score {
        trained = trained.scored_on(set);
    }
    let backend = context.backend()?;
    match args.experiment.task() {
        TaskRecipe::Letters(letters) => {
            let task = LettersTask::new(args.experiment, letters);
            print(&trained.evaluate(&task, &backend)?, args.json);
        }
        TaskRecipe::Series => {
            let task = trained.series_task(args.data.clone(), None)?;
            print(&trained.evaluate(&task, &backend)?, args.json);
        }
    }
    Ok(())
}

fn print(evaluation: &impl Evaluation, as_json: bool) {
    if as_json { json(evaluation) } else { out(evaluation) }
}
