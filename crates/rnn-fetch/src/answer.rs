//! Parsing that the answers of all providers share.

use jiff::civil::Date;
use serde_json::Value;

use crate::{
    fault::{Answer, Fault, excerpt},
    http::Reply,
};

/// Upper bound of plausible prices and volumes.
const TOO_LARGE: f64 = 1e13;

/// Returns the JSON document of an answer, which may be wrapped: `name={…};` or `name({…});`.
pub(crate) fn json(reply: &Reply) -> Answer<Value> {
    expect_ok(reply)?;
    parse(&reply.body)
}

pub(crate) fn expect_ok(reply: &Reply) -> Answer<()> {
    match reply.status {
        200 => Ok(()),
        status => Err(Fault::lasting(format!(
            "answered with HTTP status {status}, expected 200: {}",
            excerpt(&reply.body)
        ))),
    }
}

/// Returns the JSON document of a text.
pub(crate) fn parse(text: &str) -> Answer<Value> {
    let text = text.trim_start_matches('\u{feff}').trim();
    if text.is_empty() {
        return Err(Fault::passing("answered with an empty body"));
    }
    let inner = unwrapped(text);
    if inner.starts_with('<') {
        return Err(Fault::lasting(format!(
            "answered with an HTML page, expected JSON: {}",
            excerpt(inner)
        )));
    }
    serde_json::from_str(inner).map_err(|error| match error.is_eof() {
        true => Fault::passing(format!("the answer ends early, after {} bytes", text.len())),
        false => Fault::lasting(format!("expected JSON, got {}", excerpt(text))),
    })
}

fn unwrapped(text: &str) -> &str {
    let is_name = |letter: char| letter.is_ascii_alphanumeric() || "_$.".contains(letter);
    let rest = text.trim_start_matches(is_name).trim_start();
    if let Some(inner) = rest.strip_prefix('=') {
        return inner.trim().trim_end_matches(';').trim_end();
    }
    match rest.strip_prefix('(') {
        Some(inner) => {
            let inner = inner.trim().trim_end_matches(';').trim_end();
            inner.strip_suffix(')').unwrap_or(inner).trim()
        }
        None => text,
    }
}

/// Returns a JSON number, or the number in a JSON string.
pub(crate) fn number(value: &Value) -> Option<f64> {
    let number = match value {
        Value::String(text) => text.trim().parse().ok(),
        value => value.as_f64(),
    };
    number.filter(|number: &f64| number.abs() < TOO_LARGE)
}

/// Parses a day like 2020-04-24.
pub(crate) fn day(text: &str) -> Option<Date> {
    let is_iso = text.len() == 10
        && text.bytes().enumerate().all(|(place, byte)| {
            if [4, 7].contains(&place) { byte == b'-' } else { byte.is_ascii_digit() }
        });
    text.parse().ok().filter(|_| is_iso)
}

/// Fails if an answer names another symbol than the requested one.
pub(crate) fn same_symbol(named: &Value, expected: &str) -> Answer<()> {
    match named.as_str() {
        Some(named) if !named.eq_ignore_ascii_case(expected) => Err(Fault::lasting(format!(
            "answered with bars of {}, expected {expected}",
            excerpt(named)
        ))),
        _ => Ok(()),
    }
}

/// Returns the error of a malformed row.
pub(crate) fn bad_row(row: usize, expected: &str, got: &str) -> Fault {
    Fault::lasting(format!("row {}: expected {expected}, got {}", row + 1, excerpt(got)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_are_parsed_without_their_wrapper() {
        for text in [
            r#"{"a":1}"#,
            "\u{feff} {\"a\":1}\n",
            r#"kline_dayqfq2017={"a":1}"#,
            r#"var = {"a":1};"#,
            r#"jQuery112_3({"a":1});"#,
            r#"cb ( {"a":1} )"#,
        ] {
            assert_eq!(parse(text).unwrap()["a"], 1, "{text}");
        }
    }

    #[test]
    fn malformed_documents_are_passing_or_lasting_faults() {
        let passing = |text: &str| matches!(parse(text), Err(Fault::Passing { .. }));
        for text in ["", " \r\n", r#"{"a":[1,"#, r#"v={"a""#, r#"cb({"a":1"#] {
            assert!(passing(text), "{text}");
        }
        for (text, expected) in [
            (
                "<!DOCTYPE html><html>",
                "answered with an HTML page, expected JSON: `<!DOCTYPE html>",
            ),
            ("Forbidden!", "expected JSON, got `Forbidden!`"),
            (r#"{"a":1} x"#, "expected JSON, got"),
            ("{]", "expected JSON, got `{]`"),
        ] {
            let Err(Fault::Lasting(message)) = parse(text) else { panic!("{text}") };
            assert!(message.starts_with(expected), "{message}");
        }
        let deep = "[".repeat(100_000);
        assert!(parse(&deep).is_err());
    }

    #[test]
    fn numbers_and_days_are_strict() {
        for (text, expected) in [
            ("1.5", Some(1.5)),
            (" -2 ", Some(-2.0)),
            ("inf", None),
            ("1e999", None),
            ("nan", None),
            ("", None),
            ("1,5", None),
        ] {
            assert_eq!(number(&Value::from(text)), expected, "{text}");
        }
        assert_eq!(day("2024-02-29"), Some(jiff::civil::date(2024, 2, 29)));
        for text in ["2023-02-29", "2024-2-9", "20240229", "2024-02-29T00:00", "x", "", "２０24-1"]
        {
            assert_eq!(day(text), None, "{text}");
        }
    }
}
