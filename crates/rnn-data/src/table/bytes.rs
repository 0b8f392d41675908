//! The bytes of a table: their source, line count and size limits.

use std::{
    collections::VecDeque,
    fs::{self, File},
    io::{self, Read, Seek, SeekFrom},
    path::Path,
    sync::Arc,
};

/// Longest row in bytes; a longer one has an unclosed quote, or the file is not a table.
const LONGEST_ROW: u64 = 12 << 20;

/// Source of the bytes.
#[derive(Debug, Clone)]
pub(super) enum Source {
    /// File at the path.
    File,
    /// Embedded sample.
    Sample(&'static str),
    /// Bytes of the caller.
    Memory(Arc<[u8]>),
}

impl Source {
    /// Opens the bytes. Folders, pipes and devices are refused, since a table is read repeatedly.
    pub(super) fn open(&self, path: &Path) -> io::Result<Input> {
        match self {
            Self::File => {
                let kind = fs::metadata(path)?;
                match (kind.is_file(), kind.is_dir()) {
                    (true, _) => Ok(Input::new(Bytes::File(File::open(path)?.into()))),
                    (_, true) => Err(io::Error::other("expected a CSV file, got a folder")),
                    _ => Err(io::Error::other("expected an ordinary file, got a pipe or a device")),
                }
            }
            Self::Sample(text) => Ok(Input::new(Bytes::Sample(text.as_bytes()))),
            Self::Memory(bytes) => Ok(Input::new(Bytes::Memory(bytes.clone()))),
        }
    }
}

/// The bytes of a source, from a position.
pub(super) struct Input {
    bytes: Bytes,
    position: u64,
}

#[derive(Clone)]
enum Bytes {
    File(Arc<File>),
    Sample(&'static [u8]),
    Memory(Arc<[u8]>),
}

impl Input {
    fn new(bytes: Bytes) -> Self {
        Self { bytes, position: 0 }
    }

    /// Returns a reader of the same bytes from another position.
    #[cfg(feature = "parquet")]
    pub(super) fn at(&self, position: u64) -> Self {
        Self { bytes: self.bytes.clone(), position }
    }

    /// Returns the number of all bytes; 0 if a file cannot tell.
    #[cfg(feature = "parquet")]
    pub(super) fn len(&self) -> u64 {
        match &self.bytes {
            Bytes::File(file) => file.metadata().map_or(0, |about| about.len()),
            Bytes::Sample(bytes) => bytes.len() as u64,
            Bytes::Memory(bytes) => bytes.len() as u64,
        }
    }
}

impl Read for Input {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut from = |bytes: &[u8]| {
            let start = usize::try_from(self.position).unwrap_or(usize::MAX).min(bytes.len());
            (&bytes[start..]).read(buffer)
        };
        let read = match &self.bytes {
            Bytes::File(file) => {
                let mut file = file.as_ref();
                // Other readers may have moved the position of the file itself.
                file.seek(SeekFrom::Start(self.position))?;
                file.read(buffer)
            }
            Bytes::Sample(bytes) => from(bytes),
            Bytes::Memory(bytes) => from(bytes),
        }?;
        self.position += read as u64;
        Ok(read)
    }
}

/// A reader that counts lines.
///
/// The CSV reader's own line count is wrong after empty lines and with `\r\n`.
pub(super) struct Tally<R> {
    inner: R,
    length: u64,
    /// Positions of line ends that are not counted yet: each `\n`, and each `\r` without `\n`.
    ends: VecDeque<u64>,
    counted: u64,
    last: u8,
    /// Position of the first byte of the current row.
    row: u64,
    /// Line and reason, if the bytes were refused.
    pub(super) refused: Option<(u64, String)>,
}

impl<R> Tally<R> {
    pub(super) fn new(inner: R) -> Self {
        Self { inner, length: 0, ends: VecDeque::new(), counted: 0, last: 0, row: 0, refused: None }
    }

    /// Marks the start of a row.
    pub(super) fn begin_row(&mut self, start: u64) {
        self.row = start;
    }

    /// Returns the line, counted from 1, of the record that ends before the byte `end`.
    ///
    /// The last byte of the record ends its line: `\n`, or the `\r` before it.
    pub(super) fn line(&mut self, end: u64) -> u64 {
        while self.ends.front().is_some_and(|place| place + 1 < end) {
            self.ends.pop_front();
            self.counted += 1;
        }
        1 + self.counted
    }

    /// Returns the reader below.
    pub(super) fn into_inner(self) -> R {
        self.inner
    }

    fn count(&mut self, bytes: &[u8]) {
        for (place, &byte) in (self.length..).zip(bytes) {
            if byte == b'\n' && self.last == b'\r' {
                // `\r\n` is one line end.
                self.ends.pop_back();
            }
            if matches!(byte, b'\r' | b'\n') {
                self.ends.push_back(place);
            }
            self.last = byte;
        }
        self.length += bytes.len() as u64;
    }

    fn refuse(&mut self, place: u64, problem: impl Into<String>) -> io::Error {
        let line = 1 + self.counted + self.ends.partition_point(|end| *end <= place) as u64;
        let problem = problem.into();
        self.refused = Some((line, problem.clone()));
        io::Error::other(problem)
    }
}

impl<R: Read> Read for Tally<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.length.saturating_sub(self.row) > LONGEST_ROW {
            let problem = format!(
                "expected one row per line, got a row of more than {} MiB (close an open quote)",
                LONGEST_ROW >> 20
            );
            return Err(self.refuse(self.row, problem));
        }
        let read = match self.inner.read(buffer) {
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::InvalidData => {
                return Err(self.refuse(self.length, error.to_string()));
            }
            Err(error) => return Err(error),
        };
        let bytes = &buffer[..read];
        let start = self.length;
        self.count(bytes);
        match bytes.iter().position(|byte| *byte == 0) {
            Some(place) => Err(self.refuse(
                start + place as u64,
                "expected text, got a NUL byte, as in UTF-16 or a damaged file (set `encoding`, or \
                 save the file as CSV in UTF-8)",
            )),
            None => Ok(read),
        }
    }
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
