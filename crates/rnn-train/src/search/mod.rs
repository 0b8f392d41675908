//! Hyperparameter search: trials, their order and their scores.
//!
//! | file of `search/` | content |
//! |---|---|
//! | `search.json` | the plan (only the same plan resumes), and every score of the test set |
//! | `trial-007/`, `as-it-is/` | run folders of a trial and of the baseline configuration |
//! | `search.csv`, `search.svg` | all trials: settings and scores |
//! | `best.toml` | the best settings, for `--config` |
//! | `test.json` | scores of the best trial on the test set |

mod best;
mod board;
mod halving;
mod picture;
mod space;
mod trials;

use std::path::{Path, PathBuf};

use rnn_files::{read_if_exists, to_json, write_atomic};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

pub(crate) use board::{Board, TrialOutcome};
pub(crate) use halving::rungs;
pub(crate) use picture::picture;
pub(crate) use space::{Drawn, Point, Space, overlay};
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
    /// Of successive halving, whose rungs follow from it.
    pub(crate) trials: Option<usize>,
    /// Of the draws.
    pub(crate) search_seed: u64,
    pub(crate) space: Value,
    /// Settings that are not searched.
    pub(crate) options: Map<String, Value>,
    /// Hash of the data.
    pub(crate) data_sha256: String,
}

/// `search.json`
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Search {
    /// Version of this folder's layout.
    format: u32,
    pub(crate) plan: SearchPlan,
    /// Trials that were asked for, at most.
    pub(crate) trials: usize,
    /// Trials whose test set was scored, in turn, with the scores.
    pub(crate) tested: Vec<Tested>,
}

/// Scores of a trial on the test set.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Tested {
    pub(crate) trial: String,
    pub(crate) scores: SeriesEvaluation,
}

/// A training of a trial.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct TrialRun {
    /// 0 is the settings as they are.
    pub(crate) trial: usize,
    /// Of successive halving.
    pub(crate) rung: Option<usize>,
    pub(crate) point: Point,
    /// Epochs, where they are the rung's.
    pub(crate) epochs: Option<usize>,
}

const FORMAT: u32 = 1;

impl Search {
    /// Opens the search of a folder, or begins one.
    ///
    /// # Errors
    ///
    /// When the folder holds another search, with what is not the same.
    pub(crate) fn open(folder: &Path, plan: SearchPlan) -> Result<Self> {
        let path = folder.join(NAME);
        let problem = |problem: String| Error::Artifact {
            path: path.clone(),
            problem: format!(
                "{problem}; start over with --fresh, or choose another folder with --artifacts"
            ),
        };
        let Some(text) = read_if_exists(&path)? else {
            return Ok(Self { format: FORMAT, plan, trials: 0, tested: Vec::new() });
        };
        let malformed =
            |error: serde_json::Error| problem(format!("expected a search, got: {error}"));
        let document: Value = serde_json::from_str(&text).map_err(malformed)?;
        let format = &document["format"];
        if *format != FORMAT {
            return Err(problem(format!("has layout {format}, this program reads {FORMAT}")));
        }
        let found: Self = serde_json::from_value(document).map_err(malformed)?;
        match found.plan.differs(&plan)? {
            Some(difference) => Err(problem(format!("is a search with {difference}"))),
            None => Ok(found),
        }
    }

    pub(crate) fn write(&self, folder: &Path) -> Result<()> {
        Ok(write_atomic(&folder.join(NAME), to_json(self)?.as_bytes())?)
    }
}

const NAME: &str = "search.json";
/// All trials, in the folder of a search.
pub(crate) const TRIALS: &str = "search.csv";

impl SearchPlan {
    /// What of another plan is not the same.
    fn differs(&self, other: &Self) -> Result<Option<String>> {
        let flat = |plan: &Self| -> Result<Map<String, Value>> {
            let Ok(Value::Object(mut all)) = serde_json::to_value(plan) else {
                return Err(Error::Internal("a plan is no object".to_owned()));
            };
            for part in ["options", "space"] {
                if let Some(Value::Object(entries)) = all.remove(part) {
                    all.extend(entries.into_iter().map(|(name, value)| {
                        (if part == "space" { format!("the space of {name}") } else { name }, value)
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
    /// Its name in messages and of its folder.
    pub(crate) fn name(&self) -> String {
        match self.rung {
            Some(rung) => format!("trial-{:03}-rung-{rung}", self.trial),
            None if self.trial == 0 => "as-it-is".to_owned(),
            None => format!("trial-{:03}", self.trial),
        }
    }

    /// The folder that has the folder of the run.
    pub(crate) fn root(&self, folder: &Path) -> PathBuf {
        folder.join(self.name())
    }
}

impl Ranking {
    /// As tables have it.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Rmse => "RMSE",
            Self::Mae => "MAE",
            Self::Mase => "MASE",
            Self::Smape => "sMAPE",
        }
    }

    /// The score that is ranked; the lowest is the best.
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
    /// Trials, where it is not said how many.
    pub(crate) const TRIALS: usize = 20;
}
