//! Training progress as plain lines, for pipes, logs and those who prefer them; burn-train's own non-terminal renderer
//! prints no numbers.

use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, Instant},
};

use burn::train::{
    logger::{EvaluationProgressLogger, TrainingProgressLogger},
    metric::{MetricDefinition, MetricId, NumericEntry},
    renderer::{EvaluationName, MetricState, MetricsRenderer, MetricsRendererEvaluation, MetricsRendererTraining},
};

use crate::{
    console::{duration, note},
    settings::Rates,
};

/// LineRenderer are at least this far apart, except for the first and the last.
const LINE_EVERY: Duration = Duration::from_secs(1);
/// Inside an epoch a line comes when nothing was written for this long.
const INSIDE_EVERY: Duration = Duration::from_secs(10);

/// Renders training as lines on stderr, or not at all.
pub(crate) struct LineRenderer {
    quiet: bool,
    validates: bool,
    /// Where the learning rate changes.
    rates: Option<Arc<Rates>>,
    names: HashMap<MetricId, String>,
    train: Vec<(String, f64)>,
    valid: Vec<(String, f64)>,
    first: usize,
    last: usize,
    epoch: usize,
    started: Instant,
    written: Option<Instant>,
    split: (String, usize),
}

impl LineRenderer {
    pub(crate) fn new(quiet: bool, validates: bool, rates: Option<Arc<Rates>>) -> Self {
        Self {
            quiet,
            validates,
            rates,
            names: HashMap::new(),
            train: Vec::new(),
            valid: Vec::new(),
            first: 1,
            last: 1,
            epoch: 1,
            started: Instant::now(),
            written: None,
            split: (String::new(), 0),
        }
    }

    fn is_due(&self, interval: Duration) -> bool {
        !self.quiet && self.written.is_none_or(|written| written.elapsed() >= interval)
    }

    fn write(&mut self, line: &str) {
        note(line);
        self.written = Some(Instant::now());
    }

    fn place(&self, epoch: usize) -> String {
        format!("epoch {epoch:>width$}/{}", self.last, width = self.last.to_string().len())
    }

    fn take(values: &mut Vec<(String, f64)>, names: &HashMap<MetricId, String>, state: MetricState) {
        if let MetricState::Numeric(entry, Some(NumericEntry::Final(value))) = state
            && let Some(name) = names.get(&entry.metric_id)
        {
            values.retain(|(known, _)| known != name);
            values.push((name.clone(), value));
        }
    }
}

impl MetricsRendererTraining for LineRenderer {
    fn update_train(&mut self, state: MetricState) {
        Self::take(&mut self.train, &self.names, state);
    }

    fn update_valid(&mut self, state: MetricState) {
        if self.validates {
            Self::take(&mut self.valid, &self.names, state);
        }
    }
}

impl TrainingProgressLogger for LineRenderer {
    fn start(&mut self, total_epochs: usize, starting_epoch: usize, _total_items: Option<usize>, _label: Option<&str>) {
        (self.first, self.last, self.epoch) = (starting_epoch, total_epochs, starting_epoch);
        self.started = Instant::now();
    }

    fn update_epoch(&mut self, epoch: usize) {
        self.epoch = epoch + 1;
        if !self.quiet && (epoch == self.last || self.is_due(LINE_EVERY)) {
            let done = (epoch + 1 - self.first) as f64;
            let per_epoch = self.started.elapsed().as_secs_f64() / done;
            let mut line = self.place(epoch);
            for (part, values) in [("", &self.train), ("valid ", &self.valid)] {
                for (name, value) in values {
                    line += &format!("  {part}{}", describe(name, *value));
                }
            }
            if let Some(rates) = &self.rates {
                line += &format!("  rate {:.1e}", rates.last());
            }
            line += &format!("  {}/epoch", duration(per_epoch));
            if epoch < self.last {
                line += &format!("  ETA {}", duration(per_epoch * (self.last - epoch) as f64));
            }
            self.write(&line);
        }
    }

    fn start_split(&mut self, split: &str, total_items: usize) {
        self.split = (split.to_owned(), total_items);
    }

    fn update_split(&mut self, items_processed: usize) {
        let since = self.written.unwrap_or(self.started);
        if !self.quiet && since.elapsed() >= INSIDE_EVERY {
            let (split, total) = &self.split;
            let line = format!("{}  {split} {items_processed}/{total} samples", self.place(self.epoch));
            self.write(&line);
        }
    }

    fn end_split(&mut self) {}

    fn end(&mut self) {}

    fn log_event_training(&mut self, _event: String) {}
}

impl MetricsRenderer for LineRenderer {
    fn manual_close(&mut self) {}

    fn register_metric(&mut self, definition: MetricDefinition) {
        self.names.insert(definition.metric_id, definition.name.to_string());
    }
}

// burn-train asks every renderer to render evaluations too; training never makes one.
impl MetricsRendererEvaluation for LineRenderer {
    fn update_test(&mut self, _name: EvaluationName, _state: MetricState) {}
}

impl EvaluationProgressLogger for LineRenderer {
    fn start_global_progress(&mut self, _total_tests: usize) {}
    fn start_test(&mut self, _name: &str, _total_items: usize) {}
    fn update_test_progress(&mut self, _items_processed: usize) {}
    fn end_test(&mut self) {}
    fn end_global_progress(&mut self) {}
    fn log_event_evaluation(&mut self, _event: String) {}
}

fn describe(metric: &str, value: f64) -> String {
    match metric {
        "Accuracy" => format!("accuracy {value:>5.1}%"),
        "Loss" => format!("loss {}", number(value)),
        other => format!("{} {}", other.to_lowercase(), number(value)),
    }
}

/// A loss, aligned; small ones in scientific notation.
fn number(value: f64) -> String {
    if value != 0.0 && value.abs() < 0.001 { format!("{value:.3e}") } else { format!("{value:<8.5}") }
}
