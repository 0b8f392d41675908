use std::{
    cell::Cell,
    hash::{BuildHasher, Hasher, RandomState},
    io::ErrorKind,
    thread,
    time::{Duration, Instant},
};

use jiff::Timestamp;
use ureq::{Agent, Timeout, http::Response};

use crate::{
    fault::{Answer, Fault, back_off, excerpt, retry_after},
    notes::PROGRESS,
};

/// Starts like the user agent of a browser: Yahoo answers 429 to others.
const USER_AGENT: &str =
    concat!("Mozilla/5.0 (compatible; rnn-train/", env!("CARGO_PKG_VERSION"), ")");
/// Largest unpacked answer in bytes; ten years of bars are a quarter of a megabyte.
const LARGEST_BODY: u64 = 4 << 20;
const REDIRECTS: u32 = 5;
/// Shortest pause between two requests.
const PAUSE: Duration = Duration::from_millis(200);
/// Longest wait that a provider may request.
const LONGEST_WAIT: Duration = Duration::from_secs(60);
/// Time-out of name resolution: without a network, every provider costs this wait.
const RESOLVE: Duration = Duration::from_secs(5);
const CONNECT: Duration = Duration::from_secs(10);

/// HTTP client that sends one request at a time, with pauses and retries.
pub(crate) struct Client {
    agent: Agent,
    timeout: Duration,
    retries: u32,
    last: Cell<Option<Instant>>,
}

/// A request to a provider, at one or several addresses.
pub(crate) struct Ask<'a> {
    /// Name in messages.
    pub(crate) what: &'a str,
    /// Equivalent addresses, in the order of their use.
    pub(crate) urls: &'a [String],
    /// `Referer` header.
    pub(crate) referer: Option<&'a str>,
    /// Whether another address is asked after a fault.
    pub(crate) moves_on: &'a dyn Fn(&Fault) -> bool,
    /// Whether a fault is retried.
    pub(crate) retries: &'a dyn Fn(&Fault) -> bool,
}

/// A complete answer of any status.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) body: String,
}

impl Client {
    pub(crate) fn new(timeout: Duration, retries: u32) -> Self {
        let config = Agent::config_builder()
            .user_agent(USER_AGENT)
            .http_status_as_error(false)
            .max_redirects(REDIRECTS)
            .timeout_global(Some(timeout))
            .timeout_resolve(Some(RESOLVE.min(timeout)))
            .timeout_connect(Some(CONNECT.min(timeout)));
        Self { agent: config.build().new_agent(), timeout, retries, last: Cell::new(None) }
    }

    /// Sends a request until `read` accepts the answer or no retries are left. Returns the answer
    /// and the index of its address.
    ///
    /// Reading is part of a try, since only parsing detects a body that ends early. If an answer is
    /// empty, the other addresses are asked, too.
    pub(crate) fn get<T>(
        &self,
        ask: &Ask<'_>,
        read: impl Fn(&Reply) -> Answer<T>,
        is_empty: impl Fn(&T) -> bool,
    ) -> Answer<(T, usize)> {
        let (what, mut tries) = (ask.what, 0);
        loop {
            let fault = match self.try_once(ask, &read, &is_empty) {
                Ok(answer) => return Ok(answer),
                Err(fault) => fault,
            };
            let most = match &fault {
                // A missing network is reported once, after all providers.
                Fault::Unreachable { quick: true, .. } => self.retries.min(1),
                Fault::Unreachable { .. } | Fault::Lasting(_) => 0,
                Fault::Broken(_) | Fault::Busy { .. } | Fault::Passing { .. } => self.retries,
            };
            let wait = fault.wait().unwrap_or_default().max(back_off(tries, chance()));
            if tries >= most || wait > LONGEST_WAIT || !(ask.retries)(&fault) {
                return Err(fault.of(what));
            }
            if !matches!(fault, Fault::Unreachable { .. }) {
                log::info!(target: PROGRESS,
                    "{what}: {fault}; retrying in {:.1} s (retries left: {})",
                    wait.as_secs_f64(),
                    most - tries - 1
                );
            }
            thread::sleep(wait);
            tries += 1;
        }
    }

    /// Asks the addresses once each, until one gives an answer that is not empty.
    fn try_once<T>(
        &self,
        ask: &Ask<'_>,
        read: impl Fn(&Reply) -> Answer<T>,
        is_empty: impl Fn(&T) -> bool,
    ) -> Answer<(T, usize)> {
        let (mut empty, mut faults): (_, Option<Fault>) = (None, None);
        for (index, url) in ask.urls.iter().enumerate() {
            let is_last = index + 1 == ask.urls.len();
            let fault = match self.once(url, ask.referer).and_then(|reply| read(&reply)) {
                Ok(value) if is_empty(&value) => {
                    empty = empty.or(Some((value, index)));
                    continue;
                }
                Ok(value) => return Ok((value, index)),
                Err(fault) => fault,
            };
            let moves_on = (ask.moves_on)(&fault);
            if !is_last && moves_on && !matches!(fault, Fault::Unreachable { .. }) {
                log::info!(target: PROGRESS, "{}: {fault}; asking another address", ask.what);
            }
            faults = Some(match faults.take() {
                Some(first) => first.and(fault),
                None => fault,
            });
            if !moves_on {
                break;
            }
        }
        match (empty, faults) {
            (Some(empty), _) => Ok(empty),
            (None, Some(fault)) => Err(fault),
            (None, None) => Err(Fault::lasting("has no address")),
        }
    }

    fn once(&self, url: &str, referer: Option<&str>) -> Answer<Reply> {
        if let Some(last) = self.last.get() {
            thread::sleep(PAUSE.saturating_sub(last.elapsed()));
        }
        let result = self.ask(url, referer);
        self.last.set(Some(Instant::now()));
        result
    }

    fn ask(&self, url: &str, referer: Option<&str>) -> Answer<Reply> {
        let mut request = self.agent.get(url);
        if let Some(referer) = referer {
            request = request.header("Referer", referer);
        }
        // Refuse redirects from HTTPS to HTTP.
        let request = request.config().https_only(url.starts_with("https:")).build();
        let mut response = request.call().map_err(|error| self.fault(error))?;
        if let Some(fault) = busy(&response) {
            return Err(fault);
        }
        let body = response
            .body_mut()
            .with_config()
            .limit(LARGEST_BODY)
            .read_to_vec()
            .map_err(|error| self.fault(error))?;
        Ok(Reply {
            status: response.status().as_u16(),
            body: String::from_utf8_lossy(&body).into_owned(),
        })
    }

    fn fault(&self, error: ureq::Error) -> Fault {
        use ureq::Error as E;
        let unreachable = |message: String, quick| Fault::Unreachable { message, quick };
        match error {
            E::Timeout(Timeout::Resolve) => unreachable(
                format!(
                    "its address was not resolved within {} s",
                    RESOLVE.min(self.timeout).as_secs_f64()
                ),
                false,
            ),
            E::Timeout(Timeout::Connect) => unreachable(
                format!("no connection within {} s", CONNECT.min(self.timeout).as_secs_f64()),
                false,
            ),
            E::Timeout(_) => Fault::passing(format!(
                "no complete answer within {} s (use a longer --timeout)",
                self.timeout.as_secs_f64()
            )),
            E::BodyExceedsLimit(limit) => Fault::lasting(format!(
                "sent more than {} MiB, expected less than one",
                limit >> 20
            )),
            E::TooManyRedirects => {
                Fault::lasting(format!("redirected more than {REDIRECTS} times"))
            }
            E::Io(error) if is_broken(error.kind()) => {
                Fault::Broken(format!("the connection broke off ({})", plain(&error.to_string())))
            }
            // A retry would get the same redirect.
            E::Protocol(error) if error.to_string().contains("location header") => Fault::lasting(
                format!("redirected without a location ({})", plain(&error.to_string())),
            ),
            E::Protocol(_) | E::Decompress(..) => Fault::passing(format!(
                "sent an incomplete HTTP answer ({})",
                plain(&error.to_string())
            )),
            E::Io(error) => unreachable(plain(&error.to_string()), true),
            E::HostNotFound
            | E::ConnectionFailed
            | E::ConnectProxyFailed(_)
            | E::Tls(_)
            | E::Rustls(_) => unreachable(plain(&error.to_string()), true),
            _ => Fault::lasting(plain(&error.to_string())),
        }
    }
}

/// Returns a fault if the status is 429 or 5xx.
fn busy<B>(response: &Response<B>) -> Option<Fault> {
    let status = response.status();
    if status.as_u16() != 429 && !status.is_server_error() {
        return None;
    }
    let asked = response.headers().get("retry-after").and_then(|value| value.to_str().ok());
    let wait = asked.and_then(|text| retry_after(text, Timestamp::now()));
    let message = match wait {
        Some(wait) if wait > LONGEST_WAIT => {
            format!(
                "answered {status} and asks to wait {} s, more than the limit of {} s",
                wait.as_secs(),
                LONGEST_WAIT.as_secs()
            )
        }
        Some(wait) => format!("answered {status} and asks to wait {} s", wait.as_secs()),
        None => format!("answered {status}"),
    };
    Some(match status.as_u16() {
        429 => Fault::Busy { message, wait },
        _ => Fault::Passing { message, wait },
    })
}

/// Returns whether an open connection ended.
fn is_broken(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::ConnectionReset
            | ErrorKind::ConnectionAborted
            | ErrorKind::BrokenPipe
            | ErrorKind::UnexpectedEof
    )
}

/// Returns a message of the operating system on one line, without its error number.
fn plain(message: &str) -> String {
    let message = message.split(" (os error").next().unwrap_or(message);
    excerpt(message).trim_matches('`').to_owned()
}

/// Returns a random number, from the seed of the standard library's hash maps.
fn chance() -> u64 {
    RandomState::new().build_hasher().finish()
}
