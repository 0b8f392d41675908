use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use burn::data::dataset::Dataset;
use jiff::civil::DateTime;

use super::{Series, SeriesConfig, SplitTimes, Subset, Windows};
use crate::{DataError, Scalers, Table, format_time};

/// One or many series for one model, split at the same times, each with its own scalers.
#[derive(Debug)]
pub struct Panel {
    /// Series, in the order of their tables.
    pub series: Vec<Arc<Series>>,
    /// First predicted times of the validation and the test set.
    pub starts: SplitTimes,
    /// Errors of the skipped series.
    pub skipped: Vec<DataError>,
}

/// Handling of an unusable series among others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BadSeries {
    /// Returns its error.
    Fail,
    /// Skips it, and adds its error to [`Panel::skipped`].
    Skip,
}

impl SeriesConfig {
    /// Prepares one series; scalers are fitted on its training set.
    ///
    /// # Errors
    ///
    /// - [`DataError::TooFewRows`] or [`DataError::Split`] if a set would be empty.
    /// - [`DataError::Logarithm`] or [`DataError::Value`] if a transform or feature is undefined.
    /// - [`DataError::ZeroRange`] if the training set is constant.
    ///
    /// # Panics
    ///
    /// If the table lacks one of the [columns](SeriesConfig::columns).
    pub fn init(&self, table: Table) -> Result<Panel, DataError> {
        self.init_scaled(table, None)
    }

    /// Prepares one series with the scalers of a trained model, if given.
    ///
    /// # Errors
    ///
    /// See [`SeriesConfig::init`].
    ///
    /// # Panics
    ///
    /// See [`SeriesConfig::init`].
    pub fn init_scaled(&self, table: Table, scalers: Option<&Scalers>) -> Result<Panel, DataError> {
        let (path, starts) = (
            table.path.clone(),
            self.split.times(&table.path, self.window, self.horizon, &table.times)?,
        );
        let series = vec![Arc::new(Series::prepare(table, self, &starts, scalers)?)];
        Panel { series, starts, skipped: Vec::new() }.with_windows(&path)
    }

    /// Prepares one series per table, each with its own scalers.
    ///
    /// Errors about the whole panel use `folder` as the path. Each table is freed once its series
    /// is ready.
    ///
    /// # Errors
    ///
    /// See [`SeriesConfig::init`]: the error of the first unusable table, or of the last one if all
    /// are skipped.
    ///
    /// # Panics
    ///
    /// See [`SeriesConfig::init`].
    pub fn init_many(
        &self,
        folder: &Path,
        tables: Vec<Table>,
        bad: BadSeries,
    ) -> Result<Panel, DataError> {
        let times: BTreeSet<DateTime> =
            tables.iter().flat_map(|table| table.times.iter().copied()).collect();
        let times: Vec<DateTime> = times.into_iter().collect();
        let starts = self.split.times(folder, self.window, self.horizon, &times)?;
        let (mut series, mut skipped) = (Vec::with_capacity(tables.len()), Vec::new());
        for table in tables {
            match Series::prepare(table, self, &starts, None) {
                Ok(ready) => series.push(Arc::new(ready)),
                Err(error) if bad == BadSeries::Skip => skipped.push(error),
                Err(error) => return Err(error),
            }
        }
        match skipped.pop() {
            Some(error) if series.is_empty() => Err(error),
            last => {
                skipped.extend(last);
                Panel { series, starts, skipped }.with_windows(folder)
            }
        }
    }
}

impl Panel {
    /// Checks that no set is empty: all series may end before the validation or test set.
    fn with_windows(self, path: &Path) -> Result<Self, DataError> {
        for (subset, name) in [(Subset::Valid, "validation"), (Subset::Test, "test")] {
            if self.windows(subset).is_empty() {
                let from = format_time(
                    self.starts
                        .valid
                        .filter(|_| subset == Subset::Valid)
                        .unwrap_or(self.starts.test),
                );
                let problem = format!(
                    "the {name} set is empty: no series has enough rows from {from} on (choose a \
                     larger {name} set)"
                );
                return Err(DataError::Split { path: path.to_owned(), problem });
            }
        }
        Ok(self)
    }

    /// Returns the windows of a set.
    pub fn windows(&self, subset: Subset) -> Windows {
        Windows::new(&self.series, subset)
    }
}

/// Returns the CSV files of a folder, `.csv` or `.csv.gz`, sorted by name; with the feature
/// `parquet` also its `.parquet` files.
///
/// # Errors
///
/// [`DataError::Read`] if the folder cannot be read, [`DataError::EmptyFolder`] if it has no CSV
/// file.
pub fn csv_files(folder: &Path) -> Result<Vec<PathBuf>, DataError> {
    let unreadable = |source| DataError::Read { path: folder.to_owned(), source };
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
        let is_table = |end: &str| name.ends_with(end);
        if [".csv", ".csv.gz"].into_iter().any(is_table)
            || cfg!(feature = "parquet") && is_table(".parquet")
        {
            files.push(path);
        }
    }
    files.sort();
    if files.is_empty() {
        Err(DataError::EmptyFolder { path: folder.to_owned() })
    } else {
        Ok(files)
    }
}
