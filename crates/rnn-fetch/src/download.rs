//! Downloads all windows of a provider, and asks the next provider after a fault.
//!
//! Prices that a provider adjusts additively are computed from two other downloads (`ratio.rs`).

use jiff::civil::Date;

use crate::{
    bars::{Bar, Bars, Rows},
    error::{FetchError, Result},
    fault::{Answer, Fault},
    http::{Ask, Client, Reply},
    notes::{PROGRESS, count},
    provider::Source,
    ratio,
    symbol::Symbol,
    volumes::{self, Found, Unit},
    wanted::{Adjust, Method, Wanted},
};

/// Bars of one provider from all windows.
pub(crate) struct Download {
    /// Bars in ascending order; at least one.
    pub(crate) days: Vec<Bar>,
    /// First and last requested day.
    pub(crate) asked: [Date; 2],
    /// Whether the newest prices are unadjusted, since the provider has no adjusted ones.
    pub(crate) unadjusted: bool,
    /// How prices are adjusted.
    pub(crate) method: Method,
    /// Host of the last answer.
    pub(crate) host: String,
    /// Irregularities of the answers.
    pub(crate) notes: Vec<String>,
}

/// Part of the note on missing newest days; sidecars of earlier versions contain it.
pub(crate) const ENDS_EARLY: &str = "the last day it gave is";
/// Part of the note on unadjusted prices of all days; sidecars of earlier versions contain it.
pub(crate) const ALL_UNADJUSTED: &str = "for these days; unadjusted prices were used";

/// Asks one provider after another, and returns the first answer.
pub(crate) fn first_answer<T>(
    symbol: &Symbol,
    sources: &[Source],
    ask: impl Fn(&Source) -> Answer<T>,
) -> Result<T> {
    let mut faults: Vec<Fault> = Vec::new();
    let is_away = |fault: &Fault| matches!(fault, Fault::Unreachable { .. });
    for (index, source) in sources.iter().enumerate() {
        let fault = match ask(source) {
            Ok(answer) => {
                // Unreachable providers are reported only now: without a network, one line
                // reports them all.
                faults.iter().filter(|fault| is_away(fault)).for_each(
                    |fault| log::info!(target: PROGRESS, "{fault}; {} answered", source.name()),
                );
                return Ok(answer);
            }
            Err(fault) => fault,
        };
        if let Some(next) = sources.get(index + 1)
            && !is_away(&fault)
        {
            log::info!(target: PROGRESS, "{fault}; asking {}", next.name());
        }
        faults.push(fault);
    }
    let message = faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ");
    Err(FetchError::Providers(match faults.iter().all(is_away) {
        true => format!("no provider could be reached: {message}"),
        false => format!("no provider gave bars of {symbol}: {message}"),
    }))
}

/// Downloads the days `asked[0]..=asked[1]` from a provider.
pub(crate) fn download(
    client: &Client,
    source: &Source,
    wanted: Wanted<'_>,
    asked: [Date; 2],
) -> Answer<Download> {
    let provider = source.provider;
    let answers = match provider.is_derived(wanted) {
        true => derived(client, source, wanted, asked)?,
        false => {
            let mut answers = answers(client, source, wanted, asked, "")?;
            answers.notes.extend(gaps(source.name(), wanted, &answers.unadjusted)?);
            answers
        }
    };
    let method = match provider.own_method(wanted.adjust, wanted.symbol.market) {
        _ if answers.unadjusted.iter().all(|unadjusted| *unadjusted) => Method::None,
        Method::Additive if provider.is_derived(wanted) => Method::Ratio,
        method => method,
    };
    let Answers { days, unadjusted, host, mut notes } = answers;
    if method == Method::Unknown {
        notes.push(format!(
            "{} adjusts prices of {} in a way that is not known, or not at all",
            source.name(),
            wanted.symbol
        ));
    }
    notes.iter().for_each(|text| log::info!("{text}"));
    let unadjusted = unadjusted.last() == Some(&true);
    Ok(Download { days, asked, unadjusted, method, host, notes })
}

/// Downloads unadjusted and backward-adjusted prices and computes forward-adjusted ones.
fn derived(
    client: &Client,
    source: &Source,
    wanted: Wanted<'_>,
    asked: [Date; 2],
) -> Answer<Answers> {
    let of = |adjust| Wanted { adjust, ..wanted };
    let raw = answers(client, source, of(Adjust::None), asked, "")?;
    let adjusted = answers(client, source, of(Adjust::Hfq), asked, " hfq")?;
    let (name, unadjusted) = (source.name(), adjusted.unadjusted);
    let days = ratio::forward(&raw.days, &adjusted.days)
        .map_err(|problem| Fault::lasting(format!("{name}: {problem}")))?;
    let mut notes = raw.notes;
    notes.extend(
        adjusted.notes.into_iter().filter(|note| !notes.contains(note)).collect::<Vec<_>>(),
    );
    // Years before the first dividend are unadjusted.
    let gaps = gaps(name, of(Adjust::Hfq), &unadjusted)?;
    if gaps.is_some() && !unadjusted.contains(&false) {
        notes.push(unadjusted_note(name, wanted, ALL_UNADJUSTED));
    }
    Ok(Answers { days, unadjusted, host: adjusted.host, notes })
}

/// Bars of all windows.
struct Answers {
    days: Vec<Bar>,
    /// Whether each window with bars has unadjusted prices although adjusted ones were requested.
    unadjusted: Vec<bool>,
    host: String,
    notes: Vec<String>,
}

/// Downloads the days `from..=to` with the prices that the provider gives; `kind` is added to the
/// name of the requests.
fn answers(
    client: &Client,
    source: &Source,
    wanted: Wanted<'_>,
    [from, to]: [Date; 2],
    kind: &str,
) -> Answer<Answers> {
    let (name, symbol, provider) = (source.name(), wanted.symbol, source.provider);
    let windows = provider.windows(symbol.market, from, to);
    let (mut bars, mut counts, mut unadjusted, mut absent, mut host) =
        (Bars::default(), RowCounts::default(), Vec::new(), None, 0);
    for (index, &window) in windows.iter().enumerate() {
        let what = format!("{name} {}{kind}", window.label());
        let ask = Ask {
            what: &what,
            urls: &source.urls(wanted, window),
            referer: provider.referer(),
            moves_on: &|fault| provider.moves_on(fault),
            retries: &|fault| provider.retries(fault),
        };
        let read = |reply: &Reply| provider.read(reply, wanted);
        let is_empty = |rows: &Rows| provider.doubts_empty() && rows.bars.is_empty();
        let (rows, answered) =
            client.get(&ask, read, is_empty).map_err(|fault| fault.at(source.host(0)))?;
        host = answered;
        // A window may cover more days than requested.
        let is_foreign = |bar: &&Bar| {
            !(window.from..=window.to).contains(&bar.date) && !(from..=to).contains(&bar.date)
        };
        counts.foreign += rows.bars.iter().filter(is_foreign).count();
        let days: Vec<Bar> =
            rows.bars.into_iter().filter(|bar| (from..=to).contains(&bar.date)).collect();
        let left = match windows.len() - index - 1 {
            0 => String::new(),
            left => format!(", {} left", count(left, "window")),
        };
        log::info!(target: PROGRESS, "{what}: {}{left}", count(days.len(), "day"));
        counts.empty += rows.empty;
        if !days.is_empty() {
            unadjusted.push(rows.unadjusted);
            // An empty window is normal before a share was listed, but not between two others.
            if let Some(message) = absent.take() {
                return Err(message);
            }
        } else if !bars.is_empty() {
            absent = absent.or(rows.absent.map(|message| Fault::lasting(message).of(&what)));
        }
        bars.add(days).map_err(|message| Fault::lasting(message).of(&what))?;
    }
    (counts.unsorted, counts.repeated) = (bars.unsorted, bars.repeated);
    let mut days = bars.into_days();
    if days.is_empty() {
        return Err(Fault::lasting(format!(
            "{name}: has no bars of {symbol} from {from} to {to}: unknown symbol, or not traded \
             (check symbol and dates)"
        )));
    }
    plausible(name, &days)?;
    let mut notes = counts.notes(name);
    notes.extend(in_lots(source, wanted, &mut days));
    let last = days[days.len() - 1].date;
    if (to - last).get_days() > LONGEST_SILENCE {
        notes.push(format!("{name} was asked for days to {to}; {ENDS_EARLY} {last}"));
    }
    Ok(Answers { days, unadjusted, host: source.host(host).to_owned(), notes })
}

/// Converts volumes of mainland China to lots. Returns a note if their unit is unclear.
fn in_lots(source: &Source, wanted: Wanted<'_>, days: &mut [Bar]) -> Option<String> {
    let usual = source.provider.usual_unit(wanted.symbol)?;
    // Amounts belong to unadjusted prices.
    let found = match wanted.adjust {
        Adjust::None => volumes::unit(days),
        _ => Found::NoAmounts,
    };
    let unit = if let Found::Clear(unit) = found { unit } else { usual };
    volumes::to_lots(days, unit);
    (found == Found::Unclear).then(|| {
        let unit = if unit == Unit::Lots { "lots of 100" } else { "shares" };
        format!(
            "the unit of the volumes of {} is unclear, since amount / volume of {} is not in \
             low..high; taken as {unit}",
            wanted.symbol,
            source.name()
        )
    })
}

/// Number of missing newest days that needs no note: the longest holidays are shorter.
const LONGEST_SILENCE: i32 = 14;

/// Counts of rows that were dropped or sorted.
#[derive(Debug, Clone, Copy, Default)]
struct RowCounts {
    empty: usize,
    repeated: usize,
    unsorted: usize,
    /// Rows of days that were not requested.
    foreign: usize,
}

/// Refuses bars if most prices are impossible; a few cause a warning when the file is read.
fn plausible(name: &str, days: &[Bar]) -> Answer<()> {
    let impossible: Vec<&Bar> = days.iter().filter(|bar| bar.is_impossible()).collect();
    match impossible.first() {
        Some(first) if 2 * impossible.len() > days.len() => Err(Fault::lasting(format!(
            "{name}: gave impossible prices (zero or less, a high below the low, or an open or \
             close outside both) in {} of {}, the first on {}",
            impossible.len(),
            count(days.len(), "row"),
            first.date
        ))),
        _ => Ok(()),
    }
}

impl RowCounts {
    /// Describes irregular rows.
    fn notes(self, name: &str) -> Vec<String> {
        let counts = [
            (self.empty, "without values, left out"),
            (self.foreign, "of days that were not requested, left out"),
            (self.repeated, "of repeated days with equal values, left out"),
            (self.unsorted, "out of order, sorted"),
        ];
        let some = counts.into_iter().filter(|(number, _)| *number > 0);
        some.map(|(number, what)| format!("{name} gave {} {what}", count(number, "row"))).collect()
    }
}

/// Describes unadjusted prices in place of adjusted ones; fails if both alternate.
fn gaps(name: &str, wanted: Wanted<'_>, unadjusted: &[bool]) -> Answer<Option<String>> {
    // Forward-adjusted prices are unadjusted after the last dividend, backward-adjusted ones before
    // the first.
    let is_ordered = match wanted.adjust {
        Adjust::Hfq => unadjusted.is_sorted_by_key(|unadjusted| !unadjusted),
        _ => unadjusted.is_sorted(),
    };
    if !is_ordered {
        return Err(Fault::lasting(format!(
            "{name}: gave {} prices for some years and unadjusted ones for others",
            wanted.adjust.name()
        )));
    }
    let which = match (unadjusted.contains(&true), unadjusted.contains(&false)) {
        (false, _) => return Ok(None),
        (true, true) => "for some years; unadjusted prices were used",
        (true, false) => ALL_UNADJUSTED,
    };
    Ok(Some(unadjusted_note(name, wanted, which)))
}

fn unadjusted_note(name: &str, Wanted { symbol, adjust }: Wanted<'_>, which: &str) -> String {
    format!(
        "{name} has no {} prices of {symbol} {which}, which are equal without dividends and splits",
        adjust.name()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unadjusted_windows_may_only_precede_or_follow_adjusted_ones() {
        let symbol = "510300".parse().unwrap();
        let gaps = |adjust, unadjusted: &[bool]| {
            gaps("tencent", Wanted { symbol: &symbol, adjust }, unadjusted)
        };
        assert_eq!(gaps(Adjust::Qfq, &[false, false]), Ok(None));
        for (adjust, unadjusted, expected) in [
            (Adjust::Qfq, [true, true], "has no qfq prices of sh510300 for these days"),
            (Adjust::Qfq, [false, true], "for some years"),
            (Adjust::Hfq, [true, false], "for some years"),
        ] {
            let note = gaps(adjust, &unadjusted).unwrap().unwrap();
            assert!(note.contains(expected), "{note}");
        }
        assert!(gaps(Adjust::Qfq, &[true, false]).is_err());
        assert!(gaps(Adjust::Hfq, &[false, true]).is_err());
    }
}
