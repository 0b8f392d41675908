use std::{
    io::{self, IsTerminal},
    sync::Arc,
};

use burn::tensor::Device;
use clap::Args;
use rnn_models::ModelSummary;
use serde_json::Value;

use super::context::Context;
use crate::{
    backend::{Backend, SMALLER_BATCH, USE_CPU, default_cpu},
    console::{note, out},
    error::{Error, Result},
    evaluation::{Evaluation, PREDICTIONS},
    io::{Lock, seal, to_json},
    plot,
    run::{History, Meaning, RunConfig, RunFolder},
    settings::{Count, Experiment, Options, Progress, SeriesSettings, TaskRecipe, TrainSettings, plain},
    task::{Format, LettersTask, SeriesTask, Task},
    training::{Best, Checkpoints, Fit, Last, Signals, initial},
    workers::ParallelArgs,
};

#[derive(Debug, Args)]
pub(crate) struct TrainArgs {
    /// Experiment, see `rnn-train list`
    pub(crate) experiment: Experiment,
    /// Start over instead of training further
    #[arg(long)]
    pub(crate) fresh: bool,
    /// Train so many models, of one seed after another, and report median and spread
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    pub(crate) seeds: Option<Count>,
    #[command(flatten)]
    pub(crate) parallel: ParallelArgs,
    #[command(flatten)]
    pub(crate) options: Options,
}

/// Trains an experiment and writes everything there is to say about it.
pub(super) fn run(context: &Context, args: &TrainArgs) -> Result<()> {
    let experiment = args.experiment;
    let artifacts = context.folder(experiment);
    // A folder that is not there is locked once it is made, when all that can be refused has been.
    let lock = if artifacts.folder.is_dir() { Some(artifacts.lock(LOCK)?) } else { None };
    if !Checkpoints::exist(&artifacts.checkpoints()) {
        // A run that started over was stopped before it had a checkpoint.
        artifacts.restore_aside()?;
    }
    let before = if args.fresh { None } else { Before::open(&artifacts)? };
    let trained = before.as_ref().filter(|before| !before.checkpoints.are_none());
    let mut options = context.settings.layered(experiment, &args.options, trained.map(Before::told).as_ref())?;
    let told = trained.map(|before| &before.config.options);
    if args.parallel.is_set() {
        return Err(Error::Usage("--jobs and --threads are for several models at once (--seeds)".to_owned()));
    }
    match (told.and_then(|told| told.data.as_ref()), options.data.as_ref()) {
        (Some(before), Some(path)) if before == path => {
            note(format_args!("training on {} as before (--data chooses another)", path.display()))
        }
        (Some(before), Some(path)) if path.canonicalize().ok().as_ref() != Some(before) => {
            note("other data than before; what is not said of columns, split and model is as before (--fresh starts over)")
        }
        _ => {}
    }
    if options.progress == Some(Progress::Tui) && !io::stdout().is_terminal() {
        return Err(Error::Usage("--progress tui needs a terminal on standard output; --progress plain writes lines".to_owned()));
    }
    match experiment.0.task {
        TaskRecipe::Letters(letters) => {
            if let Some(told) = told {
                same_meaning(&artifacts, told, &options)?;
            }
            let settings = TrainSettings::new(experiment, options, args.fresh)?;
            start(context, &settings, &artifacts, (before, lock), &LettersTask::new(experiment, letters))
        }
        TaskRecipe::Series(_) => {
            let task = SeriesTask::open(experiment, SeriesSettings::new(experiment, &options)?, None)?;
            task.check()?;
            task.resolve(&mut options);
            if let Some(told) = told {
                same_meaning(&artifacts, told, &options)?;
            }
            let settings = TrainSettings::new(experiment, options, args.fresh)?;
            start(context, &settings, &artifacts, (before, lock), &task)
        }
    }
}

/// Options that say what a model's numbers mean, which rows it may learn from and what its optimizer remembers: weights that were trained under others cannot
/// go on, and their loss says nothing.
const MEANING: [&str; 20] = [
    "optimizer",
    "target",
    "features",
    "window",
    "horizon",
    "transform",
    "naive",
    "loss",
    "quantiles",
    "split",
    "valid",
    "test",
    "purge",
    "from",
    "until",
    "fill",
    "date_column",
    "date_format",
    "cell",
    "units",
];
/// Options of the training itself that a user will want to know are others than before.
const TRAINING: [&str; 10] =
    ["learning_rate", "schedule", "warmup", "batch_size", "weight_decay", "momentum", "clip_norm", "patience", "dropout", "samples"];

/// Refuses to go on from weights that mean something else; says which other settings are not as before.
fn same_meaning(artifacts: &RunFolder, before: &Options, now: &Options) -> Result<()> {
    let (before, now) = (before.entries()?, now.entries()?);
    let written = |value: Option<&Value>| value.map_or_else(|| "not set".to_owned(), plain);
    let differs = |name: &str| before.get(name) != now.get(name);
    if let Some(name) = MEANING.into_iter().find(|name| differs(name)) {
        let (was, is) = (written(before.get(name)), written(now.get(name)));
        let problem = format!(
            "was trained with {name} = {was}, not {is}; go on with the same, choose another folder with --artifacts, or start over with --fresh"
        );
        return Err(Error::Artifact { path: artifacts.folder.clone(), problem });
    }
    let changed: Vec<String> = TRAINING
        .into_iter()
        .filter(|name| differs(name))
        .map(|name| format!("{name} {} (before: {})", written(now.get(name)), written(before.get(name))))
        .collect();
    if !changed.is_empty() {
        note(format_args!("not as before: {}", changed.join(", ")));
    }
    Ok(())
}

/// An earlier run in the same folder.
struct Before {
    config: RunConfig,
    checkpoints: Arc<Checkpoints>,
}

impl Before {
    /// What of its options holds on where nothing else is said: of a run that was interrupted all, else what its data and its model are.
    fn told(&self) -> Options {
        let options = self.config.options.clone();
        if self.checkpoints.last().is_some() { Options { artifacts: None, ..options } } else { options.of_series() }
    }

    /// Where a run with these options goes on with this one, if it does.
    fn interrupted(&self, artifacts: &RunFolder, options: &Options, meaning: &Meaning) -> Result<Option<Last>> {
        let Some(last) = self.checkpoints.last() else { return Ok(None) };
        let told = self.config.options.fingerprint()?;
        if told != last.options {
            let problem = "is not that of the run that was interrupted here; put that back, or start over with --fresh".to_owned();
            return Err(Error::Artifact { path: artifacts.path("config.json"), problem });
        }
        if options.fingerprint()? == told && last.sha256.as_deref() == meaning.sha256() {
            return Ok(Some(last));
        }
        let instead = if self.checkpoints.best().is_some() { "its best weights are trained further instead" } else { "it starts over" };
        note(format_args!("the run before was interrupted; with other settings or other data {instead}"));
        Ok(None)
    }

    fn open(artifacts: &RunFolder) -> Result<Option<Self>> {
        let checkpoints = Checkpoints::recover(artifacts)?;
        match artifacts.config()? {
            Some(config) => Ok(Some(Self { config, checkpoints })),
            None if checkpoints.are_none() => Ok(None),
            None => {
                let problem = "holds a checkpoint without its config.json; start over with --fresh".to_owned();
                Err(Error::Artifact { path: artifacts.folder.clone(), problem })
            }
        }
    }
}

/// The lock of a training.
const LOCK: &str = ".train.lock";

fn start<J: Task>(
    context: &Context,
    settings: &TrainSettings,
    artifacts: &RunFolder,
    (before, lock): (Option<Before>, Option<Lock>),
    task: &J,
) -> Result<()> {
    let backend = context.backend()?;
    let trainee = initial(task, settings.seed);
    let summary = task.summary(&trainee);
    let parameters = summary.total();
    if let Some(before) = before.as_ref().filter(|before| before.config.parameters != parameters) {
        let problem = format!(
            "holds a model of {} parameters, {} has {parameters}; choose another folder with --artifacts, or start over with --fresh",
            before.config.parameters, settings.experiment
        );
        return Err(Error::Artifact { path: artifacts.folder.clone(), problem });
    }
    let last = before.as_ref().map(|before| before.interrupted(artifacts, &settings.options, &task.meaning())).transpose()?.flatten();
    let before = before.map(|before| before.checkpoints);
    if let Some(checkpoints) = &before {
        checkpoints.fit(&trainee)?;
    }
    let was_there = lock.is_some();
    let _lock = lock.map_or_else(|| artifacts.lock(LOCK), Ok)?;
    if !was_there && Checkpoints::exist(&artifacts.checkpoints()) {
        return Err(Error::Worker(format!("another process has trained in {} meanwhile; start again", artifacts.folder.display())));
    }
    if settings.fresh {
        let has_best = Checkpoints::open(artifacts).ok().is_none_or(|checkpoints| checkpoints.best().is_some());
        artifacts.set_aside(has_best)?;
    }
    artifacts.create()?;

    let checkpoints = before.map_or_else(|| Checkpoints::open(artifacts), Ok)?;
    let run = Run { settings, artifacts, backend: &backend, checkpoints };
    let trained = run.train(task, trainee, last.as_ref(), &summary);
    match run.checkpoints.on_disk() {
        (_, true) => artifacts.discard_aside(),
        (true, false) => {}
        (false, _) => artifacts.restore_aside()?,
    }
    trained
}

/// A run whose folder is ready.
struct Run<'a> {
    settings: &'a TrainSettings,
    artifacts: &'a RunFolder,
    backend: &'a Backend,
    checkpoints: Arc<Checkpoints>,
}

impl Run<'_> {
    fn train<J: Task>(&self, task: &J, trainee: J::Trainee, last: Option<&Last>, summary: &ModelSummary) -> Result<()> {
        let Self { settings, artifacts, backend, checkpoints } = self;
        let (meaning, best) = (task.meaning(), checkpoints.best());
        // A loss on other data says nothing about this data: weights go on, the comparison starts anew.
        let lowest = best.as_ref().filter(|best| best.meaning.is_of_same_data(&meaning)).map_or(f64::INFINITY, |best| best.loss);
        if let Some(Last { epoch, step, run: [_, end], .. }) = last {
            let step = if *step > 0 { format!(" and step {step} of the next") } else { String::new() };
            note(format_args!("the run was interrupted; going on after epoch {epoch} of {end}{step}; --fresh starts over"));
        } else if let Some(best) = &best {
            let compared = if lowest.is_finite() { "" } else { "; the data is another, so what counts as best starts anew" };
            note(format_args!("going on from epoch {} (loss {:.6}); --fresh starts over{compared}", best.epoch, best.loss));
        }
        let metrics = artifacts.path("metrics.csv");
        let history = if best.is_some() || last.is_some() { History::recover(metrics) } else { History::new(metrics) };
        history.told_of_gaps(last.map_or_else(|| best.as_ref().map_or(0, |best| best.epoch), |last| last.epoch));
        match last {
            Some(last) => history.truncate(last.epoch),
            None => checkpoints.forget_interrupted()?,
        }

        let config = RunConfig {
            format: RunConfig::FORMAT,
            experiment: settings.experiment,
            backend: backend.name.clone(),
            parameters: summary.total(),
            source: meaning.data,
            options: settings.options.clone(),
        };
        artifacts.write("config.json", seal(&config)?)?;
        out(format_args!("{}: {}\n\n{summary}\n", settings.experiment, settings.experiment.0.about));

        let signals = Arc::new(Signals::noted().map_err(|error| Error::Internal(format!("signals cannot be noted: {error}")))?);
        let fit = Fit { settings, checkpoints, history: &history, backend, lowest, signals: &signals, last };
        let trained = backend.guard(SMALLER_BATCH, || fit.run(task, trainee));
        if matches!(trained, Err(Error::Interrupted { .. })) {
            return trained;
        }
        // Also a run that failed leaves reports of its best checkpoint; a GPU that failed cannot make them.
        let cpu = default_cpu();
        let backend = if matches!(trained, Err(Error::Gpu { .. })) { &cpu } else { *backend };
        let best = checkpoints.best().filter(|best| best.meaning.is_of_same_data(&task.meaning()));
        let report = |best| report(artifacts, task, checkpoints, &best, &history, &backend.device);
        let reported = best.map_or(Ok(()), |best| backend.guard(USE_CPU, || report(best)));
        if let (Some(signal), Ok(()), Ok(())) = (signals.came(), &trained, &reported) {
            let place = "after its last epoch, while it made its reports".to_owned();
            return Err(Error::Interrupted { signal, in_interface: false, place, fresh: settings.fresh });
        }
        // Only now: a run that is interrupted before its reports are there has not come to its end.
        trained.and(reported).and_then(|()| checkpoints.end_run())
    }
}

fn report<J: Task>(
    artifacts: &RunFolder,
    task: &J,
    checkpoints: &Checkpoints,
    best: &Best,
    history: &History,
    device: &Device,
) -> Result<()> {
    let trainee = checkpoints.load(task.trainee(device), best)?;
    let evaluation = if task.series_names().is_empty() {
        task.evaluate(&trainee, best.epoch, device, None)?
    } else {
        artifacts.stream(PREDICTIONS, |out| task.evaluate(&trainee, best.epoch, device, Some(out)))?
    };
    let name = artifacts.experiment.0.name;
    artifacts.write("model.safetensors", task.weights(&trainee, Format::Safetensors)?)?;
    artifacts.write("weights.txt", task.weights(&trainee, Format::Text)?)?;
    let synthetic = if best.meaning.data.as_ref().is_some_and(|data| data.synthetic) { " (SYNTHETIC data)" } else { "" };
    plot::losses(&format!("{name}{synthetic}"), &history.epochs())?.write_to(artifacts, "loss")?;
    let mut written = "loss.svg/.png  metrics.csv  model.safetensors  weights.txt  evaluation.json  config.json".to_owned();
    if let Evaluation::Series(series) = &evaluation {
        plot::predictions(series, &task.series_names())?.write_to(artifacts, "prediction")?;
        written = format!("prediction.svg/.png  predictions.csv  {written}");
    }
    // Comes last: where it is, all the others are.
    artifacts.write("evaluation.json", to_json(&evaluation)?)?;
    out(&evaluation);
    out(format_args!("\nwritten to {}: {written}", artifacts.folder.display()));
    Ok(())
}
