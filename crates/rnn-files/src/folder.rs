//! Folders and names that survive a power loss, and folders that are not links.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use crate::{disk, error::FileError, open::kind};

/// Creates a folder that the user named, and its missing parents. Links are followed.
///
/// The name of each new folder is durable on return.
///
/// # Errors
///
/// [`FileError::Write`] with the folder that cannot be created.
pub fn create_folders(path: &Path) -> Result<(), FileError> {
    create_nested(path).map_err(|source| FileError::Write { path: path.to_owned(), source })
}

fn create_nested(path: &Path) -> io::Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    if let Some(parent) = path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        create_nested(parent)?;
    }
    match create(path) {
        // Another process was faster.
        Err(_) if path.is_dir() => Ok(()),
        created => created,
    }
}

/// Creates a folder inside one of our own folders, unless it exists. Links are refused.
///
/// The name of a new folder is durable on return.
///
/// # Errors
///
/// [`FileError::Write`] if the folder cannot be created, or a link or a file has its name.
pub fn create_own_folder(path: &Path) -> Result<(), FileError> {
    let failed = |source| FileError::Write { path: path.to_owned(), source };
    match create(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            own_folder(path).map(drop).map_err(failed)
        }
        created => created.map_err(failed),
    }
}

/// Returns whether a folder inside one of our own folders exists.
///
/// # Errors
///
/// [`FileError::Read`] if a link or a file has its name.
pub fn own_folder_exists(path: &Path) -> Result<bool, FileError> {
    own_folder(path).map_err(|source| FileError::Read { path: path.to_owned(), source })
}

fn create(path: &Path) -> io::Result<()> {
    disk::create_folder(path)?;
    disk::sync_folder(&disk::parent(path))
}

fn own_folder(path: &Path) -> io::Result<bool> {
    match fs::symlink_metadata(path) {
        Ok(metadata) if metadata.is_dir() => Ok(true),
        Ok(metadata) => {
            Err(io::Error::other(format!("expected a folder, got {}", kind(&metadata))))
        }
        Err(error)
            if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) =>
        {
            Ok(false)
        }
        Err(error) => Err(error),
    }
}

/// Renames a file or a folder and syncs the folders of both names. A power loss cannot undo it.
///
/// # Errors
///
/// If it cannot be renamed, or a folder cannot be synced.
pub fn rename_synced(from: &Path, to: &Path) -> io::Result<()> {
    disk::rename(from, to)?;
    let [source, target] = [from, to].map(disk::parent);
    // The new name first: a power loss between the two leaves one name at least.
    disk::sync_folder(&target)?;
    if source == target { Ok(()) } else { disk::sync_folder(&source) }
}

/// Removes a file, a link, or a folder with its contents. What a link leads to stays. Nothing is
/// done if the name is missing.
///
/// A power loss may undo the removal; see [`sync_folder`].
///
/// # Errors
///
/// [`FileError::Write`] with the path and the cause.
pub fn remove_all(path: &Path) -> Result<(), FileError> {
    let removed = match fs::symlink_metadata(path) {
        Ok(metadata) if metadata.is_dir() => disk::remove_folder(path),
        Ok(_) => disk::remove_file(path),
        Err(error) => Err(error),
    };
    match removed {
        Err(source) if source.kind() != io::ErrorKind::NotFound => {
            Err(FileError::Write { path: path.to_owned(), source })
        }
        _ => Ok(()),
    }
}

/// Makes the names in a folder durable: later changes cannot survive a power loss without them.
///
/// # Errors
///
/// [`FileError::Write`] if the folder cannot be opened or synced.
pub fn sync_folder(folder: &Path) -> Result<(), FileError> {
    disk::sync_folder(folder)
        .map_err(|source| FileError::Write { path: PathBuf::from(folder), source })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_are_created_once_and_files_in_their_place_are_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        create_folders(&path("a/b/c")).unwrap();
        create_folders(&path("a/b")).unwrap();
        create_own_folder(&path("a/b/c")).unwrap();
        create_own_folder(&path("a/d")).unwrap();
        assert!(path("a/b/c").is_dir() && own_folder_exists(&path("a/d")).unwrap());
        assert!(!own_folder_exists(&path("e")).unwrap());
        fs::write(path("file"), "text").unwrap();
        assert!(!own_folder_exists(&path("file/e")).unwrap());
        for problem in [
            create_own_folder(&path("file")).unwrap_err(),
            own_folder_exists(&path("file")).unwrap_err(),
        ] {
            let problem = problem.to_string();
            assert!(problem.ends_with(": expected a folder, got a file"), "{problem}");
        }
        assert!(create_folders(&path("file/e")).is_err());
        remove_all(&path("a")).unwrap();
        remove_all(&path("a")).unwrap();
        remove_all(&path("file")).unwrap();
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[cfg(unix)]
    #[test]
    fn links_are_followed_for_the_user_and_refused_in_our_folders() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        fs::create_dir(path("outside")).unwrap();
        fs::write(path("outside/file"), "not ours").unwrap();
        std::os::unix::fs::symlink(path("outside"), path("link")).unwrap();
        create_folders(&path("link/new")).unwrap();
        assert!(path("outside/new").is_dir());
        for problem in [
            create_own_folder(&path("link")).unwrap_err(),
            own_folder_exists(&path("link")).unwrap_err(),
        ] {
            let problem = problem.to_string();
            let expected = "link: cannot be ";
            assert!(
                problem.contains(expected)
                    && problem
                        .ends_with("expected a folder, got a symbolic link (remove the link)"),
                "{problem}"
            );
        }
        remove_all(&path("link")).unwrap();
        assert!(!path("link").exists() && path("outside/file").exists());
    }
}
