//! Bounded reads of small files: folders, devices and large files are refused.

use std::{
    fs::{self, File},
    io::{self, ErrorKind, Read},
    path::Path,
};

use sha2::{Digest, Sha256};

use crate::{error::FileError, sealed::hexadecimal};

/// Largest accepted size of a settings file or a file of a run, in bytes: 16 MiB.
pub const MAX_TEXT_BYTES: u64 = 16 << 20;

/// Reads a UTF-8 text of at most `max` bytes, without its byte-order mark.
///
/// # Errors
///
/// If the path is not an ordinary file, or the file is larger or not UTF-8 text.
pub fn read_text(path: &Path, max: u64) -> io::Result<String> {
    decode_text(read_bytes(path, max)?)
}

/// Reads an ordinary file of at most `max` bytes.
///
/// # Errors
///
/// If the path is a folder, a pipe or a device, or the file is larger or cannot be read.
pub fn read_bytes(path: &Path, max: u64) -> io::Result<Vec<u8>> {
    let kind = fs::metadata(path)?;
    if !kind.is_file() {
        // Reading a pipe without a writer would block.
        let what = if kind.is_dir() { "a folder" } else { "a pipe or a device" };
        return Err(io::Error::other(format!("expected an ordinary file, got {what}")));
    }
    let mut bytes = Vec::new();
    if kind.len() <= max {
        File::open(path)?.take(max + 1).read_to_end(&mut bytes)?;
    }
    if kind.len().max(bytes.len() as u64) > max {
        return Err(io::Error::other(format!(
            "expected at most {} MiB, got {} bytes",
            max >> 20,
            kind.len().max(bytes.len() as u64)
        )));
    }
    Ok(bytes)
}

/// Returns the size of an ordinary file in bytes and its SHA-256 in hexadecimal.
///
/// The file is read in pieces. `None` if it does not exist.
///
/// # Errors
///
/// [`FileError::Read`] if the path is a folder, a link, a pipe or a device, or cannot be read.
pub fn sha256_of_file(path: &Path) -> Result<Option<(u64, String)>, FileError> {
    let read = || -> io::Result<Option<(u64, String)>> {
        let file = match fs::symlink_metadata(path) {
            Ok(kind) if kind.is_file() => File::open(path)?,
            Ok(_) => return Err(io::Error::other("expected an ordinary file")),
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let (mut file, mut hasher) = (io::BufReader::new(file), Sha256::new());
        let bytes = io::copy(&mut file, &mut HashWriter(&mut hasher))?;
        Ok(Some((bytes, hexadecimal(&hasher.finalize()))))
    };
    read().map_err(|source| FileError::Read { path: path.to_owned(), source })
}

struct HashWriter<'a>(&'a mut Sha256);

impl io::Write for HashWriter<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Decodes UTF-8 text and drops its byte-order mark.
///
/// # Errors
///
/// If the bytes are not UTF-8; the message has the line.
pub fn decode_text(bytes: Vec<u8>) -> io::Result<String> {
    let mut text = String::from_utf8(bytes).map_err(|error| {
        let (bytes, valid) = (error.as_bytes(), error.utf8_error().valid_up_to());
        let line = 1 + bytes[..valid].iter().filter(|byte| **byte == b'\n').count();
        let got = if bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff") {
            "UTF-16"
        } else {
            "other bytes"
        };
        io::Error::other(format!("line {line}: expected UTF-8 text, got {got}"))
    })?;
    if text.starts_with('\u{feff}') {
        text.drain(..'\u{feff}'.len_utf8());
    }
    Ok(text)
}

/// Reads a text file of at most [`MAX_TEXT_BYTES`]; `None` if the file does not exist.
///
/// # Errors
///
/// [`FileError::Read`] if the file exists and [`read_text`] fails.
pub fn read_if_exists(path: &Path) -> Result<Option<String>, FileError> {
    read_if_exists_up_to(path, MAX_TEXT_BYTES)
}

/// Like [`read_if_exists`], for a file of at most `max` bytes.
///
/// # Errors
///
/// [`FileError::Read`] if the file exists and [`read_text`] fails.
pub fn read_if_exists_up_to(path: &Path, max: u64) -> Result<Option<String>, FileError> {
    match read_text(path, max) {
        Ok(text) => Ok(Some(text)),
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            Ok(None)
        }
        Err(source) => Err(FileError::Read { path: path.to_owned(), source }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_read_without_its_byte_order_mark() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("text");
        let read_of = |bytes: &[u8]| {
            fs::write(&path, bytes).unwrap();
            read_text(&path, MAX_TEXT_BYTES).map_err(|error| error.to_string())
        };
        assert_eq!(read_of("\u{feff}a\r\n茅".as_bytes()).unwrap(), "a\r\n茅");
        assert_eq!(read_of(b"").unwrap(), "");
        assert_eq!(
            read_of(&vec![b'a'; MAX_TEXT_BYTES as usize]).unwrap().len() as u64,
            MAX_TEXT_BYTES
        );
        for (bytes, expected) in [
            (&b"a\nb\xff"[..], "line 2: expected UTF-8 text, got other bytes"),
            (b"\xff\xfea\0", "line 1: expected UTF-8 text, got UTF-16"),
            (
                &vec![b'a'; MAX_TEXT_BYTES as usize + 1],
                "expected at most 16 MiB, got 16777217 bytes",
            ),
        ] {
            assert_eq!(read_of(bytes).unwrap_err(), expected);
        }
        assert_eq!(
            read_text(folder.path(), MAX_TEXT_BYTES).unwrap_err().to_string(),
            "expected an ordinary file, got a folder"
        );
    }

    #[cfg(unix)]
    #[test]
    fn devices_are_refused() {
        for device in ["/dev/zero", "/dev/null"] {
            assert!(
                read_text(Path::new(device), MAX_TEXT_BYTES)
                    .unwrap_err()
                    .to_string()
                    .contains("a pipe or a device")
            );
        }
    }
}
