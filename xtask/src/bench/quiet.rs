//! Whether the machine has other things to do.

use std::{fs, thread, time::Duration};

/// How long the machine is watched.
const WATCH: Duration = Duration::from_millis(300);
/// A share of the processors that a machine at rest does not exceed.
const REST: f64 = 0.1;

/// Share of the processors that others use while nothing of ours runs; only Linux tells.
pub(super) fn others() -> Option<f64> {
    let before = times()?;
    thread::sleep(WATCH);
    Some(busy(before, times()?))
}

/// A warning for a table that was measured beside other work: a compiler, say, makes PyTorch, whose threads wait for each other spinning,
/// many times slower, and everything else somewhat.
pub(super) fn warning(share: f64) -> String {
    if share <= REST {
        return String::new();
    }
    let percent = 100.0 * share;
    format!(
        "\n**Not a quiet machine**: between turns other programs took up to {percent:.0}% of the processors; these figures do not compare.\n"
    )
}

/// Share of the time between two looks that was not idle.
fn busy(before: Times, after: Times) -> f64 {
    let (total, idle) = (after.total.saturating_sub(before.total), after.idle.saturating_sub(before.idle));
    if total == 0 { 0.0 } else { 1.0 - idle as f64 / total as f64 }
}

/// Ticks of all processors since the start of the machine.
#[derive(Clone, Copy)]
struct Times {
    total: u64,
    idle: u64,
}

fn times() -> Option<Times> {
    parse(&fs::read_to_string("/proc/stat").ok()?)
}

/// The first line: user, nice, system, idle, waiting for devices, interrupts (two), stolen by the host; the rest is in `user` already.
fn parse(text: &str) -> Option<Times> {
    let ticks: Vec<u64> =
        text.lines().next()?.strip_prefix("cpu ")?.split_whitespace().take(8).filter_map(|tick| tick.parse().ok()).collect();
    Some(Times { total: ticks.iter().sum(), idle: ticks.get(3)? + ticks.get(4)? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_idle_is_busy() {
        let look = |text| parse(text).unwrap();
        let share = busy(look("cpu  100 0 0 800 100 0 0 0 9 9\ncpu0 1"), look("cpu  130 10 5 825 125 0 0 5 9 9"));
        assert!((share - 0.5).abs() < 1e-9, "{share}");
        assert!(parse("").is_none());
        assert!(warning(share).contains("up to 50%") && warning(0.05).is_empty());
    }
}
