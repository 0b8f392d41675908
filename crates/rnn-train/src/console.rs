//! Talking to the user: results on stdout, everything else on stderr.

use std::{
    fmt::Display,
    io::{self, Write},
    panic,
    sync::Mutex,
};

use serde::Serialize;

use crate::{Error, Result};

/// Writes a line of results. A closed pipe (`| head`) is no error.
pub(crate) fn out(line: impl Display) {
    let _ = writeln!(io::stdout(), "{line}");
}

/// Writes one JSON document of results.
pub(crate) fn json(value: &impl Serialize) {
    out(serde_json::to_string_pretty(value).unwrap_or_else(|error| format!("{{\"error\": \"{error}\"}}")));
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
    static MESSAGE: Mutex<Option<String>> = Mutex::new(None);
    panic::set_hook(Box::new(|info| {
        let place = info.location().map(|place| format!(" ({}:{})", place.file(), place.line())).unwrap_or_default();
        let text = info.payload_as_str().unwrap_or("no message");
        if let Ok(mut message) = MESSAGE.lock() {
            message.get_or_insert(format!("{text}{place}"));
        }
    }));
    panic::catch_unwind(run).unwrap_or_else(|_| {
        let message = MESSAGE.lock().ok().and_then(|mut message| message.take());
        Err(Error::Internal(message.unwrap_or_else(|| "no message".to_owned())))
    })
}
