//! Reads of small files, where a path may lead to a folder, an endless device or a gigabyte.

use std::{
    fs::{self, File},
    io::{self, ErrorKind, Read},
    path::Path,
};

use crate::error::FileError;

/// Largest size of a settings file or a file of a run, in bytes; such files have some kilobytes.
pub const MAX_TEXT_BYTES: u64 = 16 << 20;

/// Reads a UTF-8 text of at most `max` bytes, without its byte-order mark.
///
/// # Errors
///
/// When it is not an ordinary file, is longer, or is not UTF-8 text.
pub fn read_text(path: &Path, max: u64) -> io::Result<String> {
    decode_text(read_bytes(path, max)?)
}

/// Reads an ordinary file of at most `max` bytes.
///
/// # Errors
///
/// When it is a folder, a pipe or a device, is longer, or cannot be read.
pub fn read_bytes(path: &Path, max: u64) -> io::Result<Vec<u8>> {
    let kind = fs::metadata(path)?;
    if !kind.is_file() {
        // A pipe that nobody writes to would be waited for.
        let what = if kind.is_dir() { "a folder" } else { "a pipe or a device" };
        return Err(io::Error::other(format!("it is {what}, expected an ordinary file")));
    }
    let mut bytes = Vec::new();
    if kind.len() <= max {
        File::open(path)?.take(max + 1).read_to_end(&mut bytes)?;
    }
    if kind.len().max(bytes.len() as u64) > max {
        return Err(io::Error::other(format!(
            "it has more than {} MiB, expected some kilobytes",
            max >> 20
        )));
    }
    Ok(bytes)
}

/// Decodes UTF-8 text and drops its byte-order mark.
///
/// # Errors
///
/// When it is not UTF-8, with the line.
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

/// Reads a text file of at most [`MAX_TEXT_BYTES`]; `None` if there is no such file.
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
    fn texts_are_read_as_they_are_but_for_their_mark() {
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
                "it has more than 16 MiB, expected some kilobytes",
            ),
        ] {
            assert_eq!(read_of(bytes).unwrap_err(), expected);
        }
        assert_eq!(
            read_text(folder.path(), MAX_TEXT_BYTES).unwrap_err().to_string(),
            "it is a folder, expected an ordinary file"
        );
    }

    #[cfg(unix)]
    #[test]
    fn devices_are_not_read_text() {
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
