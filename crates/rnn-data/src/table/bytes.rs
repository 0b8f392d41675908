//! The bytes of a table: where they are, and what is refused before it takes memory.

use std::{
    collections::VecDeque,
    fs::{self, File},
    io::{self, Read},
    path::Path,
    sync::Arc,
};

use sha2::{Digest, Sha256};

/// A row of more bytes is none: a quote was left open, or the file is no table.
const LONGEST_ROW: u64 = 12 << 20;

/// Where bytes come from.
#[derive(Debug, Clone)]
pub(super) enum Source {
    /// The file of the path.
    File,
    /// The embedded sample.
    Sample(&'static str),
    /// What the caller has.
    Memory(Arc<[u8]>),
}

impl Source {
    /// Opens the bytes. Folders, pipes and devices are refused: a table is read more than once.
    pub(super) fn open(&self, path: &Path) -> io::Result<Box<dyn Read>> {
        match self {
            Self::File => {
                let kind = fs::metadata(path)?;
                match (kind.is_file(), kind.is_dir()) {
                    (true, _) => Ok(Box::new(File::open(path)?)),
                    (_, true) => Err(io::Error::other("it is a folder, expected a CSV file")),
                    _ => {
                        Err(io::Error::other("it is a pipe or a device, expected an ordinary file"))
                    }
                }
            }
            Self::Sample(text) => Ok(Box::new(text.as_bytes())),
            Self::Memory(bytes) => Ok(Box::new(io::Cursor::new(bytes.clone()))),
        }
    }
}

/// Bytes that are hashed, and whose lines are counted, as they are read: the CSV reader's own count
/// is off after empty lines and with `\r\n`.
pub(super) struct Tally<R> {
    inner: R,
    hasher: Sha256,
    length: u64,
    /// Where lines end after those that have been counted: the places of `\n`s, and of `\r`s that
    /// none follows.
    ends: VecDeque<u64>,
    counted: u64,
    last: u8,
    /// First byte of the row that is being read.
    row: u64,
    /// Why nothing more is read, and the line.
    pub(super) refused: Option<(u64, String)>,
}

impl<R> Tally<R> {
    pub(super) fn new(inner: R) -> Self {
        Self {
            inner,
            hasher: Sha256::new(),
            length: 0,
            ends: VecDeque::new(),
            counted: 0,
            last: 0,
            row: 0,
            refused: None,
        }
    }

    /// A row begins at a byte.
    pub(super) fn begin_row(&mut self, start: u64) {
        self.row = start;
    }

    /// Line, counted from 1, of the record before a byte. The record's last byte ends its line:
    /// `\n`, or the `\r` before it.
    pub(super) fn line(&mut self, end: u64) -> u64 {
        while self.ends.front().is_some_and(|place| place + 1 < end) {
            self.ends.pop_front();
            self.counted += 1;
        }
        1 + self.counted
    }

    /// SHA-256 of all bytes.
    pub(super) fn sha256(self) -> String {
        hex(&self.hasher.finalize())
    }

    fn count(&mut self, bytes: &[u8]) {
        for (place, &byte) in (self.length..).zip(bytes) {
            if byte == b'\n' && self.last == b'\r' {
                // Both are one end.
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
                "the row that begins here goes on for more than {} MiB; expected rows on lines of \
                 their own (is a quote left open?)",
                LONGEST_ROW >> 20
            );
            return Err(self.refuse(self.row, problem));
        }
        let read = self.inner.read(buffer)?;
        let bytes = &buffer[..read];
        let start = self.length;
        self.hasher.update(bytes);
        self.count(bytes);
        if start == 0 && (bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff")) {
            return Err(
                self.refuse(0, "expected UTF-8 text, got UTF-16; save the file as CSV in UTF-8")
            );
        }
        match bytes.iter().position(|byte| *byte == 0) {
            Some(place) => Err(self.refuse(
                start + place as u64,
                "expected text, got a NUL byte, which UTF-16 text and damaged files have; save the \
                 file as CSV in UTF-8",
            )),
            None => Ok(read),
        }
    }
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
