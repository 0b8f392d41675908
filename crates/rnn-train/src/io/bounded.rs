//! Reading small files that may be anything: a folder, a device that never ends, a gigabyte.

use std::{
    fs::{self, File},
    io::{self, ErrorKind, Read},
    path::Path,
};

use crate::error::{Error, Result};

/// Bytes of a file of settings or of an experiment, at most: such files have some kilobytes.
pub(crate) const MOST: u64 = 16 << 20;

/// Reads a text of at most so many bytes, without its byte-order mark.
///
/// # Errors
///
/// When it is no ordinary file, longer, or no UTF-8 text.
pub(crate) fn read(path: &Path, most: u64) -> io::Result<String> {
    text(bytes(path, most)?)
}

/// Reads at most so many bytes of an ordinary file that has no more.
pub(crate) fn bytes(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    let kind = fs::metadata(path)?;
    if !kind.is_file() {
        // A pipe that nobody writes to would be waited for.
        let what = if kind.is_dir() { "a folder" } else { "a pipe or a device" };
        return Err(io::Error::other(format!("it is {what}, expected an ordinary file")));
    }
    let mut bytes = Vec::new();
    if kind.len() <= most {
        File::open(path)?.take(most + 1).read_to_end(&mut bytes)?;
    }
    if kind.len().max(bytes.len() as u64) > most {
        return Err(io::Error::other(format!("it has more than {} MiB, expected some kilobytes", most >> 20)));
    }
    Ok(bytes)
}

/// A text without its byte-order mark.
pub(crate) fn text(bytes: Vec<u8>) -> io::Result<String> {
    let mut text = String::from_utf8(bytes).map_err(|error| {
        let (bytes, valid) = (error.as_bytes(), error.utf8_error().valid_up_to());
        let line = 1 + bytes[..valid].iter().filter(|byte| **byte == b'\n').count();
        let got = if bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff") { "UTF-16" } else { "other bytes" };
        io::Error::other(format!("line {line}: expected UTF-8 text, got {got}"))
    })?;
    if text.starts_with('\u{feff}') {
        text.drain(..'\u{feff}'.len_utf8());
    }
    Ok(text)
}

/// What a parser said, on lines that can be read: it may quote all of a file.
pub(crate) fn shortened(said: &str, longest: usize) -> String {
    let (letters, end) = (said.chars().count(), longest / 4);
    if letters <= longest {
        return said.to_owned();
    }
    let start: String = said.chars().take(longest - end).collect();
    let end: String = said.chars().skip(letters - end).collect();
    format!("{start} … {end}")
}

/// What is wrong with a TOML document: with the line, but for one that is too long to be shown.
pub(crate) fn toml_problem(text: &str, error: &toml::de::Error) -> String {
    const LONGEST: usize = 300;
    let said = error.to_string();
    if said.lines().all(|line| line.len() <= LONGEST) {
        return said.trim_end().to_owned();
    }
    let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
    let (line, column) = (1 + before.matches('\n').count(), 1 + before.rsplit('\n').next().map_or(0, |line| line.chars().count()));
    format!("TOML parse error at line {line}, column {column}: {}", shortened(error.message(), LONGEST))
}

/// Reads a text file that may not be there.
pub(crate) fn read_if_there(path: &Path) -> Result<Option<String>> {
    read_up_to(path, MOST)
}

/// The same for a file that may have so many bytes.
pub(crate) fn read_up_to(path: &Path, most: u64) -> Result<Option<String>> {
    match read(path, most) {
        Ok(text) => Ok(Some(text)),
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => Ok(None),
        Err(error) => Err(Error::Artifact { path: path.to_owned(), problem: format!("cannot be read: {error}") }),
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
            read(&path, MOST).map_err(|error| error.to_string())
        };
        assert_eq!(read_of("\u{feff}a\r\n茅".as_bytes()).unwrap(), "a\r\n茅");
        assert_eq!(read_of(b"").unwrap(), "");
        assert_eq!(read_of(&vec![b'a'; MOST as usize]).unwrap().len() as u64, MOST);
        for (bytes, expected) in [
            (&b"a\nb\xff"[..], "line 2: expected UTF-8 text, got other bytes"),
            (b"\xff\xfea\0", "line 1: expected UTF-8 text, got UTF-16"),
            (&vec![b'a'; MOST as usize + 1], "it has more than 16 MiB, expected some kilobytes"),
        ] {
            assert_eq!(read_of(bytes).unwrap_err(), expected);
        }
        assert_eq!(read(folder.path(), MOST).unwrap_err().to_string(), "it is a folder, expected an ordinary file");
    }

    #[cfg(unix)]
    #[test]
    fn devices_are_not_read() {
        for device in ["/dev/zero", "/dev/null"] {
            assert!(read(Path::new(device), MOST).unwrap_err().to_string().contains("a pipe or a device"));
        }
    }

    #[test]
    fn long_messages_keep_their_beginning_and_their_end() {
        assert_eq!(shortened("short", 600), "short");
        let long = shortened(&format!("expected a number, got `{}` at line 7", "茅".repeat(100_000)), 600);
        assert!(long.starts_with("expected a number, got `茅") && long.ends_with("茅` at line 7"), "{long}");
        assert!(long.chars().count() < 620);
    }

    #[test]
    fn problems_of_toml_are_shown_with_their_line_if_it_is_short() {
        let said = |text: &str| toml_problem(text, &toml::from_str::<toml::Table>(text).unwrap_err());
        assert!(said("a = 1\nb = x").contains("line 2, column 5\n  |\n2 | b = x\n"));
        let long = said(&format!("a = 1\nb = \"{}\nc = 2", "茅".repeat(100_000)));
        assert!(long.starts_with("TOML parse error at line 2, column ") && long.len() < 400, "{long}");
    }
}
