//! How far a task has got, and about how long it still takes.

use std::time::{Duration, Instant};

use crate::shell::say;

pub(crate) struct Progress {
    what: &'static str,
    all: usize,
    started: Instant,
    said: Option<Instant>,
}

/// How often a line is said.
const EVERY: Duration = Duration::from_secs(10);

impl Progress {
    pub(crate) fn new(what: &'static str, all: usize) -> Self {
        Self { what, all, started: Instant::now(), said: None }
    }

    /// Says how many are done, but not too often.
    pub(crate) fn done(&mut self, done: usize, details: &str) {
        if done == self.all || self.said.unwrap_or(self.started).elapsed() >= EVERY {
            self.say(done, details);
        }
    }

    /// Says how many are done.
    pub(crate) fn say(&mut self, done: usize, details: &str) {
        self.said = Some(Instant::now());
        let spent = self.started.elapsed().as_secs_f64();
        let left = spent / done.max(1) as f64 * self.all.saturating_sub(done) as f64;
        let left = if done == 0 { String::new() } else { format!(", about {left:.0} s left") };
        say(&format!("  {done} of {} {}{details} ({spent:.0} s{left})", self.all, self.what));
    }
}
