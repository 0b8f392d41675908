use sha2::{Digest, Sha256};

use super::*;
use crate::table::bytes::hex;

/// Returns opening prices and the line of the last row.
fn opens(content: impl AsRef<[u8]>) -> (Vec<f64>, u64) {
    let table = read(content, &["open"], &ReadOptions::default()).unwrap();
    (table.column("open").unwrap().to_vec(), line(&table, table.rows() - 1))
}

#[test]
fn columns_are_found_by_name_in_any_order() {
    let content = "code,low,high,date,volume,close,open\n600519,1,4,2020-01-02,5,2,3\n";
    let table = read(content, &["open", "close", "high", "low", "volume"], &ReadOptions::default())
        .unwrap();
    let values =
        ["open", "close", "high", "low", "volume"].map(|name| table.column(name).unwrap()[0]);
    assert_eq!(values, [3.0, 2.0, 4.0, 1.0, 5.0]);
    assert_eq!(
        (table.times[0], table.column("code")),
        (jiff::civil::date(2020, 1, 2).into(), None),
        "only the requested columns are read"
    );
}

#[test]
fn columns_are_found_in_any_capitalisation_and_by_chinese_names() {
    let file = open("日期,开盘价,收盘,最高,最低,成交量,Turnover\n");
    assert_eq!(file.columns().date_column(), Some("日期"));
    let found = ["open", "Close", "HIGH", "low", "volume", "turnover"]
        .map(|name| file.columns().resolve(name).unwrap());
    assert_eq!(found, ["开盘价", "收盘", "最高", "最低", "成交量", "Turnover"]);
    assert_eq!(
        open("Date,open,Open\n").columns().resolve("Open").unwrap(),
        "Open",
        "the exact name comes first"
    );
    assert_eq!(
        open("date,收盘价,CLOSE\n").columns().resolve("close").unwrap(),
        "CLOSE",
        "then other capitals, then synonyms"
    );
}

#[test]
fn a_table_uses_the_requested_column_names() {
    let table =
        read("日期,开盘,Close\n2020-01-02,3,2\n", &["open", "close"], &ReadOptions::default())
            .unwrap();
    assert_eq!(
        (table.column("open"), table.column("close"), table.column("开盘")),
        (Some(&[3.0][..]), Some(&[2.0][..]), None)
    );
}

#[test]
fn a_missing_column_is_reported_with_a_similar_name() {
    let missing =
        |header: &str, name: &str| message(format!("{header}\n"), &[name], &ReadOptions::default());
    assert_eq!(
        missing("date,open,close", "opne"),
        ", line 1: column `opne` is missing (did you mean `open`?); the header has `date`, `open`, \
         `close`"
    );
    assert_eq!(
        missing("date,open", "xyz"),
        ", line 1: column `xyz` is missing; the header has `date`, `open`"
    );
    let no_dates = ", line 1: no column of dates: expected one called `date` or with a date in \
                    every row; the header has";
    for empty in ["", "\n\n"] {
        assert_eq!(
            message(empty, &["open"], &ReadOptions::default()),
            ", line 1: the file is empty (write a header, then one row per date)"
        );
    }
    assert_eq!(
        missing("x,y", "x"),
        format!("{no_dates} `x`, `y` (choose one with `date-column`)"),
        "dates cannot be found by content without rows"
    );
    assert_eq!(
        missing("x,y\n1,a", "x"),
        format!("{no_dates} `x`, `y` (choose one with `date-column`)"),
        "no row has a date"
    );
    let long = missing(&format!("date,{}", "数".repeat(1000)), "xyz");
    assert!(long.ends_with('…') && long.chars().count() < 500, "{long}");
}

#[test]
fn a_repeated_column_is_an_error_if_it_is_read() {
    let repeated =
        |header: &str, name: &str| message(format!("{header}\n"), &[name], &ReadOptions::default());
    assert_eq!(
        repeated("date,open,open,close", "open"),
        ", line 1: column `open` appears 2 times, expected once (rename or remove the others)"
    );
    assert_eq!(
        repeated("date,Open,OPEN", "open"),
        ", line 1: column `Open` appears 2 times, expected once (rename or remove the others)"
    );
    assert_eq!(
        repeated("date,date,open", "open"),
        ", line 1: column `date` appears 2 times, expected once (rename or remove the others)"
    );
    assert_eq!(
        read("date,open,a,a\n2020-01-02,3,1,1\n", &["open"], &ReadOptions::default())
            .unwrap()
            .rows(),
        1
    );
}

#[test]
fn byte_order_marks_line_ends_quotes_and_separators_are_accepted() {
    let plain = opens("date,open\n2020-01-02,3\n2020-01-03,4\n");
    assert_eq!(plain, (vec![3.0, 4.0], 3));
    for same in [
        "\u{feff}date,open\r\n2020-01-02,3\r\n2020-01-03,4\r\n",
        "\"date\",\"open\"\n\"2020-01-02\",\"3\"\n\"2020-01-03\",\"4\"",
        " date , open \n 2020-01-02 , 3 \n 2020-01-03 , 4 \n",
        "date;open;a\n2020-01-02;3;1,5\n2020-01-03;4;1,5\n",
        "date\topen\n2020-01-02\t3\n2020-01-03\t4\n",
        "date;open;\"a, b\"\n2020-01-02;3;x\n2020-01-03;4;x\n",
    ] {
        assert_eq!(opens(same), plain, "{same:?}");
    }
}

#[test]
fn lines_are_counted_as_in_an_editor() {
    for content in [
        "date,open\n\n2020-01-02,3\n\n\n2020-01-03,4\n",
        "date,open\r\n\r\n2020-01-02,3\r\n\r\n\r\n2020-01-03,4\r\n\r\n",
        "\u{feff}\ndate,open\n\n2020-01-02,3\n\n2020-01-03,4",
    ] {
        assert_eq!(opens(content), (vec![3.0, 4.0], 6), "{content:?}");
    }
    for end in ["\n", "\r\n"] {
        let text = message(
            ["date,open", "", "2020-01-02,3", "", "2020-01-03"].join(end),
            &["open"],
            &ReadOptions::default(),
        );
        assert_eq!(text, ", line 5: expected 2 values as in the header, got 1");
    }
}

#[test]
fn a_file_that_does_not_exist_is_refused() {
    let text = CsvFile::open(Path::new("no-such-file.csv"), None).unwrap_err().to_string();
    assert!(text.starts_with("no-such-file.csv: cannot be read: "), "{text}");
}

#[test]
fn the_date_column_is_given_or_found_by_name_or_content() {
    for (content, expected) in [
        ("Date,time\n2020-01-02,x\n", "Date"),
        ("time,trade_date,open\n09:30,2020-01-02,3\n", "trade_date"),
        ("open,Month\n112,1949-01\n118,1949-02\n", "Month"),
        ("n,when\n7,01.02.2020\n", "when"),
    ] {
        assert_eq!(open(content).columns().date_column(), Some(expected));
    }
    with_file("date,settled\nx,2020-01-02\n", |path| {
        assert_eq!(
            CsvFile::open(path, Some("Settled")).unwrap().columns().date_column(),
            Some("settled")
        );
        let text = CsvFile::open(path, Some("setled")).unwrap_err().to_string();
        assert!(
            text.ends_with(
                "column `setled` is missing (did you mean `settled`?); the header has `date`, \
                 `settled`"
            ),
            "{text}"
        );
    });
}

#[test]
fn measurements_are_columns_of_numbers_without_labels() {
    let rows = ",date,Code,name,open,gone,turnover\n\
                0,2020-01-02,600519,a,3,,1e3\n\
                1,2020-01-03,600519,b,n/a,,-2\n";
    assert_eq!(
        open(rows).columns().measurements(),
        ["open", "turnover"],
        "without row numbers, codes, texts and columns without numbers"
    );
    assert_eq!(open("date,open\n").columns().measurements(), [""; 0]);
}

#[test]
fn the_likely_target_is_named_like_one_or_asked_for() {
    for (header, expected) in [
        ("date,close,Open", Some("Open")),
        ("date,收盘,volume", Some("收盘")),
        ("date,open,high,low,close,volume", Some("open")),
        ("date,close,volume", Some("close")),
        ("date,value,humidity", Some("value")),
        ("date,y,sales", Some("y")),
        ("ds,y,x1,x2", Some("y")),
        ("date,sales,price,promo", Some("sales")),
        ("date,sales,open,promo", Some("sales")),
        ("date,store,Units_Sold,price", Some("Units_Sold")),
        ("date,weekly_sales,sales,discount", Some("sales")),
        ("date,price,promo", Some("price")),
        ("timestamp,temperature", Some("temperature")),
        ("timestamp,temperature,humidity", None),
        ("date,online_sales,shop_sales", None),
        ("date,a,b", None),
        ("date,id,code", None),
    ] {
        let cells = vec!["1.5"; header.split(',').count() - 1].join(",");
        assert_eq!(
            open(format!("{header}\n2020-01-02,{cells}\n")).columns().likely_target(),
            expected,
            "{header}"
        );
    }
}

#[test]
fn a_mostly_empty_column_is_not_a_measurement() {
    let file = open("date,value,dividend\n2020-01-02,1,\n2020-01-03,2,0.5\n2020-01-06,3,\n");
    assert_eq!(
        (file.columns().measurements(), file.columns().likely_target()),
        (vec!["value"], Some("value"))
    );
}

#[test]
fn a_word_in_the_only_number_column_is_reported_with_its_line() {
    let content = "date,name,sales\n2020-01-02,a,1\n2020-01-03,b,closed\n2020-01-06,c,3\n";
    let file = open(content);
    assert_eq!(file.columns().likely_target(), Some("sales"));
    assert_eq!(
        message(content, &["sales"], &ReadOptions::default()),
        ", line 3, column `sales`: expected a finite number, got `closed` (correct the value, or \
         choose other columns)"
    );
    let other = "date,price,sales\n2020-01-02,5,1\n2020-01-03,6,closed\n2020-01-06,7,3\n";
    assert_eq!(open(other).columns().measurements(), ["price"], "another column has only numbers");
    assert_eq!(open(other).columns().words(), [("sales", 3, "closed")]);
    let code = "date,price,code\n2020-01-02,5,1\n2020-01-03,6,a\n2020-01-06,7,2\n";
    assert!(open(code).columns().words().is_empty(), "codes are not measurements");
}

#[test]
fn the_hash_of_a_table_is_that_of_its_file() {
    let content = "date,open\r\n2020-01-02,3\r\n\r\n";
    let table = read(content, &["open"], &ReadOptions::default()).unwrap();
    assert_eq!(
        (table.sha256.as_str(), table.synthetic),
        (hex(&Sha256::digest(content)).as_str(), false)
    );
}

#[test]
fn the_sample_has_the_length_of_the_course_file_and_is_synthetic() {
    let file = CsvFile::sample(None).unwrap();
    assert_eq!(file.columns().measurements(), ["open", "close", "high", "low", "volume"]);
    let table = file.read(&file.columns().measurements(), &ReadOptions::default()).unwrap();
    assert_eq!(
        (table.rows(), table.synthetic, table.name().as_str()),
        (2426, true, "synthetic-daily-bars.csv")
    );
    assert_eq!(table.warnings, []);
    let bars = ["open", "close", "high", "low"].map(|name| table.column(name).unwrap());
    for row in 0..table.rows() {
        let [open, close, high, low] = bars.map(|values| values[row]);
        assert!(low <= open.min(close) && high >= open.max(close), "line {}", line(&table, row));
    }
}

#[test]
fn lines_may_end_with_carriage_returns_only() {
    let day = jiff::civil::date(1000, 1, 1);
    let rows: String = (0..40_000)
        .map(|row| format!("{};1;2;3;4;5;6;7\r", day + jiff::Span::new().days(row)))
        .collect();
    let table =
        read(format!("date;a;b;c;d;e;f;g\r{rows}"), &["g"], &ReadOptions::default()).unwrap();
    assert_eq!((table.rows(), line(&table, 39_999)), (40_000, 40_001));
}
