//! Opens ordinary files only, and never waits: neither for a pipe nor for a device.

use std::{
    fs::{self, File, Metadata, OpenOptions},
    io,
    path::Path,
};

/// Whether a symbolic link at the end of a path is followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Links {
    /// For paths that the user gave.
    Followed,
    /// For files in our own folders.
    Refused,
}

/// Opens an ordinary file in one of our own folders for reading. It never waits.
///
/// # Errors
///
/// If the file is missing, or is a symbolic link, a folder, a pipe, a socket or a device.
pub fn open_own(path: &Path) -> io::Result<File> {
    open(path, Links::Refused, OpenOptions::new().read(true))
}

/// Opens an ordinary file with the given options.
///
/// # Errors
///
/// If it cannot be opened, or is not an ordinary file.
pub(crate) fn open(path: &Path, links: Links, options: &mut OpenOptions) -> io::Result<File> {
    // Opening a device may have effects of its own.
    match metadata(path, links) {
        Ok(metadata) => expect_file(&metadata)?,
        // The options may create it.
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;

        use rustix::fs::OFlags;

        let no_links = if links == Links::Refused { OFlags::NOFOLLOW } else { OFlags::empty() };
        options.custom_flags((OFlags::NONBLOCK | no_links).bits().cast_signed());
    }
    let file = options.open(path)?;
    // Another process may have replaced it before it was opened.
    expect_file(&file.metadata()?)?;
    Ok(file)
}

fn metadata(path: &Path, links: Links) -> io::Result<Metadata> {
    match links {
        Links::Followed => fs::metadata(path),
        Links::Refused => fs::symlink_metadata(path),
    }
}

fn expect_file(metadata: &Metadata) -> io::Result<()> {
    if metadata.is_file() {
        return Ok(());
    }
    Err(io::Error::other(format!("expected an ordinary file, got {}", kind(metadata))))
}

/// What stands at a path, for error messages.
pub(crate) fn kind(metadata: &Metadata) -> &'static str {
    if metadata.is_symlink() {
        "a symbolic link (remove the link)"
    } else if metadata.is_dir() {
        "a folder"
    } else if metadata.is_file() {
        "a file"
    } else if is_socket(metadata) {
        "a socket"
    } else {
        "a pipe or a device"
    }
}

#[cfg(unix)]
fn is_socket(metadata: &Metadata) -> bool {
    use std::os::unix::fs::FileTypeExt;

    metadata.file_type().is_socket()
}

#[cfg(not(unix))]
fn is_socket(_: &Metadata) -> bool {
    false
}

/// Number of names of an open file; a hard link is a second one.
#[cfg(unix)]
pub(crate) fn names(metadata: &Metadata) -> u64 {
    use std::os::unix::fs::MetadataExt;

    metadata.nlink()
}

#[cfg(not(unix))]
pub(crate) fn names(_: &Metadata) -> u64 {
    1
}

/// Whether a path still leads to an open file.
pub(crate) fn is_at(file: &File, path: &Path) -> bool {
    let (Ok(opened), Ok(found)) = (file.metadata(), fs::symlink_metadata(path)) else {
        return false;
    };
    same(&opened, &found)
}

#[cfg(unix)]
fn same(opened: &Metadata, found: &Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;

    (opened.dev(), opened.ino()) == (found.dev(), found.ino())
}

#[cfg(not(unix))]
fn same(_: &Metadata, _: &Metadata) -> bool {
    true
}

#[cfg(all(test, unix))]
mod tests {
    #[allow(clippy::disallowed_types, reason = "a socket that nobody connects to")]
    use std::os::unix::net::UnixListener;

    use super::*;

    /// Runs a function that must not wait.
    fn at_once<T: Send + 'static>(run: impl FnOnce() -> T + Send + 'static) -> T {
        let (sender, receiver) = std::sync::mpsc::channel();
        std::thread::spawn(move || sender.send(run()));
        receiver.recv_timeout(std::time::Duration::from_secs(10)).expect("it waits")
    }

    #[test]
    #[allow(clippy::disallowed_types, reason = "a socket that nobody connects to")]
    fn links_folders_pipes_sockets_and_devices_are_refused_without_waiting() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        fs::write(path("file"), "text").unwrap();
        fs::create_dir(path("folder")).unwrap();
        std::os::unix::fs::symlink("file", path("link")).unwrap();
        std::os::unix::fs::symlink("/dev/zero", path("zero")).unwrap();
        let made = std::process::Command::new("mkfifo").arg(path("pipe")).status();
        assert!(made.unwrap().success());
        let _socket = UnixListener::bind(path("socket")).unwrap();
        for (name, expected) in [
            ("folder", "expected an ordinary file, got a folder"),
            ("link", "expected an ordinary file, got a symbolic link (remove the link)"),
            ("zero", "expected an ordinary file, got a symbolic link (remove the link)"),
            ("pipe", "expected an ordinary file, got a pipe or a device"),
            ("socket", "expected an ordinary file, got a socket"),
        ] {
            let path = path(name);
            let problem = at_once(move || open_own(&path).unwrap_err().to_string());
            assert_eq!(problem, expected, "{name}");
        }
        assert!(open_own(&path("file")).is_ok());
        let follow = |name: &str| open(&path(name), Links::Followed, OpenOptions::new().read(true));
        assert!(follow("link").is_ok());
        assert!(follow("zero").unwrap_err().to_string().ends_with("a pipe or a device"));
    }
}
