//! The training runs of a search.

use std::{
    path::PathBuf,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use rnn_files::{create_own_folder, own_folder_exists, read_if_exists, remove_all, write_atomic};
use serde_json::Value;

use super::{
    TRIALS, TrialRun,
    board::{Board, Scored, TrialOutcome},
    points::Points,
    space::{Point, overlay},
};
use crate::{
    backend::Backend,
    error::{Error, Result},
    run::{EVALUATION, History, METRICS, RunFolder, read_results, seal_results},
    settings::{Count, Experiment, OptionList, Options, Ranking, Typed},
    text::{PROGRESS, count},
    training::{evaluation, has_ended},
    workers::{self, Pool, PoolHooks, Worker},
};

/// A running search.
pub(crate) struct Searching<'a> {
    pub(crate) experiment: Experiment,
    /// The folder `search/`.
    pub(crate) folder: PathBuf,
    /// Settings that are not searched.
    pub(crate) base: Options,
    /// The baseline values of the keys of the space.
    pub(crate) baseline: Point,
    /// The settings of the trials, from trial 1 on.
    pub(crate) points: Points,
    /// Hash of the data, the same for every trial.
    pub(crate) sha256: String,
    pub(crate) metric: Ranking,
    pub(crate) backend: &'a Backend,
    pub(crate) at_once: Pool,
    pub(crate) quiet: bool,
    pub(crate) until: Option<Instant>,
    pub(crate) board: Mutex<Board>,
}

/// Number of the trial with the baseline configuration.
pub(super) const BASELINE: usize = 0;
const LABEL: &str = "trial.json";
/// Interval between writes of `search.csv` while training; it is always written at the end.
const WRITE_EVERY: Duration = Duration::from_secs(1);

impl Searching<'_> {
    /// Trains all unfinished trials. Returns true if all trials are finished. A rung has a number
    /// of trials and of epochs.
    pub(crate) fn all(&self, rungs: &[(usize, usize)]) -> Result<bool> {
        if rungs.is_empty() {
            // The baseline configuration is trained too, for comparison.
            let trials: Vec<usize> = (BASELINE..=self.points.len()).collect();
            return self.train(&trials, None);
        }
        let mut trials: Vec<usize> = (1..=self.points.len()).collect();
        for (rung, &(number, epochs)) in rungs.iter().enumerate() {
            trials.truncate(number);
            if !self.quiet {
                let (trials, epochs) = (count(trials.len(), "trial"), count(epochs, "epoch"));
                let (rung, rungs) = (rung + 1, rungs.len());
                log::info!(target: PROGRESS, "rung {rung} of {rungs}: {trials} of {epochs}");
            }
            if rung + 1 == rungs.len() {
                trials.insert(0, BASELINE);
            }
            if !self.train(&trials, Some((rung, epochs)))? {
                return Ok(false);
            }
            let board = self.board();
            let ranked = board.of_rung(Some(rung)).into_iter().map(|(run, _)| run.trial);
            trials = ranked.filter(|&trial| trial != BASELINE).collect();
        }
        Ok(true)
    }

    /// The run of a trial in a rung with a number of epochs, or without rungs.
    fn run(&self, trial: usize, rung: Option<(usize, usize)>) -> TrialRun {
        if trial == BASELINE {
            let point = self.baseline.clone();
            return TrialRun { trial, rung: None, point, epochs: None };
        }
        let (rung, epochs) = rung.unzip();
        TrialRun { trial, rung, point: self.points.get(trial - 1), epochs }
    }

    pub(crate) fn board(&self) -> MutexGuard<'_, Board> {
        self.board.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Trains the unfinished ones of some trials. Returns true if all of them have ended.
    fn train(&self, trials: &[usize], rung: Option<(usize, usize)>) -> Result<bool> {
        let mut left = Vec::with_capacity(trials.len());
        for &trial in trials {
            let run = self.run(trial, rung);
            match self.finished(&run) {
                Ok(Some(scored)) => self.board().add(TrialOutcome { run, result: Ok(scored) }),
                Ok(None) => left.push(trial),
                Err(error) => {
                    log::info!("retraining {}: {error}", run.name());
                    left.push(trial);
                }
            }
        }
        let there = trials.len() - left.len();
        if !self.quiet {
            let found = (there > 0).then(|| format!(", {there} already finished"));
            let jobs = self.at_once.jobs.min(left.len());
            let at_once = (left.len() > 1).then(|| format!("; {jobs} at a time"));
            let [found, at_once] = [found, at_once].map(Option::unwrap_or_default);
            log::info!(target: PROGRESS, "{}{found}{at_once}", count(trials.len(), "training"));
        }
        let written = Mutex::new((Instant::now(), Ok(())));
        let ended = AtomicUsize::new(0);
        let finished = |index: usize, problem: Option<&str>| {
            ended.fetch_add(1, Ordering::Relaxed);
            let run = self.run(left[index], rung);
            let result =
                problem.map_or_else(|| self.scored(&run), |problem| Err(problem.to_owned()));
            let mut board = self.board();
            let outcome = TrialOutcome { run, result };
            board.add(outcome.clone());
            if !self.quiet {
                log::info!(target: PROGRESS, "{}", board.line(&outcome));
            }
            if let Ok(mut written) = written.lock()
                && written.0.elapsed() >= WRITE_EVERY
            {
                let path = self.folder.join(TRIALS);
                let saved = board.csv().and_then(|csv| Ok(write_atomic(&path, &csv)?));
                let before = std::mem::replace(&mut written.1, Ok(()));
                *written = (Instant::now(), before.and(saved));
            }
        };
        let standing = || self.board().standing();
        let starting = |index: usize| {
            let run = self.run(left[index], rung);
            let started = self.label(&run).and_then(|()| self.worker(&run));
            started.map_err(|error| error.to_string())
        };
        let watch = PoolHooks {
            quiet: self.quiet,
            until: self.until,
            starting: &starting,
            finished: &finished,
            standing: &standing,
        };
        workers::run(left.len(), self.at_once, &watch)?;
        written.into_inner().unwrap_or_else(PoisonError::into_inner).1?;
        Ok(ended.into_inner() == left.len())
    }

    /// The options of a run.
    pub(crate) fn options(&self, run: &TrialRun) -> Result<Options> {
        let mut options = overlay(&run.point).map_err(Error::Internal)?.over(self.base.clone());
        options.artifacts = Some(run.root(&self.folder));
        options.epochs = run.epochs.map(|epochs| Typed(Count(epochs))).or(options.epochs);
        Ok(options)
    }

    fn worker(&self, run: &TrialRun) -> Result<Worker> {
        Worker::training(run.name(), self.experiment, self.backend, &self.options(run)?)
    }

    /// The label of a run folder: trial and options.
    fn labelled(&self, run: &TrialRun) -> Result<Value> {
        let options = Options { artifacts: None, ..self.options(run)? }.entries()?;
        Ok(serde_json::json!({
            "trial": run.trial, "rung": run.rung, "settings": run.point, "options": options
        }))
    }

    /// Creates the folder of a run. An existing folder of a different or stopped run is removed.
    fn label(&self, run: &TrialRun) -> Result<()> {
        let root = run.root(&self.folder);
        remove_all(&root)?;
        create_own_folder(&root)?;
        Ok(write_atomic(&root.join(LABEL), seal_results(&self.labelled(run)?)?.as_bytes())?)
    }

    /// The scores of a run that just ended.
    fn scored(&self, run: &TrialRun) -> std::result::Result<Scored, String> {
        const CHANGED: &str = "the data changed during the training (use --fresh to start over)";
        let scored = self.finished(run).map_err(|error| error.to_string())?;
        scored.ok_or_else(|| CHANGED.to_owned())
    }

    /// The scores of a run, if it is finished and used the data of this search.
    fn finished(&self, run: &TrialRun) -> Result<Option<Scored>> {
        let root = run.root(&self.folder);
        let artifacts = RunFolder::new(&root, self.experiment);
        if !own_folder_exists(&root)? || !own_folder_exists(&artifacts.folder)? {
            return Ok(None);
        }
        let Some(label) = read_if_exists(&root.join(LABEL))? else { return Ok(None) };
        let is_same = same_label(&label, self.labelled(run)?)?;
        if !is_same || !artifacts.path(EVALUATION).exists() || !has_ended(&artifacts)? {
            return Ok(None);
        }
        let source = artifacts.config()?.and_then(|config| config.source);
        if source.is_none_or(|source| source.sha256 != self.sha256) {
            return Ok(None);
        }
        let evaluation = evaluation(&root, self.experiment)?;
        let epochs = History::open(artifacts.path(METRICS))?.epochs();
        Ok(Some(Scored {
            score: self.metric.of(&evaluation.model),
            rmse: evaluation.model.rmse,
            mae: evaluation.model.mae,
            best_epoch: evaluation.best_epoch.unwrap_or(0),
            epochs: epochs.len(),
            seconds: epochs.iter().fold(0.0, |sum, epoch| sum + epoch.seconds),
            is_linear: evaluation
                .fractions
                .is_some_and(|fractions| fractions.iter().all(|fraction| *fraction == 0.0)),
        }))
    }
}

/// Whether the text of a label has these fields.
fn same_label(text: &str, expected: Value) -> Result<bool> {
    let mut found: Value = read_results(text).map_err(|problem| Error::Artifact {
        path: LABEL.into(),
        problem: format!("expected the label of a trial, but it {problem}"),
    })?;
    if let Some(fields) = found.as_object_mut() {
        fields.remove("format");
    }
    Ok(found == expected)
}
