//! Ridge regression on standardised inputs with a free constant.

/// Sums over the samples of a regression.
#[derive(Debug, Clone)]
pub(super) struct Ridge {
    /// Number of inputs.
    width: usize,
    samples: f64,
    /// Sums of the inputs, and of the targets at the end.
    sums: Vec<f64>,
    /// Sums of products of inputs, the lower triangle row by row; the last row is that of targets.
    products: Vec<f64>,
}

impl Ridge {
    pub(super) fn new(width: usize) -> Self {
        let rows = width + 1;
        Self {
            width,
            samples: 0.0,
            sums: vec![0.0; rows],
            products: vec![0.0; rows * (rows + 1) / 2],
        }
    }

    /// Adds a sample.
    pub(super) fn add(&mut self, inputs: &[f64], target: f64) {
        self.samples += 1.0;
        let mut start = 0;
        for row in 0..=self.width {
            let value = if row == self.width { target } else { inputs[row] };
            self.sums[row] += value;
            let products = &mut self.products[start..start + row];
            for (product, input) in products.iter_mut().zip(inputs) {
                *product += value * input;
            }
            self.products[start + row] += value * value;
            start += row + 1;
        }
    }

    /// Returns the constant and the weight of each input; the penalty is that of inputs with a
    /// variance of 1, as in scikit-learn's `Ridge` after a `StandardScaler`.
    pub(super) fn solve(&self, penalty: f64) -> Option<Vec<f64>> {
        let (width, samples) = (self.width, self.samples);
        let mean = |row: usize| self.sums[row] / samples;
        let product = |row: usize, column: usize| {
            let sum = self.products[row * (row + 1) / 2 + column];
            sum - self.sums[row] * mean(column)
        };
        // An input that is constant but for rounding has no weight.
        let deviations: Vec<f64> = (0..width)
            .map(|row| {
                let square = self.products[row * (row + 1) / 2 + row];
                let variance = product(row, row) / samples;
                if variance > 1e-14 * square / samples { variance.sqrt() } else { 0.0 }
            })
            .collect();
        let used: Vec<usize> = (0..width).filter(|row| deviations[*row] > 0.0).collect();
        let count = used.len();
        let mut lower = vec![0.0; count * (count + 1) / 2];
        let mut weights = vec![0.0; count];
        for (i, &row) in used.iter().enumerate() {
            for (j, &column) in used[..=i].iter().enumerate() {
                lower[i * (i + 1) / 2 + j] =
                    product(row, column) / (deviations[row] * deviations[column]);
            }
            lower[i * (i + 1) / 2 + i] += penalty;
            weights[i] = product(width, row) / deviations[row];
        }
        cholesky(&mut lower, &mut weights)?;
        let mut all = vec![0.0; width + 1];
        for (weight, &row) in weights.iter().zip(&used) {
            all[row + 1] = weight / deviations[row];
        }
        let of_means: f64 = (0..width).map(|row| all[row + 1] * mean(row)).sum();
        all[0] = mean(width) - of_means;
        all.iter().all(|weight| weight.is_finite()).then_some(all)
    }
}

/// Solves `A x = b` by Cholesky decomposition; `a` is the lower triangle row by row. `b` becomes
/// `x`.
fn cholesky(a: &mut [f64], b: &mut [f64]) -> Option<()> {
    let count = b.len();
    let start = |row: usize| row * (row + 1) / 2;
    for row in 0..count {
        for column in 0..=row {
            let (of_row, of_column) = (start(row), start(column));
            let dot: f64 = a[of_row..of_row + column]
                .iter()
                .zip(&a[of_column..of_column + column])
                .map(|(one, other)| one * other)
                .sum();
            let rest = a[of_row + column] - dot;
            if row != column {
                a[of_row + column] = rest / a[of_column + column];
            } else if rest > 0.0 {
                a[of_row + row] = rest.sqrt();
            } else {
                return None;
            }
        }
    }
    for row in 0..count {
        let dot: f64 = (0..row).map(|column| a[start(row) + column] * b[column]).sum();
        b[row] = (b[row] - dot) / a[start(row) + row];
    }
    for row in (0..count).rev() {
        let dot: f64 = (row + 1..count).map(|other| a[start(other) + row] * b[other]).sum();
        b[row] = (b[row] - dot) / a[start(row) + row];
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_are_those_of_standardised_inputs() {
        // The normal equations of standardised inputs, solved with numpy.
        let mut ridge = Ridge::new(2);
        for (inputs, target) in
            [([1.0, 2.0], 3.0), ([2.0, 1.0], 4.0), ([3.0, 5.0], 9.0), ([4.0, 3.0], 8.5)]
        {
            ridge.add(&inputs, target);
        }
        let weights = ridge.solve(2.0).unwrap();
        for (weight, expected) in
            weights.iter().zip([1.424_492_385_8, 1.104_060_913_7, 0.705_583_756_3])
        {
            assert!((weight - expected).abs() < 1e-9, "{weights:?}");
        }
    }

    #[test]
    fn without_a_penalty_a_plane_is_recovered() {
        let mut ridge = Ridge::new(3);
        for row in 0..50 {
            let inputs = [f64::from(row), f64::from(row * row % 17), 7.0];
            ridge.add(&inputs, 2.0 * inputs[0] - 0.5 * inputs[1] + 3.0);
        }
        let weights = ridge.solve(1e-9).unwrap();
        for (weight, expected) in weights.iter().zip([3.0, 2.0, -0.5, 0.0]) {
            assert!((weight - expected).abs() < 1e-6, "{weights:?}");
        }
    }
}
