//! Units after numbers, and letters that may be multiples.

use super::*;

/// Reads a column of a name; returns its values and the note.
fn read_as(name: &str, numbers: &[&str]) -> Result<(Vec<f64>, String), String> {
    let rows: String = numbers
        .iter()
        .enumerate()
        .map(|(row, number)| format!("2020-01-{:02},\"{number}\"\n", row + 1))
        .collect();
    let text = format!("date,{name}\n{rows}");
    let file = CsvFile::from_bytes(Path::new("u.csv"), text.as_bytes(), None)
        .map_err(|error| error.to_string())?;
    let fill = ReadOptions { fill: Fill::Linear, ..ReadOptions::default() };
    let table = file.read(&[name], &fill).map_err(|error| error.to_string())?;
    let values = table.column(name).unwrap().to_vec();
    Ok((values, file.note().unwrap_or_default().to_owned()))
}

#[test]
fn a_common_unit_is_no_multiple() {
    for (numbers, expected, note) in [
        (["299.8 K", "301.1 K", "300.5 K"], [299.8, 301.1, 300.5], "read as unit K"),
        (["1199B", "1201B", "1200B"], [1199.0, 1201.0, 1200.0], "read as unit B"),
        (["3.00 T", "3.05 T", "0"], [3.0, 3.05, 0.0], "read as unit T"),
        (["128.7 m", "", "128.9 m"], [128.7, 128.8, 128.9], "read as unit m"),
        (["12.5 °C", "-3.5 °C", "0.5 °C"], [12.5, -3.5, 0.5], "read as unit °C"),
        (["12 W/m2", "13 W/m2", "14 W/m2"], [12.0, 13.0, 14.0], "read as unit W/m2"),
        (["12円", "13円", "14円"], [12.0, 13.0, 14.0], "read as unit 円"),
    ] {
        let (values, told) = read_as("x", &numbers).unwrap();
        assert!(values.iter().zip(expected).all(|(one, other)| (one - other).abs() < 1e-9));
        assert_eq!(told, note, "{numbers:?}");
    }
}

#[test]
fn letters_that_vary_or_count_amounts_are_multiples() {
    for (name, numbers, expected) in [
        ("x", ["1.2M", "950K"], [1.2e6, 950e3]),
        ("x", ["1.2m", "950k"], [1.2e6, 950e3]),
        ("x", ["950", "1.2K"], [950.0, 1200.0]),
        ("x", ["$1.2M", "$1.3M"], [1.2e6, 1.3e6]),
        ("x", ["1.2M €", "1.3M €"], [1.2e6, 1.3e6]),
        ("Vol.", ["1.2M", "1.3M"], [1.2e6, 1.3e6]),
        ("Market Cap", ["3T", "2T"], [3e12, 2e12]),
        ("x", ["1234.57万手", "1.5亿手"], [12_345_700.0, 1.5e8]),
        ("x", ["1.2百万", "3百万"], [1.2e6, 3e6]),
    ] {
        assert_eq!(read_as(name, &numbers).unwrap().0, expected, "{numbers:?}");
    }
    let (_, note) = read_as("成交量", &["1234.57万手", "1.5亿手"]).unwrap();
    assert_eq!(note, "read as multiples such as 万, unit 手");
}

#[test]
fn another_unit_is_refused() {
    let text = |last: &str| {
        let day = |row: i64| jiff::civil::date(2020, 1, 1) + jiff::Span::new().days(row);
        let rows: String = (0..150).map(|row| format!("{},300.5 K\n", day(row))).collect();
        format!("date,x\n{rows}{},{last}\n", day(150))
    };
    let problem = |last: &str| message(text(last), &["x"], &ReadOptions::default());
    assert_eq!(
        problem("27.1"),
        ", line 152, column `x`: expected a number in K, as in the rows before, got `27.1` (write \
         all values of the column in one unit, or choose other columns)"
    );
    assert!(problem("27.1 °C").contains("expected a finite number, got `27.1 °C`"));
    let mixed = read_as("x", &["5", "128.7 m"]).unwrap_err();
    assert!(
        mixed.contains("line 3, column `x`: expected a finite number, got `128.7 m`"),
        "{mixed}"
    );
}

#[test]
fn a_file_without_numbers_names_its_first_text() {
    let problem = |text: &str| open(text).columns().no_numbers().to_string();
    let text = problem("date,who,price\n2020-01-02,Ann,about 5\n2020-01-03,Bob,near 6\n");
    assert!(
        text.contains(
            "line 2, column `price`: expected a number, got `about 5` (no column holds numbers; \
             write 1234.5,"
        ),
        "{text}"
    );
    assert!(problem("date,who\n2020-01-02,Ann\n").contains("no column holds numbers in every row"));
    let file = open("date,price,sales\n2020-01-02,5,3 of 4\n2020-01-03,6,5 of 9\n");
    assert_eq!(file.columns().words(), [("sales", 2, "3 of 4")]);
}
