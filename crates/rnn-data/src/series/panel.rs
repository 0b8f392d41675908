use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use burn::data::dataset::Dataset;
use jiff::civil::DateTime;

use super::{Cuts, Part, Scalers, Series, SeriesConfig, Windows};
use crate::{DataError, Table, moment};

/// One or many series that one model learns; all are cut at the same times, each has scalers of its own.
#[derive(Debug)]
pub struct Panel {
    /// The series, in the order of their files.
    pub series: Vec<Arc<Series>>,
    /// Where the split cuts them.
    pub cuts: Cuts,
    /// Series that could not be used, and why.
    pub skipped: Vec<DataError>,
}

impl Panel {
    /// One series; without scalers of a trained model they are fitted on its training part.
    ///
    /// # Errors
    ///
    /// See [`Series::prepare`]; and when a part would have nothing to predict.
    pub fn of(table: Table, config: &SeriesConfig, scalers: Option<&Scalers>) -> Result<Self, DataError> {
        let (path, cuts) = (table.path.clone(), config.split.cut(&table.path, config, &table.times)?);
        let series = vec![Arc::new(Series::prepare(table, config, &cuts, scalers)?)];
        Self { series, cuts, skipped: Vec::new() }.with_windows(&path)
    }

    /// Many series, one a table; each table is freed as its series is ready. Tables that cannot be used are left out where `skip_bad` says so.
    ///
    /// # Errors
    ///
    /// As [`Panel::of`], for the first bad table; and when no table can be used.
    pub fn of_many(folder: &Path, tables: Vec<Table>, config: &SeriesConfig, skip_bad: bool) -> Result<Self, DataError> {
        let times: BTreeSet<DateTime> = tables.iter().flat_map(|table| table.times.iter().copied()).collect();
        let times: Vec<DateTime> = times.into_iter().collect();
        let cuts = config.split.cut(folder, config, &times)?;
        let (mut series, mut skipped) = (Vec::with_capacity(tables.len()), Vec::new());
        for table in tables {
            match Series::prepare(table, config, &cuts, None) {
                Ok(ready) => series.push(Arc::new(ready)),
                Err(error) if skip_bad => skipped.push(error),
                Err(error) => return Err(error),
            }
        }
        match skipped.pop() {
            Some(error) if series.is_empty() => Err(error),
            last => {
                skipped.extend(last);
                Self { series, cuts, skipped }.with_windows(folder)
            }
        }
    }

    /// Each series has windows to train on, but all may have ended before the other parts.
    fn with_windows(self, path: &Path) -> Result<Self, DataError> {
        for (part, name) in [(Part::Valid, "validation"), (Part::Test, "test")] {
            if self.windows(part).is_empty() {
                let from = moment(self.cuts.valid.filter(|_| part == Part::Valid).unwrap_or(self.cuts.test));
                let problem = format!("no series has enough rows from {from} on for the {name} part to predict any");
                return Err(DataError::Split { path: path.to_owned(), problem });
            }
        }
        Ok(self)
    }

    /// The windows of a part.
    pub fn windows(&self, part: Part) -> Windows {
        Windows::new(&self.series, part)
    }
}

/// The CSV files of a folder, by name.
///
/// # Errors
///
/// When the folder cannot be read or has none.
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
    if files.is_empty() { Err(DataError::EmptyFolder { path: folder.to_owned() }) } else { Ok(files) }
}
