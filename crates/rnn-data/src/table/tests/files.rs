//! Files as people have them: each kind gives the values, times and first forecast of the plain
//! file, and says how it was read.

use std::io::Write;

use encoding_rs::{Encoding, GB18030, WINDOWS_1252};
use jiff::civil::{DateTime, date};

use super::*;
use crate::{SeriesConfig, SetSize, Split};

/// Rows of the plain file: day of January 2020, open, close, volume.
const ROWS: [(i8, f64, f64, f64); 10] = [
    (2, 1234.5, 1240.25, 1_500_000.0),
    (3, 1240.5, 1238.75, 1_250_000.0),
    (6, 999.5, 1001.25, 980_000.0),
    (7, 1002.5, 1010.75, 1_020_000.0),
    (8, 1011.5, 1008.25, 2_340_000.0),
    (9, 1009.5, 1020.75, 1_110_000.0),
    (10, 1021.5, 1019.25, 1_900_000.0),
    (13, 1018.5, 1030.75, 1_870_000.0),
    (14, 1029.5, 1024.25, 1_640_000.0),
    (15, 1025.5, 1028.75, 1_530_000.0),
];

/// The lines of a table: a header, and a line per row.
fn table(header: &str, line: impl Fn(&str, [f64; 3]) -> String) -> String {
    let rows = ROWS.iter().map(|(day, open, close, volume)| {
        line(&date(2020, 1, *day).to_string(), [*open, *close, *volume])
    });
    std::iter::once(header.to_owned()).chain(rows).map(|line| line + "\n").collect()
}

pub(super) fn plain() -> String {
    table("date,open,close,volume", |day, [open, close, volume]| {
        format!("{day},{open},{close},{volume}")
    })
}

/// A number with separators between groups of three digits, and a decimal separator.
fn grouped(value: f64, group: &str, decimal: &str) -> String {
    let text = value.to_string();
    let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
    let whole: Vec<&str> = whole
        .as_bytes()
        .rchunks(3)
        .rev()
        .map(|digits| std::str::from_utf8(digits).unwrap())
        .collect();
    let decimal = if fraction.is_empty() { "" } else { decimal };
    format!("{}{decimal}{fraction}", whole.join(group))
}

fn gzip(bytes: impl AsRef<[u8]>) -> Vec<u8> {
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    packed.write_all(bytes.as_ref()).unwrap();
    packed.finish().unwrap()
}

fn utf16(text: &str, order: fn(u16) -> [u8; 2]) -> Vec<u8> {
    text.encode_utf16().flat_map(order).collect()
}

fn encoded(text: &str, encoding: &'static Encoding) -> Vec<u8> {
    let (bytes, _, has_failed) = encoding.encode(text);
    assert!(!has_failed);
    bytes.into_owned()
}

/// Returns values, times and the first forecast time of the test set.
fn content(table: Table) -> (Vec<Vec<f64>>, Vec<DateTime>, DateTime) {
    let values = ["open", "close", "volume"].map(|name| table.column(name).unwrap().to_vec());
    let times = table.times.clone();
    let config = SeriesConfig::new("open".to_owned())
        .with_window(2)
        .with_split(Split::holdout(SetSize::Rows(1), SetSize::Rows(1)));
    (values.to_vec(), times, config.init(table).unwrap().starts.test)
}

#[track_caller]
pub(super) fn same_as_plain(bytes: impl AsRef<[u8]>, note: &str) {
    same_with(&CsvOptions::default(), bytes, note);
}

#[track_caller]
fn same_with(options: &CsvOptions, bytes: impl AsRef<[u8]>, note: &str) {
    let names = ["open", "close", "volume"];
    let expected = content(read(plain(), &names, &ReadOptions::default()).unwrap());
    assert_eq!((expected.1[0], expected.2), (date(2020, 1, 2).into(), date(2020, 1, 15).into()));
    let file = options.open_bytes(Path::new("kind.csv"), bytes.as_ref()).unwrap();
    assert_eq!(file.note().unwrap_or_default(), note);
    let table = file.read(&names, &ReadOptions::default()).unwrap();
    assert_eq!(table.sha256, hash(bytes.as_ref()), "the hash is that of the file");
    assert_eq!(content(table), expected);
}

fn hash(bytes: &[u8]) -> String {
    use sha2::Digest;
    crate::table::bytes::hex(&sha2::Sha256::digest(bytes))
}

pub(super) fn refused(bytes: impl AsRef<[u8]>) -> String {
    let file = CsvFile::from_bytes(Path::new("kind.csv"), bytes.as_ref(), None);
    let names = file.as_ref().map(|file| {
        file.columns().measurements().into_iter().map(str::to_owned).collect::<Vec<_>>()
    });
    let names = names.unwrap_or_default();
    let result = file.and_then(|file| file.read(&names, &ReadOptions::default()));
    result.unwrap_err().to_string()
}

#[test]
fn a_plain_file_has_no_note() {
    same_as_plain(plain(), "");
    same_as_plain(format!("\u{feff}{}", plain().replace('\n', "\r\n")), "");
}

#[test]
fn encodings_are_found() {
    let chinese = plain().replace("date,open,close,volume", "日期,开盘价,收盘价,成交量");
    same_as_plain(&chinese, "");
    same_as_plain(encoded(&chinese, GB18030), "read as GB18030");
    same_as_plain(
        encoded(
            &plain().replace("volume\n", "volume,Börse\n").replace("0\n", "0,Köln\n"),
            WINDOWS_1252,
        ),
        "read as windows-1252",
    );
    for text in [plain(), chinese] {
        for mark in ["\u{feff}", ""] {
            let text = format!("{mark}{text}");
            same_as_plain(utf16(&text, u16::to_le_bytes), "read as UTF-16LE");
            same_as_plain(utf16(&text, u16::to_be_bytes), "read as UTF-16BE");
        }
    }
}

#[test]
fn a_named_encoding_is_used() {
    let options = CsvOptions { encoding: Some("gbk".parse().unwrap()), ..CsvOptions::default() };
    same_with(&options, plain(), "read as GB18030");
    let latin =
        encoded(&plain().replace("volume\n", "volume,é\n").replace("0\n", "0,é\n"), WINDOWS_1252);
    let options = CsvOptions { encoding: Some("utf-8".parse().unwrap()), ..CsvOptions::default() };
    let file = options.open_bytes(Path::new("kind.csv"), latin.as_slice());
    assert_eq!(
        file.unwrap_err().to_string(),
        "kind.csv, line 1: expected UTF-8 text, got other bytes (set `encoding`, or save the file \
         as CSV in UTF-8)"
    );
    assert!("klingon".parse::<TextEncoding>().unwrap_err().starts_with("expected an encoding"));
}

#[test]
fn damaged_text_is_refused_with_its_line() {
    let long = "2020-01-02,1\n".repeat(100_000);
    let late = [format!("date,open\n{long}").as_bytes(), b"2020-01-03,\xff\n"].concat();
    assert_eq!(
        refused(late),
        "kind.csv, line 100002: expected UTF-8 text, got other bytes (set `encoding`, or save the \
         file as CSV in UTF-8)"
    );
    let mut odd = utf16(&plain(), u16::to_le_bytes);
    odd.pop();
    assert_eq!(
        refused(odd),
        "kind.csv, line 11: expected UTF-16LE text, got other bytes (set `encoding`)"
    );
}

#[test]
fn gzip_is_unpacked() {
    same_as_plain(gzip(plain()), "read as gzip");
    same_as_plain(gzip(utf16(&plain(), u16::to_le_bytes)), "read as gzip, UTF-16LE");
    let text = refused(&gzip(plain())[..60]);
    assert!(text.contains("damaged gzip data"), "{text}");
    let wrong = gzip(plain().replace("999.5", "x"));
    let text = read(wrong, &["open"], &ReadOptions::default()).unwrap_err().to_string();
    assert!(text.contains("line 4, column `open`: expected a finite number, got `x`"), "{text}");
    let row = format!("2020-01-02,1,{}\n", "a".repeat(1 << 20));
    let bomb = gzip(format!("date,open,note\n{}", row.repeat(20)));
    let text = refused(&bomb);
    assert!(text.contains("the file unpacks to more than 100 times its size"), "{text}");
}

#[test]
fn archives_and_other_files_are_refused_with_a_remedy() {
    for (start, problem) in [
        (
            &b"PK\x03\x04"[..],
            "got a zip archive or a workbook (unpack it, or save the sheet as CSV)",
        ),
        #[cfg(not(feature = "parquet"))]
        (b"PAR1", "got a Parquet file (build with the feature `parquet`, or convert it, "),
        (b"\x28\xb5\x2f\xfd", "got a zstd archive (unpack it, "),
    ] {
        let text = refused([start, &[0; 100]].concat());
        assert!(text.contains(problem), "{text}");
    }
}

#[test]
fn separators_and_decimal_commas_are_found() {
    let text = table("date;open;close;volume", |day, [open, close, volume]| {
        format!("{day};{open};{close};{volume}").replace('.', ",")
    });
    same_as_plain(&text, "read as `;`-separated, decimal comma");
    same_as_plain(text.replace(';', "\t"), "read as tab-separated, decimal comma");
    let text = table("date;open;close;volume", |day, values| {
        let [open, close, volume] = values.map(|value| grouped(value, ".", ","));
        format!("{day};{open};{close};{volume}")
    });
    same_as_plain(&text, "read as `;`-separated, decimal comma, thousands separators");
    same_as_plain(
        format!("sep=;\n{text}"),
        "read as `;`-separated, decimal comma, thousands separators, 1 line before the header \
         skipped",
    );
}

#[test]
fn lines_of_text_around_the_table_are_skipped() {
    let before =
        "Daily prices, delayed by 15 minutes.\n\"Source: an exchange, without warranty\"\n\n";
    let note = "read as 3 lines before the header skipped";
    for end in ["\n", "\r\n"] {
        let text = format!("{before}{}", plain()).replace('\n', end);
        same_as_plain(&text, note);
        let text = read(text.replace("999.5", "x"), &["open"], &ReadOptions::default());
        let text = text.unwrap_err().to_string();
        assert!(text.contains("line 7, column `open`: expected a finite number"), "{text}");
    }
    let equal = format!("Prices,of,an,exchange\n{}", plain());
    same_as_plain(&equal, "read as 1 line before the header skipped");
    let words = "when,kind,open\n2020-01-02,day,5\n2020-01-03,day,6\n";
    assert_eq!(open(words).columns().names(), ["when", "kind", "open"], "a word is no header");
    let spread = format!("Prices,,,\n,,,\n{}", plain());
    same_as_plain(&spread, "read as 2 lines before the header skipped");
    let missing = message(format!("{before}{}", plain()), &["opne"], &ReadOptions::default());
    assert!(missing.starts_with(", line 4: column `opne` is missing"), "{missing}");

    let after = format!("{}\nAll prices in USD, see terms\nThe end\n", plain());
    same_as_plain(&after, "");
    let table = read(&after, &["open"], &ReadOptions::default()).unwrap();
    assert_eq!(table.warnings, [Warning::Footer { rows: 2, first: Place::Line(13) }]);
    assert_eq!(
        table.warnings[0].to_string(),
        "2 lines of text after the last row skipped (first on line 13)"
    );
    let middle = plain().replace("2020-01-06,", "moved,2020-01-06,");
    assert_eq!(
        message(middle, &["open"], &ReadOptions::default()),
        ", line 4: expected 4 values as in the header, got 5"
    );
    let text = message(
        plain().replace("2020-01-06,", "moved\n2020-01-06,"),
        &["open"],
        &ReadOptions::default(),
    );
    assert_eq!(text, ", line 4: expected 4 values as in the header, got 1");
    let text = plain();
    let cut = message(&text[..text.len() - 20], &["open"], &ReadOptions::default());
    assert_eq!(cut, ", line 11: expected 4 values as in the header, got 2");
}

#[test]
fn headers_of_several_rows_are_read() {
    let line =
        |day: &str, [open, close, volume]: [f64; 3]| format!("{day},{close},{open},{volume}");
    let rows = table("", line);
    for (header, note) in [
        ("Price,Close,Open,Volume\nTicker,KO,KO,KO\nDate,,,", "read as a header of 3 rows for KO"),
        ("Price,Close,Open,Volume\nTicker,KO,KO,KO", "read as a header of 2 rows for KO"),
        ("Ticker,KO,KO,KO\nPrice,Close,Open,Volume\nDate,,,", "read as a header of 3 rows for KO"),
        (
            ",Close,Open,Volume\n,0700.HK,0700.HK,0700.HK\nDate,,,",
            "read as a header of 3 rows for 0700.HK",
        ),
    ] {
        let text = format!("{header}{rows}");
        same_as_plain(&text, note);
        let text = read(text.replace("999.5", "x"), &["open"], &ReadOptions::default());
        let text = text.unwrap_err().to_string();
        let expected = header.lines().count() + 3;
        assert!(text.contains(&format!("line {expected}, column `Open`: expected a")), "{text}");
    }
}

#[test]
fn a_file_without_a_header_is_refused_or_named() {
    let bare = plain().split_once('\n').unwrap().1.to_owned();
    let text = refused(&bare);
    assert_eq!(
        text,
        "kind.csv, line 1: expected a header, got a row of values (set `no-header`: the columns \
         are then called `column_1`, `column_2` and so on)"
    );
    assert_eq!(refused(format!("\n{bare}")).replace("line 2", "line 1"), text);
    assert!(refused(bare.replace(",", ";")).contains("set `no-header`"));
    let coded: String = bare.lines().map(|line| format!("KO,{line}\n")).collect();
    assert!(refused(&coded).contains("set `no-header`"), "a date in place of its name");

    let options = CsvOptions { no_header: true, ..CsvOptions::default() };
    let file = options.open_bytes(Path::new("kind.csv"), bare.as_bytes()).unwrap();
    assert_eq!(file.note(), Some("read as a table without a header"));
    assert_eq!(file.columns().date_column(), Some("column_1"));
    let names = ["column_2", "column_3", "column_4"];
    assert_eq!(file.columns().measurements(), names);
    let table = file.read(&names, &ReadOptions::default()).unwrap();
    assert_eq!((table.rows(), line(&table, 0)), (10, 1));
    assert_eq!(table.column("column_2").unwrap()[0], 1234.5);
    assert_eq!(table.times[0], date(2020, 1, 2).into());
    let missing = file.read(&["open"], &ReadOptions::default()).unwrap_err().to_string();
    assert!(
        missing.ends_with("the table has `column_1`, `column_2`, `column_3`, `column_4`"),
        "{missing}"
    );

    let names = "date,0,1\n2020-01-02,1,2\n2020-01-03,2,1\n";
    assert_eq!(open(names).columns().measurements(), ["0", "1"], "names may be numbers");
    let names = ",0,1\n2020-01-02,1,2\n2020-01-03,2,1\n";
    assert_eq!(open(names).columns().measurements(), ["0", "1"], "after an empty one");
}

#[test]
fn bars_of_binance_are_recognised() {
    let rows: String = (0..5)
        .map(|row| {
            let start = 1_577_836_800_000_u64 + row * 60_000;
            format!("{start},7.1,7.5,7.0,7.2,5.0,{},36.1,12,2.0,14.2,0\n", start + 59_999)
        })
        .collect();
    let file = open(&rows);
    assert_eq!(file.note(), Some("read as bars of Binance without a header"));
    assert_eq!(file.columns().date_column(), Some("open_time"));
    assert_eq!(
        file.columns().measurements(),
        [
            "open",
            "high",
            "low",
            "close",
            "volume",
            "quote_volume",
            "trades",
            "taker_buy_volume",
            "taker_buy_quote_volume"
        ]
    );
    let other = rows.replace(",7.5,7.0,", ",6.5,7.0,");
    assert!(refused(other).contains("set `no-header`"), "a high below the low");
}

#[test]
fn an_open_quote_is_reported_on_its_line() {
    for (text, expected) in [
        (plain().replace("2020-01-02,", "\"2020-01-02,"), "line 2: expected 4 values"),
        (plain().replace(",1234.5", ",\"1234.5"), "line 2: expected 4 values"),
        (plain().replace("2020-01-06,", "\"2020-01-06,"), "line 4: expected 4 values"),
        (
            "date,open\n2020-01-02,\"3\n2020-01-03,4\n2020-01-06,5\n".to_owned(),
            "line 2: expected a number in column `open`, got several lines (close an open quote)",
        ),
        (
            "date,open\n2020-01-02,3\n2020-01-03,\"4\n2020-01-06,5\n".to_owned(),
            "line 3, column `open`: expected a finite number, got `4` (close an open quote)",
        ),
    ] {
        for end in ["\n", "\r\n"] {
            let text = refused(text.replace('\n', end));
            assert!(text.contains(&format!("kind.csv, {expected}")), "{text}");
            assert!(!expected.contains("4 values") || text.ends_with("(close an open quote)"));
        }
    }
    let long =
        plain().replace("2020-01-02,", "\"2020-01-02,") + &"2030-01-01,1,2,3\n".repeat(1 << 20);
    assert!(refused(long).starts_with("kind.csv, line 2: expected one row per line"));
}
