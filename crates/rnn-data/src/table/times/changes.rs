//! Changes of clocks, by the zones of the time zone database.

use std::{collections::BTreeMap, sync::OnceLock};

use jiff::{
    Timestamp, ToSpan,
    civil::{DateTime, date},
    tz::{Offset, TimeZone, TimeZoneDatabase},
};

/// Largest change that summer time explains in seconds; double summer time has two hours.
pub(super) const LARGEST: i64 = 2 * 60 * 60;

/// A change of the clock in some zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Change {
    /// Local time on the old clock at which the new one begins.
    pub(super) at: DateTime,
    /// Seconds that the new clock is ahead of the old one.
    pub(super) by: i64,
    /// Seconds that the old clock is ahead of UTC.
    pub(super) from: i64,
}

/// The changes of all zones, found year by year.
#[derive(Default)]
pub(in crate::table) struct Changes(BTreeMap<i16, Vec<Change>>);

impl Change {
    /// Whether the clock changes between two local times, one on either side.
    pub(super) fn is_between(&self, before: DateTime, after: DateTime) -> bool {
        before < self.at && self.at.saturating_add(self.by.seconds()) <= after
    }
}

impl Changes {
    /// Returns the changes in the year of a local time, and around the ends of that year.
    pub(super) fn around(&mut self, time: DateTime) -> &[Change] {
        self.0.entry(time.year()).or_insert_with(|| of_year(time.year()))
    }
}

/// Returns the zone of a name in the database.
pub(super) fn zone(name: &str) -> Option<TimeZone> {
    TimeZoneDatabase::bundled().get(name).ok()
}

fn zones() -> &'static [TimeZone] {
    static ZONES: OnceLock<Vec<TimeZone>> = OnceLock::new();
    ZONES.get_or_init(|| {
        let database = TimeZoneDatabase::bundled();
        database.available().filter_map(|name| database.get(name.as_str()).ok()).collect()
    })
}

fn of_year(year: i16) -> Vec<Change> {
    let first = date(year, 1, 1).at(0, 0, 0, 0);
    let instant = |time: DateTime, limit| Offset::UTC.to_timestamp(time).unwrap_or(limit);
    let start = instant(first.saturating_sub(2.days()), Timestamp::MIN);
    let end = instant(first.saturating_add(1.year().days(2)), Timestamp::MAX);
    let mut all = Vec::new();
    for zone in zones() {
        let mut old = zone.to_offset(start);
        for next in zone.following(start).take_while(|next| next.timestamp() < end) {
            let by = i64::from(next.offset().seconds() - old.seconds());
            if (1..=LARGEST).contains(&by.abs()) {
                let at = old.to_datetime(next.timestamp());
                all.push(Change { at, by, from: i64::from(old.seconds()) });
            }
            old = next.offset();
        }
    }
    all.sort_unstable();
    all.dedup();
    all
}
