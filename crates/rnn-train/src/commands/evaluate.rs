use super::trained::Trained;
use crate::{
    Error, Result,
    backend::{Backend, USE_CPU},
    cli::EvaluateArgs,
    console::{json, note, out},
    job::{Job, LettersJob},
    recipe::Task,
    settings::GlobalSettings,
};

/// Scores the best checkpoint again.
pub(super) fn run(global: &GlobalSettings, args: &EvaluateArgs) -> Result<()> {
    global.refuse_data_of_letters(args.experiment, args.data.as_deref())?;
    if let (Task::Letters(_), Some(_)) = (args.experiment.0.task, args.score) {
        let experiment = args.experiment;
        return Err(Error::Usage(format!("{experiment} has no parts: --score is for the experiments on series")));
    }
    let mut trained = Trained::open(&global.artifacts, args.experiment)?;
    if let Some(part) = args.score {
        trained = trained.scored_on(part);
    }
    let (backend, why) = Backend::choose(global.backend)?;
    note(why);
    let device = &backend.device;
    let evaluation = match args.experiment.0.task {
        Task::Letters(letters) => {
            let job = LettersJob::new(args.experiment, letters);
            backend.guard(USE_CPU, || job.evaluate(&trained.load(&job, device)?, trained.best.epoch, device, None))?
        }
        Task::Series(_) => {
            let job = trained.series_job(args.data.clone(), None)?;
            backend.guard(USE_CPU, || job.evaluate(&trained.load(&job, device)?, trained.best.epoch, device, None))?
        }
    };
    if args.json {
        json(&evaluation)
    } else {
        out(&evaluation)
    }
    Ok(())
}
