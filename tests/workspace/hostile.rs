//! Runs every reader of foreign input over the fuzz corpora and mutations of them. A reader never
//! panics and uses little memory, and its errors are short and name a place.
//!
//! This is a separate test program with a single test, because its allocator would count other
//! tests too. `fuzz/` searches for hours.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod counting;

use std::{
    fs,
    panic::{self, AssertUnwindSafe},
    path::{Path, PathBuf},
};

use counting::{Counting, peak};
use rnn_train::fuzzing::{READERS, Reader};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Number of mutated inputs per reader.
const CHANGES: usize = 5000;
/// Largest memory, in bytes, for an input of 1 to 10 KB. Documents become trees, and a date is
/// tried in every format.
const MOST_MEMORY: usize = 8 << 20;
/// Largest length of an error, in letters.
const LONGEST_ERROR: usize = 2000;
/// Texts by which an error names a place: the name of the bytes or, for settings, the flag. Server
/// answers have no name; their errors name the expected value.
const PLACES: [&str; 6] = ["bytes", "--", "expected", "answer", "twice", "sh600519"];

/// Returns the fault of a reader on its bytes, if any.
fn fault(read: Reader, bytes: &[u8]) -> Option<String> {
    let mut result = Ok(Ok(()));
    let memory = peak(|| {
        result =
            panic::catch_unwind(AssertUnwindSafe(|| read(bytes).map_err(|error| error.to_string())))
    });
    let said = match result {
        Err(_) => return Some("it panics".to_owned()),
        Ok(said) => said.err(),
    };
    if memory > MOST_MEMORY {
        return Some(format!("it holds {memory} bytes for {}", bytes.len()));
    }
    let said = said?;
    let is_short = said.chars().count() <= LONGEST_ERROR;
    (!is_short || PLACES.iter().all(|place| !said.contains(place)))
        .then(|| format!("its error is long, or says no place: {said}"))
}

/// Pseudo-random numbers, equal on every machine (SplitMix64).
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        (self.next() % end.max(1) as u64) as usize
    }

    /// A random part of some bytes.
    fn part<'a>(&mut self, bytes: &'a [u8]) -> &'a [u8] {
        let start = self.below(bytes.len() + 1);
        let length = self.below((bytes.len() - start).min(64) + 1);
        &bytes[start..start + length]
    }
}

/// Bytes and texts that often break parsers.
const TOKENS: [&[u8]; 22] = [
    b"\0",
    b"\xff",
    b"\n",
    b"\r\n",
    b"\"",
    b",",
    b"-",
    b"[",
    b"{",
    b"}",
    b"null",
    b"nan",
    b"1e999",
    b"-1",
    b"18446744073709551615",
    b"\xef\xbb\xbf",
    b"9999-12-31",
    b"-9999-01-01",
    b"\\u0000",
    b"\x1b[2J",
    b"true",
    "茅".as_bytes(),
];

/// Applies one to four mutations to an input.
fn changed(numbers: &mut Numbers, corpus: &[(PathBuf, Vec<u8>)]) -> Vec<u8> {
    let mut bytes = corpus[numbers.below(corpus.len())].1.clone();
    for _ in 0..1 + numbers.below(4) {
        let place = numbers.below(bytes.len() + 1);
        match numbers.below(6) {
            0 => bytes.truncate(place),
            1 if place < bytes.len() => bytes[place] ^= 1 << numbers.below(8),
            2 => drop(
                bytes.splice(place..place, TOKENS[numbers.below(TOKENS.len())].iter().copied()),
            ),
            3 if place < bytes.len() => {
                let end = place + 1 + numbers.below((bytes.len() - place).min(16));
                bytes.splice(place..end, TOKENS[numbers.below(TOKENS.len())].iter().copied());
            }
            4 => {
                let again = numbers.part(&bytes).to_vec();
                bytes.splice(place..place, again);
            }
            _ => {
                let other = &corpus[numbers.below(corpus.len())].1;
                let other = numbers.part(other);
                bytes.splice(place..place, other.iter().copied());
            }
        }
    }
    bytes
}

fn corpus(name: &str) -> Vec<(PathBuf, Vec<u8>)> {
    let folder =
        Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("fuzz/corpus").join(name);
    let mut paths: Vec<PathBuf> =
        fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths.into_iter().map(|path| (path.clone(), fs::read(path).unwrap())).collect()
}

fn readers_take_any_bytes() {
    let mut faults = Vec::new();
    for (name, read) in READERS {
        let corpus = corpus(name);
        for (path, bytes) in &corpus {
            faults.extend(fault(read, bytes).map(|fault| format!("{}: {fault}", path.display())));
            let (kind, result) = (path.file_name().unwrap().to_string_lossy(), read(bytes));
            let is_right = if kind.starts_with("valid") {
                result.is_ok()
            } else {
                !kind.starts_with("bad") || result.is_err()
            };
            if !is_right {
                faults.push(format!("{}: {result:?}", path.display()));
            }
        }
        assert!(
            corpus.iter().any(|(_, bytes)| read(bytes).is_ok()),
            "{name}: the corpus has a valid input"
        );
        let mut numbers = Numbers(1);
        for change in 0..CHANGES {
            let bytes = changed(&mut numbers, &corpus);
            faults.extend(fault(read, &bytes).map(|fault| {
                format!("{name}, change {change}: {fault}\n{}", bytes.escape_ascii())
            }));
        }
    }
    drop(panic::take_hook());
    assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
}

fn faulty_readers_are_found() {
    let found = |read: Reader, expected: &str| {
        let fault = fault(read, b"bytes").unwrap_or_default();
        assert!(fault.contains(expected), "expected {expected} in {fault}");
    };
    found(|bytes| panic!("{bytes:?}"), "it panics");
    found(
        |_| {
            drop(vec![1u8; MOST_MEMORY + 1]);
            Ok(())
        },
        "it holds",
    );
    found(|_| Err(rnn_train::Error::Output("no".to_owned())), "says no place");
    found(|_| Err(rnn_train::Error::Output("bytes ".repeat(LONGEST_ERROR))), "is long");
    assert_eq!(fault(|_| Ok(()), b""), None);
}

/// The tests run one after another, because they share the allocator.
#[test]
fn readers_take_any_bytes_and_faults_of_readers_are_found() {
    // Caught panics print no trace.
    panic::set_hook(Box::new(|_| ()));
    faulty_readers_are_found();
    readers_take_any_bytes();
}
