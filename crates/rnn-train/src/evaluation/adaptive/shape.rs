//! The shape of the distribution of errors: its quantiles in mean sizes.

use super::normal::normal;

/// Errors that the prior counts as.
const PRIOR: f64 = 30.0;
/// Errors that symmetry counts as, and fewest errors of a skewed shape.
const SYMMETRY: (f64, usize) = (300.0, 10);
/// Smallest and largest half of an interval, relative to their mean.
const SIDES: (f64, f64) = (0.1, 2.0);
/// Mean size of a standard normal error.
const NORMAL: f64 = 0.7979;

/// Errors in mean sizes with their weights, sorted.
#[derive(Debug, Clone)]
pub(super) struct Shape {
    sizes: Sorted,
    signed: Sorted,
}

impl Shape {
    /// Takes signed errors in mean sizes, each with its weight.
    pub(super) fn new(errors: Vec<(f64, f64)>) -> Self {
        let sizes = errors.iter().map(|(error, weight)| (error.abs(), *weight)).collect();
        Self { sizes: Sorted::new(sizes), signed: Sorted::new(errors) }
    }

    /// Half of the width of a central interval, in mean sizes.
    pub(super) fn half_width(&self, level: f64) -> f64 {
        // Between the normal and the Laplace distribution.
        let outside = 1.0 - level;
        let prior = 0.5 * (normal(1.0 - outside / 2.0) / NORMAL - outside.ln());
        match self.sizes.quantile(level) {
            None => prior,
            Some(quantile) => {
                let count = self.sizes.weight;
                (count * quantile + PRIOR * prior) / (count + PRIOR)
            }
        }
    }

    /// The factors of the lower and the upper half of an interval.
    pub(super) fn sides(&self, level: f64) -> [f64; 2] {
        let count = self.sizes.weight;
        let Some(both) = self.sizes.quantile(level).filter(|_| self.len() >= SYMMETRY.1) else {
            return [1.0; 2];
        };
        let outside = (1.0 - level) / 2.0;
        let side = |at: f64, sign: f64| {
            let quantile = sign * self.signed.quantile(at).unwrap_or(both);
            let one = (quantile / both.max(f64::MIN_POSITIVE)).clamp(SIDES.0, SIDES.1);
            (count * one + SYMMETRY.0) / (count + SYMMETRY.0)
        };
        [side(outside, -1.0), side(1.0 - outside, 1.0)]
    }

    /// Number of errors.
    fn len(&self) -> usize {
        self.sizes.values.len()
    }
}

/// Values with weights, sorted.
#[derive(Debug, Clone)]
struct Sorted {
    values: Vec<f64>,
    /// Sum of the weights below the middle of each value.
    places: Vec<f64>,
    weight: f64,
}

impl Sorted {
    fn new(mut all: Vec<(f64, f64)>) -> Self {
        all.sort_by(|one, other| one.0.total_cmp(&other.0));
        let mut weight = 0.0;
        let mut places = Vec::with_capacity(all.len());
        for (_, own) in &all {
            places.push(weight + 0.5 * own);
            weight += own;
        }
        Self { values: all.into_iter().map(|(value, _)| value).collect(), places, weight }
    }

    /// The quantile at a fraction, between values on a line; `None` without values.
    fn quantile(&self, fraction: f64) -> Option<f64> {
        let at = fraction * self.weight;
        let after = self.places.partition_point(|place| *place <= at);
        let Some(before) = after.checked_sub(1) else { return self.values.first().copied() };
        let Some(next) = self.values.get(after) else { return self.values.last().copied() };
        let part = (at - self.places[before]) / (self.places[after] - self.places[before]);
        Some(self.values[before] + part * (next - self.values[before]))
    }
}
