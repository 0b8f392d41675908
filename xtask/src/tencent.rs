//! A local provider of daily bars, in Tencent's format.

#![expect(clippy::disallowed_types, reason = "the local provider of bars listens")]

use std::{
    io::{BufRead, BufReader, Write},
    net::{TcpListener, TcpStream},
    thread,
};

use crate::shell::Result;

/// Requested bars.
pub(crate) struct Asked<'a> {
    symbol: &'a str,
    /// First and last day, as in 2024-01-31.
    pub(crate) days: [&'a str; 2],
    /// `qfq`, `hfq`, or nothing for unadjusted prices.
    pub(crate) adjust: &'a str,
    variable: &'a str,
}

impl<'a> Asked<'a> {
    /// Reads the first line of a request.
    pub(crate) fn parse(line: &'a str) -> Option<Self> {
        let of = |key: &str| line.split(['?', '&', ' ']).find_map(|pair| pair.strip_prefix(key));
        let parts: Vec<&str> = of("param=")?.split(',').collect();
        let [symbol, _, from, to, _, adjust] = parts[..] else { return None };
        Some(Self { symbol, days: [from, to], adjust, variable: of("_var=").unwrap_or_default() })
    }
}

/// Starts a server that ends with this process, and returns its address. `rows` returns the bars
/// of a request: date, open, close, high, low, volume.
pub(crate) fn serve(
    rows: impl Fn(&Asked<'_>) -> Vec<[String; 6]> + Send + 'static,
) -> Result<String> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    thread::spawn(move || {
        for connection in listener.incoming().flatten() {
            // A client that has disconnected needs no answer.
            let _ = answer(connection, &rows);
        }
    });
    Ok(format!("http://{address}"))
}

fn answer(
    mut connection: TcpStream,
    rows: impl Fn(&Asked<'_>) -> Vec<[String; 6]>,
) -> std::io::Result<()> {
    let mut lines = BufReader::new(&connection).lines();
    let target = lines.next().transpose()?.unwrap_or_default();
    lines.map_while(std::result::Result::ok).find(String::is_empty);
    let Some(asked) = Asked::parse(&target) else { return Ok(()) };
    let rows: Vec<String> =
        rows(&asked).iter().map(|row| format!("[\"{}\"]", row.join("\",\""))).collect();
    let Asked { symbol, adjust, variable, .. } = asked;
    let body = format!(
        "{variable}={{\"code\":0,\"msg\":\"\",\"data\":{{\"{symbol}\":{{\"{adjust}day\":[{}]}}}}}}",
        rows.join(",")
    );
    write!(
        connection,
        "HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    )
}
