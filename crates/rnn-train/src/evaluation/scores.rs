//! Scores of forecasts.

use std::iter;

use serde::{Deserialize, Serialize};

use crate::text::{cells, either, multiple, number, percent as fraction, table};

/// Scores of forecasts, in the units of the values unless noted.
///
/// For MASE and its scale see Hyndman and Koehler, "Another look at measures of forecast accuracy",
/// International Journal of Forecasting 22 (2006). For RMSSE see Makridakis, Spiliotis and
/// Assimakopoulos, "M5 accuracy competition", International Journal of Forecasting 38 (2022).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Scores {
    /// Mean squared error, in squared units.
    pub mse: f64,
    /// Root mean squared error.
    pub rmse: f64,
    /// Mean absolute error.
    pub mae: f64,
    /// Mean absolute percentage error, in percent; none if an actual value is 0.
    pub mape: Option<f64>,
    /// Symmetric mean absolute percentage error, in percent: relative to the mean size of actual
    /// and predicted value.
    pub smape: f64,
    /// Mean absolute scaled error: relative to that of the (seasonal) naive forecast in the rows
    /// before the scored set. None if that error is 0. Early versions took the training set.
    pub mase: Option<f64>,
    /// Root mean squared scaled error, likewise relative to the naive forecast. It suits values
    /// that are mostly 0. None if that error is 0, and for scores of early
    /// versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rmsse: Option<f64>,
    /// Mean error, forecast minus actual value. None for scores of early versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bias: Option<f64>,
    /// Fraction of correctly predicted directions of change; none if no direction is predicted.
    pub directional_accuracy: Option<f64>,
    /// Number of values with a predicted and an actual change.
    pub directions: usize,
}

/// The denominators of MASE and RMSSE for a series: errors of the (seasonal) naive forecast.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ErrorScale {
    /// Mean absolute change over a season.
    pub(crate) absolute: f64,
    /// Mean squared change over a season.
    pub(crate) squared: f64,
}

impl ErrorScale {
    /// Computes it on the values before the first scored one.
    pub(crate) fn new(known: &[f64], season: Option<usize>) -> Self {
        let pairs = known.iter().zip(known.iter().skip(season.unwrap_or(1)));
        let changes: Vec<f64> = pairs.map(|(before, after)| after - before).collect();
        let mean = |of: fn(&f64) -> f64| changes.iter().map(of).sum::<f64>() / changes.len() as f64;
        Self { absolute: mean(|change| change.abs()), squared: mean(|change| change * change) }
    }
}

/// Running sums of forecast errors.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Errors {
    count: usize,
    squared: f64,
    absolute: f64,
    relative: f64,
    symmetric: f64,
    scaled: f64,
    scaled_squared: f64,
    signed: f64,
    zeros: usize,
    directions: usize,
    right: usize,
}

impl Errors {
    /// Adds a forecast; `last` is the last value before it.
    pub(crate) fn add(&mut self, actual: f64, predicted: f64, last: f64, scale: ErrorScale) {
        let error = (predicted - actual).abs();
        self.count += 1;
        self.squared += error * error;
        self.absolute += error;
        self.zeros += usize::from(actual == 0.0);
        self.relative += (error / actual).abs();
        let size = actual.abs() + predicted.abs();
        self.symmetric += if size > 0.0 { 2.0 * error / size } else { 0.0 };
        self.scaled += error / scale.absolute;
        self.scaled_squared += error * error / scale.squared;
        self.signed += predicted - actual;
        let (actual, predicted) = (actual - last, predicted - last);
        if actual != 0.0 && predicted != 0.0 {
            self.directions += 1;
            self.right += usize::from((actual > 0.0) == (predicted > 0.0));
        }
    }

    /// The sums of both.
    pub(crate) fn and(self, other: Self) -> Self {
        Self {
            count: self.count + other.count,
            squared: self.squared + other.squared,
            absolute: self.absolute + other.absolute,
            relative: self.relative + other.relative,
            symmetric: self.symmetric + other.symmetric,
            scaled: self.scaled + other.scaled,
            scaled_squared: self.scaled_squared + other.scaled_squared,
            signed: self.signed + other.signed,
            zeros: self.zeros + other.zeros,
            directions: self.directions + other.directions,
            right: self.right + other.right,
        }
    }

    /// Means over all forecasts, equally weighted.
    pub(crate) fn scores(&self) -> Scores {
        let mean = |sum: f64| sum / self.count as f64;
        let mse = mean(self.squared);
        Scores {
            mse,
            rmse: mse.sqrt(),
            mae: mean(self.absolute),
            mape: (self.zeros == 0).then(|| 100.0 * mean(self.relative)),
            smape: 100.0 * mean(self.symmetric),
            mase: Some(mean(self.scaled)).filter(|mase| mase.is_finite()),
            rmsse: Some(mean(self.scaled_squared).sqrt()).filter(|rmsse| rmsse.is_finite()),
            bias: Some(mean(self.signed)),
            directional_accuracy: (self.directions > 0)
                .then(|| self.right as f64 / self.directions as f64),
            directions: self.directions,
        }
    }
}

impl Scores {
    /// Combines scores of several groups, each given with its number of forecasts.
    pub(crate) fn together(groups: &[(usize, Self)]) -> Self {
        let count: usize = groups.iter().map(|(count, _)| count).sum();
        let mean_of = |of: fn(&Self) -> Option<f64>| -> Option<f64> {
            let weighted = groups.iter().map(|(count, scores)| Some(*count as f64 * of(scores)?));
            Some(weighted.sum::<Option<f64>>()? / count as f64)
        };
        let mean = |of: fn(&Self) -> Option<f64>| mean_of(of).unwrap_or(f64::NAN);
        let mse = mean(|scores| Some(scores.mse));
        let directions: usize = groups.iter().map(|(_, scores)| scores.directions).sum();
        let right = |scores: &Self| Some(scores.directional_accuracy? * scores.directions as f64);
        let right: f64 = groups.iter().filter_map(|(_, scores)| right(scores)).sum();
        Self {
            mse,
            rmse: mse.sqrt(),
            mae: mean(|scores| Some(scores.mae)),
            mape: mean_of(|scores| scores.mape),
            smape: mean(|scores| Some(scores.smape)),
            mase: mean_of(|scores| scores.mase),
            rmsse: mean_of(|scores| scores.rmsse.map(|rmsse| rmsse * rmsse)).map(f64::sqrt),
            bias: mean_of(|scores| scores.bias),
            directional_accuracy: (directions > 0).then(|| right / directions as f64),
            directions,
        }
    }

    /// A table of scores; `first` is the heading of the names.
    pub(crate) fn table<'a>(
        first: &str,
        rows: impl IntoIterator<Item = (String, &'a Self)>,
    ) -> String {
        let percent = |value: f64| format!("{value:.2}%");
        let row = |(name, scores): (String, &Self)| {
            let Self { mse, rmse, mae, mape, smape, mase, directional_accuracy, .. } = scores;
            let mape = mape.map_or_else(|| "-".to_owned(), percent);
            let [mse, rmse, mae] = [*mse, *rmse, *mae].map(number);
            let errors = cells![name, mse, rmse, mae, mape, percent(*smape)];
            [errors, vec![multiple(*mase), fraction(*directional_accuracy)]].concat()
        };
        let head = cells![
            first,
            either("MSE", "均方误差"),
            either("RMSE", "均方根误差"),
            either("MAE", "平均绝对误差"),
            "MAPE",
            "sMAPE",
            "MASE",
            either("direction", "方向准确率")
        ];
        table("<>>>>>>>", iter::once(head).chain(rows.into_iter().map(row)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scores_are_means_over_samples() {
        let mut errors = Errors::default();
        let scale = ErrorScale { absolute: 3.0, squared: 16.0 };
        for (actual, last, predicted) in
            [(1.0, 0.5, 1.0), (2.0, 1.0, 2.0), (3.0, 3.0, 3.0), (4.0, 5.0, 8.0)]
        {
            errors.add(actual, predicted, last, scale);
        }
        // The third value has no change; the fourth forecast has the wrong direction.
        let expected = Scores {
            mse: 4.0,
            rmse: 2.0,
            mae: 1.0,
            mape: Some(25.0),
            smape: 100.0 * (8.0 / 12.0) / 4.0,
            mase: Some(1.0 / 3.0),
            rmsse: Some(0.5),
            bias: Some(1.0),
            directional_accuracy: Some(2.0 / 3.0),
            directions: 3,
        };
        assert_eq!(errors.scores(), expected);
        errors.add(0.0, 0.0, 0.0, scale);
        assert_eq!((errors.scores().mape, errors.scores().mae), (None, 0.8));
        errors.add(1.0, 2.0, 1.0, ErrorScale { absolute: 0.0, squared: 0.0 });
        let scores = errors.scores();
        assert_eq!((scores.mase, scores.rmsse), (None, None), "of a constant series");
    }

    #[test]
    fn scales_are_errors_of_the_seasonal_naive_forecast() {
        let scale = ErrorScale::new(&[1.0, 0.0, 4.0, 2.0], Some(2));
        assert_eq!((scale.absolute, scale.squared), (2.5, 6.5));
        let scale = ErrorScale::new(&[1.0, 0.0, 4.0], None);
        assert_eq!((scale.absolute, scale.squared), (2.5, 8.5));
    }

    #[test]
    fn scores_of_early_versions_have_no_rmsse_and_no_bias() {
        let text = r#"{"mse": 4.0, "rmse": 2.0, "mae": 1.0, "mape": null, "smape": 3.0,
            "mase": 0.5, "directional_accuracy": null, "directions": 0}"#;
        let scores: Scores = serde_json::from_str(text).unwrap();
        assert_eq!((scores.mase, scores.rmsse, scores.bias), (Some(0.5), None, None));
    }

    #[test]
    fn combined_scores_equal_those_of_all_forecasts() {
        let scale = ErrorScale { absolute: 2.0, squared: 4.0 };
        let (mut one, mut other, mut all) =
            (Errors::default(), Errors::default(), Errors::default());
        for (index, actual) in [1.0, -2.0, 3.5, 0.25].into_iter().enumerate() {
            let group = if index < 2 { &mut one } else { &mut other };
            group.add(actual, 1.0, 0.5, scale);
            all.add(actual, 1.0, 0.5, scale);
        }
        assert_eq!(one.and(other).scores(), all.scores());
        let (together, all) =
            (Scores::together(&[(2, one.scores()), (2, other.scores())]), all.scores());
        assert!(
            (together.rmse - all.rmse).abs() < 1e-12
                && (together.mase, together.bias) == (all.mase, all.bias)
                && (together.rmsse.unwrap() - all.rmsse.unwrap()).abs() < 1e-12,
            "{together:?}"
        );
        assert_eq!(
            (together.directional_accuracy, together.directions),
            (all.directional_accuracy, all.directions)
        );
    }
}
