//! The rows after the last one of a table.

use jiff::civil::DateTime;

use super::{
    Table, format_time,
    later::{Later, stray},
};
use crate::DataError;

impl Table {
    /// Returns the times of the rows after the last one, `[rows]`.
    ///
    /// In these rows only columns that are [known in the future] have values.
    ///
    /// [known in the future]: crate::ReadOptions::future
    ///
    /// # Examples
    ///
    /// ```
    /// use rnn_data::{CsvFile, ReadOptions};
    ///
    /// let text = "date,sales,promo\n2020-01-02,7,0\n2020-01-03,9,1\n2020-01-04,,1\n";
    /// let file = CsvFile::from_bytes("shop.csv".as_ref(), text.as_bytes(), None)?;
    /// let options =
    ///     ReadOptions { future: vec!["promo".to_owned()], ..ReadOptions::default() };
    /// let table = file.read(&["sales", "promo"], &options)?;
    /// assert_eq!((table.rows(), table.later_times().len()), (2, 1));
    /// assert_eq!(table.later("promo"), Some(&[1.0][..]));
    /// # Ok::<(), rnn_data::DataError>(())
    /// ```
    pub fn later_times(&self) -> &[DateTime] {
        &self.later.times
    }

    /// Returns the values of a column after the last row, `[rows]`, by its exact name in the table:
    /// NaN if missing. `None` for a column that is not known in the future.
    pub fn later(&self, name: &str) -> Option<&[f64]> {
        let index = self.columns().names().iter().position(|column| column == name)?;
        let values = self.later.values.get(index)?;
        (!values.is_empty()).then_some(values)
    }

    /// Returns the value of a column in a row or after the last one; NaN if there is none.
    pub(crate) fn ahead(&self, name: &str, row: usize) -> f64 {
        let values = self.values(name);
        let later = || self.later(name)?.get(row - values.len());
        values.get(row).or_else(later).copied().unwrap_or(f64::NAN)
    }

    /// Adds the rows of another table that come after the last row, with columns that are known in
    /// the future. Rows of the other table up to the last row are not used.
    ///
    /// # Errors
    ///
    /// - [`DataError::MissingColumn`] if the other table lacks one of the columns.
    /// - [`DataError::Covariate`] if there are such rows already, or if the new ones do not
    ///   continue the step of the table.
    pub fn with_later(
        mut self,
        other: &Self,
        columns: &[impl AsRef<str>],
    ) -> Result<Self, DataError> {
        let wrong = |row: Option<usize>, problem: String| DataError::Covariate {
            path: other.path.clone(),
            place: row.map(|row| other.place(row)),
            problem,
        };
        let last = self.times[self.rows() - 1];
        if let Some(first) = self.later.times.first() {
            return Err(wrong(
                None,
                format!(
                    "{} has rows after its last value already, from {} on (remove them, or leave \
                     out this file)",
                    self.path.display(),
                    format_time(*first)
                ),
            ));
        }
        let start = other.times.iter().position(|time| *time > last).unwrap_or(other.rows());
        let times = [&self.times, &other.times[start..]].concat();
        let clock = other.clock.of(&(start..other.rows()));
        let clock = self.clock.followed_by(self.rows(), &clock, &times);
        if let Some((row, expected)) = stray(&times, self.rows(), &clock) {
            let problem = format!(
                "expected {expected}, got {} (add the missing rows, or correct the dates)",
                format_time(times[row])
            );
            return Err(wrong(Some(start + row - self.rows()), problem));
        }
        let mut values = vec![Vec::new(); self.columns().names().len()];
        for name in columns {
            let column = other.columns().resolve(name.as_ref())?;
            let index = self.columns().index(name.as_ref())?;
            values[index] = other.values(column)[start..].to_vec();
        }
        self.clock = clock;
        self.later = Later { times: other.times[start..].to_vec(), values };
        Ok(self)
    }

    /// Copies the later rows of columns, and the rows of this table from `end` on.
    pub(super) fn later_from(&self, end: usize, indices: &[usize], is_future: &[bool]) -> Later {
        if !is_future.contains(&true) {
            return Later::default();
        }
        let mut times = [&self.times[..], &self.later.times].concat();
        if let Some((row, _)) = stray(&times, end, &self.clock) {
            times.truncate(row);
        }
        let count = times.len() - end;
        let values = indices.iter().zip(is_future).map(|(&index, is_future)| match is_future {
            true => {
                let name = &self.columns().names()[index];
                (end..end + count).map(|row| self.ahead(name, row)).collect()
            }
            false => Vec::new(),
        });
        Later { values: values.collect(), times: times.split_off(end) }
    }
}
