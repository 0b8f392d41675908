//! The previous run of a folder while a run with `--fresh` replaces it.
//!
//! It is moved to a backup and stays there until the new run is finished. Meanwhile, commands that
//! read find the backup. If the new run fails, the backup is restored.

use rnn_files::own_folder_exists;

use super::checkpoint::Checkpoints;
use crate::{
    error::Result,
    run::{CONFIG, RunFolder},
    settings::{OptionList, Role},
};

impl RunFolder {
    /// The folder to read results from: the backup of the previous run while a run with `--fresh`
    /// is not finished.
    pub(crate) fn readable(self) -> Self {
        let backup = self.backup();
        if self.is_finished() || !self.has_backup() || !backup.path(CONFIG).exists() {
            return self;
        }
        log::info!(
            "{}: reading the previous run, since that of --fresh is not finished",
            self.folder.display()
        );
        backup
    }

    /// Whether the folder has a run that has ended, with a best checkpoint.
    pub(super) fn is_finished(&self) -> bool {
        Checkpoints::open(self).is_ok_and(|checkpoints| checkpoints.is_finished())
    }

    /// Whether `train` can resume from a checkpoint.
    pub(super) fn can_recover(&self) -> bool {
        Checkpoints::recover(self).is_ok_and(|checkpoints| !checkpoints.is_empty())
    }

    /// Whether there is a backup of the previous run.
    pub(super) fn has_backup(&self) -> bool {
        let backup = self.backup();
        own_folder_exists(&backup.folder).unwrap_or(false)
            && Checkpoints::exist(&backup.checkpoints())
    }

    /// Whether the backup has a better claim to the folder than a failed run.
    ///
    /// It has not if both scored the same values and the failed run has the lower loss. Nor has it
    /// if the previous run has no best checkpoint.
    pub(super) fn backup_stands(&self, failed: &Checkpoints) -> bool {
        let backup = self.backup();
        if !self.has_backup() {
            return false;
        }
        let Some(best) = failed.best() else { return true };
        let Ok(previous) = Checkpoints::open(&backup) else { return true };
        let Some(previous) = previous.best() else { return false };
        best.loss >= previous.loss
            || !best.provenance.is_of_same_data(&previous.provenance)
            || !self.scores_like(&backup).unwrap_or(false)
    }

    /// Whether the losses of two runs are comparable.
    fn scores_like(&self, other: &Self) -> Result<bool> {
        let scored = |run: &Self| {
            let options = run.config()?.map(|config| config.options).unwrap_or_default();
            options
                .only(|field| matches!(field.role, Role::Data | Role::Scored | Role::Loss))
                .portable_entries()
        };
        Ok(scored(self)? == scored(other)?)
    }

    /// Removes a failed run and restores the run before it.
    pub(super) fn give_way_to_backup(&self) {
        let folder = self.folder.display();
        match self.remove_all().and_then(|()| self.restore_backup()) {
            Ok(()) => log::info!("{folder}: the run failed; the previous run is restored"),
            Err(error) => log::warn!("{folder}: the previous run is in its backup: {error}"),
        }
    }
}
