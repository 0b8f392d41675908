use std::collections::BTreeMap;

use jiff::civil::Date;

/// The course's header; the first column is a row number.
pub(super) const HEADER: &str = ",date,open,close,high,low,volume,code";

/// A day's prices, in the order the course's file has them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Bar {
    pub(super) date: Date,
    /// Open, close, high, low.
    pub(super) prices: [f64; 4],
    /// Lots of 100 shares on the mainland, else shares.
    pub(super) volume: f64,
}

/// Prices and volumes are kept to so many parts of one: what is written is what is compared.
const PARTS: f64 = 1e4;

impl Bar {
    pub(super) fn new(date: Date, prices: [f64; 4], volume: f64) -> Self {
        Self { date, prices: prices.map(rounded), volume: rounded(volume) }
    }

    pub(super) fn close(&self) -> f64 {
        self.prices[1]
    }

    /// Whether the prices are the same. Adjusted prices of Yahoo are computed from numbers whose last digits vary from day to day.
    pub(super) fn agrees(&self, other: &Self) -> bool {
        self.prices.iter().zip(&other.prices).all(|(one, other)| (one - other).abs() <= 1.1 / PARTS + 1e-6 * one.abs())
    }

    fn is_consistent(&self) -> bool {
        let [open, close, high, low] = self.prices;
        high < low || (low..=high).contains(&open) && (low..=high).contains(&close)
    }
}

fn rounded(number: f64) -> f64 {
    // Adding zero turns -0 into 0.
    (number * PARTS).round() / PARTS + 0.0
}

/// A number with up to four digits after the point.
fn text(number: f64) -> String {
    let text = format!("{number:.4}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// What a provider's answers hold.
#[derive(Debug, Default)]
pub(super) struct Rows {
    pub(super) bars: Vec<Bar>,
    /// Rows without numbers, which were left out.
    pub(super) empty: usize,
    /// Whether these prices are unadjusted although adjusted ones were asked for.
    pub(super) unadjusted: bool,
}

/// Bars by day.
#[derive(Debug, Default)]
pub(super) struct Bars(BTreeMap<Date, Bar>);

impl Bars {
    /// Adds bars. A day that is there already is dropped; with other prices it is an error that says which.
    pub(super) fn add(&mut self, bars: impl IntoIterator<Item = Bar>) -> Result<(), String> {
        for bar in bars {
            let there = *self.0.entry(bar.date).or_insert(bar);
            if there.prices != bar.prices {
                let [one, other] = [there, bar].map(|bar| bar.prices.map(text).join(" "));
                return Err(format!("gave {} twice, with other prices: {one} and {other} (open, close, high, low)", bar.date));
            }
        }
        Ok(())
    }

    pub(super) fn into_days(self) -> Vec<Bar> {
        self.0.into_values().collect()
    }
}

/// Lines of the course's file, whose first row has a number.
pub(super) fn lines(bars: &[Bar], first: usize, code: &str) -> String {
    let line = |(number, bar): (usize, &Bar)| {
        let [open, close, high, low] = bar.prices.map(text);
        format!("{number},{},{open},{close},{high},{low},{},{code}\n", bar.date, text(bar.volume))
    };
    (first..).zip(bars).map(line).collect()
}

/// What is odd about bars, beyond what reading their file says.
pub(super) fn oddity(bars: &[Bar]) -> Option<String> {
    let mut odd = bars.iter().filter(|bar| !bar.is_consistent());
    let first = odd.next()?.date;
    let count = 1 + odd.count();
    Some(format!("open or close is outside low..high in {count} {} (first on {first})", if count == 1 { "row" } else { "rows" }))
}

/// How a file's last days compare with what a provider says of them now.
#[derive(Debug, PartialEq)]
pub(super) enum Overlap {
    /// The same; these come after them.
    Same(Vec<Bar>),
    /// A day of the file is no longer there.
    Gone(Date),
    /// From this day on they differ: its close in the file (none: no such day) and now.
    Differs { date: Date, kept: Option<f64>, now: f64 },
}

impl Overlap {
    pub(super) fn of(kept: &[Bar], now: &[Bar]) -> Self {
        let Some(last) = kept.last().map(|bar| bar.date) else { return Self::Same(now.to_vec()) };
        let find = |date: Date| kept.iter().find(|bar| bar.date == date);
        if let Some(gone) = kept.iter().find(|kept| now.iter().all(|bar| bar.date != kept.date)) {
            return Self::Gone(gone.date);
        }
        let differs = now.iter().filter(|bar| bar.date <= last).find(|bar| find(bar.date).is_none_or(|kept| !kept.agrees(bar)));
        match differs {
            Some(bar) => Self::Differs { date: bar.date, kept: find(bar.date).map(Bar::close), now: bar.close() },
            None => Self::Same(now.iter().filter(|bar| bar.date > last).copied().collect()),
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    fn bar(day: i8, close: f64) -> Bar {
        Bar::new(date(2024, 1, day), [10.0, close, 12.0, 9.0], 1234.5)
    }

    #[test]
    fn numbers_are_written_without_noise() {
        for (number, expected) in
            [(1_350.599_975_6, "1350.6"), (0.1 + 0.2, "0.3"), (-1e-9, "0"), (100.0, "100"), (-3.25, "-3.25"), (43775.18, "43775.18")]
        {
            assert_eq!(text(rounded(number)), expected);
        }
        assert_eq!(lines(&[bar(2, 11.5)], 7, "000001"), "7,2024-01-02,10,11.5,12,9,1234.5,000001\n");
    }

    #[test]
    fn days_are_sorted_and_kept_once() {
        let mut bars = Bars::default();
        bars.add([bar(4, 11.0), bar(2, 10.0), bar(4, 11.0)]).unwrap();
        bars.add([bar(3, 10.5), bar(2, 10.0)]).unwrap();
        let error = bars.add([bar(3, 10.6)]).unwrap_err();
        assert!(error.contains("2024-01-03 twice") && error.contains("10.5") && error.contains("10.6"), "{error}");
        assert_eq!(bars.into_days().iter().map(|bar| bar.date.day()).collect::<Vec<_>>(), [2, 3, 4]);
    }

    #[test]
    fn an_overlap_says_what_differs_first() {
        let kept = [bar(2, 10.0), bar(3, 10.5)];
        assert_eq!(Overlap::of(&kept, &[bar(2, 10.0), bar(3, 10.5), bar(4, 11.0)]), Overlap::Same(vec![bar(4, 11.0)]));
        assert_eq!(Overlap::of(&kept, &kept), Overlap::Same(Vec::new()));
        assert_eq!(Overlap::of(&kept, &[bar(3, 10.5), bar(4, 11.0)]), Overlap::Gone(date(2024, 1, 2)));
        assert_eq!(Overlap::of(&kept, &[]), Overlap::Gone(date(2024, 1, 2)));
        let differs = Overlap::Differs { date: date(2024, 1, 3), kept: Some(10.5), now: 10.4 };
        assert_eq!(Overlap::of(&kept, &[bar(2, 10.0), bar(3, 10.4), bar(4, 11.0)]), differs);
        let new_day = [bar(2, 10.0), bar(4, 11.0)];
        let differs = Overlap::Differs { date: date(2024, 1, 3), kept: None, now: 10.5 };
        assert_eq!(Overlap::of(&new_day, &[bar(2, 10.0), bar(3, 10.5), bar(4, 11.0)]), differs);
    }

    #[test]
    fn a_close_above_the_high_is_odd() {
        assert_eq!(oddity(&[bar(2, 10.0), bar(3, 12.5)]).unwrap(), "open or close is outside low..high in 1 row (first on 2024-01-03)");
        assert_eq!(oddity(&[bar(2, 10.0)]), None);
    }
}
