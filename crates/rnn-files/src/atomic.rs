//! Atomic writes: after a crash a file is either the old one or the new one.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    path::Path,
    time::{Duration, Instant},
};

use crate::{disk, error::FileError, temporary::Temporary};

/// Longest wait for a reader of a pipe that the user named.
const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// Writes a file atomically: under a temporary name beside it, synced, then renamed.
///
/// A crash or a failed write leaves the old file. A link, a pipe or a device of that name is
/// replaced by a file: nothing planted can redirect the write or make it wait.
///
/// # Errors
///
/// [`FileError::Write`] with the path and the cause.
pub fn write_atomic(path: &Path, bytes: &[u8]) -> Result<(), FileError> {
    let failed = |source| FileError::Write { path: path.to_owned(), source };
    write_atomic_with(path, |file| file.write_all(bytes).map_err(failed))
}

/// Like [`write_atomic`], but follows a symbolic link and replaces its target. A pipe or a device
/// is written to.
///
/// Use it for paths that the user gave.
///
/// # Errors
///
/// [`FileError::Write`] with the path and the cause, also for a dangling link, and for a pipe that
/// no program reads.
pub fn write_following_links(path: &Path, bytes: &[u8]) -> Result<(), FileError> {
    let failed = |source| FileError::Write { path: path.to_owned(), source };
    if fs::metadata(path).is_ok_and(|found| !found.is_file() && !found.is_dir()) {
        // Links of the system to pipes, such as /dev/stdout, have no path.
        return write_in_place(path, bytes).map_err(failed);
    }
    if !path.is_symlink() {
        return write_atomic(path, bytes);
    }
    write_atomic(&path.canonicalize().map_err(failed)?, bytes)
}

/// Writes to a device or a pipe.
fn write_in_place(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = open_for_writing(path)?;
    file.write_all(bytes)?;
    file.flush()
}

#[cfg(unix)]
fn open_for_writing(path: &Path) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt;

    use rustix::{
        fs::{OFlags, fcntl_getfl, fcntl_setfl},
        io::Errno,
    };

    let started = Instant::now();
    let flags = OFlags::NONBLOCK.bits().cast_signed();
    // Opening a pipe would wait for its reader, and ignore signals meanwhile.
    let file = loop {
        match OpenOptions::new().write(true).custom_flags(flags).open(path) {
            Err(error) if error.raw_os_error() == Some(Errno::NXIO.raw_os_error()) => {
                if started.elapsed() > LONGEST_WAIT {
                    let problem = "no program reads this pipe (start its reader first)";
                    return Err(io::Error::other(problem));
                }
                std::thread::sleep(Duration::from_millis(20));
            }
            opened => break opened?,
        }
    };
    fcntl_setfl(&file, fcntl_getfl(&file)? - OFlags::NONBLOCK)?;
    Ok(file)
}

#[cfg(not(unix))]
fn open_for_writing(path: &Path) -> io::Result<File> {
    let _ = (Instant::now(), LONGEST_WAIT);
    OpenOptions::new().write(true).open(path)
}

/// Like [`write_atomic`], for content that is written in pieces.
///
/// `write` receives a buffered writer of the temporary file.
///
/// # Errors
///
/// The error of `write`, or [`FileError::Write`]. The old file stays unchanged.
pub fn write_atomic_with<T, E: From<FileError>>(
    path: &Path,
    write: impl FnOnce(&mut dyn Write) -> Result<T, E>,
) -> Result<T, E> {
    let failed = |source| FileError::Write { path: path.to_owned(), source };
    let temporary = Temporary::beside(path).map_err(failed)?;
    let mut file = io::BufWriter::new(temporary.file());
    let value = write(&mut file)?;
    file.flush().map_err(failed)?;
    drop(file);
    temporary.rename(path).map_err(failed)?;
    Ok(value)
}

/// Writes a new file, and makes its content and its name durable; rename it later. A file of that
/// name is replaced. Two processes must not write the same name at a time.
///
/// # Errors
///
/// If the file cannot be created, written or synced.
pub fn write_synced(path: &Path, text: &str) -> io::Result<()> {
    // Opening would follow a link of that name.
    drop(disk::remove_file(path));
    let mut file = disk::create_new(path)?;
    file.write_all(text.as_bytes())?;
    disk::sync_file(&file, path)?;
    disk::sync_folder(&disk::parent(path))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::temporary_path;

    #[test]
    fn a_failed_write_leaves_the_old_file_and_no_temporary_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        write_atomic(&path, b"old").unwrap();
        let failed = write_atomic_with(&path, |file| {
            file.write_all(b"half").unwrap();
            Err::<(), _>(FileError::serialize("enough"))
        });
        assert!(failed.is_err());
        assert_eq!(
            (fs::read(&path).unwrap(), fs::read_dir(folder.path()).unwrap().count()),
            (b"old".to_vec(), 1)
        );
    }

    #[cfg(unix)]
    #[test]
    fn write_atomic_replaces_links_and_write_following_links_follows_them() {
        let folder = tempfile::tempdir().unwrap();
        let [file, link] = ["file", "link"].map(|name| folder.path().join(name));
        fs::write(&file, "old").unwrap();
        std::os::unix::fs::symlink(&file, &link).unwrap();
        write_following_links(&link, b"new").unwrap();
        assert_eq!(fs::read(&file).unwrap(), b"new");
        assert!(link.is_symlink());
        std::os::unix::fs::symlink(&file, temporary_path(&link)).unwrap();
        write_atomic(&link, b"newer").unwrap();
        assert!(
            !link.is_symlink()
                && fs::read(&link).unwrap() == b"newer"
                && fs::read(&file).unwrap() == b"new"
        );
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
    }

    #[cfg(unix)]
    #[test]
    fn pipes_are_replaced_in_our_folders_and_written_to_for_the_user() {
        let folder = tempfile::tempdir().unwrap();
        let [pipe, link] = ["pipe", "link"].map(|name| folder.path().join(name));
        let mkfifo = || {
            let made = std::process::Command::new("mkfifo").arg(&pipe).status();
            assert!(made.unwrap().success());
        };
        mkfifo();
        write_atomic(&pipe, b"a file").unwrap();
        assert_eq!(fs::read(&pipe).unwrap(), b"a file");
        fs::remove_file(&pipe).unwrap();
        mkfifo();
        std::os::unix::fs::symlink(&pipe, &link).unwrap();
        let problem = write_following_links(&link, b"unread").unwrap_err().to_string();
        assert!(problem.ends_with("no program reads this pipe (start its reader first)"));
        // More than a pipe holds at a time.
        let text = vec![b'x'; 1 << 20];
        let reader = pipe.clone();
        let reader = std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(50));
            fs::read(reader).unwrap()
        });
        write_following_links(&link, &text).unwrap();
        assert!(reader.join().unwrap() == text);
        write_following_links(Path::new("/dev/null"), b"nothing").unwrap();
    }
}
