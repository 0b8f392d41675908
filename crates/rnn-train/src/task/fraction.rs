//! The fraction of the network in a forecast that begins with the linear one.

use std::ops::Range;

use burn::tensor::Device;
use rnn_data::{LinearForecast, Naive, Subset, Window};
use rnn_models::SeriesModel;

use super::{
    objective::WithLoss,
    outputs::{Ensemble, predict_windows},
    series::SeriesTask,
};
use crate::{error::Result, settings::Loss};

/// Fractions that are compared.
const FRACTIONS: [f64; 5] = [0.0, 0.25, 0.5, 0.75, 1.0];
/// Number of standard errors by which a larger fraction must be better.
const CAUTION: f64 = 1.5;
/// Largest fraction with few windows, and the number of independent ones that is not few.
const FEW: (f64, f64) = (0.5, 30.0);
/// Most windows of the validation set that are predicted.
const WINDOWS: usize = 4000;

/// Errors of the linear forecast and outputs of the network at a window, `[horizon]` each.
struct Pair {
    errors: Vec<f64>,
    outputs: Vec<f64>,
}

impl SeriesTask {
    /// The mean of models with its fraction of the forecast.
    ///
    /// The validation set chooses the fraction of the outputs that is added to the linear forecast.
    /// It has the largest gain in the mean absolute error, less one and a half standard errors. So
    /// a network that adds nothing adds no noise. On rows before the test sets of six series, 1 to
    /// 2 errors were about equal. See Breiman et al., "Classification and Regression Trees", 1984,
    /// for the rule of one standard error. Without a linear forecast the fraction is 1.
    ///
    /// The validation set has also stopped the training, so its gain is optimistic. With few
    /// independent windows the fraction is therefore at most a half. This was chosen on thirty
    /// monthly series before their test sets, where 20 to 60 windows were equal.
    pub(super) fn ensemble<'a>(
        &self,
        models: &'a [WithLoss<SeriesModel>],
        device: &Device,
    ) -> Result<Ensemble<'a>> {
        let settings = &self.settings;
        let mut ensemble = Ensemble { models, fractions: None };
        if !settings.transform.is_residual()
            || settings.naive != Naive::Linear
            || settings.loss.name == Loss::Quantile
        {
            return Ok(ensemble);
        }
        let all = &self.data.panel.series;
        let count: usize = all.iter().map(|series| series.origins(Subset::Valid).len()).sum();
        let stride = all.first().map_or(1, |series| series.stride(count.div_ceil(WINDOWS)));
        let horizon = settings.horizon;
        let mut pairs = Vec::new();
        for series in all {
            let origins = series.origins(Subset::Valid).step_by(stride);
            let windows: Vec<Window> = origins.map(|origin| Window::new(series, origin)).collect();
            let of_window = |window: &Window| {
                (0..horizon).map(|step| series.transform(window.origin(), step)).collect()
            };
            let errors: Vec<Vec<f64>> = windows.iter().map(of_window).collect();
            let outputs = predict_windows(&ensemble, windows, series.horizon(), device)?;
            pairs.extend(
                errors.into_iter().zip(outputs).map(|(errors, outputs)| Pair { errors, outputs }),
            );
        }
        ensemble.fractions = Some(fractions(&pairs, horizon, stride));
        Ok(ensemble)
    }
}

/// The fraction at each step; the steps of a group have the same.
fn fractions(pairs: &[Pair], horizon: usize, stride: usize) -> Vec<f64> {
    let groups = LinearForecast::groups(horizon).into_iter();
    let of_group = |steps: Range<usize>| {
        let fraction = fraction(pairs, steps.clone(), stride);
        steps.map(move |_| fraction)
    };
    groups.flat_map(of_group).collect()
}

fn fraction(pairs: &[Pair], steps: Range<usize>, stride: usize) -> f64 {
    let count = pairs.len() as f64;
    // Forecasts of several steps overlap: a mean of products of triangles.
    let overlap = f64::max(1.0, 2.0 / 3.0 * steps.end as f64 / stride as f64);
    let gain_less_error = |fraction: f64| {
        let gains = pairs.iter().map(|Pair { errors, outputs }| {
            let each = errors[steps.clone()].iter().zip(&outputs[steps.clone()]);
            let gain = each.map(|(error, output)| error.abs() - (error - fraction * output).abs());
            gain.sum::<f64>() / steps.len() as f64
        });
        let gains: Vec<f64> = gains.collect();
        let mean = gains.iter().sum::<f64>() / count;
        let variance = gains.iter().map(|gain| (gain - mean).powi(2)).sum::<f64>() / count;
        mean - CAUTION * (variance * overlap / count).sqrt()
    };
    let most = if count / overlap < FEW.1 { FEW.0 } else { 1.0 };
    FRACTIONS
        .into_iter()
        .filter(|fraction| *fraction <= most)
        .map(|fraction| (fraction, gain_less_error(fraction)))
        .fold((0.0, 0.0), |best, one| if one.1 > best.1 { one } else { best })
        .0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noise(row: usize) -> f64 {
        (row as f64 * 12.9898).sin()
    }

    #[test]
    fn a_network_has_the_fraction_that_the_validation_set_shows() {
        let of_rows = |rows: usize, output: &dyn Fn(usize, f64) -> f64| {
            let pairs: Vec<Pair> = (0..rows)
                .map(|row| {
                    let errors: Vec<f64> = (0..4).map(|step| noise(4 * row + step)).collect();
                    let outputs =
                        errors.iter().enumerate().map(|(step, error)| output(step, *error));
                    Pair { outputs: outputs.collect(), errors: errors.clone() }
                })
                .collect();
            fractions(&pairs, 4, 1)
        };
        let of = |output: &dyn Fn(usize, f64) -> f64| of_rows(200, output);
        assert_eq!(of(&|_, error| error), [1.0; 4], "it knows the errors");
        assert_eq!(of(&|_, error| 2.0 * error), [0.5; 4], "it exaggerates");
        assert_eq!(of(&|_, error| -error), [0.0; 4], "it is wrong");
        assert_eq!(of(&|step, error| if step == 0 { error } else { 0.0 }), [1.0, 0.0, 0.0, 0.0]);
        let few = of_rows(70, &|_, error| error);
        assert_eq!(few, [1.0, 1.0, 1.0, 0.5], "overlapping windows are few");
        assert_eq!(fractions(&[], 2, 1), [0.0; 2], "no windows");
    }
}
