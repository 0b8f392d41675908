//! Talking to the user: results on stdout, everything else on stderr.

use std::{
    fmt::{self, Display},
    io::{self, Write},
    panic,
    sync::{
        Mutex,
        atomic::{AtomicBool, Ordering},
    },
};

use rnn_files::shortened;
use serde::Serialize;

use crate::error::{Error, Result};

/// Letters of a message: a name in it may be as long as a file.
const LONGEST: usize = 4000;

static OUTPUT_ERROR: Mutex<Option<String>> = Mutex::new(None);
static MUTED: AtomicBool = AtomicBool::new(false);
static PANIC: Mutex<Option<Panic>> = Mutex::new(None);

/// What a panic said, and where.
#[derive(Debug, Clone, Default)]
pub(crate) struct Panic {
    pub(crate) text: String,
    /// Source file and line.
    pub(crate) place: String,
}

impl Display for Panic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.text, self.place)
    }
}

/// A text without what a terminal obeys, which names of columns and answers of servers may have in
/// them.
fn harmless(text: impl Display) -> String {
    text.to_string()
        .replace(|letter: char| letter.is_control() && !"\n\t".contains(letter), "\u{fffd}")
}

/// Writes a line of results. A closed pipe (`| head`) is no error; anything else fails the command
/// at its end.
pub(crate) fn out(line: impl Display) {
    if MUTED.load(Ordering::Relaxed) {
        return;
    }
    if let Err(error) = writeln!(io::stdout(), "{}", harmless(line))
        && error.kind() != io::ErrorKind::BrokenPipe
    {
        keep(&OUTPUT_ERROR, error.to_string());
    }
}

/// Runs something whose results are not to be written.
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
        Err(error) => keep(&OUTPUT_ERROR, error.to_string()),
    }
}

/// Writes a line of progress or explanation.
pub(crate) fn note(line: impl Display) {
    let _ = writeln!(io::stderr(), "{}", shortened(&harmless(line), LONGEST));
}

/// Prints what the library of this program logs.
struct Logger;

impl log::Log for Logger {
    fn enabled(&self, metadata: &log::Metadata<'_>) -> bool {
        metadata.level() <= log::Level::Info && metadata.target().starts_with("rnn_")
    }

    fn log(&self, record: &log::Record<'_>) {
        if self.enabled(record.metadata()) {
            let prefix = if record.level() <= log::Level::Warn { "warning: " } else { "" };
            note(format_args!("{prefix}{}", record.args()));
        }
    }

    fn flush(&self) {}
}

/// Lets log messages of this program's crates go to standard error; a program that uses the library
/// keeps its own logger.
pub(crate) fn log_to_stderr() {
    if log::set_logger(&Logger).is_ok() {
        log::set_max_level(log::LevelFilter::Info);
    }
}

/// Writes an error.
pub(crate) fn error(error: &Error) {
    match error {
        Error::Interrupted { .. } => note(error),
        _ => note(format_args!("error: {error}")),
    }
}

/// Runs a command; a panic anywhere in it (a bug) becomes an error with its message.
pub(crate) fn guarded(run: impl FnOnce() -> Result<()>) -> Result<()> {
    panic::set_hook(Box::new(|info| {
        let place = info.location().map(|place| format!("{}:{}", place.file(), place.line()));
        let place = place.unwrap_or_else(|| "nowhere".to_owned());
        let text = info.payload_as_str().unwrap_or("no message").to_owned();
        keep(&PANIC, Panic { text, place });
    }));
    let (result, panic) = caught(run);
    let result =
        result.unwrap_or_else(|| Err(Error::Internal(panic.unwrap_or_default().to_string())));
    result.and_then(|()| take(&OUTPUT_ERROR).map_or(Ok(()), |error| Err(Error::Output(error))))
}

/// Runs what may panic: its result, if it has one, and the first panic there was meanwhile, on
/// whatever thread.
pub(crate) fn caught<T>(run: impl FnOnce() -> T) -> (Option<T>, Option<Panic>) {
    let result = panic::catch_unwind(panic::AssertUnwindSafe(run)).ok();
    (result, take(&PANIC))
}

/// Runs what may panic inside a driver, and forgets the panic.
pub(crate) fn quietly<T>(run: impl FnOnce() -> T) -> Option<T> {
    caught(run).0
}

/// Keeps the first of several messages.
fn keep<T>(slot: &Mutex<Option<T>>, message: T) {
    if let Ok(mut kept) = slot.lock() {
        kept.get_or_insert(message);
    }
}

fn take<T>(slot: &Mutex<Option<T>>) -> Option<T> {
    slot.lock().ok().and_then(|mut kept| kept.take())
}
