//! Lasting changes of level, such as unadjusted stock splits.

use super::{Table, likely::is_price};

/// Smallest factor of a level shift, up or down.
const SMALLEST: f64 = 1.5;
/// Smallest size of a level shift, in usual changes of the logarithm.
const UNUSUAL: f64 = 20.0;
/// Largest difference between the change of the level and that of the row, as a fraction.
const TOLERANCE: f64 = 0.25;

/// Largest difference between the factor of a split and a whole number: a fraction, and in usual
/// changes.
const NEAR: f64 = 0.1;
const EXACT: f64 = 5.0;
/// Largest factor of a split.
const MOST: f64 = 100.0;
/// Fewest rows after a split: after a fall, and after a rise.
const FOLLOWING: [usize; 2] = [2, 3];

/// A lasting change of level of a series, by a factor: an unadjusted stock split, other units, or
/// another sensor.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LevelShift {
    /// First row at the new level, counted from 0.
    pub row: usize,
    /// Ratio of the value in that row to the one before.
    pub factor: f64,
}

impl LevelShift {
    /// Number of rows on each side that must stay at their level.
    pub const SIDE: usize = 10;
}

const SIDE: usize = LevelShift::SIDE;

/// Finds lasting changes of level in positive values, `[rows]`.
///
/// A level shift is by a factor of at least 1.5, and more than 20 usual changes. The 10 rows on
/// each side stay at their level. The first `training` rows decide what is usual.
///
/// The result is empty if one of these rows is not above 0. It is also empty if the level changes
/// up and down again and again.
///
/// # Examples
///
/// ```
/// let prices: Vec<f64> = (0..60)
///     .map(|day| f64::from(100 + day % 7) / if day < 40 { 1.0 } else { 10.0 })
///     .collect();
/// let shifts = rnn_data::level_shifts(&prices, 60);
/// assert_eq!((shifts.len(), shifts[0].row), (1, 40));
/// assert!((shifts[0].factor - 0.1).abs() < 0.01);
/// ```
pub fn level_shifts(values: &[f64], training: usize) -> Vec<LevelShift> {
    let logarithms: Vec<f64> = values.iter().map(|value| value.ln()).collect();
    let change = |row: usize| logarithms[row] - logarithms[row - 1];
    let Some(usual) = usual_change(&logarithms, training) else { return Vec::new() };
    let least = f64::max(SMALLEST.ln(), UNUSUAL * usual);
    // The median of a side, if all of it stays near.
    let level = |side: &[f64], size: f64| {
        let level = median(side.to_vec())?;
        side.iter().all(|value| (value - level).abs() < size / 2.0).then_some(level)
    };
    let is_shift = |row: &usize| {
        let (size, rows) = (change(*row).abs(), &logarithms[row - SIDE..row + SIDE]);
        // A logarithm of zero or of a negative number is not finite.
        if size <= least || !rows.iter().all(|value| value.is_finite()) {
            return false;
        }
        let (before, after) = (level(&rows[..SIDE], size), level(&rows[SIDE..], size));
        before.zip(after).is_some_and(|(before, after)| {
            (after - before - change(*row)).abs() <= TOLERANCE * size
        })
    };
    let rows = SIDE..(values.len() + 1).saturating_sub(SIDE);
    let shift = |row: usize| LevelShift { row, factor: change(row).exp() };
    let shifts: Vec<LevelShift> = rows.filter(is_shift).map(shift).collect();
    let up = shifts.iter().filter(|shift| shift.factor > 1.0).count();
    // No level lasts where it changes up and down, as by day and by night.
    if up > 1 && shifts.len() - up > 1 { Vec::new() } else { shifts }
}

/// Finds an unadjusted split in the last rows of positive prices, `[rows]`.
///
/// Fewer than 10 rows follow it, so [`level_shifts`] misses it. The price changes by a whole factor
/// from 2 to 100, up or down, and by more than 20 usual changes. The factor may be off by 5 usual
/// changes, and by a tenth at most. All rows after it stay near. At least 2 rows follow a fall, and
/// 3 a rise, since a typing error looks the same before that.
///
/// # Examples
///
/// ```
/// let prices: Vec<f64> = (0..60)
///     .map(|day| f64::from(1000 + day % 7) / if day < 57 { 1.0 } else { 10.0 })
///     .collect();
/// assert_eq!(rnn_data::late_split(&prices, 40).map(|shift| shift.row), Some(57));
/// ```
pub fn late_split(values: &[f64], training: usize) -> Option<LevelShift> {
    let logarithms: Vec<f64> = values.iter().map(|value| value.ln()).collect();
    let usual = usual_change(&logarithms, training)?;
    let rows = values.len();
    let is_split = |row: &usize| {
        let (before, after) = (&logarithms[row - SIDE..*row], &logarithms[*row..]);
        let (change, size) = {
            let change = after[0] - before[SIDE - 1];
            (change, change.abs())
        };
        let shares = size.exp();
        let near = NEAR.min(EXACT * usual);
        size > UNUSUAL * usual
            && shares.round() >= 2.0
            && shares <= MOST * (1.0 + near)
            && (shares / shares.round() - 1.0).abs() <= near
            && after.len() >= FOLLOWING[usize::from(change > 0.0)]
            && before.iter().all(|value| (value - before[SIDE - 1]).abs() < size / 3.0)
            && after.iter().all(|value| (value - after[0]).abs() < size / 3.0)
    };
    let row = (rows.saturating_sub(SIDE - 1).max(SIDE)..rows).find(is_split)?;
    Some(LevelShift { row, factor: values[row] / values[row - 1] })
}

/// The median change of the first logarithms, if all are of positive values and some differ.
fn usual_change(logarithms: &[f64], training: usize) -> Option<f64> {
    let training = &logarithms[..training.min(logarithms.len())];
    if !training.iter().all(|value| value.is_finite()) {
        return None;
    }
    let changes: Vec<f64> = training.windows(2).map(|pair| (pair[1] - pair[0]).abs()).collect();
    // Where most rows repeat the row before, those that do not are compared.
    median(changes.clone())
        .filter(|usual| *usual > 0.0)
        .or_else(|| median(changes.into_iter().filter(|size| *size > 0.0).collect()))
}

fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let upper = *values.get(values.len() / 2)?;
    let lower = values[(values.len() - 1) / 2];
    Some(f64::midpoint(lower, upper))
}

impl Table {
    /// Multiplies the rows before each level shift of a column by its factor.
    ///
    /// The values are then in the units of the last rows. If the column is a price, all prices of
    /// the table are multiplied. Other columns, such as volumes, keep their values.
    pub fn adjust(&mut self, column: &str, shifts: &[LevelShift]) {
        let is_adjusted = |name: &str| name == column || is_price(column) && is_price(name);
        for shift in shifts {
            for values in self.values_of(is_adjusted) {
                values[..shift.row].iter_mut().for_each(|value| *value *= shift.factor);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::{ToSpan, civil::date};

    use super::*;

    /// Returns a random walk of some roughness.
    fn walk(rows: usize, roughness: f64) -> Vec<f64> {
        let mut state = 1u32;
        let mut level = 4.0f64;
        let step = |_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            level += roughness * (f64::from(state >> 8) / f64::from(1 << 24) - 0.5);
            level.exp()
        };
        (0..rows).map(step).collect()
    }

    fn shifted(mut values: Vec<f64>, from: usize, factor: f64) -> Vec<f64> {
        values[from..].iter_mut().for_each(|value| *value *= factor);
        values
    }

    #[test]
    fn splits_are_found_with_their_row_and_factor() {
        for (row, factor) in [(10, 0.1), (200, 0.5), (200, 10.0), (290, 0.6)] {
            let values = shifted(walk(300, 0.05), row, factor);
            let found = level_shifts(&values, 300);
            assert_eq!(found.len(), 1, "{row}: {found:?}");
            assert!(found[0].row == row && (found[0].factor / factor - 1.0).abs() < 0.05);
        }
        let mut rare = walk(300, 0.05);
        (0..300).filter(|row| row % 3 > 0).for_each(|row| rare[row] = rare[row / 3 * 3]);
        let found = level_shifts(&shifted(rare, 200, 0.1), 300);
        assert_eq!((found.len(), found[0].row), (1, 200), "prices that seldom change");
        let twice = shifted(shifted(walk(300, 0.05), 100, 0.5), 200, 0.25);
        let rows: Vec<usize> = level_shifts(&twice, 150).iter().map(|shift| shift.row).collect();
        assert_eq!(rows, [100, 200], "later rows are compared with the training rows");
    }

    #[test]
    fn other_jumps_are_no_level_shifts() {
        let rough = walk(300, 1.0);
        let walk = || walk(300, 0.05);
        let spike = shifted(shifted(walk(), 200, 10.0), 203, 0.1);
        let slump = (0..300).map(|row| if row < 200 { 1.0 } else { 0.8f64.powi(row - 199) });
        let slump: Vec<f64> = slump.zip(walk()).map(|(level, value)| level * value).collect();
        let steps = (0..300).map(|row| [1.0, 3.0, 9.0][row / 100]).collect();
        let zeros = shifted(shifted(walk(), 150, 0.0), 200, 0.1);
        let night = (0..300).map(|row| if row % 24 < 12 { 1.0 } else { 40.0 });
        let night = night.zip(walk()).map(|(level, value)| level * value).collect();
        for (name, values) in [
            ("a random walk", walk()),
            ("a spike", spike),
            ("a slump", slump),
            ("steps", steps),
            ("zeros", zeros),
            ("rough", shifted(rough, 200, 3.0)),
            ("a small shift", shifted(walk(), 200, 1.3)),
            ("day and night", night),
            ("few rows", walk()[..15].to_vec()),
            ("no rows", Vec::new()),
        ] {
            assert_eq!(level_shifts(&values, 300), [], "{name}");
        }
    }

    #[test]
    fn a_split_in_the_last_rows_is_found() {
        for (following, factor, expected) in [
            (2, 0.1, true),
            (2, 0.5, true),
            (9, 0.2, true),
            (3, 10.0, true),
            (3, 0.4, false),
            (3, 0.7, false),
            (1, 0.1, false),
            (2, 10.0, false),
        ] {
            let values = shifted(walk(300, 0.05), 300 - following, factor);
            let found = late_split(&values, 200);
            assert_eq!(found.is_some(), expected, "{following} rows, {factor}: {found:?}");
            assert!(found.is_none_or(|one| one.row == 300 - following));
        }
        let spike = shifted(shifted(walk(300, 0.05), 294, 0.1), 297, 10.0);
        assert_eq!(late_split(&spike, 200), None);
        assert_eq!(late_split(&walk(12, 0.05), 8), None);
        assert_eq!(late_split(&[1.0; 300], 200), None);
        assert_eq!(late_split(&[], 0), None);
    }

    #[test]
    fn crashes_of_prices_are_no_splits() {
        // Daily changes of Student's t with 3 degrees of freedom, whose size follows the last one.
        let mut state = 1u64;
        let mut uniform = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            ((state >> 33) as f64 + 0.5) / (1u64 << 31) as f64
        };
        let mut normal =
            || (-2.0 * uniform().ln()).sqrt() * (std::f64::consts::TAU * uniform()).cos();
        let mut alarms = 0;
        for _ in 0..3000 {
            let (mut level, mut variance) = (4.0f64, 4e-4);
            let values: Vec<f64> = (0..200)
                .map(|_| {
                    let square = (normal().powi(2) + normal().powi(2) + normal().powi(2)) / 3.0;
                    let change = f64::sqrt(variance / 3.0) * normal() / square.sqrt();
                    variance = 2e-5 + 0.85 * variance + 0.1 * change * change;
                    level += change;
                    level.exp()
                })
                .collect();
            alarms += usize::from(late_split(&values, 140).is_some());
        }
        assert!(alarms <= 1, "{alarms} of 3000");
    }

    #[test]
    fn adjusted_prices_are_in_the_units_of_the_last_rows() {
        let times = (0..40).map(|day| (date(2020, 1, 1) + i64::from(day).days()).into()).collect();
        let open: Vec<f64> = (0..40).map(|day| if day < 20 { 50.0 } else { 5.0 }).collect();
        let volume = vec![7.0; 40];
        let columns = [("open", open.clone()), ("Close", open), ("volume", volume.clone())];
        let mut table = Table::from_columns("prices", times, columns).unwrap();
        table.adjust("open", &[LevelShift { row: 20, factor: 0.1 }]);
        assert_eq!(table.column("open"), Some(&[5.0; 40][..]));
        assert_eq!(table.column("Close"), Some(&[5.0; 40][..]));
        assert_eq!(table.column("volume"), Some(&volume[..]));
        table.adjust("volume", &[LevelShift { row: 1, factor: 2.0 }]);
        assert_eq!(table.column("volume").unwrap()[..2], [14.0, 7.0]);
        assert_eq!(table.column("open"), Some(&[5.0; 40][..]));
    }
}
