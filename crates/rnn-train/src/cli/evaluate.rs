use std::path::PathBuf;

use clap::Args;

use super::context::Context;
use crate::{
    backend::USE_CPU,
    console::{json, out},
    error::{Error, Result},
    settings::{Experiment, ScoredPart, TaskRecipe},
    task::{LettersTask, Task},
    training::Trained,
};

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

/// Scores the best checkpoint again.
pub(super) fn run(context: &Context, args: &EvaluateArgs) -> Result<()> {
    context.settings.refuse_data_of_letters(args.experiment, args.data.as_deref())?;
    if let (TaskRecipe::Letters(_), Some(_)) = (args.experiment.0.task, args.score) {
        let experiment = args.experiment;
        return Err(Error::Usage(format!("{experiment} has no parts: --score is for the experiments on series")));
    }
    let mut trained = Trained::open(&context.settings.artifacts, args.experiment)?;
    if let Some(part) = args.score {
        trained = trained.scored_on(part);
    }
    let backend = context.backend()?;
    let device = &backend.device;
    let evaluation = match args.experiment.0.task {
        TaskRecipe::Letters(letters) => {
            let task = LettersTask::new(args.experiment, letters);
            backend.guard(USE_CPU, || task.evaluate(&trained.load(&task, device)?, trained.best.epoch, device, None))?
        }
        TaskRecipe::Series(_) => {
            let task = trained.series_task(args.data.clone(), None)?;
            backend.guard(USE_CPU, || task.evaluate(&trained.load(&task, device)?, trained.best.epoch, device, None))?
        }
    };
    if args.json {
        json(&evaluation)
    } else {
        out(&evaluation)
    }
    Ok(())
}
