//! Training progress as lines on stderr.

use std::{
    fmt::Display,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use rnn_models::ModelSummary;

use super::output::{out, progress};
use crate::{
    text::duration,
    training::{EpochProgress, Observer, SampleProgress},
};

/// Shortest interval between lines, except for the first and the last.
const LINE_EVERY: Duration = Duration::from_secs(1);
/// Longest interval without a line inside an epoch.
const INSIDE_EVERY: Duration = Duration::from_secs(10);

/// Prints a training: results to stdout, progress to stderr.
pub(super) struct Lines {
    /// Description of the training, on one line.
    title: String,
    folder: String,
    quiet: bool,
    started: Instant,
    written: Mutex<Option<Instant>>,
}

impl Lines {
    pub(super) fn new(title: String, folder: String, quiet: bool) -> Self {
        Self { title, folder, quiet, started: Instant::now(), written: Mutex::new(None) }
    }

    /// Writes a line if it is due, given the time of the previous one.
    fn write(&self, is_due: impl FnOnce(Option<Instant>) -> bool, line: impl FnOnce() -> String) {
        let mut written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
        if !self.quiet && is_due(*written) {
            progress(line());
            *written = Some(Instant::now());
        }
    }
}

fn place(epoch: usize, epochs: usize) -> String {
    format!("epoch {epoch:>width$}/{epochs}", width = epochs.to_string().len())
}

impl Observer for Lines {
    fn started(&self, model: Option<&ModelSummary>) {
        let model = model.map_or_else(String::new, |model| format!("\n{model}\n"));
        out(format_args!("{}\n{model}", self.title));
    }

    fn samples(&self, progress: &SampleProgress<'_>) {
        let SampleProgress { epoch, epochs, split, done, total, .. } = *progress;
        let is_due =
            |written: Option<Instant>| written.unwrap_or(self.started).elapsed() >= INSIDE_EVERY;
        self.write(is_due, || format!("{}  {split} {done}/{total} samples", place(epoch, epochs)));
    }

    fn epoch(&self, progress: &EpochProgress<'_>) {
        let EpochProgress { epoch, epochs, train, valid, learning_rate, per_epoch, .. } = *progress;
        let is_due = |written: Option<Instant>| {
            epoch == epochs || written.is_none_or(|written| written.elapsed() >= LINE_EVERY)
        };
        self.write(is_due, || {
            let mut line = place(epoch, epochs);
            for (prefix, values) in [("", train), ("valid ", valid)] {
                for (name, value) in values {
                    line += &format!("  {prefix}{}", describe(name, *value));
                }
            }
            if let Some(rate) = learning_rate {
                line += &format!("  rate {rate:.1e}");
            }
            let seconds = per_epoch.as_secs_f64();
            line += &format!("  {}/epoch", duration(seconds));
            if epoch < epochs {
                line += &format!("  ETA {}", duration(seconds * (epochs - epoch) as f64));
            }
            line
        });
    }

    fn evaluated(&self, evaluation: &dyn Display, files: &[String]) {
        out(evaluation);
        out(format_args!("\nwritten to {}: {}", self.folder, files.join("  ")));
    }
}

fn describe(metric: &str, value: f64) -> String {
    match metric {
        "Accuracy" => format!("accuracy {value:>5.1}%"),
        "Loss" => format!("loss {}", number(value)),
        other => format!("{} {}", other.to_lowercase(), number(value)),
    }
}

/// A loss, padded; small ones in scientific notation.
fn number(value: f64) -> String {
    if value != 0.0 && value.abs() < 0.001 {
        format!("{value:.3e}")
    } else {
        format!("{value:<8.5}")
    }
}
