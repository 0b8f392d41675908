//! `fetch` and the existing file: concurrent fetches, unfinished days, the first day, volumes.

use std::{
    fs,
    process::Stdio,
    thread,
    time::{Duration, Instant},
};

use jiff::civil::date;

use crate::{
    fetch_server::{Does, FILE, FIRST, Prices, Server, fetched, prices, tencent},
    support::{Scratch, unfinished},
};

/// A correct server with a change to its answers.
fn changed(change: impl Fn(String) -> String + Send + Sync + 'static) -> Server {
    Server::new(move |asked, _| Does::Says(change(prices().answer(&asked.target))))
}

#[test]
fn a_second_fetch_to_the_same_file_is_refused() {
    let scratch = Scratch::new();
    let slow = Server::new(|asked, _| {
        thread::sleep(Duration::from_secs(2));
        Does::Says(prices().answer(&asked.target))
    });
    let mut command = scratch.fetch_command(&slow.url, &FIRST);
    let mut first =
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let begin = Instant::now();
    while slow.asked().is_empty() {
        assert!(begin.elapsed() < Duration::from_secs(60), "the first fetch asks");
        thread::sleep(Duration::from_millis(5));
    }
    let server = Server::honest(prices());
    let second =
        scratch.fetch(&server, &["000001", "--to", "2022-02-18", "--out", FILE, "--force"]);
    assert_eq!((second.code, server.asked().len()), (1, 0), "{}", second.stderr);
    let message = format!("error: sh600519.csv is in use by process {}, since ", first.id());
    assert!(
        second.stderr.contains(&message) && second.stderr.contains("wait for it to end"),
        "{}",
        second.stderr
    );
    assert!(
        !second.stderr.contains("--artifacts") && !second.stderr.contains(".tmp"),
        "{}",
        second.stderr
    );
    assert!(first.wait().unwrap().success());
    assert!(scratch.text(FILE).contains(",600519") && unfinished(&scratch.path("")).is_empty());
    scratch.fetched(&server, &["600519", "--to", "2022-03-04"]);
}

#[test]
fn only_an_unfinished_last_day_is_replaced() {
    let later = ["600519", "--to", "2022-02-18"];
    for (to, done, rows) in [
        ("2022-02-18", "updated the last day of sh600519.csv", 189),
        ("2022-03-04", "added 10 days to", 199),
    ] {
        let scratch = Scratch::new();
        let early = changed(|text| text.replacen("2022-02-18\",\"", "2022-02-18\",\"1", 1));
        scratch.fetched(&early, &FIRST);
        let beside = "sh600519.csv.json";
        // 11:00 in Shanghai.
        let mut sidecar: serde_json::Value = serde_json::from_str(&scratch.text(beside)).unwrap();
        sidecar["fetched_at"] = "2022-02-18T03:00:00Z".into();
        fs::write(scratch.path(beside), sidecar.to_string()).unwrap();
        let server = Server::honest(prices());
        let finished = scratch.fetched(&server, &["600519", "--to", to]);
        assert!(finished.stdout.starts_with(done), "{}", finished.stdout);
        assert!(
            finished
                .stderr
                .contains("2022-02-18 was not over when it was fetched; replacing its row"),
            "{}",
            finished.stderr
        );
        assert!(
            !finished.stderr.contains("rewritten") && !finished.stderr.contains("whole file"),
            "{}",
            finished.stderr
        );
        let honest = Scratch::new();
        honest.fetched(&Server::honest(prices()), &["600519", "--from", "2021-06-01", "--to", to]);
        assert_eq!(scratch.text(FILE), honest.text(FILE));
        assert_eq!(scratch.text(FILE).lines().count(), rows + 1);
        // The day is over now, so no request is sent.
        let asked = server.asked().len();
        let finished = scratch.fetched(&server, &later);
        assert!(
            finished.stdout.contains("is up to date") && server.asked().len() == asked,
            "{}",
            finished.stdout
        );
    }
}

#[test]
fn changed_volumes_replace_the_history() {
    let scratch = fetched();
    let volume = |from: &'static str, to: &'static str| changed(move |text| text.replace(from, to));
    let finished =
        scratch.fetched(&volume("\"1010.000\"", "\"2010.000\""), &["600519", "--to", "2022-02-25"]);
    assert!(
        finished.stderr.contains(
            "its history was rewritten: its volume of 2022-02-10 was 1010, and now is 2010; \
             fetching the whole file again"
        ),
        "{}",
        finished.stderr
    );
    assert!(finished.stdout.starts_with("replaced"), "{}", finished.stdout);
    let finished =
        scratch.fetched(&volume("\"1010.000\"", "\"2011.000\""), &["600519", "--to", "2022-03-04"]);
    assert!(
        finished.stdout.starts_with("added 5 days"),
        "rounded volumes are the same: {}",
        finished.stdout
    );
}

#[test]
fn force_keeps_the_first_day_of_the_previous_file() {
    let scratch = fetched();
    let server = Server::honest(prices());
    let from = || scratch.text("sh600519.csv.json").contains("\"from\": \"2021-06-01\"");
    let message = "note: fetching from 2021-06-01 on, as in sh600519.csv.json (--from sets another \
                first day)";
    let later = ["600519", "--to", "2022-03-04"];
    let finished = scratch.fetched(&server, &[&later[..], &["--force"]].concat());
    assert!(finished.stderr.contains(message) && from(), "{}", finished.stderr);
    fs::remove_file(scratch.path(FILE)).unwrap();
    let finished = scratch.fetched(&server, &later);
    assert!(finished.stderr.contains(message) && from(), "{}", finished.stderr);
    // With a sidecar of another symbol or an unreadable one, the default of ten years.
    for text in
        [scratch.text("sh600519.csv.json").replace("\"sh600519\"", "\"sz000001\""), "{}".to_owned()]
    {
        fs::write(scratch.path("sh600519.csv.json"), text).unwrap();
        let finished = scratch.fetched(&server, &[&later[..], &["--force"]].concat());
        assert!(
            finished.stderr.contains("from 2012-03-04 on, by default ten years"),
            "{}",
            finished.stderr
        );
        assert!(!from());
    }
}

#[test]
fn missing_last_days_are_reported() {
    let scratch = Scratch::new();
    let beside = || scratch.text("sh600519.csv.json");
    let message = "tencent was asked for days to 2022-02-18; the last day it gave is 2022-02-03";
    let finished =
        scratch.fetched(&Server::honest(Prices { last: date(2022, 2, 3), ..prices() }), &FIRST);
    assert!(finished.stderr.contains(message) && beside().contains(message), "{}", finished.stderr);
    let finished = scratch.fetched(&Server::honest(prices()), &["600519", "--to", "2022-02-18"]);
    assert!(
        finished.stdout.starts_with("added 11 days") && beside().contains("\"notes\": []"),
        "{}",
        beside()
    );
    // A holiday is not reported.
    let finished = scratch.fetched(
        &Server::honest(Prices { last: date(2022, 2, 18), ..prices() }),
        &["600519", "--to", "2022-03-04"],
    );
    assert!(
        finished.stdout.contains("up to date") && !finished.stderr.contains("the last day it gave"),
        "{}",
        finished.stderr
    );
}

#[test]
fn a_file_without_the_requested_first_days_is_not_up_to_date() {
    let scratch = fetched();
    let server = Server::honest(prices());
    let finished = scratch.fetch(&server, &["600519", "--to", "2021-05-28"]);
    assert_eq!((finished.code, server.asked().len()), (2, 0));
    let message = "--to 2021-05-28 is before 2021-06-01, the first day of sh600519.csv (use --from \
                for earlier days)";
    assert!(finished.stderr.contains(message), "{}", finished.stderr);
}

#[test]
fn garbage_and_foreign_bars_replace_nothing() {
    const IMPOSSIBLE: &str = "tencent: gave impossible prices (zero or less, a high below the low, \
                              or an open or close outside both) in 189 of 189 rows";
    let negative = Server::honest(Prices { factor: -1.0, ..prices() });
    // Every open is above the high.
    let above = Server::new(|asked, _| {
        let rows = prices().tencent_rows(&asked.target).into_iter();
        let rows: Vec<String> = rows.map(|row| row.replacen("\",\"", "\",\"9", 1)).collect();
        Does::Says(tencent(&asked.target, &rows))
    });
    for (server, provider, adjust, message) in [
        (negative, "tencent", "none", IMPOSSIBLE),
        (Server::honest(Prices { factor: 0.0, ..prices() }), "yahoo", "qfq", "impossible prices"),
        (above, "tencent", "none", IMPOSSIBLE),
        (
            changed(|text| text.replace("600519", "000001")),
            "eastmoney",
            "qfq",
            "answered with bars of `000001`, expected 600519",
        ),
        (
            changed(|text| text.replace("\"meta\":{", "\"meta\":{\"symbol\":\"AAPL\",")),
            "yahoo",
            "qfq",
            "answered with bars of `AAPL`, expected 600519.SS",
        ),
    ] {
        let scratch = Scratch::new();
        let args = [&FIRST[..], &["--provider", provider, "--adjust", adjust]].concat();
        scratch.fetched(&Server::honest(prices()), &args);
        let before = scratch.text(FILE);
        let finished = scratch.fetch(&server, &[&args[..], &["--force"]].concat());
        assert!(
            finished.code == 1 && finished.stderr.contains(message),
            "expected {message} in {}",
            finished.stderr
        );
        assert_eq!(scratch.text(FILE), before);
    }
}

#[test]
fn windows_before_the_listing_may_be_empty() {
    let days = ["600519", "--from", "2010-02-01", "--to", "2022-02-18"];
    for (provider, empty) in [
        ("tencent", r#"{"code":0,"msg":"","data":{"sh600519":[]}}"#),
        ("tencent", r#"{"code":0,"msg":"","data":{"sh600519":{"qt":{}}}}"#),
        ("tencent", r#"{"code":0,"msg":"","data":[]}"#),
        ("eastmoney", r#"{"rc":0,"data":null}"#),
    ] {
        let answer = |is_empty: fn(&str) -> bool| {
            Server::new(move |asked, _| {
                Does::Says(if is_empty(&asked.target) {
                    empty.to_owned()
                } else {
                    prices().answer(&asked.target)
                })
            })
        };
        let args = [&days[..], &["--provider", provider]].concat();
        let scratch = Scratch::new();
        scratch.fetched(
            &answer(|target| target.contains("2010-01-01") || target.contains("beg=20100201")),
            &args,
        );
        assert!(scratch.text(FILE).lines().count() > 400);
        let finished = Scratch::new().fetch(&answer(|_| true), &args);
        let message = "has no bars of sh600519 from 2010-02-01 to 2022-02-18: unknown symbol, or \
                    not traded (check symbol and dates)";
        assert!(finished.code == 1 && finished.stderr.contains(message), "{}", finished.stderr);
        // A window between others must have bars.
        if provider == "tencent" {
            let finished =
                Scratch::new().fetch(&answer(|target| target.contains("2014-01-01")), &args);
            assert!(
                finished.code == 1
                    && finished.stderr.contains("tencent 2014-2015: has no bars of sh600519"),
                "{}",
                finished.stderr
            );
        }
    }
}
