//! `train`: one run.

use std::{
    io::{self, IsTerminal},
    sync::Arc,
};

use clap::Args;

use super::output::note;
use super::{context::Context, progress::Lines};
use crate::{
    error::{Error, Result},
    settings::{Count, Experiment, Options, Progress, TaskRecipe, TrainSettings},
    task::{LettersTask, SeriesTask, Task},
    training::{Claim, Watch},
    workers::ParallelArgs,
};

#[derive(Debug, Default, Args)]
pub(crate) struct TrainArgs {
    /// Name of the experiment (see `rnn-train list`)
    pub(crate) experiment: Experiment,
    /// Start over instead of continuing the previous run
    #[arg(long)]
    pub(crate) fresh: bool,
    /// Number of models, with consecutive seeds; reports their median and spread
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    pub(crate) seeds: Option<Count>,
    #[command(flatten)]
    pub(crate) parallel: ParallelArgs,
    #[command(flatten)]
    pub(crate) options: Options,
}

/// Trains an experiment and writes all results.
pub(super) fn run(context: &Context, args: &TrainArgs) -> Result<()> {
    let experiment = args.experiment;
    let claim = Claim::take(context.folder(experiment), args.fresh)?;
    let options =
        context.settings.layered(experiment, &args.options, claim.inherited().as_ref())?;
    if args.parallel.is_set() {
        return Err(Error::Usage(
            "--jobs, --threads: only for several models (use --seeds)".to_owned(),
        ));
    }
    note_data(claim.earlier(), &options);
    if options.progress == Some(Progress::Tui) && !io::stdout().is_terminal() {
        return Err(Error::Usage(
            "--progress tui: needs a terminal on standard output (use --progress plain)".to_owned(),
        ));
    }
    match experiment.task() {
        TaskRecipe::Letters(letters) => {
            train(context, args, claim, options, &LettersTask::new(experiment, letters))
        }
        TaskRecipe::Series => {
            claim.check_file(options.data.as_deref())?;
            let task = SeriesTask::open(experiment, options, None)?;
            task.check()?;
            task.warn_of_ends();
            train(context, args, claim, task.options(), &task)
        }
    }
}

fn train<T: Task>(
    context: &Context,
    args: &TrainArgs,
    claim: Claim,
    options: Options,
    task: &T,
) -> Result<()> {
    let experiment = args.experiment;
    claim.check(&options)?;
    let progress = options.progress.unwrap_or(Progress::Auto);
    let settings = TrainSettings::new(options, &experiment.options())?;
    let run = claim.decide(task, &settings)?;
    let backend = context.backend()?;
    let title = format!("{experiment}: {}", experiment.about());
    let folder = context.folder(experiment).folder.display().to_string();
    let watch = Watch {
        observer: Arc::new(Lines::new(title, folder, progress == Progress::None)),
        interface: match progress {
            Progress::Auto => io::stdout().is_terminal() && io::stderr().is_terminal(),
            Progress::Tui => true,
            Progress::Plain | Progress::None => false,
        },
        signals: true,
    };
    run.go(&backend, &watch).map(drop)
}

/// Prints the data file if it comes from the previous run or differs from that of it.
fn note_data(earlier: Option<&Options>, options: &Options) {
    match (earlier.and_then(|earlier| earlier.data.as_ref()), options.data.as_ref()) {
        (Some(before), Some(path)) if before == path => {
            note(format_args!(
                "data: {}, as in the previous run (use --data to change it)",
                path.display()
            ));
        }
        (Some(before), Some(path)) if path.canonicalize().ok().as_ref() != Some(before) => {
            note(
                "different data; unspecified column, split and model options are kept from \
                 the previous run (use --fresh to reset)",
            );
        }
        _ => {}
    }
}
