use std::{
    io::{self, IsTerminal},
    path::PathBuf,
    sync::Arc,
};

use burn::tensor::Device;
use rnn_models::ModelSummary;

use crate::{
    Error, Result,
    artifacts::Artifacts,
    backend::{Backend, SMALLER_BATCH, USE_CPU, default_cpu},
    checkpoint::{Best, Checkpoints},
    cli::{Progress, TrainArgs},
    console::{note, out},
    evaluation::{Evaluation, StockEvaluation},
    fit::{Fit, initial},
    history::History,
    job::{Job, LettersJob, StockJob},
    optimizer::OPTIMIZER,
    plot::{self, Picture},
    recipe::Task,
    settings::{GlobalSettings, RunConfig, TrainSettings},
    weights::Format,
};

/// Trains an experiment and writes everything there is to say about it.
pub(super) fn run(global: &GlobalSettings, args: &TrainArgs) -> Result<()> {
    let mut settings = global.train(args)?;
    if settings.progress == Progress::Tui && !io::stdout().is_terminal() {
        return Err(Error::Usage("--progress tui needs a terminal on standard output; --progress plain writes lines".to_owned()));
    }
    let artifacts = Artifacts::new(&global.artifacts, settings.experiment);
    if !Checkpoints::exist(&artifacts.checkpoints()) {
        // A run that started over was stopped before it had a checkpoint.
        artifacts.restore_aside()?;
    }
    let before = if settings.fresh { None } else { Before::open(&artifacts)? };
    match settings.experiment.0.task {
        Task::Letters(letters) => start(global, &settings, &artifacts, before, &LettersJob::new(settings.experiment, letters)),
        Task::Stock { cell } => {
            if settings.data.is_none()
                && let Some(path) = before.as_ref().and_then(Before::data_path)
            {
                note(format_args!("training on {} as before (--data chooses another file)", path.display()));
                settings.data = Some(path);
            }
            let job = StockJob::open(settings.experiment, cell, settings.data.as_deref(), None)?;
            start(global, &settings, &artifacts, before, &job)
        }
    }
}

/// An earlier run in the same folder.
struct Before {
    config: RunConfig,
    best: Option<Best>,
}

impl Before {
    fn open(artifacts: &Artifacts) -> Result<Option<Self>> {
        let best = Checkpoints::open(artifacts.checkpoints())?.best();
        match artifacts.config()? {
            Some(config) => Ok(Some(Self { config, best })),
            None if best.is_none() => Ok(None),
            None => {
                let problem = "holds a checkpoint without its config.json; start over with --fresh".to_owned();
                Err(Error::Artifact { path: artifacts.folder.clone(), problem })
            }
        }
    }

    fn data_path(&self) -> Option<PathBuf> {
        self.best.as_ref()?.meaning.data.as_ref()?.path.clone()
    }
}

fn start<J: Job>(global: &GlobalSettings, settings: &TrainSettings, artifacts: &Artifacts, before: Option<Before>, job: &J) -> Result<()> {
    let (backend, why) = Backend::choose(global.backend)?;
    note(why);
    let trainee = initial(job, settings.seed);
    let summary = job.summary(&trainee);
    let parameters = summary.total();
    if let Some(before) = before.as_ref().filter(|before| before.config.parameters != parameters) {
        let problem = format!(
            "holds a model of {} parameters, {} has {parameters}; choose another folder with --artifacts, or start over with --fresh",
            before.config.parameters, settings.experiment
        );
        return Err(Error::Artifact { path: artifacts.folder.clone(), problem });
    }
    let best = before.and_then(|before| before.best);
    if let Some(best) = &best {
        Checkpoints::open(artifacts.checkpoints())?.check(trainee.clone(), best)?;
    }
    artifacts.create()?;
    if settings.fresh {
        artifacts.set_aside()?;
        artifacts.create()?;
    }

    let run = Run { settings, artifacts, backend: &backend, checkpoints: Checkpoints::open(artifacts.checkpoints())? };
    let trained = run.train(job, trainee, best.as_ref(), &summary);
    if run.checkpoints.best().is_some() {
        artifacts.discard_aside();
    } else {
        artifacts.restore_aside()?;
    }
    trained
}

/// A run whose folder is ready.
struct Run<'a> {
    settings: &'a TrainSettings,
    artifacts: &'a Artifacts,
    backend: &'a Backend,
    checkpoints: Arc<Checkpoints>,
}

impl Run<'_> {
    fn train<J: Job>(&self, job: &J, trainee: J::Trainee, best: Option<&Best>, summary: &ModelSummary) -> Result<()> {
        let Self { settings, artifacts, backend, checkpoints } = self;
        let meaning = job.meaning();
        // A loss on other data says nothing about this data: weights go on, the comparison starts anew.
        let lowest = best.filter(|best| best.meaning.is_of_same_data(&meaning)).map_or(f64::INFINITY, |best| best.loss);
        if let Some(best) = best {
            let compared = if lowest.is_finite() { "" } else { "; the data is another, so what counts as best starts anew" };
            note(format_args!("going on from epoch {} (loss {:.6}); --fresh starts over{compared}", best.epoch, best.loss));
        }
        let metrics = artifacts.path("metrics.csv");
        let history = if best.is_some() { History::open(metrics)? } else { History::new(metrics) };

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
            data: meaning.data,
        };
        artifacts.write("config.json", json(&config)?)?;
        out(format_args!("{}: {}\n\n{summary}\n", settings.experiment, settings.experiment.0.about));

        let fit = Fit { settings, checkpoints, history: &history, backend, lowest };
        let trained = backend.guard(SMALLER_BATCH, || fit.run(job, trainee));
        // Also a run that was stopped leaves reports of its best checkpoint; a GPU that failed cannot make them.
        let cpu = default_cpu();
        let backend = if matches!(trained, Err(Error::Gpu { .. })) { &cpu } else { *backend };
        let best = checkpoints.best().filter(|best| best.meaning.is_of_same_data(&job.meaning()));
        let report = |best| report(artifacts, job, checkpoints, &best, &history, &backend.device);
        let reported = best.map_or(Ok(()), |best| backend.guard(USE_CPU, || report(best)));
        trained.and(reported)
    }
}

fn report<J: Job>(
    artifacts: &Artifacts,
    job: &J,
    checkpoints: &Checkpoints,
    best: &Best,
    history: &History,
    device: &Device,
) -> Result<()> {
    let trainee = checkpoints.load(job.trainee(device), best)?;
    let evaluation = job.evaluate(&trainee, best.epoch, device)?;
    let name = artifacts.experiment.0.name;
    artifacts.write("model.safetensors", job.weights(&trainee, Format::Safetensors)?)?;
    artifacts.write("weights.txt", job.weights(&trainee, Format::Text)?)?;
    let synthetic = if best.meaning.data.as_ref().is_some_and(|data| data.synthetic) { " (SYNTHETIC data)" } else { "" };
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
