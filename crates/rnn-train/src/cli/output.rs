//! Output: results go to stdout, everything else to stderr.

use std::{
    fmt::Display,
    io::{self, Write},
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use rnn_files::shortened;
use serde::Serialize;

use super::flags::{note_on, with_flags};
use crate::{
    error::{Error, Result},
    panics::{caught, keep_quiet},
};

/// Most letters of a message: a name in it may be as long as a file.
const LONGEST: usize = 4000;

static OUTPUT_ERROR: Mutex<Option<String>> = Mutex::new(None);
static MUTED: AtomicBool = AtomicBool::new(false);

/// Replaces control characters, which column names and answers of servers may contain.
fn harmless(text: impl Display) -> String {
    text.to_string()
        .replace(|letter: char| letter.is_control() && !"\n\t".contains(letter), "\u{fffd}")
}

/// Writes a line of results. A closed pipe (`| head`) is no error; any other failure fails the
/// command at its end.
pub(crate) fn out(line: impl Display) {
    if MUTED.load(Ordering::Relaxed) {
        return;
    }
    if let Err(error) = writeln!(io::stdout(), "{}", harmless(line))
        && error.kind() != io::ErrorKind::BrokenPipe
    {
        let _ = output_error().get_or_insert(error.to_string());
    }
}

/// Runs a function without writing its results.
pub(crate) fn muted<T>(run: impl FnOnce() -> T) -> T {
    MUTED.store(true, Ordering::Relaxed);
    let result = run();
    MUTED.store(false, Ordering::Relaxed);
    result
}

/// Writes one JSON document of results.
pub(crate) fn json(value: &impl Serialize) {
    match serde_json::to_string_pretty(value) {
        Ok(text) => out(text),
        Err(error) => drop(output_error().get_or_insert(error.to_string())),
    }
}

/// Writes a line of progress to stderr.
pub(crate) fn progress(line: impl Display) {
    message("", line);
}

/// Writes a note to stderr.
pub(crate) fn note(line: impl Display) {
    message("note: ", line);
}

fn message(prefix: &str, line: impl Display) {
    let _ = writeln!(io::stderr(), "{prefix}{}", shortened(&harmless(line), LONGEST));
}

/// Writes a message, and whose flags its advice names if the running command lacks them.
fn advice(prefix: &str, text: impl Display) {
    let text = text.to_string();
    message(prefix, &text);
    if let Some(foreign) = note_on(&text) {
        note(foreign);
    }
}

/// Prints the log messages of this program's crates.
struct Logger;

impl log::Log for Logger {
    fn enabled(&self, metadata: &log::Metadata<'_>) -> bool {
        metadata.level() <= log::Level::Info && metadata.target().starts_with("rnn_")
    }

    fn log(&self, record: &log::Record<'_>) {
        if self.enabled(record.metadata()) {
            match record.level() {
                _ if record.target().ends_with("::progress") => progress(record.args()),
                log::Level::Error => advice("error: ", record.args()),
                log::Level::Warn => advice("warning: ", with_flags(&record.args().to_string())),
                _ => note(record.args()),
            }
        }
    }

    fn flush(&self) {}
}

/// Prints log messages of this program's crates to stderr. A program that uses the library keeps
/// its own logger.
pub(crate) fn log_to_stderr() {
    if log::set_logger(&Logger).is_ok() {
        log::set_max_level(log::LevelFilter::Info);
    }
}

/// Writes an error.
pub(crate) fn error(error: &Error) {
    match error {
        Error::Interrupted { .. } => progress(error),
        Error::Data(_) | Error::Panel(_) | Error::NoneGood(_) => {
            advice("error: ", with_flags(&error.to_string()));
        }
        _ => advice("error: ", error),
    }
}

/// Runs a command; a panic anywhere in it (a bug) becomes an error with its message.
pub(crate) fn guarded(run: impl FnOnce() -> Result<()>) -> Result<()> {
    keep_quiet();
    let (result, panic) = caught(run);
    let result =
        result.unwrap_or_else(|| Err(Error::Internal(panic.unwrap_or_default().to_string())));
    result.and_then(|()| output_error().take().map_or(Ok(()), |error| Err(Error::Output(error))))
}

/// The first error of standard output.
fn output_error() -> MutexGuard<'static, Option<String>> {
    OUTPUT_ERROR.lock().unwrap_or_else(PoisonError::into_inner)
}
