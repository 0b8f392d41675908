//! Talking to the user: results on stdout, everything else on stderr.

use std::{
    fmt::Display,
    io::{self, Write},
    panic,
    sync::Mutex,
};

use serde::Serialize;

use crate::{Error, Result};

static OUTPUT_ERROR: Mutex<Option<String>> = Mutex::new(None);
static PANIC: Mutex<Option<String>> = Mutex::new(None);

/// Writes a line of results. A closed pipe (`| head`) is no error; anything else fails the command at its end.
pub(crate) fn out(line: impl Display) {
    match writeln!(io::stdout(), "{line}") {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => keep(&OUTPUT_ERROR, error.to_string()),
        _ => {}
    }
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
    let _ = writeln!(io::stderr(), "{line}");
}

/// Writes what went wrong.
pub(crate) fn error(error: &Error) {
    note(format_args!("error: {error}"));
}

/// Runs a command; a panic anywhere in it (a device that fails deep inside Burn, a bug) becomes an error with its message.
pub(crate) fn guarded(run: impl FnOnce() -> Result<()> + panic::UnwindSafe) -> Result<()> {
    panic::set_hook(Box::new(|info| {
        let place = info.location().map(|place| format!(" ({}:{})", place.file(), place.line())).unwrap_or_default();
        let text = info.payload_as_str().unwrap_or("no message");
        keep(&PANIC, format!("{text}{place}"));
    }));
    let result = panic::catch_unwind(run);
    let result = result.unwrap_or_else(|_| Err(Error::Internal(take(&PANIC).unwrap_or_else(|| "no message".to_owned()))));
    result.and_then(|()| take(&OUTPUT_ERROR).map_or(Ok(()), |error| Err(Error::Output(error))))
}

/// Runs what may panic inside a driver, and forgets the panic.
#[cfg(feature = "wgpu")]
pub(crate) fn quietly<T>(run: impl FnOnce() -> T) -> Option<T> {
    let result = panic::catch_unwind(panic::AssertUnwindSafe(run)).ok();
    take(&PANIC);
    result
}

/// Keeps the first of several messages.
fn keep(slot: &Mutex<Option<String>>, message: String) {
    if let Ok(mut kept) = slot.lock() {
        kept.get_or_insert(message);
    }
}

fn take(slot: &Mutex<Option<String>>) -> Option<String> {
    slot.lock().ok().and_then(|mut kept| kept.take())
}
