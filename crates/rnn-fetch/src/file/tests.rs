//! A power loss while a file and its sidecar are replaced.

use std::{collections::BTreeSet, fs};

use rnn_files::power::{Log, Recording};
use serde_json::json;

use super::*;
use crate::{symbol::Symbol, wanted::Adjust};

/// The text of a file of some days, and its sidecar.
fn days(rows: i8) -> (String, Sidecar) {
    let day = |day| jiff::civil::date(2024, 3, day);
    let bar = |row: i8| {
        let open = 10.0 + f64::from(row);
        Bar::new(day(1 + row), [open, open + 0.5, open + 1.0, open - 1.0], 100.0)
    };
    let bars: Vec<Bar> = (0..rows).map(bar).collect();
    let text = whole(&bars, "600519");
    let sidecar = json!({
        "format": Sidecar::FORMAT, "symbol": "sh600519", "provider": "tencent", "host": "a.host",
        "adjust": "none", "unadjusted": false, "from": day(1), "to": day(rows), "first": day(1),
        "last": day(rows), "rows": rows, "fetched_at": "2024-04-01T00:00:00Z",
        "sha256": sha256(text.as_bytes()), "notes": []
    });
    (text, serde_json::from_value(sidecar).unwrap())
}

/// Replaces a file of `before` days, if any, by one of five, and records it.
fn replaced(before: Option<i8>) -> Log {
    let scratch = tempfile::tempdir().unwrap();
    // Temporary folders may be named through a link.
    let root = scratch.path().canonicalize().unwrap();
    let place = Place::new(&root.join("bars.csv")).unwrap();
    let replace = |rows| {
        let (text, sidecar) = days(rows);
        place.replace(&text, &sidecar).unwrap();
    };
    before.into_iter().for_each(replace);
    let recording = Recording::start(&root).unwrap();
    replace(5);
    recording.finish()
}

#[test]
fn a_power_loss_leaves_the_old_or_the_new_file_with_its_sidecar() {
    let symbol: Symbol = "sh600519".parse().unwrap();
    let wanted = Wanted { symbol: &symbol, adjust: Adjust::None };
    for before in [None, Some(3)] {
        let states = replaced(before).crash_states(200, 7);
        let scratch = tempfile::tempdir().unwrap();
        let mut found = BTreeSet::new();
        for state in &states {
            state.write_to(scratch.path()).unwrap();
            let path = scratch.path().join("bars.csv");
            Place::new(&path).unwrap().complete().unwrap();
            let kept = Kept::open(&path, wanted);
            let kept = kept.unwrap_or_else(|error| panic!("{error}: {state:?}"));
            found.insert(kept.map(|kept| kept.bars.len()));
            // The next download may replace it, whatever is left beside it.
            let (text, sidecar) = days(6);
            Place::new(&path).unwrap().replace(&text, &sidecar).unwrap();
            assert_eq!(fs::read_dir(scratch.path()).unwrap().count(), 2);
        }
        let expected = [before.map(|rows| rows as usize), Some(5)];
        assert_eq!(found, BTreeSet::from(expected), "of {} states", states.len());
    }
}
