//! Points of long lines that a picture can show.

use super::style::{WIDTH, extent};

/// Columns of a picture, one for each unit of its width.
const COLUMNS: usize = WIDTH as usize;
/// Number of points of a line that is drawn whole.
const MOST: usize = 4 * COLUMNS;

/// Thins a line to at most 4 points per column of the picture.
///
/// They are the first, the lowest, the highest and the last point (M4: Jugel et al., "M4: a
/// visualization-oriented time series data aggregation", VLDB 2014). So the drawn line covers the
/// same pixels of a column, and no peak is lost. `place` maps the horizontal value to the axis.
pub(super) fn thinned(points: Vec<(f64, f64)>, place: fn(f64) -> f64) -> Vec<(f64, f64)> {
    if points.len() <= MOST {
        return points;
    }
    let places: Vec<f64> = points.iter().map(|point| place(point.0)).collect();
    let values: Vec<f64> = points.iter().map(|point| point.1).collect();
    kept(&places, &[&values]).into_iter().map(|index| points[index]).collect()
}

/// Thins lines with the same places together. Returns the indices of the kept points, in order.
pub(super) fn kept(places: &[f64], lines: &[&[f64]]) -> Vec<usize> {
    if places.len() <= MOST {
        return (0..places.len()).collect();
    }
    let (first, last) = extent(places.iter().copied());
    let scale = COLUMNS as f64 / (last - first);
    let mut columns = vec![Vec::new(); COLUMNS];
    for (index, place) in places.iter().enumerate() {
        let column = ((place - first) * scale) as usize;
        let ends: &mut Vec<usize> = &mut columns[column.min(COLUMNS - 1)];
        if ends.is_empty() {
            *ends = vec![index; 2 + 2 * lines.len()];
        }
        ends[1] = index;
        for (line, ends) in lines.iter().zip(ends[2..].chunks_exact_mut(2)) {
            if line[index] < line[ends[0]] {
                ends[0] = index;
            }
            if line[index] > line[ends[1]] {
                ends[1] = index;
            }
        }
    }
    let mut kept = columns.concat();
    kept.sort_unstable();
    kept.dedup();
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_lines_are_unchanged() {
        let points: Vec<(f64, f64)> = (0..MOST).map(|at| (at as f64, (at % 7) as f64)).collect();
        assert_eq!(thinned(points.clone(), |x| x), points);
    }

    #[test]
    fn long_lines_keep_both_ends_and_the_extremes_of_every_column() {
        const COUNT: usize = 200_000;
        let value = |at: usize| ((at * 7919) % 10_007) as f64;
        let points: Vec<(f64, f64)> = (0..COUNT).map(|at| (at as f64, value(at))).collect();
        let few = thinned(points.clone(), |x| x);
        assert!(few.len() <= MOST && few.is_sorted_by(|one, other| one.0 < other.0));
        assert_eq!((few[0], few[few.len() - 1]), (points[0], points[COUNT - 1]));
        let extremes = |points: &[(f64, f64)]| {
            let column = |x: f64| (x * COLUMNS as f64 / (COUNT - 1) as f64) as usize;
            let mut columns = vec![(f64::INFINITY, f64::NEG_INFINITY); COLUMNS + 1];
            for (x, y) in points {
                let (low, high) = &mut columns[column(*x)];
                (*low, *high) = (low.min(*y), high.max(*y));
            }
            columns
        };
        assert_eq!(extremes(&few), extremes(&points));
    }

    #[test]
    fn points_at_one_place_are_a_vertical_line() {
        let points: Vec<(f64, f64)> = (0..10_000).map(|at| (5.0, f64::from(at % 100))).collect();
        let few = thinned(points, |x| x);
        assert_eq!(few, [(5.0, 0.0), (5.0, 99.0), (5.0, 99.0)]);
    }

    #[test]
    fn lines_of_a_band_keep_the_same_places() {
        let places: Vec<f64> = (0..10_000).map(f64::from).collect();
        let (mut low, mut high) = (vec![-1.0; 10_000], vec![1.0; 10_000]);
        (low[1234], high[8765]) = (-9.0, 9.0);
        let kept = kept(&places, &[&low, &high]);
        assert!(kept.contains(&1234) && kept.contains(&8765) && kept.len() <= 6 * COLUMNS);
    }
}
