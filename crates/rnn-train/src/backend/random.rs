use std::sync::{Mutex, MutexGuard, PoisonError};

static GENERATOR: Mutex<()> = Mutex::new(());

/// Locks the random numbers of the CPU backends, which have one generator a process.
///
/// Whoever seeds it and draws, or only draws, holds this lock: otherwise a thread would change what
/// another draws.
pub(crate) fn lock_generator() -> MutexGuard<'static, ()> {
    GENERATOR.lock().unwrap_or_else(PoisonError::into_inner)
}
