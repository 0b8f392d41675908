//! Effects of columns that are known in the future on the values of their rows.

use serde::{Deserialize, Serialize};

use super::{
    ridge::{Ridge, Weights},
    terms::{Scaled, Term},
};

/// Recent values that an effect is measured beside.
const LAGS: [usize; 3] = [1, 2, 3];
/// Number of times that the autoregression of the rest and the effects are fitted in turn.
const TIMES: usize = 2;
/// Penalty of the regression on recent values, and of the straight effects.
const PENALTY: f64 = 1e-4;
/// Penalties of a group of other terms, one of which is chosen.
const PENALTIES: [f64; 4] = [1e-3, 1e-2, 0.1, 1.0];
/// Smallest gain of a group of terms, as a fraction of the error.
const GAIN: f64 = 0.01;
/// Number of blocks of rows that are left out in turn.
const BLOCKS: usize = 5;
/// Most terms, and fewest samples of a term.
const MOST: usize = 200;
const SAMPLES: usize = 2;

/// The effects of columns: a weighted sum of [terms](Term).
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Effects {
    columns: Vec<Scaled>,
    terms: Vec<(Term, f64)>,
}

/// A series whose effects are measured.
#[derive(Debug, Clone, Copy)]
pub(super) struct Measured<'a> {
    pub(super) values: &'a [f64],
    /// Columns that are known in the future, `[columns][rows]`.
    pub(super) columns: &'a [Vec<f64>],
    /// Length of the shortest season.
    pub(super) season: Option<usize>,
    /// Place of the first row among the steps of the calendar.
    pub(super) place: usize,
}

impl Effects {
    /// Measures the effects on the values of the rows before `end`.
    ///
    /// Generalised least squares: the rest of the values is an autoregression. It is taken out of
    /// values and terms before these are weighted. A group of terms is used if it lowers the error
    /// of blocks of rows that are left out. See Cochrane and Orcutt, "Application of least
    /// squares regression to relationships containing auto-correlated error terms", Journal of the
    /// American Statistical Association 44, 1949.
    pub(super) fn fit(of: Measured<'_>, end: usize) -> Self {
        let scaled =
            of.columns.iter().map(|column| Scaled::fit(&column[..end.min(column.len())])).collect();
        let mut effects = Self { columns: scaled, terms: Vec::new() };
        let of_season = of.season.into_iter().flat_map(|season| [season, 2 * season]);
        let lags: Vec<usize> =
            LAGS.into_iter().chain(of_season).filter(|lag| 4 * lag <= end).collect();
        let first = lags.iter().copied().max().unwrap_or(0);
        let rows = end.saturating_sub(first);
        if effects.columns.is_empty() || rows < SAMPLES * (effects.columns.len() + lags.len()) {
            return effects;
        }
        let most = MOST.min(rows / SAMPLES).max(effects.columns.len());
        let groups = Term::groups(&effects.columns, of.season, most);
        let terms: Vec<Term> = groups.iter().flatten().copied().collect();
        let numbers: Vec<Vec<f64>> = terms
            .iter()
            .map(|term| (0..end).map(|row| effects.of_term(*term, &of, row)).collect())
            .collect();
        let mut rest = of.values[..end].to_vec();
        for _ in 0..TIMES {
            let Some(kept) = autoregression(&rest, &lags, first) else { break };
            let without = |values: &[f64], row: usize| {
                let known = lags.iter().zip(&kept).map(|(lag, part)| part * values[row - lag]);
                values[row] - known.sum::<f64>()
            };
            let mut blocks: Vec<Ridge> = (0..BLOCKS)
                .map(|block| {
                    let mut ridge = Ridge::new(terms.len(), 1);
                    for row in first + block * rows / BLOCKS..first + (block + 1) * rows / BLOCKS {
                        ridge.add(|sample| {
                            sample.extend(numbers.iter().map(|numbers| without(numbers, row)));
                            sample.push(without(of.values, row));
                        });
                    }
                    ridge
                })
                .collect();
            let penalties = penalties(&mut blocks, &groups);
            let Some(weights) = solve(&mut Ridge::sum(&mut blocks, None), &penalties) else {
                break;
            };
            effects.terms = terms
                .iter()
                .zip(&weights[1..])
                .filter(|(_, weight)| **weight != 0.0)
                .map(|(term, weight)| (*term, *weight))
                .collect();
            for (row, rest) in rest.iter_mut().enumerate() {
                let parts = numbers.iter().zip(&weights[1..]);
                *rest = of.values[row]
                    - parts.map(|(numbers, weight)| numbers[row] * weight).sum::<f64>();
            }
        }
        effects
    }

    fn of_term(&self, term: Term, of: &Measured<'_>, row: usize) -> f64 {
        term.of(&self.columns, of.columns, (of.place, row))
    }

    /// The sum of the effects in rows; `place` is that of the first row of the series.
    ///
    /// # Shapes
    ///
    /// - `columns`: `[columns][rows]`
    pub(super) fn rows(
        &self,
        columns: &[Vec<f64>],
        place: usize,
        rows: std::ops::Range<usize>,
    ) -> Vec<f64> {
        let sum = |row| {
            let each = self.terms.iter();
            each.map(|(term, weight)| weight * term.of(&self.columns, columns, (place, row))).sum()
        };
        rows.map(sum).collect()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.columns.is_empty()
    }

    pub(super) fn is_valid(&self, columns: usize) -> bool {
        self.columns.len() == columns
            && self.columns.iter().all(Scaled::is_valid)
            && self.terms.len() <= MOST.max(columns)
            && self
                .terms
                .iter()
                .all(|(term, weight)| weight.is_finite() && term.is_valid(&self.columns))
    }
}

/// Weights of the values before each value.
fn autoregression(values: &[f64], lags: &[usize], first: usize) -> Option<Vec<f64>> {
    let mut ridge = Ridge::new(lags.len(), 1);
    for row in first..values.len() {
        ridge.add(|sample| {
            sample.extend(lags.iter().map(|lag| values[row - lag]));
            sample.push(values[row]);
        });
    }
    let mut weights = ridge.solve(PENALTY, &[(0, lags.len())])?.swap_remove(0);
    weights.remove(0);
    Some(weights)
}

fn solve(ridge: &mut Ridge, penalties: &[f64]) -> Option<Weights> {
    let inputs = penalties.len();
    Some(ridge.solve_with(|input| penalties[input], &[(0, inputs)])?.swap_remove(0))
}

/// The penalty of each term; infinite for the terms of a group without a gain.
fn penalties(blocks: &mut [Ridge], groups: &[Vec<Term>]) -> Vec<f64> {
    let count = groups.iter().map(Vec::len).sum();
    let mut others: Vec<Ridge> =
        (0..blocks.len()).map(|block| Ridge::sum(blocks, Some(block))).collect();
    let mut error = |penalties: &[f64]| {
        let pairs = blocks.iter().zip(&mut others);
        pairs.map(|(block, others)| Some(block.error(&solve(others, penalties)?))).sum()
    };
    let mut penalties = vec![f64::INFINITY; count];
    penalties[..groups[0].len()].fill(PENALTY);
    let mut least: Option<f64> = error(&penalties);
    let mut start = groups[0].len();
    for group in &groups[1..] {
        let before = least.map(|least| least * (1.0 - GAIN));
        let mut chosen = f64::INFINITY;
        for penalty in PENALTIES {
            penalties[start..start + group.len()].fill(penalty);
            let error = error(&penalties);
            if error.is_some_and(|error| Some(error) < before && Some(error) < least) {
                (least, chosen) = (error, penalty);
            }
        }
        penalties[start..start + group.len()].fill(chosen);
        start += group.len();
    }
    penalties
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROWS: usize = 400;
    const KNOWN: usize = 300;

    /// Numbers between -1 and 1.
    fn noise(seed: u64) -> impl FnMut() -> f64 {
        let mut state = seed;
        move || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            f64::from((state >> 33) as u32) / f64::from(1u32 << 30) - 1.0
        }
    }

    /// A wandering level with an effect of warmth and promotions.
    fn measured(effect: impl Fn(&[Vec<f64>], usize) -> f64) -> (Effects, Vec<Vec<f64>>) {
        let mut noise = noise(7);
        let warmth: Vec<f64> = (0..ROWS).map(|_| 10.0 + 5.0 * noise()).collect();
        let promotion: Vec<f64> = (0..ROWS).map(|_| f64::from(u8::from(noise() > 0.4))).collect();
        let columns = vec![warmth, promotion];
        let mut level = 50.0;
        let value = |row| {
            level += 0.1 * noise();
            level + effect(&columns, row)
        };
        let values: Vec<f64> = (0..ROWS).map(value).collect();
        let of = Measured { values: &values, columns: &columns, season: Some(7), place: 3 };
        let effects = Effects::fit(of, KNOWN);
        assert!(effects.is_valid(2) && !effects.is_valid(3));
        (effects, columns)
    }

    /// Largest difference of measured and real effects behind the known rows.
    fn error(effect: impl Fn(&[Vec<f64>], usize) -> f64) -> f64 {
        let (effects, columns) = measured(&effect);
        let rows = effects.rows(&columns, 3, KNOWN..ROWS);
        let errors: Vec<f64> =
            rows.iter().zip(KNOWN..).map(|(one, row)| one - effect(&columns, row)).collect();
        // A constant is no effect.
        let mean = errors.iter().sum::<f64>() / errors.len() as f64;
        errors.iter().map(|error| (error - mean).abs()).fold(0.0, f64::max)
    }

    #[test]
    fn effects_are_measured_beside_a_wandering_level() {
        let straight = |columns: &[Vec<f64>], row: usize| 4.0 * columns[1][row];
        assert!(error(straight) < 0.2, "{}", error(straight));
        let square = |columns: &[Vec<f64>], row: usize| -0.1 * (columns[0][row] - 10.0).powi(2);
        assert!(error(square) < 0.2, "{}", error(square));
        let bent = |columns: &[Vec<f64>], row: usize| (columns[0][row] - 10.0).max(0.0);
        assert!(error(bent) < 0.6, "{}", error(bent));
    }

    #[test]
    fn effects_may_depend_on_each_other_on_the_season_and_on_rows_before() {
        let product = |columns: &[Vec<f64>], row: usize| columns[0][row] * columns[1][row];
        assert!(error(product) < 0.4, "{}", error(product));
        let weekend = |columns: &[Vec<f64>], row: usize| {
            columns[1][row] * if (row + 3) % 7 < 5 { 1.0 } else { 4.0 }
        };
        // A few samples for each day; an effect that is the same on all days is off by 2.
        assert!(error(weekend) < 0.8, "{}", error(weekend));
        let later = |columns: &[Vec<f64>], row: usize| {
            3.0 * columns[1][row] - 2.0 * columns[1][row.saturating_sub(1)]
        };
        assert!(error(later) < 0.2, "{}", error(later));
    }

    #[test]
    fn columns_without_an_effect_have_few_terms() {
        let (effects, columns) = measured(|_, _| 0.0);
        assert!(effects.terms.len() <= 8, "{:?}", effects.terms);
        let rows = effects.rows(&columns, 3, 0..ROWS);
        let most = rows.iter().fold(0.0, |most, one| f64::max(most, (one - rows[0]).abs()));
        assert!(most < 0.1, "{most}");
    }

    #[test]
    fn values_outside_the_range_and_missing_ones_have_the_effects_of_its_ends_and_mean() {
        let (effects, columns) = measured(|columns, row| columns[0][row] + 2.0 * columns[1][row]);
        let of = |warmth: f64| effects.rows(&[vec![warmth], vec![0.0]], 3, 0..1)[0];
        let most = columns[0][..KNOWN].iter().copied().fold(0.0, f64::max);
        assert_eq!(of(1e9), of(most));
        assert!(of(f64::NAN).is_finite() && of(f64::NAN) > of(5.0));
        assert!(effects.rows(&columns, 3, ROWS + 5..ROWS + 6)[0].is_finite(), "an unknown row");
    }

    #[test]
    fn rows_after_the_known_ones_change_nothing() {
        let (one, columns) = measured(|columns, row| columns[0][row] * columns[1][row]);
        let mut other = columns.clone();
        other.iter_mut().flat_map(|column| &mut column[KNOWN..]).for_each(|value| *value = 77.0);
        let values: Vec<f64> = (0..ROWS).map(|row| columns[0][row] * columns[1][row]).collect();
        let fit = |columns: &[Vec<f64>]| {
            let of = Measured { values: &values, columns, season: Some(7), place: 3 };
            Effects::fit(of, KNOWN)
        };
        assert_eq!(fit(&columns), fit(&other));
        let rows = |columns: &[Vec<f64>]| one.rows(columns, 3, 0..KNOWN);
        assert_eq!(rows(&columns), rows(&other));
    }
}
