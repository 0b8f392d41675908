//! SIGINT and SIGTERM at random moments of a run.

use std::{process::Command, thread, time::Duration};

use super::{Progress, Row, Setup};
use crate::{
    shell::Result,
    survival::{Random, Run, check, same},
};

/// Signals that ask a process to end, with its exit codes.
const WAYS: [(&str, i32); 2] = [("INT", 130), ("TERM", 143)];
/// Time limit for a training to end: one step and one checkpoint.
const SOON: Duration = Duration::from_secs(10);

/// Time after which a process has installed its signal handler.
const EARLY: Duration = Duration::from_millis(200);

pub(super) fn run(setup: &Setup, signals: usize, seed: u64) -> Result<Vec<Row>> {
    let runs = [
        setup.letters(
            "signals-letters",
            &["--epochs", "1500", "--learning-rate", "0.0005", "--seed", "7"],
        ),
        setup.prices("signals-prices", &["--epochs", "25", "--seed", "5"]),
    ];
    let (mut random, mut progress) = (Random::new(seed), Progress::new("signals", signals));
    let (mut sent, mut ends, mut slowest) = (0, 0, Duration::ZERO);
    for (whole, goal) in runs.iter().zip([signals / 2, signals]) {
        let life = whole.train(&[])?;
        let run = whole.in_folder(whole.folder.with_extension("signalled"));
        while sent < goal {
            while let Some(took) = once(&run, sent, random.within(life))? {
                slowest = slowest.max(took);
                sent += 1;
                progress.done(sent, &format!(" ({})", run.experiment));
            }
            same(&whole.results(), &run.results())?;
            fs_err::remove_dir_all(&run.folder)?;
            ends += 1;
        }
    }
    let slowest = slowest.as_secs_f64();
    let figure = format!(
        "{sent} signals, at most {slowest:.2} s to the end of the process; {ends} runs ended with \
         the same bytes"
    );
    Ok(vec![Row { promise: "SIGINT and SIGTERM save and end with 130 and 143", figure }])
}

/// Resumes a run and sends it a signal. Returns the time it took to end, or `None` if it finished
/// by itself.
fn once(run: &Run, number: usize, delay: Duration) -> Result<Option<Duration>> {
    let (name, code) = WAYS[number % WAYS.len()];
    let mut child = run.start(&[])?;
    thread::sleep(delay);
    if let Some(status) = child.try_wait()? {
        return if status.success() {
            Ok(None)
        } else {
            Err(format!("it ended with {status}: {}", run.stderr()).into())
        };
    }
    let sent = std::time::Instant::now();
    let status = Command::new("kill").args([&format!("-{name}"), &child.id().to_string()]).status();
    status?;
    let ended = run.end(child)?;
    check(&run.results())?;
    run.evaluate()?;
    match ended.code {
        Some(0) => Ok(None),
        Some(found) if found == code && sent.elapsed() < SOON => Ok(Some(sent.elapsed())),
        // It had not started to train, and ended by the signal itself.
        None if delay < EARLY => Ok(Some(sent.elapsed())),
        found => Err(format!(
            "after SIG{name} it ended with {found:?} in {:.1} s, expected {code}: {}",
            sent.elapsed().as_secs_f64(),
            ended.stderr
        )
        .into()),
    }
}
