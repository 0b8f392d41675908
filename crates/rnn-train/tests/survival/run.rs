//! A training run as a process.

use std::{
    fs::{self, File},
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use super::Result;

/// A training in its own working folder.
#[derive(Clone)]
pub(crate) struct Run {
    pub(crate) program: PathBuf,
    /// Working folder; its `artifacts` folder holds the results.
    pub(crate) folder: PathBuf,
    pub(crate) experiment: &'static str,
    pub(crate) options: Vec<String>,
}

/// Exit code and messages of a finished command.
#[derive(Debug)]
pub(crate) struct Ended {
    /// None after a signal.
    pub(crate) code: Option<i32>,
    pub(crate) stderr: String,
}

/// Timeout of a command.
const LONGEST: Duration = Duration::from_secs(300);

impl Run {
    /// The same run in another folder.
    pub(crate) fn in_folder(&self, folder: PathBuf) -> Self {
        Self { folder, ..self.clone() }
    }

    /// Folder of the results.
    pub(crate) fn results(&self) -> PathBuf {
        self.folder.join("artifacts").join(self.experiment)
    }

    /// The arguments of the training.
    pub(crate) fn arguments(&self) -> Vec<&str> {
        ["train", self.experiment, "--progress", "none", "--backend", "ndarray"]
            .into_iter()
            .chain(self.options.iter().map(String::as_str))
            .collect()
    }

    /// A command in the working folder, with its stderr in a file.
    pub(crate) fn command(&self, args: &[&str]) -> Result<Command> {
        let mut command = Command::new(&self.program);
        command.args(args);
        self.prepare(command)
    }

    /// Sets the working folder of a command and clears environment variables that would affect it.
    pub(crate) fn prepare(&self, mut command: Command) -> Result<Command> {
        fs::create_dir_all(&self.folder)
            .map_err(|error| format!("{}: {error}", self.folder.display()))?;
        let errors = File::create(self.errors())
            .map_err(|error| format!("{}: {error}", self.errors().display()))?;
        command
            .current_dir(&self.folder)
            .env_remove("RNN_STOCK_CSV")
            .env("XDG_CACHE_HOME", self.folder.join("cache"));
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(errors);
        Ok(command)
    }

    /// Starts the training.
    pub(crate) fn start(&self, more: &[&str]) -> Result<Child> {
        let args = [&self.arguments()[..], more].concat();
        self.command(&args)?.spawn().map_err(|error| format!("{}: {error}", self.program.display()))
    }

    /// Waits for a command of this folder to end.
    pub(crate) fn end(&self, mut child: Child) -> Result<Ended> {
        let started = Instant::now();
        loop {
            if let Some(status) = child.try_wait().map_err(|error| error.to_string())? {
                return Ok(Ended { code: status.code(), stderr: self.stderr() });
            }
            if started.elapsed() > LONGEST {
                drop(child.kill());
                drop(child.wait());
                return Err(format!("timeout after {} s: {}", LONGEST.as_secs(), self.stderr()));
            }
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    /// Trains to the end.
    pub(crate) fn train(&self, more: &[&str]) -> Result<Duration> {
        let started = Instant::now();
        let ended = self.end(self.start(more)?)?;
        if ended.code == Some(0) {
            Ok(started.elapsed())
        } else {
            Err(format!("training ended with {:?}: {}", ended.code, ended.stderr))
        }
    }

    /// Evaluates the checkpoint. Returns false if there is none yet.
    pub(crate) fn evaluate(&self) -> Result<bool> {
        let child = self
            .command(&["evaluate", self.experiment])?
            .spawn()
            .map_err(|error| error.to_string())?;
        let ended = self.end(child)?;
        match ended.code {
            Some(0) => Ok(true),
            Some(1) if ended.stderr.contains("not trained yet") => Ok(false),
            _ => Err(format!("evaluate ended with {:?}: {}", ended.code, ended.stderr)),
        }
    }

    /// The stderr of the last command.
    pub(crate) fn stderr(&self) -> String {
        fs::read_to_string(self.errors()).unwrap_or_default()
    }

    fn errors(&self) -> PathBuf {
        self.folder.join("stderr.txt")
    }
}
