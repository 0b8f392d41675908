//! `fetch`: what each provider needs. Adjustment by ratios, second hosts, Hong Kong, volumes.

use std::fs;

use jiff::civil::{Date, date};
use serde_json::Value;

use crate::{
    fetch_server::{Does, FILE, FIRST, Prices, Server, prices, provider},
    support::Scratch,
};

/// Prices with a dividend on a day, far larger than those of most shares.
fn paying(day: Date) -> Prices {
    Prices { dividend: Some((day, 30.0)), ..prices() }
}

fn sidecar(scratch: &Scratch) -> Value {
    serde_json::from_str(&scratch.text("sh600519.csv.json")).unwrap()
}

/// Closes of the file by day.
fn closes(scratch: &Scratch) -> Vec<(Date, f64)> {
    let text = scratch.text(FILE);
    let row = |line: &str| {
        let fields: Vec<&str> = line.split(',').collect();
        (fields[1].parse().unwrap(), fields[3].parse().unwrap())
    };
    text.lines().skip(1).map(row).collect()
}

/// Closes of days, those before the dividend multiplied by (close - dividend) / close of the day
/// before it.
fn expected(prices: &Prices, from: Date, to: Date) -> Vec<(Date, f64)> {
    let days: Vec<(Date, f64)> =
        prices.days(from, to).into_iter().map(|(day, [_, close, ..], _)| (day, close)).collect();
    let (paid, dividend) = prices.dividend.unwrap();
    let is_paid = days.iter().any(|(day, _)| *day >= paid);
    let last = days.iter().rfind(|(day, _)| *day < paid).filter(|_| is_paid);
    let factor = last.map_or(1.0, |(_, close)| (close - dividend) / close);
    days.into_iter()
        .map(|(day, close)| (day, if day < paid { close * factor } else { close }))
        .collect()
}

fn assert_close(got: &[(Date, f64)], expected: &[(Date, f64)]) {
    assert_eq!(got.len(), expected.len());
    for (got, expected) in got.iter().zip(expected) {
        assert!(got.0 == expected.0 && (got.1 - expected.1).abs() < 2e-4, "{got:?} {expected:?}");
    }
}

#[test]
fn dividends_multiply_the_prices_before_them() {
    let prices = paying(date(2021, 11, 1));
    let [from, to] = [date(2021, 6, 1), date(2022, 2, 18)];
    let subtracted = prices.adjusted("qfq", date(2021, 6, 1), date(2021, 6, 1))[0].1[1];
    for provider in ["tencent", "eastmoney"] {
        let scratch = Scratch::new();
        scratch.fetched(&Server::honest(prices), &[&FIRST[..], &["--provider", provider]].concat());
        let closes = closes(&scratch);
        assert_close(&closes, &expected(&prices, from, to));
        assert!((closes[0].1 - subtracted).abs() > 1.0, "unlike the provider's own prices");
        let sidecar = sidecar(&scratch);
        assert_eq!((&sidecar["adjustment"], &sidecar["adjust"]), (&"ratio".into(), &"qfq".into()));
    }
    // Other adjustments are those of the provider, and are recorded.
    for (args, method) in [
        (["--provider", "tencent", "--adjust", "hfq"], "additive"),
        (["--provider", "eastmoney", "--adjust", "none"], "none"),
        (["--provider", "yahoo", "--adjust", "qfq"], "ratio"),
        (["--provider", "yahoo", "--adjust", "none"], "none"),
    ] {
        let scratch = Scratch::new();
        scratch.fetched(&Server::honest(prices), &[&FIRST[..], &args].concat());
        assert_eq!(sidecar(&scratch)["adjustment"], method, "{args:?}");
    }
}

#[test]
fn a_dividend_after_the_last_fetch_replaces_the_file_once() {
    let scratch = Scratch::new();
    let paid = paying(date(2022, 2, 22));
    scratch.fetched(&Server::honest(paid), &FIRST);
    let [from, to] = [date(2021, 6, 1), date(2022, 2, 18)];
    assert_close(&closes(&scratch), &expected(&paid, from, to));
    let server = Server::honest(paid);
    let finished = scratch.fetched(&server, &["600519", "--to", "2022-03-04"]);
    assert!(
        finished.stderr.contains("its history was rewritten (forward-adjusted prices are at every")
            && finished.stdout.starts_with("replaced"),
        "{}{}",
        finished.stderr,
        finished.stdout
    );
    assert_close(&closes(&scratch), &expected(&paid, from, date(2022, 3, 4)));
    // The dividend is in the overlap now, with the same factor.
    for (to, added) in [("2022-03-11", "added 5 days"), ("2022-03-25", "added 10 days")] {
        let finished = scratch.fetched(&server, &["600519", "--to", to]);
        assert!(finished.stdout.starts_with(added), "{}{}", finished.stderr, finished.stdout);
    }
    assert_close(&closes(&scratch), &expected(&paid, from, date(2022, 3, 25)));
}

#[test]
fn different_days_of_both_prices_are_a_fault_of_the_provider() {
    let server = Server::new(|asked, _| {
        let text = prices().answer(&asked.target);
        let is_changed = provider(&asked.target) == "tencent" && asked.target.contains("hfq");
        Does::Says(if is_changed { text.replace("2022-02-17", "2022-02-19") } else { text })
    });
    let scratch = Scratch::new();
    let finished = scratch.fetched(&server, &FIRST);
    let message = "tencent: gave 189 days of unadjusted prices and 188 of backward-adjusted ones, \
                   expected the same days; the first that differs is 2022-02-17; asking eastmoney";
    assert!(finished.stderr.contains(message), "{}", finished.stderr);
    assert_eq!(sidecar(&scratch)["provider"], "eastmoney");
}

/// A file as earlier versions wrote it: the provider's own forward-adjusted prices.
fn of_an_earlier_version() -> Scratch {
    let scratch = Scratch::new();
    let args = ["600519", "--from", "2019-06-03", "--to", "2022-02-18"];
    scratch.fetched(&Server::honest(prices()), &args);
    let mut sidecar = sidecar(&scratch);
    assert!(sidecar.as_object_mut().unwrap().remove("adjustment").is_some());
    fs::write(scratch.path("sh600519.csv.json"), sidecar.to_string()).unwrap();
    scratch
}

#[test]
fn additive_files_of_earlier_versions_are_reported_and_replaced() {
    let scratch = of_an_earlier_version();
    let server = Server::honest(prices());
    let same = ["600519", "--to", "2022-02-18"];
    let finished = scratch.fetched(&server, &same);
    let warning = "warning: sh600519.csv: its prices have dividends subtracted, so their ratios \
                   are wrong (use --force to fetch it again, adjusted by ratios)";
    assert!(
        finished.stderr.contains(warning) && finished.stdout.contains("is up to date"),
        "{}",
        finished.stderr
    );
    let finished = scratch.fetched(&server, &["600519", "--to", "2022-03-04"]);
    let note = "sh600519.csv: its prices are not adjusted by ratios, unlike those of this version; \
                fetching the whole file again";
    assert!(
        finished.stderr.contains(note) && finished.stdout.starts_with("replaced"),
        "{}",
        finished.stderr
    );
    assert_eq!(sidecar(&scratch)["adjustment"], "ratio");
    let finished = scratch.fetched(&server, &["600519", "--to", "2022-03-04"]);
    assert!(!finished.stderr.contains("warning"), "{}", finished.stderr);
}

#[test]
fn additive_prices_give_no_log_returns() {
    let scratch = of_an_earlier_version();
    let train = |experiment: &str, more: &[&str]| {
        let args = ["train", experiment, "--data", FILE, "--epochs", "1", "--progress", "none"];
        scratch.run(&[&args[..], more].concat())
    };
    let why = "dividends are subtracted from its prices, so their ratios are wrong";
    let fix = "(use `rnn-train fetch sh600519 --out sh600519.csv --force` to fetch it again, \
               adjusted by ratios)";
    for (experiment, more, what) in [
        ("stock-gap", &[][..], "--transform log-residual of `open`"),
        ("stock-rnn", &["--features", "open,log-return(close)"], "the feature `log-return(close)`"),
    ] {
        let finished = train(experiment, more);
        let error = format!("error: sh600519.csv: cannot take {what}: {why} {fix}");
        assert_eq!(finished.code, 2, "{}", finished.stderr);
        assert!(finished.stderr.contains(&error), "expected {error} in {}", finished.stderr);
    }
    let warning = format!("warning: sh600519.csv: {why} (use `rnn-train fetch` with --force)");
    let finished = train("stock-rnn", &[]);
    assert!(finished.code == 0 && finished.stderr.contains(&warning), "{}", finished.stderr);
    let finished = scratch.ok(&["evaluate", "stock-rnn"]);
    assert!(finished.stderr.contains(why), "{}", finished.stderr);
    // The fix works.
    let fix = ["sh600519", "--out", FILE, "--force", "--to", "2022-02-18"];
    scratch.fetched(&Server::honest(prices()), &fix);
    let finished = train("stock-gap", &[]);
    assert!(finished.code == 0 && !finished.stderr.contains(why), "{}", finished.stderr);
}

#[test]
fn tencent_has_a_second_host() {
    let expected = {
        let scratch = Scratch::new();
        scratch.fetched(&Server::honest(prices()), &FIRST);
        scratch.text(FILE)
    };
    let empty = r#"{"code":0,"msg":"","data":{"sh600519":{"qt":{}}}}"#;
    let faults: [fn(&str) -> Does; 4] = [
        |_| Does::Drops,
        |_| Does::Status("403 Forbidden", "", "<html>".to_owned()),
        |_| Does::Says(r#"{"code":0,"msg":"","data":[]}"#.to_owned()),
        |empty| Does::Says(empty.to_owned()),
    ];
    for does in faults {
        let server = Server::new(move |asked, _| match asked.target.starts_with("/appstock/") {
            true => does(empty),
            false => Does::Says(prices().answer(&asked.target)),
        });
        let scratch = Scratch::new();
        let finished = scratch.fetched(&server, &FIRST);
        assert_eq!(server.providers(), ["tencent"; 4], "{}", finished.stderr);
        assert!(!finished.stderr.contains("retrying in"), "{}", finished.stderr);
        let targets = server.targets();
        let start = "/ifzqgtimg/appstock/app/newfqkline/get?_var=kline_day";
        for (target, adjust) in [(&targets[1], ""), (&targets[3], "hfq")] {
            let params =
                format!("{adjust}2021&param=sh600519,day,2021-01-01,2022-12-31,640,{adjust}");
            assert_eq!(target, &format!("{start}{params}"));
        }
        assert_eq!(scratch.text(FILE), expected);
    }
}

#[test]
fn a_broken_connection_of_eastmoney_is_not_retried() {
    let scratch = Scratch::new();
    let server = Server::new(|asked, _| match provider(&asked.target) {
        "yahoo" => Does::Says(prices().answer(&asked.target)),
        "eastmoney" => Does::Drops,
        _ => Does::Status("404 Not Found", "", String::new()),
    });
    let finished = scratch.fetched(&server, &FIRST);
    let message = "eastmoney 2021-2022: the connection broke off";
    assert!(
        finished.stderr.contains(message) && !finished.stderr.contains("retrying in"),
        "{}",
        finished.stderr
    );
    assert_eq!(server.providers(), ["tencent", "tencent", "eastmoney", "yahoo"]);
}

#[test]
fn yahoo_has_a_second_host_for_too_many_requests() {
    for (does, tries) in [
        ((|_| Does::Status("429 Too Many Requests", "", String::new())) as fn(usize) -> Does, 2),
        (|_| Does::Status("503 Service Unavailable", "", String::new()), 2),
    ] {
        let scratch = Scratch::new();
        let server = Server::new(move |asked, before| match before {
            0 => does(before),
            _ => Does::Says(prices().answer(&asked.target)),
        });
        let args = [&FIRST[..], &["--provider", "yahoo", "--retries", "1"]].concat();
        let finished = scratch.fetched(&server, &args);
        assert_eq!(server.providers(), vec!["yahoo"; tries]);
        let is_busy = finished.stderr.contains("429 Too Many Requests; asking another address");
        let is_retried = finished.stderr.contains("503 Service Unavailable; retrying in");
        assert!(is_busy != is_retried, "{}", finished.stderr);
    }
}

#[test]
fn hong_kong_is_asked_of_yahoo_and_then_of_tencent() {
    let days = ["--from", "2021-06-01", "--to", "2022-02-18", "--out", FILE];
    let server = Server::new(|asked, _| match provider(&asked.target) {
        "yahoo" => Does::Status("404 Not Found", "", String::new()),
        _ => Does::Says(prices().answer(&asked.target)),
    });
    let scratch = Scratch::new();
    let finished = scratch.fetched(&server, &[&["hk00700"][..], &days].concat());
    assert_eq!(server.providers(), ["yahoo", "tencent"]);
    assert_eq!(
        server.targets()[1],
        "/appstock/app/hkfqkline/get?_var=kline_dayqfq2021&param=hk00700,day,2021-01-01,\
         2022-02-18,640,qfq"
    );
    let note = "tencent adjusts prices of 0700.HK in a way that is not known, or not at all";
    assert!(finished.stderr.contains(note), "{}", finished.stderr);
    let expected = prices().days(date(2021, 6, 1), date(2022, 2, 18));
    let volumes: Vec<u32> = scratch
        .text(FILE)
        .lines()
        .skip(1)
        .map(|line| line.split(',').nth(6).unwrap().parse().unwrap())
        .collect();
    assert_eq!(volumes, expected.iter().map(|day| day.2).collect::<Vec<_>>());
    assert_eq!(sidecar(&scratch)["adjustment"], "unknown");
    let finished = scratch.fetched(&server, &["00700.HK", "--to", "2022-03-04", "--out", FILE]);
    assert!(finished.stdout.starts_with("added 10 days"), "{}", finished.stdout);
    let bare = |target: &str| target.replace("qfqday", "day");
    let server = Server::new(move |asked, _| Does::Says(bare(&prices().answer(&asked.target))));
    let args = [&["0700.hk", "--provider", "tencent", "--force"][..], &days].concat();
    let finished = scratch.fetched(&server, &args);
    let note = "tencent has no qfq prices of 0700.HK for these days; unadjusted prices were used";
    assert!(finished.stderr.contains(note), "{}", finished.stderr);
    assert_eq!(sidecar(&scratch)["adjustment"], "none");
}

#[test]
fn amounts_show_whether_volumes_are_shares_or_lots() {
    let shares = |text: String| text.replace(".000\",{}", "00.000\",{}");
    let second = |symbol: &'static str, change: fn(String) -> String| {
        let server = Server::new(move |asked, _| match asked.target.starts_with("/appstock/") {
            true => Does::Drops,
            false => Does::Says(change(prices().answer(&asked.target))),
        });
        let scratch = Scratch::new();
        let args = [&[symbol, "--out", FILE, "--retries", "0"][..], &FIRST[1..]].concat();
        let finished = scratch.fetched(&server, &args);
        let first = scratch.text(FILE).lines().nth(1).unwrap().to_owned();
        let volume: f64 = first.split(',').nth(6).unwrap().parse().unwrap();
        (volume, finished.stderr.contains("the unit of the volumes of"))
    };
    let lots = f64::from(prices().days(date(2021, 6, 1), date(2021, 6, 1))[0].2);
    for (symbol, change, expected) in [
        ("600519", (|text| text) as fn(String) -> String, (lots, false)),
        ("600519", shares, (lots, false)),
        // The STAR market, also where volumes are lots.
        ("688981", shares, (lots, false)),
        ("688981", |text| text, (lots, false)),
        // Amounts that belong to other prices, as those of an index.
        ("600519", |text| text.replace("{},\"0.25\",\"", "{},\"0.25\",\"9"), (lots, true)),
        (
            "sh000001",
            |text| text.replace("{},\"0.25\",\"", "{},\"0.25\",\"9"),
            (lots / 100.0, true),
        ),
        // No amounts: shares of the STAR market and of indices.
        (
            "sz399001",
            |text| text.replace("{},\"0.25\",\"", "{},\"0.25\",\"-"),
            (lots / 100.0, false),
        ),
    ] {
        assert_eq!(second(symbol, change), expected, "{symbol}");
    }
    // A note is recorded once.
    let scratch = Scratch::new();
    let unclear = || {
        Server::new(|asked, _| {
            let text = prices().answer(&asked.target);
            Does::Says(text.replace(".0,1,1,1,1", "99.0,1,1,1,1"))
        })
    };
    let args = [&FIRST[..], &["--provider", "eastmoney"]].concat();
    scratch.fetched(&unclear(), &args);
    scratch.fetched(&unclear(), &["600519", "--to", "2022-03-04"]);
    assert_eq!(
        sidecar(&scratch)["notes"],
        serde_json::json!([
            "the unit of the volumes of sh600519 is unclear, since amount / volume of eastmoney is \
             not in low..high; taken as lots of 100"
        ])
    );
}
