//! Naive forecasts and transforms of the target of a series.

use super::{Naive, Series, Transform};

impl Naive {
    /// Forecasts the value `step` rows after `origin` from the rows before `origin`.
    ///
    /// # Units
    ///
    /// Those of the target.
    ///
    /// # Panics
    ///
    /// If there is no row before `origin`.
    pub fn forecast(self, series: &Series, origin: usize, step: usize) -> f64 {
        let values = &series.target[..origin];
        let last = values[origin - 1];
        match self {
            Self::LastValue => last,
            Self::LastClose => series.close.as_ref().map_or(last, |close| close[origin - 1]),
            Self::Drift => {
                last + (step + 1) as f64 * (last - values[0]) / (origin - 1).max(1) as f64
            }
            Self::Linear => series
                .linear_forecast(origin, step)
                .unwrap_or_else(|| Self::without_fit(series).forecast(series, origin, step)),
            Self::Seasonal(season) => {
                // Goes back whole seasons until a row before the origin.
                let back = season * (step / season + 1);
                (origin + step).checked_sub(back).map_or(last, |row| values[row])
            }
            Self::Mean(count) => {
                let values = &values[origin.saturating_sub(count)..];
                values.iter().sum::<f64>() / values.len() as f64
            }
        }
    }
}

impl Naive {
    /// Returns the forecast in place of a linear one that has too few rows.
    fn without_fit(series: &Series) -> Self {
        series.config.seasons.first().map_or(Self::LastValue, |season| Self::Seasonal(*season))
    }
}

impl Transform {
    /// Returns the transformed target in row `origin + step`, before scaling.
    pub(super) fn forward(self, series: &Series, origin: usize, step: usize) -> f64 {
        let value = series.target[origin + step];
        match self {
            Self::MinMax | Self::Standard => value,
            Self::Difference => value - series.target[origin + step - 1],
            Self::LogReturn => (value / series.target[origin + step - 1]).ln(),
            Self::Residual => value - series.config.naive.forecast(series, origin, step),
            Self::LogResidual => (value / series.config.naive.forecast(series, origin, step)).ln(),
            Self::AsinhResidual => {
                value.asinh() - series.config.naive.forecast(series, origin, step).asinh()
            }
        }
    }

    /// Inverts [`forward`](Self::forward); `before` is the value in row `origin + step - 1`.
    pub(super) fn inverse(
        self,
        series: &Series,
        origin: usize,
        step: usize,
        formed: f64,
        before: f64,
    ) -> f64 {
        match self {
            Self::MinMax | Self::Standard => formed,
            Self::Difference => before + formed,
            Self::LogReturn => before * formed.exp(),
            Self::Residual => {
                let value = series.config.naive.forecast(series, origin, step) + formed;
                let linear = series.scalers.linear.as_ref();
                // Demand that has been 0 is never negative.
                let floor = linear.filter(|linear| linear.is_from_zero()).map(|_| 0.0);
                value.max(floor.unwrap_or(f64::NEG_INFINITY))
            }
            Self::LogResidual => series.config.naive.forecast(series, origin, step) * formed.exp(),
            Self::AsinhResidual => {
                (series.config.naive.forecast(series, origin, step).asinh() + formed).sinh()
            }
        }
    }
}

impl Series {
    /// Returns the transformed and scaled target in row `origin + step`.
    ///
    /// # Panics
    ///
    /// If the row is not in the series.
    pub fn transform(&self, origin: usize, step: usize) -> f64 {
        self.scalers.target.transform(self.config.transform.forward(self, origin, step))
    }

    /// Returns the residual of a row: the target relative to its naive forecast.
    ///
    /// The forecast is that of a residual transform, else the last value.
    ///
    /// # Units
    ///
    /// A log ratio if the transform takes logarithms, else a difference in the target's units.
    ///
    /// # Panics
    ///
    /// If the row is the first.
    pub fn naive_residual(&self, row: usize) -> f64 {
        let transform = self.config.transform;
        let naive = if transform.is_residual() { self.config.naive } else { Naive::LastValue };
        let (value, forecast) = (self.target[row], naive.forecast(self, row, 0));
        if self.is_logarithmic() { (value / forecast).ln() } else { value - forecast }
    }

    /// Inverts [`transform`](Self::transform) for predictions of the rows from `origin` on.
    ///
    /// # Shapes
    ///
    /// - scaled and output: `[steps]`, with any number of steps
    ///
    /// # Units
    ///
    /// The output is in the target's units.
    ///
    /// # Panics
    ///
    /// If there is no row before `origin`.
    pub fn inverse_transform(&self, origin: usize, scaled: &[f64]) -> Vec<f64> {
        let mut before = self.target[origin - 1];
        let unscale = |(step, &scaled): (usize, &f64)| {
            before = self.config.transform.inverse(
                self,
                origin,
                step,
                self.scalers.target.inverse_transform(scaled),
                before,
            );
            before
        };
        scaled.iter().enumerate().map(unscale).collect()
    }
}
