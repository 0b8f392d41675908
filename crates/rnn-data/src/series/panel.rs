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

/// One or many series that one model learns: all are split at the same times, each has scalers of
/// its own.
#[derive(Debug)]
pub struct Panel {
    /// The series, in the order of their files.
    pub series: Vec<Arc<Series>>,
    /// First times that the validation and the test set predict.
    pub starts: SplitTimes,
    /// Errors of the series that were left out.
    pub skipped: Vec<DataError>,
}

/// What becomes of a series that cannot be used, among others that can.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BadSeries {
    /// It is an error.
    Fail,
    /// It is left out, and its error is in [`Panel::skipped`].
    Skip,
}

impl SeriesConfig {
    /// Prepares one series; scalers are fitted on its training set.
    ///
    /// # Errors
    ///
    /// [`DataError::TooFewRows`] or [`DataError::Split`] when a set would have nothing to
    /// predict, [`DataError::Logarithm`] or [`DataError::Value`] for a number that a transform or
    /// feature cannot take, and [`DataError::ZeroRange`] for a constant training set.
    ///
    /// # Panics
    ///
    /// When the table lacks one of the [columns](SeriesConfig::columns).
    pub fn init(&self, table: Table) -> Result<Panel, DataError> {
        self.init_scaled(table, None)
    }

    /// Prepares one series with the scalers of a trained model, where there are any.
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

    /// Prepares many series, one a table, each with scalers of its own; `folder` names them all in
    /// errors. Each table is freed as its series is ready.
    ///
    /// # Errors
    ///
    /// See [`SeriesConfig::init`]: the error of the first bad table, or of the last one where all
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
    /// Each series has windows to train on, but all may have ended before the other sets.
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
                    "no series has enough rows from {from} on for the {name} part to predict any"
                );
                return Err(DataError::Split { path: path.to_owned(), problem });
            }
        }
        Ok(self)
    }

    /// The windows of a set.
    pub fn windows(&self, subset: Subset) -> Windows {
        Windows::new(&self.series, subset)
    }
}

/// The CSV files of a folder, sorted by name.
///
/// # Errors
///
/// [`DataError::Read`] for a folder that cannot be read, [`DataError::EmptyFolder`] without files.
pub fn csv_files(folder: &Path) -> Result<Vec<PathBuf>, DataError> {
    let unreadable = |source| DataError::Read { path: folder.to_owned(), source };
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        if path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("csv")) {
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
