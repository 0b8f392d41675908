//! The minimum of a function without derivatives.

/// Distance of the first points from the start.
const SPREAD: f64 = 1.0;
/// Difference of the values at which the search ends.
const NEAR: f64 = 1e-5;

/// Searches a minimum by the simplex method, and returns it with its value.
///
/// `most` is the number of evaluations after which no new search direction is tried. See Nelder and
/// Mead, "A simplex method for function minimization", The Computer Journal 7, 1965.
pub(super) fn minimum(
    start: &[f64],
    most: usize,
    mut value: impl FnMut(&[f64]) -> f64,
) -> (Vec<f64>, f64) {
    let mut points: Vec<(f64, Vec<f64>)> = (0..=start.len())
        .map(|corner| {
            let mut point = start.to_vec();
            if let Some(place) = corner.checked_sub(1) {
                point[place] += SPREAD;
            }
            (value(&point), point)
        })
        .collect();
    let worst = start.len();
    let mut count = points.len();
    while count < most {
        points.sort_by(|one, other| one.0.total_cmp(&other.0));
        let (lowest, second, highest) = (points[0].0, points[worst - 1].0, points[worst].0);
        if highest - lowest < NEAR {
            break;
        }
        let centre: Vec<f64> = (0..start.len())
            .map(|place| {
                points[..worst].iter().map(|(_, point)| point[place]).sum::<f64>() / worst as f64
            })
            .collect();
        let mut from_centre = |distance: f64| {
            count += 1;
            let old = &points[worst].1;
            let point: Vec<f64> =
                centre.iter().zip(old).map(|(mid, old)| mid + distance * (mid - old)).collect();
            (value(&point), point)
        };
        let reflected = from_centre(1.0);
        let replaced = if reflected.0 < lowest {
            let expanded = from_centre(2.0);
            Some(if expanded.0 < reflected.0 { expanded } else { reflected })
        } else if reflected.0 < second {
            Some(reflected)
        } else {
            let is_outside = reflected.0 < highest;
            let contracted = from_centre(if is_outside { 0.5 } else { -0.5 });
            (contracted.0 < reflected.0.min(highest)).then_some(contracted)
        };
        if let Some(point) = replaced {
            points[worst] = point;
            continue;
        }
        let (best, others) = points.split_at_mut(1);
        for (old, point) in others {
            point.iter_mut().zip(&best[0].1).for_each(|(one, best)| *one = (*one + best) / 2.0);
            *old = value(point);
            count += 1;
        }
    }
    let best = points.into_iter().min_by(|one, other| one.0.total_cmp(&other.0));
    best.map_or_else(|| (start.to_vec(), f64::NAN), |(value, point)| (point, value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_minimum_of_a_curved_valley_is_found() {
        // Rosenbrock, "An automatic method for finding the greatest or least value of a function".
        let valley = |at: &[f64]| {
            100.0 * (at[1] - at[0] * at[0]).powi(2) + (1.0 - at[0]).powi(2) + at[2] * at[2]
        };
        let (point, value) = minimum(&[-1.2, 1.0, 3.0], 1000, valley);
        assert!(value < 1e-4 && (point[0] - 1.0).abs() < 0.05, "{point:?}: {value}");
        let mut count = 0;
        minimum(&[-1.2, 1.0, 3.0], 30, |at| {
            count += 1;
            valley(at)
        });
        assert!((30..36).contains(&count), "{count}");
    }
}
