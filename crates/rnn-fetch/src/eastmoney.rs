use crate::{
    answer::{bad_row, day, json, number, same_symbol},
    bars::{Bar, Rows},
    fault::{Answer, Fault, excerpt},
    http::Reply,
    symbol::Market,
    wanted::{Adjust, Wanted, Window},
};

const ROW: &str = "`date,open,close,high,low,volume,…` of numbers";
/// Token that the provider's own page sends.
const TOKEN: &str = "fa5fd1943c7b386f172d6893dbfba10b";

pub(crate) fn path(wanted: Wanted<'_>, window: Window) -> String {
    let market = if wanted.symbol.market == Market::Shanghai { 1 } else { 0 };
    let adjust = match wanted.adjust {
        Adjust::None => 0,
        Adjust::Qfq => 1,
        Adjust::Hfq => 2,
    };
    let [from, to] = [window.from, window.to].map(|day| day.strftime("%Y%m%d").to_string());
    format!(
        "/api/qt/stock/kline/get?secid={market}.{}&ut={TOKEN}&fields1=f1,f2,f3,f4,f5,f6&\
         fields2=f51,f52,f53,f54,f55,f56,f57,f58,f59,f60,f61&klt=101&fqt={adjust}&beg={from}&\
         end={to}",
        wanted.symbol.code
    )
}

pub(crate) fn read(reply: &Reply, wanted: Wanted<'_>) -> Answer<Rows> {
    let document = json(reply)?;
    let code = &document["rc"];
    if number(code) != Some(0.0) {
        return Err(Fault::lasting(format!(
            "answered rc {code}, expected 0: {}",
            excerpt(&document.to_string())
        )));
    }
    let data = &document["data"];
    if data.is_null() {
        let message = format!(
            "has no data of {}: unknown symbol, or the provider blocks requests for a while",
            wanted.symbol
        );
        return Ok(Rows { absent: Some(message), ..Rows::default() });
    }
    same_symbol(&data["code"], &wanted.symbol.code)?;
    let Some(lines) = data["klines"].as_array() else {
        return Err(Fault::lasting(format!(
            "expected bars under `klines`, got {}",
            excerpt(&data.to_string())
        )));
    };
    let mut rows = Rows::default();
    for (row, value) in lines.iter().enumerate() {
        if value.is_null() {
            rows.empty += 1;
            continue;
        }
        let line = value.as_str().ok_or_else(|| bad_row(row, ROW, &value.to_string()))?;
        rows.bars.push(bar(line).ok_or_else(|| bad_row(row, ROW, line))?);
    }
    Ok(rows)
}

fn bar(line: &str) -> Option<Bar> {
    let mut values = line.split(',');
    let date = day(values.next()?)?;
    let mut next = || number(&values.next()?.into());
    let (prices, volume) = ([next()?, next()?, next()?, next()?], next()?);
    let amount = next();
    (volume >= 0.0).then(|| Bar { amount, ..Bar::new(date, prices, volume) })
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    fn read_of(body: &str) -> Answer<Rows> {
        let symbol = "000001".parse().unwrap();
        read(
            &Reply { status: 200, body: body.to_owned() },
            Wanted { symbol: &symbol, adjust: Adjust::Qfq },
        )
    }

    #[test]
    fn requests_equal_those_of_the_web_page() {
        let window = Window { from: date(2010, 1, 1), to: date(2019, 12, 31) };
        for (symbol, adjust, start, end) in [
            (
                "600519",
                Adjust::Qfq,
                "secid=1.600519&ut=",
                "&klt=101&fqt=1&beg=20100101&end=20191231",
            ),
            ("000001", Adjust::Hfq, "secid=0.000001&ut=", "&fqt=2&beg=20100101&end=20191231"),
            ("bj430047", Adjust::None, "secid=0.430047&ut=", "&fqt=0&beg=20100101&end=20191231"),
        ] {
            let symbol = symbol.parse().unwrap();
            let path = path(Wanted { symbol: &symbol, adjust }, window);
            assert!(
                path.starts_with(&format!("/api/qt/stock/kline/get?{start}"))
                    && path.ends_with(end),
                "{path}"
            );
        }
    }

    #[test]
    fn lines_become_bars() {
        let rows = read_of(concat!(
            r#"{"rc":0,"data":{"klines":["2024-01-02,1.5,2,3,0.5,77,1.0,1,1,1,1",null,"#,
            r#""2024-01-03,1,2,3,0.5,78"]}}"#
        ))
        .unwrap();
        assert_eq!((rows.bars.len(), rows.empty), (2, 1));
        let expected = Bar::new(date(2024, 1, 2), [1.5, 2.0, 3.0, 0.5], 77.0);
        assert_eq!(rows.bars[0], Bar { amount: Some(1.0), ..expected });
        assert!(read_of(r#"{"rc":0,"data":{"klines":[]}}"#).unwrap().bars.is_empty());
        assert!(
            read_of(r#"{"rc":0,"data":null}"#)
                .unwrap()
                .absent
                .unwrap()
                .contains("has no data of sz000001")
        );
    }

    #[test]
    fn malformed_answers_are_described() {
        for (body, expected) in [
            (
                r#"{"rc":0,"data":{"code":"600519","klines":[]}}"#,
                "answered with bars of `600519`, expected 000001",
            ),
            (r#"{"rc":102,"data":null}"#, "answered rc 102, expected 0"),
            ("{}", "answered rc null"),
            (r#"{"rc":0,"data":{}}"#, "expected bars under `klines`, got `{}`"),
            (r#"{"rc":0,"data":{"klines":[7]}}"#, "row 1: expected `date,open"),
            (
                r#"{"rc":0,"data":{"klines":["2024-01-02,1,2,3,0.5,7","2024-01-03,1,-,3,0.5,7"]}}"#,
                "row 2: expected `date,open",
            ),
            (
                r#"{"rc":0,"data":{"klines":["2024-01-02,1,2,3,0.5"]}}"#,
                "got `2024-01-02,1,2,3,0.5`",
            ),
        ] {
            let message = read_of(body).unwrap_err().to_string();
            assert!(message.contains(expected), "expected {expected} in {message}");
        }
    }
}
