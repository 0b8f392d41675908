use std::{path::PathBuf, time::Duration};

use jiff::{Span, Timestamp, civil::Date};

use crate::{provider::Provider, symbol::Symbol, wanted::Adjust};

/// Parameters of a download.
///
/// # Examples
///
/// ```
/// use rnn_fetch::{Adjust, Request};
///
/// let mut request = Request::new("600519".parse()?, "600519.csv");
/// request.from = Some("2020-01-02".parse().unwrap());
/// assert_eq!(request.adjust, Adjust::Qfq);
/// # Ok::<(), rnn_fetch::FetchError>(())
/// ```
#[derive(Debug, Clone)]
pub struct Request {
    /// Share, index or fund.
    pub symbol: Symbol,
    /// Adjustment for dividends and splits.
    pub adjust: Adjust,
    /// Provider. `None`: that of the existing file; for a new file, each in turn.
    pub provider: Option<Provider>,
    /// First day. `None`: that of the existing file; for a new file, ten years before `to`.
    pub from: Option<Date>,
    /// Last day.
    pub to: Date,
    /// CSV file to write or to append to.
    pub out: PathBuf,
    /// Whether to replace any existing file.
    pub force: bool,
    /// Longest wait for an answer.
    pub timeout: Duration,
    /// Number of retries after a temporary fault, such as a busy provider.
    pub retries: u32,
}

impl Request {
    /// Creates a request for forward-adjusted bars up to the last finished day.
    ///
    /// The time-out is 20 seconds, with up to three retries.
    pub fn new(symbol: Symbol, out: impl Into<PathBuf>) -> Self {
        let to = symbol.market.last_finished_day(Timestamp::now());
        let (timeout, retries) = (Duration::from_secs(20), 3);
        Self {
            symbol,
            adjust: Adjust::Qfq,
            provider: None,
            from: None,
            to,
            out: out.into(),
            force: false,
            timeout,
            retries,
        }
    }

    /// Returns the default first day of a new file.
    pub(crate) fn usual_from(&self) -> Date {
        self.to.saturating_sub(Span::new().years(10)).max(self.symbol.market.first_day())
    }
}
