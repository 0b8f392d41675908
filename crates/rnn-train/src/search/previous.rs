//! The previous search of a folder while one with `--fresh` replaces it.

use std::{
    fs,
    path::{Path, PathBuf},
};

use rnn_files::{own_folder_exists, remove_all, rename_synced};

use crate::error::{Error, Result};

/// The folder of a search, and the folder beside it that keeps the previous search.
pub(crate) struct PreviousSearch {
    folder: PathBuf,
    backup: PathBuf,
}

impl PreviousSearch {
    /// The previous search of the folder `search/`.
    ///
    /// A search that was moved and not replaced is moved back.
    ///
    /// # Errors
    ///
    /// If a link lies in its place, or a folder cannot be renamed.
    pub(crate) fn open(folder: &Path) -> Result<Self> {
        let name = folder.file_name().unwrap_or_default().to_string_lossy();
        let backup = folder.with_file_name(format!(".{name}.before"));
        let previous = Self { folder: folder.to_owned(), backup };
        if fs::symlink_metadata(folder).is_err() && own_folder_exists(&previous.backup)? {
            previous.rename(&previous.backup, folder)?;
        }
        Ok(previous)
    }

    /// Moves the search to the backup, or removes it if it is unfinished and there is a backup.
    pub(crate) fn set_aside(&self) -> Result<()> {
        match fs::symlink_metadata(&self.folder) {
            Ok(kind) if kind.is_dir() => {}
            // A link goes; what it leads to stays.
            Ok(_) => return Ok(remove_all(&self.folder)?),
            Err(_) => return Ok(()),
        }
        let is_finished = self.folder.join(super::TEST).exists();
        if !is_finished && own_folder_exists(&self.backup)? {
            return Ok(remove_all(&self.folder)?);
        }
        remove_all(&self.backup)?;
        self.rename(&self.folder, &self.backup)
    }

    /// Removes the backup: the new search is complete.
    pub(crate) fn discard(&self) -> Result<()> {
        Ok(remove_all(&self.backup)?)
    }

    /// Removes a failed search and moves the previous one back, if there is one.
    pub(crate) fn restore(&self) -> Result<()> {
        if own_folder_exists(&self.backup)? {
            remove_all(&self.folder)?;
            self.rename(&self.backup, &self.folder)?;
            log::info!("{}: the previous search is restored", self.folder.display());
        }
        Ok(())
    }

    fn rename(&self, from: &Path, to: &Path) -> Result<()> {
        rename_synced(from, to).map_err(|source| Error::Write { path: to.to_owned(), source })
    }
}
