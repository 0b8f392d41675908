//! Runs programs one at a time, in turn, so that drifts of the machine's speed affect all of them
//! alike. It also checks whether the machine is idle.

use std::{thread, time::Duration};

use crate::{process::Finished, progress::Progress, shell::Result};

/// Time for which the machine is observed before a turn.
const WATCH: Duration = Duration::from_millis(300);
/// Largest CPU fraction in use on an idle machine.
const REST: f64 = 0.1;

/// The turns of a table.
pub(super) struct Turns {
    progress: Progress,
    done: usize,
    /// Largest CPU fraction that other programs used before a turn.
    others: f64,
}

/// Times and memory of one program over all its turns.
#[derive(Default)]
pub(super) struct Measured {
    pub(super) seconds: Vec<f64>,
    pub(super) peak: Option<u64>,
}

impl Turns {
    pub(super) fn new(table: &'static str, turns: usize) -> Self {
        Self { progress: Progress::new(table, turns), done: 0, others: 0.0 }
    }

    /// Runs the next turn.
    pub(super) fn take<T>(&mut self, name: &str, work: impl FnOnce() -> T) -> T {
        self.progress.say(self.done, &format!(", next {name}"));
        self.others = self.others.max(others().unwrap_or_default());
        self.done += 1;
        work()
    }

    /// Runs each program once per round; every second round is in reverse order. A turn returns its
    /// times and the finished program.
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

    /// Warning under the table if the machine was not idle. A compiler in the background makes
    /// PyTorch many times slower, because its threads spin while waiting. All others become
    /// somewhat slower.
    pub(super) fn warning(&self) -> String {
        if self.others <= REST {
            return String::new();
        }
        let percent = 100.0 * self.others;
        format!(
            "\n**The machine was not idle**: between turns other programs used up to {percent:.0}% \
             of the CPUs; these figures are not comparable.\n"
        )
    }
}

/// CPU fraction that other programs use while none of ours runs; only known on Linux.
fn others() -> Option<f64> {
    let look = || ticks(&fs_err::read_to_string("/proc/stat").ok()?);
    let before = look()?;
    thread::sleep(WATCH);
    Some(busy(before, look()?))
}

/// Fraction of the time between two samples that was not idle.
fn busy(before: [u64; 2], after: [u64; 2]) -> f64 {
    let [all, idle] = [0, 1].map(|index: usize| after[index].saturating_sub(before[index]));
    if all == 0 { 0.0 } else { 1.0 - idle as f64 / all as f64 }
}

/// Ticks of all CPUs since boot, and the idle ones. The first line: user, nice, system, idle,
/// waiting for devices, interrupts (two), stolen by the host; the rest is in `user` already.
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
        let fraction = busy(
            look("cpu  100 0 0 800 100 0 0 0 9 9\ncpu0 1"),
            look("cpu  130 10 5 825 125 0 0 5 9 9"),
        );
        assert!((fraction - 0.5).abs() < 1e-9, "{fraction}");
        assert!(ticks("").is_none());
        let warning = |others| Turns { others, ..Turns::new("training", 1) }.warning();
        assert!(warning(fraction).contains("up to 50%") && warning(0.05).is_empty());
    }

    #[test]
    fn every_second_round_is_in_reverse_order() {
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
