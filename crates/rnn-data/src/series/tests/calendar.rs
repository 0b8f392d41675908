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
