//! Unusual last rows: values far from their forecasts, and a stretch of equal values.

use super::{
    Series,
    linear::{Given, LinearRows},
};

/// Number of last rows that are compared with their forecasts.
const LAST: usize = 10;
/// Last rows in succession that are a new level, not outliers.
const PERSISTS: usize = 5;
/// Most outliers; more are another behaviour of the series.
const MOST: usize = 4;
/// Number of rows before that show what errors are usual, and fewest of them.
const BEFORE: (usize, usize) = (500, 30);
/// Smallest error of an outlier: in medians, in 99% quantiles, and in deviations of the values.
const SIZES: (f64, f64, f64) = (10.0, 3.0, 0.1);
/// Earlier errors that may be as large: one typing error does not hide another.
const EARLIER: usize = 1;
/// Fewest equal values of a stretch.
const SHORTEST: usize = 5;
/// Largest probability of a stretch, by the fraction of rows that repeat the one before.
const CHANCE: f64 = 1e-3;

/// An unusual end of a series.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum UnusualEnd {
    /// A value far from its forecast, and from where the rows after it return to.
    Outlier {
        /// Row of the value, counted from 0.
        row: usize,
        /// Forecast of the value from the rows before it, without earlier outliers.
        forecast: f64,
        /// Size of the error in median errors.
        errors: f64,
    },
    /// Equal values in all of the last rows.
    Constant {
        /// First row of the stretch, counted from 0.
        first: usize,
    },
}

impl Series {
    /// Finds what is unusual about the last rows; the values stay as they are.
    ///
    /// The last 10 rows are compared with their forecasts one step ahead: linear ones, or else the
    /// last value. An outlier has an error of more than ten medians and three 99% quantiles of the
    /// 500 errors before. At most one of these may be as large. The rows after it are forecast
    /// without it. Five or more in succession up to the end are a new level.
    ///
    /// Five or more equal values at the end are a stretch if chance makes them rarely. At most two
    /// earlier stretches may be as long. The chance follows from the fraction of rows that repeat
    /// the row before. See Iglewicz and Hoaglin, "How to Detect and Handle Outliers", 1993, for
    /// medians of errors.
    ///
    /// # Examples
    ///
    /// ```
    /// use jiff::{ToSpan, civil::date};
    /// use rnn_data::{SeriesConfig, Table, UnusualEnd};
    ///
    /// let first = date(2024, 1, 1).at(0, 0, 0, 0);
    /// let times = (0..200).map(|day| first + day.days()).collect();
    /// let mut values: Vec<f64> = (0..200).map(|day| f64::from(50 + day * day % 13)).collect();
    /// values[199] *= 100.0;
    /// let table = Table::from_columns("sales", times, [("sales", values)])?;
    /// let panel = SeriesConfig::new("sales".to_owned()).init(table)?;
    /// let ends = panel.series[0].unusual_end();
    /// assert!(matches!(ends[..], [UnusualEnd::Outlier { row: 199, .. }]));
    /// # Ok::<(), rnn_data::DataError>(())
    /// ```
    pub fn unusual_end(&self) -> Vec<UnusualEnd> {
        match stretch(&self.target) {
            Some(first) => vec![UnusualEnd::Constant { first }],
            None => self.outliers(),
        }
    }

    fn outliers(&self) -> Vec<UnusualEnd> {
        let rows = self.target.len();
        let Some(start) = rows.checked_sub(LAST) else { return Vec::new() };
        let naive = |row: usize| {
            self.linear_forecast(row, 0).or_else(|| Some(self.target[row.checked_sub(1)?]))
        };
        let first = self.linear.as_ref().map_or(1, LinearRows::first);
        let before = first.max(start.saturating_sub(BEFORE.0))..start;
        let mut sizes: Vec<f64> =
            before.filter_map(|row| Some((self.target[row] - naive(row)?).abs())).collect();
        if sizes.len() < BEFORE.1 {
            return Vec::new();
        }
        sizes.sort_by(f64::total_cmp);
        let quantile = |fraction: f64| sizes[((sizes.len() - 1) as f64 * fraction).ceil() as usize];
        let least = (SIZES.0 * quantile(0.5))
            .max(SIZES.1 * quantile(0.99))
            .max(SIZES.2 * deviation(&self.target[..start]))
            .max(sizes[sizes.len() - 1 - EARLIER]);
        let usual = quantile(0.5).max(least / (10.0 * SIZES.0));
        let mut found = Vec::new();
        let mut cleaned = self.target[..start].to_vec();
        let mut linear = self.linear.clone();
        if let Some(linear) = &mut linear {
            linear.truncate(start);
        }
        for row in start..rows {
            let season = self.config.seasons.first().copied().unwrap_or(1);
            let forecast = linear.as_ref().and_then(|linear| linear.forecast(row, 0, season));
            let forecast = forecast.unwrap_or(cleaned[row - 1]);
            let size = (self.target[row] - forecast).abs();
            if size > least {
                found.push(UnusualEnd::Outlier { row, forecast, errors: size / usual });
                cleaned.push(forecast);
            } else {
                cleaned.push(self.target[row]);
            }
            if let (Some(rows), Some(linear)) = (&mut linear, &self.scalers.linear) {
                let (target, future) = (&cleaned, &self.future);
                rows.push(linear, Given { target, future, place: self.place, rows: self.fit_rows });
            }
        }
        let is_outlier = |row: usize| {
            found.iter().any(|one| matches!(one, UnusualEnd::Outlier { row: at, .. } if *at == row))
        };
        let level = (start..rows).rev().take_while(|row| is_outlier(*row)).count();
        if level >= PERSISTS {
            found.truncate(found.len() - level);
        }
        if found.len() > MOST { Vec::new() } else { found }
    }
}

/// The first row of the last values if they are equal, and that is unusual.
fn stretch(values: &[f64]) -> Option<usize> {
    let last = values.last()?;
    let length = values.iter().rev().take_while(|value| *value == last).count();
    let first = values.len() - length;
    if length < SHORTEST || first < BEFORE.1 {
        return None;
    }
    let before = &values[..first];
    let repeated = before.windows(2).filter(|pair| pair[0] == pair[1]).count();
    let chance = (repeated as f64 + 1.0) / (before.len() as f64 + 1.0);
    let as_long = before.chunk_by(PartialEq::eq).filter(|one| one.len() >= length).count();
    (chance.powf((length - 1) as f64) < CHANCE && as_long <= 2).then_some(first)
}

fn deviation(values: &[f64]) -> f64 {
    let count = values.len() as f64;
    let mean = values.iter().sum::<f64>() / count;
    let squares: f64 = values.iter().map(|value| (value - mean) * (value - mean)).sum();
    (squares / count).sqrt()
}
