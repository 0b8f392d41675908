//! Column names: what people call them, and which one is meant.

use std::path::Path;

use crate::DataError;

/// What columns of dates and prices are called, the likeliest first, beside any spelling in capitals.
const ALIASES: [(&str, &[&str]); 6] = [
    ("date", &["datetime", "timestamp", "trade_date", "day", "time", "日期", "交易日期", "时间"]),
    ("open", &["开盘", "开盘价"]),
    ("close", &["收盘", "收盘价"]),
    ("high", &["最高", "最高价"]),
    ("low", &["最低", "最低价"]),
    ("volume", &["vol", "成交量"]),
];
/// Columns of numbers that are no measurements.
const LABELS: [&str; 7] = ["", "code", "symbol", "ticker", "id", "index", "股票代码"];
/// Names of what is probably to be predicted, the likeliest first.
const TARGETS: [&str; 6] = ["open", "close", "target", "value", "price", "y"];

/// Index of the column a name means: as it is written, else in other capitals, else the first other word for it.
pub(super) fn find(path: &Path, header: &[impl AsRef<str>], name: &str) -> Result<usize, DataError> {
    let unique = |is_it: &dyn Fn(&str) -> bool| {
        let mut found = (0..header.len()).filter(|&index| is_it(header[index].as_ref()));
        found.next().map(|first| (first, 1 + found.count()))
    };
    let in_capitals = |word: &str| unique(&|column| column.to_lowercase() == word);
    let name_lowercase = name.to_lowercase();
    let found = unique(&|column| column == name)
        .or_else(|| in_capitals(&name_lowercase))
        .or_else(|| aliases(&name_lowercase).iter().find_map(|alias| in_capitals(alias)));
    match found {
        Some((index, 1)) => Ok(index),
        Some((index, count)) => {
            Err(DataError::DuplicateColumn { path: path.to_owned(), column: shorten(header[index].as_ref().to_owned()), count })
        }
        None => Err(unknown(path, header, name)),
    }
}

/// Whether a column is called by a known name, or another word for it.
pub(super) fn means(column: &str, name: &str) -> bool {
    let column = column.to_lowercase();
    column == name || aliases(name).contains(&column.as_str())
}

fn aliases(name: &str) -> &'static [&'static str] {
    ALIASES.iter().find(|(known, _)| *known == name).map_or(&[], |(_, others)| others)
}

fn unknown(path: &Path, header: &[impl AsRef<str>], name: &str) -> DataError {
    let header = || header.iter().map(AsRef::as_ref);
    let nameable = header().filter(|column| column.len() <= LONGEST);
    let likeness = |column: &str| strsim::jaro_winkler(&column.to_lowercase(), &name.to_lowercase());
    let nearest = nameable.max_by(|one, other| likeness(one).total_cmp(&likeness(other))).filter(|column| likeness(column) > 0.7);
    let names = header().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    DataError::MissingColumn {
        path: path.to_owned(),
        column: shorten(name.to_owned()),
        nearest: nearest.map(str::to_owned),
        header: if names.is_empty() { "no columns".to_owned() } else { shorten(names) },
    }
}

/// Letters of a text in an error.
const LONGEST: usize = 400;

/// A text of bounded length.
pub(super) fn shorten(text: String) -> String {
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

/// Whether a column of numbers may be a measurement.
pub(super) fn is_measurement(name: &str) -> bool {
    !LABELS.contains(&name.to_lowercase().as_str())
}

/// The column that is probably to be predicted, of those that hold measurements.
pub(super) fn likely_target<'a>(path: &Path, measurements: &[&'a str]) -> Option<&'a str> {
    let known = TARGETS.iter().find_map(|name| find(path, measurements, name).ok());
    known.map(|index| measurements[index]).or(measurements.last().copied())
}
