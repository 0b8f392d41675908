//! Learning-rate schedules: Burn's schedulers, and a reduction on plateaus of the loss, which Burn
//! lacks.

use std::{
    fmt,
    str::FromStr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use burn::{
    lr_scheduler::{
        LrScheduler, LrSchedulerConfig, LrSchedulerRecord,
        cosine::CosineAnnealingLrSchedulerConfig, exponential::ExponentialLrSchedulerConfig,
        linear::LinearLrSchedulerConfig, module_lr_scheduler::ModuleLrScheduler,
        sequential::SequentialLrSchedulerConfig, step::StepLrSchedulerConfig,
    },
    optim::LearningRate,
};

use crate::{
    error::{Error, Result},
    text::count,
};

/// A learning-rate schedule; lengths are in epochs.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum RateSchedule {
    /// The same rate at every step.
    Constant,
    /// Cosine annealing to 0, once over the run or with restarts (Loshchilov and Hutter, "SGDR",
    /// ICLR 2017, equation 5).
    Cosine {
        /// Epochs between restarts; none: no restart.
        restart: Option<usize>,
    },
    /// Multiplication by a factor after every `epochs` epochs.
    Step {
        /// Epochs between changes.
        epochs: usize,
        /// Between 0 and 1.
        factor: f64,
    },
    /// Multiplication by a factor over each epoch, spread evenly over its steps.
    Exponential {
        /// Between 0 and 1.
        factor: f64,
    },
    /// Multiplication by a factor after `epochs` epochs without a better loss (Keras
    /// `ReduceLROnPlateau`).
    Plateau {
        /// Epochs without a better loss.
        epochs: usize,
        /// Between 0 and 1.
        factor: f64,
    },
}

/// Most restarts of a cosine: each is a separate scheduler.
const MOST_RESTARTS: usize = 1000;

const EXPECTED: &str = "constant, cosine, cosine:EPOCHS (with restarts), step:EPOCHS:FACTOR, \
                        exponential:FACTOR or plateau:EPOCHS:FACTOR, with whole epochs from 1 and \
                        factors between 0 and 1";

impl FromStr for RateSchedule {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, String> {
        let epochs = |text: &str| text.parse::<usize>().ok().filter(|epochs| *epochs > 0);
        let factor =
            |text: &str| text.parse::<f64>().ok().filter(|factor| *factor > 0.0 && *factor < 1.0);
        let parts: Vec<&str> = text.split(':').collect();
        let parsed = match parts[..] {
            ["constant"] => Some(Self::Constant),
            ["cosine"] => Some(Self::Cosine { restart: None }),
            ["cosine", every] => epochs(every).map(|every| Self::Cosine { restart: Some(every) }),
            ["step", every, by] => {
                epochs(every).zip(factor(by)).map(|(epochs, factor)| Self::Step { epochs, factor })
            }
            ["exponential", by] => factor(by).map(|factor| Self::Exponential { factor }),
            ["plateau", after, by] => epochs(after)
                .zip(factor(by))
                .map(|(epochs, factor)| Self::Plateau { epochs, factor }),
            _ => None,
        };
        parsed.ok_or_else(|| format!("expected {EXPECTED}, got `{text}`"))
    }
}

impl fmt::Display for RateSchedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Constant => f.write_str("constant"),
            Self::Cosine { restart: None } => f.write_str("cosine"),
            Self::Cosine { restart: Some(every) } => write!(f, "cosine:{every}"),
            Self::Step { epochs, factor } => write!(f, "step:{epochs}:{factor}"),
            Self::Exponential { factor } => write!(f, "exponential:{factor}"),
            Self::Plateau { epochs, factor } => write!(f, "plateau:{epochs}:{factor}"),
        }
    }
}

/// The learning rate of a run.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct RateSettings {
    /// The rate at the end of the warm-up and at the start of the schedule.
    pub(crate) rate: f64,
    pub(crate) schedule: RateSchedule,
    /// Epochs of linear warm-up from near 0 (Goyal et al., "Accurate, Large Minibatch SGD", 2017,
    /// section 2.2).
    pub(crate) warmup: f64,
}

/// The epochs and steps of a run.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Span {
    pub(crate) first_epoch: usize,
    pub(crate) last_epoch: usize,
    pub(crate) steps_per_epoch: usize,
}

impl RateSettings {
    /// Returns an error if a run of `epochs` epochs is too short for the schedule.
    pub(crate) fn check(&self, epochs: usize) -> Result<()> {
        let Self { schedule, warmup, .. } = self;
        let run = count(epochs, "epoch");
        let too_long = |what: String| {
            Err(Error::Usage(format!(
                "{what}, too long for a run of {run} (use more --epochs or a shorter schedule)"
            )))
        };
        if *warmup >= epochs as f64 {
            return too_long(format!("--warmup {warmup}: the warm-up takes {warmup} epochs"));
        }
        let left = epochs as f64 - warmup;
        match *schedule {
            RateSchedule::Cosine { restart: Some(every) } if every as f64 > left => {
                too_long(format!(
                    "--schedule {schedule}: the first cycle takes {every} epochs{}",
                    after(*warmup)
                ))
            }
            RateSchedule::Cosine { restart: Some(every) }
                if left / every as f64 > MOST_RESTARTS as f64 =>
            {
                Err(Error::Usage(format!(
                    "--schedule {schedule}: {:.0} restarts in {run}, at most {MOST_RESTARTS} are \
                     supported (use longer cycles)",
                    left / every as f64
                )))
            }
            RateSchedule::Step { epochs: every, .. } if every as f64 >= left => too_long(format!(
                "--schedule {schedule}: the first change comes after {every} epochs{}",
                after(*warmup)
            )),
            RateSchedule::Plateau { epochs: every, .. } if every >= epochs => {
                too_long(format!("--schedule {schedule}: the schedule waits {every} epochs"))
            }
            // Report errors of Burn's schedulers before anything is written.
            _ => self
                .build(Span { first_epoch: 1, last_epoch: epochs, steps_per_epoch: 1 })
                .map(drop),
        }
    }

    /// True if the rate changes during the run.
    pub(crate) fn changes(&self) -> bool {
        self.warmup > 0.0 || self.schedule != RateSchedule::Constant
    }

    /// The scheduler of a run.
    ///
    /// # Errors
    ///
    /// If Burn's scheduler rejects the rate.
    pub(crate) fn build(&self, span: Span) -> Result<(RunScheduler, Arc<Rates>)> {
        let Span { first_epoch, last_epoch, steps_per_epoch } = span;
        let steps = (last_epoch + 1 - first_epoch) * steps_per_epoch;
        let warmup =
            ((self.warmup * steps_per_epoch as f64).round() as usize).min(steps.saturating_sub(1));
        let mut parts: Vec<LrSchedulerConfig> = Vec::new();
        let mut starts = Vec::new();
        if warmup > 0 {
            // The increment of the warm-up equals its first rate, as if the rate started at 0.
            let first = self.rate / (warmup + 1) as f64;
            parts.push(LinearLrSchedulerConfig::new(first, self.rate, warmup).into());
        }
        let mut add = |at: usize, part: LrSchedulerConfig| {
            if at > 0 {
                starts.push(at);
            }
            parts.push(part);
        };
        match self.schedule {
            RateSchedule::Constant | RateSchedule::Plateau { .. } => {
                add(warmup, LrSchedulerConfig::Constant(self.rate))
            }
            RateSchedule::Step { epochs, factor } => {
                add(
                    warmup,
                    StepLrSchedulerConfig::new(self.rate, epochs * steps_per_epoch)
                        .with_gamma(factor)
                        .into(),
                );
            }
            RateSchedule::Exponential { factor } => {
                let each = factor.powf(1.0 / steps_per_epoch as f64);
                add(warmup, ExponentialLrSchedulerConfig::new(self.rate, each).into());
            }
            RateSchedule::Cosine { restart } => {
                let length = restart.map_or(steps - warmup, |epochs| epochs * steps_per_epoch);
                (warmup..steps).step_by(length).for_each(|at| {
                    add(at, CosineAnnealingLrSchedulerConfig::new(self.rate, length).into())
                });
            }
        }
        let scheduler = SequentialLrSchedulerConfig::new(parts, starts).init();
        let scheduler = scheduler.map_err(|problem| {
            Error::Usage(format!("--schedule {} with rate {}: {problem}", self.schedule, self.rate))
        })?;
        let plateau = match self.schedule {
            RateSchedule::Plateau { epochs, factor } => Some((epochs, factor)),
            _ => None,
        };
        let rates = Arc::new(Rates {
            plateau,
            state: Mutex::new(RateState {
                rate: self.rate,
                factor: 1.0,
                lowest: f64::INFINITY,
                waited: 0,
            }),
        });
        Ok((RunScheduler { scheduler, span, rates: rates.clone() }, rates))
    }
}

fn after(warmup: f64) -> String {
    if warmup > 0.0 { format!(" after a warm-up of {warmup}") } else { String::new() }
}

/// State shared by the scheduler, the log and the plateau check of a run.
#[derive(Debug)]
pub(crate) struct Rates {
    /// Epochs without a better loss, and the factor applied then.
    plateau: Option<(usize, f64)>,
    state: Mutex<RateState>,
}

#[derive(Debug, Clone, Copy)]
struct RateState {
    /// Rate of the last step.
    rate: LearningRate,
    /// Product of the factors of all plateaus.
    factor: f64,
    /// Lowest loss so far.
    lowest: f64,
    /// Epochs since the lowest loss or the last plateau.
    waited: usize,
}

impl Rates {
    /// The rate of the last step.
    pub(crate) fn last(&self) -> LearningRate {
        self.state().rate
    }

    /// Updates the plateau state with the loss of a finished epoch.
    pub(crate) fn judge(&self, loss: f64) {
        let Some((epochs, factor)) = self.plateau else { return };
        let mut state = self.state();
        if loss < state.lowest {
            (state.lowest, state.waited) = (loss, 0);
            return;
        }
        state.waited += 1;
        if state.waited >= epochs {
            (state.factor, state.waited) = (state.factor * factor, 0);
        }
    }

    fn state(&self) -> MutexGuard<'_, RateState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The scheduler of one run. A later run in the same folder starts with a new one.
#[derive(Clone)]
pub(crate) struct RunScheduler {
    scheduler: ModuleLrScheduler,
    span: Span,
    rates: Arc<Rates>,
}

impl LrScheduler for RunScheduler {
    fn step(&mut self) -> LearningRate {
        let rate = self.scheduler.step().base();
        let mut state = self.rates.state();
        state.rate = rate * state.factor;
        state.rate
    }

    fn to_record(&self) -> LrSchedulerRecord {
        let state = *self.rates.state();
        let record = LrSchedulerRecord::new()
            .with_scalar("first_epoch", self.span.first_epoch as u64)
            .with_scalar("last_epoch", self.span.last_epoch as u64)
            .with_scalar("rate", state.rate)
            .with_scalar("factor", state.factor)
            .with_scalar("lowest", state.lowest)
            .with_scalar("waited", state.waited as u64);
        record.with_record("burn", self.scheduler.to_record())
    }

    fn load_record(&mut self, record: LrSchedulerRecord) {
        let number = |name: &str| record.scalar::<u64>(name).map(|number| number as usize);
        if (number("first_epoch"), number("last_epoch"))
            != (Some(self.span.first_epoch), Some(self.span.last_epoch))
        {
            return;
        }
        self.scheduler = self.scheduler.clone().load_record(record.record("burn"));
        let mut state = self.rates.state();
        state.rate = record.scalar("rate").unwrap_or(state.rate);
        state.factor = record.scalar("factor").unwrap_or(state.factor);
        state.lowest = record.scalar("lowest").unwrap_or(state.lowest);
        state.waited = number("waited").unwrap_or(state.waited);
    }
}

#[cfg(test)]
mod tests;
