//! Panics of Burn, of drivers and of bugs, as values.

use std::{
    fmt::{self, Display},
    panic,
    sync::{Mutex, MutexGuard, PoisonError},
};

static FIRST: Mutex<Option<Panic>> = Mutex::new(None);

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

fn first() -> MutexGuard<'static, Option<Panic>> {
    FIRST.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Lets the panics of this process be kept for [`caught`] instead of printed.
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

/// Runs what may panic: its result, if it has one, and the first panic there was meanwhile, on
/// whatever thread.
pub(crate) fn caught<T>(run: impl FnOnce() -> T) -> (Option<T>, Option<Panic>) {
    let result = panic::catch_unwind(panic::AssertUnwindSafe(run)).ok();
    (result, first().take())
}

/// Runs what may panic inside a driver, and forgets the panic.
pub(crate) fn quietly<T>(run: impl FnOnce() -> T) -> Option<T> {
    caught(run).0
}
