//! Training runs: train, save, resume and load.

mod builder;
mod checkpoint;
mod claim;
mod epochs;
mod fit;
mod interrupt;
mod learning_rate_range;
mod metrics;
mod observer;
mod optimizer;
mod previous;
mod renderer;
mod report;
mod run;
mod trained;
mod verify;

pub use builder::{TrainedModel, Training};
pub(crate) use checkpoint::{Checkpoints, fits_an_optimizer, read_manifest, read_record};
pub(crate) use claim::Claim;
pub(crate) use interrupt::install;
pub(crate) use learning_rate_range::{LearningRateRange, RangeStep, Suggestion, suggest};
pub(crate) use observer::Watch;
pub use observer::{EpochProgress, Observer, SampleProgress, Silent};
pub(crate) use trained::{Trained, checked_report, evaluation, has_ended, options_before};
pub(crate) use verify::{Condition, FolderState, verify};
