//! Hyperparameter search: trials, their order and their scores.
//!
//! | file of `search/` | content |
//! |---|---|
//! | `search.json` | the plan (only the same plan resumes), and every score of the test set |
//! | `trial-007/`, `baseline/` | run folders of a trial and of the baseline configuration |
//! | `search.csv`, `search.svg` | all trials: settings and scores |
//! | `best.toml` | the best settings, for `--config` |
//! | `test.json` | scores of the best trial on the test set |

mod best;
mod board;
mod halving;
mod noise;
mod picture;
mod points;
mod previous;
mod space;
mod trials;

use std::path::{Path, PathBuf};

use rnn_files::{read_if_exists, seal, unseal_or_early, write_atomic};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

pub(crate) use board::{Board, TrialOutcome};
pub(crate) use halving::rungs;
pub(crate) use picture::picture;
pub(crate) use points::Drawn;
pub(crate) use previous::PreviousSearch;
pub(crate) use space::{Point, Space, overlay};
pub(crate) use trials::Searching;

use crate::{
    error::{Error, Result},
    evaluation::{Scores, SeriesEvaluation},
    settings::{Experiment, Method, Ranking, Typed, plain},
};

/// The plan of a search.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct SearchPlan {
    pub(crate) experiment: Experiment,
    pub(crate) method: Typed<Method>,
    pub(crate) metric: Typed<Ranking>,
    /// Number of trials of successive halving, which determines its rungs.
    pub(crate) trials: Option<usize>,
    /// Seed of the random draws.
    pub(crate) search_seed: u64,
    pub(crate) space: Value,
    /// Settings that are not searched.
    pub(crate) options: Map<String, Value>,
    /// Hash of the data.
    pub(crate) data_sha256: String,
}

/// The content of `search.json`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Search {
    /// Version of the folder layout.
    format: u32,
    pub(crate) plan: SearchPlan,
    /// Largest number of trials requested so far.
    pub(crate) trials: usize,
    /// Trials scored on the test set, in order, with their scores.
    pub(crate) tested: Vec<Tested>,
}

/// Scores of a trial on the test set.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Tested {
    pub(crate) trial: String,
    pub(crate) scores: SeriesEvaluation,
}

/// A training run of a trial.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct TrialRun {
    /// Number of the trial; 0 is the baseline configuration.
    pub(crate) trial: usize,
    /// The rung of successive halving.
    pub(crate) rung: Option<usize>,
    pub(crate) point: Point,
    /// Epochs of the rung, if any.
    pub(crate) epochs: Option<usize>,
}

const FORMAT: u32 = 2;

impl Search {
    /// Opens the search of a folder, or starts a new one.
    ///
    /// # Errors
    ///
    /// If the folder holds a search with a different plan.
    pub(crate) fn open(folder: &Path, plan: SearchPlan) -> Result<Self> {
        let path = folder.join(NAME);
        let problem = |problem: String| Error::Artifact {
            path: path.clone(),
            problem: format!(
                "{problem} (use --fresh to start over, or --artifacts for another folder)"
            ),
        };
        let Some(text) = read_if_exists(&path)? else {
            return Ok(Self { format: FORMAT, plan, trials: 0, tested: Vec::new() });
        };
        let found: Self = unseal_or_early(&text, FORMAT)
            .map_err(|text| problem(format!("expected a search, but it {text}")))?;
        let found = Self { format: FORMAT, ..found };
        if found.trials > space::MOST_POINTS {
            let (trials, most) = (found.trials, space::MOST_POINTS);
            return Err(problem(format!("expected at most {most} trials, got {trials}")));
        }
        match found.plan.differs(&plan)? {
            Some(difference) => Err(problem(format!("belongs to a search with {difference}"))),
            None => Ok(found),
        }
    }

    pub(crate) fn write(&self, folder: &Path) -> Result<()> {
        Ok(write_atomic(&folder.join(NAME), seal(self)?.as_bytes())?)
    }
}

const NAME: &str = "search.json";
/// Scores of the best trial on the test set, in the folder of a complete search.
pub(crate) const TEST: &str = "test.json";
/// Table of all trials, in the folder of a search.
pub(crate) const TRIALS: &str = "search.csv";

impl SearchPlan {
    /// The first difference from another plan.
    fn differs(&self, other: &Self) -> Result<Option<String>> {
        let flat = |plan: &Self| -> Result<Map<String, Value>> {
            let Ok(Value::Object(mut all)) = serde_json::to_value(plan) else {
                return Err(Error::Internal("a plan is no object".to_owned()));
            };
            for group in ["options", "space"] {
                if let Some(Value::Object(entries)) = all.remove(group) {
                    all.extend(entries.into_iter().map(|(name, value)| {
                        (
                            if group == "space" { format!("the space of {name}") } else { name },
                            value,
                        )
                    }));
                }
            }
            Ok(all)
        };
        let (own, others) = (flat(self)?, flat(other)?);
        let name = own.keys().chain(others.keys()).find(|name| own.get(*name) != others.get(*name));
        let shown = |value: Option<&Value>| value.map_or_else(|| "not set".to_owned(), plain);
        let text =
            |name| format!("{name} = {}, not {}", shown(own.get(name)), shown(others.get(name)));
        Ok(name.map(text))
    }
}

impl TrialRun {
    /// The name in messages, and of the folder.
    pub(crate) fn name(&self) -> String {
        match self.rung {
            Some(rung) => format!("trial-{:03}-rung-{rung}", self.trial),
            None if self.trial == 0 => "baseline".to_owned(),
            None => format!("trial-{:03}", self.trial),
        }
    }

    /// The parent of the run folder.
    pub(crate) fn root(&self, folder: &Path) -> PathBuf {
        folder.join(self.name())
    }
}

impl Ranking {
    /// The name in tables.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Rmse => "RMSE",
            Self::Mae => "MAE",
            Self::Mase => "MASE",
            Self::Smape => "sMAPE",
        }
    }

    /// The ranking score; lower is better.
    pub(crate) fn of(self, scores: &Scores) -> f64 {
        match self {
            Self::Rmse => scores.rmse,
            Self::Mae => scores.mae,
            Self::Mase => scores.mase.unwrap_or(f64::NAN),
            Self::Smape => scores.smape,
        }
    }
}

impl Method {
    /// Default number of trials.
    pub(crate) const TRIALS: usize = 20;
}
