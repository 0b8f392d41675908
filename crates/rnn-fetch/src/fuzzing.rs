//! Parsers of foreign bytes for fuzz targets; not part of the public interface.

use std::path::Path;

use crate::{
    bars::{Bar, Bars},
    error::{FetchError, Result},
    http::Reply,
    provider::Provider,
    ratio,
    sidecar::Sidecar,
    volumes,
    wanted::{Adjust, Wanted},
};

/// Reads an answer of a provider for 600519, or for 0700.HK where it names that share.
///
/// # Errors
///
/// A description of the malformed bytes.
pub fn read_answer(provider: Provider, body: &[u8]) -> Result<()> {
    let body = String::from_utf8_lossy(body);
    let symbol = if body.contains("hk00700") { "0700.HK" } else { "600519" };
    bars(provider, symbol, Adjust::Qfq, &body).map(drop)
}

/// Computes forward-adjusted prices from an unadjusted and a backward-adjusted answer of Tencent,
/// each on a line.
///
/// # Errors
///
/// A description of the malformed bytes.
pub fn read_two_answers(bytes: &[u8]) -> Result<()> {
    let text = String::from_utf8_lossy(bytes);
    let (raw, adjusted) = text.split_once('\n').unwrap_or((&text, ""));
    let bars = |adjust, body| bars(Provider::Tencent, "600519", adjust, body);
    let raw = bars(Adjust::None, raw)?;
    volumes::unit(&raw);
    ratio::forward(&raw, &bars(Adjust::Hfq, adjusted)?).map(drop).map_err(FetchError::Providers)
}

fn bars(provider: Provider, symbol: &str, adjust: Adjust, body: &str) -> Result<Vec<Bar>> {
    let reply = Reply { status: 200, body: body.to_owned() };
    let wanted = Wanted { symbol: &symbol.parse()?, adjust };
    let rows =
        provider.read(&reply, wanted).map_err(|fault| FetchError::Providers(fault.to_string()))?;
    let mut bars = Bars::default();
    bars.add(rows.bars).map_err(FetchError::Providers)?;
    Ok(bars.into_days())
}

/// Reads the text of a sidecar.
///
/// # Errors
///
/// A description of the malformed text.
pub fn read_sidecar(path: &Path, text: &str) -> Result<()> {
    Sidecar::parse(path, text).map(drop)
}
