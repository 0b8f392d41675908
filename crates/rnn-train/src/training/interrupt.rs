//! Ctrl-C and SIGTERM: a training finishes its step, saves, and ends; whatever else there is ends
//! at once.

use std::{
    io,
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use signal_hook::flag;

use crate::error::{Error, Result, Signal};

/// Handlers stay for the life of a process; what they do follows from these.
struct Handlers {
    /// Whether a signal ends the process at once: nothing is training, or it is the second.
    at_once: Arc<AtomicBool>,
    /// The signal that came, or 0.
    came: Arc<AtomicUsize>,
    /// How many trainings note signals.
    trainings: Mutex<usize>,
}

static HANDLERS: OnceLock<Handlers> = OnceLock::new();
/// Held while they are installed, so that there is one set of them.
static INSTALLING: Mutex<()> = Mutex::new(());

/// While this is there, the first signal is only noted; the second ends the process.
pub(crate) struct Signals {
    /// None: signals do what they do without this.
    handlers: Option<&'static Handlers>,
}

/// Makes a signal end this process with its exit code, at once.
///
/// # Errors
///
/// When the system refuses.
pub(crate) fn install() -> io::Result<()> {
    handlers().map(drop)
}

fn handlers() -> io::Result<&'static Handlers> {
    let _installing = INSTALLING.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(handlers) = HANDLERS.get() {
        return Ok(handlers);
    }
    let handlers = Handlers {
        at_once: Arc::new(AtomicBool::new(true)),
        came: Arc::default(),
        trainings: Mutex::default(),
    };
    for signal in [Signal::Interrupt, Signal::Terminate] {
        // In this order: a signal first sees what the one before has left.
        flag::register_conditional_shutdown(
            signal.number(),
            i32::from(signal.exit_code()),
            handlers.at_once.clone(),
        )?;
        flag::register(signal.number(), handlers.at_once.clone())?;
        flag::register_usize(signal.number(), handlers.came.clone(), signal.number() as usize)?;
    }
    Ok(HANDLERS.get_or_init(|| handlers))
}

impl Handlers {
    fn trainings(&self) -> MutexGuard<'_, usize> {
        self.trainings.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Signals {
    /// Begins to note signals.
    ///
    /// # Errors
    ///
    /// When the system refuses.
    pub(crate) fn noted() -> Result<Self> {
        let handlers = handlers()
            .map_err(|error| Error::Internal(format!("signals cannot be noted: {error}")))?;
        let mut trainings = handlers.trainings();
        if *trainings == 0 {
            handlers.came.store(0, Ordering::SeqCst);
            handlers.at_once.store(false, Ordering::SeqCst);
        }
        *trainings += 1;
        Ok(Self { handlers: Some(handlers) })
    }

    /// Leaves signals to the program.
    pub(crate) fn ignored() -> Self {
        Self { handlers: None }
    }

    /// The signal that came, if one did.
    pub(crate) fn came(&self) -> Option<Signal> {
        let number = self.handlers?.came.load(Ordering::SeqCst);
        [Signal::Interrupt, Signal::Terminate]
            .into_iter()
            .find(|signal| signal.number() as usize == number)
    }
}

/// Makes Ctrl-C a signal again where a terminal interface takes keys for itself: burn-train's does
/// nothing with it.
#[cfg(unix)]
pub(crate) fn take_ctrl_c() {
    use rustix::termios::{LocalModes, OptionalActions, SpecialCodeIndex, tcgetattr, tcsetattr};

    let terminal = io::stdin();
    let Ok(mut attributes) = tcgetattr(&terminal) else { return };
    // Only Ctrl-C: what Ctrl-Z and Ctrl-\ leave behind is a terminal without echo.
    for code in [SpecialCodeIndex::VSUSP, SpecialCodeIndex::VQUIT] {
        attributes.special_codes[code] = 0;
    }
    attributes.local_modes |= LocalModes::ISIG;
    // Where it cannot be set, `q` stops the training.
    let _ = tcsetattr(&terminal, OptionalActions::Now, &attributes);
}

#[cfg(not(unix))]
pub(crate) fn take_ctrl_c() {}

impl Drop for Signals {
    fn drop(&mut self) {
        if let Some(handlers) = self.handlers {
            let mut trainings = handlers.trainings();
            *trainings -= 1;
            if *trainings == 0 {
                handlers.at_once.store(true, Ordering::SeqCst);
            }
        }
    }
}
