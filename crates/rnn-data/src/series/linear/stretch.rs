//! Stretches of equal values, as those of a sensor that stands still.

/// Fewest equal values of a stretch; more than a season.
const SHORTEST: usize = 8;
/// Largest fraction of equal neighbours outside stretches: other series repeat values often.
const REPEATED: f64 = 0.05;
/// Largest fraction of the rows in stretches.
const STRETCHED: f64 = 0.3;

/// Fills stretches of equal values for a fit: with the values one season before.
///
/// A stretch at the end stays, since later values may continue it. So do those in the first season,
/// and each value of a series that often repeats values.
pub(super) fn filled(values: &[f64], season: Option<usize>) -> Vec<f64> {
    let mut filled = values.to_vec();
    let Some(season) = season else { return filled };
    let shortest = SHORTEST.max(season + 1);
    let mut stretches = Vec::new();
    let mut start = 0;
    for row in 1..=values.len() {
        if values.get(row) != Some(&values[start]) {
            if row - start >= shortest && row < values.len() {
                stretches.push(start..row);
            }
            start = row;
        }
    }
    let inside: usize = stretches.iter().map(ExactSizeIterator::len).sum();
    let repeated = values.windows(2).filter(|pair| pair[0] == pair[1]).count();
    let outside = (repeated + stretches.len() - inside) as f64;
    let rows = values.len() as f64;
    if outside > REPEATED * (rows - inside as f64) || inside as f64 > STRETCHED * rows {
        return filled;
    }
    for stretch in stretches.into_iter().filter(|stretch| stretch.start >= season) {
        // The first value may be one of the series itself.
        for row in stretch.skip(1) {
            filled[row] = filled[row - season];
        }
    }
    filled
}

#[cfg(test)]
mod tests {
    use super::*;

    fn week(row: usize) -> f64 {
        [3.0, -1.0, 0.5, 2.0, -4.0, 6.0, -6.5][row % 7]
    }

    #[test]
    fn a_stretch_is_filled_from_the_season() {
        let with = |range: std::ops::Range<usize>| -> Vec<f64> {
            (0..100).map(|row| if range.contains(&row) { 3.0 } else { week(row) }).collect()
        };
        let whole: Vec<f64> = (0..100).map(week).collect();
        assert_eq!(filled(&with(28..48), Some(7)), whole);
        assert_eq!(filled(&with(0..10), Some(7)), with(0..10), "nothing comes before");
        assert_eq!(filled(&with(80..100), Some(7)), with(80..100), "the end stays");
        assert_eq!(filled(&with(10..80), Some(7)), with(10..80), "most rows are equal");
        assert_eq!(filled(&with(30..36), Some(7)), with(30..36), "less than a season");
        assert_eq!(filled(&with(28..48), None), with(28..48), "no season");
        let demand: Vec<f64> =
            (0..100).map(|row| f64::from(u8::from(row % 20 == 0)) * 5.0).collect();
        assert_eq!(filled(&demand, Some(7)), demand);
    }
}
