//! `fetch` with faulty providers: the message, the exit code, the next provider, and the unchanged
//! file.

#![expect(clippy::disallowed_types, reason = "an address where nobody answers any more")]

use std::{
    fs,
    time::{Duration, Instant},
};

use jiff::civil::date;

use crate::{
    fetch_server::{Asked, Does, Prices, Server, provider, tencent},
    support::{Scratch, unfinished},
};

/// Three days in one window.
const DAYS: [&str; 5] = ["600519", "--from", "2022-02-14", "--to", "2022-02-18"];

fn prices() -> Prices {
    Prices::new(date(2010, 1, 4), date(2022, 12, 30))
}

/// A server with a faulty Tencent and correct other providers.
fn tencent_that(does: impl Fn(&Asked, usize) -> Does + Send + Sync + 'static) -> Server {
    Server::new(move |asked, before| match provider(&asked.target) {
        "tencent" => does(asked, before),
        _ => Does::Says(prices().answer(&asked.target)),
    })
}

/// The correct answer with changed rows.
fn with_rows(change: impl Fn(Vec<String>) -> Vec<String> + Send + Sync + 'static) -> Server {
    tencent_that(move |asked, _| {
        Does::Says(tencent(&asked.target, &change(prices().tencent_rows(&asked.target))))
    })
}

/// The correct answer with a changed text.
fn with_text(change: impl Fn(String) -> String + Send + Sync + 'static) -> Server {
    tencent_that(move |asked, _| Does::Says(change(prices().answer(&asked.target))))
}

/// The file from a correct server.
fn honest_file() -> String {
    let scratch = Scratch::new();
    scratch.fetched(&Server::honest(prices()), &DAYS);
    scratch.text("sh600519.csv")
}

#[test]
fn equivalent_answers_give_the_same_bars() {
    let expected = honest_file();
    let append = |what: &'static str| {
        with_rows(move |rows| rows.into_iter().map(|row| row.replace(']', what)).collect())
    };
    for (name, server, message) in [
        ("bare", with_text(|text| text.split_once('=').unwrap().1.to_owned()), ""),
        (
            "jsonp",
            with_text(|text| format!("jQuery1_2({});\n", text.split_once('=').unwrap().1)),
            "",
        ),
        ("byte order mark", with_text(|text| format!("\u{feff}{text};")), ""),
        (
            "seventh an object",
            append(r#",{"nd":"2025","fh_sh":"239.57","FHcontent":"10派239.57元"}]"#),
            "",
        ),
        ("seventh a list", append(r#",["2025","239.57"]]"#), ""),
        ("as newfqkline has them", append(r#",{},"0.25","-"]"#), ""),
        (
            "unsorted",
            with_rows(|rows| rows.into_iter().rev().collect()),
            "note: tencent gave 4 rows out of order, sorted",
        ),
        (
            "twice",
            with_rows(|rows| rows.iter().chain(&rows).cloned().collect()),
            "note: tencent gave 5 rows of repeated days with equal values, left out",
        ),
        (
            "others",
            with_rows(|mut rows| {
                rows.push(r#"["2012-02-20","1","1","1","1","1"]"#.to_owned());
                rows
            }),
            "note: tencent gave 1 row of days that were not requested, left out",
        ),
        (
            "unadjusted",
            with_text(|text| text.replace("hfqday", "day")),
            "note: tencent has no qfq prices of sh600519 for these days",
        ),
        (
            "nulls",
            with_rows(|mut rows| {
                rows.insert(1, "null".to_owned());
                rows.push(r#"["2022-02-20",null,null,null,null,null]"#.to_owned());
                rows
            }),
            "note: tencent gave 2 rows without values, left out",
        ),
    ] {
        let scratch = Scratch::new();
        let finished = scratch.fetched(&server, &DAYS);
        assert_eq!(scratch.text("sh600519.csv"), expected, "{name}");
        assert!(finished.stderr.contains(message), "{name}: {}", finished.stderr);
        assert_eq!(server.providers(), ["tencent"; 2], "{name}");
        let notes = scratch.text("sh600519.csv.json");
        assert_eq!(notes.contains("\"notes\": []"), message.is_empty(), "{name}: {notes}");
    }
}

#[test]
fn permanent_faults_go_to_the_next_provider() {
    let expected = honest_file();
    let status = |status: &'static str, header: &'static str| {
        tencent_that(move |_, _| Does::Status(status, header, "<html>".to_owned()))
    };
    for (server, message) in [
        (
            with_text(|text| text.replace("\"code\":0", "\"code\":1")),
            "tencent 2022-2023: answered code 1, expected 0",
        ),
        (
            with_text(|_| r#"{"code":0,"msg":"","data":[]}"#.to_owned()),
            "tencent: has no bars of sh600519",
        ),
        (
            with_text(|_| r#"{"code":0,"msg":"","data":null}"#.to_owned()),
            "does not know sh600519: data is `null`",
        ),
        (
            with_rows(|_| Vec::new()),
            "tencent: has no bars of sh600519 from 2022-02-14 to 2022-02-18: unknown symbol, or \
             not traded (check symbol and dates)",
        ),
        (
            with_text(|_| "<!DOCTYPE html>\u{1b}[2J<h1>Blocked".to_owned()),
            "answered with an HTML page, expected JSON: `<!DOCTYPE html> [2J<h1>Blocked`",
        ),
        (with_text(|_| "busy".to_owned()), "expected JSON, got `busy`"),
        (
            with_text(|text| text.replace("2022-02-15", "2022-02-31")),
            "expected [\"date\",\"open\",\"close\",\"high\",\"low\",\"volume\",…] of numbers",
        ),
        (
            with_rows(|mut rows| {
                let again = rows
                    .iter()
                    .find(|row| row.contains("2022-02-15"))
                    .unwrap()
                    .replacen("\",\"", "\",\"1", 1);
                rows.push(again);
                rows
            }),
            "twice, with different prices",
        ),
        (status("404 Not Found", ""), "answered with HTTP status 404, expected 200: `<html>`"),
        (status("403 Forbidden", ""), "answered with HTTP status 403"),
        (status("302 Found", ""), "redirected without a location"),
        (status("302 Found", "Location: /appstock/again?param=,,"), "redirected more than 5 times"),
        (tencent_that(|_, _| Does::NeverEnds), "sent more than 4 MiB, expected less than one"),
        (
            tencent_that(|_, _| Does::Unpacks(1 << 30)),
            "sent more than 4 MiB, expected less than one",
        ),
    ] {
        let scratch = Scratch::new();
        let finished = scratch.fetched(&server, &DAYS);
        assert!(
            finished.stderr.contains(message) && finished.stderr.contains("; asking eastmoney\n"),
            "expected {message} in {}",
            finished.stderr
        );
        assert!(
            !finished.stderr.contains("retrying in") && !finished.stderr.contains('\u{1b}'),
            "{}",
            finished.stderr
        );
        assert_eq!(scratch.text("sh600519.csv"), expected, "{message}");
        assert!(scratch.text("sh600519.csv.json").contains("\"eastmoney\""));
        assert_eq!(server.most_at_once(), 1, "{message}");
        assert_eq!(server.providers().iter().filter(|name| **name == "eastmoney").count(), 2);
    }
}

#[test]
fn temporary_faults_are_retried() {
    let expected = honest_file();
    let honest = |asked: &Asked| prices().answer(&asked.target);
    // Both hosts of Tencent fail once.
    let first = |does: fn(String) -> Does| {
        tencent_that(
            move |asked, before| {
                if before < 2 { does(honest(asked)) } else { Does::Says(honest(asked)) }
            },
        )
    };
    for (server, message) in [
        (first(|_| Does::Drops), "tencent 2022-2023: the connection broke off"),
        (first(Does::SendsHalf), "tencent 2022-2023: the connection broke off"),
        (first(Does::EndsEarly), "tencent 2022-2023: the answer ends early, after "),
        (first(|_| Does::Says(String::new())), "answered with an empty body"),
        (
            first(|_| Does::Status("503 Service Unavailable", "", String::new())),
            "answered 503 Service Unavailable; retrying in ",
        ),
        (
            first(|_| Does::Status("429 Too Many Requests", "Retry-After: 1", String::new())),
            "429 Too Many Requests and asks to wait 1 s; retrying in 1.0 s",
        ),
        (
            first(|_| {
                Does::Status(
                    "429 Too Many Requests",
                    "Retry-After: Thu, 26 Nov 2020 08:00:30 GMT",
                    String::new(),
                )
            }),
            "429 Too Many Requests and asks to wait 0 s; retrying in 0.",
        ),
        (first(|_| Does::Trickles), "no complete answer within 0.8 s (use a longer --timeout)"),
        (
            first(|_| Does::Waits(Duration::from_secs(5))),
            "no complete answer within 0.8 s (use a longer --timeout)",
        ),
    ] {
        let scratch = Scratch::new();
        let finished = scratch
            .fetched(&server, &[&DAYS[..], &["--retries", "2", "--timeout", "0.8"]].concat());
        assert!(
            finished.stderr.contains(message) && finished.stderr.contains("(retries left: 1)"),
            "expected {message} in {}",
            finished.stderr
        );
        assert_eq!(server.providers(), ["tencent"; 4], "{message}");
        assert_eq!(scratch.text("sh600519.csv"), expected, "{message}");
    }
}

#[test]
fn after_the_last_try_the_next_provider_is_asked() {
    let expected = honest_file();
    for (does, tries, message) in [
        ((|| Does::Drops) as fn() -> Does, 2, "the connection broke off"),
        (
            || Does::Status("429 Too Many Requests", "", String::new()),
            2,
            "answered 429 Too Many Requests; asking eastmoney",
        ),
        (
            || Does::Status("429 Too Many Requests", "Retry-After: 3600", String::new()),
            1,
            "asks to wait 3600 s, more than the limit of 60 s; asking eastmoney",
        ),
    ] {
        let scratch = Scratch::new();
        let server = tencent_that(move |_, _| does());
        let begin = Instant::now();
        let finished = scratch.fetched(&server, &[&DAYS[..], &["--retries", "1"]].concat());
        assert!(begin.elapsed() < Duration::from_secs(5));
        assert!(finished.stderr.contains(message), "expected {message} in {}", finished.stderr);
        assert_eq!(server.providers().len(), 2 * tries + 2, "{message}");
        assert_eq!(scratch.text("sh600519.csv"), expected);
    }
}

#[test]
fn a_provider_that_contradicts_itself_across_windows_is_at_fault() {
    let both = ["600519", "--from", "2019-12-30", "--to", "2021-01-08"];
    let rows_of_both = |change: fn(&str) -> String| {
        tencent_that(move |asked, before| {
            // The second window starts with the last day of the first.
            let mut rows = prices().tencent_rows(&asked.target);
            if before == 1 {
                rows.insert(0, change(r#"["2020-12-31","OPEN","41","43","40","1031"]"#));
            }
            Does::Says(tencent(&asked.target, &rows))
        })
    };
    let scratch = Scratch::new();
    let (_, [open, close, high, low], lots) =
        prices().days(date(2020, 12, 31), date(2020, 12, 31))[0];
    assert_eq!(lots, 1031);
    let same = tencent_that(move |asked, before| {
        let mut rows = prices().tencent_rows(&asked.target);
        if before == 1 {
            rows.insert(0, format!(r#"["2020-12-31",{open},{close},{high},{low},{lots}]"#));
        }
        Does::Says(tencent(&asked.target, &rows))
    });
    scratch.fetched(&same, &both);
    assert_eq!(same.providers(), ["tencent"; 4]);
    let finished = scratch.fetched(
        &rows_of_both(|row| row.replace("OPEN", "42")),
        &[&both[..], &["--force"]].concat(),
    );
    assert!(
        finished
            .stderr
            .contains("tencent 2021-2022: gave 2020-12-31 twice, with different prices: "),
        "{}",
        finished.stderr
    );

    // An empty window before the listing is no fault.
    let young = Server::honest(Prices::new(date(2021, 1, 4), date(2022, 12, 30)));
    let finished = scratch.fetched(&young, &[&both[..], &["--force"]].concat());
    assert!(
        finished.stderr.contains("tencent 2019-2020: 0 days, 1 window left"),
        "{}",
        finished.stderr
    );
    assert_eq!(scratch.text("sh600519.csv").lines().count(), 6);
    // Adjusted prices, then earlier unadjusted ones.
    let mixed = tencent_that(|asked, before| {
        let text = prices().answer(&asked.target);
        Does::Says(if before == 3 { text.replace("hfqday", "day") } else { text })
    });
    let finished = scratch.fetched(&mixed, &[&both[..], &["--force"]].concat());
    let message =
        "tencent: gave hfq prices for some years and unadjusted ones for others; asking eastmoney";
    let is_fine = finished.stderr.contains("note: tencent has no ");
    assert!(finished.stderr.contains(message) && !is_fine, "{}", finished.stderr);
}

#[test]
fn faults_of_eastmoney_and_yahoo_are_named_too() {
    let scratch = Scratch::new();
    let none = concat!(
        r#"{"chart":{"result":null,"error":{"code":"Not Found","#,
        r#""description":"No data found, symbol may be delisted"}}}"#
    );
    let cut = |text: String| text.replacen("\"open\":[", "\"open\":[1,", 1);
    for (name, does, message) in [
        (
            "eastmoney",
            Box::new(|_: String| Does::Says(r#"{"rc":0,"data":7}"#.to_owned()))
                as Box<dyn Fn(String) -> Does + Send + Sync>,
            "expected bars under `klines`, got `7`",
        ),
        (
            "eastmoney",
            Box::new(|_| Does::Says(r#"{"rc":102,"data":null}"#.to_owned())),
            "answered rc 102, expected 0",
        ),
        ("eastmoney", Box::new(|_| Does::Drops), "the connection broke off"),
        (
            "eastmoney",
            Box::new(|text: String| Does::Says(text.replace("2022-02-15,", "15.2.2022,"))),
            "row 2: expected `date,open",
        ),
        (
            "yahoo",
            Box::new(move |_| Does::Status("404 Not Found", "", none.to_owned())),
            "answered `Not Found: No data found",
        ),
        (
            "yahoo",
            Box::new(move |text| Does::Says(cut(text))),
            "expected 5 values of `open`, one a day, got 6",
        ),
        (
            "yahoo",
            Box::new(|_| Does::Status("429 Too Many Requests", "Retry-After: 600", String::new())),
            "asks to wait 600 s",
        ),
    ] {
        let server = Server::new(move |asked, _| does(prices().answer(&asked.target)));
        let finished =
            scratch.fetch(&server, &[&DAYS[..], &["--provider", name, "--retries", "0"]].concat());
        assert_eq!(finished.code, 1, "{}", finished.stderr);
        let start = format!("error: no provider gave bars of sh600519: {name} 2022: ");
        assert!(
            finished.stderr.contains(&start) && finished.stderr.contains(message),
            "expected {message} in {}",
            finished.stderr
        );
        // On status 429, Yahoo's second host is asked.
        let tries = if message.starts_with("asks to wait") { 2 } else { 1 };
        assert_eq!(server.providers(), vec![name; tries], "another provider is not asked");
    }
    // Rows with null in answers of Yahoo are holidays.
    let server = Server::new(|asked, _| {
        let text = prices().answer(&asked.target);
        let first = text.split("\"open\":[").nth(1).unwrap().split(',').next().unwrap().to_owned();
        Does::Says(text.replacen(&format!("\"open\":[{first}"), "\"open\":[null", 1))
    });
    let finished = scratch.fetched(&server, &[&DAYS[..], &["--provider", "yahoo"]].concat());
    assert!(
        finished.stderr.contains("note: yahoo gave 1 row without values, left out"),
        "{}",
        finished.stderr
    );
    assert_eq!(scratch.text("sh600519.csv").lines().count(), 5);
}

#[test]
fn when_all_providers_fail_the_error_lists_each_and_the_file_stays() {
    let scratch = Scratch::new();
    scratch.fetched(&Server::honest(prices()), &DAYS);
    let before = ["sh600519.csv", "sh600519.csv.json"].map(|name| scratch.text(name));
    let server = Server::new(|asked, _| match provider(&asked.target) {
        "tencent" => Does::Says(r#"{"code":1,"msg":"param error","data":[]}"#.to_owned()),
        "eastmoney" => Does::Says(r#"{"rc":0,"data":null}"#.to_owned()),
        _ => Does::Status("404 Not Found", "", "gone".to_owned()),
    });
    let later = ["600519", "--from", "2022-02-14", "--to", "2022-03-04"];
    // With --force, all providers are asked, as for a new file.
    let finished = scratch.fetch(&server, &[&later[..], &["--force"]].concat());
    assert_eq!((finished.code, &finished.stdout[..]), (1, ""));
    let error = finished.stderr.lines().last().unwrap();
    for message in [
        "error: no provider gave bars of sh600519: tencent",
        "answered code 1",
        "; eastmoney",
        "; yahoo",
        "HTTP status 404",
    ] {
        assert!(error.contains(message), "expected {message} in {error}");
    }
    assert_eq!(server.providers(), ["tencent", "tencent", "eastmoney", "yahoo"]);

    // Without a network, the error is one line.
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", closed.local_addr().unwrap());
    drop(closed);
    let begin = Instant::now();
    for args in [&later[..], &[&later[..], &["--force"]].concat()] {
        let finished = scratch.fetch_at(&url, args);
        assert_eq!(finished.code, 1);
        assert!(
            finished.stderr.starts_with(
                "error: no provider could be reached: tencent 2022-2023: Connection refused"
            ),
            "{}",
            finished.stderr
        );
        assert_eq!(finished.stderr.lines().count(), 1, "{}", finished.stderr);
    }
    assert!(begin.elapsed() < Duration::from_secs(20), "{:?}", begin.elapsed());
    assert_eq!(["sh600519.csv", "sh600519.csv.json"].map(|name| scratch.text(name)), before);
    assert_eq!(unfinished(&scratch.path("")).len(), 0);
    assert_eq!(fs::read_dir(scratch.path("")).unwrap().count(), 3, "the lock stays");
}

#[test]
fn an_unreachable_provider_is_reported_when_another_answers() {
    let scratch = Scratch::new();
    let server = Server::honest(prices());
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", closed.local_addr().unwrap());
    drop(closed);
    let mut command = scratch.command(&[&["fetch"], &DAYS[..]].concat());
    command
        .env("RNN_TENCENT_URL", &url)
        .env("RNN_EASTMONEY_URL", &server.url)
        .env("RNN_YAHOO_URL", &server.url);
    for name in ["http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"]
    {
        command.env_remove(name);
    }
    let finished = scratch.finish(command, "");
    assert_eq!(finished.code, 0, "{}", finished.stderr);
    assert!(
        finished.stderr.contains("tencent 2022-2023: Connection refused")
            && finished.stderr.contains("; eastmoney answered"),
        "{}",
        finished.stderr
    );
    assert_eq!(server.providers(), ["eastmoney"; 2]);
}
