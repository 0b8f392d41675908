use std::fmt;

use jiff::civil::DateTime;

use super::{Fill, Table, times::format_time};
use crate::error::Place;

/// An irregularity of a table that is still usable.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Warning {
    /// Some prices are zero or negative, as in additively adjusted files.
    NonPositivePrices {
        /// Number of rows with such a price.
        rows: usize,
        /// First such row.
        first: Place,
    },
    /// In some rows the highest price is below the lowest.
    HighBelowLow {
        /// Number of such rows.
        rows: usize,
        /// First such row.
        first: Place,
    },
    /// Some steps between rows are longer than 14 median steps.
    Gaps {
        /// Times of the last row before and the first row after each gap, in ascending order.
        gaps: Vec<[DateTime; 2]>,
    },
    /// Missing values were filled.
    Filled {
        /// Column.
        column: String,
        /// Number of filled values.
        count: usize,
        /// Method of filling.
        fill: Fill,
    },
    /// The file has its newest row first.
    NewestFirst,
    /// Numbers were taken as the days of a spreadsheet by their size.
    SpreadsheetDays {
        /// Column.
        column: String,
        /// Time of the first row.
        first: DateTime,
    },
    /// Lines of text after the last row were skipped.
    Footer {
        /// Number of lines.
        rows: usize,
        /// First such line.
        first: Place,
    },
}

/// Longest step that is not a gap, in median steps: holidays are shorter than two weeks.
const LONG: i64 = 14;
/// Number of gaps in a message.
const NAMED: usize = 5;

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rows_text = |rows: usize| if rows == 1 { "row" } else { "rows" };
        match self {
            Self::NonPositivePrices { rows, first } => write!(
                f,
                "prices at or below zero in {rows} {} (first on {first}): their returns and \
                 percentages mean nothing (use prices adjusted by a factor)",
                rows_text(*rows)
            ),
            Self::HighBelowLow { rows, first } => {
                write!(
                    f,
                    "the highest price is below the lowest in {rows} {} (first on {first})",
                    rows_text(*rows)
                )
            }
            Self::Gaps { gaps } => {
                let count = gaps.len();
                write!(
                    f,
                    "{count} long {} in the dates: ",
                    if count == 1 { "gap" } else { "gaps" }
                )?;
                for (index, [from, to]) in gaps.iter().take(NAMED).enumerate() {
                    let comma = if index == 0 { "" } else { ", " };
                    write!(f, "{comma}{} to {}", format_time(*from), format_time(*to))?;
                }
                if count > NAMED {
                    write!(f, " and {} more", count - NAMED)?;
                }
                f.write_str(
                    " (windows count rows, not days; set `max-gap` to keep windows from crossing)",
                )
            }
            Self::Filled { column, count, fill } => {
                write!(
                    f,
                    "{count} missing {} of column `{column}` filled",
                    if *count == 1 { "value" } else { "values" }
                )?;
                match fill {
                    Fill::Linear => f.write_str(
                        " linearly: filled values depend on later ones, so scores are optimistic \
                         (set `fill` to `forward`)",
                    ),
                    _ => Ok(()),
                }
            }
            Self::Footer { rows, first } => write!(
                f,
                "{rows} {} of text after the last row skipped (first on {first})",
                if *rows == 1 { "line" } else { "lines" }
            ),
            Self::SpreadsheetDays { column, first } => write!(
                f,
                "numbers in `{column}` are read as spreadsheet days, from {} on (set \
                 `date-format` to `excel`, or name another column with `date-column`)",
                format_time(*first)
            ),
            Self::NewestFirst => f.write_str("the newest row comes first; the rows were reversed"),
        }
    }
}

/// Returns the warnings of a table.
pub(super) fn of(table: &Table) -> Vec<Warning> {
    let prices: Vec<&[f64]> =
        ["open", "close", "high", "low"].into_iter().filter_map(|name| table.known(name)).collect();
    let rows_where = |is_odd: &dyn Fn(usize) -> bool| {
        let mut odd = (0..table.rows()).filter(|&row| is_odd(row));
        odd.next().map(|first| (1 + odd.count(), table.place(first)))
    };
    let mut warnings = Vec::new();
    if let Some((rows, first)) = rows_where(&|row| prices.iter().any(|values| values[row] <= 0.0)) {
        warnings.push(Warning::NonPositivePrices { rows, first });
    }
    if let (Some(high), Some(low)) = (table.known("high"), table.known("low"))
        && let Some((rows, first)) = rows_where(&|row| high[row] < low[row])
    {
        warnings.push(Warning::HighBelowLow { rows, first });
    }
    warnings.extend(gaps(&table.times, &table.clock.all_steady(&table.times)));
    warnings
}

/// Describes prices that no market has in any row: all zero, or every open outside low to high.
pub(crate) fn impossible_prices(table: &Table) -> Option<String> {
    let prices: Vec<&[f64]> =
        ["open", "close", "high", "low"].into_iter().filter_map(|name| table.known(name)).collect();
    if !prices.is_empty() && prices.iter().all(|values| values.iter().all(|value| *value == 0.0)) {
        return Some("every price is zero".to_owned());
    }
    let (open, high, low) = (table.known("open")?, table.known("high")?, table.known("low")?);
    let is_outside = |row: usize| !(low[row]..=high[row]).contains(&open[row]);
    (0..table.rows())
        .all(is_outside)
        .then(|| "the open of every row lies outside low to high".to_owned())
}

/// Finds long gaps in local times by their steady times.
fn gaps(times: &[DateTime], steady: &[DateTime]) -> Option<Warning> {
    let seconds = |from: DateTime, to: DateTime| to.duration_since(from).as_secs();
    let steps: Vec<i64> = steady.windows(2).map(|pair| seconds(pair[0], pair[1])).collect();
    let mut sorted = steps.clone();
    sorted.sort_unstable();
    let usual = *sorted.get(sorted.len() / 2)?;
    let long: Vec<usize> = (0..steps.len()).filter(|&row| steps[row] > LONG * usual).collect();
    // Frequent gaps, such as nights or weekends, are regular.
    if long.is_empty() || long.len() * 100 > steps.len() {
        return None;
    }
    Some(Warning::Gaps { gaps: long.iter().map(|&row| [times[row], times[row + 1]]).collect() })
}
