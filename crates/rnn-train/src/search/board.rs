//! The outcomes of a search.

use std::{collections::BTreeMap, fmt, iter};

use rnn_files::csv_rows;
use serde::Serialize;
use serde_json::Value;

use super::{TrialRun, space::Point, trials::BASELINE};
use crate::{
    error::{Error, Result},
    settings::{Ranking, plain},
    text::{cells, count, number, table},
};

/// The outcome of a run.
#[derive(Debug, Clone)]
pub(crate) struct TrialOutcome {
    pub(crate) run: TrialRun,
    pub(crate) result: std::result::Result<Scored, String>,
}

/// Scores of a run on the validation set.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(crate) struct Scored {
    /// The ranking score.
    pub(crate) score: f64,
    pub(crate) rmse: f64,
    pub(crate) mae: f64,
    pub(crate) best_epoch: usize,
    /// Number of trained epochs.
    pub(crate) epochs: usize,
    pub(crate) seconds: f64,
    /// Whether the forecasts are those of the linear forecast alone.
    #[serde(skip)]
    pub(crate) is_linear: bool,
}

/// All outcomes so far.
#[derive(Debug)]
pub(crate) struct Board {
    metric: Ranking,
    keys: Vec<String>,
    outcomes: Vec<TrialOutcome>,
}

/// Number of leading trials in the progress.
const LEADERS: usize = 5;
/// Number of trials in the final table.
const SHOWN: usize = 10;

impl Board {
    pub(crate) fn new(metric: Ranking, keys: Vec<String>) -> Self {
        Self { metric, keys, outcomes: Vec::new() }
    }

    pub(crate) fn add(&mut self, outcome: TrialOutcome) {
        self.outcomes.push(outcome);
    }

    /// The last score of each trial (with halving, that of its last rung). Later rungs come first,
    /// then better scores.
    pub(crate) fn latest(&self) -> Vec<(&TrialRun, Scored)> {
        let latest: BTreeMap<usize, (&TrialRun, Scored)> =
            self.scored().map(|(run, scored)| (run.trial, (run, scored))).collect();
        let mut all: Vec<(&TrialRun, Scored)> = latest.into_values().collect();
        all.sort_by(|one, other| {
            other.0.rung.cmp(&one.0.rung).then(one.1.score.total_cmp(&other.1.score))
        });
        all
    }

    /// All outcomes, sorted by trial.
    pub(crate) fn outcomes(&self) -> Vec<&TrialOutcome> {
        let mut all: Vec<&TrialOutcome> = self.outcomes.iter().collect();
        all.sort_by_key(|outcome| (outcome.run.trial, outcome.run.rung));
        all
    }

    /// All runs with scores, sorted by trial.
    fn scored(&self) -> impl Iterator<Item = (&TrialRun, Scored)> {
        let scored = |outcome: &'_ TrialOutcome| outcome.result.as_ref().ok().copied();
        let all = self.outcomes().into_iter();
        all.filter_map(move |outcome| Some((&outcome.run, scored(outcome)?)))
    }

    /// The ranking, best first; with halving, of the last rung. Ties are sorted by trial.
    pub(crate) fn ranked(&self) -> Vec<(&TrialRun, Scored)> {
        let last = self.scored().filter_map(|(run, _)| run.rung).max();
        self.of_rung(last)
    }

    /// The ranking of a rung, including the baseline configuration.
    pub(crate) fn of_rung(&self, rung: Option<usize>) -> Vec<(&TrialRun, Scored)> {
        let mut ranked: Vec<(&TrialRun, Scored)> =
            self.scored().filter(|(run, _)| run.rung == rung || run.trial == 0).collect();
        ranked.sort_by(|one, other| one.1.score.total_cmp(&other.1.score));
        ranked
    }

    /// The number of trials of the ranking with the score of the baseline configuration.
    ///
    /// Also returns whether all of these forecasts are the linear one alone.
    pub(crate) fn ties(&self) -> (usize, bool) {
        let ranked = self.ranked();
        let Some(score) =
            ranked.iter().find(|(run, _)| run.trial == BASELINE).map(|one| one.1.score)
        else {
            return (0, false);
        };
        let same: Vec<_> = ranked.iter().filter(|(_, scored)| scored.score == score).collect();
        (same.len() - 1, same.iter().all(|(_, scored)| scored.is_linear))
    }

    /// The progress line of a finished run.
    pub(crate) fn line(&self, outcome: &TrialOutcome) -> String {
        let name = outcome.run.name();
        let settings = described(&outcome.run.point);
        let scored = match &outcome.result {
            Ok(scored) => scored,
            Err(problem) => return format!("{name}: failed: {problem}  {settings}"),
        };
        let score = number(scored.score);
        let rivals = self.outcomes.iter().filter(|other| other.run.rung == outcome.run.rung);
        let scores =
            rivals.filter_map(|other| Some((&other.run, other.result.as_ref().ok()?.score)));
        let best = match scores.min_by(|one, other| one.1.total_cmp(&other.1)) {
            Some((leader, _)) if *leader == outcome.run => "best so far".to_owned(),
            Some((leader, best)) if best == scored.score => format!("tie with {}", leader.name()),
            Some((leader, best)) => format!("best so far: {} of {}", number(best), leader.name()),
            None => String::new(),
        };
        format!("{name}: {} {score}  {settings}  ({best})", self.metric.title())
    }

    /// The best trials so far, on one line.
    pub(crate) fn standing(&self) -> Option<String> {
        let ranked = self.ranked();
        let line = |(run, scored): &(&TrialRun, Scored)| {
            format!("{} {}", run.name(), number(scored.score))
        };
        let best: Vec<String> = ranked.iter().take(LEADERS).map(line).collect();
        (best.len() > 1)
            .then(|| format!("  best {} so far: {}", self.metric.title(), best.join(", ")))
    }

    /// `search.csv`: a header and a row per run.
    pub(crate) fn csv(&self) -> Result<Vec<u8>> {
        let scores = ["score", "rmse", "mae", "best_epoch", "epochs", "seconds"];
        let head = cells!["trial", "rung", "status"].into_iter().chain(scores.map(str::to_owned));
        let header: Vec<String> =
            head.chain(self.keys.iter().cloned()).chain(["problem".to_owned()]).collect();
        Ok(csv_rows(&header, &self.outcomes(), |TrialOutcome { run, result }| {
            let rung = run.rung.map_or_else(String::new, |rung| rung.to_string());
            let (scores, problem) = match result {
                Ok(Scored { score, rmse, mae, best_epoch, epochs, seconds, .. }) => {
                    let seconds = format_args!("{seconds:.3}");
                    (cells!["done", score, rmse, mae, best_epoch, epochs, seconds], "")
                }
                Err(problem) => (cells!["failed", "", "", "", "", "", ""], problem.as_str()),
            };
            let value = |key| run.point.get(key).map_or_else(String::new, plain);
            let values = self.keys.iter().map(value).collect();
            [cells![run.trial, rung], scores, values, cells![problem]].concat()
        })?)
    }

    /// The best run.
    pub(crate) fn best(&self) -> Result<(&TrialRun, Scored)> {
        let failed = || {
            if self.outcomes.is_empty() {
                return Error::Worker(
                    "search: no training finished in time (use more --minutes)".to_owned(),
                );
            }
            let problem = self.outcomes.iter().find_map(|outcome| outcome.result.as_ref().err());
            let problem = problem.cloned().unwrap_or_default();
            Error::Worker(format!("search: all trials failed; the first: {problem}"))
        };
        self.ranked().into_iter().next().ok_or_else(failed)
    }
}

/// The settings of a point, on one line.
pub(crate) fn described(point: &Point) -> String {
    point.iter().map(|(key, value)| format!("{key}={}", plain(value))).collect::<Vec<_>>().join(" ")
}

impl fmt::Display for Board {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ranked = self.ranked();
        // The table shows RMSE and MAE, and the ranking score if it is another one.
        let third = matches!(self.metric, Ranking::Mase | Ranking::Smape);
        let title = if third { vec![self.metric.title().to_owned()] } else { Vec::new() };
        let head = [
            cells!["rank", "trial"],
            title,
            cells!["RMSE", "MAE", "best epoch", "seconds"],
            self.keys.clone(),
        ];
        let row = |(rank, (run, scored)): (usize, &(&TrialRun, Scored))| {
            let Scored { score, rmse, mae, best_epoch, seconds, .. } = scored;
            let third = if third { vec![number(*score)] } else { Vec::new() };
            let scores =
                cells![number(*rmse), number(*mae), best_epoch, format_args!("{seconds:.1}")];
            let value = |key| run.point.get(key).map_or_else(|| "-".to_owned(), plain);
            let values = self.keys.iter().map(value).collect();
            [cells![rank + 1, run.name()], third, scores, values].concat()
        };
        let is_shown =
            |(rank, (run, _)): &(usize, &(&TrialRun, Scored))| *rank < SHOWN || run.trial == 0;
        let rows = ranked.iter().enumerate().filter(is_shown).map(row);
        let sides = format!("><{}", ">".repeat(5 + self.keys.len()));
        f.write_str(&table(&sides, iter::once(head.concat()).chain(rows)))?;
        let (ties, are_linear) = self.ties();
        if ties > 0 {
            let why = if are_linear { ": their forecasts are the linear one alone" } else { "" };
            write!(f, "\n ties with the baseline configuration: {}{why}", count(ties, "trial"))?;
        }
        let failed = self.outcomes.iter().filter(|outcome| outcome.result.is_err()).count();
        if failed > 0 {
            write!(f, "\n {failed} failed (see search.csv)")?;
        }
        Ok(())
    }
}

impl Serialize for TrialOutcome {
    fn serialize<S: serde::Serializer>(
        &self,
        serializer: S,
    ) -> std::result::Result<S::Ok, S::Error> {
        let Self { run, result } = self;
        let document = serde_json::json!({
            "trial": run.trial,
            "rung": run.rung,
            "settings": Value::Object(run.point.clone()),
            "scores": result.as_ref().ok(),
            "problem": result.as_ref().err(),
        });
        document.serialize(serializer)
    }
}
