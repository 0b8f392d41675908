use jiff::{ToSpan, civil::date};

use super::*;
use crate::{SeriesConfig, SetSize, Split, TableSource};

fn days(count: i64) -> Vec<jiff::civil::DateTime> {
    (0..count).map(|day| (date(2020, 1, 1) + day.days()).into()).collect()
}

fn numbered(count: i64) -> Vec<f64> {
    (0..count).map(|row| row as f64 + 1.0).collect()
}

fn shop<const N: usize>(
    times: Vec<jiff::civil::DateTime>,
    columns: [(&str, Vec<f64>); N],
) -> Result<Table, DataError> {
    Table::from_columns("shop", times, columns)
}

#[test]
fn a_table_in_memory_has_its_times_and_columns() {
    let table =
        shop(days(3), [("sales", numbered(3)), ("visitors", vec![5.0, -0.5, 0.0])]).unwrap();
    assert_eq!(
        (table.rows(), table.name().as_str(), table.synthetic, &table.warnings),
        (3, "shop", false, &Vec::new())
    );
    assert_eq!(
        (&table.times, table.column("visitors"), table.column("Sales")),
        (&days(3), Some(&[5.0, -0.5, 0.0][..]), None)
    );
    assert_eq!(
        Table::from_columns("EUR/USD", days(1), [("rate", vec![1.1])]).unwrap().name(),
        "EUR/USD",
        "the name is not a path"
    );
}

#[test]
fn malformed_columns_are_errors_with_table_row_and_column() {
    let twice = |row: usize| {
        let mut times = days(4);
        times[row] = times[row - 1];
        times
    };
    let with = |value| vec![1.0, 2.0, value, 4.0];
    for (times, column, expected) in [
        (days(0), vec![], "shop: has no rows (add one per date)"),
        (days(4), numbered(3), "shop, column `sales`: expected 4 values, one per time, got 3"),
        (
            days(4),
            with(f64::NAN),
            "shop, row 3, column `sales`: expected a finite number, got `NaN` (correct the value, \
             or choose other columns)",
        ),
        (
            days(4),
            with(f64::NEG_INFINITY),
            "shop, row 3, column `sales`: expected a finite number, got `-inf`",
        ),
        (
            days(4),
            with(-1e15),
            "shop, row 3, column `sales`: expected a number below 1e15, got `-1000000000000000`",
        ),
        (
            twice(3),
            numbered(4),
            "shop, row 4, column `times`: expected a time after 2020-01-03, the row before, got \
             `2020-01-03` (sort the rows, and keep one per time)",
        ),
        (
            days(4).into_iter().rev().collect(),
            numbered(4),
            "shop, row 2, column `times`: expected a time after 2020-01-04",
        ),
    ] {
        let error = shop(times, [("sales", column)]).unwrap_err().to_string();
        assert!(error.starts_with(expected), "{error}\nshould start with\n{expected}");
    }
    let error =
        shop(days(2), [("a", numbered(2)), ("b", numbered(2)), ("a", numbered(2))]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "shop: column `a` appears 2 times, expected once (rename or remove the others)"
    );
}

#[test]
fn the_hash_depends_on_times_column_names_and_values() {
    let hash = |times: Vec<_>, name: &str, values| shop(times, [(name, values)]).unwrap().sha256;
    let one = hash(days(3), "sales", numbered(3));
    assert_eq!(
        one, "b2f962e666b91a5e81d3af5d4e6c96e543a36ec766286368dcd8654c308eebaf",
        "the same on every machine"
    );
    assert_eq!(
        one,
        Table::from_columns("other", days(3), [("sales", numbered(3))]).unwrap().sha256,
        "the name of the table is not hashed"
    );
    let mut later = days(3);
    later[2] = date(2020, 1, 3).at(0, 0, 0, 1);
    let others = [
        hash(later, "sales", numbered(3)),
        hash(days(3), "visitors", numbered(3)),
        hash(days(3), "sales", vec![1.0, 2.0, 3.0 + f64::EPSILON * 2.0]),
        shop(days(3), [("sales", numbered(3)), ("b", numbered(3))]).unwrap().sha256,
        hash(days(2), "sales", numbered(2)),
    ];
    assert!(!others.contains(&one));
}

#[test]
fn a_table_and_a_file_of_equal_values_are_equal_sources() {
    let content: String = days(40)
        .iter()
        .zip(numbered(40))
        .map(|(day, value)| format!("{},{value},{},7\n", day.date(), -value))
        .collect();
    let content = format!("date,Open,low,id\n{content}").into_bytes();
    let file = CsvFile::from_bytes(Path::new("shop.csv"), content, None).unwrap();
    let low = numbered(40).iter().map(|value| -value).collect();
    let table =
        shop(days(40), [("Open", numbered(40)), ("low", low), ("id", vec![7.0; 40])]).unwrap();
    assert_eq!(table.columns().measurements(), file.columns().measurements());
    assert_eq!(table.columns().likely_target(), file.columns().likely_target());
    assert_eq!((file.columns().date_column(), table.columns().date_column()), (Some("date"), None));
    let options =
        ReadOptions { from: Some(days(3)[2]), until: Some(days(30)[29]), ..ReadOptions::default() };
    let [of_file, of_table] =
        [&file as &dyn TableSource, &table].map(|source| source.read(&["open", "low"], &options));
    let (of_file, of_table) = (of_file.unwrap(), of_table.unwrap());
    assert_eq!(
        (&of_file.times, of_file.column("open")),
        (&of_table.times, of_table.column("open"))
    );
    assert_eq!((of_file.place(0), of_table.place(0)), (Place::Line(4), Place::Row(3)));
    assert_eq!(of_table.sha256, table.sha256, "for any rows and columns");
    assert_eq!(of_table.column("id"), None);
}

#[test]
fn errors_of_a_table_in_memory_name_the_row() {
    let mut values = numbered(40);
    values[6] = 0.0;
    let table = shop(days(40), [("open", values), ("low", numbered(40))]).unwrap();
    let warnings: Vec<String> = table.warnings.iter().map(ToString::to_string).collect();
    assert!(
        warnings[0].starts_with("prices at or below zero in 1 row (first on row 7): "),
        "{warnings:?}"
    );
    let text = table.columns().resolve("opne").unwrap_err().to_string();
    assert_eq!(
        text,
        "shop: column `opne` is missing (did you mean `open`?); the table has `open`, `low`"
    );
    let late = ReadOptions { from: Some(date(2030, 1, 1).into()), ..ReadOptions::default() };
    let text = table.read(&["low"], &late).unwrap_err().to_string();
    assert_eq!(
        text,
        "shop: no rows from 2030-01-01 on; its rows are from 2020-01-01 to 2020-02-09 (choose \
         other dates)"
    );
    let split = Split::holdout(SetSize::Rows(5), SetSize::Rows(5));
    let config = SeriesConfig::new("open".to_owned())
        .with_window(4)
        .with_split(split)
        .with_transform(crate::Transform::LogReturn);
    let text = config.init(table).unwrap_err().to_string();
    assert!(
        text.starts_with("shop, row 7, column `open`: expected a number above 0 for a logarithm, "),
        "{text}"
    );
}
