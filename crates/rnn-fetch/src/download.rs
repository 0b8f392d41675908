//! Downloads all windows of a provider, and asks the next provider after a fault.

use jiff::civil::Date;

use crate::{
    bars::{Bar, Bars},
    error::{FetchError, Result},
    fault::{Answer, Fault},
    http::{Client, Reply},
    notes::{PROGRESS, count},
    provider::Source,
    symbol::Symbol,
    wanted::{Adjust, Wanted},
};

/// Bars of one provider from all windows.
pub(crate) struct Download {
    /// Bars in ascending order; at least one.
    pub(crate) days: Vec<Bar>,
    /// First and last requested day.
    pub(crate) asked: [Date; 2],
    /// Whether the newest prices are unadjusted, since the provider has no adjusted ones.
    pub(crate) unadjusted: bool,
    /// Irregularities of the answers.
    pub(crate) notes: Vec<String>,
}

/// Part of the note on missing newest days; sidecars of earlier versions contain it.
pub(crate) const ENDS_EARLY: &str = "the last day it gave is";

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

/// Downloads the days `from..=to` from a provider.
pub(crate) fn download(
    client: &Client,
    source: &Source,
    wanted: Wanted<'_>,
    [from, to]: [Date; 2],
) -> Answer<Download> {
    let (name, symbol) = (source.name(), wanted.symbol);
    let windows = source.provider.windows(from, to);
    let (mut bars, mut counts, mut unadjusted, mut absent) =
        (Bars::default(), RowCounts::default(), Vec::new(), None);
    for (index, &window) in windows.iter().enumerate() {
        let what = format!("{name} {}", window.label());
        let read = |reply: &Reply| source.provider.read(reply, wanted);
        let answer =
            client.get(&what, &source.url(wanted, window), source.provider.referer(), read);
        let rows = answer.map_err(|fault| fault.at(source.host()))?;
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
    let days = bars.into_days();
    if days.is_empty() {
        return Err(Fault::lasting(format!(
            "{name}: has no bars of {symbol} from {from} to {to}: unknown symbol, or not traded \
             (check symbol and dates)"
        )));
    }
    plausible(name, wanted.adjust, &days)?;
    let mut notes = notes(name, wanted, counts, &unadjusted)?;
    let last = days[days.len() - 1].date;
    if (to - last).get_days() > LONGEST_SILENCE {
        notes.push(format!("{name} was asked for days to {to}; {ENDS_EARLY} {last}"));
    }
    notes.iter().for_each(|text| log::info!("{text}"));
    Ok(Download { days, asked: [from, to], unadjusted: unadjusted.last() == Some(&true), notes })
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
fn plausible(name: &str, adjust: Adjust, days: &[Bar]) -> Answer<()> {
    let impossible: Vec<&Bar> =
        days.iter().filter(|bar| bar.is_impossible(adjust == Adjust::Qfq)).collect();
    match impossible.first() {
        Some(first) if 2 * impossible.len() > days.len() => Err(Fault::lasting(format!(
            "{name}: gave impossible prices (zero or less, or a high below the low) in {} of {}, \
             the first on {}",
            impossible.len(),
            count(days.len(), "row"),
            first.date
        ))),
        _ if days.len() > 1 && days.iter().all(Bar::opens_outside) => {
            let rows = count(days.len(), "row");
            Err(Fault::lasting(format!("{name}: the open lies outside low..high in all {rows}")))
        }
        _ => Ok(()),
    }
}

/// Describes irregular answers; fails if adjusted and unadjusted windows alternate.
fn notes(
    name: &str,
    Wanted { symbol, adjust }: Wanted<'_>,
    counts: RowCounts,
    unadjusted: &[bool],
) -> Answer<Vec<String>> {
    let mut notes = Vec::new();
    for (number, what) in [
        (counts.empty, "without values, left out"),
        (counts.foreign, "of days that were not requested, left out"),
        (counts.repeated, "of repeated days with equal values, left out"),
        (counts.unsorted, "out of order, sorted"),
    ] {
        if number > 0 {
            notes.push(format!("{name} gave {} {what}", count(number, "row")));
        }
    }
    // Forward-adjusted prices are unadjusted after the last dividend, backward-adjusted ones before
    // the first.
    let is_ordered = match adjust {
        Adjust::Hfq => unadjusted.is_sorted_by_key(|unadjusted| !unadjusted),
        _ => unadjusted.is_sorted(),
    };
    let adjust = adjust.name();
    if !is_ordered {
        return Err(Fault::lasting(format!(
            "{name}: gave {adjust} prices for some years and unadjusted ones for others"
        )));
    }
    if unadjusted.contains(&true) {
        let which = if unadjusted.contains(&false) { "some years" } else { "these days" };
        notes.push(format!(
            "{name} has no {adjust} prices of {symbol} for {which}; unadjusted prices were used, \
             which are equal without dividends and splits"
        ));
    }
    Ok(notes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn opens_outside_the_range_of_every_day_are_refused() {
        let bar = |day: i8, open: f64| {
            Bar::new(jiff::civil::date(2024, 1, day), [open, 10.5, 11.0, 10.0], 1.0)
        };
        let asked = |days: &[Bar]| plausible("yahoo", Adjust::Qfq, days);
        let problem = asked(&[bar(2, 9.0), bar(3, 12.0)]).unwrap_err().to_string();
        assert!(problem.contains("yahoo: the open lies outside low..high in all 2 rows"));
        assert!(asked(&[bar(2, 9.0), bar(3, 10.5)]).is_ok(), "one day is a warning");
    }

    #[test]
    fn unadjusted_windows_may_only_precede_or_follow_adjusted_ones() {
        let symbol = "510300".parse().unwrap();
        let notes = |adjust, unadjusted: &[bool]| {
            notes("tencent", Wanted { symbol: &symbol, adjust }, RowCounts::default(), unadjusted)
        };
        assert_eq!(notes(Adjust::Qfq, &[false, false]), Ok(Vec::new()));
        assert!(
            notes(Adjust::Qfq, &[true, true]).unwrap()[0]
                .contains("has no qfq prices of sh510300 for these days")
        );
        assert!(notes(Adjust::Qfq, &[false, true]).unwrap()[0].contains("for some years"));
        assert!(notes(Adjust::Qfq, &[true, false]).is_err());
        assert!(notes(Adjust::Hfq, &[true, false]).unwrap()[0].contains("for some years"));
        assert!(notes(Adjust::Hfq, &[false, true]).is_err());
    }
}
