//! Settings: the options, their sources (flags, settings file, previous run, recipe) and their
//! checked values.

mod file;
mod layers;
mod option_list;
mod options;
mod recipe;
mod schedule;
mod series;
mod train;
mod typed;
mod values;

pub(crate) use file::{parse_settings, searchable, settings_text};
pub(crate) use layers::GlobalSettings;
pub(crate) use option_list::{Changes, Field, OptionList, Role};
pub use options::Options;
pub use recipe::Experiment;
pub(crate) use recipe::{LettersRecipe, TaskRecipe};
pub use schedule::RateSchedule;
pub(crate) use schedule::{RateSettings, Rates, Span};
pub use series::SeriesLoss;
pub(crate) use series::SeriesSettings;
pub(crate) use train::{OptimizerSettings, TrainSettings};
pub(crate) use typed::{Setting, Typed, plain, set};
pub(crate) use values::{
    Count, Level, Method, Positive, Purge, Ranking, Seasons, Time, TrialCount, WorkerCount,
};
pub use values::{LevelShifts, Loss, OptimizerName, Progress, ScoredSet, SplitName};
