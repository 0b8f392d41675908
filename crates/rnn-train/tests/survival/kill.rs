//! Kills a training repeatedly and resumes it.

use std::{
    fs,
    ops::AddAssign,
    path::Path,
    process::Child,
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;

use super::{Random, Result, Run, check, kept, read_while_written, same, same::copy};

/// Counters of kills, checks and results.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Killed {
    /// All kills.
    pub(crate) kills: usize,
    /// Kills during the first tenth of a second.
    pub(crate) early: usize,
    /// Kills while reports were written.
    pub(crate) at_reports: usize,
    /// Starts that resumed an interrupted run.
    pub(crate) resumed: usize,
    /// Checks of the whole folder.
    pub(crate) looks: usize,
    /// Files read in all checks.
    pub(crate) files: usize,
    /// Finished runs with the same bytes as the undisturbed run.
    pub(crate) ends: usize,
}

impl AddAssign for Killed {
    fn add_assign(&mut self, other: Self) {
        self.kills += other.kills;
        self.early += other.early;
        self.at_reports += other.at_reports;
        self.resumed += other.resumed;
        self.looks += other.looks;
        self.files += other.files;
        self.ends += other.ends;
    }
}

/// The run to kill, and its expected results.
pub(crate) struct Subject<'a> {
    pub(crate) run: &'a Run,
    /// Results of the same run without kills.
    pub(crate) whole: &'a Path,
    /// Duration of the run without kills.
    pub(crate) life: Duration,
    /// Results of a previous run, replaced with `--fresh`.
    pub(crate) before: Option<&'a Path>,
}

/// Kills a run at random moments, at most `most` times, and resumes it each time until it finishes.
/// Its results must equal those of the undisturbed run.
pub(crate) fn round(subject: &mut Subject, most: usize, random: &mut Random) -> Result<Killed> {
    let (run, results) = (subject.run, subject.run.results());
    if run.folder.exists() {
        fs::remove_dir_all(&run.folder)
            .map_err(|error| format!("{}: {error}", run.folder.display()))?;
    }
    if let Some(before) = subject.before {
        copy(before, &results)?;
    }
    let mut killed = Killed::default();
    for kill in 0.. {
        let fresh: &[&str] = if subject.before.is_some_and(|before| !replaced(before, &results)) {
            &["--fresh"]
        } else {
            &[]
        };
        let started = Instant::now();
        let child = run.start(fresh)?;
        let interrupted =
            if kill < most { killed.once(subject, child, random)? } else { Some(child) };
        if let Some(child) = interrupted {
            let ended = run.end(child)?;
            if kill == 0 {
                // The machine may be less busy than before.
                subject.life = subject.life.min(started.elapsed());
            }
            killed.resumed += usize::from(ended.stderr.contains(RESUMES));
            if ended.code != Some(0) {
                return Err(format!(
                    "after {} kills it ended with {:?}: {}",
                    killed.kills, ended.code, ended.stderr
                ));
            }
            break;
        }
        if ended(subject.before, &results) {
            // The run had finished, perhaps except for the removal of the backup. The next training
            // would remove the backup and continue.
            drop([".before", ".discarded"].map(|name| fs::remove_dir_all(results.join(name))));
            break;
        }
    }
    same(subject.whole, &results)
        .map_err(|problem| format!("after {} kills: {problem}", killed.kills))?;
    killed.ends += 1;
    Ok(killed)
}

const MANIFEST: &str = "checkpoint/manifest.json";
const RESUMES: &str = "resuming the interrupted run after ";

/// The moment of a kill.
enum Moment {
    /// A delay after the start.
    After(Duration),
    /// A delay after the first report.
    Reports(Duration),
}

impl Moment {
    fn of(life: Duration, random: &mut Random) -> Self {
        match random.below(8) {
            0 => Self::After(random.within(Duration::from_millis(60))),
            1 | 2 => Self::Reports(random.within(life.mul_f64(0.2))),
            _ => Self::After(random.within(life.mul_f64(1.1))),
        }
    }
}

impl Killed {
    /// Kills a process at a random moment and checks its files until then. Returns the process if
    /// it ended before the kill.
    fn once(
        &mut self,
        subject: &Subject,
        mut child: Child,
        random: &mut Random,
    ) -> Result<Option<Child>> {
        let results = subject.run.results();
        let started = Instant::now();
        let first_report = report_written(&results);
        let moment = Moment::of(subject.life, random);
        let mut due = match moment {
            Moment::After(delay) => Some(started + delay),
            Moment::Reports(_) => None,
        };
        loop {
            if child.try_wait().map_err(|error| error.to_string())?.is_some() {
                return Ok(Some(child));
            }
            if let (None, Moment::Reports(delay)) = (due, &moment)
                && let Some(written) = report_written(&results)
                && Some(written) != first_report
            {
                due = Some(Instant::now() + *delay);
            }
            let left = due.map_or(LOOK, |due| due.saturating_duration_since(Instant::now()));
            if left >= LOOK {
                self.files += read_while_written(&results)?;
                self.looks += 1;
                thread::sleep(LOOK / 4);
            } else {
                thread::sleep(left);
                break;
            }
        }
        child.kill().and_then(|()| child.wait()).map_err(|error| error.to_string())?;
        self.kills += 1;
        self.early += usize::from(started.elapsed() < Duration::from_millis(100));
        self.at_reports += usize::from(matches!(moment, Moment::Reports(_)));
        self.resumed += usize::from(subject.run.stderr().contains(RESUMES));
        self.files += check(&results)?;
        self.looks += 1;
        subject.run.evaluate()?;
        match subject.before {
            Some(before) if !ended(Some(before), &results) => kept(before, &results)?,
            _ => {}
        }
        Ok(None)
    }
}

/// Approximate duration of a check of all files.
const LOOK: Duration = Duration::from_millis(8);

/// Time of the first report.
fn report_written(results: &Path) -> Option<std::time::SystemTime> {
    ["predictions.csv", ".predictions.csv.tmp", "model.safetensors"]
        .iter()
        .find_map(|name| fs::metadata(results.join(name)).ok()?.modified().ok())
}

/// True if the manifest marks the run as finished.
fn ended(before: Option<&Path>, results: &Path) -> bool {
    let manifest = fs::read(results.join(MANIFEST))
        .ok()
        .and_then(|text| serde_json::from_slice::<Value>(&text).ok());
    manifest.is_some_and(|manifest| manifest["last"].is_null())
        && before.is_none_or(|before| replaced(before, results))
}

/// True if the new run has replaced the checkpoint of the previous run.
pub(crate) fn replaced(before: &Path, results: &Path) -> bool {
    let read = |folder: &Path, name: &str| {
        fs::read(folder.join(name))
            .ok()
            .and_then(|text| serde_json::from_slice::<Value>(&text).ok())
    };
    let other = |name| read(results, name).is_some_and(|now| Some(now) != read(before, name));
    other(MANIFEST) && other("config.json")
}
