use std::path::{Path, PathBuf};

use jiff::{Timestamp, civil::Date};
use rnn_files::read_if_exists_up_to;
use serde::{Deserialize, Serialize};

use crate::{
    download::ALL_UNADJUSTED,
    error::{FetchError, Result},
    provider::Provider,
    symbol::Symbol,
    wanted::{Adjust, Method},
};

/// Description of a downloaded file, written beside it as `FILE.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Sidecar {
    /// Version of the layout of this document.
    pub format: u32,
    /// Symbol, as [`Symbol`](crate::Symbol) prints it.
    pub symbol: String,
    /// Provider of all rows.
    pub provider: Provider,
    /// The provider's host.
    pub host: String,
    /// Adjustment of all rows.
    pub adjust: Adjust,
    /// How prices are adjusted; `None` in files of earlier versions. See [`Sidecar::method`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub adjustment: Option<Method>,
    /// Whether the newest prices are unadjusted, since the provider has no adjusted ones.
    pub unadjusted: bool,
    /// First requested day.
    pub from: Date,
    /// Last requested day.
    pub to: Date,
    /// Day of the first row.
    pub first: Date,
    /// Day of the last row.
    pub last: Date,
    /// Number of rows.
    pub rows: usize,
    /// Time of the download.
    pub fetched_at: Timestamp,
    /// SHA-256 of the CSV file in hexadecimal.
    pub sha256: String,
    /// Irregularities of the provider's answers.
    pub notes: Vec<String>,
}

impl Sidecar {
    pub(crate) const FORMAT: u32 = 1;
    /// Largest accepted sidecar in bytes.
    const LARGEST: u64 = 1 << 20;

    /// Returns the sidecar of a file; `None` if there is none, or if it describes other bytes.
    ///
    /// `sha256` is that of the file in hexadecimal.
    ///
    /// # Examples
    ///
    /// ```
    /// use rnn_fetch::Sidecar;
    ///
    /// assert_eq!(Sidecar::describing("no-such-file.csv".as_ref(), "00"), None);
    /// ```
    pub fn describing(file: &Path, sha256: &str) -> Option<Self> {
        let target = file.canonicalize().ok()?;
        Self::read(&target).ok().flatten().filter(|sidecar| sidecar.sha256 == sha256)
    }

    /// Returns how prices are adjusted. Earlier versions did not record it: they took the adjusted
    /// prices of the provider.
    pub fn method(&self) -> Method {
        self.adjustment.unwrap_or_else(|| {
            let is_unadjusted =
                self.unadjusted && self.notes.iter().any(|note| note.contains(ALL_UNADJUSTED));
            match self.symbol.parse::<Symbol>() {
                _ if is_unadjusted => Method::None,
                Ok(symbol) => self.provider.own_method(self.adjust, symbol.market),
                Err(_) => Method::Unknown,
            }
        })
    }

    /// Returns the path of a file's sidecar.
    pub(crate) fn path(file: &Path) -> PathBuf {
        let mut path = file.as_os_str().to_owned();
        path.push(".json");
        path.into()
    }

    /// Reads the sidecar of a file; `None` if it does not exist.
    ///
    /// # Errors
    ///
    /// If the sidecar exists and cannot be read, or has another layout.
    pub(crate) fn read(file: &Path) -> Result<Option<Self>> {
        let path = Self::path(file);
        read_if_exists_up_to(&path, Self::LARGEST)?
            .map(|text| Self::parse(&path, &text))
            .transpose()
    }

    /// Parses the text of the sidecar at a path.
    pub(crate) fn parse(path: &Path, text: &str) -> Result<Self> {
        let refused = |problem: String| FetchError::File { path: path.to_owned(), problem };
        let malformed = |error: serde_json::Error| {
            refused(format!(
                "expected a sidecar of `rnn-train fetch`: {error} (use --force to replace both \
                 files)"
            ))
        };
        let document: serde_json::Value = serde_json::from_str(text).map_err(malformed)?;
        let format = &document["format"];
        if *format != Self::FORMAT {
            return Err(refused(format!(
                "expected layout {}, got {format} (use --force to replace both files)",
                Self::FORMAT
            )));
        }
        serde_json::from_value(document).map_err(malformed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sidecar(change: &[(&str, serde_json::Value)]) -> Sidecar {
        let mut document = serde_json::json!({
            "format": 1, "symbol": "sh600519", "provider": "tencent", "host": "h", "adjust": "qfq",
            "unadjusted": false, "from": "2024-01-02", "to": "2024-01-03", "first": "2024-01-02",
            "last": "2024-01-03", "rows": 2, "fetched_at": "2024-01-03T10:00:00Z", "sha256": "00",
            "notes": []
        });
        for (key, value) in change {
            document[*key] = value.clone();
        }
        Sidecar::parse(Path::new("x.csv.json"), &document.to_string()).unwrap()
    }

    #[test]
    fn sidecars_of_earlier_versions_have_the_method_of_their_provider() {
        let all = "tencent has no qfq prices of sh600519 for these days; unadjusted prices were \
                   used, which are equal without dividends and splits";
        for (change, expected) in [
            (&[][..], Method::Additive),
            (&[("provider", "eastmoney".into())], Method::Additive),
            (&[("adjust", "hfq".into())], Method::Additive),
            (&[("adjust", "none".into())], Method::None),
            (&[("provider", "yahoo".into())], Method::Ratio),
            (&[("unadjusted", true.into()), ("notes", vec![all].into())], Method::None),
            (&[("unadjusted", true.into())], Method::Additive),
            (&[("adjustment", "ratio".into())], Method::Ratio),
            (&[("symbol", "?".into())], Method::Unknown),
        ] {
            assert_eq!(sidecar(change).method(), expected, "{change:?}");
        }
    }
}
