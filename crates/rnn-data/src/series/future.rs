//! Columns whose values are known in the future, and values of a whole series.

use jiff::civil::DateTime;

use super::{Feature, Series, SeriesConfig, feature::FeatureRows};
use crate::{DataError, Scaler, Table, format_time};

impl SeriesConfig {
    /// Checks that columns known in the future are not the target, and features ahead known.
    pub(super) fn check_future(&self, table: &Table) -> Result<(), DataError> {
        let wrong = |problem: String| {
            Err(DataError::Covariate { path: table.path.clone(), place: None, problem })
        };
        if self.future.contains(&self.target) {
            return wrong(format!(
                "column `{}` is the target, which is not known in the future (leave it out of \
                 `future`)",
                self.target
            ));
        }
        for feature in &self.features {
            match feature {
                Feature::Lead(name, _) if !self.future.contains(name) => {
                    return wrong(format!(
                        "feature `{feature}`: the column is not known in the future (add `{name}` \
                         to `future`)"
                    ));
                }
                Feature::Lead(_, rows) if *rows > self.horizon => {
                    return wrong(format!(
                        "feature `{feature}`: expected at most the horizon of {} rows, got {rows} \
                         (choose a smaller number, or a longer horizon)",
                        self.horizon
                    ));
                }
                Feature::Static(name) if FeatureRows::of_series(table, name).is_nan() => {
                    return wrong(format!(
                        "feature `{feature}`: the series has no such value (set `static-data`)"
                    ));
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Returns whether all columns of a feature are known in the future.
    pub(super) fn is_known(&self, feature: &Feature) -> bool {
        let columns = feature.columns();
        !columns.is_empty() && columns.iter().all(|name| self.future.iter().any(|one| one == name))
    }
}

/// Returns the values of the columns that are known in the future, `[columns][rows]`.
///
/// The rows are those of a table, and those after its last one.
pub(super) fn of_table(config: &SeriesConfig, table: &Table) -> Vec<Vec<f64>> {
    let rows = table.rows() + table.later_times().len();
    let values = |name: &String| (0..rows).map(|row| table.ahead(name, row)).collect();
    config.future.iter().map(values).collect()
}

/// Fits the scaler of a feature that is known in the future.
///
/// Values of 0 and 1 are used as they are. So is a constant, which may be another one later.
pub(super) fn scaler(values: impl Iterator<Item = f64>) -> Scaler {
    let values: Vec<f64> = values.filter(|value| !value.is_nan()).collect();
    if values.iter().all(|value| [0.0, 1.0].contains(value)) {
        return Scaler::Identity;
    }
    Scaler::standard(values.iter().copied(), "").unwrap_or_else(|_| Scaler::Standard {
        mean: values[0],
        deviation: values[0].abs().max(1.0),
    })
}

impl Series {
    /// Returns the values of a column that is known in the future.
    pub(super) fn future_of(&self, name: &str) -> Option<&[f64]> {
        let index = self.config.future.iter().position(|column| column == name)?;
        self.future.get(index).map(Vec::as_slice)
    }

    /// Returns the number of rows from an origin on of which a forecast of `steps` rows reads known
    /// values.
    pub(super) fn reach(&self, steps: usize) -> usize {
        if self.config.future.is_empty() { steps } else { steps.next_multiple_of(self.horizon()) }
    }

    /// Returns the times of the rows after the last one that the table has, `[rows]`, as
    /// [`Table::later_times`] does.
    pub fn later_times(&self) -> &[DateTime] {
        self.all_times.get(self.times.len()..).unwrap_or_default()
    }

    /// Checks that the columns known in the future have values up to the horizon after `origin`.
    ///
    /// # Errors
    ///
    /// [`DataError::Covariate`] with the column and the time of the first missing value.
    pub fn check_future(&self, origin: usize) -> Result<(), DataError> {
        self.check_future_steps(origin, self.config.horizon)
    }

    /// Checks that the columns known in the future have values in `steps` rows from `origin` on.
    ///
    /// # Errors
    ///
    /// As [`check_future`](Self::check_future).
    pub fn check_future_steps(&self, origin: usize, steps: usize) -> Result<(), DataError> {
        let rows = origin..origin + steps;
        let is_missing =
            |values: &Vec<f64>, row: usize| values.get(row).is_none_or(|value| value.is_nan());
        let missing = self.config.future.iter().zip(&self.future).find_map(|(name, values)| {
            rows.clone().find(|&row| is_missing(values, row)).map(|row| (name, row))
        });
        let Some((name, row)) = missing else { return Ok(()) };
        let [missing, last] = [row, rows.end - 1].map(|row| self.time_of(row));
        let known = format_time(self.times[origin - 1]);
        let count = if steps == 1 { "1 row".to_owned() } else { format!("{steps} rows") };
        Err(DataError::Covariate {
            path: self.name.clone().into(),
            place: None,
            problem: format!(
                "column `{name}` has no value for {missing}: a forecast of {count} after \
                 {known} needs it up to {last} (add rows after the last value, or use \
                 --future-data)"
            ),
        })
    }

    /// Returns the time of a row, which may be after the last one.
    fn time_of(&self, row: usize) -> String {
        let later =
            || self.next_times(row + 1 - self.times.len()).get(row - self.times.len()).copied();
        let time = self.times.get(row).copied().or_else(later);
        time.map_or_else(|| format!("row {}", row + 1), format_time)
    }
}
