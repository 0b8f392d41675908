//! Weights of several forecasts, from their errors on the validation rows.

/// Steps ahead at which a new group begins; the steps of a group share their weights.
const GROUPS: [usize; 9] = [0, 1, 3, 8, 20, 48, 120, 336, 1000];
/// Power of the mean absolute error in the weight of a penalty.
const PENALTIES: i32 = -50;
/// Power of the mean absolute error in the weight that a forecast starts from.
const FORECASTS: i32 = -4;
/// Strength with which weights are held at those they start from.
const SHRINKAGE: f64 = 2.0;
/// Number of gradient steps.
const STEPS: usize = 400;

/// The steps ahead of each group.
pub(super) fn groups(horizon: usize) -> Vec<std::ops::Range<usize>> {
    let ends = GROUPS[1..].iter().copied().chain([usize::MAX]);
    GROUPS
        .into_iter()
        .zip(ends)
        .filter(|(start, _)| *start < horizon)
        .map(|(start, end)| start..end.min(horizon))
        .collect()
}

/// Weights that are nearly 1 for the smallest of mean absolute errors.
pub(super) fn sharp(errors: &[f64], smallest: f64) -> Vec<f64> {
    let mut weights = powers(errors, smallest, PENALTIES);
    for weight in &mut weights {
        if *weight < 0.01 {
            *weight = 0.0;
        }
    }
    normalised(weights)
}

fn powers(errors: &[f64], smallest: f64, power: i32) -> Vec<f64> {
    let least = errors.iter().copied().fold(f64::INFINITY, f64::min).max(smallest);
    errors.iter().map(|error| (error.max(smallest) / least).powi(power)).collect()
}

fn normalised(mut weights: Vec<f64>) -> Vec<f64> {
    let sum: f64 = weights.iter().sum();
    weights.iter_mut().for_each(|weight| *weight /= sum);
    weights
}

/// Weights of forecasts that make the mean square of the weighted errors small.
///
/// They are not negative and have a sum of 1. They are held near powers of the mean absolute
/// errors, the nearer the fewer errors are independent. `deviation` is that of the values.
///
/// # Shapes
///
/// - `errors`: `[forecasts][errors]`
pub(super) fn weights(errors: &[Vec<f64>], independent: f64, deviation: f64) -> Vec<f64> {
    let count = errors[0].len() as f64;
    let absolute: Vec<f64> =
        errors.iter().map(|one| one.iter().map(|error| error.abs()).sum::<f64>() / count).collect();
    let start = normalised(powers(&absolute, 1e-6 * deviation, FORECASTS));
    let products: Vec<Vec<f64>> = errors
        .iter()
        .map(|one| {
            let with = |other: &Vec<f64>| {
                one.iter().zip(other).map(|(one, other)| one * other).sum::<f64>() / count
            };
            errors.iter().map(with).collect()
        })
        .collect();
    let usual: f64 =
        start.iter().enumerate().map(|(place, weight)| weight * products[place][place]).sum();
    let held = SHRINKAGE * usual / independent.sqrt() + 1e-12 * deviation * deviation;
    let steepest =
        products.iter().map(|row| row.iter().map(|one| one.abs()).sum()).fold(0.0, f64::max) + held;
    let mut weights = start.clone();
    for _ in 0..STEPS {
        let next = products.iter().zip(&weights).zip(&start).map(|((row, weight), start)| {
            let slope: f64 = row.iter().zip(&weights).map(|(one, other)| one * other).sum();
            weight - (slope + held * (weight - start)) / steepest
        });
        weights = on_simplex(&next.collect::<Vec<_>>());
    }
    weights
}

/// The nearest weights that are not negative and have a sum of 1.
///
/// See Duchi et al., "Efficient projections onto the l1-ball for learning in high dimensions",
/// ICML 2008.
fn on_simplex(values: &[f64]) -> Vec<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(|one, other| other.total_cmp(one));
    let (mut sum, mut excess) = (-1.0, 0.0);
    for (place, value) in sorted.iter().enumerate() {
        sum += value;
        let mean = sum / (place + 1) as f64;
        if *value > mean {
            excess = mean;
        }
    }
    values.iter().map(|value| (value - excess).max(0.0)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_grouped() {
        assert_eq!(groups(2), [0..1, 1..2]);
        assert_eq!(groups(12), [0..1, 1..3, 3..8, 8..12]);
        assert_eq!(groups(2000).last(), Some(&(1000..2000)));
    }

    #[test]
    fn a_good_forecast_has_most_of_the_weight() {
        let noise = |row: usize| (row as f64 * 12.9898).sin();
        let good: Vec<f64> = (0..400).map(noise).collect();
        let bad: Vec<f64> = (0..400).map(|row| 5.0 * noise(row + 7)).collect();
        let all = weights(&[bad.clone(), good.clone()], 400.0, 10.0);
        assert!(all[1] > 0.8 && (all[0] + all[1] - 1.0).abs() < 1e-9, "{all:?}");
        let few = weights(&[bad, good.iter().map(|error| 4.0 * error).collect()], 2.0, 10.0);
        assert!((0.3..0.7).contains(&few[0]), "{few:?}");
        assert_eq!(sharp(&[1.0, 1.0, 2.0], 1e-9), [0.5, 0.5, 0.0]);
        assert_eq!(sharp(&[0.0, 0.0], 1e-9), [0.5, 0.5], "perfect forecasts");
    }
}
