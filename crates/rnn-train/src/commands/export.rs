use super::trained::Trained;
use crate::{
    Result,
    backend::default_cpu,
    cli::ExportArgs,
    console::out,
    files::write_through,
    job::{Job, LettersJob},
    recipe::Task,
    settings::GlobalSettings,
};

/// Writes the best weights to a file; they are the same on every device.
pub(super) fn run(global: &GlobalSettings, args: &ExportArgs) -> Result<()> {
    let trained = Trained::open(&global.artifacts, args.experiment)?;
    let device = default_cpu().device;
    let bytes = match args.experiment.0.task {
        Task::Letters(letters) => {
            let job = LettersJob::new(args.experiment, letters);
            job.weights(&trained.load(&job, &device)?, args.format)?
        }
        Task::Series(_) => {
            let job = trained.series_job(None, None)?;
            job.weights(&trained.load(&job, &device)?, args.format)?
        }
    };
    write_through(&args.out, &bytes)?;
    out(format_args!("wrote {} ({} bytes)", args.out.display(), bytes.len()));
    Ok(())
}
