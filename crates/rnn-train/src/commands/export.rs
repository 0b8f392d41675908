use super::trained::Trained;
use crate::{
    Result,
    artifacts::write_atomic,
    backend::{Backend, BackendChoice},
    cli::ExportArgs,
    console::out,
    job::LettersJob,
    recipe::Task,
    settings::GlobalSettings,
    weights::encode,
};

/// Writes the best weights to a file.
pub(super) fn run(global: &GlobalSettings, args: &ExportArgs) -> Result<()> {
    let trained = Trained::open(global, args.experiment)?;
    // Weights are the same on every device.
    let (backend, _) = Backend::choose(BackendChoice::Ndarray)?;
    let name = args.experiment.0.name;
    let bytes = match args.experiment.0.task {
        Task::Letters(letters) => {
            let best = trained.best(&LettersJob::new(args.experiment, letters), &backend.device)?;
            encode(&best.model, args.format, name)?
        }
        Task::Stock { cell } => {
            let best = trained.best(&trained.stock_job(cell, None)?, &backend.device)?;
            encode(&best.model, args.format, name)?
        }
    };
    write_atomic(&args.out, &bytes)?;
    out(format_args!("wrote {} ({} bytes)", args.out.display(), bytes.len()));
    Ok(())
}
