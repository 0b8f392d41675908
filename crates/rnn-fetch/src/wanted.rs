use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::symbol::Symbol;

/// Adjustment of prices for dividends and splits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Adjust {
    /// Forward: the newest prices are unchanged, older ones are adjusted.
    Qfq,
    /// Backward: the oldest prices are unchanged, newer ones are adjusted.
    Hfq,
    /// Unadjusted prices (Yahoo: adjusted for splits).
    None,
}

impl Adjust {
    /// Returns the name in files, requests and messages: `qfq`, `hfq` or `none`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Qfq => "qfq",
            Self::Hfq => "hfq",
            Self::None => "none",
        }
    }
}

/// How adjusted prices follow from unadjusted ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Method {
    /// Prices are multiplied by a factor: ratios of two days are total returns.
    Ratio,
    /// Dividends are subtracted or added: ratios are wrong, and old prices may be negative.
    Additive,
    /// Prices are unadjusted (Yahoo: adjusted for splits).
    None,
    /// The provider's own way, which is unknown.
    Unknown,
}

/// Symbol and adjustment of the requested bars.
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
    /// Returns the years of the window, such as `2019-2020`.
    pub(crate) fn label(self) -> String {
        match (self.from.year(), self.to.year()) {
            (from, to) if from == to => from.to_string(),
            (from, to) => format!("{from}-{to}"),
        }
    }
}
