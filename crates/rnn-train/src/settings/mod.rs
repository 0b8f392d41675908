//! What was asked for, by flag, settings file, earlier run and recipe, and what it means.

mod layers;
mod options;
mod recipe;
mod schedule;
mod series;
mod train;
mod values;

pub(crate) use layers::{GlobalSettings, parse_options};
pub(crate) use options::{Options, Typed, plain};
pub(crate) use recipe::{Experiment, LettersRecipe, RECIPES, TaskRecipe, nearest};
pub(crate) use schedule::{RateSchedule, RateSettings, Rates, Span};
pub(crate) use series::{SeriesLoss, SeriesSettings};
pub(crate) use train::{OptimizerSettings, TrainSettings};
pub(crate) use values::{Count, Level, Loss, Method, OptimizerName, Positive, Progress, Ranking, ScoredPart, SplitName, Time};
