use std::{
    io::{self, Write},
    time::{Duration, Instant},
};

use serde_json::Value;

/// Calls nobody counts go on for at least this long: clocks rise, pages and buffers are there.
const WARM_UP: Duration = Duration::from_millis(300);
/// Beyond the least number of calls, calls go on for this long.
const BUDGET: Duration = Duration::from_secs(1);
const MOST_REPEATS: usize = 200;

/// How long one call took, over several.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Timing {
    /// Median, seconds.
    pub median: f64,
    /// Fastest call, seconds.
    pub fastest: f64,
    /// Slowest call, seconds.
    pub slowest: f64,
    /// Number of calls.
    pub repeats: usize,
}

impl Timing {
    /// Sums up the seconds of several calls.
    ///
    /// # Panics
    ///
    /// When there are none.
    pub fn of(mut seconds: Vec<f64>) -> Self {
        seconds.sort_by(f64::total_cmp);
        let (repeats, middle) = (seconds.len(), seconds.len() / 2);
        let median = if repeats.is_multiple_of(2) { (seconds[middle - 1] + seconds[middle]) / 2.0 } else { seconds[middle] };
        Self { median, fastest: seconds[0], slowest: seconds[repeats - 1], repeats }
    }
}

/// Times a call, at least `least` times (and at least once) after a warm-up; more often when it is quick.
pub fn time(least: usize, mut call: impl FnMut()) -> Timing {
    let started = Instant::now();
    loop {
        call();
        if started.elapsed() >= WARM_UP {
            break;
        }
    }
    let (mut seconds, started) = (Vec::new(), Instant::now());
    while seconds.len() < least.max(1) || (seconds.len() < MOST_REPEATS && started.elapsed() < BUDGET) {
        let call_started = Instant::now();
        call();
        seconds.push(call_started.elapsed().as_secs_f64());
    }
    Timing::of(seconds)
}

/// Prints one line of results.
///
/// # Errors
///
/// When nobody reads standard output.
pub fn report(values: &Value) -> io::Result<()> {
    let mut output = io::stdout().lock();
    writeln!(output, "{values}")?;
    output.flush()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timing_has_the_median_and_both_ends() {
        assert_eq!(Timing::of(vec![3.0, 1.0, 2.0]), Timing { median: 2.0, fastest: 1.0, slowest: 3.0, repeats: 3 });
        assert_eq!(Timing::of(vec![4.0, 1.0, 2.0, 3.0]).median, 2.5);
    }

    #[test]
    fn a_call_is_timed_as_often_as_asked_for() {
        assert!(time(10, || {}).repeats >= 10);
    }
}
