//! What a failing GPU says, and what that means.
//!
//! A GPU fails late and in other places than where the work was asked for: a panic on the thread
//! that serves the device, an error when a number is read, a panic of whoever did not expect that
//! error. Only the texts tell what happened.

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

/// What tells a text (in lower case) that is of a GPU.
const MARKS: [&str; 7] = [
    "wgpu",
    "happened during execution",
    "error happened\ncaused by",
    "event processing failed",
    "device runner",
    "device is poisoned",
    "failed to spawn thread",
];

/// What wgpu, CubeCL and Burn say (in lower case) of what happened; earlier rows count more.
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

/// Where panics of a GPU come from, other than from our code.
const CRATES: [&str; 5] = ["cubecl", "wgpu", "burn-cubecl", "burn-fusion", "naga"];

/// The most of a driver's text that is shown.
const LONGEST: usize = 200;

/// How long numbers of a checkpoint may take to come from a GPU that has nothing else to do.
const ANSWERS_WITHIN: Duration = Duration::from_secs(60);

/// Ends the process, as a failed run, if it is not dropped in time.
///
/// Reading from a device that was just lost may wait for ever (cubecl-wgpu 0.11.3): nobody tells it
/// that its numbers never come. Nothing can wake that thread, nor those that wait for it.
pub(crate) struct Watchdog {
    _stops: Option<mpsc::Sender<()>>,
}

impl Watchdog {
    /// Watches a GPU of this name; the CPU always answers.
    pub(crate) fn start(gpu: Option<&str>) -> Self {
        let stops = gpu.map(|device| {
            let (stops, stopped) = mpsc::channel();
            let device = device.to_owned();
            thread::spawn(move || {
                if stopped.recv_timeout(ANSWERS_WITHIN) == Err(RecvTimeoutError::Timeout) {
                    let said =
                        format!("it did not answer for {} seconds", ANSWERS_WITHIN.as_secs());
                    // The terminal interface gives the terminal back where something panics, and
                    // nowhere else that can be reached from here.
                    let _ = panic::catch_unwind(|| panic!("{said}"));
                    let error =
                        Error::Gpu { device, fault: GpuFault::Lost, said, advice: SMALLER_BATCH };
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
    /// Name of the adapter, where it is a GPU's.
    pub(crate) fn gpu(&self) -> Option<String> {
        self.gpu.clone()
    }

    /// Runs what computes on this backend. Where that fails because a GPU did, on whatever thread,
    /// the error is [`Error::Gpu`]; `advice` says what to do.
    pub(crate) fn guard<T>(
        &self,
        advice: &'static str,
        run: impl FnOnce() -> Result<T>,
    ) -> Result<T> {
        let Some(device) = &self.gpu else { return run() };
        // What was said before is of something else.
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
            // A full disk, say, whatever a driver's thread does meanwhile.
            Some(Err(error)) => return Err(error),
            None => (None, None),
        };
        let faults = [panic.as_ref().and_then(of_panic), of_error];
        // The panic came first, unless all it says is that there was one.
        let fault = faults
            .iter()
            .flatten()
            .find(|(fault, _)| *fault != GpuFault::Other)
            .or(faults.iter().flatten().next());
        match fault {
            Some((fault, said)) => Err(Error::Gpu {
                device: device.clone(),
                fault: *fault,
                said: said.clone(),
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

/// What a text says of a GPU, if it is of one, and its heart.
fn classify(text: &str, of_gpu: bool) -> Option<(GpuFault, String)> {
    let lower = text.replace("\\n", "\n").to_lowercase();
    if !of_gpu && !MARKS.iter().any(|mark| lower.contains(mark)) {
        return None;
    }
    let fault = SIGNS.iter().find(|(_, signs)| signs.iter().any(|sign| lower.contains(sign)));
    Some((fault.map_or(GpuFault::Other, |(fault, _)| *fault), root(text)))
}

/// The last cause a text gives, as one line without backtraces.
pub(super) fn root(text: &str) -> String {
    // Some texts come quoted inside another.
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
    match line.char_indices().nth(LONGEST) {
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

    /// Texts of real failures, in Burn 0.22.1 on Mesa's lavapipe.
    #[test]
    fn what_failed_is_read_from_what_was_said() {
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

        // burn-tensor quotes the error it did not expect.
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
    fn what_is_no_gpus_stays_what_it_was() {
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
    fn a_gpu_that_fails_is_named_with_what_to_do() {
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
    fn long_texts_are_cut_and_backtraces_left_out() {
        assert_eq!(
            root(
                "wgpu error: Validation Error\n\nCaused by:\n  In Device::create_buffer\n    too \
                 big\n"
            ),
            "In Device::create_buffer: too big"
        );
        assert_eq!(root("a\nBacktrace:\n  0: main"), "a");
        assert_eq!(root(&"x".repeat(1000)).len(), LONGEST + 3);
    }
}
