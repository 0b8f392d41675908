//! Files with several series in one table.

use jiff::civil::date;

use super::*;

fn open_with(content: &str, series: Option<&str>) -> Result<CsvFile, DataError> {
    let series_column = series.map(str::to_owned);
    CsvOptions { series_column, ..CsvOptions::default() }
        .open_bytes("long.csv".as_ref(), content.as_bytes())
}

fn series(file: &CsvFile, columns: &[&str]) -> Vec<Table> {
    let tables = file.read_series(columns, &ReadOptions::default()).unwrap();
    tables.into_iter().map(Result::unwrap).collect()
}

#[test]
fn a_column_of_labels_that_explains_repeated_dates_makes_series() {
    for name in ["unique_id", "Ticker", "ts_code", "SERIES", "id"] {
        let content = format!(
            "{name},ds,y\nA,2020-01-01,1\nA,2020-01-02,2\nB,2020-01-01,10\nB,2020-01-02,20\n\
             B,2020-01-03,30\n"
        );
        let file = open_with(&content, None).unwrap();
        assert!(file.has_series(), "{name}");
        assert_eq!(file.columns().measurements(), ["y"], "{name}");
        let tables = series(&file, &["y"]);
        let names: Vec<String> = tables.iter().map(Table::name).collect();
        assert_eq!(names, ["A", "B"]);
        assert_eq!(tables[0].column("y").unwrap(), [1.0, 2.0]);
        assert_eq!(tables[1].column("y").unwrap(), [10.0, 20.0, 30.0]);
        assert_eq!(tables[1].times[2], date(2020, 1, 3).into());
        assert_eq!(tables[1].place(0), Place::Line(4));
        let first = file.read_first_series(&["y"], &ReadOptions::default()).unwrap();
        assert_eq!((first.rows(), first.name().as_str()), (2, "A"));
    }
}

#[test]
fn rows_of_series_may_be_mixed_and_newest_first() {
    let content = "date,code,price\n\
                   2020-01-03,1,3\n2020-01-03,2,30\n2020-01-02,1,2\n2020-01-02,2,20\n\
                   2020-01-01,1,1\n2020-01-01,2,10\n";
    let file = open_with(content, None).unwrap();
    let tables = series(&file, &["price"]);
    assert_eq!(tables[0].column("price").unwrap(), [1.0, 2.0, 3.0]);
    assert_eq!(tables[1].column("price").unwrap(), [10.0, 20.0, 30.0]);
    assert!(tables.iter().all(|table| table.warnings == [Warning::NewestFirst]));
}

#[test]
fn labels_without_repeated_dates_make_no_series() {
    // A continuous future: the symbol changes, the dates do not repeat.
    let roll = "date,symbol,close\n2020-01-01,H20,1\n2020-01-02,H20,2\n2020-01-03,M20,3\n";
    assert!(!open_with(roll, None).unwrap().has_series());
    let named = open_with(roll, Some("symbol")).unwrap();
    assert_eq!(series(&named, &["close"]).len(), 2, "the column was named");
    let numbered = "id,date,close\n1,2020-01-01,1\n2,2020-01-01,2\n";
    assert!(!open_with(numbered, None).unwrap().has_series(), "row numbers");
    let repeated = "date,close\n2020-01-01,1\n2020-01-01,2\n";
    let text = open_with(repeated, None)
        .unwrap()
        .read(&["close"], &ReadOptions::default())
        .unwrap_err()
        .to_string();
    assert!(text.contains("name the column of several series with `series-column`"), "{text}");
    let missing = open_with(roll, Some("nothing")).unwrap_err().to_string();
    assert!(missing.contains("column `nothing` is missing"), "{missing}");
}

#[test]
fn an_unusable_series_has_its_own_error() {
    let content = "ticker,date,close\n\
                   A,2020-01-01,1\nA,2020-01-02,\nB,2020-01-01,1\nB,2020-01-02,2\n\
                   C,2020-01-02,1\nC,2020-01-01,2\n";
    let file = open_with(content, None).unwrap();
    let read = file.read_series(&["close"], &ReadOptions::default()).unwrap();
    let errors: Vec<String> =
        read.iter().filter_map(|table| table.as_ref().err()).map(ToString::to_string).collect();
    assert_eq!(read.len() - errors.len(), 1);
    assert!(
        errors[0].starts_with("long.csv, series `A`, column `close`: 1 value is missing in line 3")
    );
    assert!(errors[1].starts_with("long.csv, line 7, column `date`: expected a date after"));
}

#[test]
fn all_series_share_one_format_of_dates() {
    // Only the second series tells days from months.
    let content =
        "ticker,date,close\nA,01/02/2020,1\nA,02/02/2020,2\nB,01/02/2020,1\nB,13/02/2020,2\n";
    let tables = series(&open_with(content, None).unwrap(), &["close"]);
    assert_eq!(tables[0].times[0], date(2020, 2, 1).into());
}

#[test]
fn many_series_cost_linear_time() {
    let mut content = "ticker,date,close\n".to_owned();
    for day in 1..=10 {
        for ticker in 0..10_000 {
            content += &format!("{ticker},2020-01-{day:02},{ticker}\n");
        }
    }
    let start = std::time::Instant::now();
    let tables = series(&open_with(&content, None).unwrap(), &["close"]);
    assert_eq!((tables.len(), tables[9_999].rows()), (10_000, 10));
    assert!(start.elapsed() < std::time::Duration::from_secs(20), "{:?}", start.elapsed());
}
