use std::{fmt, str::FromStr};

use jiff::{
    Timestamp,
    civil::{Date, DateTime, date},
    tz::Offset,
};

use crate::error::{FetchError, Result};

/// An exchange.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Market {
    /// Shanghai Stock Exchange.
    Shanghai,
    /// Shenzhen Stock Exchange.
    Shenzhen,
    /// Beijing Stock Exchange.
    Beijing,
    /// Hong Kong Exchange.
    HongKong,
    /// An exchange of the United States.
    UnitedStates,
}

impl Market {
    /// Returns whether the exchange is in mainland China, where volumes count lots of 100 shares.
    pub fn is_mainland(self) -> bool {
        !matches!(self, Self::HongKong | Self::UnitedStates)
    }

    /// Returns the local time of the exchange, without daylight saving.
    pub fn clock(self, now: Timestamp) -> DateTime {
        // A constant offset suffices for the day, and needs no time-zone database.
        let hours = if self == Self::UnitedStates { -5 } else { 8 };
        Offset::constant(hours).to_datetime(now)
    }

    /// Returns the last day whose trading is over. A later day's bar still changes.
    pub fn last_finished_day(self, now: Timestamp) -> Date {
        let clock = self.clock(now);
        // Shanghai, Shenzhen and Beijing close at 15:00, Hong Kong at 16:10, New York at 16:00.
        let over_at = if self.is_mainland() { 16 } else { 17 };
        if clock.hour() >= over_at {
            clock.date()
        } else {
            clock.date().yesterday().unwrap_or(clock.date())
        }
    }

    /// Returns the first day that can have bars.
    pub fn first_day(self) -> Date {
        // Shenzhen's exchange opened then, and no provider has older days of the others.
        if self.is_mainland() { date(1990, 12, 1) } else { date(1960, 1, 1) }
    }

    /// Returns the prefix of symbols in mainland China.
    fn prefix(self) -> &'static str {
        match self {
            Self::Shanghai => "sh",
            Self::Shenzhen => "sz",
            Self::Beijing => "bj",
            Self::HongKong | Self::UnitedStates => "",
        }
    }
}

/// A share, index or fund: `sh600519`, `0700.HK`, `BRK-B`.
///
/// # Examples
///
/// ```
/// use rnn_fetch::{Market, Symbol};
///
/// let symbol: Symbol = "600519.SH".parse()?;
/// assert_eq!((symbol.market, symbol.to_string().as_str()), (Market::Shanghai, "sh600519"));
/// assert!("60051".parse::<Symbol>().is_err());
/// # Ok::<(), rnn_fetch::FetchError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Symbol {
    /// Exchange.
    pub market: Market,
    /// Six digits, or the ticker: the column `code`.
    pub code: String,
}

const FORMS: &str = "600519, sh600519, 600519.SH, 600519.SS (Shanghai), sz000001, 000001.SZ \
                     (Shenzhen), bj430047, 430047.BJ (Beijing), 0700.HK, hk00700 (Hong Kong) or a \
                     US ticker like AAPL or BRK-B";

impl FromStr for Symbol {
    type Err = FetchError;

    fn from_str(text: &str) -> Result<Self> {
        let upper = text.trim().to_ascii_uppercase();
        let problem = || match is_code(&upper) {
            true => format!(
                "no exchange uses codes like `{text}` (add a prefix, as in sh{text}, or use one of \
                 {FORMS})"
            ),
            false => format!("expected a symbol like {FORMS}, got `{text}`"),
        };
        parse(&upper).ok_or_else(|| FetchError::Request(problem()))
    }
}

fn parse(upper: &str) -> Option<Symbol> {
    let mainland =
        |market, code: &str| is_code(code).then(|| Symbol { market, code: code.to_owned() });
    if is_code(upper) {
        return mainland(market_of(upper)?, upper);
    }
    if let Some((code, suffix)) = upper.split_once('.')
        && code.starts_with(|letter: char| letter.is_ascii_digit())
    {
        return match suffix {
            "SH" | "SS" => mainland(Market::Shanghai, code),
            "SZ" => mainland(Market::Shenzhen, code),
            "BJ" => mainland(Market::Beijing, code),
            "HK" => hong_kong(code),
            _ => None,
        };
    }
    if let Some(code) = upper.strip_prefix("HK")
        && code.starts_with(|letter: char| letter.is_ascii_digit())
    {
        return hong_kong(code);
    }
    for (prefix, market) in
        [("SH", Market::Shanghai), ("SZ", Market::Shenzhen), ("BJ", Market::Beijing)]
    {
        if let Some(rest) =
            upper.strip_prefix(prefix).map(|rest| rest.strip_prefix('.').unwrap_or(rest))
            && is_code(rest)
        {
            return mainland(market, rest);
        }
    }
    let (letters, class) =
        upper.split_once('-').map_or((upper, None), |(letters, class)| (letters, Some(class)));
    let is_word = |word: &str, longest| {
        (1..=longest).contains(&word.len()) && word.bytes().all(|byte| byte.is_ascii_uppercase())
    };
    let is_ticker = is_word(letters, 5) && class.is_none_or(|class| is_word(class, 2));
    is_ticker.then(|| Symbol { market: Market::UnitedStates, code: upper.to_owned() })
}

/// Returns a share of Hong Kong. Yahoo writes four digits, Tencent five; people write one to five.
fn hong_kong(code: &str) -> Option<Symbol> {
    let number: u32 = code.parse().ok().filter(|number| *number > 0 && code.len() <= 5)?;
    Some(Symbol { market: Market::HongKong, code: format!("{number:04}.HK") })
}

fn is_code(text: &str) -> bool {
    text.len() == 6 && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Returns the exchange of a code by its first digits.
///
/// Beijing's 92 is checked before Shanghai's 9 (B shares are 900).
fn market_of(code: &str) -> Option<Market> {
    const BEGINNINGS: [(&str, Market); 14] = [
        ("92", Market::Beijing),
        ("4", Market::Beijing),
        ("8", Market::Beijing),
        ("6", Market::Shanghai),
        ("9", Market::Shanghai),
        ("5", Market::Shanghai),
        ("11", Market::Shanghai),
        ("0", Market::Shenzhen),
        ("2", Market::Shenzhen),
        ("3", Market::Shenzhen),
        // Convertible bonds.
        ("12", Market::Shenzhen),
        // Funds.
        ("15", Market::Shenzhen),
        ("16", Market::Shenzhen),
        ("18", Market::Shenzhen),
    ];
    BEGINNINGS.iter().find(|(beginning, _)| code.starts_with(beginning)).map(|(_, market)| *market)
}

impl fmt::Display for Symbol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.market.prefix(), self.code)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn symbols_are_read_in_the_forms_people_write() {
        for (text, expected) in [
            ("600519", "sh600519"),
            ("SH600519", "sh600519"),
            ("sh.600519", "sh600519"),
            ("600519.SH", "sh600519"),
            ("600519.ss", "sh600519"),
            ("900901", "sh900901"),
            ("510300", "sh510300"),
            ("113050", "sh113050"),
            ("sh000001", "sh000001"),
            ("000001", "sz000001"),
            ("sz000001", "sz000001"),
            ("000001.SZ", "sz000001"),
            ("200002", "sz200002"),
            ("300750", "sz300750"),
            ("159915", "sz159915"),
            ("bj430047", "bj430047"),
            ("430047.BJ", "bj430047"),
            ("835185", "bj835185"),
            ("920002", "bj920002"),
            ("700.hk", "0700.HK"),
            ("00700.HK", "0700.HK"),
            ("hk00700", "0700.HK"),
            ("HK700", "0700.HK"),
            ("aapl", "AAPL"),
            ("BRK-B", "BRK-B"),
            (" 600519 ", "sh600519"),
        ] {
            assert_eq!(text.parse::<Symbol>().unwrap().to_string(), expected, "{text}");
        }
        assert_eq!("SZ000001".parse::<Symbol>().unwrap().code, "000001");
    }

    #[test]
    fn unknown_forms_are_refused_with_the_known_ones() {
        for text in [
            "",
            "60051",
            "6005190",
            "sh60051",
            "600519.XX",
            "GOOGLE1",
            "TOOLONG",
            "A_B",
            "0.HK",
            "123456.HK",
            "hk123456",
            "hk0",
            "hk7x",
            "贵州茅台",
            "../x",
            "BRK.B",
        ] {
            let error = text.parse::<Symbol>().unwrap_err().to_string();
            assert!(error.contains("sh600519") && error.contains("BRK-B"), "{text}: {error}");
        }
        assert!("700001".parse::<Symbol>().unwrap_err().to_string().contains("as in sh700001"));
    }

    #[test]
    fn a_day_is_over_some_time_after_the_close() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        for (market, now, expected) in [
            (Market::Shanghai, "2026-11-26T07:59:59Z", date(2026, 11, 25)),
            (Market::Shanghai, "2026-11-26T08:00:00Z", date(2026, 11, 26)),
            (Market::Shanghai, "2026-11-26T17:00:00Z", date(2026, 11, 26)),
            (Market::HongKong, "2026-11-26T08:30:00Z", date(2026, 11, 25)),
            (Market::UnitedStates, "2026-11-26T21:59:00Z", date(2026, 11, 25)),
            (Market::UnitedStates, "2026-11-26T22:00:00Z", date(2026, 11, 26)),
            (Market::UnitedStates, "2026-11-27T03:00:00Z", date(2026, 11, 26)),
        ] {
            assert_eq!(market.last_finished_day(at(now)), expected, "{market:?} {now}");
        }
    }
}
