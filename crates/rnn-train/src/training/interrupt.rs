//! Ctrl-C and SIGTERM: training finishes its step, saves and exits; anything else exits at once.

use std::{
    io,
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use signal_hook::flag;

use crate::error::{Error, Result, Signal};

/// State of the signal handlers, which stay installed for the life of the process.
struct Handlers {
    /// Whether a signal exits at once: nothing is training, or it is the second signal.
    exit_at_once: Arc<AtomicBool>,
    /// Number of the received signal, or 0.
    received: Arc<AtomicUsize>,
    /// Number of training runs that handle signals.
    trainings: Mutex<usize>,
}

static HANDLERS: OnceLock<Handlers> = OnceLock::new();
/// Held during installation, so that the handlers are installed once.
static INSTALLING: Mutex<()> = Mutex::new(());

/// While this exists, the first signal is only recorded; the second ends the process.
pub(crate) struct Signals {
    /// None: signals keep their usual effect.
    handlers: Option<&'static Handlers>,
}

/// Makes a signal end this process at once, with the exit code of the signal.
///
/// # Errors
///
/// If the system refuses.
pub(crate) fn install() -> io::Result<()> {
    // A write beyond the limit of file sizes then fails instead of ending the process.
    #[cfg(unix)]
    flag::register(signal_hook::consts::SIGXFSZ, Arc::default())?;
    handlers().map(drop)
}

/// Whether this process was started with SIGHUP ignored, as by `nohup`.
fn hangup_is_ignored() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    mask.is_none_or(|mask| mask & 1 == 1)
}

fn handlers() -> io::Result<&'static Handlers> {
    let _installing = INSTALLING.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(handlers) = HANDLERS.get() {
        return Ok(handlers);
    }
    let handlers = Handlers {
        exit_at_once: Arc::new(AtomicBool::new(true)),
        received: Arc::default(),
        trainings: Mutex::default(),
    };
    for &signal in Signal::ALL {
        if signal == Signal::Hangup && hangup_is_ignored() {
            continue;
        }
        // The order matters: a signal first checks the flag that an earlier signal set.
        flag::register_conditional_shutdown(
            signal.number(),
            i32::from(signal.exit_code()),
            handlers.exit_at_once.clone(),
        )?;
        flag::register(signal.number(), handlers.exit_at_once.clone())?;
        flag::register_usize(signal.number(), handlers.received.clone(), signal.number() as usize)?;
    }
    Ok(HANDLERS.get_or_init(|| handlers))
}

impl Handlers {
    fn trainings(&self) -> MutexGuard<'_, usize> {
        self.trainings.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Signals {
    /// Starts to record signals.
    ///
    /// # Errors
    ///
    /// If the system refuses.
    pub(crate) fn recorded() -> Result<Self> {
        let handlers = handlers().map_err(|error| {
            Error::Internal(format!("signal handlers cannot be installed: {error}"))
        })?;
        let mut trainings = handlers.trainings();
        if *trainings == 0 {
            handlers.received.store(0, Ordering::SeqCst);
            handlers.exit_at_once.store(false, Ordering::SeqCst);
        }
        *trainings += 1;
        Ok(Self { handlers: Some(handlers) })
    }

    /// Leaves signals to the program.
    pub(crate) fn ignored() -> Self {
        Self { handlers: None }
    }

    /// The received signal, if any.
    pub(crate) fn received(&self) -> Option<Signal> {
        let number = self.handlers?.received.load(Ordering::SeqCst);
        Signal::ALL.iter().copied().find(|signal| signal.number() as usize == number)
    }
}

/// Makes Ctrl-C send a signal in burn-train's terminal interface, which otherwise ignores the key.
#[cfg(unix)]
pub(crate) fn take_ctrl_c() {
    use rustix::termios::{LocalModes, OptionalActions, SpecialCodeIndex, tcgetattr, tcsetattr};

    let terminal = io::stdin();
    let Ok(mut attributes) = tcgetattr(&terminal) else { return };
    // Only Ctrl-C: Ctrl-Z and Ctrl-\ would leave a terminal without echo.
    for code in [SpecialCodeIndex::VSUSP, SpecialCodeIndex::VQUIT] {
        attributes.special_codes[code] = 0;
    }
    attributes.local_modes |= LocalModes::ISIG;
    // If this fails, `q` still stops the training.
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
                handlers.exit_at_once.store(true, Ordering::SeqCst);
            }
        }
    }
}
