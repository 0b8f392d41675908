use std::path::PathBuf;

use clap::Args;
use rnn_files::write_following_links;

use super::context::Context;
use super::output::out;
use crate::{
    backend::default_cpu,
    error::Result,
    settings::{Experiment, TaskRecipe},
    task::{Format, LettersTask, Task},
    text::count,
    training::Trained,
};

#[derive(Debug, Args)]
pub(crate) struct ExportArgs {
    /// Name of the experiment (see `rnn-train list`)
    pub(crate) experiment: Experiment,
    /// File format
    #[arg(long, value_enum)]
    pub(crate) format: Format,
    /// Path of the exported file
    #[arg(long, value_name = "FILE")]
    pub(crate) out: PathBuf,
}

/// Writes the best weights to a file. The weights do not depend on the device.
pub(super) fn run(context: &Context, args: &ExportArgs) -> Result<()> {
    let trained = Trained::open(&context.settings.artifacts, args.experiment)?;
    let device = default_cpu().device;
    let bytes = match args.experiment.task() {
        TaskRecipe::Letters(letters) => {
            let task = LettersTask::new(args.experiment, letters);
            task.weights(&trained.load(&task, &device)?, args.format)?
        }
        TaskRecipe::Series => {
            let task = trained.series_task(None, None)?;
            task.weights(&trained.load(&task, &device)?, args.format)?
        }
    };
    write_following_links(&args.out, &bytes)?;
    let size = count(bytes.len(), "byte");
    out(format_args!("wrote {} ({size})", args.out.display()));
    Ok(())
}
