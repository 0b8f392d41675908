//! Parquet files as pandas, polars and pyarrow write them; `parquet/README.md` says how.

use jiff::civil::date;

use super::{
    files::{refused, same_as_plain},
    *,
};
use crate::CsvOptions;

/// Times as the index; packed by snappy.
const PANDAS: &[u8] = include_bytes!("parquet/pandas.parquet");
/// Days, a column of lists; packed by zstd.
const POLARS: &[u8] = include_bytes!("parquet/polars.parquet");
/// A type per column; not packed.
const TYPES: &[u8] = include_bytes!("parquet/types.parquet");

fn open_types() -> CsvFile {
    CsvFile::from_bytes(Path::new("types.parquet"), TYPES, None).unwrap()
}

#[test]
fn files_of_pandas_and_polars_read_like_the_plain_file() {
    same_as_plain(PANDAS, "read as Parquet");
    same_as_plain(POLARS, "read as Parquet");
}

#[test]
fn each_type_has_its_values() {
    let file = open_types();
    assert_eq!(file.columns().names(), ["date", "open", "close", "volume", "flag", "half", "blob"]);
    assert_eq!(file.columns().measurements(), ["open", "close", "volume", "flag", "half"]);
    let options = ReadOptions { fill: Fill::Forward, ..ReadOptions::default() };
    let table = file.read(&["open", "close", "volume", "flag", "half"], &options).unwrap();
    assert_eq!(table.times[0], date(2020, 1, 2).into());
    let first = |name| &table.column(name).unwrap()[..3];
    assert_eq!(first("open"), [1234.5, 1240.5, 999.5], "decimal");
    assert_eq!(first("close"), [1240.25, 1238.75, 1001.25], "32-bit float");
    assert_eq!(first("volume"), [1_500_000.0, 1_250_000.0, 980_000.0], "unsigned");
    assert_eq!(first("flag"), [1.0, 0.0, 0.0], "true, false and missing");
    assert_eq!(first("half"), [1.5; 3], "16-bit float");
}

#[test]
fn a_decimal_comma_does_not_concern_numbers_of_the_file() {
    let options = CsvOptions { decimal: Some(Decimal::Comma), ..CsvOptions::default() };
    let file = options.open_bytes(Path::new("types.parquet"), TYPES).unwrap();
    let table = file.read(&["open"], &ReadOptions::default()).unwrap();
    assert_eq!(table.column("open").unwrap()[..2], [1234.5, 1240.5]);
}

#[test]
fn a_missing_value_has_the_line_of_the_file_as_csv() {
    let problem = open_types().read(&["flag"], &ReadOptions::default()).unwrap_err().to_string();
    assert!(problem.starts_with("types.parquet, column `flag`: 3 values are missing in lines 4, "));
    let problem = open_types().read(&["blob"], &ReadOptions::default()).unwrap_err().to_string();
    assert!(problem.starts_with("types.parquet, line 2, column `blob`: "), "{problem}");
}

#[test]
fn damaged_files_are_errors() {
    assert!(refused(b"PAR1").contains("line 1: damaged Parquet data: "));
    for whole in [PANDAS, POLARS, TYPES] {
        for length in (4..whole.len()).step_by(7) {
            let problem = refused(&whole[..length]);
            assert!(problem.contains("damaged Parquet data: "), "{length}: {problem}");
        }
    }
}

#[test]
fn no_changed_byte_is_a_panic() {
    for whole in [PANDAS, POLARS, TYPES] {
        for place in 4..whole.len() {
            let mut bytes = whole.to_vec();
            bytes[place] ^= [0x01, 0x80, 0xff][place % 3];
            let file = CsvFile::from_bytes(Path::new("changed"), bytes, None);
            let _ = file.and_then(|file| file.read(&["open"], &ReadOptions::default()));
        }
    }
}
