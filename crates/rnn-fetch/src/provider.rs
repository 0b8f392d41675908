use jiff::{Span, civil::Date};
use serde::{Deserialize, Serialize};

use crate::{
    bars::Rows,
    eastmoney,
    error::{FetchError, Result},
    fault::{Answer, Fault},
    http::Reply,
    symbol::{Market, Symbol},
    tencent,
    volumes::Unit,
    wanted::{Adjust, Method, Wanted, Window},
    yahoo,
};

/// An internet provider of daily bars.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Provider {
    /// Tencent: Shanghai, Shenzhen, Beijing, Hong Kong.
    Tencent,
    /// EastMoney: Shanghai, Shenzhen, Beijing.
    Eastmoney,
    /// Yahoo Finance: Shanghai, Shenzhen, Hong Kong, the United States.
    Yahoo,
}

impl Provider {
    /// All providers, in the order of requests.
    pub const ALL: [Self; 3] = [Self::Tencent, Self::Eastmoney, Self::Yahoo];

    /// Returns the name in files and messages, such as `tencent`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Tencent => "tencent",
            Self::Eastmoney => "eastmoney",
            Self::Yahoo => "yahoo",
        }
    }

    /// Returns why the provider cannot serve a request, if it cannot.
    pub(crate) fn refuses(self, wanted: Wanted<'_>) -> Option<String> {
        let (name, symbol) = (self.name(), wanted.symbol);
        let is_hong_kong = symbol.market == Market::HongKong;
        match self {
            Self::Tencent if is_hong_kong && wanted.adjust != Adjust::Qfq => Some(
                "tencent has only qfq prices of Hong Kong (use --adjust qfq, or --provider yahoo)"
                    .to_owned(),
            ),
            Self::Tencent if is_hong_kong => None,
            Self::Tencent | Self::Eastmoney if !symbol.market.is_mainland() => {
                Some(format!("{name} has no bars of {symbol} (use --provider yahoo)"))
            }
            Self::Yahoo if wanted.adjust == Adjust::Hfq => Some(format!(
                "yahoo has no hfq prices{}",
                if symbol.market.is_mainland() {
                    " (use --provider tencent or eastmoney)"
                } else {
                    ", and no other provider has those of that market (use --adjust qfq or none)"
                }
            )),
            Self::Yahoo if symbol.market == Market::Beijing => Some(
                "yahoo has no bars of Beijing (use --provider tencent or eastmoney)".to_owned(),
            ),
            _ => None,
        }
    }

    /// Returns the rank of the provider among those of a market; the lowest is asked first.
    pub(crate) fn rank(self, market: Market) -> usize {
        // Only Yahoo is known to adjust the prices of Hong Kong.
        usize::from(market == Market::HongKong && self != Self::Yahoo)
    }

    /// Returns how the provider's own prices are adjusted.
    pub(crate) fn own_method(self, adjust: Adjust, market: Market) -> Method {
        match (self, adjust) {
            (_, Adjust::None) => Method::None,
            (Self::Yahoo, _) => Method::Ratio,
            _ if !market.is_mainland() => Method::Unknown,
            (Self::Tencent | Self::Eastmoney, _) => Method::Additive,
        }
    }

    /// Returns whether adjusted prices are computed from unadjusted and backward-adjusted ones,
    /// because the provider's own are additive.
    pub(crate) fn is_derived(self, wanted: Wanted<'_>) -> bool {
        let own = self.own_method(wanted.adjust, wanted.symbol.market);
        wanted.adjust == Adjust::Qfq && own == Method::Additive
    }

    /// Returns the unit of volumes in mainland China where amounts do not show it.
    ///
    /// `None`: the volumes of answers are in lots already.
    pub(crate) fn usual_unit(self, symbol: &Symbol) -> Option<Unit> {
        let is_mainland = symbol.market.is_mainland();
        match self {
            Self::Tencent if is_mainland => Some(tencent::usual_unit(symbol)),
            Self::Eastmoney if is_mainland => Some(Unit::Lots),
            _ => None,
        }
    }

    /// Returns the default schemes and hosts, which give equal answers.
    fn usual_bases(self) -> &'static [&'static str] {
        match self {
            Self::Tencent => &["https://web.ifzq.gtimg.cn", "https://proxy.finance.qq.com"],
            Self::Eastmoney => &["https://push2his.eastmoney.com"],
            Self::Yahoo => {
                &["https://query1.finance.yahoo.com", "https://query2.finance.yahoo.com"]
            }
        }
    }

    /// Returns whether another host is asked after a fault.
    pub(crate) fn moves_on(self, fault: &Fault) -> bool {
        match self {
            Self::Tencent => true,
            Self::Yahoo => matches!(fault, Fault::Busy { .. }),
            Self::Eastmoney => false,
        }
    }

    /// Returns whether an answer without bars may be wrong: Tencent gives such answers to an
    /// address that asks too often.
    pub(crate) fn doubts_empty(self) -> bool {
        self == Self::Tencent
    }

    /// Returns whether a fault is retried.
    pub(crate) fn retries(self, fault: &Fault) -> bool {
        // EastMoney cuts the connections of an address that it bans; requests prolong the ban.
        self != Self::Eastmoney || !matches!(fault, Fault::Broken(_) | Fault::Unreachable { .. })
    }

    fn variable(self) -> &'static str {
        match self {
            Self::Tencent => "RNN_TENCENT_URL",
            Self::Eastmoney => "RNN_EASTMONEY_URL",
            Self::Yahoo => "RNN_YAHOO_URL",
        }
    }

    /// Returns the windows of requests that cover `from..=to`, oldest first.
    pub(crate) fn windows(self, market: Market, from: Date, to: Date) -> Vec<Window> {
        match self {
            Self::Tencent => tencent::windows(market, from, to),
            Self::Eastmoney | Self::Yahoo => decades(from, to),
        }
    }

    /// Returns the path and parameters of a request to one of the provider's hosts.
    fn path(self, host: usize, wanted: Wanted<'_>, window: Window) -> String {
        match self {
            Self::Tencent => tencent::path(host, wanted, window),
            Self::Eastmoney => eastmoney::path(wanted, window),
            Self::Yahoo => yahoo::path(wanted, window),
        }
    }

    /// Returns the `Referer` header, if the provider checks it.
    pub(crate) fn referer(self) -> Option<&'static str> {
        (self == Self::Eastmoney).then_some("https://quote.eastmoney.com/")
    }

    /// Parses the rows of an answer.
    pub(crate) fn read(self, reply: &Reply, wanted: Wanted<'_>) -> Answer<Rows> {
        match self {
            Self::Tencent => tencent::read(reply, wanted),
            Self::Eastmoney => eastmoney::read(reply, wanted),
            Self::Yahoo => yahoo::read(reply, wanted),
        }
    }
}

/// A provider and its hosts.
#[derive(Debug, Clone)]
pub(crate) struct Source {
    pub(crate) provider: Provider,
    /// Schemes and hosts.
    bases: Vec<String>,
}

impl Source {
    /// Returns a provider at its default hosts, or at that of the environment variable.
    ///
    /// # Errors
    ///
    /// If the environment variable is not a scheme and host.
    pub(crate) fn new(provider: Provider) -> Result<Self> {
        let typed = std::env::var_os(provider.variable()).filter(|value| !value.is_empty());
        let usual = provider.usual_bases();
        let bases = match typed {
            None => usual.iter().map(|base| (*base).to_owned()).collect(),
            Some(value) => {
                let base = base(&value.to_string_lossy()).ok_or_else(|| {
                    let (name, value) = (provider.variable(), value.to_string_lossy());
                    FetchError::Request(format!(
                        "environment variable {name}: expected scheme and host like \
                         http://localhost:8080, got `{value}`"
                    ))
                })?;
                vec![base; usual.len()]
            }
        };
        Ok(Self { provider, bases })
    }

    pub(crate) fn name(&self) -> &'static str {
        self.provider.name()
    }

    /// Returns the name of a host, without its scheme.
    pub(crate) fn host(&self, host: usize) -> &str {
        let base = self.bases.get(host).map_or("", String::as_str);
        base.split_once("://").map_or(base, |(_, host)| host)
    }

    /// Returns the addresses of a request, one of each host.
    pub(crate) fn urls(&self, wanted: Wanted<'_>, window: Window) -> Vec<String> {
        let url = |(host, base)| format!("{base}{}", self.provider.path(host, wanted, window));
        self.bases.iter().enumerate().map(url).collect()
    }
}

/// Returns the scheme and host of a URL without path and query.
fn base(text: &str) -> Option<String> {
    let uri: ureq::http::Uri = text.trim().parse().ok()?;
    let scheme = uri.scheme_str().filter(|scheme| ["http", "https"].contains(scheme))?;
    let host = uri
        .authority()
        .filter(|authority| !authority.host().is_empty() && !authority.as_str().contains('@'))?;
    (uri.path() == "/" && uri.query().is_none()).then(|| format!("{scheme}://{host}"))
}

/// Returns windows of ten years: about 2,430 rows, a quarter of a megabyte.
fn decades(from: Date, to: Date) -> Vec<Window> {
    let mut windows = Vec::new();
    let mut start = from;
    while start <= to {
        let end =
            start.saturating_add(Span::new().years(10)).yesterday().map_or(to, |end| end.min(to));
        windows.push(Window { from: start, to: end });
        match end.tomorrow() {
            Ok(next) => start = next,
            Err(_) => break,
        }
    }
    windows
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn windows_cover_all_days_once() {
        for provider in Provider::ALL {
            for (from, to) in [
                (date(2016, 11, 26), date(2026, 11, 25)),
                (date(2016, 2, 29), date(2026, 11, 25)),
                (date(1990, 12, 19), date(2026, 11, 25)),
                (date(2026, 11, 25), date(2026, 11, 25)),
            ] {
                let windows = provider.windows(Market::Shanghai, from, to);
                assert!(
                    windows[0].from <= from && windows[windows.len() - 1].to >= to,
                    "{provider:?} {windows:?}"
                );
                assert!(
                    windows.windows(2).all(|pair| pair[0].to.tomorrow().unwrap() == pair[1].from),
                    "{provider:?} {windows:?}"
                );
            }
        }
    }

    #[test]
    fn changed_answers_never_panic() {
        let bodies = [
            concat!(
                r#"v={"code":0,"msg":"","data":{"sh600519":{"qfqday":["#,
                r#"["2024-01-02","1.5","2","3","1","7",{"nd":"1"}],null,"#,
                r#"["2024-01-03",1,2,3,1,7]]}}}"#
            ),
            r#"{"rc":0,"data":{"klines":["2024-01-02,1.5,2,3,1,7,8",null]}}"#,
            concat!(
                r#"{"chart":{"result":[{"meta":{"gmtoffset":28800},"timestamp":[1704159000],"#,
                r#""indicators":{"quote":[{"open":[1],"close":[2],
               "high":[3],"low":[1],"volume":[7]}],"adjclose":[{"adjclose":[2]}]}}],"#,
                r#""error":null}}"#
            ),
        ];
        let symbol = "600519".parse().unwrap();
        let mut read = 0;
        for (provider, body) in Provider::ALL.into_iter().zip(bodies) {
            let answer = |body: String| {
                provider
                    .read(
                        &Reply { status: 200, body },
                        Wanted { symbol: &symbol, adjust: Adjust::Qfq },
                    )
                    .is_ok()
            };
            assert!(answer(body.to_owned()), "{body}");
            for place in 0..body.len() {
                read += usize::from(answer(body[..place].to_owned()));
                for other in
                    ["", "0", "-", "\"", "[", "]", "{", "}", "null", "9999999999", "茅", "\u{0}"]
                {
                    read += usize::from(answer(format!(
                        "{}{other}{}",
                        &body[..place],
                        &body[place + 1..]
                    )));
                }
            }
        }
        assert!(read > 100, "many changed answers can still be read: {read}");
    }

    #[test]
    fn an_address_is_scheme_and_host() {
        assert_eq!(base("http://127.0.0.1:8080/"), Some("http://127.0.0.1:8080".to_owned()));
        assert_eq!(base("https://example.org"), Some("https://example.org".to_owned()));
        for text in [
            "example.org",
            "ftp://example.org",
            "http://",
            "http://u:p@example.org",
            "http://example.org/path",
            "http://example.org?x",
            "x y",
        ] {
            assert_eq!(base(text), None, "{text}");
        }
    }
}
