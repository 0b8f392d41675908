//! Parsers of foreign bytes for fuzz targets; not part of the public interface.

use std::path::Path;

use crate::{
    bars::Bars,
    error::{FetchError, Result},
    http::Reply,
    provider::Provider,
    sidecar::Sidecar,
    wanted::{Adjust, Wanted},
};

/// Reads an answer of a provider for 600519.
///
/// # Errors
///
/// A description of the malformed bytes.
pub fn read_answer(provider: Provider, body: &[u8]) -> Result<()> {
    let reply = Reply { status: 200, body: String::from_utf8_lossy(body).into_owned() };
    let wanted = Wanted { symbol: &"600519".parse()?, adjust: Adjust::Qfq };
    let rows =
        provider.read(&reply, wanted).map_err(|fault| FetchError::Providers(fault.to_string()))?;
    Bars::default().add(rows.bars).map_err(FetchError::Providers)
}

/// Reads the text of a sidecar.
///
/// # Errors
///
/// A description of the malformed text.
pub fn read_sidecar(path: &Path, text: &str) -> Result<()> {
    Sidecar::parse(path, text).map(drop)
}
