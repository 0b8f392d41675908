//! Temporary files beside the files that they will replace.
//!
//! Each is locked by its writer until it is renamed. So a file without a lock is left from a killed
//! process: the next writer of that name removes it. Several writers take different names.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, ErrorKind},
    path::{Path, PathBuf},
};

use crate::{
    disk,
    folder::rename_synced,
    open::{Links, is_at, open},
    sealed::sha256,
};

/// Most writers of one file at a time.
const MOST: usize = 1000;

/// Number of further names from which files of killed writers are removed.
const SWEPT: usize = 3;

/// Longest part of a file name that its temporary name repeats, in bytes. Systems allow 255.
const LONGEST: usize = 230;

/// Letters of the hash that keeps shortened names different.
const HASH: usize = 16;

/// Returns the usual temporary name beside a file: `.NAME.tmp`.
pub fn temporary_path(path: &Path) -> PathBuf {
    numbered(path, 0)
}

/// `.NAME.tmp`, or `.NAME.2.tmp` for the third writer at a time.
fn numbered(path: &Path, number: usize) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    if name.len() > LONGEST {
        let hash = sha256(name.as_bytes());
        name.truncate(name.floor_char_boundary(LONGEST - HASH));
        name += &hash[..HASH];
    }
    let number = if number > 0 { format!(".{number}") } else { String::new() };
    path.with_file_name(format!(".{name}{number}.tmp"))
}

/// A new file under a temporary name, removed when it is dropped.
pub(crate) struct Temporary {
    file: File,
    path: PathBuf,
    renamed: bool,
}

impl Temporary {
    /// Creates a file beside `path`.
    pub(crate) fn beside(path: &Path) -> io::Result<Self> {
        let mut number = 0;
        // Names may change hands between the two calls; so the loop is bounded.
        for _ in 0..10 * MOST {
            let name = numbered(path, number);
            match disk::create_new(&name) {
                // Otherwise another writer took it for an abandoned one.
                Ok(file) if lock(&file) != Locked::ByAnother && is_at(&file, &name) => {
                    for later in number + 1..=number + SWEPT {
                        drop(remove_abandoned(&numbered(path, later)));
                    }
                    return Ok(Self { file, path: name, renamed: false });
                }
                Err(error) if error.kind() != ErrorKind::AlreadyExists => return Err(error),
                Err(_) if remove_abandoned(&name)? => continue,
                _ => {}
            }
            number += 1;
            if number > MOST {
                break;
            }
        }
        let name = temporary_path(path);
        let problem = format!("{}: in use by {MOST} other writers", name.display());
        Err(io::Error::new(ErrorKind::AlreadyExists, problem))
    }

    pub(crate) fn file(&self) -> &File {
        &self.file
    }

    /// Syncs the file and gives it its name, durably.
    pub(crate) fn rename(mut self, path: &Path) -> io::Result<()> {
        disk::sync_file(&self.file, &self.path)?;
        if cfg!(windows) {
            // There a lock also keeps readers out.
            self.file.unlock()?;
        }
        rename_synced(&self.path, path)?;
        self.renamed = true;
        Ok(())
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        // After a failed sync the name may be that of another writer.
        if !self.renamed && is_at(&self.file, &self.path) {
            drop(disk::remove_file(&self.path));
        }
    }
}

#[derive(PartialEq, Eq)]
enum Locked {
    Now,
    ByAnother,
    /// The file system has no locks.
    Never,
}

fn lock(file: &File) -> Locked {
    match file.try_lock() {
        Ok(()) => Locked::Now,
        Err(TryLockError::WouldBlock) => Locked::ByAnother,
        Err(TryLockError::Error(_)) => Locked::Never,
    }
}

/// Removes a file whose writer has ended. Returns whether the name is free.
fn remove_abandoned(path: &Path) -> io::Result<bool> {
    let metadata = match fs::symlink_metadata(path) {
        Ok(metadata) if metadata.is_dir() => return Ok(false),
        Ok(metadata) => metadata,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(true),
        Err(error) => return Err(error),
    };
    let held = if metadata.is_file() {
        let Ok(file) = open(path, Links::Refused, OpenOptions::new().read(true).write(true)) else {
            // Removed meanwhile, or of another user.
            return Ok(!path.exists());
        };
        if lock(&file) != Locked::Now {
            return Ok(false);
        }
        if !is_at(&file, path) {
            // It was renamed or removed before it was locked.
            return Ok(true);
        }
        Some(file)
    } else {
        // A link or a pipe is nobody's temporary file.
        None
    };
    let removed = disk::remove_file(path);
    drop(held);
    match removed {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => Ok(true),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap();
        let mut names: Vec<String> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn writers_take_different_names_and_remove_those_of_ended_writers() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        let writers: Vec<Temporary> = (0..3).map(|_| Temporary::beside(&path).unwrap()).collect();
        assert_eq!(names(folder.path()), [".file.1.tmp", ".file.2.tmp", ".file.tmp"]);
        drop(writers);
        assert_eq!(names(folder.path()), Vec::<String>::new());
        for name in [".file.tmp", ".file.1.tmp", ".file.3.tmp"] {
            fs::write(folder.path().join(name), "abandoned").unwrap();
        }
        let temporary = Temporary::beside(&path).unwrap();
        assert_eq!(names(folder.path()), [".file.tmp"]);
        temporary.rename(&path).unwrap();
        assert_eq!(names(folder.path()), ["file"]);
    }

    #[test]
    fn a_long_name_leaves_room_for_its_temporary_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("é".repeat(127));
        assert_ne!(temporary_path(&path), temporary_path(&folder.path().join("é".repeat(126))));
        let [first, second] = [0, 1].map(|_| Temporary::beside(&path).unwrap());
        first.rename(&path).unwrap();
        second.rename(&path).unwrap();
        assert_eq!(names(folder.path()), ["é".repeat(127)]);
    }

    #[test]
    fn many_writers_at_a_time_all_succeed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        std::thread::scope(|scope| {
            for writer in 0..8 {
                let path = &path;
                scope.spawn(move || {
                    for _ in 0..50 {
                        crate::write_atomic(path, &[b'0' + writer; 100]).unwrap();
                        let read = fs::read(path).unwrap();
                        assert!(read.len() == 100 && read.iter().all(|byte| *byte == read[0]));
                    }
                });
            }
        });
        assert_eq!(names(folder.path()), ["file"]);
    }
}
