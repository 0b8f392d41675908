//! Fresh daily bars from providers that ask for no token, in the course's format.
//!
//! ```text
//! Request -> sources (in order) -> windows of years -> answers -> Bars (by day) -> CSV, checked -> sidecar
//! ```
//!
//! # The file
//!
//! A CSV file with the course's header, `,date,open,close,high,low,volume,code`: a row number from 0 on, days ascending, prices with up to four
//! digits after the point. `volume` counts lots of 100 shares on the mainland, as the course's file does, else shares: Tencent's volumes of the
//! STAR market (68…) and Yahoo's are shares and are divided. `code` is the six digits, or the ticker.
//!
//! `--adjust qfq` is each provider's own: Yahoo has none, so its prices are times `adjclose / close`. Its `none` is adjusted for splits
//! nevertheless. Files are never mixed from two providers or two adjustments.
//!
//! # The sidecar
//!
//! `FILE.json` beside it says what it is: symbol, provider, adjustment, days asked for, first and last row, when, rows, sha256 (see
//! [`sidecar::Sidecar`]). A file whose sha256 is another is not touched. A later fetch asks for the last rows again: forward-adjusted history is
//! rewritten at every dividend, so rows are only added where the overlap is still the same, else everything is fetched anew. A last day that was not
//! over when it was fetched is no part of the overlap: its row is replaced. Only the file's own provider is asked, unless another is named: a
//! failure must not turn a file into another's.
//!
//! Sidecar, lock (`.FILE.lock`, which stays) and temporary files are beside what a link points to.
//!
//! # Elsewhere
//!
//! `RNN_TENCENT_URL`, `RNN_EASTMONEY_URL` and `RNN_YAHOO_URL` replace scheme and host of a provider; paths and parameters stay.

mod answer;
mod bars;
mod download;
mod eastmoney;
mod fault;
mod file;
mod http;
mod provider;
mod sidecar;
mod symbol;
mod tencent;
mod yahoo;

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use jiff::{Timestamp, civil::Date};

use bars::{Bar, Overlap};
use download::{Download, ENDS_EARLY, download, first_answer};
use fault::{Answer, Fault};
use file::{Kept, Place, whole};
use http::Client;
pub(crate) use provider::{Adjust, Provider};
use provider::{Source, Wanted};
use sidecar::Sidecar;
pub(crate) use symbol::Symbol;

use crate::{
    Error, Result,
    console::{count, note},
    io::sha256,
};

/// Rows of a file that are fetched again before others are added.
const OVERLAP: usize = 20;

/// What is to be fetched.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) symbol: Symbol,
    pub(crate) adjust: Adjust,
    /// The one that was named; none: all that have it, in their order.
    pub(crate) provider: Option<Provider>,
    /// First day. None: that of the file or sidecar that is there, else the usual one.
    pub(crate) from: Option<Date>,
    /// First day where none is named and no file is there.
    pub(crate) usual_from: Date,
    pub(crate) to: Date,
    pub(crate) out: PathBuf,
    /// Whether what is there is replaced, whatever it is.
    pub(crate) force: bool,
    pub(crate) timeout: Duration,
    pub(crate) retries: u32,
}

/// What became of the file.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Happened {
    Created,
    Appended,
    Replaced,
    Unchanged,
}

/// A file after a fetch.
#[derive(Debug, serde::Serialize)]
pub(crate) struct Outcome {
    pub(crate) happened: Happened,
    /// Days it did not have before; all, where it was replaced by force.
    pub(crate) added: usize,
    pub(crate) file: PathBuf,
    #[serde(flatten)]
    pub(crate) sidecar: Sidecar,
}

impl Outcome {
    /// One line about it.
    pub(crate) fn summary(&self) -> String {
        let Sidecar { rows, first, last, provider, adjust, symbol, .. } = &self.sidecar;
        let file = self.file.display();
        let days = |number: usize| count(number, "day");
        let what = match self.happened {
            Happened::Created => format!("wrote {file}"),
            Happened::Appended if self.added == 0 => format!("renewed the last day of {file}"),
            Happened::Appended => format!("added {} to {file}", days(self.added)),
            Happened::Replaced => format!("replaced {file}"),
            Happened::Unchanged => format!("{file} is up to date"),
        };
        format!("{what}: {} of {symbol}, {first} to {last}, {} prices of {}", days(*rows), adjust.name(), provider.name())
    }
}

/// Fetches what is asked for.
///
/// # Errors
///
/// When no provider can serve it, the file there is not ours to change, or no provider answered well; the file is then as it was.
pub(crate) fn fetch(request: &Request) -> Result<Outcome> {
    let fetcher = Fetcher { request, client: Client::new(request.timeout, request.retries) };
    let sources = fetcher.sources()?;
    let place = Place::new(&request.out)?;
    // From before the file is read until it is written, so that two fetches never build on the same rows.
    let _lock = place.lock()?;
    let existed = place.target.exists();
    let kept = if request.force { None } else { Kept::open(&place.target, fetcher.wanted())? };
    let Some(kept) = kept else {
        let start = start(request, &place.target, existed);
        let happened = if existed { Happened::Replaced } else { Happened::Created };
        let update = first_answer(&request.symbol, &sources, |source| {
            fetcher.download(source, [start, request.to]).map(|download| fetcher.whole(source, download, happened, &[]))
        })?;
        return fetcher.write(&place, update);
    };
    let is_theirs = request.provider.is_none_or(|named| named == kept.sidecar.provider);
    let has_start = request.from.is_none_or(|from| from >= kept.sidecar.from);
    if has_start && request.to < kept.sidecar.first {
        let (to, first, file) = (request.to, kept.sidecar.first, request.out.display());
        return Err(Error::Usage(format!("--to {to} is before the first day of {file}, {first}; --from asks for earlier days")));
    }
    let is_finished = kept.finished(request.symbol.market) == kept.bars.len();
    if is_theirs && has_start && is_finished && request.to <= kept.last() {
        return Ok(unchanged(request, kept.sidecar));
    }
    let answer = first_answer(&request.symbol, &asked(request, sources, &kept.sidecar)?, |source| fetcher.update(source, &kept));
    let answer = answer.map_err(|error| match error {
        Error::Fetch(said) if request.provider.is_none() => Error::Fetch(format!(
            "{said}; {} stays as it is, as its prices are {}'s and go with no others: try again later; --provider NAME replaces the whole file from another",
            request.out.display(),
            kept.sidecar.provider.name()
        )),
        error => error,
    });
    match answer? {
        Some(update) => fetcher.write(&place, update),
        None => Ok(unchanged(request, kept.sidecar)),
    }
}

fn unchanged(request: &Request, sidecar: Sidecar) -> Outcome {
    Outcome { happened: Happened::Unchanged, added: 0, file: request.out.clone(), sidecar }
}

/// Reads an answer of a provider with any bytes, as of 600519.
pub(crate) fn read_answer(provider: Provider, body: &[u8]) -> Result<()> {
    let reply = http::Reply { status: 200, body: String::from_utf8_lossy(body).into_owned() };
    let symbol: Symbol = "600519".parse().map_err(Error::Internal)?;
    let rows = provider.read(&reply, Wanted { symbol: &symbol, adjust: Adjust::Qfq }).map_err(|fault| Error::Fetch(fault.to_string()))?;
    bars::Bars::default().add(rows.bars).map_err(Error::Fetch)
}

/// Reads the text of a sidecar.
pub(crate) fn read_sidecar(path: &Path, text: &str) -> Result<()> {
    Sidecar::parse(path, text).map(drop)
}

/// The first day of a file that is written as a whole. Whoever replaces a file does not mean to lose its oldest days.
fn start(request: &Request, file: &Path, existed: bool) -> Date {
    if let Some(from) = request.from {
        return from;
    }
    let beside = Sidecar::path(file);
    let is_usable = |sidecar: &Sidecar| sidecar.symbol == request.symbol.to_string() && sidecar.from <= request.to;
    // One that cannot be read is about to be replaced.
    match Sidecar::read(file).ok().flatten().filter(is_usable) {
        Some(sidecar) => {
            note(format_args!("note: days are asked for from {} on, as {} says; --from names another", sidecar.from, beside.display()));
            sidecar.from
        }
        None => {
            if existed || beside.exists() {
                note(format_args!("note: days are asked for from {} on, the usual ten years; --from names another", request.usual_from));
            }
            request.usual_from
        }
    }
}

/// Who is asked for more of a file: its own provider, as only its rows go with those that are there, or the one that was named.
fn asked(request: &Request, mut sources: Vec<Source>, sidecar: &Sidecar) -> Result<Vec<Source>> {
    if request.provider.is_none() {
        sources.retain(|source| source.provider == sidecar.provider);
    }
    if sources.is_empty() {
        let (file, name) = (request.out.display(), sidecar.provider.name());
        return Err(Error::Usage(format!("{file} is from {name}, which has no bars of {} here; name another --provider", request.symbol)));
    }
    Ok(sources)
}

/// A file's new content.
struct Update {
    happened: Happened,
    added: usize,
    text: String,
    sidecar: Sidecar,
}

struct Fetcher<'a> {
    request: &'a Request,
    client: Client,
}

impl Fetcher<'_> {
    fn wanted(&self) -> Wanted<'_> {
        Wanted { symbol: &self.request.symbol, adjust: self.request.adjust }
    }

    /// The providers that can serve what is wanted.
    fn sources(&self) -> Result<Vec<Source>> {
        let named = self.request.provider;
        let mut refusals = Vec::new();
        let mut sources = Vec::new();
        for provider in Provider::ALL.into_iter().filter(|provider| named.is_none_or(|named| named == *provider)) {
            match provider.refuses(self.wanted()) {
                Some(why) => refusals.push(why),
                None => sources.push(Source::new(provider)?),
            }
        }
        match refusals.pop() {
            Some(why) if sources.is_empty() => Err(Error::Usage(why)),
            _ => Ok(sources),
        }
    }

    /// The days of a provider from one to another.
    fn download(&self, source: &Source, asked: [Date; 2]) -> Answer<Download> {
        download(&self.client, source, self.wanted(), asked)
    }

    /// What a provider says of days after the last of a file. None: nothing.
    fn update(&self, source: &Source, kept: &Kept) -> Answer<Option<Update>> {
        let (file, name) = (self.request.out.display(), source.name());
        let start = self.request.from.map_or(kept.sidecar.from, |from| from.min(kept.sidecar.from));
        let anew = || {
            let download = self.download(source, [start, self.request.to.max(kept.last())])?;
            // No fetch takes days away: a provider that lacks some is at fault.
            if let Some((first, number)) = kept.lacking(&download.days) {
                let days = count(number, "day");
                return Err(Fault::lasting(format!(
                    "{name}: lacks {days} that {file} has, the first {first} (--force replaces it nevertheless)"
                )));
            }
            Ok(Some(self.whole(source, download, Happened::Replaced, &kept.bars)))
        };
        let theirs = kept.sidecar.provider;
        if source.provider != theirs {
            let update = anew()?;
            let theirs = theirs.name();
            note(format_args!("{file}: was from {theirs}, whose prices do not go with those of {name}; everything was fetched again"));
            return Ok(update);
        }
        if start < kept.sidecar.from {
            let update = anew()?;
            note(format_args!("{file}: began with {}, asked for {start}; everything was fetched again", kept.sidecar.from));
            return Ok(update);
        }
        let finished = kept.finished(self.request.symbol.market);
        let first = kept.bars.len().saturating_sub(OVERLAP);
        let overlap = &kept.bars[first..finished];
        let download = self.download(source, [kept.bars[first].date, self.request.to.max(kept.last())])?;
        // An unadjusted overlap may well be the same as an adjusted one, and what comes after it is not.
        if download.unadjusted != kept.sidecar.unadjusted {
            let now = if download.unadjusted { "unadjusted" } else { "adjusted" };
            note(format_args!("{file}: {name} now gives {now} prices, and did not before; everything is fetched again"));
            return anew();
        }
        match Overlap::of(overlap, &download.days) {
            Overlap::Same(new) if finished < kept.bars.len() => {
                let last = kept.last();
                if new.iter().all(|bar| bar.date != last) {
                    return Err(Fault::lasting(format!("{name}: gave no {last}, a day {file} has")));
                }
                note(format_args!("{file}: {last} was not over when it was fetched; its row is replaced"));
                Ok(Some(self.appended(source, kept, finished, &new, download)))
            }
            Overlap::Same(new) if new.is_empty() => Ok(None),
            Overlap::Same(new) => Ok(Some(self.appended(source, kept, finished, &new, download))),
            Overlap::Gone(day) => Err(Fault::lasting(format!("{name}: gave no {day}, a day {file} has"))),
            Overlap::Differs { kept: before, now } => {
                note(format_args!("{file}: {}; everything is fetched again", rewritten(kept, before, now)));
                anew()
            }
        }
    }

    /// The file's first rows, and new ones after them.
    fn appended(&self, source: &Source, kept: &Kept, rows: usize, new: &[Bar], download: Download) -> Update {
        let Download { unadjusted, asked: [_, to], mut notes, .. } = download;
        notes.retain(|note| !kept.sidecar.notes.contains(note));
        // Where the days ended before is no longer where they end.
        notes.splice(0..0, kept.sidecar.notes.iter().filter(|note| !note.contains(ENDS_EARLY)).cloned());
        let text = kept.with(rows, new, &self.request.symbol.code);
        let days = [&kept.bars[..rows], new].concat();
        let added = days.len() - kept.bars.len();
        let sidecar = self.sidecar(source, &text, Download { days, asked: [kept.sidecar.from, to], unadjusted, notes });
        Update { happened: Happened::Appended, added, text, sidecar }
    }

    /// A file of what was downloaded, where some days were before.
    fn whole(&self, source: &Source, download: Download, happened: Happened, before: &[Bar]) -> Update {
        let is_new = |bar: &&Bar| before.binary_search_by_key(&bar.date, |before| before.date).is_err();
        let added = download.days.iter().filter(is_new).count();
        let text = whole(&download.days, &self.request.symbol.code);
        let sidecar = self.sidecar(source, &text, download);
        Update { happened, added, text, sidecar }
    }

    fn sidecar(&self, source: &Source, text: &str, download: Download) -> Sidecar {
        let Download { days, asked: [from, to], unadjusted, notes } = download;
        let now = Timestamp::now();
        Sidecar {
            format: Sidecar::FORMAT,
            symbol: self.request.symbol.to_string(),
            provider: source.provider,
            host: source.host().to_owned(),
            adjust: self.request.adjust,
            unadjusted,
            from,
            to,
            first: days[0].date,
            last: days[days.len() - 1].date,
            rows: days.len(),
            fetched_at: Timestamp::from_second(now.as_second()).unwrap_or(now),
            sha256: sha256(text.as_bytes()),
            notes,
        }
    }

    fn write(&self, place: &Place, update: Update) -> Result<Outcome> {
        let Update { happened, added, text, sidecar } = update;
        place.replace(&text, &sidecar)?;
        Ok(Outcome { happened, added, file: place.path.clone(), sidecar })
    }
}

/// Why a file cannot be added to.
fn rewritten(kept: &Kept, before: Option<Bar>, now: Bar) -> String {
    let change = match before {
        Some(before) => before.change(&now),
        None => format!("{} is new, with a close of {}", now.date, now.close()),
    };
    let why = match kept.sidecar.adjust {
        _ if now.date == kept.last() => "its last day changed",
        Adjust::Qfq if before.is_none_or(|before| !before.same_prices(&now)) => {
            "its history was rewritten (forward-adjusted prices are at every dividend)"
        }
        _ => "its history was rewritten",
    };
    format!("{why}: {change}")
}
