//! Runs a program to its end, records the time of each line it prints, and samples its memory.

use std::{
    io::{BufRead, BufReader, Read},
    process::{Child, Command, ExitStatus, Stdio},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use serde_json::Value;

use crate::shell::{Result, shown};

/// Sampling intervals of the program's memory. The last sample must be close to the end. They are
/// shorter at the start, because the program may be short.
const LOOK_EVERY: Duration = Duration::from_millis(20);
const YOUNG: Duration = Duration::from_millis(200);
/// Number of stderr lines that are shown for a failed program.
const LAST_WORDS: usize = 15;

/// A program that ended with success.
#[derive(Debug)]
pub(crate) struct Finished {
    /// Wall-clock time from start to end.
    pub(crate) seconds: f64,
    /// Largest resident memory, in bytes; `None` except on Linux.
    pub(crate) peak: Option<u64>,
    /// The same, for the program and all its descendants together.
    pub(crate) peak_of_all: Option<u64>,
    /// Lines of stdout, each with the seconds since the start.
    pub(crate) lines: Vec<(f64, String)>,
}

impl Finished {
    /// JSON lines that the program printed, each with its time.
    pub(crate) fn json(&self) -> impl DoubleEndedIterator<Item = (f64, Value)> {
        self.lines.iter().filter_map(|(at, line)| Some((*at, serde_json::from_str(line).ok()?)))
    }
}

/// Runs a program without input. Its stderr is shown only if it fails.
pub(crate) fn run(mut command: Command) -> Result<Finished> {
    let shown = shown(&command);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let started = Instant::now();
    let mut child = command.spawn().map_err(|error| format!("{shown}: {error}"))?;
    let (stdout, stderr) =
        (collect(child.stdout.take(), started), collect(child.stderr.take(), started));
    let (status, peak, peak_of_all) = watch(&mut child, started)?;
    let seconds = started.elapsed().as_secs_f64();
    let [lines, errors] = [stdout, stderr].map(|pipe| pipe.join().unwrap_or_default());
    if status.success() {
        return Ok(Finished { seconds, peak, peak_of_all, lines });
    }
    let last = errors[errors.len().saturating_sub(LAST_WORDS)..]
        .iter()
        .map(|(_, line)| format!("\n{line}"));
    Err(format!("`{shown}` ended with {status}{}", last.collect::<String>()).into())
}

fn watch(child: &mut Child, started: Instant) -> Result<(ExitStatus, Option<u64>, Option<u64>)> {
    let (mut peak, mut together) = (None, None);
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok((status, peak, peak.max(together)));
        }
        peak = memory(child.id(), "VmHWM:").or(peak);
        let processes = descendants(child.id());
        if processes.len() > 1 {
            together = together
                .max(Some(processes.iter().filter_map(|process| memory(*process, "VmRSS:")).sum()));
        }
        thread::sleep(if started.elapsed() < YOUNG { LOOK_EVERY / 20 } else { LOOK_EVERY });
    }
}

/// Resident memory of a process, in bytes: current (`VmRSS:`), without files (`RssAnon:`), or the
/// peak (`VmHWM:`).
pub(crate) fn memory(process: u32, which: &str) -> Option<u64> {
    let status = fs_err::read_to_string(format!("/proc/{process}/status")).ok()?;
    let kibibytes = status.lines().find_map(|line| line.strip_prefix(which))?;
    Some(1024 * kibibytes.split_whitespace().next()?.parse::<u64>().ok()?)
}

/// A process and all its descendants.
fn descendants(process: u32) -> Vec<u32> {
    let entries = fs_err::read_dir("/proc").into_iter().flatten().flatten();
    let processes = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    // The name may contain anything and ends with the last bracket. The state and the parent
    // follow.
    let parent = |process: u32| {
        let stat = fs_err::read_to_string(format!("/proc/{process}/stat")).ok()?;
        stat.rsplit_once(')')?.1.split_whitespace().nth(1)?.parse::<u32>().ok()
    };
    let parents: Vec<(u32, u32)> =
        processes.filter_map(|process| Some((process, parent(process)?))).collect();
    let mut found = vec![process];
    let mut next = 0;
    while let Some(&process) = found.get(next) {
        found.extend(
            parents.iter().filter(|(_, parent)| *parent == process).map(|(child, _)| child),
        );
        next += 1;
    }
    found
}

/// Reads lines as they arrive. Lines read before a broken pipe are kept.
fn collect(
    pipe: Option<impl Read + Send + 'static>,
    started: Instant,
) -> JoinHandle<Vec<(f64, String)>> {
    thread::spawn(move || {
        let lines = pipe
            .into_iter()
            .flat_map(|pipe| BufReader::new(pipe).split(b'\n').map_while(std::result::Result::ok));
        lines
            .map(|line| {
                (started.elapsed().as_secs_f64(), String::from_utf8_lossy(&line).into_owned())
            })
            .collect()
    })
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn this_process_has_a_peak() {
        assert!(memory(std::process::id(), "VmHWM:").is_some_and(|bytes| bytes > 100_000));
    }

    #[test]
    fn all_descendants_are_found() {
        let mut child =
            Command::new("sh").args(["-c", "sh -c 'sleep 5; true'; true"]).spawn().unwrap();
        let started = Instant::now();
        while descendants(child.id()).len() < 3 && started.elapsed() < Duration::from_secs(4) {
            thread::sleep(Duration::from_millis(5));
        }
        let found = descendants(child.id());
        for process in found.iter().rev() {
            Command::new("kill").arg(process.to_string()).status().unwrap();
        }
        child.wait().unwrap();
        assert_eq!(found.len(), 3, "{found:?}");
    }

    #[test]
    fn the_error_of_a_failed_program_has_its_stderr() {
        let mut command = Command::new("sh");
        command.args(["-c", "echo no such package >&2; exit 3"]);
        let error = run(command).unwrap_err().to_string();
        assert!(error.contains("no such package") && error.contains('3'), "{error}");
    }

    #[test]
    fn each_line_has_its_arrival_time() {
        let mut command = Command::new("sh");
        command.args(["-c", "echo 1; sleep 0.2; echo words; echo 2"]);
        let lines: Vec<(f64, Value)> = run(command).unwrap().json().collect();
        assert_eq!([&lines[0].1, &lines[1].1], [1, 2]);
        assert!(lines[1].0 - lines[0].0 > 0.15, "{lines:?}");
    }
}
