use super::trained::Trained;
use crate::{
    Result,
    artifacts::write_atomic,
    backend::{Backend, BackendChoice},
    cli::ExportArgs,
    console::out,
    job::{Job, LettersJob},
    recipe::Task,
    settings::GlobalSettings,
};

/// Writes the best weights to a file.
pub(super) fn run(global: &GlobalSettings, args: &ExportArgs) -> Result<()> {
    let trained = Trained::open(global, args.experiment)?;
    // Weights are the same on every device.
    let (backend, _) = Backend::choose(BackendChoice::Ndarray)?;
    let bytes = match args.experiment.0.task {
        Task::Letters(letters) => {
            let job = LettersJob::new(args.experiment, letters);
            let best = trained.best(&job, &backend.device)?;
            job.weights(&best.trainee, args.format)?
        }
        Task::Stock { cell } => {
            let job = trained.stock_job(cell, None)?;
            let best = trained.best(&job, &backend.device)?;
            job.weights(&best.trainee, args.format)?
        }
    };
    write_atomic(&args.out, &bytes)?;
    out(format_args!("wrote {} ({} bytes)", args.out.display(), bytes.len()));
    Ok(())
}
