//! Kills a training again and again.

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

/// What was done and seen.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Killed {
    /// Kills, and of these how many during the first tenth of a second, and how many once reports
    /// were being written.
    pub(crate) kills: usize,
    pub(crate) early: usize,
    pub(crate) at_reports: usize,
    /// Starts that said they went on where a run was interrupted.
    pub(crate) went_on: usize,
    /// Times that all files of the folder were read, and files read.
    pub(crate) looks: usize,
    pub(crate) files: usize,
    /// Runs that came to their end with the bytes of the undisturbed one.
    pub(crate) ends: usize,
}

impl AddAssign for Killed {
    fn add_assign(&mut self, other: Self) {
        self.kills += other.kills;
        self.early += other.early;
        self.at_reports += other.at_reports;
        self.went_on += other.went_on;
        self.looks += other.looks;
        self.files += other.files;
        self.ends += other.ends;
    }
}

/// What is killed, and what it must come to.
pub(crate) struct Subject<'a> {
    pub(crate) run: &'a Run,
    /// Folder of results of the same run that nobody disturbed, and how long it took.
    pub(crate) whole: &'a Path,
    pub(crate) life: Duration,
    /// Folder of results of a run before, which is started over with `--fresh`.
    pub(crate) before: Option<&'a Path>,
}

/// Kills a run at random moments, at most so often, and lets it go on each time, until it comes to
/// its end; what it leaves must be what the undisturbed run left.
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
                // On a machine that has less to do than before.
                subject.life = subject.life.min(started.elapsed());
            }
            killed.went_on += usize::from(ended.stderr.contains(WENT_ON));
            if ended.code != Some(0) {
                return Err(format!(
                    "after {} kills it ended with {:?}: {}",
                    killed.kills, ended.code, ended.stderr
                ));
            }
            break;
        }
        if ended(subject.before, &results) {
            // It was killed when all was done, but perhaps for what waited aside; the next training
            // removes that, and trains further.
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
const WENT_ON: &str = "resuming the interrupted run after ";

/// When a process is killed.
enum Moment {
    /// So long after its start.
    After(Duration),
    /// So long after it began to write reports.
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
    /// Kills a process at a random moment, reading all its files meanwhile; gives it back if it
    /// came to its end before.
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
        self.went_on += usize::from(subject.run.said().contains(WENT_ON));
        self.files += check(&results)?;
        self.looks += 1;
        subject.run.evaluate()?;
        match subject.before {
            Some(before) if !replaced(before, &results) => kept(before, &results)?,
            _ => {}
        }
        Ok(None)
    }
}

/// How long a look at all files takes at the most, about.
const LOOK: Duration = Duration::from_millis(8);

/// When the first of the reports was written.
fn report_written(results: &Path) -> Option<std::time::SystemTime> {
    ["predictions.csv", ".predictions.csv.tmp", "model.safetensors"]
        .iter()
        .find_map(|name| fs::metadata(results.join(name)).ok()?.modified().ok())
}

/// Whether a run's manifest says that it has come to its end.
fn ended(before: Option<&Path>, results: &Path) -> bool {
    let manifest = fs::read(results.join(MANIFEST))
        .ok()
        .and_then(|text| serde_json::from_slice::<Value>(&text).ok());
    manifest.is_some_and(|manifest| manifest["last"].is_null())
        && before.is_none_or(|before| replaced(before, results))
}

/// Whether a run has a checkpoint of its own in the folder of one before it.
pub(crate) fn replaced(before: &Path, results: &Path) -> bool {
    let read = |folder: &Path, name: &str| {
        fs::read(folder.join(name))
            .ok()
            .and_then(|text| serde_json::from_slice::<Value>(&text).ok())
    };
    let other = |name| read(results, name).is_some_and(|now| Some(now) != read(before, name));
    other(MANIFEST) && other("config.json")
}
