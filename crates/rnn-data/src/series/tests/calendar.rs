use jiff::Span;

use super::*;

/// So many times from a first one on.
fn times(first: impl Into<DateTime>, step: Span, count: i64) -> Vec<DateTime> {
    let first = first.into();
    (0..count).map(|index| first.checked_add(step.checked_mul(index).unwrap()).unwrap()).collect()
}

/// Whether the last three times follow from those before.
#[track_caller]
fn goes_on(times: &[DateTime]) {
    let (known, next) = times.split_at(times.len() - 3);
    assert_eq!(extend_calendar(known, 3), next);
}

#[test]
fn business_days_are_followed_by_business_days() {
    let mut days = times(date(2020, 4, 20), 1.day(), 15);
    days.retain(|day| day.weekday().to_monday_zero_offset() < 5);
    assert_eq!(days.len(), 11);
    // From Thursday, Friday and Monday on: over a weekend, and not.
    (0..3).for_each(|left| goes_on(&days[..days.len() - left]));
    let holiday: Vec<_> = [20, 21, 22, 24].map(|day| date(2020, 4, day).into()).to_vec();
    assert_eq!(
        extend_calendar(&holiday, 1),
        [date(2020, 4, 27).into()],
        "one day off does not matter"
    );
}

#[test]
fn days_weeks_and_hours_go_on_as_they_were() {
    goes_on(&times(date(2020, 4, 20), 1.day(), 10));
    goes_on(&times(date(2020, 2, 3).at(16, 0, 0, 0), 1.day(), 30));
    goes_on(&times(date(2020, 4, 20), 1.week(), 10));
    goes_on(&times(date(2020, 4, 20), 1.hour(), 30));
    goes_on(&times(date(2020, 4, 20), 15.minutes(), 10));
}

#[test]
fn months_quarters_and_years_go_on_by_the_calendar() {
    for first in [date(2019, 1, 1), date(2019, 1, 15), date(2020, 2, 28)] {
        goes_on(&times(first, 1.month(), 14));
        goes_on(&times(first, 3.months(), 14));
        goes_on(&times(first, 1.year(), 14));
    }
}

#[test]
fn ends_of_months_are_followed_by_ends_of_months() {
    let ends = times(date(2019, 1, 31), 1.month(), 40);
    // Whichever month is the last, also a short one.
    (0..24).for_each(|left| goes_on(&ends[..ends.len() - left]));
    goes_on(&times(date(2019, 12, 31), 3.months(), 9));
}

#[test]
fn hours_of_business_days_leave_out_weekends() {
    let monday = date(2020, 4, 13).to_datetime(jiff::civil::Time::midnight());
    let hours: Vec<DateTime> = (0..12 * 24).map(|hour| monday + i64::from(hour).hours()).collect();
    let business: Vec<DateTime> =
        hours.iter().copied().filter(|time| time.weekday().to_monday_zero_offset() < 5).collect();
    assert_eq!(business.last().map(|last| last.date()), Some(date(2020, 4, 24)), "a Friday");
    assert_eq!(extend_calendar(&business, 1), [date(2020, 4, 27).into()]);
    // Five days alone do not say that weekends are left out.
    assert_eq!(extend_calendar(&business[120..], 1), [date(2020, 4, 25).into()]);
}

#[test]
fn few_times_are_followed_by_days() {
    assert_eq!(extend_calendar(&[], 3), []);
    assert_eq!(extend_calendar(&[date(2020, 4, 24).into()], 0), []);
    assert_eq!(
        extend_calendar(&[date(2020, 4, 23).into()], 2),
        [date(2020, 4, 24).into(), date(2020, 4, 27).into()]
    );
}

#[test]
fn time_ends_with_the_calendar() {
    assert_eq!(extend_calendar(&[date(9999, 12, 30).into()], 5), [date(9999, 12, 31).into()]);
}
