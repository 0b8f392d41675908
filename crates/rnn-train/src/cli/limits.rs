//! Limits of the system that would end this process without a word.

use std::{process::ExitCode, thread};

use super::output;
use crate::error::Error;

/// Stack of the thread that runs a command, in bytes. The limit on stacks (`ulimit -s`) binds the
/// main thread only.
const STACK: usize = 8 << 20;
/// Address space of a small training, measured with one thread, and that of each further thread.
const BASE_MIB: u64 = 256;
const MIB_PER_THREAD: u64 = 16;

/// Runs a command line on a thread with a stack of known size, if the limits allow it.
pub(crate) fn within_limits(run: impl FnOnce() -> ExitCode + Send + 'static) -> ExitCode {
    let limits = std::fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let threads = std::env::var("RAYON_NUM_THREADS").ok().and_then(|threads| threads.parse().ok());
    let threads = threads.filter(|threads| *threads > 0).unwrap_or_else(|| {
        thread::available_parallelism().map_or(1, |threads| threads.get() as u64)
    });
    if let Some(problem) = too_small(&limits, threads) {
        return failed(problem);
    }
    let ended = thread::Builder::new().name("main".to_owned()).stack_size(STACK).spawn(run);
    match ended.map(thread::JoinHandle::join) {
        Ok(Ok(code)) => code,
        // A panic outside of a command has printed its message.
        Ok(Err(_)) => ExitCode::FAILURE,
        Err(error) => failed(format!(
            "a thread cannot be started: {error} (raise the limits of processes and memory: \
             `ulimit -u`, `ulimit -v`)"
        )),
    }
}

fn failed(problem: String) -> ExitCode {
    let error = Error::Limit(problem);
    output::error(&error);
    ExitCode::from(error.exit_code())
}

/// A limit on memory that is too small for any command, in the text of `/proc/self/limits`.
fn too_small(limits: &str, threads: u64) -> Option<String> {
    let needed = BASE_MIB.saturating_add(MIB_PER_THREAD.saturating_mul(threads));
    [("Max address space", "address space", "-v"), ("Max data size", "data", "-d")]
        .into_iter()
        .find_map(|(title, what, flag)| {
            let line = limits.lines().find_map(|line| line.strip_prefix(title))?;
            let bytes: u64 = line.split_whitespace().next()?.parse().ok()?;
            let found = bytes >> 20;
            (found < needed).then(|| {
                format!(
                    "the limit of {what}: {found} MiB, expected at least {needed} MiB for \
                     {threads} threads (raise it with `ulimit {flag}`, or set RAYON_NUM_THREADS)"
                )
            })
        })
}

#[cfg(test)]
mod tests {
    use super::too_small;

    #[test]
    fn small_limits_are_named_with_the_needed_size() {
        let limits = |space: &str, data: &str| {
            format!(
                "Limit                     Soft Limit           Hard Limit           Units     \n\
                 Max data size             {data}            unlimited            bytes     \n\
                 Max address space         {space}            unlimited            bytes     \n"
            )
        };
        let ample = (300u64 << 20).to_string();
        assert_eq!(too_small("", 2), None);
        assert_eq!(too_small(&limits("unlimited", "unlimited"), 2), None);
        assert_eq!(too_small(&limits(&ample, &ample), 2), None);
        assert_eq!(
            too_small(&limits("102400000", "unlimited"), 2).as_deref(),
            Some(
                "the limit of address space: 97 MiB, expected at least 288 MiB for 2 threads \
                 (raise it with `ulimit -v`, or set RAYON_NUM_THREADS)"
            )
        );
        assert!(too_small(&limits("unlimited", "1048576"), 2).unwrap().contains("`ulimit -d`"));
        assert!(too_small(&limits(&ample, &ample), u64::MAX).is_some());
    }
}
