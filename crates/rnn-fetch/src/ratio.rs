//! Forward adjustment by ratios, from unadjusted and backward-adjusted prices.
//!
//! Tencent and EastMoney adjust by `k * price + c`: splits change `k`, dividends change `c`. Their
//! prices therefore have wrong ratios, and forward-adjusted ones become negative. Between two
//! dividends `k` and `c` are constant, so both follow from the prices. At each dividend they give
//! the price that continues the close of the day before. All earlier prices are multiplied by that
//! price over the close. If `c` is 0, the result is the backward-adjusted price, scaled to the last
//! unadjusted close.

use crate::bars::Bar;

/// Largest difference of a price from the line of its segment, in units of the last decimal place.
const TOLERANCE: f64 = 1.5;
/// Smallest range of prices that determines the slope of a line, in the same units.
const RANGE: f64 = 20.0;
/// Range of plausible factors of a dividend or a split.
const FACTORS: std::ops::RangeInclusive<f64> = 0.01..=20.0;

/// Least-squares line through pairs of an unadjusted and an adjusted price.
#[derive(Debug, Clone, Default)]
struct Line {
    count: f64,
    /// Means of both prices.
    x: f64,
    y: f64,
    /// Sums of products of the differences from the means.
    xx: f64,
    xy: f64,
    /// Lowest and highest adjusted price.
    range: Option<[f64; 2]>,
}

impl Line {
    fn push(&mut self, x: f64, y: f64) {
        self.count += 1.0;
        let from_mean = x - self.x;
        self.x += from_mean / self.count;
        self.y += (y - self.y) / self.count;
        self.xx += from_mean * (x - self.x);
        self.xy += from_mean * (y - self.y);
        let [low, high] = self.range.unwrap_or([y, y]);
        self.range = Some([low.min(y), high.max(y)]);
    }

    fn with(&self, raw: &Bar, adjusted: &Bar) -> Self {
        let mut line = self.clone();
        raw.prices.iter().zip(&adjusted.prices).for_each(|(x, y)| line.push(*x, *y));
        line
    }

    /// Returns the slope; if all prices are about equal, that of a line through zero.
    fn slope(&self, place: f64) -> f64 {
        let is_wide = self.range.is_some_and(|[low, high]| high - low >= RANGE * place);
        if is_wide && self.xx > 0.0 { self.xy / self.xx } else { self.y / self.x }
    }

    fn adjusted(&self, x: f64, place: f64) -> f64 {
        self.y + self.slope(place) * (x - self.x)
    }

    fn unadjusted(&self, y: f64, place: f64) -> f64 {
        self.x + (y - self.y) / self.slope(place)
    }

    fn fits(&self, raw: &Bar, adjusted: &Bar, place: f64) -> bool {
        let mut pairs = raw.prices.iter().zip(&adjusted.prices);
        // A line through two prices always fits, and falls across a dividend.
        self.slope(place) > 0.0
            && pairs.all(|(x, y)| (self.adjusted(*x, place) - y).abs() <= TOLERANCE * place)
    }
}

/// Returns forward-adjusted bars: the newest are unchanged, older ones are multiplied.
///
/// # Shapes
///
/// - `raw`, `adjusted`: the same days, in ascending order
///
/// # Errors
///
/// A message if the days differ, or if prices do not follow from each other.
pub(crate) fn forward(raw: &[Bar], adjusted: &[Bar]) -> Result<Vec<Bar>, String> {
    same_days(raw, adjusted)?;
    let (place, tick) = (last_place(adjusted), last_place(raw));
    let segments = segments(raw, adjusted, place);
    let mut bars = raw.to_vec();
    let mut factor = 1.0;
    for pair in segments.windows(2) {
        let ([newer, older], last) = ([&pair[0].1, &pair[1].1], pair[1].0.end - 1);
        let close = raw[last].close();
        let expected = newer.unadjusted(older.adjusted(close, place), place);
        // Exchanges round the price that continues a close. Rounding also removes the errors of
        // the lines, so the factor stays the same when days are added.
        let one = (expected / tick + ROUND).floor() * tick / close;
        if !FACTORS.contains(&one) || newer.slope(place) <= 0.0 {
            return Err(format!(
                "expected unadjusted and backward-adjusted prices that fit each other, got \
                 a factor of {one:.4} after {}",
                raw[last].date
            ));
        }
        factor *= one;
        let segment = pair[1].0.clone();
        for bar in &mut bars[segment] {
            *bar = Bar { prices: bar.prices.map(|price| price * factor), ..*bar }.rounded();
        }
    }
    Ok(bars)
}

/// Half of a tick, and a little more: the lines are off by less than that.
const ROUND: f64 = 0.55;

fn same_days(raw: &[Bar], adjusted: &[Bar]) -> Result<(), String> {
    let is_in = |bars: &[Bar], bar: &Bar| bars.binary_search_by_key(&bar.date, |b| b.date).is_ok();
    let only = |ones: &[Bar], others: &[Bar]| {
        ones.iter().find(|bar| !is_in(others, bar)).map(|bar| bar.date)
    };
    let first = [only(raw, adjusted), only(adjusted, raw)].into_iter().flatten().min();
    first.map_or(Ok(()), |first| {
        Err(format!(
            "gave {} days of unadjusted prices and {} of backward-adjusted ones, expected the \
             same days; the first that differs is {first}",
            raw.len(),
            adjusted.len()
        ))
    })
}

/// Returns the days with the same `k` and `c` with their line, the newest first.
fn segments(raw: &[Bar], adjusted: &[Bar], place: f64) -> Vec<(std::ops::Range<usize>, Line)> {
    let mut segments: Vec<(std::ops::Range<usize>, Line)> = Vec::new();
    for (day, (raw, adjusted)) in raw.iter().zip(adjusted).enumerate().rev() {
        if let Some((days, line)) = segments.last_mut() {
            let longer = line.with(raw, adjusted);
            if longer.fits(raw, adjusted, place) {
                (days.start, *line) = (day, longer);
                continue;
            }
        }
        segments.push((day..day + 1, Line::default().with(raw, adjusted)));
    }
    segments
}

/// Returns the unit of the last decimal place of all prices: 0.01, 0.001 or 0.0001.
fn last_place(bars: &[Bar]) -> f64 {
    let is_whole = |number: f64| (number - number.round()).abs() < 1e-3;
    let fits = |place: f64| bars.iter().flat_map(|bar| bar.prices).all(|p| is_whole(p / place));
    [0.01, 0.001].into_iter().find(|place| fits(*place)).unwrap_or(0.0001)
}

#[cfg(test)]
mod tests {
    use jiff::{ToSpan, civil::date};

    use super::*;

    /// A dividend or a split before the trading of a day.
    #[derive(Clone, Copy)]
    struct Event {
        day: usize,
        dividend: f64,
        /// Number of shares for one.
        shares: f64,
    }

    const EVENTS: [Event; 4] = [
        Event { day: 60, dividend: 0.53, shares: 1.0 },
        Event { day: 130, dividend: 0.2, shares: 1.5 },
        Event { day: 200, dividend: 1.125, shares: 1.0 },
        Event { day: 290, dividend: 2.0, shares: 1.0 },
    ];

    fn round(number: f64, place: f64) -> f64 {
        (number / place).round() * place
    }

    /// Returns unadjusted bars, backward-adjusted bars, and the factor of every day.
    fn history(events: &[Event], is_additive: bool, place: f64) -> (Vec<Bar>, Vec<Bar>, Vec<f64>) {
        let (mut raw, mut adjusted, mut steps) = (Vec::new(), Vec::new(), vec![1.0; 300]);
        let (mut level, mut k, mut c) = (20.0_f64, 1.0, 0.0);
        for day in 0..300 {
            let time = day as f64;
            level *= 1.008;
            if let Some(event) = events.iter().find(|event| event.day == day) {
                let before: f64 = raw.last().map(Bar::close).unwrap();
                let after = (before - event.dividend) / event.shares;
                steps[day - 1] = round(after + 1e-9, 0.01) / before;
                if is_additive {
                    (k, c) = (k * event.shares, c + k * event.dividend);
                } else {
                    k *= before / after;
                }
                level *= after / before;
            }
            let at = |shift: f64| round(level * (1.0 + 0.1 * (time / 9.0 + shift).sin()), 0.01);
            let [open, close] = [at(0.0), at(0.4)];
            let prices = [open, close, round(open.max(close) + 0.11, 0.01), open.min(close) - 0.07];
            let date = date(2020, 1, 1) + i64::try_from(day).unwrap().days();
            raw.push(Bar::new(date, prices, 7.0));
            adjusted.push(Bar::new(date, prices.map(|price| round(k * price + c, place)), 7.0));
        }
        let mut factors = steps;
        for day in (0..factors.len() - 1).rev() {
            factors[day] *= factors[day + 1];
        }
        (raw, adjusted, factors)
    }

    fn check(bars: &[Bar], raw: &[Bar], factors: &[f64]) {
        for ((bar, raw), factor) in bars.iter().zip(raw).zip(factors) {
            for (price, raw) in bar.prices.iter().zip(raw.prices) {
                assert!((price - raw * factor).abs() < 2e-4, "{bar:?} {raw} {factor}");
            }
        }
    }

    #[test]
    fn additive_and_multiplicative_prices_give_the_same_ratios() {
        for (is_additive, place) in [(true, 0.001), (true, 0.01), (false, 0.001), (false, 0.01)] {
            let (raw, adjusted, factors) = history(&EVENTS, is_additive, place);
            let bars = forward(&raw, &adjusted).unwrap();
            check(&bars, &raw, &factors);
            assert_eq!(bars[290..], raw[290..], "the newest prices are unchanged");
            assert!(bars.iter().all(|bar| bar.volume == 7.0));
        }
    }

    #[test]
    fn multiplicative_prices_are_scaled_to_the_last_close() {
        let (raw, adjusted, _) = history(&EVENTS, false, 0.001);
        let scale = raw[299].close() / adjusted[299].close();
        for (bar, adjusted) in forward(&raw, &adjusted).unwrap().iter().zip(&adjusted) {
            let expected = adjusted.close() * scale;
            assert!((bar.close() / expected - 1.0).abs() < 2e-3, "{bar:?} {expected}");
        }
    }

    #[test]
    fn a_history_of_large_dividends_stays_positive() {
        let events: Vec<Event> =
            (1..9).map(|year| Event { day: 33 * year, dividend: 4.0, shares: 1.0 }).collect();
        let (raw, adjusted, factors) = history(&events, true, 0.001);
        let paid: f64 = events.iter().map(|event| event.dividend).sum();
        assert!(raw[0].close() - paid < 0.0, "additive prices would be negative");
        let bars = forward(&raw, &adjusted).unwrap();
        check(&bars, &raw, &factors);
        assert!(bars.iter().all(|bar| bar.prices.iter().all(|price| *price > 0.0)));
    }

    #[test]
    fn the_last_days_alone_give_the_same_prices() {
        let (raw, adjusted, _) = history(&EVENTS, true, 0.001);
        let whole = forward(&raw, &adjusted).unwrap();
        for first in [0, 150, 270, 280] {
            assert_eq!(forward(&raw[first..], &adjusted[first..]).unwrap(), whole[first..]);
        }
    }

    #[test]
    fn days_at_one_price_are_adjusted_too() {
        let bar = |day, price: f64| Bar::new(date(2024, 1, day), [price; 4], 1.0);
        let raw = [bar(2, 10.0), bar(3, 10.0), bar(4, 5.5)];
        let adjusted = [bar(2, 10.0), bar(3, 10.0), bar(4, 11.0)];
        let closes: Vec<f64> = forward(&raw, &adjusted).unwrap().iter().map(Bar::close).collect();
        assert_eq!(closes, [5.0, 5.0, 5.5]);
        assert_eq!(forward(&raw, &raw).unwrap(), raw);
    }

    #[test]
    fn prices_that_do_not_fit_are_refused() {
        let bar = |day, close: f64| Bar::new(date(2024, 1, day), [close; 4], 1.0);
        let raw = [bar(2, 10.0), bar(3, 11.0)];
        for (adjusted, expected) in [
            (vec![bar(2, 10.0)], "the first that differs is 2024-01-03"),
            (vec![bar(2, 10.0), bar(4, 11.0)], "the first that differs is 2024-01-03"),
            (vec![bar(2, 10.0), bar(3, -1000.0)], "that fit each other, got a factor of"),
            (vec![bar(2, 0.0), bar(3, 0.0)], "that fit each other, got a factor of NaN"),
        ] {
            let problem = forward(&raw, &adjusted).unwrap_err();
            assert!(problem.contains(expected), "expected {expected} in {problem}");
        }
    }
}
