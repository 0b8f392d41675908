//! Rows that are appended to a series: those of a forecast.

use jiff::civil::DateTime;

use super::{Feature, Naive, Series, feature::FeatureRows, linear::Given, prepare::formed};

impl Series {
    /// Returns whether rows can be appended: all inputs depend only on the target, the time, and
    /// columns that are known in the future.
    pub fn can_push(&self) -> bool {
        let is_known = |name: &str| name == self.config.target || self.future_of(name).is_some();
        self.config.features.iter().all(|feature| feature.columns().into_iter().all(is_known))
            && (self.close.is_none()
                || self.config.naive != Naive::LastClose
                || !self.config.transform.is_residual())
    }

    /// Copies the rows before `origin`. Values that are known in the future stay.
    pub fn truncated(&self, origin: usize) -> Self {
        let mut known = self.clone();
        known.times.truncate(origin);
        known.target.truncate(origin);
        known.inputs.truncate(origin * self.width);
        if let Some(linear) = &mut known.linear {
            linear.truncate(origin);
        }
        if let Some(close) = &mut known.close {
            close.truncate(origin);
        }
        known
    }

    /// Appends a predicted row; `value` is in the target's units.
    ///
    /// Only valid if [`can_push`](Self::can_push) is true.
    pub fn push(&mut self, time: DateTime, value: f64) {
        self.times.push(time);
        self.target.push(value);
        let row = self.target.len() - 1;
        for values in self.future.iter_mut().filter(|values| values.len() == row) {
            values.push(f64::NAN);
        }
        if let (Some(forecasts), Some(linear)) = (&mut self.linear, &self.scalers.linear) {
            let (target, future) = (&self.target, &self.future);
            forecasts
                .push(linear, Given { target, future, place: self.place, rows: self.fit_rows });
        }
        let numbers = |feature: &Feature| formed(feature, &self.config).numbers(self, row);
        let numbers: Vec<f64> = self.config.features.iter().flat_map(numbers).collect();
        self.push_inputs(numbers.into_iter());
        if let Some(close) = &mut self.close {
            close.push(value);
        }
    }
}

/// The features of the target, of times, and of values that are known in the future.
impl FeatureRows for Series {
    fn column(&self, name: &str) -> &[f64] {
        self.future_of(name).unwrap_or(&self.target)
    }

    fn ahead(&self, name: &str, row: usize) -> f64 {
        let value = self.future_of(name).and_then(|values| values.get(row));
        value.copied().unwrap_or(f64::NAN)
    }

    fn of_series(&self, name: &str) -> f64 {
        let known = self.statics.iter().find(|(known, _)| known == name);
        known.map_or(f64::NAN, |(_, value)| *value)
    }

    fn time(&self, row: usize) -> DateTime {
        self.times[row]
    }
}
