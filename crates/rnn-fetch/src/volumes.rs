//! Whether volumes count shares or lots of 100, from the amount of money that was paid.

use crate::bars::Bar;

/// Number of shares in a lot of mainland China.
const LOT: f64 = 100.0;
/// Margin of the range of prices: amounts are rounded.
const MARGIN: f64 = 0.01;
/// Fraction of the days that must agree.
const MOST: f64 = 0.9;

/// Unit of volumes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unit {
    Shares,
    Lots,
}

/// Result of the comparison of amounts with prices.
#[derive(Debug, PartialEq)]
pub(crate) enum Found {
    Clear(Unit),
    /// Amounts that are the range of prices in neither unit.
    Unclear,
    /// No day has an amount.
    NoAmounts,
}

/// Returns the unit in which amount / volume is between the low and the high of the day.
pub(crate) fn unit(days: &[Bar]) -> Found {
    let (mut all, mut shares, mut lots) = (0.0, 0.0, 0.0);
    for bar in days {
        let Some(amount) = bar.amount.filter(|amount| *amount > 0.0 && bar.volume > 0.0) else {
            continue;
        };
        let ([_, _, high, low], paid) = (bar.prices, amount / bar.volume);
        let is_between =
            |price: f64| (low * (1.0 - MARGIN)..=high * (1.0 + MARGIN)).contains(&price);
        all += 1.0;
        shares += f64::from(u8::from(is_between(paid)));
        lots += f64::from(u8::from(is_between(paid / LOT)));
    }
    match all {
        0.0 => Found::NoAmounts,
        _ if shares >= MOST * all => Found::Clear(Unit::Shares),
        _ if lots >= MOST * all => Found::Clear(Unit::Lots),
        _ => Found::Unclear,
    }
}

/// Divides volumes in shares by 100.
pub(crate) fn to_lots(days: &mut [Bar], unit: Unit) {
    if unit == Unit::Shares {
        for bar in days {
            *bar = Bar { volume: bar.volume / LOT, ..*bar }.rounded();
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    fn bar(volume: f64, amount: Option<f64>) -> Bar {
        Bar { amount, ..Bar::new(date(2024, 1, 2), [10.0, 11.0, 12.0, 9.0], volume) }
    }

    #[test]
    fn the_unit_follows_from_amount_and_prices() {
        let few = [bar(500.0, Some(5_250.0)), bar(0.0, Some(0.0)), bar(1.0, None)];
        for (days, expected) in [
            (&few[..], Found::Clear(Unit::Shares)),
            (&[bar(5.0, Some(5_250.0))], Found::Clear(Unit::Lots)),
            (&[bar(5.0, Some(52.5)), bar(5.0, Some(5_250.0))], Found::Unclear),
            (&[bar(5.0, Some(1e9))], Found::Unclear),
            (&[bar(5.0, None)], Found::NoAmounts),
            (&[], Found::NoAmounts),
        ] {
            assert_eq!(unit(days), expected, "{days:?}");
        }
    }

    #[test]
    fn shares_become_lots() {
        let mut days = [bar(12_345.0, None)];
        to_lots(&mut days, Unit::Lots);
        assert_eq!(days[0].volume, 12_345.0);
        to_lots(&mut days, Unit::Shares);
        assert_eq!(days[0].volume, 123.45);
    }
}
