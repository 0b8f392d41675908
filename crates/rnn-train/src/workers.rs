//! Several training runs at a time, each in its own process. A crash ends one run only, and each
//! run has its own number of threads.

use std::{
    collections::BTreeMap,
    io::{self, BufRead, BufReader, Read},
    iter,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use clap::Args;

use crate::{
    backend::Backend,
    error::{Error, Result},
    settings::{Experiment, OptionList, Options, Setting, SplitName, Typed, WorkerCount},
    text::{PROGRESS, duration},
};

/// A run of this program as a process.
#[derive(Debug, Clone)]
pub(crate) struct Worker {
    /// The name in messages.
    pub(crate) name: String,
    pub(crate) args: Vec<String>,
}

impl Worker {
    /// A training from scratch.
    pub(crate) fn training(
        name: String,
        experiment: Experiment,
        backend: &Backend,
        options: &Options,
    ) -> Result<Self> {
        let args = ["train", experiment.name(), "--fresh", PLAIN].map(str::to_owned);
        let backend = format!("--backend={}", backend.option());
        let mut options = options.clone();
        if options.split == Some(Typed(SplitName::Course)) {
            // This split ignores the interval of the recipe and refuses one set by a flag.
            options.interval = options.interval.filter(|level| level.value().is_none());
        }
        let args = args.into_iter().chain([backend]).chain(options.as_flags()?).collect();
        Ok(Self { name, args })
    }
}

/// True if this process is the `rnn-train` program, which can start itself again. False in a
/// program that uses the library.
static IS_PROGRAM: AtomicBool = AtomicBool::new(false);

/// Marks this process as the `rnn-train` program.
pub(crate) fn is_program() {
    IS_PROGRAM.store(true, Ordering::Relaxed);
}

/// Flag for progress lines, and the flag for no progress.
pub(crate) const PLAIN: &str = "--progress=plain";
const QUIET: &str = "--progress=none";

/// Environment variable of worker processes. A worker ends when its standard input, a pipe from the
/// parent, closes. Otherwise it would keep writing to its folder after a crash of the parent.
const MARK: &str = "RNN_TRAIN_WORKER";

/// Ends this process with its parent, if it is a worker.
pub(crate) fn end_with_caller() {
    if std::env::var_os(MARK).is_some() {
        thread::spawn(|| {
            while io::stdin().read(&mut [0]).is_ok_and(|read| read > 0) {}
            std::process::exit(1);
        });
    }
}

/// Interval between progress lines.
const PRINT_EVERY: Duration = Duration::from_secs(10);
const POLL_EVERY: Duration = Duration::from_millis(50);
/// Memory of a run without its data, and memory of the data per byte of the file.
const BASE_BYTES: u64 = 200 << 20;
const BYTES_A_BYTE: u64 = 2;

#[derive(Debug)]
struct PoolState {
    /// Number of runs, of those started, and of those that have ended.
    count: usize,
    started: usize,
    finished: usize,
    /// Name and finished fraction of each running run.
    running: BTreeMap<usize, (String, f64)>,
    failed: Vec<Failed>,
    /// Number of threads that still start runs.
    at_work: usize,
}

/// A failed run: its index and the error.
pub(crate) type Failed = (usize, String);

/// Callbacks of a pool of runs.
pub(crate) struct PoolHooks<'a> {
    pub(crate) quiet: bool,
    /// Deadline for starting runs.
    pub(crate) until: Option<Instant>,
    /// Prepares a run when its turn comes; an error fails the run.
    pub(crate) starting: &'a (dyn Fn(usize) -> std::result::Result<Worker, String> + Sync),
    /// Called after each run, with its index and its error, if any.
    pub(crate) finished: &'a (dyn Fn(usize, Option<&str>) + Sync),
    /// A further line of the progress.
    pub(crate) standing: &'a (dyn Fn() -> Option<String> + Sync),
}

/// Number of runs at a time, and the threads of each.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pool {
    pub(crate) jobs: usize,
    threads: usize,
    run_here: RunHere,
}

/// Runs a command line in this process, for programs that use the library.
pub(crate) type RunHere = fn(Vec<String>) -> std::result::Result<(), String>;

impl Pool {
    /// Uses the requested counts; defaults to one job per CPU, limited by free memory, with CPUs
    /// split evenly.
    fn fitting(
        jobs: Option<usize>,
        threads: Option<usize>,
        runs: usize,
        data: Option<&Path>,
        run_here: RunHere,
    ) -> Self {
        let processors = thread::available_parallelism().map_or(1, usize::from);
        let each = BASE_BYTES + BYTES_A_BYTE * data.map_or(0, bytes);
        let by_memory =
            available_memory().map_or(usize::MAX, |available| (available / each) as usize);
        let jobs = jobs.unwrap_or(processors.min(by_memory)).clamp(1, runs.max(1));
        Self { jobs, threads: threads.unwrap_or(processors / jobs).max(1), run_here }
    }
}

/// Runs all workers, several at a time, and returns the first error after all have ended.
pub(crate) fn run_all(
    workers: &[Worker],
    at_once: Pool,
    quiet: bool,
    finished: impl Fn(usize) + Sync,
) -> Result<()> {
    let hooks = PoolHooks {
        quiet,
        until: None,
        starting: &|index| Ok(workers[index].clone()),
        finished: &|index, problem| {
            if problem.is_none() {
                finished(index);
            }
        },
        standing: &|| None,
    };
    let failed = run(workers.len(), at_once, &hooks)?;
    let Some((index, problem)) = failed.first() else { return Ok(()) };
    let (name, all) = (&workers[*index].name, workers.len());
    let others = match failed.len() {
        1 => String::new(),
        failed => format!(" ({failed} of {all} failed)"),
    };
    Err(Error::Worker(format!("{name}{others}: {problem}")))
}

/// Starts all runs in order, several at a time, and returns the failed ones.
pub(crate) fn run(count: usize, at_once: Pool, watch: &PoolHooks<'_>) -> Result<Vec<Failed>> {
    if !IS_PROGRAM.load(Ordering::Relaxed) {
        return Ok(in_turn(count, at_once.run_here, watch));
    }
    let program = std::env::current_exe()
        .map_err(|error| Error::Worker(format!("path of this program: {error} (mount /proc)")))?;
    let Pool { jobs, threads, .. } = at_once;
    let began = Instant::now();
    let at_work = jobs.min(count);
    let state = Mutex::new(PoolState {
        count,
        started: 0,
        finished: 0,
        running: BTreeMap::new(),
        failed: Vec::new(),
        at_work,
    });
    let lock = || state.lock().unwrap_or_else(PoisonError::into_inner);
    let next = || {
        let mut state = lock();
        if state.started == count || watch.is_over() {
            state.at_work -= 1;
            return None;
        }
        state.started += 1;
        Some(state.started - 1)
    };
    let work = |index: usize| {
        let worker = (watch.starting)(index)?;
        lock().running.insert(index, (worker.name.clone(), 0.0));
        let advance = |fraction: f64| {
            if let Some((_, done)) = lock().running.get_mut(&index) {
                *done = fraction;
            }
        };
        run_one(&program, &worker, threads, advance)
    };
    thread::scope(|scope| {
        for _ in 0..at_work {
            scope.spawn(|| {
                while let Some(index) = next() {
                    let result = work(index);
                    let mut state = lock();
                    state.running.remove(&index);
                    state.finished += 1;
                    (watch.finished)(index, result.as_ref().err().map(String::as_str));
                    state.failed.extend(result.err().map(|problem| (index, problem)));
                }
            });
        }
        let mut printed = Instant::now();
        while lock().at_work > 0 {
            thread::sleep(POLL_EVERY);
            if !watch.quiet && printed.elapsed() >= PRINT_EVERY {
                printed = Instant::now();
                log::info!(target: PROGRESS, "{}", progress(&lock(), began.elapsed()));
                (watch.standing)()
                    .into_iter()
                    .for_each(|line| log::info!(target: PROGRESS, "{line}"));
            }
        }
    });
    let mut failed = state.into_inner().unwrap_or_else(PoisonError::into_inner).failed;
    failed.sort_unstable();
    Ok(failed)
}

impl PoolHooks<'_> {
    fn is_over(&self) -> bool {
        self.until.is_some_and(|until| Instant::now() >= until)
    }
}

/// Runs one after another in this process, for programs that use the library.
fn in_turn(count: usize, run_here: RunHere, watch: &PoolHooks<'_>) -> Vec<Failed> {
    let mut failed = Vec::new();
    for index in 0..count {
        if watch.is_over() {
            break;
        }
        let quietly =
            |arg: &String| if watch.quiet && arg == PLAIN { QUIET } else { arg }.to_owned();
        let result = (watch.starting)(index).and_then(|worker| {
            let args = iter::once("rnn-train".to_owned()).chain(worker.args.iter().map(quietly));
            run_here(args.collect())
        });
        (watch.finished)(index, result.as_ref().err().map(String::as_str));
        failed.extend(result.err().map(|problem| (index, problem)));
    }
    failed
}

fn progress(state: &PoolState, elapsed: Duration) -> String {
    let PoolState { count, finished, running, .. } = state;
    let lines = running.values().map(|(name, done)| format!("{name} {:.0}%", 100.0 * done));
    let lines: Vec<String> = lines.collect();
    let started: f64 = running.values().map(|(_, done)| done).sum();
    let done = (*finished as f64 + started) / *count as f64;
    let left = elapsed.as_secs_f64() * (1.0 - done) / done;
    let left = if done > 0.0 { format!("  ETA {}", duration(left)) } else { String::new() };
    format!("{finished} of {count} done  {}{left}", lines.join("  "))
}

fn run_one(
    program: &Path,
    worker: &Worker,
    threads: usize,
    advance: impl Fn(f64),
) -> std::result::Result<(), String> {
    let mut command = Command::new(program);
    command
        .args(&worker.args)
        .env("RAYON_NUM_THREADS", threads.to_string())
        .env_remove("RNN_STOCK_CSV")
        .env(MARK, "1");
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut child = command.spawn().map_err(|error| format!("cannot be started: {error}"))?;
    // Keep the pipe open until the worker has ended; `wait` would close it.
    let held = child.stdin.take();
    let mut last_line = String::new();
    if let Some(stderr) = child.stderr.take() {
        for line in BufReader::new(stderr.take(u64::MAX)).lines().map_while(std::result::Result::ok)
        {
            if let Some(fraction) = epochs_done(&line) {
                advance(fraction);
            }
            // The error is the last line, unless the process was killed.
            last_line = line;
        }
    }
    let status =
        child.wait().map_err(|error| format!("waiting for its process failed: {error}"))?;
    drop(held);
    match last_line.strip_prefix("error: ") {
        _ if status.success() => Ok(()),
        Some(problem) => Err(problem.to_owned()),
        None => Err(format!("ended with {status}; its last line: {last_line}")),
    }
}

/// The finished fraction in a line like `epoch 12/50 ...`.
fn epochs_done(line: &str) -> Option<f64> {
    let (done, rest) = line.strip_prefix("epoch")?.trim_start().split_once('/')?;
    let total = rest.split_whitespace().next()?;
    Some(done.parse::<f64>().ok()? / total.parse::<f64>().ok()?)
}

/// Size of a file, or of all files of a folder.
fn bytes(path: &Path) -> u64 {
    let size = |path: &PathBuf| std::fs::metadata(path).map_or(0, |metadata| metadata.len());
    match std::fs::read_dir(path) {
        Ok(entries) => entries.filter_map(|entry| Some(size(&entry.ok()?.path()))).sum(),
        Err(_) => size(&path.to_owned()),
    }
}

/// Available memory in bytes, on Linux.
fn available_memory() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/meminfo").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    line.split_whitespace().next()?.parse::<u64>().ok().map(|kilobytes| kilobytes << 10)
}

#[derive(Debug, Default, Args)]
pub(crate) struct ParallelArgs {
    /// Number of models trained at a time [default: one per CPU, limited by free memory]
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    pub(crate) jobs: Option<WorkerCount>,
    /// Number of threads per model [default: an even split of the CPUs]
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    pub(crate) threads: Option<WorkerCount>,
}

impl ParallelArgs {
    pub(crate) fn is_set(&self) -> bool {
        self.jobs.is_some() || self.threads.is_some()
    }

    /// The pool for a number of runs; one run at a time on a GPU, unless --jobs is given.
    pub(crate) fn pool(
        &self,
        backend: &Backend,
        runs: usize,
        options: &Options,
        run_here: RunHere,
    ) -> Pool {
        let jobs = self.jobs.map(|WorkerCount(jobs)| jobs).or(backend.gpu().map(|_| 1));
        let threads = self.threads.map(|WorkerCount(threads)| threads);
        Pool::fitting(jobs, threads, runs, options.data.as_deref(), run_here)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_is_parsed_from_epoch_lines() {
        assert_eq!(epochs_done("epoch  5/50  loss 0.1  ETA 3 s"), Some(0.1));
        assert_eq!(epochs_done("backend ndarray (CPU)"), None);
    }

    fn sizes(pool: Pool) -> (usize, usize) {
        (pool.jobs, pool.threads)
    }

    #[test]
    fn requested_jobs_are_limited_by_the_number_of_runs() {
        assert_eq!(sizes(Pool::fitting(Some(8), Some(2), 3, None, |_| Ok(()))), (3, 2));
        assert_eq!(sizes(Pool::fitting(Some(2), Some(1), 3, None, |_| Ok(()))), (2, 1));
        let own = Pool::fitting(None, None, 5, None, |_| Ok(()));
        assert!(own.jobs >= 1 && own.threads >= 1, "{own:?}");
    }
}
