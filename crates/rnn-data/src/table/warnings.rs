use std::fmt;

use jiff::civil::DateTime;

use super::{Fill, Table, times::format_time};
use crate::error::Place;

/// Something odd in a table that does not stop it from being used.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Warning {
    /// Some prices are zero or negative, as additively adjusted files have.
    NonPositivePrices {
        /// Rows with such a price.
        rows: usize,
        /// The first of them.
        first: Place,
    },
    /// In some rows the highest price is below the lowest.
    HighBelowLow {
        /// Such rows.
        rows: usize,
        /// The first of them.
        first: Place,
    },
    /// Rows far further apart than usual.
    Gaps {
        /// How many.
        count: usize,
        /// Last row before the longest.
        from: DateTime,
        /// First row after the longest.
        to: DateTime,
    },
    /// Missing values that were filled.
    Filled {
        /// Column.
        column: String,
        /// How many.
        count: usize,
        /// How.
        fill: Fill,
    },
    /// The file had its newest row first.
    NewestFirst,
}

/// A gap is longer than so many usual steps: two weeks of daily rows, which no holidays are.
const LONG: i64 = 14;

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rows_text = |rows: usize| if rows == 1 { "row" } else { "rows" };
        match self {
            Self::NonPositivePrices { rows, first } => write!(
                f,
                "prices at or below zero in {rows} {} (first on {first}); additively adjusted \
                 files have them, percentages and returns of such prices mean nothing",
                rows_text(*rows)
            ),
            Self::HighBelowLow { rows, first } => {
                write!(
                    f,
                    "the highest price is below the lowest in {rows} {} (first on {first})",
                    rows_text(*rows)
                )
            }
            Self::Gaps { count, from, to } => write!(
                f,
                "{count} long {} in the dates, the longest from {} to {}; windows count rows, not \
                 days",
                if *count == 1 { "gap" } else { "gaps" },
                format_time(*from),
                format_time(*to)
            ),
            Self::Filled { column, count, fill } => {
                write!(
                    f,
                    "{count} missing {} of column `{column}` filled",
                    if *count == 1 { "value" } else { "values" }
                )?;
                match fill {
                    Fill::Linear => f.write_str(
                        " from the values around; a filled value knows the next one, so scores \
                         flatter (forward does not)",
                    ),
                    _ => Ok(()),
                }
            }
            Self::NewestFirst => {
                f.write_str("the newest row comes first; rows were read from the last to the first")
            }
        }
    }
}

/// What is odd about the rows of a table.
pub(super) fn of(table: &Table) -> Vec<Warning> {
    let prices: Vec<&[f64]> =
        ["open", "close", "high", "low"].into_iter().filter_map(|name| table.meant(name)).collect();
    let rows_where = |is_odd: &dyn Fn(usize) -> bool| {
        let mut odd = (0..table.rows()).filter(|&row| is_odd(row));
        odd.next().map(|first| (1 + odd.count(), table.place(first)))
    };
    let mut warnings = Vec::new();
    if let Some((rows, first)) = rows_where(&|row| prices.iter().any(|values| values[row] <= 0.0)) {
        warnings.push(Warning::NonPositivePrices { rows, first });
    }
    if let (Some(high), Some(low)) = (table.meant("high"), table.meant("low"))
        && let Some((rows, first)) = rows_where(&|row| high[row] < low[row])
    {
        warnings.push(Warning::HighBelowLow { rows, first });
    }
    warnings.extend(gaps(&table.times));
    warnings
}

fn gaps(times: &[DateTime]) -> Option<Warning> {
    let seconds = |from: DateTime, to: DateTime| to.duration_since(from).as_secs();
    let steps: Vec<i64> = times.windows(2).map(|pair| seconds(pair[0], pair[1])).collect();
    let mut sorted = steps.clone();
    sorted.sort_unstable();
    let usual = *sorted.get(sorted.len() / 2)?;
    let count = steps.iter().filter(|step| **step > LONG * usual).count();
    // Where every night or weekend is a gap, gaps are what is usual.
    if count == 0 || count * 100 > steps.len() {
        return None;
    }
    let longest = (0..steps.len()).max_by_key(|&row| steps[row])?;
    Some(Warning::Gaps { count, from: times[longest], to: times[longest + 1] })
}
