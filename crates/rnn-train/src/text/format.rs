//! Formats of numbers, durations and counts.

use rnn_models::thousands;

/// A MASE for a table.
pub(crate) fn multiple(mase: Option<f64>) -> String {
    mase.map_or_else(|| "-".to_owned(), |mase| format!("{mase:.3}"))
}

/// A fraction for a table, in percent.
pub(crate) fn percent(fraction: Option<f64>) -> String {
    fraction.map_or_else(|| "-".to_owned(), |fraction| format!("{:.1}%", 100.0 * fraction))
}

/// A value for a table: three decimals, and more significant digits for small values.
pub(crate) fn number(value: f64) -> String {
    match value.abs() {
        0.0 => "0".to_owned(),
        size if size < 0.01 => format!("{value:.3e}"),
        size if size < 1.0 => format!("{value:.5}"),
        size if size < 1e6 => format!("{value:.3}"),
        _ => format!("{value:.4e}"),
    }
}

/// A duration in seconds: `0.31 s`, `4m 05s`, `1h 02m`.
pub(crate) fn duration(seconds: f64) -> String {
    let whole = seconds.round() as u64;
    match whole {
        0..10 => format!("{seconds:.2} s"),
        10..60 => format!("{seconds:.0} s"),
        60..3600 => format!("{}m {:02}s", whole / 60, whole % 60),
        _ => format!("{}h {:02}m", whole / 3600, whole % 3600 / 60),
    }
}

/// A count with its noun: `2,426 rows`.
pub(crate) fn count(number: usize, thing: &str) -> String {
    format!("{} {thing}{}", thousands(number), if number == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_units() {
        assert_eq!(
            [0.314, 12.4, 245.0, 3725.0].map(duration),
            ["0.31 s", "12 s", "4m 05s", "1h 02m"]
        );
    }

    #[test]
    fn small_numbers_keep_significant_digits() {
        assert_eq!(
            [0.0, 0.0012345, 0.123456, 12.3456, 1.5e7].map(number),
            ["0", "1.234e-3", "0.12346", "12.346", "1.5000e7"]
        );
    }
}
