use std::{fmt, ops::Range, path::Path, str::FromStr};

use jiff::civil::DateTime;
use serde::{Deserialize, Serialize};

use crate::{DataError, format_time, text::serde_as_text};

/// Days the course tests on.
const COURSE_TEST_DAYS: usize = 240;

/// Which rows train, validate and test.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Split {
    /// The course's: the test set predicts the last 240 rows, and is the validation set, too. All
    /// rows before its inputs are the training set. The weights are chosen on the days they are
    /// scored on, so scores are optimistic.
    Course,
    /// Training, validation and test set, one after another in time. A window belongs to a set if
    /// all its rows do, inputs and targets; windows across a border are purged, so no row is seen
    /// by windows of two sets.
    Holdout {
        /// Rows the validation set predicts.
        valid: SetSize,
        /// Rows the test set predicts.
        test: SetSize,
        /// Least number of rows between the last that one set predicts and the first that the
        /// next does; never less than the window. All windows up to this length are scored on
        /// the same rows.
        purge: usize,
    },
}

/// How many rows the validation or the test set predicts.
///
/// It is written as a number of rows, a fraction like `0.15`, or a date.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum SetSize {
    /// A number of rows.
    Rows(usize),
    /// A fraction of all rows, rounded to whole rows.
    Fraction(f64),
    /// All rows from this time on, up to the next set.
    From(DateTime),
}

/// One set of a split.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subset {
    /// What weights and scalers are fitted on.
    Train,
    /// What the best weights are chosen by.
    Valid,
    /// What they are scored on.
    Test,
}

/// The times at which a split divides all series.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SplitTimes {
    /// First time the validation set predicts; `None` where the test set is the validation set.
    pub valid: Option<DateTime>,
    /// First time the test set predicts.
    pub test: DateTime,
}

impl Default for Split {
    /// 15 % of the rows for the validation set and 15 % for the test set.
    fn default() -> Self {
        Self::holdout(SetSize::Fraction(0.15), SetSize::Fraction(0.15))
    }
}

impl Split {
    /// A [`Split::Holdout`] that purges no more than the window.
    pub fn holdout(valid: SetSize, test: SetSize) -> Self {
        Self::Holdout { valid, test, purge: 0 }
    }

    /// Rows between the last that one set predicts and the first that the next does.
    pub fn gap(&self, window: usize) -> usize {
        match self {
            Self::Course => window,
            Self::Holdout { purge, .. } => window.max(*purge),
        }
    }

    /// Divides the times of all series, strictly ascending; `path` names them in errors.
    ///
    /// # Errors
    ///
    /// [`DataError::TooFewRows`] or [`DataError::Split`] when a set would have nothing to predict.
    pub fn times(
        &self,
        path: &Path,
        window: usize,
        horizon: usize,
        times: &[DateTime],
    ) -> Result<SplitTimes, DataError> {
        let (rows, gap) = (times.len(), self.gap(window));
        let (needed, why) = match self {
            Self::Course => {
                let test_rows = COURSE_TEST_DAYS + window;
                let why = format!(
                    "the last {test_rows} rows are the test part, and each part needs a window of \
                     {window} days and a day to predict"
                );
                (test_rows + window + 1, why)
            }
            // Each part needs a window of rows before its first target.
            Self::Holdout { .. } => {
                let apart =
                    if gap > window { format!(", {gap} rows apart") } else { String::new() };
                let why = format!(
                    "training, validation and test part need a window of {window} rows and \
                     {horizon} to predict each{apart}"
                );
                (window + 2 * gap + 3 * horizon, why)
            }
        };
        if rows < needed {
            return Err(DataError::TooFewRows { path: path.to_owned(), rows, needed, why });
        }
        let wrong = |problem: String| DataError::Split { path: path.to_owned(), problem };
        let place = |part: &str, size: SetSize, end: usize| {
            let first = match size {
                SetSize::Rows(count) => end.checked_sub(count),
                SetSize::Fraction(share) => end.checked_sub((share * rows as f64).round() as usize),
                SetSize::From(from) => Some(times.partition_point(|time| *time < from)),
            };
            let first = first.filter(|first| (window..end).contains(first)).ok_or_else(|| {
                let given = format!(
                    "{} rows, {} to {}",
                    rows,
                    format_time(times[0]),
                    format_time(times[rows - 1])
                );
                wrong(format!(
                    "the {part} part ({size}) does not fit: it ends before row {} of {given}, and \
                     needs a window of {window} rows before it",
                    end + 1
                ))
            })?;
            let predicted = end - first;
            if predicted < horizon {
                return Err(wrong(format!(
                    "the {part} part predicts {predicted} rows ({size}), fewer than the horizon of \
                     {horizon} rows"
                )));
            }
            Ok(first)
        };
        match *self {
            Self::Course => Ok(SplitTimes {
                valid: None,
                test: times[place("test", SetSize::Rows(COURSE_TEST_DAYS), rows)?],
            }),
            Self::Holdout { valid, test, .. } => {
                let test = place("test", test, rows)?;
                let valid = place("validation", valid, test.saturating_sub(gap))?;
                if valid < gap + window + horizon {
                    return Err(wrong(format!(
                        "no rows are left to train on: {} come before the inputs of the validation \
                         part, a window of {window} and {horizon} to predict need {}",
                        valid.saturating_sub(gap),
                        window + horizon
                    )));
                }
                Ok(SplitTimes { valid: Some(times[valid]), test: times[test] })
            }
        }
    }
}

/// Rows of the sets of a series.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Rows {
    train: Range<usize>,
    valid: Range<usize>,
    test: Range<usize>,
}

impl Rows {
    /// The rows of each set of a series.
    pub(super) fn new(
        starts: &SplitTimes,
        split: &Split,
        window: usize,
        times: &[DateTime],
    ) -> Self {
        // The inputs of a part's first prediction are part of it, too; a series that has ended
        // predicts nothing.
        let before = |from: DateTime, rows: usize| match times.partition_point(|time| *time < from)
        {
            end if end == times.len() => end,
            first => first.saturating_sub(rows),
        };
        let gap = split.gap(window);
        let test = before(starts.test, window)..times.len();
        match starts.valid {
            None => Self { train: 0..test.start, valid: test.clone(), test },
            Some(from) => {
                let start = before(from, window);
                let valid = start..before(starts.test, gap).max(start);
                Self { train: 0..before(from, gap), valid, test }
            }
        }
    }

    pub(super) fn of(&self, subset: Subset) -> Range<usize> {
        match subset {
            Subset::Train => self.train.clone(),
            Subset::Valid => self.valid.clone(),
            Subset::Test => self.test.clone(),
        }
    }
}

serde_as_text!(SetSize);

impl FromStr for SetSize {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Ok(rows @ 1..) = text.parse() {
            return Ok(Self::Rows(rows));
        }
        if let Some(share) = text.parse::<f64>().ok().filter(|share| *share > 0.0 && *share < 1.0) {
            return Ok(Self::Fraction(share));
        }
        text.parse().map(Self::From).map_err(|_| {
            format!("expected a number of rows, a share like 0.15 or a date, got `{text}`")
        })
    }
}

impl fmt::Display for SetSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rows(rows) => write!(f, "{rows}"),
            Self::Fraction(share) => write!(f, "{share}"),
            Self::From(from) => f.write_str(&format_time(*from)),
        }
    }
}
