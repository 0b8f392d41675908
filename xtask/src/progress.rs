//! Progress of a task, with an estimate of the remaining time.

use std::time::{Duration, Instant};

use crate::shell::say;

pub(crate) struct Progress {
    what: &'static str,
    all: usize,
    started: Instant,
    printed: Option<Instant>,
}

/// Interval between two lines.
const EVERY: Duration = Duration::from_secs(10);

impl Progress {
    pub(crate) fn new(what: &'static str, all: usize) -> Self {
        Self { what, all, started: Instant::now(), printed: None }
    }

    /// Prints the number of finished items, at most once per interval.
    pub(crate) fn done(&mut self, done: usize, details: &str) {
        if done == self.all || self.printed.unwrap_or(self.started).elapsed() >= EVERY {
            self.say(done, details);
        }
    }

    /// Prints the number of finished items.
    pub(crate) fn say(&mut self, done: usize, details: &str) {
        self.printed = Some(Instant::now());
        let spent = self.started.elapsed().as_secs_f64();
        let left = spent / done.max(1) as f64 * self.all.saturating_sub(done) as f64;
        let left = if done == 0 { String::new() } else { format!(", about {left:.0} s left") };
        say(&format!("  {done} of {} {}{details} ({spent:.0} s{left})", self.all, self.what));
    }
}
