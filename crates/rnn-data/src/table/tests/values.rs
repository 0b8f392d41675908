use jiff::civil::date;

use super::*;

/// Returns a file of daily opening prices from 1 January 2020 on.
fn daily(opens: &[&str]) -> String {
    let rows =
        opens.iter().enumerate().map(|(row, open)| format!("2020-01-{:02},{open}\n", row + 1));
    std::iter::once("date,open\n".to_owned()).chain(rows).collect()
}

fn filled(opens: &[&str], fill: Fill) -> Vec<f64> {
    let options = ReadOptions { fill, ..ReadOptions::default() };
    read(daily(opens), &["open"], &options).unwrap().column("open").unwrap().to_vec()
}

fn warnings(content: &str, columns: &[&str]) -> Vec<Warning> {
    read(content, columns, &ReadOptions::default()).unwrap().warnings
}

#[test]
fn impossible_numbers_are_refused() {
    for (number, expected) in [
        ("abc", "a finite number"),
        ("1,2,3", "a finite number"),
        ("inf", "a finite number"),
        ("-inf", "a finite number"),
        ("1e999", "a finite number"),
        ("1e300", "a number below 1e15"),
        ("-1e15", "a number below 1e15"),
    ] {
        let text =
            message(daily(&["1", &format!("\"{number}\"")]), &["open"], &ReadOptions::default());
        let problem = format!(", line 3, column `open`: expected {expected}, got `{number}`");
        assert_eq!(text, format!("{problem} (correct the value, or choose other columns)"));
    }
    assert_eq!(filled(&["-1.5", "+2", "9.9e14", "1E-3"], Fill::None), [-1.5, 2.0, 9.9e14, 1e-3]);
}

#[test]
fn missing_values_are_an_error_with_their_lines() {
    let default = ReadOptions::default();
    let fix = "(set `fill` to `forward` or `linear`, or correct the file)";
    let one = message("日期,开盘\n2020-01-01,1\n2020-01-02,\n", &["open"], &default);
    assert_eq!(
        one,
        format!(", column `开盘`: 1 value is missing in line 3 {fix}"),
        "the column has its name in the file"
    );
    let many = message(
        daily(&["", "NA", "n/a", "NaN", "null", "None", "-", "--", "8"]),
        &["open"],
        &default,
    );
    assert_eq!(
        many,
        format!(", column `open`: 8 values are missing in lines 2, 3, 4, 5, 6, … {fix}")
    );
    let five = message(daily(&["", "1", "", "", "", ""]), &["open"], &default);
    assert_eq!(five, format!(", column `open`: 5 values are missing in lines 2, 4, 5, 6, 7 {fix}"));
}

#[test]
fn missing_values_are_filled_forward_or_linearly() {
    let opens = ["1", "", "", "4", ""];
    assert_eq!(filled(&opens, Fill::Forward), [1.0, 1.0, 1.0, 4.0, 4.0]);
    assert_eq!(filled(&opens[..4], Fill::Linear), [1.0, 2.0, 3.0, 4.0]);
    let options = ReadOptions { fill: Fill::Forward, ..ReadOptions::default() };
    let warnings = read(daily(&opens), &["open"], &options).unwrap().warnings;
    assert_eq!(
        warnings,
        [Warning::Filled { column: "open".to_owned(), count: 3, fill: Fill::Forward }]
    );
    assert_eq!(warnings[0].to_string(), "3 missing values of column `open` filled");
}

#[test]
fn values_that_cannot_be_filled_are_an_error() {
    let problem = |opens: &[&str], fill| {
        message(daily(opens), &["open"], &ReadOptions { fill, ..ReadOptions::default() })
    };
    let lines = ", column `open`: 2 values are missing in lines 2, 4:";
    assert_eq!(
        problem(&["", "1", ""], Fill::Forward),
        format!(
            "{lines} `forward` cannot fill 1 of them without a value before (correct the file)"
        ),
        "the last value is filled, the first is not"
    );
    assert_eq!(
        problem(&["", "1", ""], Fill::Linear),
        format!(
            "{lines} `linear` cannot fill 2 of them without a value before and one after (correct \
             the file)"
        ),
        "interpolation needs two values"
    );
    assert!(
        problem(&["", ""], Fill::Forward)
            .contains("2 values are missing in lines 2, 3: `forward` cannot fill 2 of them")
    );
}

#[test]
fn missing_values_outside_the_requested_rows_are_ignored() {
    let day = |day: i8| Some(date(2020, 1, day).into());
    let content = daily(&["", "1", "", "", "4", "", "6"]);
    let within = |from, until, fill| {
        read(
            &content,
            &["open"],
            &ReadOptions { from: day(from), until: day(until), fill, ..ReadOptions::default() },
        )
    };
    assert_eq!(within(2, 2, Fill::None).unwrap().warnings, []);
    let table = within(3, 5, Fill::Forward).unwrap();
    assert_eq!(table.column("open").unwrap(), [1.0, 1.0, 4.0], "filled from an earlier row");
    assert_eq!(
        table.warnings,
        [Warning::Filled { column: "open".to_owned(), count: 2, fill: Fill::Forward }]
    );
    let text = within(5, 6, Fill::Linear).unwrap_err().to_string();
    assert!(
        text.contains("1 value is missing in line 7: `linear` cannot fill 1 of them"),
        "later rows are not used: {text}"
    );
}

#[test]
fn fill_methods_round_trip_as_text() {
    for fill in [Fill::None, Fill::Forward, Fill::Linear] {
        assert_eq!(fill.to_string().parse(), Ok(fill));
    }
    assert_eq!("x".parse::<Fill>(), Err("expected none, forward or linear, got `x`".to_owned()));
}

#[test]
fn prices_at_or_below_zero_are_a_warning() {
    let content =
        "date,开盘,close,volume\n2020-01-02,-3,2,0\n2020-01-03,3,2,-1\n2020-01-04,3,0,0\n";
    let expected = [Warning::NonPositivePrices { rows: 2, first: Place::Line(2) }];
    assert_eq!(
        warnings(content, &["开盘", "close", "volume"]),
        expected,
        "in any language; volumes are not prices"
    );
    assert_eq!(warnings(content, &["volume"]), [], "columns that are not read are ignored");
    let text = expected[0].to_string();
    assert!(text.starts_with("prices at or below zero in 2 rows (first on line 2): "), "{text}");
}

#[test]
fn a_high_below_the_low_is_a_warning() {
    let content = "date,High,Low\n2020-01-02,2,1\n2020-01-03,1,2\n2020-01-04,2,2\n";
    let found = warnings(content, &["high", "low"]);
    assert_eq!(found, [Warning::HighBelowLow { rows: 1, first: Place::Line(3) }]);
    assert_eq!(
        found[0].to_string(),
        "the highest price is below the lowest in 1 row (first on line 3)"
    );
    assert_eq!(warnings(content, &["high"]), []);
}

#[test]
fn rare_gaps_in_the_dates_are_all_reported() {
    let dates = |gaps: &[(usize, i64)]| {
        let mut day = date(2020, 1, 1);
        let mut content = "date,open\n".to_owned();
        for row in 0..500 {
            content += &format!("{day},1\n");
            let step = gaps.iter().find(|(after, _)| *after == row).map_or(1, |(_, days)| *days);
            day = day.checked_add(jiff::Span::new().days(step)).unwrap();
        }
        warnings(&content, &["open"])
    };
    assert_eq!(dates(&[(10, 14)]), [], "holidays are not longer");
    let found = dates(&[(10, 15), (20, 30)]);
    let gaps = [(date(2020, 1, 11), date(2020, 1, 26)), (date(2020, 2, 4), date(2020, 3, 5))];
    let gaps = gaps.map(|(from, to)| [from.into(), to.into()]).to_vec();
    assert_eq!(found, [Warning::Gaps { gaps }]);
    assert_eq!(
        found[0].to_string(),
        "2 long gaps in the dates: 2020-01-11 to 2020-01-26, 2020-02-04 to 2020-03-05 (windows \
         count rows, not days; set `max-gap` to keep windows from crossing)"
    );
    assert_eq!(
        dates(&[10, 20, 30, 40, 50].map(|row| (row, 15))),
        [],
        "more than 1 in 100 steps are regular"
    );
}
