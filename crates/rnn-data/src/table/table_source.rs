use super::{Columns, CsvFile, ReadOptions, Table};
use crate::DataError;

/// A source of tables: a [`CsvFile`], or a [`Table`] in memory.
///
/// # Examples
///
/// ```
/// use jiff::{ToSpan, civil::date};
/// use rnn_data::{CsvFile, DataError, ReadOptions, Table, TableSource};
///
/// fn target_rows(source: &dyn TableSource) -> Result<usize, DataError> {
///     let target = source.columns().likely_target().unwrap_or("value");
///     Ok(source.read(&[target], &ReadOptions::default())?.rows())
/// }
///
/// let times = (0..3).map(|day| (date(2020, 4, 24) + day.days()).into()).collect();
/// let table = Table::from_columns("memory", times, [("price", vec![1.0, 2.0, 3.0])])?;
/// assert_eq!(target_rows(&table)?, 3);
/// assert_eq!(target_rows(&CsvFile::sample(None)?)?, 2426);
/// # Ok::<(), DataError>(())
/// ```
pub trait TableSource {
    /// Returns the columns of the source.
    fn columns(&self) -> &Columns;

    /// Reads columns, resolved by [`Columns::resolve`]; the table uses the given names.
    ///
    /// # Errors
    ///
    /// See [`CsvFile::read`]. For a table in memory: a missing column, or no rows in the requested
    /// times.
    fn read(&self, columns: &[&str], options: &ReadOptions) -> Result<Table, DataError>;
}

impl TableSource for CsvFile {
    fn columns(&self) -> &Columns {
        self.columns()
    }

    fn read(&self, columns: &[&str], options: &ReadOptions) -> Result<Table, DataError> {
        self.read_first_series(columns, options)
    }
}

impl TableSource for Table {
    fn columns(&self) -> &Columns {
        self.columns()
    }

    fn read(&self, columns: &[&str], options: &ReadOptions) -> Result<Table, DataError> {
        self.select(columns, options)
    }
}
