//! Whose turn it is, and how long it will take.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use super::quiet;
use crate::shell::say;

/// Tells on stderr what runs and about how long the rest of a table takes.
pub(super) struct Turns {
    table: &'static str,
    names: Vec<String>,
    /// How long a turn of this name took the last time.
    known: HashMap<String, Duration>,
    done: usize,
    /// Largest share of the processors that others took before a turn.
    others: f64,
}

impl Turns {
    /// Turns of these names, in this order.
    pub(super) fn new(table: &'static str, names: Vec<String>) -> Self {
        Self { table, names, known: HashMap::new(), done: 0, others: 0.0 }
    }

    /// Takes the next turn.
    pub(super) fn take<T>(&mut self, work: impl FnOnce() -> T) -> T {
        let name = self.names.get(self.done).cloned().unwrap_or_default();
        let left = self.left().map_or_else(String::new, |left| format!(" (about {} left)", rough(left)));
        say(&format!("{} {}/{}: {name}{left}", self.table, self.done + 1, self.names.len()));
        self.others = self.others.max(quiet::others().unwrap_or_default());
        let started = Instant::now();
        let result = work();
        self.known.insert(name, started.elapsed());
        self.done += 1;
        result
    }

    /// What has to be said under the table when the machine was not quiet.
    pub(super) fn warning(&self) -> String {
        quiet::warning(self.others)
    }

    /// Turns not taken yet, each as long as the last time, or as the mean of all others.
    fn left(&self) -> Option<Duration> {
        let mean = self.known.values().sum::<Duration>().checked_div(u32::try_from(self.known.len()).ok()?)?;
        Some(self.names[self.done.min(self.names.len())..].iter().map(|name| self.known.get(name).copied().unwrap_or(mean)).sum())
    }
}

fn rough(left: Duration) -> String {
    match left.as_secs() {
        seconds @ 0..90 => format!("{seconds} s"),
        seconds => format!("{} min", (seconds + 30) / 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_is_known_from_the_round_before() {
        let names = ["a", "b", "a", "b"].map(str::to_owned).to_vec();
        let known = HashMap::from([("a".to_owned(), Duration::from_secs(10)), ("b".to_owned(), Duration::from_secs(30))]);
        let turns = Turns { table: "training", names, known, done: 2, others: 0.0 };
        assert_eq!(turns.left(), Some(Duration::from_secs(40)));
        assert_eq!(rough(Duration::from_secs(89)), "89 s");
        assert_eq!(rough(Duration::from_secs(170)), "3 min");
    }
}
