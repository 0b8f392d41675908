//! Runs a program to its end and looks at its memory meanwhile.

use std::{
    fs,
    io::{self, Read},
    process::{Child, Command, ExitStatus, Stdio},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use serde_json::Value;

use crate::shell::Result;

/// How often the program is looked at: often enough that the last look is close to its end, and more often while it is young, as it may be short.
const LOOK_EVERY: Duration = Duration::from_millis(20);
const YOUNG: Duration = Duration::from_millis(200);
/// Lines of a failed program's stderr that are worth showing.
const LAST_WORDS: usize = 15;

/// A program that ended well.
#[derive(Debug)]
pub(super) struct Finished {
    /// Wall-clock time from start to end.
    pub(super) seconds: f64,
    /// Largest resident memory, in bytes; only Linux tells.
    pub(super) peak: Option<u64>,
    /// The same with all processes that it started, together.
    pub(super) peak_of_all: Option<u64>,
    pub(super) stdout: String,
}

impl Finished {
    /// The JSON lines the program wrote.
    pub(super) fn lines(&self) -> Vec<Value> {
        self.stdout.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
    }
}

/// Runs a program without input; what it writes to stderr is shown only if it fails.
pub(super) fn run(mut command: Command) -> Result<Finished> {
    let program = command.get_program().to_string_lossy().into_owned();
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let started = Instant::now();
    let mut child = command.spawn().map_err(|error| format!("{program}: {error}"))?;
    let (stdout, stderr) = (collect(child.stdout.take()), collect(child.stderr.take()));
    let (status, peak, peak_of_all) = watch(&mut child).map_err(|error| format!("{program}: {error}"))?;
    let seconds = started.elapsed().as_secs_f64();
    let (stdout, stderr) = (text(stdout), text(stderr));
    if status.success() {
        return Ok(Finished { seconds, peak, peak_of_all, stdout });
    }
    let lines: Vec<&str> = stderr.lines().collect();
    let last = lines[lines.len().saturating_sub(LAST_WORDS)..].join("\n");
    let args: Vec<_> = command.get_args().map(|arg| arg.to_string_lossy()).collect();
    Err(format!("`{program} {}` ended with {status}\n{last}", args.join(" ")))
}

type Watched = (ExitStatus, Option<u64>, Option<u64>);

fn watch(child: &mut Child) -> io::Result<Watched> {
    let (mut peak, mut together) = (None, None);
    let started = Instant::now();
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok((status, peak, peak.max(together)));
        }
        peak = memory(child.id(), "VmHWM:").or(peak);
        let processes = descendants(child.id());
        if processes.len() > 1 {
            together = together.max(Some(processes.iter().filter_map(|process| memory(*process, "VmRSS:")).sum()));
        }
        thread::sleep(if started.elapsed() < YOUNG { LOOK_EVERY / 20 } else { LOOK_EVERY });
    }
}

/// Resident memory of a process in bytes: now (`VmRSS:`), or its high-water mark (`VmHWM:`).
fn memory(process: u32, which: &str) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let kibibytes = status.lines().find_map(|line| line.strip_prefix(which))?;
    Some(1024 * kibibytes.trim().trim_end_matches("kB").trim_end().parse::<u64>().ok()?)
}

/// A process and all that it and those started.
fn descendants(process: u32) -> Vec<u32> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let processes = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    // After the name, which may hold anything but ends with the last bracket: the state, then the parent.
    let parent = |process: u32| {
        let stat = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
        stat.rsplit_once(')')?.1.split_whitespace().nth(1)?.parse::<u32>().ok()
    };
    let parents: Vec<(u32, u32)> = processes.filter_map(|process| Some((process, parent(process)?))).collect();
    let mut found = vec![process];
    let mut next = 0;
    while let Some(&process) = found.get(next) {
        found.extend(parents.iter().filter(|(_, parent)| *parent == process).map(|(child, _)| child));
        next += 1;
    }
    found
}

fn collect(pipe: Option<impl Read + Send + 'static>) -> JoinHandle<Vec<u8>> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        // What was read before a broken pipe still counts.
        let _ = pipe.map(|mut pipe| pipe.read_to_end(&mut bytes));
        bytes
    })
}

fn text(pipe: JoinHandle<Vec<u8>>) -> String {
    String::from_utf8_lossy(&pipe.join().unwrap_or_default()).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(target_os = "linux")]
    fn this_process_has_a_peak() {
        assert!(memory(std::process::id(), "VmHWM:").is_some_and(|bytes| bytes > 100_000));
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn processes_of_processes_are_found() {
        let mut child = Command::new("sh").args(["-c", "sh -c 'sleep 5; true'; true"]).spawn().unwrap();
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
    #[cfg(unix)]
    fn a_failed_program_says_why() {
        let mut command = Command::new("sh");
        command.args(["-c", "echo no such package >&2; exit 3"]);
        let error = run(command).unwrap_err();
        assert!(error.contains("no such package") && error.contains('3'), "{error}");
    }
}
