//! Downloads daily bars (open, close, high, low, volume) as CSV files in the course's format.
//!
//! The providers are Tencent, EastMoney and Yahoo; none needs a token.
//!
//! ```text
//! Request -> providers (in order) -> windows of years -> answers -> bars by day -> CSV -> sidecar
//! ```
//!
//! # Examples
//!
//! ```no_run
//! use rnn_fetch::{Provider, Request, fetch};
//!
//! let mut request = Request::new("600519".parse()?, "600519.csv");
//! request.provider = Some(Provider::Tencent);
//! let outcome = fetch(&request)?;
//! println!("{}", outcome.summary());
//! # Ok::<(), rnn_fetch::FetchError>(())
//! ```
//!
//! # The file
//!
//! A CSV file with the header `,date,open,close,high,low,volume,code`.
//!
//! - The first column is a row number that starts at 0. Days ascend.
//! - Prices are in the currency of the exchange, with up to four decimal places.
//! - `volume` counts lots of 100 shares in mainland China, and shares elsewhere. Volumes in shares
//!   are divided by 100: where amount / volume is between low and high, and otherwise Tencent's of
//!   the STAR market (68…) and of indices. So are Yahoo's mainland volumes.
//! - `code` is the six digits, or the ticker.
//!
//! Tencent and EastMoney subtract dividends ([`Method::Additive`]), so ratios of their old prices
//! are wrong. [`Adjust::Qfq`] therefore multiplies their unadjusted prices by ratios, which follow
//! from their backward-adjusted prices. Yahoo's prices are multiplied by `adjclose / close`. Yahoo
//! adjusts for splits even with [`Adjust::None`]. A file never mixes two providers or two
//! adjustments.
//!
//! # The sidecar
//!
//! `FILE.json` beside the file is its [`Sidecar`]: symbol, provider, days, rows, SHA-256. A file
//! whose SHA-256 differs is never changed.
//!
//! An update downloads the last 20 rows again, since every dividend rewrites forward-adjusted
//! history. New rows are appended only if this overlap is equal; otherwise the whole file is
//! downloaded again. The row of a day whose trading was not over is replaced. An update asks the
//! file's own provider, unless the request names another. A failure therefore never switches the
//! provider of a file.
//!
//! Sidecar, lock file (`.FILE.lock`, never removed) and temporary files are beside the file, or
//! beside the target of a link.
//!
//! # Environment
//!
//! `RNN_TENCENT_URL`, `RNN_EASTMONEY_URL` and `RNN_YAHOO_URL` replace the scheme and host of a
//! provider, also those of its second host; paths and parameters stay. `HTTPS_PROXY` is honoured.

mod answer;
mod bars;
mod download;
mod eastmoney;
mod error;
mod fault;
mod fetch;
mod file;
#[doc(hidden)]
pub mod fuzzing;
mod http;
mod notes;
mod outcome;
mod provider;
mod ratio;
mod request;
mod sidecar;
mod symbol;
mod tencent;
mod volumes;
mod wanted;
mod yahoo;

pub use error::FetchError;
pub use fetch::fetch;
pub use outcome::{Happened, Outcome};
pub use provider::Provider;
pub use request::Request;
pub use sidecar::Sidecar;
pub use symbol::{Market, Symbol};
pub use wanted::{Adjust, Method};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
