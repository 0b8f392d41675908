//! Opens the checkpoints of a folder. If some are damaged, falls back to an earlier one.

use std::{
    path::PathBuf,
    sync::{Arc, Mutex},
};

use super::{
    manifest::{Manifest, NAMES, Reports, manifest_path},
    read::{TRAIN_ADVICE, with_advice},
    store::{CheckpointState, Checkpoints, Written},
};
use crate::{
    error::{Error, Result},
    run::RunFolder,
};

impl Checkpoints {
    /// Opens a checkpoint folder for reading; it may be empty.
    ///
    /// # Errors
    ///
    /// If its manifest is damaged.
    pub(crate) fn open(artifacts: &RunFolder) -> Result<Arc<Self>> {
        let (folder, name) = (artifacts.checkpoints(), artifacts.name.as_str());
        let manifest = Manifest::read(&manifest_path(&folder), name)
            .map_err(|error| with_advice(error, TRAIN_ADVICE))?;
        if manifest.is_none() && Self::exist(&folder) {
            let problem = format!("is missing, but an earlier manifest exists ({TRAIN_ADVICE})");
            return Err(Error::Artifact { path: manifest_path(&folder), problem });
        }
        Ok(Self::of(folder, name, manifest))
    }

    /// Opens a checkpoint folder for training; it may be empty.
    ///
    /// A damaged checkpoint is logged, and the previous one used.
    ///
    /// # Errors
    ///
    /// If there are checkpoints, and none is intact.
    pub(crate) fn recover(artifacts: &RunFolder) -> Result<Arc<Self>> {
        let (folder, name) = (artifacts.checkpoints(), artifacts.name.as_str());
        let mut problems = Vec::new();
        let mut manifests = Vec::new();
        // First try complete states: from them a run ends with the same result. Older manifests
        // are not read unless needed.
        for file in NAMES {
            match Manifest::read(&folder.join(file), name).and_then(|manifest| {
                let checked = manifest.as_ref().map_or(Ok(()), |manifest| manifest.check(&folder));
                manifests.extend(manifest.clone());
                checked.map(|()| manifest)
            }) {
                Ok(Some(manifest)) => {
                    return Ok(Self::fall_back(folder, name, &problems, manifest, ""));
                }
                Ok(None) if file == NAMES[0] && Self::exist(&folder) => {
                    problems.push(Error::Artifact {
                        path: folder.join(file),
                        problem: "is missing".to_owned(),
                    });
                }
                Ok(None) => {}
                Err(error) => problems.push(error),
            }
        }
        // Then try partial states: only the best checkpoint, or only the last.
        for manifest in manifests {
            let best = Manifest { last: None, reports: Reports::new(), ..manifest.clone() };
            if best.best.is_some() && best.check(&folder).is_ok() {
                return Ok(Self::fall_back(
                    folder,
                    name,
                    &problems,
                    best,
                    "; the epochs after it are lost",
                ));
            }
            let last = Manifest { best: None, ..manifest };
            if last.last.as_ref().is_some_and(|last| last.epoch < last.run[1])
                && last.check(&folder).is_ok()
            {
                return Ok(Self::fall_back(
                    folder,
                    name,
                    &problems,
                    last,
                    "; the best weights so far are lost",
                ));
            }
        }
        match problems.into_iter().next() {
            Some(problem) => Err(with_advice(
                problem,
                "no other checkpoint is intact; use --fresh to start over",
            )),
            None => Ok(Self::of(folder, name, None)),
        }
    }

    /// Restores damaged files from their copies, and damaged copies from their files.
    ///
    /// # Errors
    ///
    /// If a file cannot be written.
    pub(crate) fn repair(&self) -> Result<()> {
        let Some(folder) = &self.folder else { return Ok(()) };
        let manifest = self.manifest(&self.state());
        manifest.stamps().try_for_each(|(part, stamp)| stamp.repair(folder, part))
    }

    fn fall_back(
        folder: PathBuf,
        name: &str,
        problems: &[Error],
        manifest: Manifest,
        lost: &str,
    ) -> Arc<Self> {
        if let Some(problem) = problems.first() {
            log::info!("{problem}; falling back to {manifest}{lost}");
        }
        Self::of(folder, name, Some(manifest))
    }

    fn of(folder: PathBuf, name: &str, manifest: Option<Manifest>) -> Arc<Self> {
        let written = manifest.as_ref().and_then(|manifest| Written::of(manifest).ok());
        let [before, older] = [NAMES[1], NAMES[2]].map(|file| {
            Manifest::read(&folder.join(file), name)
                .ok()
                .flatten()
                .and_then(|manifest| Written::of(&manifest).ok())
        });
        let (best, last, reports) = manifest.map_or((None, None, Reports::new()), |manifest| {
            (manifest.best, manifest.last, manifest.reports)
        });
        Arc::new(Self {
            folder: Some(folder),
            name: name.to_owned(),
            state: Mutex::new(CheckpointState {
                best,
                last,
                reports,
                written,
                before,
                older,
                ..CheckpointState::default()
            }),
        })
    }

    /// The checkpoints of a run in memory.
    pub(crate) fn in_memory(name: &str) -> Arc<Self> {
        Arc::new(Self { folder: None, name: name.to_owned(), state: Mutex::default() })
    }
}

/// Parses a manifest. Used by fuzzing: a wrong checksum is accepted, since random edits never match
/// it.
pub(crate) fn read_manifest(text: &str) -> std::result::Result<(), String> {
    Manifest::parse(text)
        .or_else(|problem| serde_json::from_str::<Manifest>(text).map_err(|_| problem))
        .map(|manifest| drop(manifest.files()))
}
