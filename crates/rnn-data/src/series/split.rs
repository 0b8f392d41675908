use std::{fmt, ops::Range, path::Path, str::FromStr};

use jiff::civil::DateTime;
use serde::{Deserialize, Serialize};

use super::linear::FitRows;
use crate::{DataError, first_from, format_time, text::serde_as_text};

/// Number of test rows of the course.
const COURSE_TEST_DAYS: usize = 240;

/// Split of rows into training, validation and test set.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Split {
    /// Split of the course: the test set predicts the last 240 rows and is also the validation set.
    ///
    /// All rows before its inputs are the training set. The best weights are chosen on the test
    /// set, so scores are optimistic.
    Course,
    /// Training, validation and test set, one after another in time.
    ///
    /// A window belongs to a set if all its targets do. Without `purge` its inputs may be rows of
    /// the set before, as in a forecast of new rows.
    Holdout {
        /// Size of the validation set, in predicted rows.
        valid: SetSize,
        /// Size of the test set, in predicted rows.
        test: SetSize,
        /// Smallest number of rows between the predicted rows of two sets; at least the window, so
        /// that no row is in windows of two sets. `None`: no rows.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        purge: Option<usize>,
    },
}

/// Size of the validation or test set, in predicted rows.
///
/// As text: a number of rows, a fraction like `0.15`, or a date.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum SetSize {
    /// Number of rows.
    Rows(usize),
    /// Fraction of all rows, rounded to whole rows.
    Fraction(f64),
    /// All rows from this time on, up to the next set.
    From(DateTime),
}

/// One set of a split.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subset {
    /// Training set: weights and scalers are fitted on it.
    Train,
    /// Validation set: the best weights are chosen on it.
    Valid,
    /// Test set: the best weights are scored on it.
    Test,
}

/// Times at which all series are split.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SplitTimes {
    /// First predicted time of the validation set; `None` if that is the test set.
    pub valid: Option<DateTime>,
    /// First predicted time of the test set.
    pub test: DateTime,
}

impl Default for Split {
    /// Returns a holdout split with 15 % of the rows for each of validation and test set.
    fn default() -> Self {
        Self::holdout(SetSize::Fraction(0.15), SetSize::Fraction(0.15))
    }
}

impl Split {
    /// Returns a [`Split::Holdout`] without rows between the sets.
    pub fn holdout(valid: SetSize, test: SetSize) -> Self {
        Self::Holdout { valid, test, purge: None }
    }

    /// Returns the smallest number of rows between two sets, if they are purged.
    pub fn purge(&self) -> Option<usize> {
        match self {
            Self::Course => None,
            Self::Holdout { purge, .. } => *purge,
        }
    }

    /// Returns the number of rows between the predicted rows of two sets.
    pub fn gap(&self, window: usize) -> usize {
        match self {
            Self::Course => 0,
            Self::Holdout { purge, .. } => purge.map_or(0, |purge| purge.max(window)),
        }
    }

    /// Returns the first predicted times of the sets.
    ///
    /// `times` are those of all series, strictly ascending; `path` is the file in errors.
    ///
    /// # Errors
    ///
    /// [`DataError::TooFewRows`] or [`DataError::Split`] if a set would be empty.
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
                    "the last {test_rows} rows are the test set, and each set needs a window of \
                     {window} rows and a row to predict"
                );
                (test_rows + window + 1, why)
            }
            Self::Holdout { .. } => {
                let apart = if gap > 0 { format!(", {gap} rows apart") } else { String::new() };
                let why = format!(
                    "the training set needs a window of {window} rows, and each set a horizon of \
                     {horizon} rows{apart}"
                );
                (window + 2 * gap + 3 * horizon, why)
            }
        };
        if rows < needed {
            return Err(DataError::TooFewRows { path: path.to_owned(), rows, needed, why });
        }
        let wrong = |problem: String| DataError::Split { path: path.to_owned(), problem };
        let place = |name: &str, size: SetSize, end: usize| {
            let first = match size {
                SetSize::Rows(count) => end.checked_sub(count),
                SetSize::Fraction(fraction) => {
                    end.checked_sub((fraction * rows as f64).round() as usize)
                }
                SetSize::From(from) => Some(first_from(times, from)),
            };
            let first = first.filter(|first| (window..end).contains(first)).ok_or_else(|| {
                let given = format!(
                    "{} rows, {} to {}",
                    rows,
                    format_time(times[0]),
                    format_time(times[rows - 1])
                );
                wrong(format!(
                    "the {name} set ({size}) does not fit: it must start after a window of \
                     {window} rows and before row {} of {given} (choose another size or date)",
                    end + 1
                ))
            })?;
            let predicted = end - first;
            if predicted < horizon {
                return Err(wrong(format!(
                    "the {name} set predicts {predicted} rows ({size}), fewer than the horizon of \
                     {horizon} rows (choose a larger set or a smaller horizon)"
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
                        "no rows are left to train on: {} come before the validation set, and a \
                         window of {window} and a horizon of {horizon} need {} (choose smaller \
                         sets or a smaller window)",
                        valid.saturating_sub(gap),
                        window + horizon
                    )));
                }
                Ok(SplitTimes { valid: Some(times[valid]), test: times[test] })
            }
        }
    }
}

/// Rows of each set of a series.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Rows {
    train: Range<usize>,
    valid: Range<usize>,
    test: Range<usize>,
}

impl Rows {
    /// Splits the rows of a series.
    pub(super) fn new(
        starts: &SplitTimes,
        split: &Split,
        window: usize,
        times: &[DateTime],
    ) -> Self {
        // The rows of a set include the inputs of its first prediction, unless the series ended
        // before.
        let before = |from: DateTime, rows: usize| match first_from(times, from) {
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

    /// Returns the rows that fit a linear forecast.
    ///
    /// Without a separate validation set, the last fifth of the training set chooses its penalty.
    pub(super) fn fit_rows(&self, window: usize, seasons: &[usize]) -> FitRows {
        let season = seasons.iter().copied().min().unwrap_or(0);
        let late = self.test.start + window;
        let valid = self.valid.start + window;
        if self.valid != self.test && valid < self.valid.end {
            // The first targets of the test set follow the validation set. A series may end before.
            return FitRows { valid, end: late.min(self.test.end), late, season };
        }
        let end = self.train.end;
        FitRows { valid: end - end / 5, end, late, season }
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
        let fraction = text.parse::<f64>().ok().filter(|number| *number > 0.0 && *number < 1.0);
        if let Some(fraction) = fraction {
            return Ok(Self::Fraction(fraction));
        }
        text.parse().map(Self::From).map_err(|_| {
            format!("expected a number of rows, a fraction like 0.15 or a date, got `{text}`")
        })
    }
}

impl fmt::Display for SetSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rows(rows) => write!(f, "{rows}"),
            Self::Fraction(fraction) => write!(f, "{fraction}"),
            Self::From(from) => f.write_str(&format_time(*from)),
        }
    }
}
