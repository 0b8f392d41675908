//! Checks that all files of a run folder are complete.

use std::{fs, io::ErrorKind, path::Path};

use serde_json::Value;

use super::Result;

/// Checks that every file of a run folder and its backup is complete, and returns their number.
/// Names that begin with a point are not results. The checkpoints in the manifests must exist.
pub(crate) fn check(folder: &Path) -> Result<usize> {
    let files = complete(folder)?;
    // The backup is removed file by file once it is not needed; `kept` checks it before.
    named(&folder.join("checkpoint"))?;
    Ok(files)
}

/// [`check`] without the manifests: a folder that is being removed lacks some checkpoints.
pub(crate) fn complete(folder: &Path) -> Result<usize> {
    let mut files = 0;
    for part in [
        folder.to_owned(),
        folder.join("checkpoint"),
        folder.join(".before"),
        folder.join(".before/checkpoint"),
    ] {
        for name in names(&part)? {
            if let Some(bytes) = read(&part.join(&name))? {
                file(&name, &bytes)
                    .map_err(|problem| format!("{}: {problem}", part.join(&name).display()))?;
                files += 1;
            }
        }
    }
    Ok(files)
}

/// [`check`] for a folder in use: repeats the check if the manifest changed meanwhile.
pub(crate) fn read_while_written(folder: &Path) -> Result<usize> {
    let manifest = || fs::read(folder.join("checkpoint/manifest.json")).ok();
    loop {
        let before = manifest();
        let checked = check(folder);
        if checked.is_ok() || before == manifest() {
            return checked;
        }
    }
}

fn names(folder: &Path) -> Result<Vec<String>> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            return Ok(Vec::new());
        }
        Err(error) => return Err(format!("{}: {error}", folder.display())),
    };
    let names = entries.flatten().filter_map(|entry| entry.file_name().into_string().ok());
    Ok(names.filter(|name| !name.starts_with('.')).collect())
}

/// The bytes of a file; none if it is missing or a folder.
fn read(path: &Path) -> Result<Option<Vec<u8>>> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error)
            if matches!(
                error.kind(),
                ErrorKind::NotFound | ErrorKind::IsADirectory | ErrorKind::NotADirectory
            ) =>
        {
            Ok(None)
        }
        Err(error) => Err(format!("{}: {error}", path.display())),
    }
}

fn file(name: &str, bytes: &[u8]) -> Result<()> {
    let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension);
    let text = || std::str::from_utf8(bytes).map_err(|error| error.to_string());
    match extension {
        "json" => {
            serde_json::from_slice::<Value>(bytes).map(drop).map_err(|error| error.to_string())
        }
        // Empty during the first epoch.
        "csv" if name == "metrics.csv" && bytes.is_empty() => Ok(()),
        "csv" => rows(text()?),
        "svg" => expect(text()?.trim_end().ends_with("</svg>"), "has no end"),
        "png" => png(bytes),
        "txt" => weights(text()?),
        "safetensors" => tensors(bytes),
        // `evaluate` checks the content.
        "bpk" => expect(!bytes.is_empty(), "is empty"),
        _ => Err("is not a file of a run".to_owned()),
    }
}

fn expect(holds: bool, problem: &str) -> Result<()> {
    if holds { Ok(()) } else { Err(problem.to_owned()) }
}

/// Checks that all rows are as long as the header.
fn rows(text: &str) -> Result<()> {
    expect(text.ends_with('\n'), "ends inside a row")?;
    let fields = |line: &str| line.split(',').count();
    let header = text.lines().next().map_or(0, fields);
    match text.lines().position(|line| fields(line) != header) {
        None => Ok(()),
        Some(row) => Err(format!("row {row}: expected {header} fields as in the header")),
    }
}

/// Checks that every tensor has as many values as its shape.
fn weights(text: &str) -> Result<()> {
    for tensor in text.split("\n\n").filter(|tensor| !tensor.is_empty()) {
        let mut lines = tensor.lines().skip(1);
        let shape = lines
            .next()
            .and_then(|line| line.strip_prefix("shape [")?.strip_suffix(']'))
            .ok_or("a tensor has no shape")?;
        let expected: usize =
            shape.split(", ").filter_map(|size| size.parse::<usize>().ok()).product();
        let values = lines
            .flat_map(str::split_whitespace)
            .filter(|value| value.parse::<f32>().is_ok())
            .count();
        expect(values == expected, "a tensor has fewer values than its shape")?;
    }
    expect(text.ends_with("\n\n"), "has no end")
}

/// Checks that the data is as long as the header promises.
fn tensors(bytes: &[u8]) -> Result<()> {
    let (length, rest) = bytes.split_first_chunk::<8>().ok_or("has no header")?;
    let (header, data) =
        rest.split_at_checked(u64::from_le_bytes(*length) as usize).ok_or("has half a header")?;
    let header: Value = serde_json::from_slice(header).map_err(|error| error.to_string())?;
    let ends = header
        .as_object()
        .into_iter()
        .flatten()
        .filter_map(|(_, tensor)| tensor["data_offsets"][1].as_u64());
    expect(ends.max() == Some(data.len() as u64), "the length of the data differs from the header")
}

/// Checks that all chunks have valid checksums and that nothing follows the last one.
fn png(bytes: &[u8]) -> Result<()> {
    let mut rest = bytes.strip_prefix(b"\x89PNG\r\n\x1a\n").ok_or("is not a PNG file")?;
    loop {
        let (length, chunk) = rest.split_first_chunk::<4>().ok_or("ends between two chunks")?;
        let length = u32::from_be_bytes(*length) as usize;
        let (data, after) = chunk.split_at_checked(4 + length).ok_or("ends inside a chunk")?;
        let (sum, after) = after.split_first_chunk::<4>().ok_or("ends inside a checksum")?;
        expect(crc(data) == u32::from_be_bytes(*sum), "has a chunk with another checksum")?;
        if data.starts_with(b"IEND") {
            return expect(after.is_empty(), "has data after its end");
        }
        rest = after;
    }
}

/// CRC-32 as in PNG.
fn crc(bytes: &[u8]) -> u32 {
    let step = |sum: u32, byte: &u8| {
        (0..8).fold(sum ^ u32::from(*byte), |sum, _| {
            (sum >> 1) ^ (0xEDB8_8320 & (sum & 1).wrapping_neg())
        })
    };
    !bytes.iter().fold(u32::MAX, step)
}

/// Checks that the checkpoint files of all manifests exist with the recorded sizes.
fn named(folder: &Path) -> Result<()> {
    for manifest in ["manifest.json", "manifest.before.json", "manifest.older.json"] {
        let path = folder.join(manifest);
        let Some(text) = read(&path)? else { continue };
        let manifest: Value = serde_json::from_slice(&text)
            .map_err(|error| format!("{}: {error}", path.display()))?;
        for stamps in ["best", "last"]
            .into_iter()
            .filter_map(|checkpoint| manifest[checkpoint]["files"].as_array())
        {
            for (part, stamp) in ["model", "optimizer", "scheduler"].into_iter().zip(stamps) {
                let file = folder.join(
                    name(part, stamp)
                        .ok_or_else(|| format!("{} has a stamp {stamp}", path.display()))?,
                );
                let length = fs::metadata(&file).ok().map(|file| file.len());
                expect(
                    length == stamp["bytes"].as_u64(),
                    &format!("{} lists {} with a different size", path.display(), file.display()),
                )?;
            }
        }
    }
    Ok(())
}

/// The name of a checkpoint file, derived from its entry in the manifest.
fn name(part: &str, stamp: &Value) -> Option<String> {
    let (epoch, step) = (stamp["epoch"].as_u64()?, stamp["step"].as_u64()?);
    let step = if step > 0 { format!(".{step}") } else { String::new() };
    Some(format!("{part}-{epoch}{step}-{}.bpk", stamp["sha256"].as_str()?.get(..8)?))
}
