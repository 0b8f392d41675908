//! Reading and writing files, so that none is ever half there and none is read that is not what it was.

use std::{
    fs::{self, File},
    io::{self, ErrorKind, Write},
    path::{Path, PathBuf},
};

use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::{Error, Result, text_file};

/// Reads a text file that may not be there.
pub(crate) fn read_if_there(path: &Path) -> Result<Option<String>> {
    read_up_to(path, text_file::MOST)
}

/// The same for a file that may have so many bytes.
pub(crate) fn read_up_to(path: &Path, most: u64) -> Result<Option<String>> {
    match text_file::read(path, most) {
        Ok(text) => Ok(Some(text)),
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => Ok(None),
        Err(error) => Err(Error::Artifact { path: path.to_owned(), problem: format!("cannot be read: {error}") }),
    }
}

/// Writes a file under a temporary name beside it, syncs it, and renames it: whatever happens meanwhile, what is found under its name is whole, the old or the
/// new. A link is replaced by a file: none that somebody has put into a folder leads out of it.
pub(crate) fn write_atomic(path: &Path, bytes: &[u8]) -> Result<()> {
    stream(path, |file| file.write_all(bytes).map_err(|source| Error::Write { path: path.to_owned(), source }))
}

/// The same for a file that the user has named: a link keeps pointing where it points, and a device or a pipe is written to.
pub(crate) fn write_through(path: &Path, bytes: &[u8]) -> Result<()> {
    if !path.is_symlink() {
        return write_atomic(path, bytes);
    }
    let target = path.canonicalize().map_err(|source| Error::Write { path: path.to_owned(), source })?;
    write_atomic(&target, bytes)
}

/// [`write_atomic`], piece by piece.
pub(crate) fn stream<T>(path: &Path, write: impl FnOnce(&mut dyn Write) -> Result<T>) -> Result<T> {
    let failed = |source| Error::Write { path: path.to_owned(), source };
    let replaces = path.is_symlink() || !path.exists() || path.is_file();
    let temporary = temporary(path);
    let file = if replaces {
        // A link of that name would be followed.
        drop(fs::remove_file(&temporary));
        File::create_new(&temporary)
    } else {
        File::options().write(true).open(path)
    };
    let mut file = io::BufWriter::new(file.map_err(failed)?);
    // What is written through another writer does not know the whole path.
    let named = |error| match error {
        Error::Write { source, .. } => failed(source),
        other => other,
    };
    let written = write(&mut file).map_err(named).and_then(|value| {
        file.flush().map_err(failed)?;
        if replaces {
            file.get_ref().sync_all().and_then(|()| rename(&temporary, path)).map_err(failed)?;
        }
        Ok(value)
    });
    if written.is_err() && replaces {
        drop(fs::remove_file(&temporary));
    }
    written
}

/// Writes a file that is to be renamed, and makes sure that it is on disk.
pub(crate) fn write_synced(path: &Path, text: &str) -> io::Result<()> {
    // A link of that name would be followed.
    drop(fs::remove_file(path));
    let mut file = File::create_new(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

/// Renames a file within its folder, and makes sure that it stays so when the power fails.
pub(crate) fn rename(from: &Path, to: &Path) -> io::Result<()> {
    fs::rename(from, to)?;
    // Elsewhere a folder cannot be opened, and renaming is durable by itself.
    if cfg!(unix) {
        let folder = to.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        File::open(folder)?.sync_all()?;
    }
    Ok(())
}

/// The temporary name of a file that is about to be written.
pub(crate) fn temporary(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!(".{name}.tmp"))
}

/// SHA-256 in hexadecimal.
pub(crate) fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Name of the checksum in a sealed document.
const SEAL: &str = "sha256";

/// A JSON object that carries a checksum of the rest of it.
pub(crate) fn seal(value: &impl Serialize) -> Result<String> {
    let internal = |error: serde_json::Error| Error::Internal(error.to_string());
    let mut document = serde_json::to_value(value).map_err(internal)?;
    let hash = sha256(document.to_string().as_bytes());
    document[SEAL] = hash.into();
    serde_json::to_string_pretty(&document).map(|text| text + "\n").map_err(internal)
}

/// Reads what [`seal`] has written with this version of its layout.
///
/// # Errors
///
/// When it is another document, of another version, or not what it was: what is wrong with it, to be said after its name.
pub(crate) fn unseal<T: DeserializeOwned>(text: &str, layout: u32) -> std::result::Result<T, String> {
    let malformed = |error: serde_json::Error| format!("cannot be read ({error})");
    let mut document: Value = serde_json::from_str(text).map_err(malformed)?;
    let Some(fields) = document.as_object_mut() else { return Err("is no JSON object".to_owned()) };
    let seal = fields.remove(SEAL);
    match fields.get("format").map_or(Some(1), Value::as_u64) {
        Some(format) if format == u64::from(layout) => {}
        Some(format) => {
            let age = if format > u64::from(layout) { "a newer" } else { "an older" };
            return Err(format!("was written by {age} version of this program (layout {format}, this one reads {layout})"));
        }
        None => return Err("has no layout that this program knows".to_owned()),
    }
    if seal.as_ref().and_then(Value::as_str) != Some(&sha256(document.to_string().as_bytes())) {
        return Err("does not match its checksum: it was damaged, or changed by hand".to_owned());
    }
    serde_json::from_value(document).map_err(malformed)
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    struct Document {
        format: u32,
        loss: f64,
        name: String,
    }

    #[test]
    fn every_flipped_bit_of_a_sealed_document_is_seen() {
        let document = Document { format: 2, loss: 0.1 + 0.2, name: "價格".to_owned() };
        let text = seal(&document).unwrap();
        assert_eq!(unseal::<Document>(&text, 2), Ok(document.clone()));
        for bit in 0..8 * text.len() {
            let mut bytes = text.clone().into_bytes();
            bytes[bit / 8] ^= 1 << (bit % 8);
            // White space between the fields says nothing.
            let read = String::from_utf8(bytes).ok().and_then(|text| unseal::<Document>(&text, 2).ok());
            assert!(read.is_none_or(|read| read == document), "bit {bit}");
        }
        for end in 0..text.trim_end().len() {
            assert!(!text.is_char_boundary(end) || unseal::<Document>(&text[..end], 2).is_err(), "{end} bytes");
        }
        let newer = unseal::<Document>(&seal(&Document { format: 3, ..document }).unwrap(), 2).unwrap_err();
        assert_eq!(newer, "was written by a newer version of this program (layout 3, this one reads 2)");
    }

    #[test]
    fn a_failed_write_leaves_what_was_there_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        write_atomic(&path, b"old").unwrap();
        let failed = stream(&path, |file| {
            file.write_all(b"half").unwrap();
            Err::<(), _>(Error::Internal("enough".to_owned()))
        });
        assert!(failed.is_err());
        assert_eq!((fs::read(&path).unwrap(), fs::read_dir(folder.path()).unwrap().count()), (b"old".to_vec(), 1));
    }

    #[cfg(unix)]
    #[test]
    fn links_are_replaced_in_folders_and_followed_where_they_are_named() {
        let folder = tempfile::tempdir().unwrap();
        let [file, link] = ["file", "link"].map(|name| folder.path().join(name));
        fs::write(&file, "old").unwrap();
        std::os::unix::fs::symlink(&file, &link).unwrap();
        write_through(&link, b"new").unwrap();
        assert_eq!(fs::read(&file).unwrap(), b"new");
        assert!(link.is_symlink());
        write_through(Path::new("/dev/null"), b"nothing").unwrap();
        std::os::unix::fs::symlink(&file, temporary(&link)).unwrap();
        write_atomic(&link, b"newer").unwrap();
        assert!(!link.is_symlink() && fs::read(&link).unwrap() == b"newer" && fs::read(&file).unwrap() == b"new");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
    }
}
