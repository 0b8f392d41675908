//! Ridge regression on standardised inputs with a free constant.

use ndarray::{Array2, ArrayView2, linalg::general_mat_mul};

/// Samples whose products are added at once.
const BLOCK: usize = 128;
/// Variance below which an input is constant but for rounding, as a fraction of its mean square.
const CONSTANT: f64 = 1e-10;

/// Sums over the samples of regressions that share their inputs.
#[derive(Debug)]
pub(super) struct Ridge {
    /// Number of inputs.
    inputs: usize,
    /// Number of inputs and targets.
    width: usize,
    samples: f64,
    sums: Vec<f64>,
    products: Array2<f64>,
    /// Samples that are not in the sums yet, `[samples, width]`.
    block: Vec<f64>,
}

/// The equations of a regression: those of its inputs among all.
struct Equations<'a> {
    target: usize,
    used: &'a [usize],
    /// Products of the target with the inputs.
    products: Vec<f64>,
}

/// A constant and the weight of each input.
pub(super) type Weights = Vec<f64>;

impl Ridge {
    pub(super) fn new(inputs: usize, targets: usize) -> Self {
        let width = inputs + targets;
        Self {
            inputs,
            width,
            samples: 0.0,
            sums: vec![0.0; width],
            products: Array2::zeros((width, width)),
            block: Vec::with_capacity(BLOCK * width),
        }
    }

    /// Adds a sample: its inputs, then its targets.
    pub(super) fn add(&mut self, sample: impl FnOnce(&mut Vec<f64>)) {
        sample(&mut self.block);
        if self.block.len() >= BLOCK * self.width {
            self.flush();
        }
    }

    fn flush(&mut self) {
        let samples = self.block.len() / self.width;
        for sample in self.block.chunks(self.width) {
            self.sums.iter_mut().zip(sample).for_each(|(sum, value)| *sum += value);
        }
        if let Ok(block) = ArrayView2::from_shape((samples, self.width), &self.block) {
            general_mat_mul(1.0, &block.t(), &block, 1.0, &mut self.products);
        }
        self.samples += samples as f64;
        self.block.clear();
    }

    /// The sums over the samples of several regressions without one of them.
    pub(super) fn sum(parts: &mut [Self], without: Option<usize>) -> Self {
        let mut all = Self::new(parts[0].inputs, parts[0].width - parts[0].inputs);
        for (place, part) in parts.iter_mut().enumerate() {
            part.flush();
            if Some(place) != without {
                all.samples += part.samples;
                all.sums.iter_mut().zip(&part.sums).for_each(|(sum, other)| *sum += other);
                all.products += &part.products;
            }
        }
        all
    }

    /// The sum of the squared errors of weights for the first target; all samples are in the sums.
    pub(super) fn error(&self, weights: &Weights) -> f64 {
        let target = self.inputs;
        let mut error = self.products[[target, target]] + weights[0] * weights[0] * self.samples
            - 2.0 * weights[0] * self.sums[target];
        let inputs = weights[1..].iter().enumerate().filter(|(_, weight)| **weight != 0.0);
        for (input, weight) in inputs.clone() {
            let others: f64 =
                inputs.clone().map(|(other, weight)| weight * self.products[[input, other]]).sum();
            error += weight
                * (others + 2.0 * (weights[0] * self.sums[input] - self.products[[input, target]]));
        }
        error
    }

    /// The mean products of the deviations from the means.
    fn covariance(&self, one: usize, other: usize) -> f64 {
        let means = self.sums[one] * self.sums[other] / (self.samples * self.samples);
        self.products[[one, other]] / self.samples - means
    }

    /// Returns the weights of regressions for one penalty, see [`solve_all`](Self::solve_all).
    pub(super) fn solve(
        &mut self,
        penalty: f64,
        wanted: &[(usize, usize)],
    ) -> Option<Vec<Weights>> {
        self.solve_all(&[penalty], wanted)?.pop()
    }

    /// Returns the weights of regressions for each penalty; `wanted` are their targets and numbers
    /// of inputs.
    ///
    /// A penalty is that of inputs with a variance of 1 and of the mean square of errors. The
    /// result is `None` if the equations of one have no solution.
    pub(super) fn solve_all(
        &mut self,
        penalties: &[f64],
        wanted: &[(usize, usize)],
    ) -> Option<Vec<Vec<Weights>>> {
        let of_all = |penalty: &f64| {
            let penalty = *penalty;
            move |_| penalty
        };
        self.solve_each(&penalties.iter().map(of_all).collect::<Vec<_>>(), wanted)
    }

    /// Returns the weights for a penalty of each input; inputs with an infinite one have no weight.
    pub(super) fn solve_with(
        &mut self,
        penalty: impl Fn(usize) -> f64,
        wanted: &[(usize, usize)],
    ) -> Option<Vec<Weights>> {
        self.solve_each(&[penalty], wanted)?.pop()
    }

    fn solve_each<F: Fn(usize) -> f64>(
        &mut self,
        penalties: &[F],
        wanted: &[(usize, usize)],
    ) -> Option<Vec<Vec<Weights>>> {
        self.flush();
        let deviations: Vec<f64> = (0..self.inputs)
            .map(|input| {
                if penalties.iter().all(|penalty| penalty(input).is_infinite()) {
                    return 0.0;
                }
                let (variance, square) =
                    (self.covariance(input, input), self.products[[input, input]] / self.samples);
                if variance > CONSTANT * square { variance.sqrt() } else { 0.0 }
            })
            .collect();
        let used: Vec<usize> = (0..self.inputs).filter(|input| deviations[*input] > 0.0).collect();
        let mut correlations = Vec::with_capacity(used.len() * (used.len() + 1) / 2);
        for (place, row) in used.iter().enumerate() {
            let columns = &used[..=place];
            correlations.extend(columns.iter().map(|column| {
                self.covariance(*row, *column) / (deviations[*row] * deviations[*column])
            }));
        }
        let equations = |(target, inputs): &(usize, usize)| {
            let used = &used[..used.partition_point(|input| input < inputs)];
            let target = self.inputs + target;
            let with = |input: &usize| self.covariance(target, *input) / deviations[*input];
            Equations { target, used, products: used.iter().map(with).collect() }
        };
        let equations: Vec<Equations<'_>> = wanted.iter().map(equations).collect();
        let of_penalty = |penalty: &F| {
            let mut lower = correlations.clone();
            for (row, input) in used.iter().enumerate() {
                lower[start(row) + row] += penalty(*input);
            }
            decompose(&mut lower, used.len())?;
            let weights = |one: &Equations<'_>| {
                let mut solution = one.products.clone();
                substitute(&lower, &mut solution);
                let mut weights = vec![0.0; self.inputs + 1];
                weights[0] = self.sums[one.target] / self.samples;
                for (input, weight) in one.used.iter().zip(solution) {
                    weights[input + 1] = weight / deviations[*input];
                    weights[0] -= weights[input + 1] * self.sums[*input] / self.samples;
                }
                weights.iter().all(|weight| weight.is_finite()).then_some(weights)
            };
            equations.iter().map(weights).collect()
        };
        penalties.iter().map(of_penalty).collect()
    }
}

/// The start of a row of a lower triangle.
fn start(row: usize) -> usize {
    row * (row + 1) / 2
}

fn dot(one: &[f64], other: &[f64]) -> f64 {
    one.iter().zip(other).map(|(one, other)| one * other).sum()
}

/// Cholesky decomposition of a lower triangle, row by row.
fn decompose(lower: &mut [f64], count: usize) -> Option<()> {
    for row in 0..count {
        for column in 0..=row {
            let (of_row, of_column) = (start(row), start(column));
            let (before, after) = lower.split_at(of_row);
            let sum = match column == row {
                true => dot(&after[..column], &after[..column]),
                false => dot(&after[..column], &before[of_column..of_column + column]),
            };
            let rest = lower[of_row + column] - sum;
            lower[of_row + column] = match column == row {
                true if rest > 0.0 => rest.sqrt(),
                true => return None,
                false => rest / lower[of_column + column],
            };
        }
    }
    Some(())
}

/// Solves the equations of the first rows of a decomposed matrix.
fn substitute(lower: &[f64], values: &mut [f64]) {
    let count = values.len();
    for row in 0..count {
        let sum = dot(&lower[start(row)..start(row) + row], &values[..row]);
        values[row] = (values[row] - sum) / lower[start(row) + row];
    }
    for row in (0..count).rev() {
        values[row] /= lower[start(row) + row];
        let value = values[row];
        let of_row = &lower[start(row)..start(row) + row];
        values[..row].iter_mut().zip(of_row).for_each(|(other, weight)| *other -= value * weight);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_are_those_of_standardised_inputs() {
        // The normal equations of standardised inputs, solved with numpy.
        let mut ridge = Ridge::new(2, 1);
        for sample in [[1.0, 2.0, 3.0], [2.0, 1.0, 4.0], [3.0, 5.0, 9.0], [4.0, 3.0, 8.5]] {
            ridge.add(|block| block.extend(sample));
        }
        let weights = ridge.solve(0.5, &[(0, 2)]).unwrap();
        for (weight, expected) in
            weights[0].iter().zip([1.424_492_385_8, 1.104_060_913_7, 0.705_583_756_3])
        {
            assert!((weight - expected).abs() < 1e-9, "{weights:?}");
        }
    }

    #[test]
    fn without_a_penalty_a_plane_is_recovered() {
        let mut ridge = Ridge::new(4, 2);
        for row in 0..500 {
            let inputs = [f64::from(row % 50), f64::from(row * row % 17), 7.0];
            let last = f64::from(row * row * row % 23);
            let plane = 2.0 * inputs[0] - 0.5 * inputs[1] + 3.0;
            ridge.add(|block| block.extend([&inputs[..], &[last, plane + last, plane]].concat()));
        }
        let weights = ridge.solve(1e-9, &[(0, 4), (1, 3)]).unwrap();
        for (weights, last) in weights.iter().zip([1.0, 0.0]) {
            for (weight, expected) in weights.iter().zip([3.0, 2.0, -0.5, 0.0, last]) {
                assert!((weight - expected).abs() < 1e-6, "{weights:?}");
            }
        }
    }
}
