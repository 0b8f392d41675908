//! The terms of the effects of columns.

use serde::{Deserialize, Serialize};

/// Fractions of the values below the bends of an effect.
const BENDS: [f64; 3] = [0.25, 0.5, 0.75];
/// Waves of the season that an effect may follow.
const WAVES: usize = 3;
/// Rows before, whose values may have an effect.
const EARLIER: [usize; 2] = [1, 2];

/// A column in deviations from its mean, inside the range of the fit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Scaled {
    mean: f64,
    deviation: f64,
    /// Smallest and largest size of the fit.
    range: [f64; 2],
    /// Sizes at which the effect may bend; none for a column with two values.
    bends: Vec<f64>,
}

/// A term of the effects of columns in a row.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Term {
    /// The size of a column.
    Straight(usize),
    /// The square of it.
    Square(usize),
    /// The size of a column some rows before.
    Earlier(usize, usize),
    /// The product of two columns.
    Product(usize, usize),
    /// A column times a sine or cosine of the place in the season: column, season, number.
    Wave(usize, usize, usize),
    /// The size of a column above a bend.
    Above(usize, usize),
}

impl Scaled {
    pub(super) fn fit(known: &[f64]) -> Self {
        let values = || known.iter().copied().filter(|value| value.is_finite());
        let count = f64::max(values().count() as f64, 1.0);
        let mean = values().sum::<f64>() / count;
        let square = |value: f64| (value - mean) * (value - mean);
        let deviation = (values().map(square).sum::<f64>() / count).sqrt();
        let deviation = if deviation > 1e-12 * mean.abs() { deviation } else { 1.0 };
        let mut scaled = Self { mean, deviation, range: [f64::MIN, f64::MAX], bends: Vec::new() };
        let mut sizes: Vec<f64> = values().map(|value| scaled.size(value)).collect();
        sizes.sort_by(f64::total_cmp);
        let (Some(least), Some(most)) = (sizes.first(), sizes.last()) else {
            scaled.range = [0.0, 0.0];
            return scaled;
        };
        scaled.range = [least.min(0.0), most.max(0.0)];
        if sizes.iter().any(|size| size != least && size != most) {
            let bend = |fraction: f64| sizes[(fraction * (sizes.len() - 1) as f64) as usize];
            scaled.bends = BENDS.map(bend).to_vec();
            scaled.bends.dedup();
            scaled.bends.retain(|bend| least < bend && bend < most);
        }
        scaled
    }

    /// The value in deviations from the mean; 0 for a missing one.
    fn size(&self, value: f64) -> f64 {
        let size = (value - self.mean) / self.deviation;
        if size.is_finite() { size.clamp(self.range[0], self.range[1]) } else { 0.0 }
    }

    pub(super) fn is_valid(&self) -> bool {
        let Self { mean, deviation, range: [least, most], bends } = self;
        [mean, deviation, least, most].into_iter().chain(bends).all(|number| number.is_finite())
            && *deviation > 0.0
            && least <= most
            && bends.len() <= BENDS.len()
    }
}

impl Term {
    /// The terms of columns in groups, the straight ones first.
    ///
    /// A group with which there would be more than `most` terms is left out.
    pub(super) fn groups(columns: &[Scaled], season: Option<usize>, most: usize) -> Vec<Vec<Self>> {
        let all = || 0..columns.len();
        let bent = || all().filter(|column| !columns[*column].bends.is_empty());
        let waves = season.map_or(0, |season| 2 * WAVES.min(season / 2));
        let of_season = season.into_iter().flat_map(|season| {
            let waves = move |column| (0..waves).map(move |wave| Self::Wave(column, season, wave));
            all().flat_map(waves)
        });
        let earlier = EARLIER
            .into_iter()
            .flat_map(|rows| all().map(move |column| Self::Earlier(column, rows)));
        let products = all().flat_map(|one| (0..one).map(move |other| Self::Product(one, other)));
        let above = bent().flat_map(|column| {
            (0..columns[column].bends.len()).map(move |bend| Self::Above(column, bend))
        });
        let mut groups: Vec<Vec<Self>> = vec![all().map(Self::Straight).collect()];
        let mut count = columns.len();
        for group in [
            bent().map(Self::Square).collect(),
            earlier.collect(),
            // Many columns have too many pairs to list.
            if columns.len() <= most { products.collect() } else { Vec::new() },
            of_season.collect(),
            above.collect::<Vec<_>>(),
        ] {
            if !group.is_empty() && count + group.len() <= most {
                count += group.len();
                groups.push(group);
            }
        }
        groups
    }

    /// The term in a row; `place` is that of the first row among the steps of the calendar.
    pub(super) fn of(
        self,
        scaled: &[Scaled],
        columns: &[Vec<f64>],
        (place, row): (usize, usize),
    ) -> f64 {
        let at = |column: usize, row: usize| {
            let value = columns.get(column).and_then(|values| values.get(row));
            scaled[column].size(value.copied().unwrap_or(f64::NAN))
        };
        match self {
            Self::Straight(column) => at(column, row),
            Self::Square(column) => at(column, row).powi(2),
            Self::Earlier(column, rows) => at(column, row.saturating_sub(rows)),
            Self::Product(one, other) => at(one, row) * at(other, row),
            Self::Wave(column, season, number) => {
                let turns = ((number / 2 + 1) * ((place + row) % season)) as f64 / season as f64;
                let (sine, cosine) = (std::f64::consts::TAU * turns).sin_cos();
                at(column, row) * if number % 2 == 0 { sine } else { cosine }
            }
            Self::Above(column, bend) => (at(column, row) - scaled[column].bends[bend]).max(0.0),
        }
    }

    pub(super) fn is_valid(self, scaled: &[Scaled]) -> bool {
        let is_column = |column: usize| column < scaled.len();
        match self {
            Self::Straight(column) | Self::Square(column) => is_column(column),
            Self::Earlier(column, rows) => is_column(column) && EARLIER.contains(&rows),
            Self::Product(one, other) => is_column(one) && is_column(other),
            Self::Wave(column, season, number) => {
                is_column(column)
                    && (2..=super::inputs::LONGEST).contains(&season)
                    && number < 2 * WAVES
            }
            Self::Above(column, bend) => {
                scaled.get(column).is_some_and(|scaled| bend < scaled.bends.len())
            }
        }
    }
}
