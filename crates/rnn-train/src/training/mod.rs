//! One run: trained, saved, resumed, loaded again.

mod checkpoint;
mod epochs;
mod fit;
mod interrupt;
mod learning_rate_range;
mod lines;
mod metrics;
mod optimizer;
mod trained;

pub(crate) use checkpoint::{Best, Checkpoints, Last, fits_an_optimizer, read_manifest, read_record};
pub(crate) use fit::{Fit, initial};
pub(crate) use interrupt::{Signals, install};
pub(crate) use learning_rate_range::{LearningRateRange, RangeStep, Suggestion, suggest};
pub(crate) use trained::{Trained, evaluation, options_before};
