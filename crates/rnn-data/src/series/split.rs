use std::{fmt, ops::Range, path::Path, str::FromStr};

use jiff::civil::DateTime;

use super::{Rows, SeriesConfig};
use crate::{DataError, moment};

/// Days the course tests on.
const COURSE_TEST_DAYS: usize = 240;

/// Which rows train, validate and test.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Split {
    /// The course's: the last 240 rows are predicted by the test windows, everything before them and their inputs trains, and the test part is
    /// the validation part, too. The weights are chosen by the very days they are scored on, so scores are optimistic.
    Course,
    /// Training, validation and test part, one after another in time. A window belongs to a part when all its rows do, inputs and targets; windows
    /// across a border belong to none (they are purged), so no row is seen by windows of two parts.
    Holdout {
        /// Rows predicted in the validation part.
        valid: Cut,
        /// Rows predicted in the test part.
        test: Cut,
        /// Rows between the last that one part predicts and the first that the next does, at least the window. Windows up to this length are judged on
        /// the same rows.
        purge: usize,
    },
}

/// How much of a series a part predicts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Cut {
    /// So many rows.
    Rows(usize),
    /// A share of all rows.
    Share(f64),
    /// From this time on.
    From(DateTime),
}

/// One part of a split.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// What weights and scalers are fitted on.
    Train,
    /// What the best weights are chosen by.
    Valid,
    /// What they are scored on.
    Test,
}

/// The times at which a split cuts all series: those of the first rows that the validation and the test part predict.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cuts {
    /// First time the validation part predicts; none where the test part validates.
    pub valid: Option<DateTime>,
    /// First time the test part predicts.
    pub test: DateTime,
}

impl Split {
    /// Rows between the last that one part predicts and the first that the next does.
    pub fn between(&self, window: usize) -> usize {
        match self {
            Self::Course => window,
            Self::Holdout { purge, .. } => window.max(*purge),
        }
    }

    /// Cuts the times of all series, ascending and without repetition.
    ///
    /// # Errors
    ///
    /// When a part would have nothing to predict.
    pub fn cut(&self, path: &Path, config: &SeriesConfig, times: &[DateTime]) -> Result<Cuts, DataError> {
        let (window, horizon, rows) = (config.window, config.horizon, times.len());
        let between = self.between(window);
        let (needed, why) = match self {
            Self::Course => {
                let test_rows = COURSE_TEST_DAYS + window;
                let why = format!(
                    "the last {test_rows} rows are the test part, and each part needs a window of {window} days and a day to predict"
                );
                (test_rows + window + 1, why)
            }
            // Each part needs a window of rows before its first target.
            Self::Holdout { .. } => {
                let apart = if between > window { format!(", {between} rows apart") } else { String::new() };
                let why = format!("training, validation and test part need a window of {window} rows and {horizon} to predict each{apart}");
                (window + 2 * between + 3 * horizon, why)
            }
        };
        if rows < needed {
            return Err(DataError::TooFewRows { path: path.to_owned(), rows, needed, why });
        }
        let wrong = |problem: String| DataError::Split { path: path.to_owned(), problem };
        let place = |part: &str, cut: Cut, end: usize| {
            let first = match cut {
                Cut::Rows(count) => end.checked_sub(count),
                Cut::Share(share) => end.checked_sub((share * rows as f64).round() as usize),
                Cut::From(from) => Some(times.partition_point(|time| *time < from)),
            };
            let first = first.filter(|first| (window..end).contains(first)).ok_or_else(|| {
                let given = format!("{} rows, {} to {}", rows, moment(times[0]), moment(times[rows - 1]));
                wrong(format!(
                    "the {part} part ({cut}) does not fit: it ends before row {} of {given}, and needs a window of {window} rows before it",
                    end + 1
                ))
            })?;
            let predicted = end - first;
            if predicted < horizon {
                return Err(wrong(format!("the {part} part predicts {predicted} rows ({cut}), fewer than the horizon of {horizon} rows")));
            }
            Ok(first)
        };
        match *self {
            Self::Course => Ok(Cuts { valid: None, test: times[place("test", Cut::Rows(COURSE_TEST_DAYS), rows)?] }),
            Self::Holdout { valid, test, .. } => {
                let test = place("test", test, rows)?;
                let valid = place("validation", valid, test.saturating_sub(between))?;
                if valid < between + window + horizon {
                    return Err(wrong(format!(
                        "no rows are left to train on: {} come before the inputs of the validation part, a window of {window} and {horizon} to \
                         predict need {}",
                        valid.saturating_sub(between),
                        window + horizon
                    )));
                }
                Ok(Cuts { valid: Some(times[valid]), test: times[test] })
            }
        }
    }
}

impl Rows {
    /// The rows of each part of a series.
    pub(super) fn new(cuts: &Cuts, config: &SeriesConfig, times: &[DateTime]) -> Self {
        // The inputs of a part's first prediction are part of it, too; a series that has ended predicts nothing.
        let before = |from: DateTime, rows: usize| match times.partition_point(|time| *time < from) {
            end if end == times.len() => end,
            first => first.saturating_sub(rows),
        };
        let between = config.split.between(config.window);
        let test = before(cuts.test, config.window)..times.len();
        match cuts.valid {
            None => Self { train: 0..test.start, valid: test.clone(), test },
            Some(from) => {
                let start = before(from, config.window);
                let valid = start..before(cuts.test, between).max(start);
                Self { train: 0..before(from, between), valid, test }
            }
        }
    }

    pub(super) fn of(&self, part: Part) -> Range<usize> {
        match part {
            Part::Train => self.train.clone(),
            Part::Valid => self.valid.clone(),
            Part::Test => self.test.clone(),
        }
    }
}

impl FromStr for Cut {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Ok(rows @ 1..) = text.parse() {
            return Ok(Self::Rows(rows));
        }
        if let Some(share) = text.parse::<f64>().ok().filter(|share| *share > 0.0 && *share < 1.0) {
            return Ok(Self::Share(share));
        }
        text.parse().map(Self::From).map_err(|_| format!("expected a number of rows, a share like 0.15 or a date, got `{text}`"))
    }
}

impl fmt::Display for Cut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rows(rows) => write!(f, "{rows}"),
            Self::Share(share) => write!(f, "{share}"),
            Self::From(from) => f.write_str(&moment(*from)),
        }
    }
}
