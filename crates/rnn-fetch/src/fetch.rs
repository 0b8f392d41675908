use std::path::Path;

use jiff::{Timestamp, civil::Date};
use rnn_files::sha256;

use crate::{
    bars::{Bar, Overlap},
    download::{Download, ENDS_EARLY, download, first_answer},
    error::{FetchError, Result},
    fault::{Answer, Fault},
    file::{Kept, Place, whole},
    http::Client,
    notes::count,
    outcome::{Happened, Outcome},
    provider::{Provider, Source},
    request::Request,
    sidecar::Sidecar,
    wanted::{Adjust, Method, Wanted},
};

/// Number of rows of a file that are downloaded again before new ones are appended.
const OVERLAP: usize = 20;

/// Downloads bars into a new file, or appends new days to the existing one.
///
/// Progress and notes go to the `log` crate. Requests are sent one after another.
///
/// # Errors
///
/// - [`FetchError::Request`] if no provider can serve the request.
/// - [`FetchError::File`] if the existing file was edited or not downloaded by this crate.
/// - [`FetchError::Providers`] if no provider gives usable bars.
/// - [`FetchError::Files`] or [`FetchError::Data`] if a file cannot be read, written or locked.
///
/// The file stays unchanged, unless the disk fails between replacing the file and its sidecar.
pub fn fetch(request: &Request) -> Result<Outcome> {
    let fetcher = Fetcher { request, client: Client::new(request.timeout, request.retries) };
    let sources = fetcher.sources()?;
    let place = Place::new(&request.out)?;
    // The lock covers reading and writing, so that two downloads never extend the same rows.
    let _lock = place.lock()?;
    place.complete()?;
    let existed = place.target.exists();
    let kept = if request.force { None } else { Kept::open(&place.target, fetcher.wanted())? };
    let Some(kept) = kept else {
        let start = fetcher.start(&place.target, existed);
        let happened = if existed { Happened::Replaced } else { Happened::Created };
        let update = first_answer(&request.symbol, &sources, |source| {
            fetcher
                .download(source, [start, request.to])
                .map(|download| fetcher.whole(source, download, happened, &[]))
        })?;
        return fetcher.write(&place, update);
    };
    let is_theirs = request.provider.is_none_or(|named| named == kept.sidecar.provider);
    let has_start = request.from.is_none_or(|from| from >= kept.sidecar.from);
    if has_start && request.to < kept.sidecar.first {
        let (to, first, file) = (request.to, kept.sidecar.first, request.out.display());
        return Err(FetchError::Request(format!(
            "--to {to} is before {first}, the first day of {file} (use --from for earlier days)"
        )));
    }
    let is_finished = kept.finished(request.symbol.market) == kept.bars.len();
    if is_theirs && has_start && is_finished && request.to <= kept.last() {
        if kept.sidecar.method() == Method::Additive && request.adjust == Adjust::Qfq {
            log::warn!(
                "{}: its prices have dividends subtracted, so their ratios are wrong (use --force \
                 to fetch it again, adjusted by ratios)",
                request.out.display()
            );
        }
        return Ok(unchanged(request, kept.sidecar));
    }
    let answer =
        first_answer(&request.symbol, &asked(request, sources, &kept.sidecar)?, |source| {
            fetcher.update(source, &kept)
        });
    let answer = answer.map_err(|error| match error {
        FetchError::Providers(message) if request.provider.is_none() => {
            FetchError::Providers(format!(
                "{message}; {} is unchanged, since its prices are from {} and providers cannot be \
                 mixed (try again later, or replace the whole file with --provider NAME)",
                request.out.display(),
                kept.sidecar.provider.name()
            ))
        }
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

/// Returns the providers for new rows of a file: the named one, else the file's own.
///
/// Rows of different providers do not match.
fn asked(request: &Request, mut sources: Vec<Source>, sidecar: &Sidecar) -> Result<Vec<Source>> {
    if request.provider.is_none() {
        sources.retain(|source| source.provider == sidecar.provider);
    }
    if sources.is_empty() {
        let (file, name) = (request.out.display(), sidecar.provider.name());
        return Err(FetchError::Request(format!(
            "{file} is from {name}, which has no bars of {} (choose another --provider)",
            request.symbol
        )));
    }
    Ok(sources)
}

/// New content of a file.
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

    /// Returns the providers that can serve the request.
    fn sources(&self) -> Result<Vec<Source>> {
        let named = self.request.provider;
        let mut refusals = Vec::new();
        let mut sources = Vec::new();
        for provider in Provider::ALL
            .into_iter()
            .filter(|provider| named.is_none_or(|named| named == *provider))
        {
            match provider.refuses(self.wanted()) {
                Some(why) => refusals.push(why),
                None => sources.push(Source::new(provider)?),
            }
        }
        sources.sort_by_key(|source| source.provider.rank(self.request.symbol.market));
        match refusals.pop() {
            Some(why) if sources.is_empty() => Err(FetchError::Request(why)),
            _ => Ok(sources),
        }
    }

    /// Returns the first day of a file that is written as a whole.
    ///
    /// A replaced file keeps its first day.
    fn start(&self, file: &Path, existed: bool) -> Date {
        let request = self.request;
        if let Some(from) = request.from {
            return from;
        }
        let path = Sidecar::path(file);
        let is_usable = |sidecar: &Sidecar| {
            sidecar.symbol == request.symbol.to_string() && sidecar.from <= request.to
        };
        // An unreadable sidecar is about to be replaced.
        match Sidecar::read(file).ok().flatten().filter(is_usable) {
            Some(sidecar) => {
                log::info!(
                    "fetching from {} on, as in {} (--from sets another first day)",
                    sidecar.from,
                    path.display()
                );
                sidecar.from
            }
            None => {
                if existed || path.exists() {
                    log::info!(
                        "fetching from {} on, by default ten years (--from sets another \
                         first day)",
                        request.usual_from()
                    );
                }
                request.usual_from()
            }
        }
    }

    /// Downloads the days `asked[0]..=asked[1]`.
    fn download(&self, source: &Source, asked: [Date; 2]) -> Answer<Download> {
        download(&self.client, source, self.wanted(), asked)
    }

    /// Asks a provider for new days; `None` if the file is up to date.
    fn update(&self, source: &Source, kept: &Kept) -> Answer<Option<Update>> {
        let (file, name) = (self.request.out.display(), source.name());
        let start = self.request.from.map_or(kept.sidecar.from, |from| from.min(kept.sidecar.from));
        let fetch_whole = || {
            let download = self.download(source, [start, self.request.to.max(kept.last())])?;
            // A fetch never removes days: a provider that lacks some is at fault.
            if let Some((first, number)) = kept.lacking(&download.days) {
                let days = count(number, "day");
                return Err(Fault::lasting(format!(
                    "{name}: lacks {days} of {file}, the first {first} (use --force to replace the \
                     file anyway)"
                )));
            }
            Ok(Some(self.whole(source, download, Happened::Replaced, &kept.bars)))
        };
        let theirs = kept.sidecar.provider;
        if source.provider != theirs {
            let update = fetch_whole()?;
            let theirs = theirs.name();
            log::info!(
                "{file}: was from {theirs}, whose prices cannot be mixed with those of {name}; \
                 fetched the whole file again"
            );
            return Ok(update);
        }
        if start < kept.sidecar.from {
            let update = fetch_whole()?;
            log::info!(
                "{file}: began on {}, requested {start}; fetched the whole file again",
                kept.sidecar.from
            );
            return Ok(update);
        }
        let finished = kept.finished(self.request.symbol.market);
        let first = kept.bars.len().saturating_sub(OVERLAP);
        let overlap = &kept.bars[first..finished];
        let download =
            self.download(source, [kept.bars[first].date, self.request.to.max(kept.last())])?;
        // An unadjusted overlap may equal an adjusted one although later rows differ.
        if download.unadjusted != kept.sidecar.unadjusted {
            let now = if download.unadjusted { "unadjusted" } else { "adjusted" };
            log::info!(
                "{file}: {name} now gives {now} prices, unlike before; fetching the whole file \
                 again"
            );
            return fetch_whole();
        }
        if download.method != kept.sidecar.method() {
            log::info!(
                "{file}: its prices are not adjusted by ratios, unlike those of this version; \
                 fetching the whole file again"
            );
            return fetch_whole();
        }
        match Overlap::of(overlap, &download.days) {
            Overlap::Same(new) if finished < kept.bars.len() => {
                let last = kept.last();
                if new.iter().all(|bar| bar.date != last) {
                    return Err(Fault::lasting(format!(
                        "{name}: gave no bar of {last}, a day in {file}"
                    )));
                }
                log::info!("{file}: {last} was not over when it was fetched; replacing its row");
                Ok(Some(self.appended(source, kept, finished, &new, download)))
            }
            Overlap::Same(new) if new.is_empty() => Ok(None),
            Overlap::Same(new) => Ok(Some(self.appended(source, kept, finished, &new, download))),
            Overlap::Gone(day) => {
                Err(Fault::lasting(format!("{name}: gave no bar of {day}, a day in {file}")))
            }
            Overlap::Differs { kept: before, now } => {
                log::info!(
                    "{file}: {}; fetching the whole file again",
                    rewritten(kept, before, now)
                );
                fetch_whole()
            }
        }
    }

    /// Returns the file's first `rows` rows and the new bars after them.
    fn appended(
        &self,
        source: &Source,
        kept: &Kept,
        rows: usize,
        new: &[Bar],
        download: Download,
    ) -> Update {
        let Download { unadjusted, method, host, asked: [_, to], mut notes, .. } = download;
        notes.retain(|note| !kept.sidecar.notes.contains(note));
        // A note on missing newest days is out of date.
        notes.splice(
            0..0,
            kept.sidecar.notes.iter().filter(|note| !note.contains(ENDS_EARLY)).cloned(),
        );
        let text = kept.with(rows, new, &self.request.symbol.code);
        let days = [&kept.bars[..rows], new].concat();
        let added = days.len() - kept.bars.len();
        let asked = [kept.sidecar.from, to];
        let download = Download { days, asked, unadjusted, method, host, notes };
        let sidecar = self.sidecar(source, &text, download);
        Update { happened: Happened::Appended, added, text, sidecar }
    }

    /// Returns a file of the downloaded days, which replaces the days `before`.
    fn whole(
        &self,
        source: &Source,
        download: Download,
        happened: Happened,
        before: &[Bar],
    ) -> Update {
        let is_new =
            |bar: &&Bar| before.binary_search_by_key(&bar.date, |before| before.date).is_err();
        let added = download.days.iter().filter(is_new).count();
        let text = whole(&download.days, &self.request.symbol.code);
        let sidecar = self.sidecar(source, &text, download);
        Update { happened, added, text, sidecar }
    }

    fn sidecar(&self, source: &Source, text: &str, download: Download) -> Sidecar {
        let Download { days, asked: [from, to], unadjusted, method, host, notes } = download;
        let now = Timestamp::now();
        Sidecar {
            format: Sidecar::FORMAT,
            symbol: self.request.symbol.to_string(),
            provider: source.provider,
            host,
            adjust: self.request.adjust,
            adjustment: Some(method),
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

/// Describes why rows cannot be appended to a file.
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
