//! `fetch`: the requests to the providers, the file and its sidecar.

use std::fs;

use jiff::civil::date;
use serde_json::Value;

use crate::{
    fetch_server::{Does, Prices, Server, tencent},
    support::{Scratch, unfinished},
};

const YEARS: [&str; 5] = ["600519", "--from", "2019-03-04", "--to", "2022-02-18"];

fn prices() -> Prices {
    Prices::new(date(2010, 1, 4), date(2022, 12, 30))
}

fn sidecar(scratch: &Scratch, name: &str) -> Value {
    serde_json::from_str(&scratch.text(&format!("{name}.json"))).unwrap()
}

#[test]
fn bars_have_the_format_of_the_course_and_a_sidecar() {
    let scratch = Scratch::new();
    let server = Server::honest(prices());
    let finished = scratch.fetched(&server, &YEARS);
    let text = scratch.text("sh600519.csv");
    let lines: Vec<&str> = text.lines().collect();
    let days = prices().days(date(2019, 3, 4), date(2022, 2, 18));
    assert_eq!((lines[0], lines.len() - 1), (",date,open,close,high,low,volume,code", days.len()));
    for (row, (day, [open, close, high, low], lots)) in days.iter().enumerate() {
        assert_eq!(
            lines[row + 1],
            format!("{row},{day},{open},{close},{high},{low},{lots},600519")
        );
    }
    let sidecar = sidecar(&scratch, "sh600519.csv");
    for (key, expected) in [
        ("format", Value::from(1)),
        ("symbol", "sh600519".into()),
        ("provider", "tencent".into()),
        ("adjust", "qfq".into()),
        ("adjustment", "ratio".into()),
        ("from", "2019-03-04".into()),
        ("to", "2022-02-18".into()),
        ("first", "2019-03-04".into()),
        ("last", "2022-02-18".into()),
        ("rows", days.len().into()),
        ("host", server.url.trim_start_matches("http://").into()),
        ("unadjusted", false.into()),
        ("notes", Vec::<Value>::new().into()),
    ] {
        assert_eq!(sidecar[key], expected, "{key}");
    }
    assert_eq!(sidecar["sha256"].as_str().unwrap().len(), 64);
    assert!(
        sidecar["fetched_at"].as_str().unwrap().parse::<jiff::Timestamp>().unwrap()
            <= jiff::Timestamp::now()
    );
    assert_eq!(unfinished(&scratch.path("")).len(), 0);

    // Unadjusted prices, then backward-adjusted ones.
    let window = |folder: &str, adjust: &str, from: i32| {
        format!(
            "/appstock/app/{folder}/get?_var=kline_day{adjust}{from}&param=sh600519,day,\
             {from}-01-01,{}-12-31,640,{adjust}",
            from + 1
        )
    };
    let [raw, adjusted] = [("kline", ""), ("fqkline", "hfq")];
    let windows = [(raw, 2019), (raw, 2021), (adjusted, 2019), (adjusted, 2021)];
    let expected = windows.map(|((folder, adjust), from)| window(folder, adjust, from));
    assert_eq!(server.targets(), expected);
    assert_eq!(server.most_at_once(), 1);
    assert!(
        server.asked()[0].head.contains("rnn-train/"),
        "the program gives its name: {}",
        server.asked()[0].head
    );
    assert!(
        finished.stderr.contains("tencent 2019-2020: 479 days, 1 window left\n"),
        "{}",
        finished.stderr
    );
    assert!(
        finished.stdout.contains(&format!("wrote sh600519.csv: {} days of sh600519", days.len())),
        "{}",
        finished.stdout
    );
    assert!(
        finished.stdout.contains("rnn-train train stock-gap --data sh600519.csv --fresh\n"),
        "{}",
        finished.stdout
    );
}

#[test]
fn every_provider_gives_the_same_file() {
    let scratch = Scratch::new();
    let server = Server::honest(prices());
    let mut texts = Vec::new();
    for provider in ["tencent", "eastmoney", "yahoo"] {
        let out = format!("{provider}.csv");
        scratch.fetched(&server, &[&YEARS[..], &["--provider", provider, "--out", &out]].concat());
        assert_eq!(sidecar(&scratch, &out)["provider"], provider);
        texts.push(scratch.text(&out));
    }
    assert!(
        texts[0] == texts[1] && texts[0] == texts[2],
        "lots, adjustment and order of columns are the same"
    );
    let asked = server.asked();
    let eastmoney = "/api/qt/stock/kline/get?secid=1.600519&ut=fa5fd1943c7b386f172d6893dbfba10b&\
                     fields1=f1,f2,f3,f4,f5,f6&fields2=f51,f52,f53,f54,f55,f56,f57,f58,f59,f60,f61&\
                     klt=101&fqt=0&beg=20190304&end=20220218";
    assert_eq!(asked[4].target, eastmoney);
    assert_eq!(asked[5].target, eastmoney.replace("fqt=0", "fqt=2"));
    assert!(
        asked[4].head.to_lowercase().contains("referer: https://quote.eastmoney.com/"),
        "{}",
        asked[4].head
    );
    assert_eq!(
        asked[6].target,
        "/v8/finance/chart/600519.SS?period1=1551657600&period2=1645228800&interval=1d&\
         events=div%2Csplits"
    );
    assert!(
        asked[6].head.to_lowercase().contains("user-agent: mozilla/5.0 (compatible; rnn-train/"),
        "{}",
        asked[6].head
    );
}

#[test]
fn requests_use_the_names_of_each_provider_for_adjustments_and_markets() {
    let scratch = Scratch::new();
    let server = Server::honest(prices());
    let days = ["--from", "2022-02-01", "--to", "2022-02-18", "--out", "x.csv", "--force"];
    for (args, expected) in [
        (
            &["sz000001", "--adjust", "hfq"][..],
            "/appstock/app/fqkline/get?_var=kline_dayhfq2022&param=sz000001,day,2022-01-01,\
             2023-12-31,640,hfq",
        ),
        (
            &["000001.SZ", "--adjust", "none"],
            "/appstock/app/kline/get?_var=kline_day2022&param=sz000001,day,2022-01-01,2023-12-31,\
             640,",
        ),
        (&["430047.BJ", "--provider", "eastmoney", "--adjust", "hfq"], "secid=0.430047&"),
        (&["aapl"], "/v8/finance/chart/AAPL?"),
        (&["700.HK", "--adjust", "none"], "/v8/finance/chart/0700.HK?"),
        (&["000001", "--provider", "yahoo"], "/v8/finance/chart/000001.SZ?"),
    ] {
        scratch.fetched(&server, &[args, &days].concat());
        let last = server.targets().pop().unwrap();
        assert!(last.contains(expected), "{args:?}: {last}");
    }
    let rows = scratch.text("x.csv");
    assert!(rows.lines().nth(1).unwrap().ends_with(",000001"), "{rows}");
    scratch.fetched(&server, &[&["AAPL"], &days[..]].concat());
    let rows = scratch.text("x.csv");
    assert!(
        rows.lines().nth(1).unwrap().ends_with("00,AAPL"),
        "abroad, volumes are shares: {rows}"
    );
}

#[test]
fn the_default_request_is_ten_years_of_finished_days() {
    let scratch = Scratch::new();
    let today = jiff::tz::Offset::constant(8).to_datetime(jiff::Timestamp::now()).date();
    let server = Server::honest(Prices::new(date(2010, 1, 4), today));
    let outcome: Value = serde_json::from_str(
        &scratch.fetched(&server, &["600519", "--provider", "eastmoney", "--json"]).stdout,
    )
    .unwrap();
    let day = |key: &str| outcome[key].as_str().unwrap().parse::<jiff::civil::Date>().unwrap();
    assert!([today, today.yesterday().unwrap()].contains(&day("to")), "{outcome}");
    assert_eq!(day("from"), day("to").saturating_sub(jiff::Span::new().years(10)));
    assert_eq!(
        (&outcome["happened"], &outcome["added"], &outcome["file"]),
        (&"created".into(), &outcome["rows"], &"sh600519.csv".into())
    );
}

#[test]
fn requests_start_at_the_opening_of_the_exchange() {
    let scratch = Scratch::new();
    let server = Server::honest(prices());
    let finished = scratch.fetched(
        &server,
        &["600519", "--from", "0001-01-01", "--to", "2010-02-01", "--provider", "eastmoney"],
    );
    assert!(
        finished.stderr.contains("note: the first possible day is 1990-12-01"),
        "{}",
        finished.stderr
    );
    assert!(server.targets()[0].ends_with("&beg=19901201&end=20001130"), "{:?}", server.targets());
    assert_eq!(
        (server.asked().len(), sidecar(&scratch, "sh600519.csv")["from"].clone()),
        (4, "1990-12-01".into())
    );
}

#[test]
fn a_fetched_file_trains_and_forecasts() {
    let scratch = Scratch::new();
    let server = Server::honest(Prices::new(date(2018, 1, 2), date(2020, 4, 24)));
    scratch.fetched(&server, &["600519", "--from", "2018-01-01", "--to", "2020-04-24"]);
    scratch.ok(&[
        "train",
        "stock-gap",
        "--data",
        "sh600519.csv",
        "--epochs",
        "1",
        "--progress",
        "none",
    ]);
    let forecast = scratch.ok(&["forecast", "stock-gap"]);
    assert!(
        forecast.stdout.contains("2020-04-27") && forecast.stdout.contains("90% interval"),
        "{}",
        forecast.stdout
    );
}

#[test]
fn invalid_requests_are_wrong_usage() {
    let scratch = Scratch::new();
    let server = Server::honest(prices());
    for (args, expected) in [
        (&["maotai1"][..], "expected a symbol like 600519, sh600519"),
        (&["700001"], "as in sh700001"),
        (&[], "<SYMBOL>"),
        (&["600519", "--provider", "google"], "invalid value 'google'"),
        (&["600519", "--adjust", "both"], "invalid value 'both'"),
        (&["600519", "--from", "yesterday"], "expected a date like 2020-04-24, got `yesterday`"),
        (&["600519", "--from", "2020-02-30"], "expected a date like 2020-04-24"),
        (
            &["600519", "--from", "2020-04-24", "--to", "2020-04-23"],
            "--from 2020-04-24: after --to 2020-04-23",
        ),
        (
            &["600519", "--to", "1980-01-01"],
            "--to 1980-01-01: before 1990-12-01, the first possible day of sh600519",
        ),
        (
            &["600519", "--from", "1970-01-01", "--to", "1980-01-01"],
            "--to 1980-01-01: before 1990-12-01",
        ),
        (&["600519", "--to", "2999-01-01"], "--to 2999-01-01: in the future"),
        (&["600519", "--from", "2999-01-01"], "--from 2999-01-01: in the future"),
        (
            &["600519", "--provider", "yahoo", "--adjust", "hfq"],
            "yahoo has no hfq prices (use --provider tencent or eastmoney)",
        ),
        (&["AAPL", "--adjust", "hfq"], "yahoo has no hfq prices"),
        (&["AAPL", "--provider", "tencent"], "tencent has no bars of AAPL (use --provider yahoo)"),
        (
            &["700.HK", "--provider", "tencent", "--adjust", "none"],
            "tencent has only qfq prices of Hong Kong (use --adjust qfq, or --provider yahoo)",
        ),
        (&["700.HK", "--adjust", "hfq"], "yahoo has no hfq prices"),
        (&["bj430047", "--provider", "yahoo"], "yahoo has no bars of Beijing"),
        (&["600519", "--timeout", "0"], "expected seconds"),
        (&["600519", "--timeout", "-1"], "expected seconds"),
        (&["600519", "--timeout", "inf"], "expected seconds"),
        (&["600519", "--retries", "99"], "invalid value '99'"),
    ] {
        let finished = scratch.fetch(&server, args);
        assert_eq!(finished.code, 2, "{args:?}: {}", finished.stderr);
        assert!(
            finished.stderr.contains(expected),
            "{args:?}: expected `{expected}` in {}",
            finished.stderr
        );
    }
    for url in ["ftp://example.org", "example.org", "http://example.org/path"] {
        let finished = scratch.fetch_at(url, &["600519"]);
        assert_eq!(finished.code, 2);
        assert!(
            finished.stderr.contains(
                "RNN_TENCENT_URL: expected scheme and host like http://localhost:8080, got `"
            ),
            "{}",
            finished.stderr
        );
    }
    assert_eq!(server.asked().len(), 0, "nothing is asked");
    assert_eq!(fs::read_dir(scratch.path("")).unwrap().count(), 0, "nothing is written");
}

#[test]
fn odd_bars_are_reported() {
    let scratch = Scratch::new();
    let server = Server::new(|asked, _| {
        let row = |day: &str, prices: &str| format!(r#"["{day}",{prices},"7"]"#);
        let rows = [
            row("2022-02-01", "-1,2,3,-2"),
            row("2022-02-02", "2,2,1,3"),
            row("2022-02-03", "5,2,3,1"),
            row("2022-02-04", "2,2,3,1"),
            row("2022-02-07", "2,2,3,1"),
            row("2022-02-08", "2,2,3,1"),
        ];
        Does::Says(tencent(&asked.target, &rows))
    });
    let finished =
        scratch.fetched(&server, &["600519", "--from", "2022-02-01", "--to", "2022-05-01"]);
    for expected in [
        "warning: sh600519.csv: prices at or below zero in 1 row (first on line 2)",
        "warning: sh600519.csv: the highest price is below the lowest in 1 row (first on line 3)",
        "warning: sh600519.csv: open or close is outside low..high in 1 row (first on 2022-02-03)",
    ] {
        assert!(finished.stderr.contains(expected), "expected {expected} in {}", finished.stderr);
    }
}

#[test]
fn the_suggested_command_is_quoted_for_a_shell() {
    let scratch = Scratch::new();
    let finished = scratch
        .fetched(&Server::honest(prices()), &[&YEARS[..], &["--out", "it's mine.csv"]].concat());
    assert!(finished.stdout.contains(r"--data 'it'\''s mine.csv' --fresh"), "{}", finished.stdout);
}

#[test]
fn a_gap_that_is_no_holiday_is_reported() {
    let scratch = Scratch::new();
    let server = Server::new(|asked, _| {
        let rows = prices().tencent_rows(&asked.target).into_iter();
        let is_gone =
            |row: &str| ["2020-06", "2020-07", "2020-08"].iter().any(|month| row.contains(month));
        Does::Says(tencent(&asked.target, &rows.filter(|row| !is_gone(row)).collect::<Vec<_>>()))
    });
    let finished = scratch.fetched(&server, &YEARS);
    let message = "warning: sh600519.csv: 1 long gap in the dates: 2020-05-29 to 2020-09-01";
    assert!(finished.stderr.contains(message), "{}", finished.stderr);
}

#[test]
#[ignore = "asks the real providers over the network: run it by hand, `cargo test --workspace -- \
            --ignored real_providers`"]
fn real_providers_answer() {
    for (provider, symbol) in
        [("tencent", "600519"), ("eastmoney", "600519"), ("yahoo", "600519"), ("yahoo", "AAPL")]
    {
        let scratch = Scratch::new();
        let finished = scratch.run(&[
            "fetch",
            symbol,
            "--provider",
            provider,
            "--from",
            "2024-01-02",
            "--to",
            "2025-06-30",
            "--out",
            "x.csv",
        ]);
        assert_eq!(finished.code, 0, "{provider}: {}", finished.stderr);
        let rows = scratch.text("x.csv").lines().count();
        assert!(
            (330..390).contains(&rows),
            "{provider} {symbol}: {rows} lines\n{}",
            finished.stderr
        );
    }
}
