//! After which epochs a checkpoint is saved.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use burn::train::{
    EarlyStoppingStrategy, Interrupter,
    checkpoint::{CheckpointingAction, CheckpointingStrategy},
    metric::store::{Aggregate, EventStoreClient, Split},
};

use super::{Best, Checkpoints, Last, Meaning};
use crate::{Result, history::History, schedule::Rates};

/// Saves a checkpoint after every epoch whose weights are better than all before, judged after the epoch; and of a run that goes on one a second.
pub(crate) struct KeepBest {
    checkpoints: Arc<Checkpoints>,
    interrupter: Interrupter,
    meaning: Meaning,
    lowest: f64,
    rates: Arc<Rates>,
    history: History,
    run: [usize; 2],
    progress: Arc<RunProgress>,
    saved: Option<Instant>,
}

/// The last checkpoint of a run that goes on is at most so old. The first comes after the first epoch: without it a run that was interrupted would pass for
/// one that has come to its end.
const SAVE_EVERY: Duration = Duration::from_secs(1);

/// The best epoch of a run so far, and its loss.
#[derive(Debug)]
pub(crate) struct RunProgress(Mutex<(usize, f64)>);

impl RunProgress {
    pub(crate) fn new(lowest: Option<(usize, f64)>) -> Arc<Self> {
        Arc::new(Self(Mutex::new(lowest.unwrap_or((0, f64::INFINITY)))))
    }

    pub(crate) fn lowest(&self) -> (usize, f64) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn judge(&self, epoch: usize, loss: f64) {
        let mut lowest = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if loss < lowest.1 {
            *lowest = (epoch, loss);
        }
    }
}

/// What a run is, for [`KeepBest`].
pub(crate) struct Run {
    pub(crate) meaning: Meaning,
    /// Loss that the first epoch has to beat.
    pub(crate) lowest: f64,
    /// First and last epoch.
    pub(crate) epochs: [usize; 2],
    pub(crate) progress: Arc<RunProgress>,
    /// Is told every loss.
    pub(crate) rates: Arc<Rates>,
    pub(crate) history: History,
}

impl KeepBest {
    pub(crate) fn new(checkpoints: Arc<Checkpoints>, interrupter: Interrupter, run: Run) -> Self {
        let Run { meaning, lowest, epochs, progress, rates, history } = run;
        Self { checkpoints, interrupter, meaning, lowest, rates, history, run: epochs, progress, saved: None }
    }

    /// What the checkpoint of an epoch is as the last one, if one is due. The epochs of `metrics.csv` are there first.
    fn last(&mut self, epoch: usize) -> Result<Option<Last>> {
        if self.saved.is_some_and(|saved| saved.elapsed() < SAVE_EVERY) || epoch == self.run[1] {
            return Ok(None);
        }
        self.saved = Some(Instant::now());
        self.history.write()?;
        let sha256 = self.meaning.sha256().map(str::to_owned);
        Ok(Some(Last { epoch, run: self.run, lowest: self.progress.lowest(), sha256 }))
    }
}

impl CheckpointingStrategy for KeepBest {
    fn checkpointing(&mut self, epoch: usize, store: &EventStoreClient) -> Vec<CheckpointingAction> {
        let loss = store.find_metric("Loss", epoch, Aggregate::Mean, &Split::Valid).unwrap_or(f64::NAN);
        if !loss.is_finite() {
            let kept = if self.checkpoints.best().is_some() { " (the best checkpoint so far is kept)" } else { "" };
            // Going on with this run would only come to the same.
            let ended = self.checkpoints.end_run().err().map_or_else(String::new, |error| format!("; {error}"));
            self.interrupter.stop(Some(&format!("the loss is {loss} after epoch {epoch}; try a smaller --learning-rate{kept}{ended}")));
            return Vec::new();
        }
        self.rates.judge(loss);
        self.progress.judge(epoch, loss);
        let last = self.last(epoch).unwrap_or_else(|error| {
            self.interrupter.stop(Some(&error.to_string()));
            None
        });
        let best = (loss < self.lowest).then(|| Best { epoch, loss, meaning: self.meaning.clone() });
        if best.is_none() && last.is_none() {
            return Vec::new();
        }
        self.lowest = self.lowest.min(loss);
        self.checkpoints.begin(epoch, best, last);
        vec![CheckpointingAction::Save]
    }
}

/// Stops a run after so many epochs without a better loss. Burn's own strategy cannot be told what an interrupted run has seen.
#[derive(Clone)]
pub(crate) struct Patience {
    pub(crate) epochs: usize,
    pub(crate) progress: Arc<RunProgress>,
}

impl EarlyStoppingStrategy for Patience {
    fn should_stop(&mut self, epoch: usize, _store: &EventStoreClient) -> bool {
        // The losses of this epoch have been judged: checkpoints come first.
        epoch - self.progress.lowest().0.min(epoch) >= self.epochs
    }
}
