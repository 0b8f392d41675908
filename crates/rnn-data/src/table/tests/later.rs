//! Rows after the last one, with columns that are known in the future.

use jiff::civil::date;

use super::*;

fn options(future: &[&str]) -> ReadOptions {
    let future = future.iter().map(|name| (*name).to_owned()).collect();
    ReadOptions { future, ..ReadOptions::default() }
}

/// Returns ten days with values, and three with a promotion only.
fn text() -> String {
    let mut text = "date,sales,promo\n".to_owned();
    for day in 1..=13 {
        let sales = if day > 10 { String::new() } else { day.to_string() };
        text += &format!("2020-02-{day:02},{sales},{}\n", day % 2);
    }
    text
}

const COLUMNS: [&str; 2] = ["sales", "promo"];

#[test]
fn rows_at_the_end_without_other_values_are_later_ones() {
    let table = read(text(), &COLUMNS, &options(&["Promo"])).unwrap();
    assert_eq!((table.rows(), table.later_times().len()), (10, 3));
    assert_eq!(table.later_times()[0], date(2020, 2, 11).into());
    assert_eq!(table.later("promo"), Some(&[1.0, 0.0, 1.0][..]));
    assert_eq!((table.later("sales"), table.later("price")), (None, None));
    assert_eq!(table.notes, ["3 rows up to 2020-02-13 have only `promo`"]);
    // Without the option they are missing values.
    let problem = message(text(), &COLUMNS, &options(&[]));
    assert!(problem.contains("column `sales`: 3 values are missing in lines 12, 13, 14"));
    // A column alone has no later rows.
    assert_eq!(read(text(), &["promo"], &options(&["promo"])).unwrap().rows(), 13);
    let newest: String = {
        let mut lines: Vec<&str> = text().leak().lines().collect();
        lines[1..].reverse();
        lines.join("\n")
    };
    let reversed = read(newest, &COLUMNS, &options(&["promo"])).unwrap();
    assert_eq!(reversed.later("promo"), table.later("promo"));
}

#[test]
fn rows_after_the_last_requested_one_are_later_ones() {
    let until = ReadOptions {
        until: Some(date(2020, 2, 8).into()),
        from: Some(date(2020, 2, 3).into()),
        ..options(&["promo"])
    };
    let table = read(text(), &COLUMNS, &until).unwrap();
    assert_eq!((table.rows(), table.later_times().len()), (6, 5));
    // They end before a gap, which is no error of earlier rows.
    let gap = text().replace("2020-02-10,10,0\n", "");
    let table = read(gap, &COLUMNS, &until).unwrap();
    assert_eq!(table.later_times(), [date(2020, 2, 9).into()]);
}

#[test]
fn missing_values_of_later_rows_are_filled_or_stay() {
    let text = text().replace("2020-02-12,,0", "2020-02-12,,").replace("02-13,,1", "02-13,,");
    let later = |fill| {
        let options = ReadOptions { fill, ..options(&["promo"]) };
        read(&text, &COLUMNS, &options).unwrap().later("promo").unwrap().to_vec()
    };
    let kept = later(Fill::None);
    assert!(kept[0] == 1.0 && kept[1].is_nan() && kept[2].is_nan(), "{kept:?}");
    assert_eq!(later(Fill::Forward), [1.0; 3]);
    // A missing value before the last one is an error as ever.
    let text = text.replace("2020-02-05,5,1", "2020-02-05,5,");
    let problem = message(text, &COLUMNS, &options(&["promo"]));
    assert!(problem.contains("column `promo`: 1 value is missing in line 6"), "{problem}");
}

#[test]
fn later_rows_must_continue_the_step() {
    for (from, to, expected) in [
        (
            "2020-02-12",
            "2020-02-15",
            ", line 13: expected 2020-02-12, the next row after 2020-02-11 of a series that is \
             daily, got 2020-02-15 (add the missing rows, or correct the dates)",
        ),
        ("2020-02-11", "2020-02-10 12:00", ", line 12: expected 2020-02-11, the next row after"),
    ] {
        let mut text = text().replace(from, to);
        if to == "2020-02-15" {
            text = text.replace("2020-02-13", "2020-02-16");
        }
        let problem = message(text, &COLUMNS, &options(&["promo"]));
        assert!(problem.starts_with(expected), "{problem}");
    }
}

#[test]
fn later_rows_follow_the_clock_of_summer_time() {
    // Two weeks of hours before, and two days after the end and the start of summer time.
    for (first, skipped, offset) in [((2024, 10, 13), false, ""), ((2024, 3, 17), true, "")]
        .into_iter()
        .chain([((2024, 10, 13), false, "+"), ((2024, 3, 17), true, "+")])
    {
        let zone = jiff::tz::TimeZone::get("Europe/Berlin").unwrap();
        let first = date(first.0, first.1, first.2).at(0, 0, 0, 0);
        let first = zone.to_timestamp(first).unwrap();
        let text = |hours: std::ops::Range<i64>, known: i64| {
            let row = |hour: i64| {
                let time = first + jiff::SignedDuration::from_hours(hour);
                let format = if offset.is_empty() { "%Y-%m-%d %H:%M" } else { "%Y-%m-%d %H:%M%:z" };
                let time = time.to_zoned(zone.clone()).strftime(format).to_string();
                let sales = if hour < known { hour.to_string() } else { String::new() };
                format!("{time},{sales},{}\n", hour % 3)
            };
            "date,sales,promo\n".to_owned() + &hours.map(row).collect::<String>()
        };
        let known = 14 * 24 - 5;
        let all = text(0..known + 48, known);
        let one = read(all, &COLUMNS, &options(&["promo"])).unwrap();
        assert_eq!(one.later_times().len(), 48, "{skipped} {offset}");
        let table = read(text(0..known, known), &COLUMNS, &options(&["promo"])).unwrap();
        let other = text(known..known + 48, 0);
        let other = read(other, &["promo"], &options(&[])).unwrap();
        let two = table.with_later(&other, &["promo"]).unwrap();
        assert_eq!((two.later_times(), &two.clock), (one.later_times(), &one.clock));
    }
}

#[test]
fn rows_of_another_table_are_added() {
    let days = |first: i8, count: i8| {
        (first..first + count).map(|day| date(2020, 2, day).into()).collect::<Vec<_>>()
    };
    let table = || {
        let columns = [("sales", vec![1.0; 10]), ("promo", vec![0.0; 10])];
        Table::from_columns("shop", days(1, 10), columns).unwrap()
    };
    let other = |times: Vec<_>, name: &str| {
        let values = (0..times.len()).map(|row| row as f64).collect::<Vec<_>>();
        Table::from_columns("next", times, [(name, values)]).unwrap()
    };
    let added = table().with_later(&other(days(11, 3), "promo"), &["promo"]).unwrap();
    assert_eq!(added.later("promo"), Some(&[0.0, 1.0, 2.0][..]));
    assert_eq!(added.later_times(), days(11, 3));
    // Rows that the table has are not used.
    let more = table().with_later(&other(days(5, 9), "promo"), &["promo"]).unwrap();
    assert_eq!(more.later("promo"), Some(&[6.0, 7.0, 8.0][..]));
    let selected = TableSource::read(&more, &["promo", "sales"], &options(&["promo"])).unwrap();
    assert_eq!(selected.later("promo"), more.later("promo"));
    assert_eq!(TableSource::read(&more, &COLUMNS, &options(&[])).unwrap().later("promo"), None);
    let until = ReadOptions { until: Some(date(2020, 2, 9).into()), ..options(&["promo"]) };
    let selected = TableSource::read(&more, &COLUMNS, &until).unwrap();
    assert_eq!(selected.later("promo"), Some(&[0.0, 6.0, 7.0, 8.0][..]));

    for (other, expected) in [
        (other(days(12, 3), "promo"), "next, row 1: expected 2020-02-11, the next row after"),
        (other(days(11, 3), "price"), "next: column `promo` is missing"),
        (
            other(vec![days(11, 1)[0], days(13, 1)[0]], "promo"),
            "next, row 2: expected 2020-02-12, the next row after 2020-02-11",
        ),
        (
            other(vec![date(2020, 2, 10).at(1, 0, 0, 0)], "promo"),
            "next, row 1: expected 2020-02-11, the next row after 2020-02-10",
        ),
    ] {
        let problem = table().with_later(&other, &["promo"]).unwrap_err().to_string();
        assert!(problem.starts_with(expected), "{problem}");
    }
    let problem = more.with_later(&other(days(14, 3), "promo"), &["promo"]).unwrap_err();
    assert!(problem.to_string().contains("has rows after its last value already"), "{problem}");
}
