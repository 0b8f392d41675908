//! Downloads daily bars from providers that need no token, as CSV files in the course's format.
//!
//! ```text
//! Request -> sources (in order) -> windows of years -> answers -> Bars (by day) -> CSV -> sidecar
//! ```
//!
//! # Examples
//!
//! ```no_run
//! use rnn_fetch::{Provider, Request, fetch};
//!
//! let mut request = Request::new("600519".parse()?, "600519.csv");
//! request.provider = Some(Provider::Tencent);
//! let outcome = fetch(&request, &|note| eprintln!("{note}"))?;
//! println!("{}", outcome.summary());
//! # Ok::<(), rnn_fetch::FetchError>(())
//! ```
//!
//! # The file
//!
//! A CSV file with the header `,date,open,close,high,low,volume,code`. The first column is a row
//! number from 0 on, days ascend, prices have up to four digits after the point. `volume` counts
//! lots of 100 shares on the mainland, else shares. Tencent's volumes of the STAR market (68…) and
//! Yahoo's are shares and are divided by 100. `code` is the six digits, or the ticker.
//!
//! [`Adjust::Qfq`] is each provider's own; Yahoo has none, so its prices are multiplied by
//! `adjclose / close`. Yahoo adjusts even [`Adjust::None`] for splits. No file mixes two providers
//! or two adjustments.
//!
//! # The sidecar
//!
//! `FILE.json` beside the file is its [`Sidecar`]: symbol, provider, days, rows, SHA-256. A file
//! with another SHA-256 is not touched. A later download asks for the last rows again, since every
//! dividend rewrites forward-adjusted history. Rows are only added if the overlap is the same, else
//! the whole file is downloaded again. A last day that was not over is not part of the overlap:
//! its row is replaced. Only the file's own provider is asked, unless another is named, so that a
//! failure never turns a file into another provider's.
//!
//! Sidecar, lock (`.FILE.lock`, which stays) and temporary files are beside a link's target.
//!
//! # Environment
//!
//! `RNN_TENCENT_URL`, `RNN_EASTMONEY_URL` and `RNN_YAHOO_URL` replace scheme and host of a
//! provider; paths and parameters stay. `HTTPS_PROXY` is heeded.

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
mod request;
mod sidecar;
mod symbol;
mod tencent;
mod wanted;
mod yahoo;

pub use error::FetchError;
pub use fetch::fetch;
pub use notes::Note;
pub use outcome::{Happened, Outcome};
pub use provider::Provider;
pub use request::Request;
pub use sidecar::Sidecar;
pub use symbol::{Market, Symbol};
pub use wanted::Adjust;
