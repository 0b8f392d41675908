//! The trainings of a search.

use std::{
    fs,
    path::PathBuf,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Instant,
};

use serde_json::Value;

use crate::{
    Error, Result,
    artifacts::{Artifacts, read_if_there, write_atomic},
    backend::Backend,
    commands::{seeds, train::json as to_json, trained::evaluation},
    console::note,
    history::History,
    options::{Options, Typed},
    recipe::Experiment,
    search::{Board, Outcome, Point, Run, Scored, overlay},
    values::{Count, Ranking},
    workers::{self, AtOnce, Watch, Worker},
};

/// A search that goes on.
pub(super) struct Searching<'a> {
    pub(super) experiment: Experiment,
    /// `search/`
    pub(super) folder: PathBuf,
    /// Settings that are not searched.
    pub(super) base: Options,
    pub(super) metric: Ranking,
    pub(super) backend: &'a Backend,
    pub(super) at_once: AtOnce,
    pub(super) quiet: bool,
    pub(super) until: Option<Instant>,
    pub(super) board: Mutex<Board>,
}

const LABEL: &str = "trial.json";
const SCORES: &str = "evaluation.json";

impl Searching<'_> {
    /// Trains all trials that are not there yet.
    pub(super) fn all(&self, points: Vec<Point>, rungs: &[(usize, usize)]) -> Result<()> {
        let trial = |(index, point): (usize, Point)| Run { trial: index + 1, rung: None, point, epochs: None };
        // What is searched for should be better than what is there already.
        let as_it_is = Run { trial: 0, rung: None, point: Point::new(), epochs: None };
        let mut trials: Vec<Run> = points.into_iter().enumerate().map(trial).collect();
        if rungs.is_empty() {
            trials.insert(0, as_it_is);
            return self.train(&trials);
        }
        for (rung, &(count, epochs)) in rungs.iter().enumerate() {
            trials.truncate(count);
            let mut runs: Vec<Run> = trials.iter().map(|run| Run { rung: Some(rung), epochs: Some(epochs), ..run.clone() }).collect();
            if rung + 1 == rungs.len() {
                runs.insert(0, as_it_is.clone());
            }
            if !self.quiet {
                note(format_args!("rung {} of {}: {} trials of {epochs} epochs", rung + 1, rungs.len(), trials.len()));
            }
            self.train(&runs)?;
            if self.is_over() {
                return Ok(());
            }
            let board = self.board();
            trials = board.of_rung(Some(rung)).into_iter().filter(|(run, _)| run.trial > 0).map(|(run, _)| run.clone()).collect();
        }
        Ok(())
    }

    pub(super) fn is_over(&self) -> bool {
        self.until.is_some_and(|until| Instant::now() >= until)
    }

    pub(super) fn board(&self) -> MutexGuard<'_, Board> {
        self.board.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Trains those of some runs that are not there yet.
    fn train(&self, runs: &[Run]) -> Result<()> {
        let mut left = Vec::new();
        for run in runs {
            match self.finished(run)? {
                Some(scored) => self.board().add(Outcome { run: run.clone(), result: Ok(scored) }),
                None => left.push(run),
            }
        }
        let there = runs.len() - left.len();
        let found = if there > 0 { format!(", {there} are there already") } else { String::new() };
        if !self.quiet {
            note(format_args!("{} trainings{found}; {} at once", runs.len(), self.at_once.jobs.min(left.len()).max(1)));
        }
        let workers = left.iter().map(|run| self.worker(run)).collect::<Result<Vec<_>>>()?;
        let written = Mutex::new(Ok(()));
        let finished = |index: usize, problem: Option<&str>| {
            let run = left[index];
            let scored = match problem {
                None => self
                    .finished(run)
                    .map_err(|error| error.to_string())
                    .and_then(|scored| scored.ok_or_else(|| "left no scores".to_owned())),
                Some(problem) => Err(problem.to_owned()),
            };
            let outcome = Outcome { run: run.clone(), result: scored };
            let mut board = self.board();
            board.add(outcome.clone());
            if !self.quiet {
                note(board.line(&outcome));
            }
            let saved = board.csv().and_then(|csv| write_atomic(&self.folder.join("search.csv"), &csv));
            if let (Ok(mut written), Err(error)) = (written.lock(), saved) {
                *written = Err(error);
            }
        };
        let standing = || self.board().standing();
        let watch = Watch { quiet: self.quiet, until: self.until, finished: &finished, standing: &standing };
        workers::run(&workers, self.at_once, &watch)?;
        written.into_inner().unwrap_or_else(PoisonError::into_inner)
    }

    /// The options of a run.
    pub(super) fn options(&self, run: &Run) -> Result<Options> {
        let mut options = overlay(&run.point).map_err(Error::Internal)?.over(self.base.clone());
        options.artifacts = Some(run.root(&self.folder));
        options.epochs = run.epochs.map(|epochs| Typed(Count(epochs))).or(options.epochs);
        Ok(options)
    }

    /// What says which run a folder is of.
    fn label(&self, run: &Run) -> Result<Value> {
        let mut options = self.options(run)?.entries()?;
        options.retain(|name, _| name != "artifacts");
        Ok(serde_json::json!({ "trial": run.trial, "rung": run.rung, "settings": run.point, "options": options }))
    }

    /// The process of a run; its folder is labelled, and what is of another run is removed.
    fn worker(&self, run: &Run) -> Result<Worker> {
        let root = run.root(&self.folder);
        if root.exists() {
            fs::remove_dir_all(&root).map_err(|source| Error::Write { path: root.clone(), source })?;
        }
        fs::create_dir_all(&root).map_err(|source| Error::Write { path: root.clone(), source })?;
        write_atomic(&root.join(LABEL), to_json(&self.label(run)?)?.as_bytes())?;
        Ok(Worker { name: run.name(), args: seeds::training(self.experiment, self.backend, &self.options(run)?)? })
    }

    /// The scores of a run that is done.
    fn finished(&self, run: &Run) -> Result<Option<Scored>> {
        let root = run.root(&self.folder);
        let Some(label) = read_if_there(&root.join(LABEL))? else { return Ok(None) };
        if serde_json::from_str::<Value>(&label).ok() != Some(self.label(run)?)
            || !Artifacts::new(&root, self.experiment).path(SCORES).exists()
        {
            return Ok(None);
        }
        let evaluation = evaluation(&root, self.experiment)?;
        let epochs = History::open(Artifacts::new(&root, self.experiment).path("metrics.csv"))?.epochs();
        Ok(Some(Scored {
            score: self.metric.of(&evaluation.model),
            rmse: evaluation.model.rmse,
            mae: evaluation.model.mae,
            best_epoch: evaluation.best_epoch.unwrap_or(0),
            epochs: epochs.len(),
            seconds: epochs.iter().map(|epoch| epoch.seconds).sum(),
        }))
    }
}
