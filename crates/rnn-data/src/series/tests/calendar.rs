use jiff::Span;

use super::*;

/// Returns `count` times from `first` on.
fn times(first: impl Into<DateTime>, step: Span, count: i64) -> Vec<DateTime> {
    let first = first.into();
    (0..count).map(|index| first.checked_add(step.checked_mul(index).unwrap()).unwrap()).collect()
}

/// Checks that the last three times are extended from those before.
#[track_caller]
fn assert_extended(times: &[DateTime]) {
    let (known, next) = times.split_at(times.len() - 3);
    assert_eq!(extend_calendar(known, 3), next);
}

#[test]
fn business_days_are_followed_by_business_days() {
    let mut days = times(date(2020, 4, 20), 1.day(), 15);
    days.retain(|day| day.weekday().to_monday_zero_offset() < 5);
    assert_eq!(days.len(), 11);
    // From Thursday, Friday and Monday on: with and without a weekend.
    (0..3).for_each(|left| assert_extended(&days[..days.len() - left]));
    let holiday: Vec<_> = [20, 21, 22, 24].map(|day| date(2020, 4, day).into()).to_vec();
    assert_eq!(extend_calendar(&holiday, 1), [date(2020, 4, 27).into()], "one holiday is ignored");
}

#[test]
fn days_weeks_and_hours_continue_with_the_same_step() {
    assert_extended(&times(date(2020, 4, 20), 1.day(), 10));
    assert_extended(&times(date(2020, 2, 3).at(16, 0, 0, 0), 1.day(), 30));
    assert_extended(&times(date(2020, 4, 20), 1.week(), 10));
    assert_extended(&times(date(2020, 4, 20), 1.hour(), 30));
    assert_extended(&times(date(2020, 4, 20), 15.minutes(), 10));
}

#[test]
fn months_quarters_and_years_continue_by_the_calendar() {
    for first in [date(2019, 1, 1), date(2019, 1, 15), date(2020, 2, 28)] {
        assert_extended(&times(first, 1.month(), 14));
        assert_extended(&times(first, 3.months(), 14));
        assert_extended(&times(first, 1.year(), 14));
    }
}

#[test]
fn ends_of_months_are_followed_by_ends_of_months() {
    let ends = times(date(2019, 1, 31), 1.month(), 40);
    // Any month may be the last, also a short one.
    (0..24).for_each(|left| assert_extended(&ends[..ends.len() - left]));
    assert_extended(&times(date(2019, 12, 31), 3.months(), 9));
}

#[test]
fn hours_of_business_days_skip_weekends() {
    let monday = date(2020, 4, 13).to_datetime(jiff::civil::Time::midnight());
    let hours: Vec<DateTime> = (0..12 * 24).map(|hour| monday + i64::from(hour).hours()).collect();
    let business: Vec<DateTime> =
        hours.iter().copied().filter(|time| time.weekday().to_monday_zero_offset() < 5).collect();
    assert_eq!(business.last().map(|last| last.date()), Some(date(2020, 4, 24)), "a Friday");
    assert_eq!(extend_calendar(&business, 1), [date(2020, 4, 27).into()]);
    // Five days do not show that weekends are skipped.
    assert_eq!(extend_calendar(&business[120..], 1), [date(2020, 4, 25).into()]);
}

#[test]
fn one_time_is_followed_by_days() {
    assert_eq!(extend_calendar(&[], 3), []);
    assert_eq!(extend_calendar(&[date(2020, 4, 24).into()], 0), []);
    assert_eq!(
        extend_calendar(&[date(2020, 4, 23).into()], 2),
        [date(2020, 4, 24).into(), date(2020, 4, 27).into()]
    );
}

#[test]
fn times_end_with_the_year_9999() {
    assert_eq!(extend_calendar(&[date(9999, 12, 30).into()], 5), [date(9999, 12, 31).into()]);
}

#[test]
fn hours_follow_the_summer_time_of_their_zone() {
    let rows = |zone: &str| {
        let hours = (0..40).map(|hour| {
            let time = date(2024, 3, 29).at(8, 0, 0, 0) + i64::from(hour).hours();
            format!("{time}{zone},{},{}\n", wobbly(hour as usize), hour)
        });
        let content = format!("date,open,close\n{}", hours.collect::<String>());
        let table = tests::read(content, &["open"], &ReadOptions::default()).unwrap();
        let config = SeriesConfig { window: 2, horizon: 1, ..config() };
        let series = series(table, &config);
        series.next_times(4).into_iter().map(crate::format_time).collect::<Vec<_>>()
    };
    let same = ["2024-03-31", "2024-03-31 01:00", "2024-03-31 02:00", "2024-03-31 03:00"];
    assert_eq!(rows("+01:00"), same, "an offset alone has no rules");
    let berlin = ["2024-03-31", "2024-03-31 01:00", "2024-03-31 03:00", "2024-03-31 04:00"];
    assert_eq!(rows("+01:00[Europe/Berlin]"), berlin);
    assert_eq!(rows(" Europe/Berlin"), berlin);
}

#[test]
fn weeks_and_quarters_as_text_continue() {
    let next = |first: &str, rest: &[&str]| {
        let rows: String =
            [&[first], rest].concat().iter().map(|date| format!("{date},1\n")).collect();
        let table = tests::read(format!("date,open\n{rows}"), &["open"], &ReadOptions::default());
        let times = extend_calendar(&table.unwrap().times, 2);
        times.into_iter().map(crate::format_time).collect::<Vec<_>>()
    };
    assert_eq!(next("2020-W51", &["2020-W52", "2020-W53"]), ["2021-01-04", "2021-01-11"]);
    assert_eq!(next("2020Q2", &["2020Q3", "2020Q4"]), ["2021-01-01", "2021-04-01"]);
    assert_eq!(next("Nov 2020", &["Dec 2020"]), ["2021-01-01", "2021-02-01"]);
    assert_eq!(next("2019", &["2020"]), ["2021-01-01", "2022-01-01"]);
}
