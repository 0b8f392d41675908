//! Missing steps: rows that fill them, and gaps that windows do not cross.

use jiff::civil::date;

use super::*;
use crate::{MaxGap, table::Step};

fn rows(dates: &[&str]) -> String {
    let rows = dates.iter().enumerate().map(|(row, date)| format!("{date},{row}\n"));
    format!("date,open\n{}", rows.collect::<String>())
}

fn filled(dates: &[&str], fill: Fill, max_gap: Option<&str>) -> Table {
    let max_gap = max_gap.map(|gap| gap.parse().unwrap());
    read(rows(dates), &["open"], &ReadOptions { fill, max_gap, ..ReadOptions::default() }).unwrap()
}

const HOURS: [&str; 8] = [
    "2020-01-01 00:00",
    "2020-01-01 01:00",
    "2020-01-01 02:00",
    "2020-01-01 03:00",
    "2020-01-01 06:00",
    "2020-01-01 07:00",
    "2020-01-01 08:00",
    "2020-01-01 09:00",
];

#[test]
fn filling_adds_the_missing_rows_of_a_regular_series() {
    let table = filled(&HOURS, Fill::Linear, None);
    assert_eq!(table.rows(), 10);
    assert_eq!(table.times[4], date(2020, 1, 1).at(4, 0, 0, 0));
    let expected = [0.0, 1.0, 2.0, 3.0, 3.0 + 1.0 / 3.0, 3.0 + 2.0 / 3.0, 4.0, 5.0, 6.0, 7.0];
    let values = table.column("open").unwrap();
    assert!(values.iter().zip(expected).all(|(value, expected)| (value - expected).abs() < 1e-12));
    assert_eq!(table.notes, ["2 missing rows added (rows are hourly), to be filled"]);
    assert_eq!((line(&table, 4), line(&table, 6)), (5, 6), "the row before, and the row behind");
    let forward = filled(&HOURS, Fill::Forward, None);
    assert_eq!(forward.column("open").unwrap()[3..7], [3.0, 3.0, 3.0, 4.0]);
    let plain = filled(&HOURS, Fill::None, None);
    assert_eq!(plain.rows(), 8, "only if asked");
    assert_eq!(plain.notes, ["rows are hourly, and 2 steps are missing in 1 place"]);
    assert_eq!(filled(&HOURS, Fill::Forward, Some("1")).rows(), 8, "the gap is longer");
    assert_eq!(filled(&HOURS, Fill::Forward, Some("3h")).rows(), 10, "the gap is not longer");
    assert_eq!(filled(&HOURS, Fill::Forward, Some("2h")).rows(), 8);
}

#[test]
fn rows_after_the_last_requested_time_add_none_before_it() {
    let until = |time: &str| {
        let until = Some(time.parse().unwrap());
        let options = ReadOptions { fill: Fill::Linear, until, ..ReadOptions::default() };
        read(rows(&HOURS), &["open"], &options).unwrap()
    };
    assert_eq!(until("2020-01-01T04:30").column("open").unwrap(), [0.0, 1.0, 2.0, 3.0]);
    assert_eq!(until("2020-01-01T06:00").rows(), 7);
}

#[test]
fn months_are_filled_by_the_calendar_and_working_days_are_not() {
    let months = [
        "2020-01-31",
        "2020-02-29",
        "2020-03-31",
        "2020-04-30",
        "2020-06-30",
        "2020-07-31",
        "2020-08-31",
    ];
    let table = filled(&months, Fill::Forward, None);
    assert_eq!(table.times[4], date(2020, 5, 31).into());
    let quarters = ["1970Q1", "1970Q2", "1970Q3", "1970Q4", "1971Q2", "1971Q3", "1971Q4"];
    assert_eq!(filled(&quarters, Fill::Forward, None).times[4], date(1971, 1, 1).into());
    let days = [
        "2020-01-02",
        "2020-01-03",
        "2020-01-06",
        "2020-01-07",
        "2020-01-09",
        "2020-01-10",
        "2020-01-13",
    ];
    assert_eq!(filled(&days, Fill::Forward, None).rows(), 7, "a holiday on January 8");
}

#[test]
fn closed_hours_are_not_filled() {
    let mut dates = Vec::new();
    for day in 6..=11 {
        for minute in (0..300).step_by(5) {
            dates.push(format!("2020-01-{day:02} {:02}:{:02}", 9 + minute / 60, minute % 60));
        }
    }
    let dates: Vec<&str> = dates.iter().map(String::as_str).collect();
    assert_eq!(filled(&dates, Fill::Forward, Some("2d")).rows(), dates.len());
}

#[test]
fn a_gap_that_is_too_long_to_fill_stays() {
    let table = filled(
        &[
            "2020-01-01",
            "2020-01-02",
            "2020-01-04",
            "2020-01-05",
            "2020-01-06",
            "2020-01-07",
            "2022-01-08",
        ],
        Fill::Forward,
        None,
    );
    assert_eq!(table.rows(), 8, "only the third of January");
    let all = filled(
        &[
            "2020-01-01",
            "2020-01-02",
            "2020-01-03",
            "2020-01-04",
            "2020-01-05",
            "2020-01-06",
            "2022-01-08",
        ],
        Fill::Forward,
        Some("9999"),
    );
    assert_eq!(
        (all.rows(), &all.notes[..]),
        (7, &["732 missing rows are too many to add".to_owned()][..])
    );
}

#[test]
fn the_step_is_found_and_named() {
    for (dates, name) in [
        (&HOURS[..], "hourly"),
        (&["2020-01-01 00:00", "2020-01-01 00:05", "2020-01-01 00:10"][..], "every 5 minutes"),
        (&["2020-01-03", "2020-01-04", "2020-01-05"][..], "daily"),
        (&["2020-01-02", "2020-01-03", "2020-01-06", "2020-01-07"][..], "on working days"),
        (&["2020-01-06", "2020-01-13", "2020-01-20"][..], "weekly"),
        (&["2020-01-15", "2020-02-15", "2020-03-15"][..], "monthly"),
        (&["2020Q1", "2020Q2", "2020Q3"][..], "quarterly"),
        (&["2020", "2021", "2022"][..], "yearly"),
    ] {
        let table = filled(dates, Fill::None, None);
        assert_eq!(Step::find(&table.times).to_string(), name, "{dates:?}");
    }
}

#[test]
fn weekends_are_no_missing_steps_of_working_days() {
    let days = |text: &str| text.parse::<jiff::civil::DateTime>().unwrap();
    let step = Step::find(&["2020-01-02", "2020-01-03", "2020-01-06", "2020-01-07"].map(days));
    for (from, to, missing) in [
        ("2020-01-03", "2020-01-06", 0),
        ("2020-01-02", "2020-01-06", 1),
        ("2020-01-03", "2020-01-13", 5),
        ("2020-01-06", "2020-01-07", 0),
        ("2020-01-06", "2020-01-10", 3),
    ] {
        assert_eq!(step.missing(days(from), days(to)), missing, "{from} {to}");
    }
}

#[test]
fn a_longest_gap_has_a_text() {
    for text in ["0", "3", "90s", "30m", "12h", "7d"] {
        assert_eq!(text.parse::<MaxGap>().unwrap().to_string(), text);
    }
    assert_eq!("24h".parse::<MaxGap>().unwrap().to_string(), "1d");
    assert_eq!("2w".parse::<MaxGap>().unwrap().to_string(), "14d");
    for wrong in ["", "-1", "d", "1.5", "3x", "99999999999999999999", "999999999999999w"] {
        let problem = wrong.parse::<MaxGap>().unwrap_err();
        assert!(problem.starts_with("expected a number of missing steps, or a time"), "{wrong}");
    }
}
