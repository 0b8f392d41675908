use std::collections::BTreeMap;

use jiff::civil::Date;

/// The course's header; the first column is a row number.
pub(crate) const HEADER: &str = ",date,open,close,high,low,volume,code";

/// Prices and volume of one day.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Bar {
    pub(crate) date: Date,
    /// Open, close, high, low: the order of the course's file.
    pub(crate) prices: [f64; 4],
    /// Lots of 100 shares in mainland China, shares elsewhere. In answers, either.
    pub(crate) volume: f64,
    /// Money paid for the volume, in the currency of the prices.
    pub(crate) amount: Option<f64>,
}

/// Prices and volumes are rounded to 1/10,000, so that written and compared values are equal.
const PARTS: f64 = 1e4;

impl Bar {
    pub(crate) fn new(date: Date, prices: [f64; 4], volume: f64) -> Self {
        Self { date, prices, volume, amount: None }.rounded()
    }

    /// Rounds prices and volume as they are written.
    pub(crate) fn rounded(self) -> Self {
        Self { prices: self.prices.map(rounded), volume: rounded(self.volume), ..self }
    }

    pub(crate) fn close(&self) -> f64 {
        self.prices[1]
    }

    /// Returns whether prices and volume are equal up to rounding.
    ///
    /// The last digits of Yahoo's adjusted prices vary from day to day.
    pub(crate) fn agrees(&self, other: &Self) -> bool {
        self.same_prices(other) && self.same_volume(other)
    }

    pub(crate) fn same_prices(&self, other: &Self) -> bool {
        self.prices.iter().zip(&other.prices).all(|(one, other)| is_same(*one, *other))
    }

    /// Returns whether volumes are equal up to rounding, since Yahoo rounds them.
    fn same_volume(&self, other: &Self) -> bool {
        (self.volume - other.volume).abs() <= 1e-3 * self.volume.abs().max(other.volume.abs())
    }

    /// Describes how a newer bar of the same day differs.
    pub(crate) fn change(&self, now: &Self) -> String {
        let Self { date, prices, volume, .. } = self;
        if !is_same(self.close(), now.close()) {
            return format!("its close of {date} was {}, and now is {}", self.close(), now.close());
        }
        let named =
            ["open", "close", "high", "low"].into_iter().zip(prices.iter().zip(&now.prices));
        match named.into_iter().find(|(_, (one, other))| !is_same(**one, **other)) {
            Some((name, (one, other))) => {
                format!("its {name} of {date} was {one}, and now is {other}")
            }
            None => format!("its volume of {date} was {volume}, and now is {}", now.volume),
        }
    }

    /// Returns whether these prices are impossible: a high below the low, a price of zero or less,
    /// or an open or close outside low..high.
    pub(crate) fn is_impossible(&self) -> bool {
        let [_, _, high, low] = self.prices;
        high < low || self.prices.iter().any(|price| *price <= 0.0) || !self.is_consistent()
    }

    fn is_consistent(&self) -> bool {
        let [open, close, high, low] = self.prices;
        high < low || (low..=high).contains(&open) && (low..=high).contains(&close)
    }
}

fn is_same(one: f64, other: f64) -> bool {
    (one - other).abs() <= 1.1 / PARTS + 1e-6 * one.abs()
}

fn rounded(number: f64) -> f64 {
    // Adding zero turns -0 into 0.
    (number * PARTS).round() / PARTS + 0.0
}

/// Formats a number with up to four decimal places.
fn text(number: f64) -> String {
    let text = format!("{number:.4}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// Rows of a provider's answer.
#[derive(Debug, Default)]
pub(crate) struct Rows {
    pub(crate) bars: Vec<Bar>,
    /// Number of rows without values, which are left out.
    pub(crate) empty: usize,
    /// Description of an answer without bars, if that may mean that none exist.
    pub(crate) absent: Option<String>,
    /// Whether prices are unadjusted although adjusted ones were requested.
    pub(crate) unadjusted: bool,
}

/// Bars by day.
#[derive(Debug, Default)]
pub(crate) struct Bars {
    days: BTreeMap<Date, Bar>,
    /// Number of rows that followed a later day.
    pub(crate) unsorted: usize,
    /// Number of rows that repeated a day with equal values.
    pub(crate) repeated: usize,
}

impl Bars {
    /// Adds bars and drops repeated days; a repeated day with different values is an error.
    pub(crate) fn add(&mut self, bars: impl IntoIterator<Item = Bar>) -> Result<(), String> {
        for bar in bars {
            if let Some(there) = self.days.get(&bar.date) {
                if there.prices != bar.prices {
                    let [one, other] = [there, &bar].map(|bar| bar.prices.map(text).join(" "));
                    return Err(format!(
                        "gave {} twice, with different prices: {one} and {other} (open, close, \
                         high, low)",
                        bar.date
                    ));
                }
                if !there.same_volume(&bar) {
                    let [one, other] = [there, &bar].map(|bar| text(bar.volume));
                    return Err(format!(
                        "gave {} twice, with different volumes: {one} and {other}",
                        bar.date
                    ));
                }
                self.repeated += 1;
                continue;
            }
            self.unsorted +=
                usize::from(self.days.last_key_value().is_some_and(|(last, _)| bar.date < *last));
            self.days.insert(bar.date, bar);
        }
        Ok(())
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.days.is_empty()
    }

    pub(crate) fn into_days(self) -> Vec<Bar> {
        self.days.into_values().collect()
    }
}

/// Returns lines of the CSV file; `first` is the number of the first row.
pub(crate) fn lines(bars: &[Bar], first: usize, code: &str) -> String {
    let line = |(number, bar): (usize, &Bar)| {
        let [open, close, high, low] = bar.prices.map(text);
        format!("{number},{},{open},{close},{high},{low},{},{code}\n", bar.date, text(bar.volume))
    };
    (first..).zip(bars).map(line).collect()
}

/// Describes bars whose open or close is out of range; reading the file does not check that.
pub(crate) fn inconsistent_rows(bars: &[Bar]) -> Option<String> {
    let mut inconsistent = bars.iter().filter(|bar| !bar.is_consistent());
    let first = inconsistent.next()?.date;
    let count = 1 + inconsistent.count();
    Some(format!(
        "open or close is outside low..high in {count} {} (first on {first})",
        if count == 1 { "row" } else { "rows" }
    ))
}

/// Comparison of a file's last days with the provider's current answer.
#[derive(Debug, PartialEq)]
pub(crate) enum Overlap {
    /// Equal; these newer bars follow.
    Same(Vec<Bar>),
    /// The answer lacks this day of the file.
    Gone(Date),
    /// First day that differs: its bar in the file, if any, and its bar in the answer.
    Differs { kept: Option<Bar>, now: Bar },
}

impl Overlap {
    pub(crate) fn of(kept: &[Bar], now: &[Bar]) -> Self {
        let Some(last) = kept.last().map(|bar| bar.date) else { return Self::Same(now.to_vec()) };
        let find = |date: Date| kept.iter().find(|bar| bar.date == date);
        if let Some(gone) = kept.iter().find(|kept| now.iter().all(|bar| bar.date != kept.date)) {
            return Self::Gone(gone.date);
        }
        let differs = now
            .iter()
            .filter(|bar| bar.date <= last)
            .find(|bar| find(bar.date).is_none_or(|kept| !kept.agrees(bar)));
        match differs {
            Some(bar) => Self::Differs { kept: find(bar.date).copied(), now: *bar },
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
    fn numbers_are_written_with_up_to_four_decimals() {
        for (number, expected) in [
            (1_350.599_975_6, "1350.6"),
            (0.1 + 0.2, "0.3"),
            (-1e-9, "0"),
            (100.0, "100"),
            (-3.25, "-3.25"),
            (43775.18, "43775.18"),
        ] {
            assert_eq!(text(rounded(number)), expected);
        }
        assert_eq!(
            lines(&[bar(2, 11.5)], 7, "000001"),
            "7,2024-01-02,10,11.5,12,9,1234.5,000001\n"
        );
    }

    #[test]
    fn days_are_sorted_and_kept_once() {
        let mut bars = Bars::default();
        bars.add([bar(4, 11.0), bar(2, 10.0), bar(4, 11.0)]).unwrap();
        bars.add([bar(3, 10.5), bar(2, 10.0)]).unwrap();
        assert_eq!((bars.unsorted, bars.repeated), (2, 2));
        let error = bars.add([bar(3, 10.6)]).unwrap_err();
        assert!(
            error.contains("2024-01-03 twice") && error.contains("10.5") && error.contains("10.6"),
            "{error}"
        );
        let more = Bar { volume: 1236.0, ..bar(3, 10.5) };
        assert!(
            bars.add([more])
                .unwrap_err()
                .contains("2024-01-03 twice, with different volumes: 1234.5 and 1236")
        );
        assert_eq!(
            bars.into_days().iter().map(|bar| bar.date.day()).collect::<Vec<_>>(),
            [2, 3, 4]
        );
    }

    #[test]
    fn an_overlap_reports_its_first_difference() {
        let kept = [bar(2, 10.0), bar(3, 10.5)];
        assert_eq!(
            Overlap::of(&kept, &[bar(2, 10.0), bar(3, 10.5), bar(4, 11.0)]),
            Overlap::Same(vec![bar(4, 11.0)])
        );
        assert_eq!(Overlap::of(&kept, &kept), Overlap::Same(Vec::new()));
        assert_eq!(
            Overlap::of(&kept, &[bar(3, 10.5), bar(4, 11.0)]),
            Overlap::Gone(date(2024, 1, 2))
        );
        assert_eq!(Overlap::of(&kept, &[]), Overlap::Gone(date(2024, 1, 2)));
        let differs = Overlap::Differs { kept: Some(bar(3, 10.5)), now: bar(3, 10.4) };
        assert_eq!(Overlap::of(&kept, &[bar(2, 10.0), bar(3, 10.4), bar(4, 11.0)]), differs);
        let new_day = [bar(2, 10.0), bar(4, 11.0)];
        let differs = Overlap::Differs { kept: None, now: bar(3, 10.5) };
        assert_eq!(Overlap::of(&new_day, &[bar(2, 10.0), bar(3, 10.5), bar(4, 11.0)]), differs);
    }

    #[test]
    fn volumes_are_compared_up_to_rounding() {
        let with = |volume| Bar { volume, ..bar(2, 10.0) };
        for (one, other, expected) in [
            (1000.0, 1000.9, true),
            (1000.0, 1002.0, false),
            (0.0, 0.0, true),
            (0.0, 1.0, false),
            (1.0, 0.0, false),
        ] {
            assert_eq!(with(one).agrees(&with(other)), expected, "{one} {other}");
        }
        assert_eq!(with(7.0).change(&with(9.0)), "its volume of 2024-01-02 was 7, and now is 9");
        assert_eq!(
            bar(2, 10.0).change(&bar(2, 11.0)),
            "its close of 2024-01-02 was 10, and now is 11"
        );
    }

    #[test]
    fn a_close_above_the_high_is_reported() {
        assert_eq!(
            inconsistent_rows(&[bar(2, 10.0), bar(3, 12.5)]).unwrap(),
            "open or close is outside low..high in 1 row (first on 2024-01-03)"
        );
        assert_eq!(inconsistent_rows(&[bar(2, 10.0)]), None);
    }
}
