//! The current size of errors at each step: decaying means of scores.

use super::size::Size;

/// Half-life of scores, in rows that calibrate.
const HALF_LIFE: f64 = 0.7;
/// Half-life of recent scores in rows, and their power in the scale.
const RECENT: (f64, f64) = (5.0, 0.3);
/// Smallest ratio of recent scores to all.
const SMALLEST: f64 = 0.1;
/// Scores that the growth of the smoothed forecasts counts as.
const GROWTH: f64 = 20.0;
/// Degrees of freedom that the scores of all steps give a step.
const FREEDOM: f64 = 10.0;
/// Scale without scores, in errors of the smoothed forecasts, and its degrees of freedom.
const GUESS: (f64, f64) = (1.3, 2.0);

/// Decaying means of the scores of each step.
#[derive(Debug, Clone)]
pub(super) struct Scale {
    all: Decay,
    recent: Decay,
}

/// The current scale of a step, and its degrees of freedom.
#[derive(Debug, Clone, Copy)]
pub(super) struct StepScale {
    pub(super) size: f64,
    pub(super) freedom: f64,
}

impl Scale {
    /// Without scores; `rows` calibrate.
    pub(super) fn new(horizon: usize, rows: usize) -> Self {
        let decay = |half_life: f64| Decay {
            rate: 0.5f64.powf(1.0 / half_life),
            sums: vec![Sums::default(); horizon],
        };
        Self { all: decay((HALF_LIFE * rows as f64).max(1.0)), recent: decay(RECENT.0) }
    }

    /// Adds the score of a step from an origin, which is not before the last of the step.
    pub(super) fn add(&mut self, origin: usize, step: usize, score: f64) {
        self.all.add(origin, step, score);
        self.recent.add(origin, step, score);
    }

    /// The scale of each step.
    ///
    /// With few scores of a step it follows the growth of errors over all steps. It follows recent
    /// scores in part.
    pub(super) fn steps(&self, size: &Size) -> Vec<StepScale> {
        let growth = &size.growth;
        let all: Vec<(f64, f64)> = self.all.means();
        let total: f64 = all.iter().map(|(_, count)| count).sum();
        if total <= 0.0 {
            let guess = |growth| StepScale { size: GUESS.0 * growth, freedom: GUESS.1 };
            return growth.iter().copied().map(guess).collect();
        }
        let ratio = |means: &[(f64, f64)], sizes: &[f64]| {
            let (mut sum, mut weight) = (0.0, 0.0);
            for ((mean, count), size) in means.iter().zip(sizes) {
                (sum, weight) = (sum + count * mean / size, weight + count);
            }
            sum / f64::max(weight, f64::MIN_POSITIVE)
        };
        let level = ratio(&all, growth);
        let sizes: Vec<f64> = all
            .iter()
            .zip(growth)
            .map(|((mean, count), growth)| {
                (count * mean + GROWTH * level * growth) / (count + GROWTH)
            })
            .collect();
        let recent = ratio(&self.recent.means(), &sizes).max(SMALLEST).powf(RECENT.1);
        let shared = FREEDOM * total / (total + 2.0 * FREEDOM);
        let scale = |((_, count), size): (&(f64, f64), f64)| StepScale {
            size: size * recent,
            freedom: (count + shared).max(GUESS.1),
        };
        all.iter().zip(sizes).map(scale).collect()
    }
}

/// Number of successive errors of a step that overlap as much as one independent error.
///
/// Errors of forecasts `step + 1` rows ahead share rows: their correlations fall on a line.
pub(super) fn overlap(step: usize) -> f64 {
    let ahead = (step + 1) as f64;
    f64::max(1.0, 2.0 * ahead / 3.0 + 1.0 / (3.0 * ahead))
}

/// Decaying sums of each step.
#[derive(Debug, Clone)]
struct Decay {
    /// Factor for each row.
    rate: f64,
    sums: Vec<Sums>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Sums {
    sum: f64,
    weight: f64,
    squares: f64,
    last: usize,
}

impl Decay {
    fn add(&mut self, origin: usize, step: usize, score: f64) {
        let Sums { sum, weight, squares, last } = &mut self.sums[step];
        let factor = self.rate.powf((origin - *last) as f64);
        *sum = *sum * factor + score;
        *weight = *weight * factor + 1.0;
        *squares = *squares * factor * factor + 1.0;
        *last = origin;
    }

    /// The mean of each step, and the number of independent scores.
    ///
    /// See Kish, "Survey Sampling", 1965, for the number of scores of equal weight.
    fn means(&self) -> Vec<(f64, f64)> {
        let mean = |(step, sums): (usize, &Sums)| match sums.weight > 0.0 {
            true => {
                let count = sums.weight * sums.weight / sums.squares;
                (sums.sum / sums.weight, count / overlap(step))
            }
            false => (0.0, 0.0),
        };
        self.sums.iter().enumerate().map(mean).collect()
    }
}
