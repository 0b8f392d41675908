//! A burn-train renderer that calls an [`Observer`].

use std::{collections::HashMap, sync::Arc, time::Instant};

use burn::train::{
    logger::{EvaluationProgressLogger, TrainingProgressLogger},
    metric::{MetricDefinition, MetricId, NumericEntry},
    renderer::{
        EvaluationName, MetricState, MetricsRenderer, MetricsRendererEvaluation,
        MetricsRendererTraining,
    },
};

use super::observer::{EpochProgress, Observer, SampleProgress};
use crate::settings::Rates;

/// Passes burn-train's progress to an observer.
pub(crate) struct ObserverRenderer {
    observer: Arc<dyn Observer>,
    validates: bool,
    /// Set if the learning rate changes.
    rates: Option<Arc<Rates>>,
    names: HashMap<MetricId, String>,
    train: Vec<(String, f64)>,
    valid: Vec<(String, f64)>,
    first: usize,
    last: usize,
    epoch: usize,
    started: Instant,
    split: (String, usize),
}

impl ObserverRenderer {
    pub(crate) fn new(
        observer: Arc<dyn Observer>,
        validates: bool,
        rates: Option<Arc<Rates>>,
    ) -> Self {
        Self {
            observer,
            validates,
            rates,
            names: HashMap::new(),
            train: Vec::new(),
            valid: Vec::new(),
            first: 1,
            last: 1,
            epoch: 1,
            started: Instant::now(),
            split: (String::new(), 0),
        }
    }

    fn take(
        values: &mut Vec<(String, f64)>,
        names: &HashMap<MetricId, String>,
        state: MetricState,
    ) {
        if let MetricState::Numeric(entry, Some(NumericEntry::Final(value))) = state
            && let Some(name) = names.get(&entry.metric_id)
        {
            values.retain(|(known, _)| known != name);
            values.push((name.clone(), value));
        }
    }
}

impl MetricsRendererTraining for ObserverRenderer {
    fn update_train(&mut self, state: MetricState) {
        Self::take(&mut self.train, &self.names, state);
    }

    fn update_valid(&mut self, state: MetricState) {
        if self.validates {
            Self::take(&mut self.valid, &self.names, state);
        }
    }
}

impl TrainingProgressLogger for ObserverRenderer {
    fn start(
        &mut self,
        total_epochs: usize,
        starting_epoch: usize,
        _total_items: Option<usize>,
        _label: Option<&str>,
    ) {
        (self.first, self.last, self.epoch) = (starting_epoch, total_epochs, starting_epoch);
        self.started = Instant::now();
    }

    fn update_epoch(&mut self, epoch: usize) {
        self.epoch = epoch + 1;
        let done = u32::try_from(epoch + 1 - self.first).unwrap_or(u32::MAX);
        self.observer.epoch(&EpochProgress {
            epoch,
            epochs: self.last,
            train: &self.train,
            valid: &self.valid,
            learning_rate: self.rates.as_ref().map(|rates| rates.last()),
            per_epoch: self.started.elapsed() / done.max(1),
        });
    }

    fn start_split(&mut self, split: &str, total_items: usize) {
        self.split = (split.to_owned(), total_items);
    }

    fn update_split(&mut self, items_processed: usize) {
        let (split, total) = &self.split;
        let (epoch, epochs, split, total) = (self.epoch, self.last, split.as_str(), *total);
        self.observer.samples(&SampleProgress {
            epoch,
            epochs,
            split,
            done: items_processed,
            total,
        });
    }

    fn end_split(&mut self) {}

    fn end(&mut self) {}

    fn log_event_training(&mut self, _event: String) {}
}

impl MetricsRenderer for ObserverRenderer {
    fn manual_close(&mut self) {}

    fn register_metric(&mut self, definition: MetricDefinition) {
        self.names.insert(definition.metric_id, definition.name.to_string());
    }
}

// burn-train requires this trait of every renderer; training has no evaluations.
impl MetricsRendererEvaluation for ObserverRenderer {
    fn update_test(&mut self, _name: EvaluationName, _state: MetricState) {}
}

impl EvaluationProgressLogger for ObserverRenderer {
    fn start_global_progress(&mut self, _total_tests: usize) {}
    fn start_test(&mut self, _name: &str, _total_items: usize) {}
    fn update_test_progress(&mut self, _items_processed: usize) {}
    fn end_test(&mut self) {}
    fn end_global_progress(&mut self) {}
    fn log_event_evaluation(&mut self, _event: String) {}
}
