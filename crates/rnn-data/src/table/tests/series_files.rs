//! Files of several series.

use jiff::civil::date;

use super::*;

const HEADER: &str = "Price,Close,Close,Open,Open\nTicker,KO,PEP,KO,PEP\nDate,,,,\n";

fn two(rows: &str) -> CsvFile {
    let text = format!("{HEADER}{rows}");
    CsvFile::from_bytes(Path::new("two.csv"), text.as_bytes(), None).unwrap()
}

#[test]
fn rows_without_values_of_a_series_are_left_out() {
    let file = two("2020-01-02,1,,2,\n2020-01-03,3,30,4,40\n2020-01-06,,50,,60\n");
    let tables = file.read_series(&["open", "close"], &ReadOptions::default()).unwrap();
    let of = |table: &Result<Table, DataError>| {
        let table = table.as_ref().unwrap();
        let column = |name| table.column(name).unwrap().to_vec();
        (table.name(), table.times.clone(), column("open"), column("close"))
    };
    let days = |days: [i8; 2]| days.map(|day| date(2020, 1, day).into()).to_vec();
    assert_eq!(of(&tables[0]), ("KO".to_owned(), days([2, 3]), vec![2.0, 4.0], vec![1.0, 3.0]));
    assert_eq!(
        of(&tables[1]),
        ("PEP".to_owned(), days([3, 6]), vec![40.0, 60.0], vec![30.0, 50.0])
    );
    assert_eq!(line(tables[1].as_ref().unwrap(), 0), 5);
    let first = file.read_first_series(&["open"], &ReadOptions::default()).unwrap();
    assert_eq!(first.column("open"), Some(&[2.0, 4.0][..]));
}

#[test]
fn no_column_means_all_rows() {
    let file = two("2020-01-02,1,,2,\n2020-01-03,3,30,4,40\n");
    let first = file.read_first_series(&[] as &[&str], &ReadOptions::default()).unwrap();
    assert_eq!(first.times.len(), 2);
}

#[test]
fn a_bad_series_leaves_the_others() {
    let file = two("2020-01-02,1,10,2,20\n2020-01-03,3,x,4,40\n");
    let mut tables = file.read_series(&["close"], &ReadOptions::default()).unwrap();
    let error = tables.pop().unwrap().unwrap_err().to_string();
    assert_eq!(
        error,
        "two.csv, line 5, column `Close`: expected a finite number, got `x` (correct the value, or \
         choose other columns)"
    );
    assert_eq!(tables[0].as_ref().unwrap().rows(), 2);
    let file = two("2020-01-02,1,,2,\n2020-01-03,3,,4,\n");
    let mut tables = file.read_series(&["close"], &ReadOptions::default()).unwrap();
    let error = tables.pop().unwrap().unwrap_err().to_string();
    assert_eq!(error, "two.csv, series `PEP`: has no rows (add one per date)");
}

#[test]
fn a_series_without_a_column_is_named() {
    let text = "Price,Close,Close,Open\nTicker,KO,PEP,KO\nDate,,,\n2020-01-02,1,2,3\n";
    let file = CsvFile::from_bytes(Path::new("two.csv"), text.as_bytes(), None).unwrap();
    let mut tables = file.read_series(&["open"], &ReadOptions::default()).unwrap();
    let error = tables.pop().unwrap().unwrap_err().to_string();
    assert!(
        error.starts_with("two.csv, series `PEP`, line 1: column `Open` is missing"),
        "{error}"
    );
}

#[test]
fn several_tickers_are_several_series() {
    let header = "Price,Close,Close,Open,Open\nTicker,KO,PEP,KO,PEP\nDate,,,,\n";
    let text = format!(
        "{header}2020-01-02,1,,2,\n2020-01-03,3,30,4,40\n2020-01-06,,50,,60\n2020-01-07,7,x,8,80\n"
    );
    let file = open(text);
    assert!(file.has_series());
    assert_eq!(file.note(), Some("read as a header of 3 rows for 2 series (KO, PEP)"));
    assert_eq!(file.columns().names(), ["Date", "Close", "Open"]);
    assert_eq!(file.columns().measurements(), ["Open"], "`Close` has a word");
    let options = ReadOptions::default();
    let error = file.read(&["open"], &options).unwrap_err().to_string();
    assert!(error.contains("holds 2 series, expected one"), "{error}");
}
