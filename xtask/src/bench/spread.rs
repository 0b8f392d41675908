//! Several measurements of one thing.

/// Median and both ends.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Spread {
    pub(super) median: f64,
    pub(super) least: f64,
    pub(super) most: f64,
}

impl Spread {
    /// Sums up some values; `None` without any.
    pub(super) fn of(values: &[f64]) -> Option<Self> {
        let mut sorted = values.to_vec();
        sorted.sort_by(f64::total_cmp);
        let middle = sorted.len() / 2;
        let (&least, &most) = (sorted.first()?, sorted.last()?);
        let median = if sorted.len().is_multiple_of(2) { (sorted[middle - 1] + sorted[middle]) / 2.0 } else { sorted[middle] };
        Some(Self { median, least, most })
    }

    /// Both ends, for a table.
    pub(super) fn range(&self) -> String {
        format!("{} to {}", number(self.least), number(self.most))
    }
}

/// A value with three digits that count.
pub(super) fn number(value: f64) -> String {
    let magnitude = if value == 0.0 { 0.0 } else { value.abs().log10().floor() };
    let digits = (2.0 - magnitude).clamp(0.0, 9.0) as usize;
    format!("{value:.digits$}")
}

/// A number of things, by their name for one.
pub(super) fn count(number: usize, name: &str) -> String {
    format!("{number} {name}{}", if number == 1 { "" } else { "s" })
}

/// Bytes in MiB, or a dash where nobody knows.
pub(super) fn mebibytes(bytes: Option<u64>) -> String {
    bytes.map_or_else(|| "-".to_owned(), |bytes| format!("{} MiB", bytes / (1 << 20)))
}

/// A time as a multiple of ours, or a dash where ours was not measured.
pub(super) fn ratio(seconds: f64, ours: Option<f64>) -> String {
    ours.map_or_else(|| "-".to_owned(), |ours| format!("{:.2}", seconds / ours))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spread_has_the_median_and_both_ends() {
        assert_eq!(Spread::of(&[]), None);
        assert_eq!(Spread::of(&[3.0, 1.0, 2.0]), Some(Spread { median: 2.0, least: 1.0, most: 3.0 }));
        assert_eq!(Spread::of(&[1.0, 4.0, 2.0, 3.0]).map(|spread| spread.median), Some(2.5));
    }

    #[test]
    fn numbers_keep_three_digits() {
        assert_eq!([0.01234, 1.234, 12.34, 123.4, 1234.0].map(number), ["0.0123", "1.23", "12.3", "123", "1234"]);
    }
}
