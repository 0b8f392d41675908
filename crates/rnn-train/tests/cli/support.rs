//! Helpers that run the command in a scratch folder.

use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use serde_json::Value;
use tempfile::TempDir;

/// A scratch folder with artifacts and input files.
pub(crate) struct Scratch(TempDir);

/// Exit code and output of a finished command.
pub(crate) struct Finished {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Scratch {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn artifact(&self, experiment: &str, name: &str) -> PathBuf {
        self.path("artifacts").join(experiment).join(name)
    }

    pub(crate) fn read(&self, experiment: &str, name: &str) -> String {
        let path = self.artifact(experiment, name);
        fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    /// Runs the command in the scratch folder, on ndarray and without the caller's price file.
    pub(crate) fn run(&self, args: &[&str]) -> Finished {
        self.run_with_input(args, "")
    }

    pub(crate) fn run_with_input(&self, args: &[&str], input: &str) -> Finished {
        self.finish(self.command(args), input)
    }

    /// The command, before its start.
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_rnn-train"));
        command
            .current_dir(self.0.path())
            .env_remove("RNN_STOCK_CSV")
            .env("XDG_CACHE_HOME", self.path("cache"))
            .args(args);
        command
    }

    /// Runs a command to its end.
    pub(crate) fn finish(&self, mut command: Command, input: &str) -> Finished {
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        // A command that ends without reading all input closes the pipe.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        let Output { status, stdout, stderr } = child.wait_with_output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        Finished { code: status.code().unwrap_or(-1), stdout: text(stdout), stderr: text(stderr) }
    }

    /// Runs a command in the scratch folder and measures its peak memory in bytes. Repeats the run
    /// if it ended before the first measurement.
    #[cfg(target_os = "linux")]
    pub(crate) fn run_measured(&self, args: &[&str]) -> (Finished, u64) {
        let mut runs = (0..100).map(|_| self.run_measured_once(args));
        // A process that has only begun to load has less than a MiB.
        runs.find(|(_, memory)| *memory > 1 << 20).expect("a run that lasts a moment")
    }

    #[cfg(target_os = "linux")]
    fn run_measured_once(&self, args: &[&str]) -> (Finished, u64) {
        let child = self
            .command(args)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let status = PathBuf::from(format!("/proc/{}/status", child.id()));
        let watcher = std::thread::spawn(move || {
            let mut most = 0;
            // A finished process has no such line.
            while let Some(kilobytes) = fs::read_to_string(&status).ok().and_then(|text| {
                let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
                line.trim().strip_suffix(" kB")?.parse::<u64>().ok()
            }) {
                most = kilobytes << 10;
                std::thread::sleep(std::time::Duration::from_millis(2));
            }
            most
        });
        let Output { status, stdout, stderr } = child.wait_with_output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        let finished = Finished {
            code: status.code().unwrap_or(-1),
            stdout: text(stdout),
            stderr: text(stderr),
        };
        (finished, watcher.join().unwrap())
    }

    /// Runs a command that must succeed.
    pub(crate) fn ok(&self, args: &[&str]) -> Finished {
        let finished = self.run(args);
        assert_eq!(finished.code, 0, "{args:?} failed: {}", finished.stderr);
        finished
    }

    /// Runs a command that must succeed and print one JSON document.
    pub(crate) fn json(&self, args: &[&str]) -> Value {
        let finished = self.ok(args);
        serde_json::from_str(&finished.stdout)
            .unwrap_or_else(|error| panic!("{args:?}: {error} in {}", finished.stdout))
    }

    /// Runs a command that must fail, and checks its exit code and message.
    pub(crate) fn fails(&self, args: &[&str], code: i32, expected: &str) {
        let finished = self.run(args);
        assert_eq!(finished.code, code, "{args:?}: {}", finished.stderr);
        assert!(
            finished.stderr.contains(expected),
            "{args:?}: expected `{expected}` in\n{}",
            finished.stderr
        );
        assert!(
            !finished.stderr.contains("panicked") && !finished.stderr.contains("internal error"),
            "{}",
            finished.stderr
        );
    }

    /// Runs a short training.
    pub(crate) fn train(&self, experiment: &str, args: &[&str]) -> Finished {
        self.ok(&quick(&["train", experiment], args))
    }

    /// Writes a file and returns its name.
    pub(crate) fn file(&self, name: &str, text: impl AsRef<[u8]>) -> String {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
        name.to_owned()
    }

    /// A JSON file in the folder.
    pub(crate) fn read_json_at(&self, name: &str) -> Value {
        serde_json::from_str(&fs::read_to_string(self.path(name)).unwrap()).unwrap()
    }

    /// A file of the best checkpoint of an experiment.
    pub(crate) fn best(&self, experiment: &str, part: &str) -> PathBuf {
        let manifest = self.read_json(experiment, "checkpoint/manifest.json");
        let index =
            ["model", "optimizer", "scheduler"].iter().position(|name| *name == part).unwrap();
        let stamp = &manifest["best"]["files"][index];
        let name = format!(
            "checkpoint/{part}-{}-{}.bpk",
            stamp["epoch"],
            &stamp["sha256"].as_str().unwrap()[..8]
        );
        self.artifact(experiment, &name)
    }

    /// A JSON file of an experiment.
    pub(crate) fn read_json(&self, experiment: &str, name: &str) -> Value {
        serde_json::from_str(&self.read(experiment, name)).unwrap()
    }

    /// A JSON file of an experiment, without its layout and checksum.
    pub(crate) fn read_scores(&self, experiment: &str, name: &str) -> Value {
        let mut document = self.read_json(experiment, name);
        for field in ["format", "sha256"] {
            assert!(document.as_object_mut().unwrap().remove(field).is_some(), "{field}");
        }
        document
    }

    /// The header and the rows of a CSV file of an experiment.
    pub(crate) fn read_csv(&self, experiment: &str, name: &str) -> (String, Vec<Vec<String>>) {
        let text = self.read(experiment, name);
        let mut lines = text.lines();
        let header = lines.next().unwrap().to_owned();
        (header, lines.map(|line| line.split(',').map(str::to_owned).collect()).collect())
    }

    /// Writes a price file and returns its name.
    pub(crate) fn prices(&self, name: &str, rows: usize) -> String {
        fs::write(self.path(name), price_text(rows)).unwrap();
        name.to_owned()
    }
}

/// Flags of a short training.
const QUICK: [[&str; 2]; 4] =
    [["--epochs", "2"], ["--window", "5"], ["--units", "4"], ["--progress", "none"]];

/// Adds the flags of a short training, unless the arguments have them.
pub(crate) fn quick<'a>(command: &[&'a str], args: &[&'a str]) -> Vec<&'a str> {
    let flags = QUICK.iter().filter(|flag| !args.contains(&flag[0])).flatten().copied();
    command.iter().copied().chain(flags).chain(args.iter().copied()).collect()
}

/// Daily bars on business days: a slow wave with noise.
pub(crate) fn bars(rows: usize) -> String {
    bars_as(["date", "open", "close", "volume"], ',', "%Y-%m-%d", rows)
}

/// [`bars`] with other column names, separators and dates.
pub(crate) fn bars_as(header: [&str; 4], separator: char, dates: &str, rows: usize) -> String {
    let mut state = 1u32;
    let mut noise = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        f64::from(state >> 8) / f64::from(1 << 24) - 0.5
    };
    let separator = separator.to_string();
    let mut text = header.join(&separator) + "\n";
    for (row, date) in business_days().take(rows).enumerate() {
        let open = 50.0 + 8.0 * (row as f64 / 15.0).sin() + noise();
        let (close, volume) = (open + noise(), 1000.0 + 500.0 * noise());
        text += &[
            date.strftime(dates).to_string(),
            format!("{open:.3}"),
            format!("{close:.3}"),
            format!("{volume:.1}"),
        ]
        .join(&separator);
        text += "\n";
    }
    text
}

/// Monday to Friday, from Wednesday 2020-01-01 on.
pub(crate) fn business_days() -> impl Iterator<Item = jiff::civil::Date> {
    let days = jiff::civil::date(2020, 1, 1).series(jiff::Span::new().days(1));
    days.filter(|day| day.weekday().to_monday_zero_offset() < 5)
}

/// The text of a price file: a slow wave and a faster one, on consecutive days.
pub(crate) fn price_text(rows: usize) -> String {
    let start = jiff::civil::date(2015, 1, 1);
    let mut text = ",date,open,close,high,low,volume,code\n".to_owned();
    for index in 0..rows {
        let time = index as f64;
        let open = 100.0 + 20.0 * (time / 40.0).sin() + 3.0 * (time / 3.0).sin();
        let date = start.checked_add(jiff::Span::new().days(index as i64)).unwrap();
        text += &format!(
            "{index},{date},{open:.3},{:.3},{:.3},{:.3},{},600519\n",
            open + 0.5,
            open + 1.0,
            open - 1.0,
            1000 + index % 7
        );
    }
    text
}

/// Copies a folder with its subfolders.
pub(crate) fn copied(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let (from, to) = (entry.as_ref().unwrap().path(), to.join(entry.unwrap().file_name()));
        if from.is_dir() {
            copied(&from, &to);
        } else {
            fs::copy(from, to).unwrap();
        }
    }
}

/// Unfinished files in a folder and its subfolders, by their names.
pub(crate) fn unfinished(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(unfinished(&path));
        } else if path.extension().is_some_and(|extension| extension == "tmp") {
            found.push(path);
        }
    }
    found
}
