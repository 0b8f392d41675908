//! Panics of Burn, of drivers and of bugs, caught as values.

use std::{
    fmt::{self, Display},
    panic,
    sync::{Mutex, MutexGuard, PoisonError},
};

static FIRST: Mutex<Option<Panic>> = Mutex::new(None);

/// The message and the place of a panic.
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

fn first() -> MutexGuard<'static, Option<Panic>> {
    FIRST.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Keeps the panics of this process for [`caught`] instead of printing them.
pub(crate) fn keep_quiet() {
    panic::set_hook(Box::new(|info| {
        let place = info.location().map_or_else(
            || "nowhere".to_owned(),
            |place| format!("{}:{}", place.file(), place.line()),
        );
        let text = info.payload_as_str().unwrap_or("no message").to_owned();
        first().get_or_insert(Panic { text, place });
    }));
}

/// Runs a function that may panic. Returns its result, if any, and the first panic of any thread
/// meanwhile.
pub(crate) fn caught<T>(run: impl FnOnce() -> T) -> (Option<T>, Option<Panic>) {
    let result = panic::catch_unwind(panic::AssertUnwindSafe(run)).ok();
    (result, first().take())
}

/// Runs a function that may panic inside a driver, and discards the panic.
pub(crate) fn quietly<T>(run: impl FnOnce() -> T) -> Option<T> {
    caught(run).0
}
