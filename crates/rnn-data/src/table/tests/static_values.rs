//! Values of whole series.

use super::*;

fn values(text: &str, column: Option<&str>) -> Result<StaticValues, DataError> {
    let bytes = text.as_bytes();
    StaticValues::from_bytes("shops.csv".as_ref(), bytes, column, &CsvOptions::default())
}

fn table(name: &str) -> Table {
    let mut table = Table::from_columns(
        "shop",
        vec![jiff::civil::date(2020, 4, 24).into()],
        [("sales", vec![1.0])],
    )
    .unwrap();
    table.series = Some(name.to_owned());
    table
}

#[test]
fn numbers_are_standardised_and_texts_become_flags() {
    let text = "size;shop;region;same\n1,5;A;north;7\n4,5;B;south;7\n3;C.csv;north;7\n";
    let values = values(text, Some("shop")).unwrap();
    assert_eq!(values.names(), ["size", "region=north", "region=south", "same"]);
    let of = |series: &str| {
        let table = values.add_to(table(series)).unwrap();
        let value = |name: &String| table.static_value(name).unwrap();
        values.names().iter().map(value).collect::<Vec<f64>>()
    };
    let deviation = 1.5f64.sqrt();
    assert_eq!(of("A"), [-1.5 / deviation, 1.0, 0.0, 0.0]);
    assert_eq!(of("B.csv"), [1.5 / deviation, 0.0, 1.0, 0.0]);
    assert_eq!(of("C.csv")[0], 0.0);
    assert_eq!(values.sha256().len(), 64);
}

#[test]
fn the_first_column_names_the_series_unless_another_does() {
    let text = "store,ticker,size\n1,A,5\n2,B,6\n";
    for (column, series) in [(None, "2"), (Some("ticker"), "B"), (Some("missing"), "2")] {
        assert!(values(text, column).unwrap().add_to(table(series)).is_ok(), "{column:?}");
    }
}

#[test]
fn bad_files_are_refused_with_their_place() {
    let many: String = (0..21).map(|row| format!("{row},town {row}\n")).collect();
    for (text, expected) in [
        ("", ", line 1: the file is empty"),
        ("shop,size\n", ": has no values beside the names in `shop`"),
        ("shop\nA\n", ": has no values beside the names in `shop`"),
        ("shop,size\nA,1\nB\n", ", line 3: expected 2 values as in the header, got 1"),
        ("shop,size\nA,1\nA,2\n", ", line 3, column `shop`: expected one row for each series, got"),
        ("shop,size\n,1\n", ", line 2, column `shop`: expected the name of a series"),
        ("shop,size\nA,1\nB,\n", ", line 3, column `size`: expected a value, got ``"),
        ("shop,size,size\nA,1,2\n", ", line 1: column `size` appears 2 times"),
        ("shop,size\nA,1e300\n", ", line 2, column `size`: expected a number below"),
        (
            &format!("shop,town\n{many}"),
            ", line 2: column `town`: expected numbers, or at most 20 different texts, got \
             `town 0` and 20 others",
        ),
    ] {
        let problem = values(text, None).unwrap_err().to_string();
        let expected = format!("shops.csv{expected}");
        assert!(problem.starts_with(&expected), "{problem} is not {expected}");
    }
}
