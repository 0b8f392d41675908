use super::trained;
use crate::{
    Error, Result,
    artifacts::Artifacts,
    backend::Backend,
    checkpoint::{self, Checkpoints},
    cli::TrainArgs,
    console::{note, out},
    evaluation::{Evaluation, StockEvaluation},
    fit::{Fit, OPTIMIZER, initial},
    history::History,
    job::{Job, LettersJob, StockJob},
    plot::{self, Picture},
    recipe::Task,
    settings::{GlobalSettings, RunConfig, TrainSettings},
    weights::Format,
};

/// Trains an experiment and writes everything there is to say about it.
pub(super) fn run(global: &GlobalSettings, args: &TrainArgs) -> Result<()> {
    let mut settings = global.train(args)?;
    let artifacts = Artifacts::new(&global.artifacts, settings.experiment);
    let before = if settings.fresh { None } else { artifacts.config()? };
    match settings.experiment.0.task {
        Task::Letters(letters) => train(global, &settings, &artifacts, before, &LettersJob::new(settings.experiment, letters)),
        Task::Stock { cell } => {
            if let Some(path) = trained::remembered_data(settings.data.as_deref(), before.as_ref()) {
                note(format_args!("training on {} as before (--data chooses another file)", path.display()));
                settings.data = Some(path);
            }
            let job = StockJob::open(settings.experiment, cell, settings.data.as_deref())?;
            train(global, &settings, &artifacts, before, &job)
        }
    }
}

fn train<J: Job>(
    global: &GlobalSettings,
    settings: &TrainSettings,
    artifacts: &Artifacts,
    before: Option<RunConfig>,
    job: &J,
) -> Result<()> {
    let (backend, why) = Backend::choose(global.backend)?;
    note(why);
    let trainee = initial(job, settings.seed);
    let summary = job.summary(&trainee);
    refuse_strangers(artifacts, settings, before.as_ref(), summary.total())?;
    artifacts.create()?;
    if settings.fresh {
        artifacts.clear()?;
        artifacts.create()?;
    }
    let checkpoints = Checkpoints::open(artifacts.checkpoints())?;

    // A loss on other data says nothing about this data: weights go on, the comparison starts anew.
    let same_data =
        before.as_ref().is_none_or(|before| before.data.as_ref().map(|data| &data.sha256) == job.data().map(|data| &data.sha256));
    let best = checkpoints.best();
    let metrics = artifacts.path("metrics.csv");
    let history = if best.is_some() { History::open(metrics)? } else { History::new(metrics) };
    if let Some(best) = best {
        checkpoints.load(trainee.clone(), best)?;
        let compared = if same_data { "" } else { "; the data is another, so what counts as best starts anew" };
        note(format_args!("going on from epoch {} (loss {:.6}); --fresh starts over{compared}", best.epoch, best.loss));
    }

    let config = RunConfig {
        format: RunConfig::FORMAT,
        experiment: settings.experiment,
        epochs: settings.epochs,
        batch_size: settings.batch_size,
        learning_rate: settings.learning_rate,
        seed: settings.seed,
        optimizer: OPTIMIZER.to_owned(),
        backend: backend.name.clone(),
        parameters: summary.total(),
        data: job.data().cloned(),
    };
    artifacts.write("config.json", json(&config)?)?;
    out(format_args!("{}: {}\n\n{summary}\n", settings.experiment, settings.experiment.0.about));

    let lowest = best.filter(|_| same_data).map_or(f64::INFINITY, |best| best.loss);
    let fit = Fit { settings, checkpoints: &checkpoints, history: &history, device: &backend.device, lowest };
    fit.run(job, trainee)?;
    report(artifacts, job, &checkpoints, &history, &backend)
}

/// A folder must hold a run of the same model, or nothing of a run.
fn refuse_strangers(artifacts: &Artifacts, settings: &TrainSettings, before: Option<&RunConfig>, parameters: usize) -> Result<()> {
    let refuse = |problem: String| Err(Error::Artifact { path: artifacts.folder.clone(), problem });
    match before {
        Some(before) if before.parameters != parameters => refuse(format!(
            "holds a model of {} parameters, {} has {parameters}; choose another folder with --artifacts, or start over with --fresh",
            before.parameters, settings.experiment
        )),
        None if !settings.fresh && checkpoint::exists(&artifacts.checkpoints()) => {
            refuse("holds a checkpoint without its config.json; start over with --fresh".to_owned())
        }
        _ => Ok(()),
    }
}

fn report<J: Job>(artifacts: &Artifacts, job: &J, checkpoints: &Checkpoints, history: &History, backend: &Backend) -> Result<()> {
    let best = checkpoints.best().ok_or_else(|| Error::Training("no epoch gave a finite loss".to_owned()))?;
    let trainee = checkpoints.load(job.trainee(&backend.device), best)?;
    let evaluation = job.evaluate(&trainee, best.epoch, &backend.device)?;
    let name = artifacts.experiment.0.name;
    artifacts.write("model.safetensors", job.weights(&trainee, Format::Safetensors)?)?;
    artifacts.write("weights.txt", job.weights(&trainee, Format::Text)?)?;
    let synthetic = if job.data().is_some_and(|data| data.synthetic) { " (SYNTHETIC data)" } else { "" };
    write_picture(artifacts, "loss", &plot::losses(&format!("{name}{synthetic}"), &history.epochs())?)?;
    artifacts.write("evaluation.json", json(&evaluation)?)?;
    let mut written = "loss.svg/.png  metrics.csv  model.safetensors  weights.txt  evaluation.json  config.json".to_owned();
    if let Evaluation::Stock(stock) = &evaluation {
        write_picture(artifacts, "prediction", &plot::predictions(stock)?)?;
        artifacts.write("predictions.csv", predictions(stock)?)?;
        written = format!("prediction.svg/.png  predictions.csv  {written}");
    }
    out(&evaluation);
    out(format_args!("\nwritten to {}: {written}", artifacts.folder.display()));
    Ok(())
}

fn write_picture(artifacts: &Artifacts, name: &str, picture: &Picture) -> Result<()> {
    artifacts.write(&format!("{name}.svg"), &picture.svg)?;
    artifacts.write(&format!("{name}.png"), &picture.png)
}

fn predictions(evaluation: &StockEvaluation) -> Result<Vec<u8>> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    for day in &evaluation.days {
        writer.serialize(day).map_err(|error| Error::Internal(error.to_string()))?;
    }
    writer.into_inner().map_err(|error| Error::Internal(error.to_string()))
}

fn json(value: &impl serde::Serialize) -> Result<String> {
    serde_json::to_string_pretty(value).map(|text| text + "\n").map_err(|error| Error::Internal(error.to_string()))
}
