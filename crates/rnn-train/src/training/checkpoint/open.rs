//! Opening the checkpoints of a folder, and going back to an earlier one where some are damaged.

use std::{
    path::PathBuf,
    sync::{Arc, Mutex},
};

use super::{
    manifest::{Manifest, NAMES, manifest_path},
    read::{TRAIN_GOES_BACK, advised},
    store::{CheckpointState, Checkpoints, Written},
};
use crate::{
    error::{Error, Result},
    run::RunFolder,
};

impl Checkpoints {
    /// Opens a checkpoint folder, which may be empty, to read it.
    ///
    /// # Errors
    ///
    /// When its manifest is damaged.
    pub(crate) fn open(artifacts: &RunFolder) -> Result<Arc<Self>> {
        let (folder, name) = (artifacts.checkpoints(), artifacts.name.as_str());
        let manifest = Manifest::read(&manifest_path(&folder), name)
            .map_err(|error| advised(error, TRAIN_GOES_BACK))?;
        if manifest.is_none() && Self::exist(&folder) {
            let problem = format!("is not there, but the manifest before it is; {TRAIN_GOES_BACK}");
            return Err(Error::Artifact { path: manifest_path(&folder), problem });
        }
        Ok(Self::of(folder, name, manifest))
    }

    /// Opens a checkpoint folder, which may be empty, to train further: what is damaged is said,
    /// and the checkpoint before it taken.
    ///
    /// # Errors
    ///
    /// When there are checkpoints, and none is whole.
    pub(crate) fn recover(artifacts: &RunFolder) -> Result<Arc<Self>> {
        let (folder, name) = (artifacts.checkpoints(), artifacts.name.as_str());
        let mut problems = Vec::new();
        let mut manifests = Vec::new();
        // Whole ones first: from there a run comes to the same end. What is not needed is not
        // looked at.
        for file in NAMES {
            match Manifest::read(&folder.join(file), name).and_then(|manifest| {
                let checked = manifest.as_ref().map_or(Ok(()), |manifest| manifest.check(&folder));
                manifests.extend(manifest.clone());
                checked.map(|()| manifest)
            }) {
                Ok(Some(manifest)) => {
                    return Ok(Self::gone_back(folder, name, &problems, manifest, ""));
                }
                Ok(None) if file == NAMES[0] && Self::exist(&folder) => {
                    problems.push(Error::Artifact {
                        path: folder.join(file),
                        problem: "is not there".to_owned(),
                    });
                }
                Ok(None) => {}
                Err(error) => problems.push(error),
            }
        }
        // Then what is left of them.
        for manifest in manifests {
            let best = Manifest { last: None, ..manifest.clone() };
            if best.best.is_some() && best.check(&folder).is_ok() {
                return Ok(Self::gone_back(
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
                return Ok(Self::gone_back(
                    folder,
                    name,
                    &problems,
                    last,
                    "; the best weights so far are lost",
                ));
            }
        }
        match problems.into_iter().next() {
            Some(problem) => {
                Err(advised(problem, "no other checkpoint is whole; start over with --fresh"))
            }
            None => Ok(Self::of(folder, name, None)),
        }
    }

    fn gone_back(
        folder: PathBuf,
        name: &str,
        problems: &[Error],
        manifest: Manifest,
        lost: &str,
    ) -> Arc<Self> {
        if let Some(problem) = problems.first() {
            log::info!("{problem}; going back to {manifest}{lost}");
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
        let (best, last) = manifest.map_or((None, None), |manifest| (manifest.best, manifest.last));
        Arc::new(Self {
            folder: Some(folder),
            name: name.to_owned(),
            state: Mutex::new(CheckpointState {
                best,
                last,
                written,
                before,
                older,
                ..CheckpointState::default()
            }),
        })
    }

    /// The checkpoints of a run that is kept in memory.
    pub(crate) fn in_memory(name: &str) -> Arc<Self> {
        Arc::new(Self { folder: None, name: name.to_owned(), state: Mutex::default() })
    }
}

/// Reads the text of a manifest; also without its checksum, which nobody's changes would get past.
pub(crate) fn read_manifest(text: &str) -> std::result::Result<(), String> {
    Manifest::parse(text)
        .or_else(|problem| serde_json::from_str::<Manifest>(text).map_err(|_| problem))
        .map(|manifest| drop(manifest.files()))
}
