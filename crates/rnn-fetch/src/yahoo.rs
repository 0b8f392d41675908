use jiff::{Timestamp, civil::Date, tz::Offset};
use serde_json::Value;

use crate::{
    answer::{bad_row, expect_ok, number, parse, same_symbol},
    bars::{Bar, Rows},
    fault::{Answer, Fault, excerpt},
    http::Reply,
    symbol::{Market, Symbol},
    wanted::{Adjust, Wanted, Window},
};

pub(crate) fn path(wanted: Wanted<'_>, window: Window) -> String {
    let ticker = ticker(wanted.symbol);
    // A bar has the time when trading begins, which is the same day in UTC on all exchanges.
    let midnight =
        |day: Date| Offset::UTC.to_timestamp(day.at(0, 0, 0, 0)).map_or(0, Timestamp::as_second);
    let (from, to) = (midnight(window.from), midnight(window.to) + 24 * 60 * 60);
    format!(
        "/v8/finance/chart/{ticker}?period1={from}&period2={to}&interval=1d&events=div%2Csplits"
    )
}

/// Returns Yahoo's name of a symbol.
fn ticker(Symbol { market, code }: &Symbol) -> String {
    let suffix = match market {
        Market::Shanghai => ".SS",
        Market::Shenzhen => ".SZ",
        _ => "",
    };
    format!("{code}{suffix}")
}

pub(crate) fn read(reply: &Reply, wanted: Wanted<'_>) -> Answer<Rows> {
    // The document describes the error, also with an HTTP error status.
    let document = parse(&reply.body);
    if let Some(error) = document
        .as_ref()
        .ok()
        .map(|document| &document["chart"]["error"])
        .filter(|error| !error.is_null())
    {
        let [code, description] =
            ["code", "description"].map(|key| error[key].as_str().unwrap_or_default());
        // Yahoo gives the same answer for days before the stock was listed.
        if description.starts_with("Data doesn't exist") {
            return Ok(Rows::default());
        }
        return Err(Fault::lasting(format!(
            "answered {}",
            excerpt(&format!("{code}: {description}"))
        )));
    }
    expect_ok(reply)?;
    let document = document?;
    let chart = &document["chart"]["result"][0];
    if chart.is_null() {
        return Err(Fault::lasting(format!(
            "expected a chart, got {}",
            excerpt(&document.to_string())
        )));
    }
    same_symbol(&chart["meta"]["symbol"], &ticker(wanted.symbol))?;
    match chart.get("timestamp") {
        None | Some(Value::Null) => Ok(Rows::default()),
        Some(times) => rows(chart, times, wanted),
    }
}

fn rows(chart: &Value, times: &Value, wanted: Wanted<'_>) -> Answer<Rows> {
    let list = |value: &Value, name: &str, length: Option<usize>| match value.as_array() {
        Some(values) if length.is_none_or(|length| length == values.len()) => Ok(values.clone()),
        Some(values) => Err(Fault::lasting(format!(
            "expected {} values of `{name}`, one a day, got {}",
            length.unwrap_or_default(),
            values.len()
        ))),
        None => Err(Fault::lasting(format!(
            "expected a list of `{name}`, got {}",
            excerpt(&value.to_string())
        ))),
    };
    let indicators = &chart["indicators"];
    let times = list(times, "timestamp", None)?;
    let column = |name: &str| list(&indicators["quote"][0][name], name, Some(times.len()));
    let columns =
        [column("open")?, column("close")?, column("high")?, column("low")?, column("volume")?];
    let adjusted = match wanted.adjust {
        Adjust::None => columns[1].clone(),
        _ => list(&indicators["adjclose"][0]["adjclose"], "adjclose", Some(times.len()))?,
    };
    let offset = Offset::from_seconds(
        chart["meta"]["gmtoffset"]
            .as_i64()
            .and_then(|seconds| i32::try_from(seconds).ok())
            .unwrap_or_default(),
    );
    let offset = offset.map_err(|_| {
        Fault::lasting("expected a time zone under `gmtoffset`, got an impossible offset")
    })?;
    let mut read = Rows::default();
    for row in 0..times.len() {
        let values = [
            &columns[0][row],
            &columns[1][row],
            &columns[2][row],
            &columns[3][row],
            &columns[4][row],
            &adjusted[row],
        ];
        let wrong = || {
            let values = values.map(Value::to_string).join(",");
            bad_row(
                row,
                "a time, five numbers and an adjusted close",
                &format!("{},{values}", times[row]),
            )
        };
        let time = times[row]
            .as_i64()
            .and_then(|seconds| Timestamp::from_second(seconds).ok())
            .ok_or_else(wrong)?;
        if values.iter().any(|value| value.is_null()) {
            read.empty += 1;
            continue;
        }
        let date = offset.to_datetime(time).date();
        let bar = bar(date, values, wanted.symbol.market).ok_or_else(wrong)?;
        read.bars.push(bar);
    }
    drop_quote(&mut read.bars);
    Ok(read)
}

/// Returns the bar of a day, with all prices multiplied by adjusted close / close.
fn bar(date: Date, values: [&Value; 6], market: Market) -> Option<Bar> {
    let numbers: Vec<f64> = values.into_iter().map_while(number).collect();
    let &[open, close, high, low, volume, adjusted] = &numbers[..] else { return None };
    let factor = if adjusted == close { 1.0 } else { adjusted / close };
    let prices = [open, close, high, low].map(|price| price * factor);
    let volume = if market.is_mainland() { volume / 100.0 } else { volume };
    (volume >= 0.0 && prices.iter().all(|price| price.is_finite()))
        .then(|| Bar::new(date, prices, volume))
}

/// Drops the current quote, which follows the bar of a day whose trading is not over.
fn drop_quote(bars: &mut Vec<Bar>) {
    if let [.., bar, quote] = bars[..]
        && bar.date == quote.date
    {
        bars.pop();
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    fn read_of(symbol: &str, adjust: Adjust, status: u16, body: &str) -> Answer<Rows> {
        let symbol = symbol.parse().unwrap();
        read(&Reply { status, body: body.to_owned() }, Wanted { symbol: &symbol, adjust })
    }

    fn chart(opens: &str, adjusted: &str) -> String {
        // 2024-01-02 and 03, 09:30 in Shanghai.
        format!(
            concat!(
                r#"{{"chart":{{"result":[{{"meta":{{"gmtoffset":28800}},"#,
                r#""timestamp":[1704159000,1704245400],"indicators":{{"quote":[{{"open":{},
            "high":[12,12],"low":[8,8],"close":[10,11],"volume":[1000,2000]}}],"#,
                r#""adjclose":[{{"adjclose":{}}}]}}}}],"error":null}}}}"#
            ),
            opens, adjusted
        )
    }

    #[test]
    fn requests_cover_the_days_in_utc() {
        let window = Window { from: date(2024, 1, 2), to: date(2024, 1, 3) };
        for (symbol, expected) in [
            ("600519", "600519.SS"),
            ("000001", "000001.SZ"),
            ("700.HK", "0700.HK"),
            ("BRK-B", "BRK-B"),
        ] {
            let symbol = symbol.parse().unwrap();
            let path = path(Wanted { symbol: &symbol, adjust: Adjust::Qfq }, window);
            assert_eq!(
                path,
                format!(
                    "/v8/finance/chart/{expected}?period1=1704153600&period2=1704326400&\
                     interval=1d&events=div%2Csplits"
                )
            );
        }
    }

    #[test]
    fn prices_are_adjusted_by_the_close() {
        let body = chart("[9,11]", "[5,11]");
        let rows = read_of("600519", Adjust::Qfq, 200, &body).unwrap();
        assert_eq!(rows.bars[0], Bar::new(date(2024, 1, 2), [4.5, 5.0, 6.0, 4.0], 10.0));
        assert_eq!(rows.bars[1], Bar::new(date(2024, 1, 3), [11.0, 11.0, 12.0, 8.0], 20.0));
        let rows = read_of("AAPL", Adjust::None, 200, &body).unwrap();
        assert_eq!(rows.bars[0], Bar::new(date(2024, 1, 2), [9.0, 10.0, 12.0, 8.0], 1000.0));
        let rows = read_of("600519", Adjust::Qfq, 200, &chart("[null,11]", "[5,11]")).unwrap();
        assert_eq!((rows.bars.len(), rows.empty), (1, 1));
    }

    #[test]
    fn the_current_quote_is_dropped() {
        let mut body = chart("[9,11]", "[5,11]").replace("1704245400", "1704160000");
        assert_eq!(read_of("600519", Adjust::Qfq, 200, &body).unwrap().bars.len(), 1);
        body = body.replace("28800", "9000000");
        assert!(
            read_of("600519", Adjust::Qfq, 200, &body)
                .unwrap_err()
                .to_string()
                .contains("gmtoffset")
        );
    }

    #[test]
    fn malformed_answers_are_described() {
        let none = concat!(
            r#"{"chart":{"result":null,"error":{"code":"Not Found","#,
            r#""description":"No data found, symbol may be delisted"}}}"#
        );
        let early = none.replace("No data found", "Data doesn't exist for startDate");
        assert!(read_of("AAPL", Adjust::Qfq, 400, &early).unwrap().bars.is_empty());
        let empty =
            r#"{"chart":{"result":[{"meta":{},"indicators":{"quote":[{}]}}],"error":null}}"#;
        assert!(read_of("AAPL", Adjust::Qfq, 200, empty).unwrap().bars.is_empty());
        for (status, body, expected) in [
            (404, none, "answered `Not Found: No data found, symbol may be delisted`"),
            (404, "<html>", "HTTP status 404, expected 200: `<html>`"),
            (
                200,
                &chart("[9,11]", "[5,11]")
                    .replace("\"gmtoffset\"", "\"symbol\":\"MSFT\",\"gmtoffset\""),
                "answered with bars of `MSFT`, expected AAPL",
            ),
            (200, "{}", "expected a chart, got `{}`"),
            (200, &chart("[9]", "[5,11]")[..], "expected 2 values of `open`, one a day, got 1"),
            (200, &chart("[9,11]", "null"), "expected a list of `adjclose`, got `null`"),
            (200, &chart("[9,\"x\"]", "[5,11]"), "row 2: expected a time, five numbers"),
            (
                200,
                &chart("[9,11]", "[5,11]").replace("1704245400", "\"now\""),
                "row 2: expected a time",
            ),
            (
                200,
                &chart("[9,11]", "[5,11]").replace("\"close\":[10", "\"close\":[0"),
                "row 1: expected a time",
            ),
        ] {
            let message = read_of("AAPL", Adjust::Qfq, status, body).unwrap_err().to_string();
            assert!(message.contains(expected), "expected {expected} in {message}");
        }
    }
}
