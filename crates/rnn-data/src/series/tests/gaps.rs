//! Windows beside gaps.

use super::*;
use crate::{Fill, MaxGap};

/// Returns 60 days without those of some ranges.
fn with_gaps(gaps: &[Range<usize>], max_gap: Option<MaxGap>) -> Table {
    let mut content = "date,open,close\n".to_owned();
    for row in (0..60).filter(|row| !gaps.iter().any(|gap| gap.contains(row))) {
        let day = date(2020, 1, 1).checked_add((row as i64).days()).unwrap();
        content += &format!("{day},{},{}\n", wobbly(row), wobbly(row) + 1.0);
    }
    let options = ReadOptions { max_gap, ..ReadOptions::default() };
    tests::read(content, &["open", "close"], &options).unwrap()
}

/// Whether two rows inside the window of an origin are further apart than some days.
fn crosses(series: &Series, origin: usize, days: i64) -> bool {
    let rows = origin - series.first_origin()..origin + series.horizon();
    series.times[rows].windows(2).any(|pair| pair[1].duration_since(pair[0]).as_hours() > 24 * days)
}

#[test]
fn windows_cross_no_gap_longer_than_the_limit() {
    let gaps = [10..12, 20..24, 50..53];
    for (limit, days) in [("1", 2), ("2", 3), ("3", 4), ("48h", 2), ("4d", 4)] {
        for feature in [Feature::Column("open".to_owned()), Feature::Difference("open".to_owned())]
        {
            let config = SeriesConfig { features: vec![feature], ..config() };
            let free = series(with_gaps(&gaps, None), &config);
            let limited = series(with_gaps(&gaps, Some(limit.parse().unwrap())), &config);
            let mut dropped = 0;
            for subset in [Subset::Train, Subset::Valid, Subset::Test] {
                let expected: Vec<usize> =
                    free.origins(subset).filter(|&origin| !crosses(&free, origin, days)).collect();
                let origins: Vec<usize> = limited.origins(subset).collect();
                assert_eq!(origins, expected, "{limit} {subset:?}");
                assert_eq!(limited.origins(subset).len(), expected.len());
                dropped += free.origins(subset).len() - expected.len();
                let windows = Windows::new(std::slice::from_ref(&limited), subset);
                let of = |index| windows.get(index).unwrap().origin();
                assert_eq!((0..windows.len()).map(of).collect::<Vec<_>>(), expected);
            }
            assert!(dropped > 0);
            assert_eq!(free.left_out().0, 0);
        }
    }
}

#[test]
fn the_first_origin_after_a_gap_has_a_whole_window_behind_it() {
    let one = series(with_gaps(std::slice::from_ref(&(10..14)), Some(MaxGap::Steps(3))), &config());
    // Rows 0 to 9 are before the gap; four rows of inputs follow it.
    assert_eq!(one.origins(Subset::Train).take(5).collect::<Vec<_>>(), [4, 5, 6, 7, 14]);
    assert_eq!(one.times[14], date(2020, 1, 19).into());
    assert_eq!((one.gaps(), one.left_out()), (1, (6, 50)));
    assert_eq!(
        (one.gap_before(12), one.gap_before(14), one.gap_before(10)),
        (Some(10), None, Some(10))
    );
}

#[test]
fn sets_without_a_whole_window_are_errors() {
    let gaps: Vec<Range<usize>> = (3..60).step_by(4).map(|row| row..row + 1).collect();
    let text = problem(with_gaps(&gaps, Some(MaxGap::Steps(0))), &config());
    assert_eq!(
        text,
        ": every window of 4 rows in the training set crosses a gap (set `max-gap` to a longer \
         one, set `fill`, or choose a smaller window)"
    );
}

#[test]
fn filled_gaps_are_no_gaps() {
    let content: String = (0..60)
        .filter(|row| !(10..12).contains(row))
        .map(|row| {
            let day = date(2020, 1, 1).checked_add((row as i64).days()).unwrap();
            format!("{day},{}\n", wobbly(row))
        })
        .collect();
    let options = ReadOptions {
        fill: Fill::Linear,
        max_gap: Some(MaxGap::Steps(2)),
        ..ReadOptions::default()
    };
    let table = tests::read(format!("date,open\n{content}"), &["open"], &options).unwrap();
    let one = series(table, &config());
    assert_eq!((one.times.len(), one.gaps(), one.left_out().0), (60, 0, 0));
}

#[test]
fn prices_that_no_market_has_are_errors() {
    let table = |rows: &str| {
        let content = format!("date,open,high,low,close\n{rows}");
        tests::read(content, &["open", "high", "low", "close"], &ReadOptions::default()).unwrap()
    };
    let rows = |row: fn(usize) -> String| -> String {
        let date = |index: usize| date(2020, 1, 1).checked_add((index as i64).days()).unwrap();
        (0..60).map(|index| format!("{},{}\n", date(index), row(index))).collect()
    };
    let one_inside = table(&rows(|row| format!("{row}.5,9,8,{row}")));
    assert!(config().init(one_inside).is_ok());
    let outside = problem(table(&rows(|row| format!("{},9,8,8.5", 10 + row))), &config());
    assert_eq!(
        outside,
        ": the open of every row lies outside low to high, so the file is wrong (fetch it from \
         another provider, or choose columns without these prices with `target` and with \
         `features`)"
    );
    let zero = problem(table(&rows(|_| "0,0,0,0".to_owned())), &config());
    assert!(zero.starts_with(": every price is zero, so the file is wrong"), "{zero}");
}
