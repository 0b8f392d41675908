use std::{path::PathBuf, time::Duration};

use clap::{Args, ValueEnum};
use jiff::{Timestamp, civil::Date};
use rnn_fetch::{Adjust, Happened, Provider, Request, Symbol, fetch};

use super::output::{json, note, out};
use crate::error::{Error, Result};

#[derive(Debug, Args)]
#[command(after_help = "FILE.json next to the CSV file records symbol, provider and days. \
                        RNN_TENCENT_URL, RNN_EASTMONEY_URL and RNN_YAHOO_URL replace the scheme \
                        and host of a provider. HTTPS_PROXY sets a proxy.")]
pub(crate) struct FetchArgs {
    /// Symbol of a stock, index or fund: 600519, sh600519, 600519.SH, sz000001, bj430047, 0700.HK,
    /// hk00700, AAPL
    symbol: Symbol,
    /// First day [default: that of the existing file, else ten years before the last day]
    #[arg(long, value_name = "DATE", value_parser = day)]
    from: Option<Date>,
    /// Last day [default: the last day with finished trading]
    #[arg(long, value_name = "DATE", value_parser = day)]
    to: Option<Date>,
    /// Adjustment for dividends and splits
    #[arg(long, value_enum, default_value = "qfq")]
    adjust: AdjustChoice,
    /// Data provider
    #[arg(long, value_enum, default_value = "auto")]
    provider: ProviderChoice,
    /// CSV file to write or to extend with new days [default: SYMBOL.csv]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Replace an existing file, whatever it contains
    #[arg(long)]
    force: bool,
    /// Timeout of a request, in seconds
    #[arg(
        long,
        value_name = "SECONDS",
        default_value = "20",
        allow_negative_numbers = true,
        value_parser = seconds
    )]
    timeout: Duration,
    /// Number of retries after an incomplete answer or if the provider is busy
    #[arg(
        long,
        value_name = "N",
        default_value = "3",
        value_parser = clap::value_parser!(u32).range(0..=10)
    )]
    retries: u32,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

/// Adjustment for dividends and splits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum AdjustChoice {
    /// Forward: the newest prices are the traded ones, older ones are multiplied by ratios
    Qfq,
    /// Backward: the oldest prices are the traded ones
    Hfq,
    /// Unadjusted prices (yahoo: adjusted for splits)
    None,
}

/// Data provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum ProviderChoice {
    /// Provider of the existing file; for a new file the first provider that answers
    Auto,
    /// Shanghai, Shenzhen, Beijing, Hong Kong
    Tencent,
    /// Shanghai, Shenzhen, Beijing
    Eastmoney,
    /// Shanghai, Shenzhen, Hong Kong, the United States
    Yahoo,
}

fn day(text: &str) -> std::result::Result<Date, String> {
    text.parse().map_err(|_| format!("expected a date like 2020-04-24, got `{text}`"))
}

fn seconds(text: &str) -> std::result::Result<Duration, String> {
    const LONGEST: f64 = 600.0;
    let seconds = text.parse().ok().filter(|seconds| (0.001..=LONGEST).contains(seconds));
    let problem = || format!("expected seconds, up to {LONGEST}, got `{text}`");
    seconds.map(Duration::from_secs_f64).ok_or_else(problem)
}

/// Fetches daily bars.
pub(super) fn run(args: &FetchArgs) -> Result<()> {
    let outcome = fetch(&request(args, Timestamp::now())?)?;
    if args.json {
        json(&outcome);
        return Ok(());
    }
    out(outcome.summary());
    if outcome.happened != Happened::Unchanged {
        out(format_args!(
            "next: rnn-train train stock-gap --data {} --fresh",
            quoted(&outcome.file.display().to_string())
        ));
    }
    Ok(())
}

/// A path quoted as one word of a shell.
fn quoted(path: &str) -> String {
    let is_plain = |letter: char| letter.is_alphanumeric() || "._-/\\:+,@%".contains(letter);
    if path.chars().all(is_plain) {
        path.to_owned()
    } else {
        format!("'{}'", path.replace('\'', r"'\''"))
    }
}

/// The request for the arguments at the time `now`.
fn request(args: &FetchArgs, now: Timestamp) -> Result<Request> {
    let market = args.symbol.market;
    let (today, finished) = (market.clock(now).date(), market.last_finished_day(now));
    let to = args.to.unwrap_or(finished);
    for (flag, day) in [("--from", args.from), ("--to", Some(to))] {
        if let Some(day) = day.filter(|day| *day > today) {
            return Err(Error::Usage(format!(
                "{flag} {day}: in the future; today is {today} at the exchange of {}",
                args.symbol
            )));
        }
    }
    let first = market.first_day();
    if to < first {
        return Err(Error::Usage(format!(
            "--to {to}: before {first}, the first possible day of {}",
            args.symbol
        )));
    }
    let from = args.from.map(|from| {
        if from < first {
            note(format_args!("the first possible day is {first}; fetching from then on"));
        }
        from.max(first)
    });
    if let Some(from) = from.filter(|from| *from > to) {
        let to = if args.to.is_some() {
            format!("--to {to}")
        } else {
            format!("{to}, the last day with finished trading (use --to for a later day)")
        };
        return Err(Error::Usage(format!("--from {from}: after {to}")));
    }
    if to > finished {
        note(format_args!("trading on {to} may not be over; its bar may still change"));
    }
    let provider = match args.provider {
        ProviderChoice::Auto => None,
        ProviderChoice::Tencent => Some(Provider::Tencent),
        ProviderChoice::Eastmoney => Some(Provider::Eastmoney),
        ProviderChoice::Yahoo => Some(Provider::Yahoo),
    };
    let adjust = match args.adjust {
        AdjustChoice::Qfq => Adjust::Qfq,
        AdjustChoice::Hfq => Adjust::Hfq,
        AdjustChoice::None => Adjust::None,
    };
    Ok(Request {
        symbol: args.symbol.clone(),
        adjust,
        provider,
        from,
        to,
        out: args.out.clone().unwrap_or_else(|| PathBuf::from(format!("{}.csv", args.symbol))),
        force: args.force,
        timeout: args.timeout,
        retries: args.retries,
    })
}
