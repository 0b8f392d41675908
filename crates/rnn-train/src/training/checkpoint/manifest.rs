//! `manifest.json`: the checkpoints, with sizes and checksums of their files.

use std::{
    collections::BTreeMap,
    ffi::OsStr,
    fmt, fs,
    io::Read,
    path::{Path, PathBuf},
};

use burn::tensor::Bytes;
use rnn_data::{LinearForecast, Scaler};
use rnn_files::{open_own, read_if_exists, remove_all, sha256, unseal, write_atomic};
use serde::{Deserialize, Serialize};

use crate::{
    error::{Error, Result},
    run::{MAX_EPOCH, Provenance},
};

/// Current manifest, previous manifest, and the newest one with a different best checkpoint.
///
/// Whichever file is damaged, one of them describes a state without it. The third is written when
/// the first two have the same best checkpoint.
pub(crate) const NAMES: [&str; 3] =
    ["manifest.json", "manifest.before.json", "manifest.older.json"];

pub(super) const PARTS: [&str; 3] = ["model", "optimizer", "scheduler"];

/// Maximum bytes of a file: the largest model, with two optimizer moments per weight.
const LARGEST: u64 = 32 << 30;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Manifest {
    /// Version of this file's layout.
    pub(super) format: u32,
    /// Name of the task.
    pub(super) experiment: String,
    /// None before the end of the first epoch.
    pub(crate) best: Option<Best>,
    /// None after the end of the run.
    pub(super) last: Option<Last>,
    /// Reports of a finished run, by file name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) reports: Reports,
}

/// Sizes and checksums of reports, by file name.
pub(crate) type Reports = BTreeMap<String, Report>;

/// Expected size and checksum of a report.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Report {
    pub(crate) bytes: u64,
    pub(crate) sha256: String,
}

/// The best checkpoint, its loss, and the data of that loss.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Best {
    /// Epoch of its weights.
    pub(crate) epoch: usize,
    /// Validation loss; the training loss if there is no validation set.
    pub(crate) loss: f64,
    #[serde(flatten)]
    pub(crate) provenance: Provenance,
    pub(crate) files: Files,
}

/// The state of an unfinished run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Last {
    /// Number of completed epochs.
    pub(crate) epoch: usize,
    /// Number of completed steps of the next epoch.
    pub(crate) step: usize,
    /// First and last epoch of the run.
    pub(crate) run: [usize; 2],
    /// Hash of the run's settings.
    pub(crate) options: String,
    /// Best epoch of this run and its loss. An earlier run in the folder may have a better one.
    pub(crate) lowest: Option<(usize, f64)>,
    /// Hash of the run's data.
    pub(crate) sha256: Option<String>,
    /// Metric sums over the samples of those steps.
    pub(crate) sums: Sums,
    pub(crate) files: Files,
}

/// For each metric, its sum over samples and the number of samples.
pub(crate) type Sums = BTreeMap<String, (f64, usize)>;

/// The files of a checkpoint: model, optimizer and scheduler.
pub(crate) type Files = [Stamp; PARTS.len()];

/// Expected size and checksum of a file.
///
/// The file name is derived from these fields, so a manifest cannot point outside its folder.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Stamp {
    pub(super) epoch: usize,
    pub(super) step: usize,
    pub(super) bytes: u64,
    pub(super) sha256: String,
}

impl Stamp {
    pub(super) fn of(bytes: &[u8], epoch: usize, step: usize) -> Self {
        Self { epoch, step, bytes: bytes.len() as u64, sha256: sha256(bytes) }
    }

    /// `model-12-1a2b3c4d.bpk`, or `model-12.340-1a2b3c4d.bpk` after 340 steps of the next epoch.
    ///
    /// The hash makes the name unique for its content.
    pub(crate) fn name(&self, part: usize) -> String {
        let step = if self.step > 0 { format!(".{}", self.step) } else { String::new() };
        let hash: String = self.sha256.chars().filter(char::is_ascii_hexdigit).take(8).collect();
        format!("{}-{}{step}-{hash}.bpk", PARTS[part], self.epoch)
    }

    /// Name of the copy of a file without a second good checkpoint.
    pub(crate) fn copy_name(&self, part: usize) -> String {
        self.name(part).replace(".bpk", ".copy.bpk")
    }

    /// Reads the file, or else its copy, and checks size and checksum.
    pub(super) fn read(&self, folder: &Path, part: usize) -> Result<Bytes> {
        self.read_named(folder, &self.name(part)).or_else(|problem| {
            match self.read_named(folder, &self.copy_name(part)) {
                Ok(copy) => {
                    log::info!("{problem}; reading its copy");
                    Ok(copy)
                }
                Err(_) => Err(problem),
            }
        })
    }

    /// Replaces the file by its copy, or the copy by the file, if only one of them is intact.
    pub(super) fn repair(&self, folder: &Path, part: usize) -> Result<()> {
        let names = [self.name(part), self.copy_name(part)];
        if fs::symlink_metadata(folder.join(&names[1])).is_err() {
            return Ok(());
        }
        let read = names.each_ref().map(|name| self.read_named(folder, name));
        match read {
            [Ok(bytes), Err(_)] => Ok(write_atomic(&folder.join(&names[1]), &bytes)?),
            [Err(_), Ok(bytes)] => Ok(write_atomic(&folder.join(&names[0]), &bytes)?),
            _ => Ok(()),
        }
    }

    /// Reads the file under a name, and checks size and checksum.
    pub(crate) fn read_named(&self, folder: &Path, name: &str) -> Result<Bytes> {
        let path = folder.join(name);
        let damaged = |problem: String| Error::Artifact { path: path.clone(), problem };
        let mut file =
            open_own(&path).map_err(|error| damaged(format!("cannot be read: {error}")))?;
        let metadata =
            file.metadata().map_err(|error| damaged(format!("cannot be read: {error}")))?;
        if metadata.len() != self.bytes || !metadata.is_file() {
            return Err(damaged(format!(
                "has {} bytes, expected {}: the file is damaged",
                metadata.len(),
                self.bytes
            )));
        }
        let mut bytes = Vec::with_capacity(usize::try_from(self.bytes).unwrap_or(0));
        file.by_ref()
            .take(self.bytes)
            .read_to_end(&mut bytes)
            .map_err(|error| damaged(format!("cannot be read: {error}")))?;
        if sha256(&bytes) != self.sha256 {
            return Err(damaged(
                "does not match its checksum: it is damaged, or belongs to another run".to_owned(),
            ));
        }
        Ok(Bytes::from_bytes_vec(bytes))
    }
}

impl Stamp {
    /// Number of parameters that the file of a model can hold.
    pub(crate) fn most_parameters(&self) -> u64 {
        self.bytes / size_of::<f32>() as u64
    }

    fn check_numbers(&self) -> std::result::Result<(), String> {
        let is_hash =
            self.sha256.len() == 64 && self.sha256.bytes().all(|byte| byte.is_ascii_hexdigit());
        if is_hash && self.epoch <= MAX_EPOCH && self.bytes <= LARGEST {
            Ok(())
        } else {
            Err("is damaged: the entry of a file is out of range".to_owned())
        }
    }
}

impl Manifest {
    /// The layout this program writes and reads.
    pub(super) const FORMAT: u32 = 2;

    /// Reads a manifest, if it exists.
    ///
    /// # Errors
    ///
    /// If it cannot be read, or does not match its checksum.
    pub(crate) fn read(path: &Path, experiment: &str) -> Result<Option<Self>> {
        let Some(text) = read_if_exists(path)? else { return Ok(None) };
        let problem = |problem: String| Error::Artifact { path: path.to_owned(), problem };
        let manifest = Self::parse(&text).map_err(problem)?;
        if manifest.experiment != experiment {
            return Err(problem(format!(
                "belongs to {}, expected {experiment}",
                manifest.experiment
            )));
        }
        Ok(Some(manifest))
    }

    /// Reads the text of a manifest and checks its content.
    pub(super) fn parse(text: &str) -> std::result::Result<Self, String> {
        let manifest: Self = unseal(text, Self::FORMAT)?;
        manifest.check_numbers().map(|()| manifest)
    }

    /// Checks the numbers of a manifest, which a matching checksum does not prove.
    pub(super) fn check_numbers(&self) -> std::result::Result<(), String> {
        let check = |holds: bool, problem: &str| {
            if holds { Ok(()) } else { Err(format!("is damaged: {problem}")) }
        };
        for stamp in self.checkpoints().flatten() {
            stamp.check_numbers()?;
        }
        if let Some(best) = &self.best {
            check((1..=MAX_EPOCH).contains(&best.epoch), "the best epoch is out of range")?;
            let is_of_epoch = |stamp: &Stamp| stamp.epoch == best.epoch && stamp.step == 0;
            check(best.files.iter().all(is_of_epoch), "the best files are of another epoch")?;
            let scalers = best.provenance.scalers.iter();
            let mut scalers =
                scalers.flat_map(|scalers| scalers.inputs.iter().copied().chain([scalers.target]));
            check(scalers.all(Scaler::is_valid), "a scaler has no range")?;
            let linear = best.provenance.scalers.iter().flat_map(|scalers| &scalers.linear);
            let is_valid = linear.into_iter().all(LinearForecast::is_valid);
            check(is_valid, "a weight of the linear forecast is no number")?;
        }
        if let Some(last) = &self.last {
            let [first, end] = last.run;
            check(
                first >= 1 && first - 1 <= last.epoch && last.epoch <= end && end <= MAX_EPOCH,
                "the last epoch is outside its run",
            )?;
            let is_of_step = |stamp: &Stamp| stamp.epoch == last.epoch && stamp.step == last.step;
            check(last.files.iter().all(is_of_step), "the last files are of another step")?;
            check(
                last.lowest.is_none_or(|(epoch, _)| (1..=last.epoch).contains(&epoch)),
                "the epoch of the lowest loss is out of range",
            )?;
        }
        let plain = |name: &str| Path::new(name).file_name() == Some(OsStr::new(name));
        check(self.reports.keys().all(|name| plain(name)), "a report is outside the folder")
    }

    /// The files of its checkpoints.
    pub(super) fn checkpoints(&self) -> impl Iterator<Item = &Files> {
        self.best.iter().map(|best| &best.files).chain(self.last.iter().map(|last| &last.files))
    }

    /// Checks size and checksum of all files in the manifest.
    pub(super) fn check(&self, folder: &Path) -> Result<()> {
        self.stamps().try_for_each(|(part, stamp)| stamp.read(folder, part).map(drop))
    }

    /// Names of all files in the manifest.
    pub(super) fn files(&self) -> Vec<String> {
        self.stamps().map(|(part, stamp)| stamp.name(part)).collect()
    }

    /// Describes the state of the run.
    pub(crate) fn state(&self) -> String {
        match (&self.last, &self.best) {
            (Some(Last { epoch, run: [_, end], .. }), _) => {
                format!("not finished, {epoch} of {end} epochs")
            }
            (None, Some(best)) => format!("finished, best epoch {}", best.epoch),
            (None, None) => "no checkpoint".to_owned(),
        }
    }

    pub(crate) fn stamps(&self) -> impl Iterator<Item = (usize, &Stamp)> {
        self.checkpoints().flat_map(|files| files.iter().enumerate())
    }
}

impl fmt::Display for Manifest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.last, &self.best) {
            (Some(Last { epoch, step: 0, .. }), _) => {
                write!(f, "the checkpoint after epoch {epoch}")
            }
            (Some(Last { epoch, step, .. }), _) => {
                write!(f, "the checkpoint after step {step} of epoch {}", epoch + 1)
            }
            (None, Some(best)) => write!(f, "the best checkpoint (epoch {})", best.epoch),
            (None, None) => f.write_str("the start"),
        }
    }
}

/// Removes checkpoint files that are not in `kept`, and temporary files.
pub(super) fn prune(folder: &Path, kept: &[String]) {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let ours = |name: &str| {
        PARTS.iter().any(|part| name.trim_start_matches('.').starts_with(&format!("{part}-")))
    };
    let names =
        entries.filter_map(|entry| entry.file_name().into_string().ok()).filter(|name| ours(name));
    for name in names
        .filter(|name| !kept.contains(name) && (name.ends_with(".bpk") || name.ends_with(".tmp")))
    {
        // A file that cannot be removed is harmless: no manifest names it.
        drop(remove_all(&folder.join(name)));
    }
}

/// The path of the manifest in a folder.
pub(super) fn manifest_path(folder: &Path) -> PathBuf {
    folder.join(NAMES[0])
}
