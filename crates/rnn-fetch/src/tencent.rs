use jiff::civil::{Date, date};
use serde_json::Value;

use crate::{
    answer::{bad_row, day, json, number},
    bars::{Bar, Rows},
    fault::{Answer, Fault, excerpt},
    http::Reply,
    symbol::{Market, Symbol},
    volumes::Unit,
    wanted::{Adjust, Wanted, Window},
};

const ROW: &str = "[\"date\",\"open\",\"close\",\"high\",\"low\",\"volume\",…] of numbers";
/// Requested number of rows, more than two years have; the provider truncates larger requests.
const ROWS: usize = 640;

/// Unit of amounts in currency units.
const TEN_THOUSAND: f64 = 1e4;

/// Returns windows of two whole years, as tushare's `get_k_data` requests them; the provider caches
/// such answers. For Hong Kong, days after the last requested one give an empty answer.
pub(crate) fn windows(market: Market, from: Date, to: Date) -> Vec<Window> {
    let years = (from.year()..=to.year()).step_by(2);
    years
        .map(|year| {
            let end = date(year.saturating_add(1).min(Date::MAX.year()), 12, 31);
            Window {
                from: date(year, 1, 1),
                to: if market.is_mainland() { end } else { end.min(to) },
            }
        })
        .collect()
}

/// Returns the provider's name of a symbol: `sh600519`, `hk00700`.
fn name(symbol: &Symbol) -> String {
    match symbol.market {
        Market::HongKong => {
            let digits = symbol.code.split('.').next().unwrap_or_default();
            format!("hk{digits:0>5}")
        }
        _ => symbol.to_string(),
    }
}

pub(crate) fn path(host: usize, wanted: Wanted<'_>, window: Window) -> String {
    let Wanted { symbol, adjust } = wanted;
    let adjust = prefix(adjust);
    let folder = match (symbol.market, host) {
        (Market::HongKong, 0) => "/appstock/app/hkfqkline",
        (Market::HongKong, _) => "/ifzqgtimg/appstock/app/hkfqkline",
        (_, 0) if adjust.is_empty() => "/appstock/app/kline",
        (_, 0) => "/appstock/app/fqkline",
        _ => "/ifzqgtimg/appstock/app/newfqkline",
    };
    let (name, Window { from, to }) = (name(symbol), window);
    // A random number, as in tushare, avoids answers that a cache kept for a day.
    let nonce = jiff::Timestamp::now().as_nanosecond().unsigned_abs() % 10u128.pow(17);
    format!(
        "{folder}/get?_var=kline_day{adjust}{}&param={name},day,{from},{to},{ROWS},{adjust}&\
         r=0.{nonce:017}",
        from.year()
    )
}

/// Returns the unit of volumes: shares of the STAR market and of indices, else lots of 100.
pub(crate) fn usual_unit(symbol: &Symbol) -> Unit {
    let starts = |with: &str| symbol.code.starts_with(with);
    let is_shares = match symbol.market {
        Market::Shanghai => starts("68") || starts("000"),
        Market::Shenzhen => starts("399"),
        _ => false,
    };
    if is_shares { Unit::Shares } else { Unit::Lots }
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
    let Some(series) = data.get(name(symbol)).filter(|series| !series.is_null()) else {
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
        match row(value) {
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

/// Parses a row. The second host adds dividends, turnover and the amount in units of 10,000.
fn row(value: &Value) -> Row {
    let values = match value.as_array() {
        Some(values) if values.len() >= 6 => values,
        _ if value.is_null() => return Row::Empty,
        _ => return Row::Bad,
    };
    let Some(date) = values[0].as_str().and_then(day) else { return Row::Bad };
    if values[..6].iter().any(Value::is_null) {
        return Row::Empty;
    }
    let amount = values.get(8).and_then(number).map(|amount| amount * TEN_THOUSAND);
    bar(date, &values[1..6]).map_or(Row::Bad, |bar| Row::Bar(Bar { amount, ..bar }))
}

fn bar(date: Date, values: &[Value]) -> Option<Bar> {
    let numbers: Vec<f64> = values.iter().map_while(number).collect();
    let &[open, close, high, low, volume] = &numbers[..] else { return None };
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
        let windows = windows(Market::Shanghai, date(2017, 5, 4), date(2020, 4, 24));
        let path = |adjust, window| path(0, Wanted { symbol: &symbol, adjust }, window);
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
        assert!(rows.unadjusted && (rows.bars[0].volume - 12345.0).abs() < 1e-9);
        assert!(!read_of("688981", Adjust::None, body).unwrap().unadjusted);
    }

    #[test]
    fn rows_of_the_second_host_have_amounts() {
        let body = concat!(
            r#"{"code":0,"data":{"sh600519":{"day":["#,
            r#"["2024-01-02","1700","1710","1720","1690","32156",{},"0.26","549861.5"],"#,
            r#"["2024-01-03","1700","1710","1720","1690","32156",{},"0.26","-"]]}}}"#
        );
        let rows = read_of("600519", Adjust::None, body).unwrap();
        let amounts: Vec<Option<f64>> = rows.bars.iter().map(|bar| bar.amount).collect();
        assert_eq!(amounts, [Some(5_498_615_000.0), None]);
    }

    #[test]
    fn hong_kong_has_its_own_address_and_days() {
        let symbol: Symbol = "700.HK".parse().unwrap();
        let wanted = Wanted { symbol: &symbol, adjust: Adjust::Qfq };
        let days = windows(Market::HongKong, date(2021, 5, 4), date(2024, 4, 24));
        assert_eq!(days.last().unwrap().to, date(2024, 4, 24));
        for (host, folder) in
            [(0, "/appstock/app/hkfqkline"), (1, "/ifzqgtimg/appstock/app/hkfqkline")]
        {
            let expected = format!(
                "{folder}/get?_var=kline_dayqfq2023&param=hk00700,day,2023-01-01,2024-04-24,640,\
                 qfq&r=0."
            );
            assert!(path(host, wanted, days[1]).starts_with(&expected), "{expected}");
        }
        let body = r#"{"code":0,"data":{"hk00700":{"qfqday":[["2024-01-02",1,2,3,1,5]]}}}"#;
        assert_eq!(read_of("0700.HK", Adjust::Qfq, body).unwrap().bars[0].volume, 5.0);
    }

    #[test]
    fn the_second_host_has_one_address_for_all_adjustments() {
        let symbol: Symbol = "600519".parse().unwrap();
        let window = windows(Market::Shanghai, date(2019, 5, 4), date(2020, 4, 24))[0];
        for (adjust, name) in [(Adjust::None, ""), (Adjust::Hfq, "hfq")] {
            let expected = format!(
                "/ifzqgtimg/appstock/app/newfqkline/get?_var=kline_day{name}2019&\
                 param=sh600519,day,2019-01-01,2020-12-31,640,{name}&r=0."
            );
            let path = path(1, Wanted { symbol: &symbol, adjust }, window);
            assert!(path.starts_with(&expected), "{path}");
        }
    }

    #[test]
    fn the_star_market_and_indices_count_shares() {
        for (symbol, expected) in [
            ("688981", Unit::Shares),
            ("sh000001", Unit::Shares),
            ("sz399001", Unit::Shares),
            ("600519", Unit::Lots),
            ("000001", Unit::Lots),
            ("300750", Unit::Lots),
            ("bj430047", Unit::Lots),
        ] {
            assert_eq!(usual_unit(&symbol.parse().unwrap()), expected, "{symbol}");
        }
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
