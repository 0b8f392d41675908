//! Classifies GPU failures by their messages.
//!
//! A GPU failure appears late and elsewhere. It may be a panic on the device thread, or an error
//! when a value is read. It may also be a panic of code that did not expect the error. Only the
//! message identifies the cause.

use std::{
    panic, process,
    sync::mpsc::{self, RecvTimeoutError},
    thread,
    time::Duration,
};

use super::device::{Backend, SMALLER_BATCH};
use crate::{
    error::{Error, GpuFault, Result},
    panics::{Panic, caught},
};

/// Parts of messages, in lower case, that identify a GPU failure.
const MARKS: [&str; 7] = [
    "wgpu",
    "happened during execution",
    "error happened\ncaused by",
    "event processing failed",
    "device runner",
    "device is poisoned",
    "failed to spawn thread",
];

/// Messages of wgpu, CubeCL and Burn, in lower case, by cause. Earlier rows have priority.
const SIGNS: [(GpuFault, &[&str]); 3] = [
    (
        GpuFault::OutOfMemory,
        &[
            "out of memory",
            "out of device memory",
            "not enough memory",
            "must have enough memory",
            "was never allocated",
            "could be allocated",
            "failed to spawn thread",
        ],
    ),
    (GpuFault::Lost, &["device is lost", "device was lost", "device lost", "poisoned"]),
    (
        GpuFault::Limit,
        &["can't allocate buffer of size", "exceeds", "greater than the maximum", "limits"],
    ),
];

/// Crates whose panics are GPU failures.
const CRATES: [&str; 5] = ["cubecl", "wgpu", "burn-cubecl", "burn-fusion", "naga"];

/// Maximum length of a driver message in our errors.
const MAX_MESSAGE_LENGTH: usize = 200;

/// Maximum time to read a checkpoint record from an idle GPU.
const READ_TIMEOUT: Duration = Duration::from_secs(60);

/// Ends the process with an error unless it is dropped in time.
///
/// Reading from a device that was just lost may block forever (cubecl-wgpu 0.11.3). Nothing can
/// wake that thread, nor the threads that wait for it.
pub(crate) struct Watchdog {
    _stops: Option<mpsc::Sender<()>>,
}

impl Watchdog {
    /// Watches the GPU of this name; None for the CPU, which always responds.
    pub(crate) fn start(gpu: Option<&str>) -> Self {
        let stops = gpu.map(|device| {
            let (stops, stopped) = mpsc::channel();
            let device = device.to_owned();
            thread::spawn(move || {
                if stopped.recv_timeout(READ_TIMEOUT) == Err(RecvTimeoutError::Timeout) {
                    let message =
                        format!("it did not respond for {} seconds", READ_TIMEOUT.as_secs());
                    // Only a panic makes the terminal interface restore the terminal.
                    let _ = panic::catch_unwind(|| panic!("{message}"));
                    let error = Error::Gpu {
                        device,
                        fault: GpuFault::Lost,
                        message,
                        advice: SMALLER_BATCH,
                    };
                    log::error!("{error}");
                    process::exit(i32::from(error.exit_code()));
                }
            });
            stops
        });
        Self { _stops: stops }
    }
}

impl Backend {
    /// Name of the adapter, if it is a GPU.
    pub(crate) fn gpu(&self) -> Option<String> {
        self.gpu.clone()
    }

    /// Runs a computation on this backend.
    ///
    /// If the GPU fails, on any thread, the error is [`Error::Gpu`] with `advice`.
    pub(crate) fn guard<T>(
        &self,
        advice: &'static str,
        run: impl FnOnce() -> Result<T>,
    ) -> Result<T> {
        let Some(device) = &self.gpu else { return run() };
        // Discard earlier panics.
        let _ = caught(|| ());
        let (result, panic) = caught(run);
        let (error, of_error) = match result {
            Some(Ok(value)) => return Ok(value),
            Some(Err(Error::Training(text))) => {
                (Some(Error::Training(text.clone())), classify(&text, false))
            }
            Some(Err(Error::Internal(text))) => {
                (Some(Error::Internal(text.clone())), classify(&text, false))
            }
            // Other errors, such as a full disk, are not GPU failures.
            Some(Err(error)) => return Err(error),
            None => (None, None),
        };
        let faults = [panic.as_ref().and_then(of_panic), of_error];
        // The panic came first, so it has priority unless its cause is unknown.
        let fault = faults
            .iter()
            .flatten()
            .find(|(fault, _)| *fault != GpuFault::Other)
            .or(faults.iter().flatten().next());
        match fault {
            Some((fault, message)) => Err(Error::Gpu {
                device: device.clone(),
                fault: *fault,
                message: message.clone(),
                advice,
            }),
            None => {
                Err(error.unwrap_or_else(|| Error::Internal(panic.unwrap_or_default().to_string())))
            }
        }
    }
}

fn of_panic(panic: &Panic) -> Option<(GpuFault, String)> {
    let in_driver =
        CRATES.iter().any(|name| panic.place.split(['/', '\\']).any(|part| part.starts_with(name)));
    classify(&panic.text, in_driver)
}

/// The cause and the root message of a GPU failure; none for other messages.
fn classify(text: &str, of_gpu: bool) -> Option<(GpuFault, String)> {
    let lower = text.replace("\\n", "\n").to_lowercase();
    if !of_gpu && !MARKS.iter().any(|mark| lower.contains(mark)) {
        return None;
    }
    let fault = SIGNS.iter().find(|(_, signs)| signs.iter().any(|sign| lower.contains(sign)));
    Some((fault.map_or(GpuFault::Other, |(fault, _)| *fault), root(text)))
}

/// The last cause in a message, as one line without backtraces.
pub(super) fn root(text: &str) -> String {
    // Some messages are quoted inside another.
    let text = text.replace("\\n", "\n");
    let cause = text.rsplit("Caused by:").find(|cause| !cause.trim().is_empty()).unwrap_or(&text);
    let ends = |line: &str| {
        ["No backtrace available", "Backtrace:", "Asked at:"]
            .iter()
            .any(|end| line.starts_with(end))
    };
    let lines =
        cause.lines().map(str::trim).take_while(|line| !ends(line)).filter(|line| !line.is_empty());
    let line = lines.collect::<Vec<_>>().join(": ");
    match line.char_indices().nth(MAX_MESSAGE_LENGTH) {
        Some((end, _)) => format!("{}...", &line[..end]),
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn panic(text: &str, place: &str) -> Option<(GpuFault, String)> {
        of_panic(&Panic { text: text.to_owned(), place: place.to_owned() })
    }

    /// Messages of real failures, with Burn 0.22.1 on Mesa's lavapipe.
    #[test]
    fn the_cause_is_read_from_the_message() {
        let limit = "Event processing failed: train/Loss: An error happened during execution\n\
                     Caused by:\n  Several failures at once\nCaused by:\n  The bytes were never \
                     written (failure #28, still claiming 8 buffer(s))\n  skipped `ReduceKernel`: \
                     it needed memory\nCaused by:\n  An IO error happened\nCaused by:\n  can't \
                     allocate buffer of size: 711360000\nNo backtrace available\nAsked at:\nNo \
                     backtrace available";
        assert_eq!(
            classify(limit, false),
            Some((GpuFault::Limit, "can't allocate buffer of size: 711360000".to_owned()))
        );

        let memory = panic(
            "wgpu error: Out of Memory",
            "cubecl-wgpu-0.11.3/src/compute/device_poison.rs:42",
        );
        assert_eq!(memory, Some((GpuFault::OutOfMemory, "wgpu error: Out of Memory".to_owned())));

        // burn-tensor quotes the unexpected error.
        let lost = concat!(
            "Error while reading data: use `try_into_scalar` instead to catch the error at ",
            r#"runtime: Data(StorageAccess(Read("The device is poisoned\nCaused by:\n  Unknown: "#,
            r#"Device is lost\nBacktrace:\nNo backtrace available")))"#
        );
        let lost = panic(lost, "burn-tensor-0.22.1/src/tensor/api/check.rs:401");
        assert_eq!(lost, Some((GpuFault::Lost, "Unknown: Device is lost".to_owned())));

        let other = panic(
            "called `Option::unwrap()` on a `None` value",
            "/registry/cubecl-wgpu-0.11.3/src/compute/controller.rs:71",
        );
        assert_eq!(other.map(|(fault, _)| fault), Some(GpuFault::Other));
    }

    #[test]
    fn errors_of_other_origin_are_unchanged() {
        assert_eq!(
            panic(
                "index out of bounds: the len is 3 but the index is 3",
                "crates/rnn-train/src/fit.rs:1"
            ),
            None
        );
        assert_eq!(
            classify("the loss is NaN after epoch 3; try a smaller --learning-rate", false),
            None
        );

        let on_gpu = Backend { gpu: Some("A GPU".to_owned()), ..crate::backend::default_cpu() };
        let stopped = on_gpu.guard("do this", || {
            Err::<(), _>(Error::Training("the loss is NaN after epoch 3".to_owned()))
        });
        assert!(matches!(stopped, Err(Error::Training(_))));
    }

    #[test]
    fn a_gpu_failure_names_the_gpu_with_advice() {
        let failing =
            || Err::<(), _>(Error::Training("Event processing failed: out of memory".to_owned()));
        let on_gpu = Backend { gpu: Some("A GPU".to_owned()), ..crate::backend::default_cpu() };
        let error = on_gpu.guard("do this", failing).unwrap_err();
        let expected = "A GPU: out of memory: Event processing failed: out of memory (do this; \
                        saved checkpoints are intact)";
        assert_eq!((error.to_string().as_str(), error.exit_code()), (expected, 1));
        assert!(
            matches!(
                crate::backend::default_cpu().guard("do this", failing),
                Err(Error::Training(_))
            ),
            "the CPU is no GPU"
        );
    }

    #[test]
    fn long_messages_are_cut_and_backtraces_removed() {
        assert_eq!(
            root(
                "wgpu error: Validation Error\n\nCaused by:\n  In Device::create_buffer\n    too \
                 big\n"
            ),
            "In Device::create_buffer: too big"
        );
        assert_eq!(root("a\nBacktrace:\n  0: main"), "a");
        assert_eq!(root(&"x".repeat(1000)).len(), MAX_MESSAGE_LENGTH + 3);
    }
}
