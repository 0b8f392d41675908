//! A local server with the formats and faults of the price providers.

#![expect(clippy::disallowed_types, reason = "the tests' own provider of prices listens")]

use std::{
    io::{BufRead, BufReader, Write},
    net::{TcpListener, TcpStream},
    process::Command,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use jiff::{
    Timestamp, ToSpan,
    civil::{Date, date},
    tz::Offset,
};

use crate::support::{Finished, Scratch};

/// A received request.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    /// Path and parameters.
    pub(crate) target: String,
    /// All header lines.
    pub(crate) head: String,
}

/// The reaction of the server to a request.
pub(crate) enum Does {
    /// Sends a document with status 200.
    Says(String),
    /// Sends a status, a header line (or none) and a body.
    Status(&'static str, &'static str, String),
    /// Closes the connection without an answer.
    Drops,
    /// Announces a whole document and sends its first half.
    SendsHalf(String),
    /// Sends half a document without a length; the end of the connection ends the body.
    EndsEarly(String),
    /// Sends forever.
    NeverEnds,
    /// Sends compressed data that unpacks to this number of bytes.
    Unpacks(usize),
    /// Sends a byte now and then, forever.
    Trickles,
    /// Answers after a delay.
    Waits(Duration),
}

type Answers = dyn Fn(&Asked, usize) -> Does + Send + Sync;

/// The server, which ends with the process of the test.
pub(crate) struct Server {
    pub(crate) url: String,
    asked: Arc<Mutex<Vec<Asked>>>,
    most_at_once: Arc<AtomicUsize>,
}

impl Server {
    /// Answers with a function of the request and the number of earlier requests to its provider.
    pub(crate) fn new(answers: impl Fn(&Asked, usize) -> Does + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (asked, most_at_once) =
            (Arc::new(Mutex::new(Vec::new())), Arc::new(AtomicUsize::new(0)));
        let server = Self { url, asked: asked.clone(), most_at_once: most_at_once.clone() };
        let (answers, now): (Arc<Answers>, _) = (Arc::new(answers), Arc::new(AtomicUsize::new(0)));
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (asked, answers, most, now) =
                    (asked.clone(), answers.clone(), most_at_once.clone(), now.clone());
                thread::spawn(move || {
                    most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                    // Some tests disconnect in the middle.
                    let _ = serve(stream, &asked, &*answers, &now);
                });
            }
        });
        server
    }

    /// A correct server of some prices in all three formats.
    pub(crate) fn honest(prices: Prices) -> Self {
        Self::new(move |asked, _| Does::Says(prices.answer(&asked.target)))
    }

    /// Requested paths and parameters in order, without random parts.
    pub(crate) fn targets(&self) -> Vec<String> {
        self.asked
            .lock()
            .unwrap()
            .iter()
            .map(|asked| asked.target.split("&r=").next().unwrap().to_owned())
            .collect()
    }

    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }

    /// Requested providers, in order.
    pub(crate) fn providers(&self) -> Vec<&'static str> {
        self.asked.lock().unwrap().iter().map(|asked| provider(&asked.target)).collect()
    }

    pub(crate) fn most_at_once(&self) -> usize {
        self.most_at_once.load(Ordering::SeqCst)
    }
}

fn serve(
    mut stream: TcpStream,
    asked: &Mutex<Vec<Asked>>,
    answers: &Answers,
    now: &AtomicUsize,
) -> std::io::Result<()> {
    let mut head = String::new();
    let mut reader = BufReader::new(stream.try_clone()?);
    while reader.read_line(&mut head)? > 2 {}
    let target = head.split_whitespace().nth(1).unwrap_or_default().to_owned();
    let before = {
        let mut asked = asked.lock().unwrap();
        let before =
            asked.iter().filter(|earlier| provider(&earlier.target) == provider(&target)).count();
        asked.push(Asked { target: target.clone(), head: head.clone() });
        before
    };
    // A delay, so that concurrent requests overlap.
    thread::sleep(Duration::from_millis(20));
    let does = answers(&Asked { target, head }, before);
    // The client may send the next request as soon as it has the answer.
    now.fetch_sub(1, Ordering::SeqCst);
    let whole = |status: &str, header: &str, body: &str| {
        let header = if header.is_empty() { String::new() } else { format!("{header}\r\n") };
        format!(
            "HTTP/1.1 {status}\r\n{header}Content-Type: text/html\r\nContent-Length: {}\r\n\
             Connection: close\r\n\r\n{body}",
            body.len()
        )
    };
    match does {
        Does::Says(body) => stream.write_all(whole("200 OK", "", &body).as_bytes()),
        Does::Status(status, header, body) => {
            stream.write_all(whole(status, header, &body).as_bytes())
        }
        Does::Drops => Ok(()),
        Does::SendsHalf(body) => {
            let answer = whole("200 OK", "", &body);
            stream.write_all(&answer.as_bytes()[..answer.len() - body.len() / 2])
        }
        Does::EndsEarly(body) => {
            stream.write_all(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")?;
            stream.write_all(&body.as_bytes()[..body.len() / 2])
        }
        Does::NeverEnds => {
            stream.write_all(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")?;
            loop {
                stream.write_all(&[b'['; 1 << 16])?;
            }
        }
        Does::Unpacks(bytes) => {
            let body = packed(bytes);
            let head = format!(
                "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {}\r\n\
                 Connection: close\r\n\r\n",
                body.len()
            );
            stream.write_all(head.as_bytes())?;
            stream.write_all(&body)
        }
        Does::Trickles => {
            stream.write_all(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")?;
            loop {
                stream.write_all(b"[")?;
                thread::sleep(Duration::from_millis(50));
            }
        }
        Does::Waits(time) => {
            thread::sleep(time);
            stream.write_all(whole("200 OK", "", "{}").as_bytes())
        }
    }
}

/// Gzip data that unpacks to `bytes` times `[`, with fixed codes (RFC 1951, 3.2.6): the letter,
/// then repetitions of 258 letters in 13 bits each.
fn packed(bytes: usize) -> Vec<u8> {
    let mut packed = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3];
    let (mut byte, mut filled) = (0u8, 0);
    let mut put = |bits: u32, count: u32, first_is_highest: bool| {
        for place in 0..count {
            let bit = if first_is_highest { bits >> (count - 1 - place) } else { bits >> place };
            byte |= ((bit & 1) as u8) << filled;
            filled += 1;
            if filled == 8 {
                packed.push(byte);
                (byte, filled) = (0, 0);
            }
        }
    };
    // The last block, with fixed codes.
    put(0b011, 3, false);
    put(0x30 + u32::from(b'['), 8, true);
    for _ in 0..bytes / 258 {
        put(0xc5 << 5, 13, true);
    }
    put(0, 7, true);
    put(0, 7, true);
    packed
}

/// The provider of a request.
pub(crate) fn provider(target: &str) -> &'static str {
    match target {
        _ if target.starts_with("/appstock/") => "tencent",
        _ if target.starts_with("/ifzqgtimg/appstock/") => "tencent",
        _ if target.starts_with("/api/qt/") => "eastmoney",
        _ if target.starts_with("/v8/finance/") => "yahoo",
        _ => "nobody",
    }
}

/// Synthetic prices: a slow wave on business days.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Prices {
    pub(crate) first: Date,
    pub(crate) last: Date,
    /// Factor of all prices.
    pub(crate) factor: f64,
    /// A day from which on prices are lower by a dividend.
    pub(crate) dividend: Option<(Date, f64)>,
}

/// A day, its open, close, high and low, and its volume in lots.
pub(crate) type Day = (Date, [f64; 4], u32);

impl Prices {
    pub(crate) fn new(first: Date, last: Date) -> Self {
        Self { first, last, factor: 1.0, dividend: None }
    }

    /// Days as the providers adjust them: dividends are added (`hfq`) or subtracted (`qfq`).
    pub(crate) fn adjusted(&self, adjust: &str, from: Date, to: Date) -> Vec<Day> {
        let mut days = self.days(from, to);
        if let Some((paid, dividend)) = self.dividend {
            for (day, prices, _) in &mut days {
                let shift = match adjust {
                    "hfq" if *day >= paid => dividend,
                    "qfq" if *day < paid => -dividend,
                    _ => 0.0,
                };
                *prices = prices.map(|price| ((price + shift) * 1000.0).round() / 1000.0);
            }
        }
        days
    }

    pub(crate) fn days(&self, from: Date, to: Date) -> Vec<Day> {
        let days = self.first.max(from).series(1.day()).take_while(|day| *day <= self.last.min(to));
        days.filter(|day| day.weekday().to_monday_zero_offset() < 5)
            .map(|day| self.day(day))
            .collect()
    }

    fn day(&self, day: Date) -> Day {
        let time = f64::from((day - date(2000, 1, 1)).get_days());
        let open = 50.0 + 10.0 * (time / 40.0).sin() + (time * 1.7).sin();
        let close = open + 0.5 * (time * 0.9).cos();
        let paid = self.dividend.filter(|(paid, _)| day >= *paid).map_or(0.0, |paid| paid.1);
        let prices = [open, close, open.max(close) + 0.3, open.min(close) - 0.3];
        let prices = prices.map(|price| price - paid);
        (
            day,
            prices.map(|price| (price * self.factor * 1000.0).round() / 1000.0),
            1000 + day.day().unsigned_abs() as u32,
        )
    }

    /// The correct answer to a request.
    pub(crate) fn answer(&self, target: &str) -> String {
        match provider(target) {
            "tencent" => tencent(target, &self.tencent_rows(target)),
            "eastmoney" => {
                let day = |key| Date::strptime("%Y%m%d", parameter(target, key)).unwrap();
                let adjust = ["", "qfq", "hfq"][parameter(target, "fqt").parse::<usize>().unwrap()];
                let (from, to) = (day("beg"), day("end"));
                let days = self.adjusted(adjust, from, to).into_iter().zip(self.days(from, to));
                let lines: Vec<String> = days
                    .map(|((day, [o, c, h, l], lots), raw)| {
                        let amount = amount(&raw);
                        format!("\"{day},{o},{c},{h},{l},{lots},{amount:.1},1,1,1,1\"")
                    })
                    .collect();
                format!(
                    r#"{{"rc":0,"data":{{"code":"{}","market":1,"name":"贵州茅台","klines":[{}]}}}}"#,
                    &parameter(target, "secid")[2..],
                    lines.join(",")
                )
            }
            "yahoo" => self.yahoo(target),
            other => panic!("{other} was asked {target}"),
        }
    }

    /// The rows of a Tencent answer. Those of the second host have amounts.
    pub(crate) fn tencent_rows(&self, target: &str) -> Vec<String> {
        let parts: Vec<&str> = parameter(target, "param").split(',').collect();
        let [from, to] = [2, 3].map(|part| parts[part].parse().unwrap());
        let days = self.adjusted(parts[5], from, to).into_iter().zip(self.days(from, to));
        days.map(|((day, [o, c, h, l], lots), raw)| {
            let more = match target.contains("newfqkline") {
                true => format!(r#",{{}},"0.25","{:.4}""#, amount(&raw) / 1e4),
                false => String::new(),
            };
            format!(r#"["{day}","{o:.3}","{c:.3}","{h:.3}","{l:.3}","{lots}.000"{more}]"#)
        })
        .collect()
    }

    fn yahoo(&self, target: &str) -> String {
        let day = |key| {
            Offset::UTC
                .to_datetime(
                    Timestamp::from_second(parameter(target, key).parse().unwrap()).unwrap(),
                )
                .date()
        };
        let days = self.days(day("period1"), day("period2").yesterday().unwrap());
        let list = |of: &dyn Fn(&Day) -> String| days.iter().map(of).collect::<Vec<_>>().join(",");
        let price = |index: usize| list(&|day: &Day| (2.0 * day.1[index]).to_string());
        let open_at = |day: &Day| {
            Offset::constant(8).to_timestamp(day.0.at(9, 30, 0, 0)).unwrap().as_second().to_string()
        };
        format!(
            concat!(
                r#"{{"chart":{{"result":[{{"meta":{{"currency":"CNY","gmtoffset":28800}},"#,
                r#""timestamp":[{}],"indicators":{{"quote":[{{"open":[{}],"close":[{}],
            "high":[{}],"low":[{}],"volume":[{}]}}],"#,
                r#""adjclose":[{{"adjclose":[{}]}}]}}}}],"error":null}}}}"#
            ),
            list(&open_at),
            price(0),
            price(1),
            price(2),
            price(3),
            list(&|day| (100 * day.2).to_string()),
            list(&|day| day.1[1].to_string()),
        )
    }
}

/// Money paid on a day.
fn amount((_, [open, close, ..], lots): &Day) -> f64 {
    f64::from(*lots) * 100.0 * (open + close) / 2.0
}

/// A Tencent answer with some rows, for a request with `_var`.
pub(crate) fn tencent(target: &str, rows: &[String]) -> String {
    let parts: Vec<&str> = parameter(target, "param").split(',').collect();
    let name = parameter(target, "_var");
    format!(
        concat!(
            r#"{}={{"code":0,"msg":"","data":{{"{}":{{"{}day":[{}],"#,
            r#""qt":{{}},"prec":"50.1","version":"16"}}}}}}"#
        ),
        name,
        parts[0],
        parts[5],
        rows.join(",")
    )
}

fn parameter<'a>(target: &'a str, key: &str) -> &'a str {
    let query = target.split_once('?').unwrap().1;
    query
        .split('&')
        .find_map(|pair| pair.strip_prefix(key)?.strip_prefix('='))
        .unwrap_or_else(|| panic!("{key} is not in {target}"))
}

impl Scratch {
    /// Runs `fetch` with all providers at one address.
    pub(crate) fn fetch_at(&self, url: &str, args: &[&str]) -> Finished {
        self.finish(self.fetch_command(url, args), "")
    }

    /// The `fetch` command, before its start.
    pub(crate) fn fetch_command(&self, url: &str, args: &[&str]) -> Command {
        let mut command = self.command(&[&["fetch"], args].concat());
        for name in ["RNN_TENCENT_URL", "RNN_EASTMONEY_URL", "RNN_YAHOO_URL"] {
            command.env(name, url);
        }
        for name in
            ["http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"]
        {
            command.env_remove(name);
        }
        command
    }

    pub(crate) fn fetch(&self, server: &Server, args: &[&str]) -> Finished {
        self.fetch_at(&server.url, args)
    }

    /// Runs a `fetch` that must succeed.
    pub(crate) fn fetched(&self, server: &Server, args: &[&str]) -> Finished {
        let finished = self.fetch(server, args);
        assert_eq!(finished.code, 0, "{args:?} failed: {}", finished.stderr);
        finished
    }

    pub(crate) fn text(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap()
    }
}

/// A fetch and its file.
pub(crate) const FIRST: [&str; 5] = ["600519", "--from", "2021-06-01", "--to", "2022-02-18"];
pub(crate) const FILE: &str = "sh600519.csv";

pub(crate) fn prices() -> Prices {
    Prices::new(date(2010, 1, 4), date(2022, 12, 30))
}

/// A folder with a fetched file.
pub(crate) fn fetched() -> Scratch {
    let scratch = Scratch::new();
    scratch.fetched(&Server::honest(prices()), &FIRST);
    scratch
}
