//! Numbers as people write them.

use super::*;

/// Reads a column `a` of quoted numbers, one per day.
fn column(numbers: &[&str], options: &CsvOptions) -> Result<Vec<f64>, String> {
    let rows: String = numbers
        .iter()
        .enumerate()
        .map(|(row, number)| format!("2020-01-{:02};\"{number}\"\n", row + 1))
        .collect();
    let file = options.open_bytes(Path::new("n.csv"), format!("date;a\n{rows}").as_bytes());
    let table = file.and_then(|file| {
        let fill = ReadOptions { fill: Fill::Linear, ..ReadOptions::default() };
        file.read(&["a"], &fill)
    });
    table.map(|table| table.column("a").unwrap().to_vec()).map_err(|error| error.to_string())
}

fn values(numbers: &[&str]) -> Vec<f64> {
    column(numbers, &CsvOptions::default()).unwrap()
}

fn refused(numbers: &[&str]) -> String {
    let error = column(numbers, &CsvOptions::default()).unwrap_err();
    error.strip_prefix("n.csv, ").unwrap_or(&error).to_owned()
}

#[test]
fn thousands_separators_are_dropped() {
    for numbers in [
        ["1,234.5", "12,345,678"],
        ["1 234.5", "12 345 678"],
        ["1 234,5", "12 345 678"],
        ["1\u{a0}234,5", "12\u{a0}345\u{a0}678"],
        ["1\u{202f}234,5", "12\u{202f}345\u{202f}678"],
        ["1'234.5", "12'345'678"],
        ["1’234.5", "12’345’678"],
        ["1.234,5", "12.345.678"],
        ["1234.5", "1,23,45,678"],
        ["１，２３４．５", "１２３４５６７８"],
    ] {
        assert_eq!(values(&numbers), [1234.5, 12_345_678.0], "{numbers:?}");
    }
    for wrong in ["12,34.5", "1,2345.5", "1,,234.5", ",123.5", "1 23.5", "1,234 567.5"] {
        assert!(refused(&["7", "8.5", wrong]).contains("expected a finite number"), "{wrong}");
    }
}

#[test]
fn currencies_percents_and_multiples_are_read() {
    for (numbers, expected) in [
        (["$1,234.5", "-$2"], [1234.5, -2.0]),
        (["$-1.5", "$ 2"], [-1.5, 2.0]),
        (["1.234,50 €", "- 2,5 €"], [1234.5, -2.5]),
        (["£1.5", "£2"], [1.5, 2.0]),
        (["¥15", "￥20"], [15.0, 20.0]),
        (["USD 1.5", "2 USD"], [1.5, 2.0]),
        (["CNY1.5", "2元"], [1.5, 2.0]),
        (["5.25%", "-1 %"], [5.25, -1.0]),
        (["１％", "0"], [1.0, 0.0]),
        (["1.23M", "950K"], [1.23e6, 950e3]),
        (["1.5B", "2t"], [1.5e9, 2e12]),
        (["1.5万", "2亿"], [15e3, 2e8]),
        (["3.5万亿", "1"], [3.5e12, 1.0]),
        (["1.5亿元", "$2M"], [1.5e8, 2e6]),
        (["(1,234.5)", "(2)"], [-1234.5, -2.0]),
        (["($2.5)", "\u{2212}1"], [-2.5, -1.0]),
        (["1e3", "1,5E-3"], [1000.0, 0.0015]),
    ] {
        // The units of a column agree, other than in these two, which are about other signs.
        if matches!(numbers[0], "CNY1.5" | "1.5亿元") {
            assert!(refused(&numbers).contains("as in the rows before"), "{numbers:?}");
            assert_eq!([values(&numbers[..1])[0], values(&numbers[1..])[0]], expected);
        } else {
            assert_eq!(values(&numbers), expected, "{numbers:?}");
        }
    }
    for wrong in ["$", "%", "M", "1MM", "$1$", "5%%", "(-1)", "--1", "1 2", "(1", "1.2.3", "5Q"] {
        assert!(refused(&["7", "8.5", wrong]).contains("expected a finite number"), "{wrong}");
    }
}

#[test]
fn the_units_of_a_column_agree() {
    assert_eq!(
        refused(&["$1.5", "€2.5"]),
        "line 3, column `a`: expected a number in $, as in the rows before, got `€2.5` (correct \
         the value, or choose other columns)"
    );
    assert!(refused(&["1.5%", "0.02"]).contains("expected a number in percent, as in the rows"));
    assert!(refused(&["0.02", "1.5%"]).contains("expected a number without a percent sign"));
    assert_eq!(values(&["$1.5", "2.5", "0"]), [1.5, 2.5, 0.0]);
    assert_eq!(values(&["1.5%", "0", "2%"]), [1.5, 0.0, 2.0]);
}

#[test]
fn the_decimal_separator_is_decided_by_any_row() {
    assert_eq!(values(&["1,234", "5,678", "9.5"]), [1234.0, 5678.0, 9.5]);
    assert_eq!(values(&["1,234", "5,678", "9,5"]), [1.234, 5.678, 9.5]);
    let plain =
        read("date,a\n2020-01-02,1.234\n2020-01-03,5.678\n", &["a"], &ReadOptions::default());
    assert_eq!(plain.unwrap().column("a").unwrap(), [1.234, 5.678], "a point is a decimal point");
    assert_eq!(values(&["1.234", "5.678", "9,5"]), [1234.0, 5678.0, 9.5], "unless one is not");
    assert_eq!(values(&["0,125", "1,234"]), [0.125, 1.234]);
    let unclear = refused(&["7", "1,234", "5,678"]);
    assert_eq!(
        unclear,
        "line 3, column `a`: expected a number whose comma is clear from any row, got `1,234` (set \
         `decimal` to `point` or `comma`)"
    );
    for (decimal, expected) in
        [(Decimal::Point, [1234.0, 5678.0]), (Decimal::Comma, [1.234, 5.678])]
    {
        let options = CsvOptions { decimal: Some(decimal), ..CsvOptions::default() };
        assert_eq!(column(&["1,234", "5,678"], &options).unwrap(), expected);
    }
    assert_eq!(
        refused(&["1.5", "2.5", "3,25"]),
        "line 4, column `a`: expected a number with a decimal point, as in 1,234.5, got `3,25` \
         (set `decimal` to `point` or `comma`, or correct the value)"
    );
}

#[test]
fn a_point_that_may_separate_thousands_is_refused() {
    let problem = |text: &str| message(text, &["a"], &ReadOptions::default());
    let expected = |line: usize, got: &str| {
        format!(
            ", line {line}, column `a`: expected a number whose point is clear from any row, got \
             `{got}` (set `decimal` to `point` or `comma`)"
        )
    };
    for text in [
        "date;a\n01.01.2021;966\n02.01.2021;1.024\n",
        "date;a\n2021-01-01;5\n2021-01-02;1.024\n",
        "date\ta\n2021-01-01\t2.512\n2021-01-02\t1.024\n",
        "date,a\n01.01.2021,2.512\n02.01.2021,1.024\n",
        "date,a\n2021-01-01,966\n2021-01-02,1.024\n",
        "date;a\n2021-01-01;1.199 €\n2021-01-02;1.024 €\n",
    ] {
        let (line, got) = match (text.contains('€'), text.contains("2.512")) {
            (true, _) => (2, "1.199 €"),
            (_, true) => (2, "2.512"),
            _ => (3, "1.024"),
        };
        assert_eq!(problem(text), expected(line, got), "{text}");
    }
    let rows: String = (0..200)
        .map(|row| format!("{},966\n", jiff::civil::date(2020, 1, 1) + jiff::Span::new().days(row)))
        .collect();
    assert_eq!(problem(&format!("date,a\n{rows}2021-01-01,1.024\n")), expected(202, "1.024"));
    let read = |text: &str| {
        read(text, &["a"], &ReadOptions::default()).unwrap().column("a").unwrap().to_vec()
    };
    for (text, values) in [
        ("date,a\n2021-01-01,5\n2021-01-02,1.024\n", [5.0, 1.024]),
        ("date,a\n2021-01-01,1966\n2021-01-02,1.024\n", [1966.0, 1.024]),
        ("date;a\n2021-01-01;1966\n2021-01-02;1.024\n", [1966.0, 1.024]),
        ("date;a\n2021-01-01;0.125\n2021-01-02;1.024\n", [0.125, 1.024]),
        ("date;a;b\n01.01.2021;966;5,5\n02.01.2021;1.024;6,5\n", [966.0, 1024.0]),
        ("date;a;b\n2021-01-01;966;5.5\n2021-01-02;1.024;6.5\n", [966.0, 1.024]),
    ] {
        assert_eq!(read(text), values, "{text}");
    }
    for (decimal, expected) in [(Decimal::Point, 1.024), (Decimal::Comma, 1024.0)] {
        let options = CsvOptions { decimal: Some(decimal), ..CsvOptions::default() };
        assert_eq!(column(&["966", "1.024"], &options).unwrap(), [966.0, expected]);
    }
}

#[test]
fn a_row_after_the_first_hundred_decides_too() {
    let day = |row: i64| jiff::civil::date(2020, 1, 1) + jiff::Span::new().days(row);
    let text = |last: &str| {
        let rows: String = (0..200).map(|row| format!("{};1,234\n", day(row))).collect();
        format!("date;a\n{rows}{};{last}\n", day(200))
    };
    let first = |last: &str| {
        let table = read(text(last), &["a"], &ReadOptions::default()).unwrap();
        let values = table.column("a").unwrap();
        assert_eq!(values.len(), 201);
        (values[0], values[200])
    };
    assert_eq!(first("9.5"), (1234.0, 9.5));
    assert_eq!(first("9,5"), (1.234, 9.5));
    let error = message(text("5"), &["a"], &ReadOptions::default());
    assert!(error.contains("line 2, column `a`: expected a number whose comma"), "{error}");
}

#[test]
fn other_columns_decide_for_an_unclear_one() {
    let text = "date;price;volume\n2020-01-02;12,5;1.234\n2020-01-03;12,75;2.345\n";
    let table = read(text, &["volume"], &ReadOptions::default()).unwrap();
    assert_eq!(table.column("volume"), Some(&[1234.0, 2345.0][..]));
    let text = "date;price;volume\n2020-01-02;12.5;1,234\n2020-01-03;12.75;2,345\n";
    let table = read(text, &["volume"], &ReadOptions::default()).unwrap();
    assert_eq!(table.column("volume"), Some(&[1234.0, 2345.0][..]));
}

#[test]
fn markers_of_missing_values_are_missing() {
    for marker in [
        "",
        ".",
        "NA",
        "N/A",
        "NaN",
        "nan",
        "NULL",
        "null",
        "None",
        "-",
        "--",
        "#N/A",
        "#NA",
        "<NA>",
        "—",
        "–",
        "\\N",
        "N.A.",
        "(null)",
        "#DIV/0!",
        "#VALUE!",
        "..",
        "...",
        "unavailable",
        "nil",
        "?",
    ] {
        assert_eq!(values(&["1.5", marker, "2.5"]), [1.5, 2.0, 2.5], "{marker}");
        assert_eq!(values(&["1,5", marker, "2,5"]), [1.5, 2.0, 2.5], "{marker}");
    }
    assert!(refused(&["1.5", "missing", "2.5"]).contains("expected a finite number"));
}

#[test]
fn signs_are_noted() {
    let text = "date,price,change,volume\n2020-01-02,\"$1,234.5\",0.5%,1.2M\n\
                2020-01-03,\"$1,240.0\",(0.4%),950K\n";
    assert_eq!(
        open(text).note(),
        Some("read as thousands separators, amounts in $, 5% as 5, multiples such as M, (5) as -5")
    );
}
