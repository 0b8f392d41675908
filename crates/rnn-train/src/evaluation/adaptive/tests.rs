use serde::Deserialize;

use super::*;

/// A case with the numbers of an independent implementation.
#[derive(Deserialize)]
struct Case {
    name: String,
    /// All rows; the first `rows` are known to the fit.
    values: Vec<f64>,
    rows: usize,
    horizon: usize,
    seasons: Vec<usize>,
    smoothed: Vec<f64>,
    first: usize,
    out_of_fold: Vec<Vec<f64>>,
    forecasts: Vec<Vec<f64>>,
    power: f64,
    floor: f64,
    exponent: f64,
    growth: Vec<f64>,
    places: Vec<f64>,
    scale: Vec<f64>,
    freedom: Vec<f64>,
    half_widths: std::collections::BTreeMap<String, f64>,
    sides: std::collections::BTreeMap<String, [f64; 2]>,
    /// Half widths, `[origins][levels][steps]`.
    widths: Vec<Vec<Vec<[f64; 2]>>>,
    /// Growth from the last step to twice the horizon.
    beyond: f64,
}

fn near(one: f64, other: f64) -> bool {
    (one - other).abs() <= 1e-6 * (one.abs() + other.abs())
}

fn all_near(one: &[f64], other: &[f64]) -> bool {
    one.len() == other.len() && one.iter().zip(other).all(|(one, other)| near(*one, *other))
}

#[test]
fn intervals_are_those_of_another_implementation() {
    let cases: Vec<Case> = serde_json::from_str(include_str!("cases.json")).unwrap();
    for case in cases {
        let Case { name, rows, horizon, .. } = &case;
        let known = Known {
            values: &case.values[..*rows],
            seasons: &case.seasons,
            horizon: *horizon,
            from: 0,
            smoothed: &case.smoothed,
        };
        let forecasts = case.out_of_fold.iter().cloned().map(Some).collect();
        let out_of_fold = OutOfFold { first: case.first, forecasts };
        let mut adaptive = Adaptive::new(known, &out_of_fold, &[0.05, 0.95]);
        adaptive.levels = vec![0.5, 0.9];
        let Adaptive { size, shape, scale, .. } = &adaptive;
        assert!(near(size.power, case.power) && near(size.floor, case.floor), "{name} {size:?}");
        assert!(near(size.exponent, case.exponent), "{name} {}", size.exponent);
        assert!(all_near(&size.growth, &case.growth), "{name} {:?}", size.growth);
        assert!(all_near(&size.places, &case.places), "{name} {:?}", size.places);
        assert!(near(size.beyond(2 * horizon), case.beyond), "{name}");
        let steps = scale.steps(size);
        let of = |part: fn(&scale::StepScale) -> f64| steps.iter().map(part).collect::<Vec<_>>();
        assert!(all_near(&of(|one| one.size), &case.scale), "{name} {steps:?}");
        assert!(all_near(&of(|one| one.freedom), &case.freedom), "{name} {steps:?}");
        for (level, expected) in &case.half_widths {
            let of_level: f64 = level.parse().unwrap();
            assert!(near(shape.half_width(of_level), *expected), "{name} {level}");
            assert!(all_near(&shape.sides(of_level), &case.sides[level]), "{name} {level}");
        }
        let mut path = adaptive.path();
        for (place, (forecast, expected)) in case.forecasts.iter().zip(&case.widths).enumerate() {
            let bands = path.at(&case.values[..rows + place], forecast);
            for step in 0..*horizon {
                let [least, most] = [0, 1].map(|level| expected[level][step]);
                let point = forecast[step];
                let quantiles = bands.all(step, point);
                let bounds =
                    [point - most[0], point - least[0], point, point + least[1], point + most[1]];
                assert!(all_near(&quantiles, &bounds), "{name}, {place}, {step}: {quantiles:?}");
            }
        }
    }
}

/// Pseudo-random numbers of a standard normal distribution.
fn noise(seed: u64) -> impl FnMut() -> f64 {
    let mut state = seed;
    let mut uniform = move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (f64::from((state >> 33) as u32) + 0.5) / f64::from(1u32 << 31)
    };
    move || (0..12).map(|_| uniform()).sum::<f64>() - 6.0
}

/// Coverage of intervals of a level by step, on the rows after `rows`.
fn coverage(
    values: &[f64],
    (rows, horizon): (usize, usize),
    seasons: &[usize],
    forecast: impl Fn(usize, usize) -> f64,
    level: f64,
) -> f64 {
    let line = |origin| (0..horizon).map(|step| forecast(origin, step)).collect::<Vec<f64>>();
    let smoothed: Vec<f64> = (0..=rows).flat_map(line).collect();
    let known = Known { values: &values[..rows], seasons, horizon, from: 0, smoothed: &smoothed };
    let first = 2 * rows / 3;
    let forecasts = (first..rows).map(|origin| Some(line(origin))).collect();
    let bounds = [0.5 - level / 2.0, 0.5 + level / 2.0];
    let adaptive = Adaptive::new(known, &OutOfFold { first, forecasts }, &bounds);
    let mut path = adaptive.path();
    let (mut inside, mut count) = (0, 0);
    for origin in rows..values.len() - horizon {
        let line = line(origin);
        let bands = path.at(&values[..origin], &line);
        for (step, &point) in line.iter().enumerate() {
            let all = bands.all(step, point);
            assert!(all.is_sorted() && all.iter().all(|one| one.is_finite()), "{all:?}");
            let [lower, upper] = bands.quantiles(step, point).shown.try_into().unwrap();
            inside += usize::from((lower..=upper).contains(&values[origin + step]));
            count += 1;
        }
    }
    inside as f64 / count as f64
}

#[test]
fn intervals_cover_series_with_known_noise() {
    let rows = 400;
    let mut noise = noise(7);
    let walk: Vec<f64> = (0..rows)
        .scan(0.0, |sum, _| {
            *sum += noise();
            Some(*sum)
        })
        .collect();
    let growing: Vec<f64> =
        (0..rows).map(|row| 50.0 * (0.005 * row as f64 + 0.1 * noise()).exp()).collect();
    let nights: Vec<f64> =
        (0..rows).map(|row| if row % 24 < 12 { 0.1 } else { 1.0 } * noise()).collect();
    let wild: Vec<f64> =
        (0..rows).map(|row| if row / 40 % 2 == 0 { 0.5 } else { 3.0 } * noise()).collect();
    for known in [80, 200] {
        for level in [0.5, 0.9] {
            let last = |origin: usize| if origin > 0 { walk[origin - 1] } else { walk[0] };
            let cases = [
                coverage(&walk, (known, 7), &[], |origin, _| last(origin), level),
                coverage(
                    &growing,
                    (known, 3),
                    &[],
                    |origin, step| 50.0 * (0.005 * (origin + step) as f64).exp(),
                    level,
                ),
                coverage(&nights, (known, 24), &[24], |_, _| 0.0, level),
                coverage(&wild, (known, 1), &[], |_, _| 0.0, level),
            ];
            for (place, coverage) in cases.into_iter().enumerate() {
                assert!((coverage - level).abs() < 0.05, "{known} {level} {place}: {coverage}");
            }
        }
    }
}

#[test]
fn bands_depend_only_on_earlier_rows() {
    let mut noise = noise(3);
    let values: Vec<f64> = (0..120).map(|_| 10.0 + noise()).collect();
    let smoothed = vec![10.0; 81 * 2];
    let bands = |values: &[f64]| -> Vec<Vec<f64>> {
        let known = Known {
            values: &values[..80],
            seasons: &[4],
            horizon: 2,
            from: 0,
            smoothed: &smoothed,
        };
        let forecasts = vec![Some(vec![10.0; 2]); 30];
        let adaptive = Adaptive::new(known, &OutOfFold { first: 50, forecasts }, &[0.1]);
        let mut path = adaptive.path();
        let origins = (80..=120).filter(|origin| origin % 7 != 0);
        origins
            .flat_map(|origin| {
                let bands = path.at(&values[..origin], &[10.0; 2]);
                [bands.all(0, 10.0), bands.all(1, 10.0)]
            })
            .collect()
    };
    let mut changed = values.clone();
    changed[100..].iter_mut().for_each(|value| *value = 1e6);
    let (one, other) = (bands(&values), bands(&changed));
    // Origins 80 to 100 without the multiples of 7.
    assert_eq!(one[..2 * 18], other[..2 * 18]);
    assert_ne!(one[2 * 18..], other[2 * 18..]);
}

#[test]
fn few_and_constant_rows_give_numbers() {
    for (values, has_fit) in [
        (vec![3.0; 20], true),
        (vec![0.0; 20], true),
        ((0..9).map(f64::from).collect(), true),
        (vec![0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 5.0], true),
        (vec![1.0, 2.0], false),
        (vec![2.0], false),
        (Vec::new(), false),
    ] {
        let (rows, horizon) = (values.len(), 12);
        let smoothed = if has_fit { vec![1.0; (rows + 1) * horizon] } else { Vec::new() };
        let known = Known { values: &values, seasons: &[2], horizon, from: 0, smoothed: &smoothed };
        let first = rows - rows / 3;
        let forecasts = (first..rows).map(|_| Some(vec![1.0; horizon])).collect();
        for out_of_fold in [OutOfFold { first, forecasts }, OutOfFold::default()] {
            let adaptive = Adaptive::new(known, &out_of_fold, &[0.005]);
            let mut path = adaptive.path();
            let later = [&values[..], &[1.0, 7.0, 2.0]].concat();
            for origin in rows..=later.len() {
                let bands = path.at(&later[..origin], &[1.0; 12]);
                let all = (0..30).flat_map(|step| bands.all(step, 1.0));
                assert!(
                    all.clone().all(f64::is_finite),
                    "{values:?} {:?}",
                    all.collect::<Vec<_>>()
                );
            }
        }
    }
}

#[test]
fn intervals_grow_beyond_the_horizon() {
    let mut noise = noise(5);
    let values: Vec<f64> = (0..200)
        .scan(100.0, |sum, _| {
            *sum += noise();
            Some(*sum)
        })
        .collect();
    let smoothed: Vec<f64> =
        (0..=200).flat_map(|origin: usize| [values[origin.saturating_sub(1)]; 4]).collect();
    let known = Known { values: &values, seasons: &[], horizon: 4, from: 0, smoothed: &smoothed };
    let forecasts = (140..200).map(|origin: usize| Some(vec![values[origin - 1]; 4])).collect();
    let adaptive = Adaptive::new(known, &OutOfFold { first: 140, forecasts }, &[]);
    let bands = adaptive.path().at(&values, &[100.0; 4]);
    let widths: Vec<f64> = (0..16)
        .map(|step| {
            let quantiles = bands.all(step, 100.0);
            quantiles[quantiles.len() - 1] - quantiles[0]
        })
        .collect();
    assert!(widths.is_sorted() && widths[15] > 1.3 * widths[3], "{widths:?}");
}

#[test]
fn quantiles_are_those_asked_for_and_those_of_crps() {
    let known = Known { values: &[1.0, 2.0], seasons: &[], horizon: 1, from: 0, smoothed: &[] };
    let adaptive = Adaptive::new(known, &OutOfFold::default(), &[0.05, 0.1, 0.5, 0.9, 0.999]);
    let levels = [0.1, 0.3, 0.5, 0.7, 0.8, 0.9, 0.998];
    assert_eq!(adaptive.levels, levels);
    let bands = adaptive.path().at(&[1.0, 2.0], &[5.0]);
    let (all, Quantiles { shown, crps }) = (bands.all(0, 5.0), bands.quantiles(0, 5.0));
    assert!(all.is_sorted() && all[7] == 5.0, "{all:?}");
    assert_eq!(shown, [1, 2, 7, 12, 14].map(|place: usize| all[place]));
    assert_eq!(crps, [1, 3, 4, 5, 6, 8, 9, 10, 11, 13].map(|place: usize| all[place]));
}
