//! How far a phase has got, and about how long it still takes.

use std::time::{Duration, Instant};

use crate::shell::say;

pub(super) struct Progress {
    what: &'static str,
    all: usize,
    started: Instant,
    said: Instant,
}

/// How often a line is said.
const EVERY: Duration = Duration::from_secs(10);

impl Progress {
    pub(super) fn new(what: &'static str, all: usize) -> Self {
        let now = Instant::now();
        Self { what, all, started: now, said: now }
    }

    /// So many are done.
    pub(super) fn done(&mut self, done: usize, details: &str) {
        if self.said.elapsed() < EVERY && done < self.all {
            return;
        }
        self.said = Instant::now();
        let spent = self.started.elapsed().as_secs_f64();
        let left = spent / done.max(1) as f64 * self.all.saturating_sub(done) as f64;
        say(&format!("  {done} of {} {}{details} ({spent:.0} s, about {left:.0} s left)", self.all, self.what));
    }
}
