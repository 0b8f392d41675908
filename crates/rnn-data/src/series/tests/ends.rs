//! Unusual last rows: outliers and stretches of equal values.

use super::*;

const ROWS: usize = 300;
const WEEK: [f64; 7] = [3.0, -1.0, 0.5, 2.0, -4.0, 6.0, -6.5];

/// Pseudo-random numbers between 0 and 1.
fn random(seed: usize) -> impl FnMut() -> f64 {
    let mut state = 1 + seed as u64;
    move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963);
        ((state >> 33) as f64 + 0.5) / (1u64 << 31) as f64
    }
}

fn sales() -> Vec<f64> {
    let mut random = random(3);
    (0..ROWS).map(|row| 100.0 + WEEK[row % 7] + 2.0 * random()).collect()
}

fn ends_of(values: &[f64], naive: Naive) -> Vec<UnusualEnd> {
    let config = SeriesConfig {
        transform: Transform::Residual,
        naive,
        seasons: vec![7],
        split: Split::holdout(SetSize::Rows(30), SetSize::Rows(30)),
        ..config()
    };
    series(table(0..values.len(), |row| values[row]), &config).unusual_end()
}

/// Rows and forecasts of outliers in sales that are changed.
fn outliers(naive: Naive, change: impl Fn(&mut Vec<f64>)) -> Vec<(usize, f64)> {
    let mut values = sales();
    change(&mut values);
    let row = |end| match end {
        UnusualEnd::Outlier { row, forecast, errors } => {
            assert!(errors > 10.0, "{errors}");
            (row, forecast)
        }
        UnusualEnd::Constant { first } => (first, f64::NAN),
    };
    ends_of(&values, naive).into_iter().map(row).collect()
}

#[test]
fn outliers_in_the_last_rows_are_found() {
    for naive in [Naive::Linear, Naive::LastValue] {
        let rows = |change: &dyn Fn(&mut Vec<f64>)| -> Vec<usize> {
            outliers(naive, change).into_iter().map(|(row, _)| row).collect()
        };
        assert_eq!(rows(&|_| ()), [0; 0], "{naive}");
        assert_eq!(rows(&|values| values[299] *= 100.0), [299]);
        assert_eq!(rows(&|values| values[299] *= 10.0), [299]);
        assert_eq!(rows(&|values| values[296] *= 100.0), [296], "those after it are usual");
        assert_eq!(rows(&|values| values[299] = 0.0), [299]);
        assert_eq!(rows(&|values| values[297..].fill(0.0)), [297, 298, 299]);
        let twice = |values: &mut Vec<f64>| [150, 299].iter().for_each(|row| values[*row] *= 50.0);
        assert_eq!(rows(&twice), [299], "one typing error does not hide another");
        assert_eq!(rows(&|values| values[280] *= 100.0), [0; 0], "not at the end");
    }
    let (_, forecast) = outliers(Naive::Linear, |values| values[299] *= 100.0)[0];
    assert!((forecast - sales()[299]).abs() < 3.0, "{forecast}");
}

#[test]
fn a_level_that_persists_is_no_outlier() {
    for rows in [5, 8, 10, 40] {
        let found = outliers(Naive::Linear, |values| {
            values[ROWS - rows..].iter_mut().for_each(|value| *value *= 2.0);
        });
        assert_eq!(found, [], "{rows} rows");
    }
    let rougher = |values: &mut Vec<f64>| {
        (290..ROWS).for_each(|row| values[row] += if row % 2 == 0 { 60.0 } else { -60.0 });
    };
    assert_eq!(outliers(Naive::Linear, rougher), [], "another behaviour");
}

#[test]
fn heavy_tails_are_seldom_outliers() {
    // Normal, Laplace, Student's t with 3 and with 2 degrees of freedom, log-normal, a random walk.
    let mut alarms = [0; 6];
    for seed in 0..100 {
        let mut random = random(1000 + seed);
        let mut normal =
            move || (-2.0 * random().ln()).sqrt() * (std::f64::consts::TAU * random()).cos();
        let mut level = 0.0;
        for (kind, alarms) in alarms.iter_mut().enumerate() {
            let values: Vec<f64> = (0..200)
                .map(|row| {
                    let noise = normal();
                    let mut square = |count: usize| {
                        (0..count).map(|_| normal().powi(2)).sum::<f64>() / count as f64
                    };
                    let noise = match kind {
                        0 => noise,
                        1 => noise * square(2).sqrt(),
                        2 => noise / square(3).sqrt(),
                        3 => noise / square(2).sqrt(),
                        4 => noise.exp(),
                        _ => {
                            level += noise;
                            level
                        }
                    };
                    100.0 + WEEK[row % 7] + noise
                })
                .collect();
            *alarms += usize::from(!ends_of(&values, Naive::LastValue).is_empty());
        }
    }
    // Of 600, with 10 rows each.
    assert!(alarms.iter().sum::<usize>() <= 18 && alarms[0] + alarms[5] <= 1, "{alarms:?}");
}

#[test]
fn a_stretch_of_equal_values_at_the_end_is_found() {
    let constant = |change: &dyn Fn(&mut Vec<f64>)| {
        let mut values = sales();
        change(&mut values);
        match ends_of(&values, Naive::Linear)[..] {
            [UnusualEnd::Constant { first }] => Some(first),
            _ => None,
        }
    };
    assert_eq!(constant(&|values| values[250..].fill(101.5)), Some(250));
    assert_eq!(constant(&|values| values[280..].fill(0.0)), Some(280), "a closed shop");
    assert_eq!(constant(&|values| values[295..].fill(0.0)), Some(295));
    assert_eq!(constant(&|values| values[200..240].fill(0.0)), None, "not at the end");
    let demand = |values: &mut Vec<f64>| {
        let mut random = random(9);
        values.iter_mut().for_each(|value| *value = if random() < 0.8 { 0.0 } else { *value });
        values[292..].fill(0.0);
    };
    assert_eq!(constant(&demand), None, "zeros are usual");
    let night = |values: &mut Vec<f64>| {
        (0..ROWS).filter(|row| row % 20 >= 8).for_each(|row| values[row] = 0.0);
    };
    assert_eq!(constant(&night), None, "each night is as long");
    let weekdays = |values: &mut Vec<f64>| {
        values.iter_mut().enumerate().for_each(|(row, value)| *value = (row / 7 % 3) as f64);
    };
    assert_eq!(constant(&weekdays), None);
}
