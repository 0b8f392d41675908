use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::symbol::Symbol;

/// How prices before a dividend or split are made comparable with those after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Adjust {
    /// Forward: the newest prices are those that were paid.
    Qfq,
    /// Backward: the oldest prices are those that were paid.
    Hfq,
    /// As they were paid (Yahoo: adjusted for splits).
    None,
}

impl Adjust {
    /// Its name in files, requests and messages: `qfq`, `hfq` or `none`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Qfq => "qfq",
            Self::Hfq => "hfq",
            Self::None => "none",
        }
    }
}

/// Which bars are wanted.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wanted<'a> {
    pub(crate) symbol: &'a Symbol,
    pub(crate) adjust: Adjust,
}

/// Days of one HTTP request, both ends included.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Window {
    pub(crate) from: Date,
    pub(crate) to: Date,
}

impl Window {
    /// Its years.
    pub(crate) fn label(self) -> String {
        match (self.from.year(), self.to.year()) {
            (from, to) if from == to => from.to_string(),
            (from, to) => format!("{from}-{to}"),
        }
    }
}
