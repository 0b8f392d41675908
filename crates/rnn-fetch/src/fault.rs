use std::{fmt, time::Duration};

use jiff::{Timestamp, fmt::rfc2822::DateTimeParser};

/// Failure of a provider. Each message has the expected and the actual answer.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Fault {
    /// No connection.
    Unreachable {
        message: String,
        /// Whether it failed quickly, so that a retry costs little.
        quick: bool,
    },
    /// A connection that ended early. A retry may resolve it, unless the provider bans requests.
    Broken(String),
    /// Status 429: too many requests.
    Busy {
        message: String,
        /// Wait that the provider requests.
        wait: Option<Duration>,
    },
    /// A fault that a retry may resolve.
    Passing {
        message: String,
        /// Wait that the provider requests.
        wait: Option<Duration>,
    },
    /// A fault that a retry cannot resolve.
    Lasting(String),
}

/// A result with a [`Fault`].
pub(crate) type Answer<T> = Result<T, Fault>;

impl Fault {
    pub(crate) fn passing(message: impl Into<String>) -> Self {
        Self::Passing { message: message.into(), wait: None }
    }

    pub(crate) fn lasting(message: impl Into<String>) -> Self {
        Self::Lasting(message.into())
    }

    /// Prefixes the message with the request.
    pub(crate) fn of(self, what: &str) -> Self {
        let of = |message: String| format!("{what}: {message}");
        match self {
            Self::Unreachable { message, quick } => {
                Self::Unreachable { message: of(message), quick }
            }
            Self::Broken(message) => Self::Broken(of(message)),
            Self::Busy { message, wait } => Self::Busy { message: of(message), wait },
            Self::Passing { message, wait } => Self::Passing { message: of(message), wait },
            Self::Lasting(message) => Self::Lasting(of(message)),
        }
    }

    /// Adds the message of another address, and keeps the kind that is the easiest to resolve.
    pub(crate) fn and(self, other: Self) -> Self {
        let [one, two] = [self.to_string(), other.to_string()];
        let messages = if one == two { one } else { format!("{one}; then {two}") };
        let rank = |fault: &Self| match fault {
            Self::Passing { .. } => 0,
            Self::Busy { .. } => 1,
            Self::Broken(_) => 2,
            Self::Lasting(_) => 3,
            Self::Unreachable { .. } => 4,
        };
        let mut kept = if rank(&other) < rank(&self) { other } else { self };
        match &mut kept {
            Self::Unreachable { message, .. }
            | Self::Broken(message)
            | Self::Busy { message, .. }
            | Self::Passing { message, .. }
            | Self::Lasting(message) => *message = messages,
        }
        kept
    }

    /// Returns the wait that the provider requests, if it does.
    pub(crate) fn wait(&self) -> Option<Duration> {
        match self {
            Self::Busy { wait, .. } | Self::Passing { wait, .. } => *wait,
            _ => None,
        }
    }

    /// Adds the host to the message of an unreachable provider.
    pub(crate) fn at(self, host: &str) -> Self {
        match self {
            Self::Unreachable { message, quick } => {
                Self::Unreachable { message: format!("{message} ({host})"), quick }
            }
            fault => fault,
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreachable { message, .. }
            | Self::Broken(message)
            | Self::Busy { message, .. }
            | Self::Passing { message, .. }
            | Self::Lasting(message) => f.write_str(message),
        }
    }
}

/// Parses a `Retry-After` header: seconds, or a date.
pub(crate) fn retry_after(text: &str, now: Timestamp) -> Option<Duration> {
    let text = text.trim();
    if let Ok(seconds) = text.parse::<u64>() {
        return Some(Duration::from_secs(seconds));
    }
    let then = DateTimeParser::new().parse_timestamp(text).ok()?;
    Some(Duration::try_from(then.duration_since(now)).unwrap_or_default())
}

/// Returns the wait before a retry, from 0.5 to 16 s.
///
/// It doubles with each try. A random reduction of up to a half keeps many clients from retrying at
/// once.
pub(crate) fn back_off(tries: u32, chance: u64) -> Duration {
    const FIRST: Duration = Duration::from_millis(500);
    const LONGEST: Duration = Duration::from_secs(16);
    let whole = FIRST.saturating_mul(1 << tries.min(10)).min(LONGEST);
    whole.mul_f64(0.5 + 0.5 * (chance % 1024) as f64 / 1024.0)
}

/// Quotes up to 80 characters of a text, on one line and without control characters.
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
    fn faults_of_two_addresses_are_one() {
        let broken = Fault::Broken("broke".to_owned());
        let lasting = Fault::lasting("no");
        assert_eq!(lasting.clone().and(broken), Fault::Broken("no; then broke".to_owned()));
        assert_eq!(lasting.clone().and(lasting.clone()), lasting);
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
