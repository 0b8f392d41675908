//! Changes of clocks: missing and doubled hours, and rows that fill gaps across them.

use jiff::{
    Timestamp, ToSpan,
    civil::{DateTime, date},
    tz::TimeZone,
};

use super::*;
use crate::MaxGap;

fn rows(times: &[impl AsRef<str>]) -> String {
    let rows = times.iter().enumerate().map(|(row, time)| format!("{},{row}\n", time.as_ref()));
    format!("date,open\n{}", rows.collect::<String>())
}

fn filled(times: &[impl AsRef<str>]) -> Table {
    let options = ReadOptions { fill: Fill::Linear, ..ReadOptions::default() };
    read(rows(times), &["open"], &options).unwrap()
}

/// Hourly instants of Berlin in a text form.
fn berlin(start: &str, hours: i64, form: &str) -> Vec<String> {
    let zone = TimeZone::get("Europe/Berlin").unwrap();
    let start: Timestamp = start.parse().unwrap();
    let hour = |hour: i64| start.checked_add(hour.hours()).unwrap().to_zoned(zone.clone());
    (0..hours).map(|index| hour(index).strftime(form).to_string()).collect()
}

/// Steps of ten minutes over two days, without the hour from two on the second day.
fn without_an_hour(day: DateTime) -> Vec<String> {
    let times = (0..288).map(|index| day.checked_add((10 * index).minutes()).unwrap());
    let second = day.date().tomorrow().unwrap();
    let kept = times.filter(|time| time.date() != second || time.hour() != 2);
    kept.map(|time| time.strftime("%Y-%m-%d %H:%M").to_string()).collect()
}

#[test]
fn a_missing_hour_is_a_gap_unless_clocks_were_changed() {
    let limited = |times: &[String], steps: u64| {
        let max_gap = Some(MaxGap::Steps(steps));
        let options = ReadOptions { max_gap, ..ReadOptions::default() };
        read(rows(times), &["open"], &options).unwrap()
    };
    let april = without_an_hour(date(2023, 4, 15).into());
    assert_eq!(limited(&april, 2).breaks.len(), 1, "no zone changed its clock on April 16");
    let table = filled(&april);
    assert_eq!(table.rows(), 288);
    let march = without_an_hour(date(2023, 3, 25).into());
    assert_eq!(limited(&march, 0).breaks, [] as [usize; 0], "Berlin did on March 26");
    assert_eq!(filled(&march).rows(), 282);
}

#[test]
fn a_doubled_row_is_an_error_unless_clocks_were_changed() {
    let hours = |day: &str| {
        let hours = ["00:00", "01:00", "02:00", "02:00", "03:00", "04:00"];
        hours.map(|hour| format!("{day} {hour}"))
    };
    let default = ReadOptions::default();
    let text = message(rows(&hours("2023-04-16")), &["open"], &default);
    assert!(
        text.contains("line 5, column `date`: expected a date after 2023-04-16 02:00"),
        "{text}"
    );
    assert!(read(rows(&hours("2023-10-29")), &["open"], &default).is_ok());
    let cairo = ["2023-10-26 22:00", "2023-10-26 23:00", "2023-10-26 23:00", "2023-10-27 00:00"];
    let table = read(rows(&cairo), &["open"], &default).unwrap();
    let steady = table.clock.all_steady(&table.times).into_owned();
    assert!(steady.windows(2).all(|pair| pair[1].duration_since(pair[0]).as_mins() == 60));
}

#[test]
fn filled_rows_follow_the_clock_of_the_zone_or_of_the_offsets() {
    for form in ["%Y-%m-%dT%H:%M:%S%:z", "%Y-%m-%dT%H:%M:%S%:z[%Q]"] {
        // Rows are lost from 01:00 to 03:00, and from 01:00 to 05:00.
        for (start, lost) in [("2023-10-28T20:00:00Z", 3..7), ("2023-03-25T21:00:00Z", 3..7)] {
            let all = berlin(start, 20, form);
            let left: Vec<&String> =
                (0..20).filter(|row| !lost.contains(row)).map(|row| &all[row]).collect();
            let (table, complete) = (filled(&left), filled(&all));
            assert_eq!(complete.rows(), 20);
            assert_eq!(table.times, complete.times, "{form} {start}");
            assert_eq!(table.clock, complete.clock, "{form} {start}");
        }
    }
}

#[test]
fn local_times_with_a_zone_need_no_offsets() {
    let all = berlin("2023-10-28T20:00:00Z", 20, "%Y-%m-%d %H:%M:%S %Q");
    let left: Vec<&String> =
        (0..20).filter(|row| !(3..7).contains(row)).map(|row| &all[row]).collect();
    let table = filled(&left);
    let hours: Vec<i8> = table.times.iter().map(|time| time.hour()).collect();
    assert_eq!(hours[..8], [22, 23, 0, 1, 2, 2, 3, 4]);
    assert_eq!(table.rows(), 20);
}

#[test]
fn days_and_months_with_offsets_are_filled_at_the_same_time_of_day() {
    let days: Vec<String> = [25, 26, 27, 28, 30, 31]
        .iter()
        .map(|day| format!("2023-10-{day}T00:00:00+0{}:00", if *day < 30 { 2 } else { 1 }))
        .collect();
    assert_eq!(filled(&days).times[4], date(2023, 10, 29).into());
    let months = [(1, 1), (2, 1), (3, 1), (4, 2), (6, 2), (7, 2)];
    let months = months.map(|(month, offset)| format!("2023-0{month}-01T00:00:00+0{offset}:00"));
    assert_eq!(filled(&months).times[4], date(2023, 5, 1).into());
}

#[test]
fn steps_that_scatter_around_a_usual_one_are_that_one() {
    let start = date(2024, 1, 1).at(0, 0, 0, 0);
    let jitter = |index: i64| [7, -20, 13, 20, -3, 1, -11, 18, -17, 5][(index * 7 % 10) as usize];
    let time = |index: i64| start.checked_add((300 * index + jitter(index)).seconds()).unwrap();
    let text = |time: DateTime| time.strftime("%Y-%m-%d %H:%M:%S").to_string();
    let times: Vec<String> =
        (1..60).filter(|index| ![20, 40].contains(index)).map(|index| text(time(index))).collect();
    let table = filled(&times);
    assert_eq!(table.rows(), times.len());
    let note = "the steps between rows differ; most are about every 5 minutes, and `fill` adds no \
                rows without a fixed step";
    assert_eq!(table.notes, [note]);
    let next = crate::extend_calendar(&table.times, 1);
    assert_eq!(next[0].duration_since(table.times[56]).as_secs(), 300);
    let exact: Vec<String> =
        (0..20).map(|index| text(start.checked_add((301 * index).seconds()).unwrap())).collect();
    assert_eq!(filled(&exact).notes, ["rows are every 301 seconds"]);
    let random = [0, 100, 110, 400, 690, 700, 1500, 1523, 2200, 2201, 2900];
    let random = random.map(|minute: i64| text(start.checked_add(minute.minutes()).unwrap()));
    let notes = read(rows(&random), &["open"], &ReadOptions::default()).unwrap().notes;
    assert!(
        notes[0].starts_with("the steps between rows differ; by their median, rows are"),
        "{notes:?}"
    );
}
