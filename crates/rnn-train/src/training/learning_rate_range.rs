//! The learning rate range test: a short training run whose rate rises with every step.
//!
//! See Smith, "Cyclical learning rates for training neural networks", WACV 2017, section 3.3.

use std::time::{Duration, Instant};

use burn::{module::Module, tensor::Device, train::TrainStep};
use serde::Serialize;

use super::fit::initial;
use crate::{
    error::{Error, Result},
    settings::TrainSettings,
    task::{Batching, Objective, Task},
    text::{PROGRESS, duration, number},
};

/// The range of learning rates and the number of steps.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LearningRateRange {
    pub(crate) lowest: f64,
    pub(crate) highest: f64,
    pub(crate) steps: usize,
}

/// A step of the test.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(crate) struct RangeStep {
    pub(crate) step: usize,
    pub(crate) learning_rate: f64,
    /// Loss of the step's samples before the update.
    pub(crate) loss: f64,
    /// Exponentially weighted mean of the losses so far.
    pub(crate) smoothed: f64,
}

/// The suggested learning rate, with the reason.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Suggestion {
    pub(crate) learning_rate: Option<f64>,
    pub(crate) reason: String,
}

/// Minimum number of steps for a suggestion.
const FEWEST: usize = 5;
/// Weight of the previous mean in the smoothed loss.
const SMOOTHING: f64 = 0.9;
/// The test ends if the smoothed loss exceeds the lowest by this factor.
const TOO_HIGH: f64 = 4.0;
/// Changes below this fraction of the loss are ignored, even without noise.
const NOTABLE: f64 = 0.03;
const LOG_INTERVAL: Duration = Duration::from_secs(2);

impl LearningRateRange {
    /// The rate of a step, counted from 0.
    fn rate(&self, step: usize) -> f64 {
        self.lowest
            * (self.highest / self.lowest).powf(step as f64 / (self.steps - 1).max(1) as f64)
    }

    /// Trains a new model, which is then discarded.
    pub(crate) fn run<T: Task>(
        &self,
        task: &T,
        settings: &TrainSettings,
        device: &Device,
        quiet: bool,
    ) -> Result<Vec<RangeStep>>
    where
        T::Model: Objective + TrainStep<Input = T::Batch, Output = <T::Model as Objective>::Output>,
    {
        let device = device.clone().autodiff();
        let mut model = initial(task, settings.seed).fork(&device);
        let mut optimizer = settings.optimizer.build();
        let batching = Batching {
            batch_size: settings.batch_size,
            seed: settings.seed,
            first_epoch: 1,
            steps_done: 0,
        };
        let loader = task.loaders(batching, &device).train;
        let mut points: Vec<RangeStep> = Vec::with_capacity(self.steps);
        let (mut mean, mut lowest) = (0.0, f64::INFINITY);
        let (started, mut logged) = (Instant::now(), Instant::now());
        while points.len() < self.steps {
            for batch in loader.iter() {
                let batch = batch.map_err(|error| Error::Training(error.to_string()))?;
                let step = points.len();
                if step == self.steps {
                    break;
                }
                let output = TrainStep::step(&model, batch);
                let loss =
                    <T::Model as Objective>::losses(&output.item).mean().into_scalar::<f64>();
                mean = SMOOTHING * mean + (1.0 - SMOOTHING) * loss;
                let smoothed = mean / (1.0 - SMOOTHING.powi(step as i32 + 1));
                if !smoothed.is_finite() || smoothed > TOO_HIGH * lowest {
                    return Ok(points);
                }
                lowest = smoothed.min(lowest);
                points.push(RangeStep {
                    step: step + 1,
                    learning_rate: self.rate(step),
                    loss,
                    smoothed,
                });
                model = model.optimize(&mut optimizer, self.rate(step).into(), output.grads);
                if !quiet && logged.elapsed() >= LOG_INTERVAL {
                    logged = Instant::now();
                    let left = started.elapsed().as_secs_f64() / (step + 1) as f64
                        * (self.steps - step - 1) as f64;
                    let (steps, rate) = (self.steps, self.rate(step));
                    log::info!(target: PROGRESS,
                        "step {}/{steps}  rate {rate:.1e}  loss {}  ETA {}",
                        step + 1,
                        number(smoothed),
                        duration(left)
                    );
                }
            }
        }
        Ok(points)
    }
}

/// Suggests a tenth of the rate with the lowest loss, if the loss falls by more than its noise.
pub(crate) fn suggest(points: &[RangeStep]) -> Suggestion {
    let none = |reason: String| Suggestion { learning_rate: None, reason };
    // Skip the first losses: their smoothed values average few steps.
    let points = &points[(points.len() / 10).min(10)..];
    let by_loss =
        |one: &usize, other: &usize| points[*one].smoothed.total_cmp(&points[*other].smoothed);
    let Some(lowest) = (0..points.len()).min_by(by_loss) else {
        return none(
            "the loss is not finite from the first step (use a smaller --lowest)".to_owned(),
        );
    };
    if points.len() < FEWEST {
        return none(format!(
            "the loss had risen too far after {} steps (use a smaller --lowest)",
            points.len()
        ));
    }
    let (first, least) = (points[0].smoothed, points[lowest].smoothed);
    let noise =
        points[..=lowest].iter().map(|point| (point.loss - point.smoothed).abs()).sum::<f64>()
            / (lowest + 1) as f64;
    let notable = noise.max(NOTABLE * first);
    let rises = points[lowest..]
        .iter()
        .find(|point| point.smoothed > first + notable)
        .map(|point| significant(point.learning_rate));
    match (first - least > notable, rises) {
        (true, _) => {
            let rate = points[lowest].learning_rate;
            let (first, least) = (number(first), number(least));
            let beyond = rises.map_or_else(String::new, |rises| {
                format!(". From {rises} on, the loss is higher than at the start")
            });
            let reason = if lowest + 1 == points.len() && rises.is_none() {
                format!(
                    "the loss falls from {first} to {least} at {}, the highest rate. A tenth of \
                     that rate trains fast (use a larger --highest to see where training diverges)",
                    significant(rate)
                )
            } else {
                format!(
                    "the loss falls from {first} to its minimum of {least} at {}. A tenth of that \
                     rate trains fast and stays clear of divergence{beyond}",
                    significant(rate)
                )
            };
            Suggestion { learning_rate: Some(significant(rate / 10.0)), reason }
        }
        (false, rises) => {
            let rises = rises.map_or_else(
                || "it does not rise".to_owned(),
                |rises| format!("it rises from {rises} on"),
            );
            none(format!(
                "the loss falls by no more than its noise ({}), and {rises}: the test is too short \
                 to suggest a rate (use `search` to compare full training runs)",
                number(noise)
            ))
        }
    }
}

/// A rate with two significant digits.
fn significant(rate: f64) -> f64 {
    format!("{rate:.1e}").parse().unwrap_or(rate)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn points(loss: impl Fn(f64) -> f64) -> Vec<RangeStep> {
        let test = LearningRateRange { lowest: 1e-6, highest: 1.0, steps: 121 };
        (0..121)
            .map(|step| (step, test.rate(step)))
            .map(|(step, rate)| RangeStep {
                step: step + 1,
                learning_rate: rate,
                loss: loss(rate),
                smoothed: loss(rate),
            })
            .collect()
    }

    #[test]
    fn rates_rise_by_the_same_factor() {
        let test = LearningRateRange { lowest: 1e-4, highest: 1.0, steps: 5 };
        for (step, rate) in [1e-4, 1e-3, 1e-2, 1e-1, 1.0].into_iter().enumerate() {
            assert!((test.rate(step) / rate - 1.0).abs() < 1e-12);
        }
    }

    #[test]
    fn a_tenth_of_the_rate_of_the_lowest_loss_is_suggested() {
        let suggestion = suggest(&points(|rate| {
            1.0 - 0.8 / (1.0 + (1e-3 / rate).powi(2)) + 10.0 * (rate - 0.1).max(0.0)
        }));
        assert_eq!(suggestion.learning_rate, Some(0.01), "{suggestion:?}");
        assert!(
            suggestion.reason.contains("From 0.2 on, the loss is higher than at the start"),
            "{suggestion:?}"
        );
    }

    #[test]
    fn a_loss_that_never_falls_gives_no_suggestion() {
        let suggestion = suggest(&points(|rate| if rate < 0.0099 { 1.0 } else { 2.0 }));
        assert_eq!(suggestion.learning_rate, None);
        assert!(
            suggestion.reason.contains("it rises from 0.01 on: the test is too short"),
            "{suggestion:?}"
        );
        assert_eq!(suggest(&points(|_| 1.0)).learning_rate, None);
        assert_eq!(suggest(&[]).learning_rate, None);
    }

    #[test]
    fn a_fall_within_the_noise_gives_no_suggestion() {
        let mut noisy = points(|rate| 1.0 - 0.05 * rate);
        noisy
            .iter_mut()
            .for_each(|point| point.loss += if point.step % 2 == 0 { 0.2 } else { -0.2 });
        assert_eq!(suggest(&noisy).learning_rate, None);
    }
}
