//! The first forecast origin of files with every kind of dates.

use jiff::tz::TimeZoneDatabase;

use super::*;

const ROWS: i64 = 40;

/// Text of the date of a row.
type Dates = fn(i64) -> String;

fn berlin(row: i64) -> String {
    let zone = TimeZoneDatabase::bundled().get("Europe/Berlin").unwrap();
    let first = date(2024, 3, 30).at(0, 0, 0, 0).to_zoned(zone).unwrap();
    first.checked_add(row.hours()).unwrap().strftime("%Y-%m-%dT%H:%M:%S%:z").to_string()
}

/// Hours of a clock that is put back at 3:00 on October 27.
fn doubled(row: i64) -> String {
    let hour = if row > 26 { row - 1 } else { row };
    let time = date(2024, 10, 26).at(0, 0, 0, 0).checked_add(hour.hours()).unwrap();
    time.strftime("%Y-%m-%d %H:%M").to_string()
}

fn month(row: i64) -> String {
    date(1970, 1, 1).checked_add(row.months()).unwrap().strftime("%b %Y").to_string()
}

#[test]
fn the_first_forecast_origin_is_right_for_every_kind_of_dates() {
    let kinds: [(&str, Dates, &str); 12] = [
        ("days", |row| (date(2020, 1, 1) + row.days()).to_string(), "2020-01-31"),
        ("newest first", |row| (date(2020, 2, 9) - row.days()).to_string(), "2020-01-31"),
        ("seconds", |row| (1_587_686_400 + 60 * row).to_string(), "2020-04-24 00:30"),
        ("milliseconds", |row| (1_587_686_400_000 + 60_000 * row).to_string(), "2020-04-24 00:30"),
        ("spreadsheet days", |row| (43_945 + row).to_string(), "2020-05-24"),
        ("digits", |row| format!("2020042415{row:02}"), "2020-04-24 15:30"),
        ("quarters", |row| format!("{}Q{}", 1970 + row / 4, row % 4 + 1), "1977-07-01"),
        ("months", month, "1972-07-01"),
        ("weeks", |row| format!("2020-W{:02}", row + 1), "2020-07-27"),
        ("years", |row| (1980 + row).to_string(), "2010-01-01"),
        ("start of summer time", berlin, "2024-03-31 07:00"),
        ("end of summer time", doubled, "2024-10-27 05:00"),
    ];
    for (kind, dates, expected) in kinds {
        let value =
            |row: i64| wobbly(if kind == "newest first" { ROWS - 1 - row } else { row } as usize);
        let rows = (0..ROWS).map(|row| format!("{},{}\n", dates(row), value(row)));
        let content = format!("date,open\n{}", rows.collect::<String>());
        let table = tests::read(content, &["open"], &ReadOptions::default());
        let one = series(table.unwrap_or_else(|error| panic!("{kind}: {error}")), &config());
        let origin = one.origins(Subset::Test).next().unwrap();
        assert_eq!(
            (origin, crate::format_time(one.times[origin]).as_str()),
            (30, expected),
            "{kind}"
        );
        assert_eq!(one.target[origin], wobbly(30), "{kind}");
    }
}

#[test]
fn hours_are_those_of_the_local_clock() {
    let rows = (0..ROWS).map(|row| format!("{},{}\n", berlin(row), wobbly(row as usize)));
    let content = format!("date,open\n{}", rows.collect::<String>());
    let table = tests::read(content, &["open"], &ReadOptions::default()).unwrap();
    let hour = Feature::Hour.values(&table).unwrap();
    let angle = |hour: f64| (std::f64::consts::TAU * hour / 24.0).sin_cos();
    // The row after 1:00 on March 31 is 3:00.
    for (row, clock) in [(0, 0.0), (25, 1.0), (26, 3.0), (39, 16.0)] {
        let (sine, cosine) = angle(clock);
        assert!((hour[0][row] - sine).abs() < 1e-12 && (hour[1][row] - cosine).abs() < 1e-12);
    }
}
