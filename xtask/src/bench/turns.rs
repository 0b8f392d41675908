//! Programs run one at a time, in turn, so that a machine whose speed drifts slows all of them down
//! alike; and whether the machine has other things to do.

use std::{thread, time::Duration};

use crate::{process::Finished, progress::Progress, shell::Result};

/// How long the machine is watched before a turn.
const WATCH: Duration = Duration::from_millis(300);
/// A share of the processors that a machine at rest does not exceed.
const REST: f64 = 0.1;

/// The turns of a table.
pub(super) struct Turns {
    progress: Progress,
    done: usize,
    /// Largest share of the processors that others took before a turn.
    others: f64,
}

/// What one program took over all its turns.
#[derive(Default)]
pub(super) struct Measured {
    pub(super) seconds: Vec<f64>,
    pub(super) peak: Option<u64>,
}

impl Turns {
    pub(super) fn new(table: &'static str, turns: usize) -> Self {
        Self { progress: Progress::new(table, turns), done: 0, others: 0.0 }
    }

    /// Takes the next turn.
    pub(super) fn take<T>(&mut self, name: &str, work: impl FnOnce() -> T) -> T {
        self.progress.say(self.done, &format!(", next {name}"));
        self.others = self.others.max(others().unwrap_or_default());
        self.done += 1;
        work()
    }

    /// Gives each program as many turns as there are rounds; every second round goes the other way
    /// round. A turn gives the times that count, and how the program ended.
    pub(super) fn rounds(
        &mut self,
        rounds: usize,
        names: &[String],
        mut turn: impl FnMut(usize) -> Result<(Vec<f64>, Finished)>,
    ) -> Result<Vec<Measured>> {
        let mut measured: Vec<Measured> = names.iter().map(|_| Measured::default()).collect();
        for round in 0..rounds {
            let mut order: Vec<usize> = (0..names.len()).collect();
            if round % 2 == 1 {
                order.reverse();
            }
            for index in order {
                let (seconds, finished) = self.take(&names[index], || turn(index))?;
                measured[index].seconds.extend(seconds);
                measured[index].peak = measured[index].peak.max(finished.peak);
            }
        }
        Ok(measured)
    }

    /// What has to be said under the table when the machine was not quiet: a compiler, say, makes
    /// PyTorch, whose threads wait for each other spinning, many times slower, and all else
    /// somewhat.
    pub(super) fn warning(&self) -> String {
        if self.others <= REST {
            return String::new();
        }
        let percent = 100.0 * self.others;
        format!(
            "\n**Not a quiet machine**: between turns other programs took up to {percent:.0}% of \
             the processors; these figures do not compare.\n"
        )
    }
}

/// Share of the processors that others use while nothing of ours runs; only Linux tells.
fn others() -> Option<f64> {
    let look = || ticks(&fs_err::read_to_string("/proc/stat").ok()?);
    let before = look()?;
    thread::sleep(WATCH);
    Some(busy(before, look()?))
}

/// Share of the time between two looks that was not idle.
fn busy(before: [u64; 2], after: [u64; 2]) -> f64 {
    let [all, idle] = [0, 1].map(|index: usize| after[index].saturating_sub(before[index]));
    if all == 0 { 0.0 } else { 1.0 - idle as f64 / all as f64 }
}

/// Ticks of all processors since the start of the machine, and those that were idle. The first
/// line: user, nice, system, idle, waiting for devices, interrupts (two), stolen by the host; the
/// rest is in `user` already.
fn ticks(text: &str) -> Option<[u64; 2]> {
    let ticks = text.lines().next()?.strip_prefix("cpu ")?.split_whitespace().take(8);
    let ticks: Vec<u64> = ticks.filter_map(|tick| tick.parse().ok()).collect();
    Some([ticks.iter().sum(), ticks.get(3)? + ticks.get(4)?])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_that_is_not_idle_is_busy() {
        let look = |text| ticks(text).unwrap();
        let share = busy(
            look("cpu  100 0 0 800 100 0 0 0 9 9\ncpu0 1"),
            look("cpu  130 10 5 825 125 0 0 5 9 9"),
        );
        assert!((share - 0.5).abs() < 1e-9, "{share}");
        assert!(ticks("").is_none());
        let warning = |others| Turns { others, ..Turns::new("training", 1) }.warning();
        assert!(warning(share).contains("up to 50%") && warning(0.05).is_empty());
    }

    #[test]
    fn every_second_round_goes_the_other_way_round() {
        let (mut turns, mut order) = (Turns::new("training", 6), Vec::new());
        let finished =
            || Finished { seconds: 1.0, peak: Some(7), peak_of_all: None, lines: Vec::new() };
        let names = ["a", "b", "c"].map(str::to_owned);
        let turn = |index| {
            order.push(index);
            Ok((vec![index as f64], finished()))
        };
        let measured = turns.rounds(2, &names, turn).unwrap();
        assert_eq!(order, [0, 1, 2, 2, 1, 0]);
        assert_eq!((&measured[1].seconds[..], measured[1].peak), (&[1.0, 1.0][..], Some(7)));
    }
}
