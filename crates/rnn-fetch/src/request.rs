use std::{path::PathBuf, time::Duration};

use jiff::{Span, Timestamp, civil::Date};

use crate::{provider::Provider, symbol::Symbol, wanted::Adjust};

/// What to download, and into which file.
#[derive(Debug, Clone)]
pub struct Request {
    /// Share, index or fund.
    pub symbol: Symbol,
    /// Adjustment for dividends and splits.
    pub adjust: Adjust,
    /// Provider to ask. `None`: that of the existing file; for a new file each in turn.
    pub provider: Option<Provider>,
    /// First day. `None`: that of the existing file, else ten years before the last day.
    pub from: Option<Date>,
    /// Last day.
    pub to: Date,
    /// CSV file to write or to add new days to.
    pub out: PathBuf,
    /// Whether to replace the existing file, whatever it is.
    pub force: bool,
    /// Longest wait for an answer.
    pub timeout: Duration,
    /// Number of further tries after a passing fault, such as a busy provider.
    pub retries: u32,
}

impl Request {
    /// Creates a request for forward-adjusted bars up to the last finished day.
    ///
    /// It waits 20 seconds for an answer and tries three more times.
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

    /// First day of a new file if none is given.
    pub(crate) fn usual_from(&self) -> Date {
        self.to.saturating_sub(Span::new().years(10)).max(self.symbol.market.first_day())
    }
}
