use jiff::civil::{Date, date};
use serde_json::Value;

use crate::{
    answer::{bad_row, day, json, number},
    bars::{Bar, Rows},
    fault::{Answer, Fault, excerpt},
    http::Reply,
    symbol::{Market, Symbol},
    wanted::{Adjust, Wanted, Window},
};

const ROW: &str = "[\"date\",\"open\",\"close\",\"high\",\"low\",\"volume\",…] of numbers";
/// Requested number of rows, more than two years have; the provider truncates larger requests.
const ROWS: usize = 640;

/// Returns windows of two whole years, as tushare's `get_k_data` requests them; the provider caches
/// such answers.
pub(crate) fn windows(from: Date, to: Date) -> Vec<Window> {
    let years = (from.year()..=to.year()).step_by(2);
    years
        .map(|year| Window {
            from: date(year, 1, 1),
            to: date(year.saturating_add(1).min(Date::MAX.year()), 12, 31),
        })
        .collect()
}

pub(crate) fn path(wanted: Wanted<'_>, window: Window) -> String {
    let Wanted { symbol, adjust } = wanted;
    let (folder, adjust) = match adjust {
        Adjust::None => ("kline", ""),
        _ => ("fqkline", adjust.name()),
    };
    let Window { from, to } = window;
    // A random number, as in tushare, avoids answers that a cache kept for a day.
    let nonce = jiff::Timestamp::now().as_nanosecond().unsigned_abs() % 10u128.pow(17);
    format!(
        "/appstock/app/{folder}/get?_var=kline_day{adjust}{}&param={symbol},day,{from},{to},{ROWS},\
         {adjust}&r=0.{nonce:017}",
        from.year()
    )
}

pub(crate) fn read(reply: &Reply, wanted: Wanted<'_>) -> Answer<Rows> {
    let Wanted { symbol, adjust } = wanted;
    let document = json(reply)?;
    let code = &document["code"];
    if number(code) != Some(0.0) {
        let message = document["msg"].as_str().unwrap_or_default();
        return Err(Fault::lasting(format!(
            "answered code {code}, expected 0; its message: {}",
            excerpt(message)
        )));
    }
    let (data, is_list) =
        (&document["data"], |value: &Value| value.as_array().is_some_and(Vec::is_empty));
    // The provider gives the same answer for days before a stock was listed.
    let none = |got: &Value| {
        Ok(Rows {
            absent: Some(format!("has no bars of {symbol}, got {}", excerpt(&got.to_string()))),
            ..Rows::default()
        })
    };
    if is_list(data) {
        return none(data);
    }
    let Some(series) = data.get(symbol.to_string()).filter(|series| !series.is_null()) else {
        return Err(Fault::lasting(format!(
            "does not know {symbol}: data is {}",
            excerpt(&data.to_string())
        )));
    };
    if is_list(series)
        || series.as_object().is_some_and(|series| {
            !series.iter().any(|(key, rows)| key.ends_with("day") && !rows.is_null())
        })
    {
        return none(series);
    }
    let adjusted = match adjust {
        Adjust::None => None,
        _ => series.get(format!("{}day", adjust.name())).filter(|rows| !rows.is_null()),
    };
    let rows = adjusted.or(series.get("day")).filter(|rows| !rows.is_null());
    let Some(rows) = rows else {
        return Err(Fault::lasting(format!(
            "expected bars of {symbol} under `{}day` or `day`, got {}",
            prefix(adjust),
            excerpt(&series.to_string())
        )));
    };
    let rows = rows.as_array().ok_or_else(|| {
        Fault::lasting(format!("expected a list of bars, got {}", excerpt(&rows.to_string())))
    })?;
    let mut read = Rows {
        unadjusted: adjust != Adjust::None && adjusted.is_none() && !rows.is_empty(),
        ..Rows::default()
    };
    for (index, value) in rows.iter().enumerate() {
        match row(value, symbol) {
            Row::Bar(bar) => read.bars.push(bar),
            Row::Empty => read.empty += 1,
            Row::Bad => return Err(bad_row(index, ROW, &value.to_string())),
        }
    }
    Ok(read)
}

fn prefix(adjust: Adjust) -> &'static str {
    if adjust == Adjust::None { "" } else { adjust.name() }
}

enum Row {
    Bar(Bar),
    /// A row without values.
    Empty,
    Bad,
}

/// Parses a row. Values after the sixth (dividends, turnover, amount) are ignored.
fn row(value: &Value, symbol: &Symbol) -> Row {
    let values = match value.as_array() {
        Some(values) if values.len() >= 6 => &values[..6],
        _ if value.is_null() => return Row::Empty,
        _ => return Row::Bad,
    };
    let Some(date) = values[0].as_str().and_then(day) else { return Row::Bad };
    if values.iter().any(Value::is_null) {
        return Row::Empty;
    }
    bar(date, &values[1..], symbol).map_or(Row::Bad, Row::Bar)
}

fn bar(date: Date, values: &[Value], symbol: &Symbol) -> Option<Bar> {
    let numbers: Vec<f64> = values.iter().map_while(number).collect();
    let &[open, close, high, low, volume] = &numbers[..] else { return None };
    // Volumes of the STAR market are shares, all others are lots of 100.
    let is_star = symbol.market == Market::Shanghai && symbol.code.starts_with("68");
    let volume = if is_star { volume / 100.0 } else { volume };
    (volume >= 0.0).then(|| Bar::new(date, [open, close, high, low], volume))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_of(symbol: &str, adjust: Adjust, body: &str) -> Answer<Rows> {
        let symbol = symbol.parse().unwrap();
        read(&Reply { status: 200, body: body.to_owned() }, Wanted { symbol: &symbol, adjust })
    }

    fn message(body: &str) -> String {
        read_of("600519", Adjust::Qfq, body).unwrap_err().to_string()
    }

    #[test]
    fn requests_equal_those_of_get_k_data() {
        let symbol: Symbol = "600519".parse().unwrap();
        let windows = windows(date(2017, 5, 4), date(2020, 4, 24));
        let path = |adjust, window| path(Wanted { symbol: &symbol, adjust }, window);
        let first = path(Adjust::Qfq, windows[0]);
        let (start, nonce) = first.split_once("&r=0.").unwrap();
        assert_eq!(
            start,
            "/appstock/app/fqkline/get?_var=kline_dayqfq2017&param=sh600519,day,2017-01-01,\
             2018-12-31,640,qfq"
        );
        assert_eq!(nonce.len(), 17);
        assert!(path(Adjust::Hfq, windows[1]).contains(
            "fqkline/get?_var=kline_dayhfq2019&param=sh600519,day,2019-01-01,2020-12-31,640,hfq&"
        ));
        assert!(path(Adjust::None, windows[1]).contains(
            "app/kline/get?_var=kline_day2019&param=sh600519,day,2019-01-01,2020-12-31,640,&"
        ));
    }

    #[test]
    fn rows_may_be_longer_null_or_unadjusted() {
        let body = concat!(
            r#"x={"code":0,"data":{"sh600519":{"qfqday":["#,
            r#"["2024-01-02","10.10","10.20","10.3","9.9","5"],null,
            "#,
            r#"["2024-01-03","1","2","3","0.5","6",{"nd":"2023"},"0.2","77"],"#,
            r#"["2024-01-04",1,2,3,0.5,6,[]],["2024-01-05",null,"2","3","1","6"]]}}}"#
        );
        let rows = read_of("600519", Adjust::Qfq, body).unwrap();
        assert_eq!((rows.bars.len(), rows.empty, rows.unadjusted), (3, 2, false));
        assert_eq!(rows.bars[0], Bar::new(date(2024, 1, 2), [10.1, 10.2, 10.3, 9.9], 5.0));
        let body = concat!(
            r#"{"code":"0","data":{"sh688981":{"day":["#,
            r#"["2024-01-02","10","10","10","10","12345"]]}}}"#
        );
        let rows = read_of("688981", Adjust::Qfq, body).unwrap();
        assert!(rows.unadjusted && (rows.bars[0].volume - 123.45).abs() < 1e-9);
        assert!(!read_of("688981", Adjust::None, body).unwrap().unadjusted);
    }

    #[test]
    fn answers_without_bars_are_accepted() {
        for data in [
            "[]",
            r#"{"sh600519":[]}"#,
            r#"{"sh600519":{"qt":{},"prec":"1"}}"#,
            r#"{"sh600519":{"qfqday":null}}"#,
        ] {
            let rows =
                read_of("600519", Adjust::Qfq, &format!(r#"{{"code":0,"data":{data}}}"#)).unwrap();
            assert!(
                rows.bars.is_empty()
                    && rows.absent.unwrap().starts_with("has no bars of sh600519, got `"),
                "{data}"
            );
        }
    }

    #[test]
    fn malformed_answers_are_described() {
        let row = |row: &str| {
            message(&format!(r#"{{"code":0,"data":{{"sh600519":{{"qfqday":[{row}]}}}}}}"#))
        };
        for (got, expected) in [
            (
                message(r#"{"code":1,"msg":"param error","data":[]}"#),
                "answered code 1, expected 0; its message: `param error`",
            ),
            (message(r#"{"msg":""}"#), "answered code null"),
            (message("[]"), "answered code null"),
            (message(r#"{"code":0,"data":null}"#), "does not know sh600519: data is `null`"),
            (message(r#"{"code":0,"data":{"sh000001":{"day":[]}}}"#), "does not know sh600519"),
            (
                message(r#"{"code":0,"data":{"sh600519":{"hfqday":[]}}}"#),
                "expected bars of sh600519 under `qfqday` or `day`",
            ),
            (
                message(r#"{"code":0,"data":{"sh600519":{"qfqday":"no"}}}"#),
                "expected a list of bars",
            ),
            (row(r#"["2024-01-02","1","2","3"]"#), "row 1: expected [\"date\""),
            (row(r#"["2024-13-02","1","2","3","4","5"]"#), "got `[\"2024-13-02\""),
            (row(r#"["2024-01-02","1","two","3","4","5"]"#), "row 1"),
            (row(r#"["2024-01-02","1","inf","3","4","5"]"#), "row 1"),
            (row(r#"["2024-01-02","1","2","3","4","-5"]"#), "row 1"),
            (row("7"), "got `7`"),
        ] {
            assert!(got.contains(expected), "expected {expected} in {got}");
        }
    }
}
