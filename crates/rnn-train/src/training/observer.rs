//! Receives the progress of training.

use std::{fmt::Display, sync::Arc, time::Duration};

use rnn_models::ModelSummary;

/// Receives the progress of training. Methods do nothing by default.
///
/// Messages, such as the detected columns or the checkpoint to resume from, go to the `log` crate.
pub trait Observer: Send + Sync {
    /// Training starts. `model` lists the layers, if the task can list them.
    fn started(&self, _model: Option<&ModelSummary>) {}

    /// Some samples of an epoch have been processed.
    fn samples(&self, _progress: &SampleProgress<'_>) {}

    /// An epoch has ended.
    fn epoch(&self, _progress: &EpochProgress<'_>) {}

    /// The best weights have been scored, and `files` written to the run folder.
    fn evaluated(&self, _evaluation: &dyn Display, _files: &[String]) {}
}

/// An observer that does nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Observer for Silent {}

/// What observes a run, and what may stop it.
pub(crate) struct Watch {
    pub(crate) observer: Arc<dyn Observer>,
    /// Whether burn-train's terminal interface shows the training.
    pub(crate) interface: bool,
    /// Whether Ctrl-C and SIGTERM stop the run after a step, with its state saved.
    pub(crate) signals: bool,
}

/// Progress within an epoch.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct SampleProgress<'a> {
    /// Number of the epoch, counted from 1.
    pub epoch: usize,
    /// Number of the last epoch of the run.
    pub epochs: usize,
    /// `Train` or `Valid`.
    pub split: &'a str,
    /// Number of processed samples.
    pub done: usize,
    /// Number of all samples.
    pub total: usize,
}

/// Results of an epoch.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct EpochProgress<'a> {
    /// Number of the epoch, counted from 1.
    pub epoch: usize,
    /// Number of the last epoch of the run.
    pub epochs: usize,
    /// Means of the metrics over the training samples, by name.
    pub train: &'a [(String, f64)],
    /// Means over the validation set; empty without a validation set.
    pub valid: &'a [(String, f64)],
    /// Learning rate of the last step, if the schedule changes it.
    pub learning_rate: Option<f64>,
    /// Mean duration of the epochs so far.
    pub per_epoch: Duration,
}
