//! What the linear forecast says of its errors on rows before the test set.

use std::ops::Range;

use super::{Series, linear::Given};

impl Series {
    /// Returns the origins before the test set whose linear forecasts have not seen their rows.
    ///
    /// They are those of the folds that choose the weights of a [`LinearForecast`]. The range ends
    /// with the rows that it is fitted on. `None` without a linear forecast.
    ///
    /// [`LinearForecast`]: crate::LinearForecast
    pub fn folds(&self) -> Option<Range<usize>> {
        let forecasts = self.linear.as_ref()?;
        let first = self.fit_rows.edges(forecasts.horizon(), None)[0];
        Some(first.max(forecasts.first())..self.fit_rows.end)
    }

    /// Returns in-sample forecasts: those of the exponential smoothing of a linear forecast, fitted
    /// on all rows before the test set.
    ///
    /// They are the mean of the scales, and on each of the trends without slope, damped and theta.
    /// `None` without a linear forecast.
    ///
    /// # Shapes
    ///
    /// - output: `[origins, horizon]`, of the origins from `first` to the end of
    ///   [`folds`](Self::folds), which is the last
    ///
    /// # Units
    ///
    /// Those of the target.
    pub fn smoothed_forecasts(&self, first: usize) -> Option<Vec<f64>> {
        let given = Given {
            target: &self.target,
            future: &self.future,
            place: self.place,
            rows: self.fit_rows,
        };
        Some(self.linear.as_ref()?.smoothed(self.scalers.linear.as_ref()?, given, first))
    }
}
