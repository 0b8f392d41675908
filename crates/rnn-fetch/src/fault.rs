use std::{fmt, time::Duration};

use jiff::{Timestamp, fmt::rfc2822::DateTimeParser};

/// Why a provider gave nothing. Each text says what was expected and what was there.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Fault {
    /// There was no connection.
    Unreachable {
        said: String,
        /// Whether it failed quickly, so that another try costs little.
        quick: bool,
    },
    /// A fault that may be gone at the next try.
    Passing {
        said: String,
        /// Wait that the provider asks for.
        wait: Option<Duration>,
    },
    /// A fault that another try would meet again.
    Lasting(String),
}

/// A result with a [`Fault`].
pub(crate) type Answer<T> = Result<T, Fault>;

impl Fault {
    pub(crate) fn passing(said: impl Into<String>) -> Self {
        Self::Passing { said: said.into(), wait: None }
    }

    pub(crate) fn lasting(said: impl Into<String>) -> Self {
        Self::Lasting(said.into())
    }

    /// Prefixes the message with the request.
    pub(crate) fn of(self, what: &str) -> Self {
        let of = |said: String| format!("{what}: {said}");
        match self {
            Self::Unreachable { said, quick } => Self::Unreachable { said: of(said), quick },
            Self::Passing { said, wait } => Self::Passing { said: of(said), wait },
            Self::Lasting(said) => Self::Lasting(of(said)),
        }
    }

    /// Adds the host to the message if there was no connection.
    pub(crate) fn at(self, host: &str) -> Self {
        match self {
            Self::Unreachable { said, quick } => {
                Self::Unreachable { said: format!("{said} ({host})"), quick }
            }
            fault => fault,
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreachable { said, .. } | Self::Passing { said, .. } | Self::Lasting(said) => {
                f.write_str(said)
            }
        }
    }
}

/// The wait that a `Retry-After` header asks for: seconds, or a date.
pub(crate) fn retry_after(text: &str, now: Timestamp) -> Option<Duration> {
    let text = text.trim();
    if let Ok(seconds) = text.parse::<u64>() {
        return Some(Duration::from_secs(seconds));
    }
    let then = DateTimeParser::new().parse_timestamp(text).ok()?;
    Some(Duration::try_from(then.duration_since(now)).unwrap_or_default())
}

/// The wait before a further try: doubled each time, and shortened at random by up to a half, so
/// that many callers do not return at once.
pub(crate) fn back_off(tries: u32, chance: u64) -> Duration {
    const FIRST: Duration = Duration::from_millis(500);
    const LONGEST: Duration = Duration::from_secs(16);
    let whole = FIRST.saturating_mul(1 << tries.min(10)).min(LONGEST);
    whole.mul_f64(0.5 + 0.5 * (chance % 1024) as f64 / 1024.0)
}

/// The beginning of an unexpected text, on one line and without control characters.
pub(crate) fn excerpt(text: &str) -> String {
    const LONGEST: usize = 80;
    let clean: String = text
        .chars()
        .take(4 * LONGEST)
        .map(|letter| if letter.is_control() { ' ' } else { letter })
        .collect();
    let words = clean.split_whitespace().collect::<Vec<_>>().join(" ");
    match words.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("`{}…`", &words[..end]),
        None if words.is_empty() => "nothing".to_owned(),
        None => format!("`{words}`"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let now: Timestamp = "2026-11-26T08:00:00Z".parse().unwrap();
        for (text, expected) in [
            ("7", Some(7)),
            (" 120 ", Some(120)),
            ("Thu, 26 Nov 2026 08:00:30 GMT", Some(30)),
            ("Thu, 26 Nov 2026 07:00:00 GMT", Some(0)),
            ("soon", None),
            ("-3", None),
            ("99999999999999999999999", None),
        ] {
            assert_eq!(retry_after(text, now), expected.map(Duration::from_secs), "{text}");
        }
    }

    #[test]
    fn waits_grow_and_are_bounded() {
        for tries in 0..40 {
            let (least, most) = (back_off(tries, 0), back_off(tries, 1023));
            assert!(least < most && most <= Duration::from_secs(16), "{tries}: {least:?} {most:?}");
        }
        assert!(
            back_off(0, 1023) < Duration::from_millis(500)
                && back_off(3, 0) >= Duration::from_secs(2)
        );
    }

    #[test]
    fn excerpts_are_short_and_clean() {
        assert_eq!(excerpt("<html>\r\n\u{1b}[31m<p>"), "`<html> [31m<p>`");
        assert_eq!(excerpt(" \n"), "nothing");
        assert_eq!(excerpt(&"茅".repeat(500)).chars().count(), 83);
    }
}
