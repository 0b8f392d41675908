//! Who is told how a training goes.

use std::{fmt::Display, sync::Arc, time::Duration};

use rnn_models::ModelSummary;

/// Is told how a training goes. Every method does nothing unless it is implemented.
///
/// Messages (what was guessed of the data, which checkpoint a run resumes from) go to the `log`
/// crate instead.
pub trait Observer: Send + Sync {
    /// Training starts; the layers of the model, where its task lists them.
    fn started(&self, _model: Option<&ModelSummary>) {}

    /// Some samples of an epoch are done.
    fn samples(&self, _progress: &SampleProgress<'_>) {}

    /// An epoch has ended.
    fn epoch(&self, _progress: &EpochProgress<'_>) {}

    /// The best weights have been scored, and these files written into the run's folder.
    fn evaluated(&self, _evaluation: &dyn Display, _files: &[String]) {}
}

/// Is told nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Observer for Silent {}

/// Who is told about a run, and who stops it.
pub(crate) struct Watch {
    pub(crate) observer: Arc<dyn Observer>,
    /// Whether burn-train's terminal interface shows the training.
    pub(crate) interface: bool,
    /// Whether Ctrl-C and SIGTERM stop it after a step, with all saved.
    pub(crate) signals: bool,
}

/// How far an epoch is.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct SampleProgress<'a> {
    /// Number of the epoch, from 1.
    pub epoch: usize,
    /// The last epoch of the run.
    pub epochs: usize,
    /// `Train` or `Valid`.
    pub split: &'a str,
    /// Samples that are done.
    pub done: usize,
    /// All samples.
    pub total: usize,
}

/// An epoch that has ended.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct EpochProgress<'a> {
    /// Number of the epoch, from 1.
    pub epoch: usize,
    /// The last epoch of the run.
    pub epochs: usize,
    /// Means of the metrics over the training samples, by name.
    pub train: &'a [(String, f64)],
    /// Means over the validation set; empty where there is none.
    pub valid: &'a [(String, f64)],
    /// Learning rate of the last step, where it changes.
    pub learning_rate: Option<f64>,
    /// Mean duration of the epochs so far.
    pub per_epoch: Duration,
}
