//! Where the header of a file is, and how many rows it has.

use std::collections::HashMap;

use csv::StringRecord;

use super::{
    columns::{BINANCE, is_called, is_known},
    numbers::{is_missing, is_number},
    times::Times,
};

/// Separators, from the least to the most likely one.
pub(super) const DELIMITERS: [u8; 4] = [b'|', b'\t', b';', b','];
/// Fraction of the rows after a header that have its number of cells, in percent.
const EQUAL: usize = 80;
/// Largest number of rows of properties before a header, such as `latitude,52.5`.
const MOST_PROPERTIES: usize = 40;
/// Largest number of columns of one ticker.
const MOST_FIELDS: usize = 100;

/// First rows of a file, each with its line.
pub(super) type Head = Vec<(u64, StringRecord)>;

/// Header and first row of a table.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Layout {
    /// Number of rows before the first one of data.
    pub(super) before: usize,
    /// Number of those that are the header.
    pub(super) header_rows: usize,
    /// Line of the header, or of the first row without one.
    pub(super) line: u64,
    /// Number of cells of each row.
    pub(super) width: usize,
    pub(super) kind: Kind,
    /// Whether a row of units is below the header.
    pub(super) has_units: bool,
}

/// Kind of a header.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Kind {
    /// One row of names.
    Names(Vec<String>),
    /// Several rows for one ticker: names of the columns, and the ticker.
    Ticker(Vec<String>, String),
    /// Several rows for several tickers: names of the columns of the first ticker, and for each
    /// ticker the cells of these columns.
    Tickers(Vec<String>, Vec<(String, Vec<Option<usize>>)>),
    /// No header, but the columns of Binance's bars.
    Binance,
    /// No header.
    None,
}

impl Layout {
    /// Finds the header in the first rows. `None`: the first row looks like those after it.
    pub(super) fn find(head: &Head) -> Option<Self> {
        let start = first_header(head).unwrap_or(0);
        let (line, first) = &head[start];
        if is_bars_of_binance(first) {
            return Some(Self::without_header(head, start, Kind::Binance));
        }
        if is_data(first) {
            return None;
        }
        let (header_rows, kind) = several_rows(&head[start..]).unwrap_or_else(|| {
            (1, Kind::Names(first.iter().map(|cell| cell.trim().to_owned()).collect()))
        });
        let has_units = header_rows == 1 && is_units(&head[start + 1..]);
        Some(Self {
            before: start + header_rows + usize::from(has_units),
            header_rows,
            line: *line,
            width: first.len(),
            kind,
            has_units,
        })
    }

    /// Finds the first row of a file that has no header.
    pub(super) fn find_rows(head: &Head) -> Self {
        let start = head
            .windows(2)
            .position(|pair| pair[0].1.len() == pair[1].1.len() && is_data(&pair[0].1));
        let start = start.unwrap_or(0);
        let binance = is_bars_of_binance(&head[start].1);
        Self::without_header(head, start, if binance { Kind::Binance } else { Kind::None })
    }

    fn without_header(head: &Head, start: usize, kind: Kind) -> Self {
        let (line, first) = &head[start];
        let width = first.len();
        Self { before: start, header_rows: 0, line: *line, width, kind, has_units: false }
    }
}

/// Returns whether the first two rows fit together, as in a file that starts with its header.
pub(super) fn is_plain(head: &Head) -> bool {
    match head.as_slice() {
        [] => true,
        [(_, only)] => only.len() > 1,
        [(_, first), (_, second), ..] => {
            let filled = first.iter().filter(|cell| !cell.trim().is_empty()).count();
            first.len() > 1
                && first.len() == second.len()
                && 2 * filled >= first.len()
                && !is_hint(first)
                && !is_before_header(head, 0)
        }
    }
}

/// Returns whether a row has no name of dates, but the next one has: it is text before a header.
///
/// Rows of properties may be between them. They have no time.
fn is_before_header(head: &Head, index: usize) -> bool {
    let is_named = |index: usize| {
        let row = head.get(index).map(|(_, record)| record);
        row.is_some_and(|record| record.iter().any(|cell| is_called(cell.trim(), "date")))
    };
    // A header of several rows has the name of the dates in its last one, with empty cells.
    let is_names = |index: usize| {
        let row = head.get(index).map(|(_, record)| record);
        let is_name = |cell: &str| !cell.trim().is_empty() && !is_value(cell);
        row.is_some_and(|record| record.iter().all(is_name))
    };
    let is_header = |index: usize| is_named(index) && is_names(index);
    let has_time = |index: usize| head[index].1.iter().any(|cell| Times::is_time(cell.trim()));
    let has_number = |index: usize| head[index].1.iter().any(|cell| is_number(cell.trim()));
    if is_named(index) || index >= head.len() {
        return false;
    }
    let end = head.len().min(index + 1 + MOST_PROPERTIES);
    let properties = (index + 1..end).take_while(|&row| !has_time(row));
    is_header(index + 1)
        || properties.map(|row| row + 1).any(|row| {
            is_header(row)
                && (index..row).any(has_number)
                && head.get(row + 1).is_some_and(|(_, next)| next.iter().any(is_value))
        })
}

/// Returns whether the first row below a header has units: no value, and no date.
fn is_units(rows: &[(u64, StringRecord)]) -> bool {
    let [(_, units), (_, row), ..] = rows else { return false };
    let Some(date) = row.iter().position(|cell| Times::is_time(cell.trim())) else { return false };
    let text = units.get(date).unwrap_or_default().trim().to_lowercase();
    units.len() == row.len()
        && (matches!(text.as_str(), "" | "ts" | "utc") || text.starts_with(['[', '(']))
        && !units.iter().any(is_value)
        && units.iter().enumerate().any(|(cell, text)| {
            cell != date && !is_missing(text.trim()) && row.get(cell).is_some_and(is_value)
        })
}

/// Returns the number of rows that fit the first header, and its cells; zeros without one.
pub(super) fn fit(head: &Head) -> (usize, usize) {
    first_header(head).map_or((0, 0), |start| {
        let width = head[start].1.len();
        (head[start..].iter().filter(|(_, record)| record.len() == width).count(), width)
    })
}

/// Returns the first row that looks like the header of those after it.
fn first_header(head: &Head) -> Option<usize> {
    if is_plain(head) {
        return Some(0).filter(|_| !head.is_empty());
    }
    (0..head.len()).find(|&start| {
        let (header, rows) = (&head[start].1, &head[start + 1..]);
        let is_equal = |(_, row): &&(u64, StringRecord)| row.len() == header.len();
        let filled = header.iter().filter(|cell| !cell.trim().is_empty()).count();
        header.len() > 1
            && 2 * filled >= header.len()
            && !is_hint(header)
            && !is_before_header(head, start)
            && !header.iter().any(|cell| Times::is_time(cell.trim()))
            && rows.first().as_ref().is_some_and(is_equal)
            && 100 * rows.iter().filter(is_equal).count() >= EQUAL * rows.len()
            && rows.iter().take(4).any(|(_, row)| row.iter().any(is_value))
    })
}

/// Returns whether a row is Excel's hint of the separator, `sep=;`.
fn is_hint(record: &StringRecord) -> bool {
    record.get(0).is_some_and(|cell| cell.trim().to_ascii_lowercase().starts_with("sep="))
}

fn is_value(cell: &str) -> bool {
    let cell = cell.trim();
    is_number(cell) || Times::is_time(cell)
}

/// Returns whether a row has numbers and times only. Names may be numbers after an empty one.
fn is_data(record: &StringRecord) -> bool {
    let mut cells = record.iter().map(str::trim);
    cells.next().is_some_and(is_value) && cells.all(|cell| is_missing(cell) || is_value(cell))
}

/// Returns whether a row is a bar of Binance: times in Unix units, prices and sums.
fn is_bars_of_binance(record: &StringRecord) -> bool {
    let numbers: Option<Vec<f64>> = record.iter().map(|cell| cell.trim().parse().ok()).collect();
    let is_time = |cell: usize| {
        let text = record[cell].trim();
        [13, 16].contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
    };
    numbers.filter(|numbers| numbers.len() == BINANCE.len()).is_some_and(|numbers| {
        let [open, high, low, close] = [numbers[1], numbers[2], numbers[3], numbers[4]];
        is_time(0)
            && is_time(6)
            && numbers[0] < numbers[6]
            && high >= open.max(close)
            && low <= open.min(close)
            && numbers[8].fract() == 0.0
    })
}

/// Reads a header of two or three rows, as yfinance writes: fields, tickers, and the name of the
/// dates.
fn several_rows(head: &[(u64, StringRecord)]) -> Option<(usize, Kind)> {
    let row = |index: usize| head.get(index).map(|(_, record)| record);
    let cell = |record: &StringRecord, index: usize| {
        record.get(index).unwrap_or_default().trim().to_owned()
    };
    let (first, second) = (row(0)?, row(1)?);
    if first.len() != second.len() || first.len() < 2 {
        return None;
    }
    let dates = row(2).filter(|record| {
        is_called(&cell(record, 0), "date")
            && record.iter().skip(1).all(|cell| cell.trim().is_empty())
    });
    let corner = [cell(first, 0), cell(second, 0)].map(|name| name.to_lowercase());
    let is_named = ["price", "ticker"].iter().all(|name| corner.iter().any(|cell| cell == name));
    let filled = second.iter().skip(1).all(|cell| !cell.trim().is_empty());
    if !filled || !(is_named || dates.is_some()) {
        return None;
    }
    let known =
        |record: &StringRecord| record.iter().skip(1).filter(|cell| is_known(cell.trim())).count();
    let fields_first = if is_named { corner[0] == "price" } else { known(first) >= known(second) };
    let (fields, tickers) = if fields_first { (first, second) } else { (second, first) };
    let date = dates.map_or_else(|| "Date".to_owned(), |record| cell(record, 0));
    let header_rows = 2 + usize::from(dates.is_some());
    let mut all: Vec<(String, Vec<(String, usize)>)> = Vec::new();
    let mut known_tickers = HashMap::new();
    for index in 1..fields.len() {
        let (field, ticker) = (cell(fields, index), cell(tickers, index));
        let series = *known_tickers.entry(ticker.clone()).or_insert(all.len());
        if series == all.len() {
            all.push((ticker, Vec::new()));
        }
        all[series].1.push((field, index));
    }
    let names = std::iter::once(date);
    if all.len() == 1 {
        let names = names.chain((1..fields.len()).map(|index| cell(fields, index))).collect();
        return Some((header_rows, Kind::Ticker(names, cell(tickers, 1))));
    }
    if all[0].1.len() > MOST_FIELDS || all.len() * all[0].1.len() > 4 * fields.len() {
        return None;
    }
    let names: Vec<String> = names.chain(all[0].1.iter().map(|(field, _)| field.clone())).collect();
    let places = |columns: Vec<(String, usize)>| {
        let place = |name: &String| {
            columns.iter().find(|(field, _)| field == name).map(|(_, index)| *index)
        };
        std::iter::once(Some(0)).chain(names[1..].iter().map(place)).collect()
    };
    let tickers = all.into_iter().map(|(ticker, columns)| (ticker, places(columns))).collect();
    Some((header_rows, Kind::Tickers(names, tickers)))
}
