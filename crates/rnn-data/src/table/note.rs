//! How a file is read, in one line.

use super::{
    CsvFile, Decimal,
    encoding::Packing,
    layout::{Kind, Layout},
    numbers::Signs,
};

/// Number of named tickers and units.
const NAMED: usize = 5;

/// Describes a file that is not plain: UTF-8, commas, one header, plain numbers.
pub(super) fn describe(file: &CsvFile, layout: &Layout, signs: Signs) -> Option<String> {
    let mut parts: Vec<String> = Vec::new();
    let mut say = |part: &str| parts.push(part.to_owned());
    match file.format.packing {
        Packing::None => {}
        Packing::Gzip => say("gzip"),
        #[cfg(feature = "parquet")]
        Packing::Parquet => say("Parquet"),
    }
    if file.format.encoding.0 != encoding_rs::UTF_8 {
        say(&match file.format.encoding.0.name() {
            "gb18030" => "GB18030".to_owned(),
            name => name.to_owned(),
        });
    }
    match file.delimiter {
        b'\t' => say("tab-separated"),
        b',' => {}
        other => say(&format!("`{}`-separated", char::from(other))),
    }
    if file.styles.iter().any(|style| style.decimal == Some(Decimal::Comma)) {
        say("decimal comma");
    }
    if signs.groups {
        say("thousands separators");
    }
    if let Some(currency) = signs.currency {
        say(&format!("amounts in {currency}"));
    }
    if signs.percent {
        say("5% as 5");
    }
    if let Some(multiple) = signs.multiple {
        say(&format!("multiples such as {multiple}"));
    }
    let mut units: Vec<&str> =
        file.styles.iter().filter_map(|style| style.unit.as_deref()).collect();
    units.sort_unstable();
    units.dedup();
    if !units.is_empty() {
        let more = if units.len() > NAMED { ", …" } else { "" };
        let word = if units.len() == 1 { "unit" } else { "units" };
        units.truncate(NAMED);
        say(&format!("{word} {}{more}", units.join(", ")));
    }
    if signs.parentheses {
        say("(5) as -5");
    }
    if signs.wide {
        say("full-width characters");
    }
    let rows = layout.header_rows;
    match &layout.kind {
        Kind::Names(_) => {}
        Kind::Ticker(_, ticker) => say(&format!("a header of {rows} rows for {ticker}")),
        Kind::Tickers(_, tickers) => {
            let named: Vec<&str> =
                tickers.iter().take(NAMED).map(|(ticker, _)| ticker.as_str()).collect();
            let more = if tickers.len() > NAMED { ", …" } else { "" };
            say(&format!(
                "a header of {rows} rows for {} series ({}{more})",
                tickers.len(),
                named.join(", ")
            ));
        }
        Kind::Binance => say("bars of Binance without a header"),
        Kind::None => say("a table without a header"),
    }
    if let Some(date) = file.columns.date
        && file.parts.columns().next().is_some()
    {
        let cells = [date].into_iter().chain(file.parts.columns());
        let names: Vec<String> =
            cells.map(|cell| format!("`{}`", file.columns.names()[cell])).collect();
        say(&format!("dates from {}", names.join(", ")));
    }
    let skipped = layout.line - 1;
    if layout.before > rows && skipped > 0 {
        let lines = if skipped == 1 { "line" } else { "lines" };
        let before = if rows > 0 { "the header" } else { "the first row" };
        say(&format!("{skipped} {lines} before {before} skipped"));
    }
    if layout.has_units {
        say("a row of units below the header skipped");
    }
    (!parts.is_empty()).then(|| format!("read as {}", parts.join(", ")))
}
