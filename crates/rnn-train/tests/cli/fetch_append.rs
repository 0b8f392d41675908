//! `fetch` with an existing file: new rows, replaced files, unchanged files and refusals.

use std::fs;

use jiff::civil::{Date, date};
use serde_json::Value;

use crate::{
    fetch_server::{Does, FILE, FIRST, Prices, Server, fetched, prices, provider},
    support::Scratch,
};

const LATER: [&str; 3] = ["600519", "--to", "2022-03-04"];

fn both(scratch: &Scratch) -> [String; 2] {
    [FILE, "sh600519.csv.json"].map(|name| scratch.text(name))
}

fn sidecar(scratch: &Scratch) -> Value {
    serde_json::from_str(&both(scratch)[1]).unwrap()
}

/// The file after one fetch of all days.
fn whole(prices: Prices, from: &str, to: &str) -> String {
    let scratch = Scratch::new();
    scratch.fetched(&Server::honest(prices), &["600519", "--from", from, "--to", to]);
    scratch.text(FILE)
}

#[test]
fn new_days_are_added_after_an_equal_overlap() {
    let scratch = fetched();
    let server = Server::honest(prices());
    let before = both(&scratch);
    let finished = scratch.fetched(&server, &LATER);
    assert!(finished.stdout.contains("added 10 days to sh600519.csv: "), "{}", finished.stdout);
    assert_eq!(scratch.text(FILE), whole(prices(), "2021-06-01", "2022-03-04"));
    assert!(scratch.text(FILE).starts_with(&before[0]));
    let after = sidecar(&scratch);
    assert_eq!(
        (&after["from"], &after["to"], &after["last"]),
        (&"2021-06-01".into(), &"2022-03-04".into(), &"2022-03-04".into())
    );
    assert_eq!(server.targets().len(), 2, "the overlap is in the window of the new days");

    // A repeated fetch sends no request; on a weekend, the request brings nothing new.
    let before = both(&scratch);
    let finished = scratch.fetched(&server, &LATER);
    assert!(finished.stdout.contains("sh600519.csv is up to date: "), "{}", finished.stdout);
    assert!(!finished.stdout.contains("next:"), "{}", finished.stdout);
    assert_eq!(server.targets().len(), 2);
    let sunday = ["600519", "--from", "2022-01-04", "--to", "2022-03-06", "--json"];
    let outcome: Value = serde_json::from_str(&scratch.fetched(&server, &sunday).stdout).unwrap();
    assert_eq!(
        (&outcome["happened"], &outcome["added"], &outcome["last"]),
        (&"unchanged".into(), &0.into(), &"2022-03-04".into())
    );
    assert_eq!(server.targets().len(), 4);
    assert_eq!(both(&scratch), before, "not a byte is touched");
}

#[test]
fn a_fetch_killed_between_its_renames_is_completed_by_the_next() {
    let scratch = fetched();
    let server = Server::honest(prices());
    let [_, old] = both(&scratch);
    scratch.fetched(&server, &LATER);
    let after = both(&scratch);
    // The state after the first of the two renames.
    fs::rename(scratch.path("sh600519.csv.json"), scratch.path(".sh600519.csv.json.tmp")).unwrap();
    fs::write(scratch.path("sh600519.csv.json"), old).unwrap();
    let finished = scratch.fetched(&server, &LATER);
    assert!(finished.stderr.contains("completing an interrupted fetch"), "{}", finished.stderr);
    assert!(finished.stdout.contains("is up to date"), "{}", finished.stdout);
    assert_eq!(both(&scratch), after);
    assert!(!scratch.path(".sh600519.csv.json.tmp").exists());

    // A temporary sidecar of another file is no repair.
    fs::write(scratch.path(".sh600519.csv.json.tmp"), &after[1]).unwrap();
    fs::write(scratch.path(FILE), after[0].replace("2022-03-04", "2022-03-05")).unwrap();
    let refused = scratch.fetch(&server, &LATER);
    assert!(refused.stderr.contains("does not match its sidecar"), "{}", refused.stderr);
}

#[test]
fn rewritten_history_replaces_the_whole_file_with_a_note() {
    let scratch = fetched();
    let paid = Prices { factor: 0.98, ..prices() };
    let close = |prices: &Prices, day: Date| prices.days(day, day)[0].1[1];
    let first = date(2022, 1, 24);
    let finished = scratch.fetched(&Server::honest(paid), &LATER);
    let message = format!(
        "sh600519.csv: its history was rewritten (forward-adjusted prices are at every dividend): \
         its close of {first} was {}, and now is {}; fetching the whole file again",
        close(&prices(), first),
        close(&paid, first)
    );
    assert!(finished.stderr.contains(&message), "expected {message} in {}", finished.stderr);
    assert!(finished.stdout.contains("replaced sh600519.csv: "), "{}", finished.stdout);
    assert!(
        scratch.text(FILE) == whole(paid, "2021-06-01", "2022-03-04"),
        "no row of the old adjustment is left"
    );
    assert_eq!(sidecar(&scratch)["from"], "2021-06-01");
}

#[test]
fn a_changed_last_day_or_adjustment_replaces_the_file() {
    let changed = |change: fn(String) -> String| {
        Server::new(move |asked, _| Does::Says(change(prices().answer(&asked.target))))
    };
    let last = || changed(|text| text.replacen("2022-02-18\",\"", "2022-02-18\",\"1", 1));
    for (server, message) in [
        (last(), "sh600519.csv: its last day changed: its open of 2022-02-18 was "),
        (
            changed(|text| text.replace("hfqday", "day")),
            "sh600519.csv: tencent now gives unadjusted prices, unlike before",
        ),
    ] {
        let scratch = fetched();
        let finished = scratch.fetched(&server, &LATER);
        assert!(
            finished.stderr.contains(message) && finished.stdout.starts_with("replaced"),
            "expected {message} in {}",
            finished.stderr
        );
        // Later fetches extend the file.
        let finished = scratch.fetched(&server, &["600519", "--to", "2022-03-11"]);
        assert!(finished.stdout.starts_with("added 5 days"), "{}", finished.stdout);
    }
}

#[test]
fn an_earlier_first_day_fetches_all_days_again() {
    let scratch = fetched();
    let server = Server::honest(prices());
    let finished =
        scratch.fetched(&server, &["600519", "--from", "2020-05-04", "--to", "2022-01-07"]);
    assert_eq!(finished.code, 0);
    assert!(
        finished.stderr.contains(
            "sh600519.csv: began on 2021-06-01, requested 2020-05-04; fetched the whole file \
             again"
        ),
        "{}",
        finished.stderr
    );
    assert!(finished.stdout.contains("replaced"), "{}", finished.stdout);
    // The days of the file stay.
    assert!(scratch.text(FILE) == whole(prices(), "2020-05-04", "2022-02-18"));
    assert_eq!(
        (&sidecar(&scratch)["from"], &sidecar(&scratch)["to"]),
        (&"2020-05-04".into(), &"2022-02-18".into())
    );
}

#[test]
fn rows_of_two_providers_are_never_mixed() {
    let scratch = fetched();
    let server = Server::new(|asked, _| match provider(&asked.target) {
        "tencent" => Does::Status("404 Not Found", "", String::new()),
        _ => Does::Says(prices().answer(&asked.target)),
    });
    // A failure does not switch the provider of a file; --provider does.
    let before = both(&scratch);
    let finished = scratch.fetch(&server, &LATER);
    let message = "sh600519.csv is unchanged, since its prices are from tencent and providers \
                cannot be mixed (try again later, or replace the whole file with --provider NAME)";
    assert!(finished.code == 1 && finished.stderr.contains(message), "{}", finished.stderr);
    assert_eq!((server.providers(), both(&scratch)), (vec!["tencent"; 2], before));
    let finished = scratch.fetched(&server, &[&LATER[..], &["--provider", "eastmoney"]].concat());
    let message = "sh600519.csv: was from tencent, whose prices cannot be mixed with those of \
                eastmoney; fetched the whole file again";
    assert!(finished.stderr.contains(message), "{}", finished.stderr);
    assert_eq!(server.providers(), ["tencent", "tencent", "eastmoney", "eastmoney"]);
    assert!(server.targets()[2].contains("beg=20210601&end=20220304"));
    assert_eq!(
        (&sidecar(&scratch)["provider"], &sidecar(&scratch)["rows"]),
        (&"eastmoney".into(), &199.into())
    );

    // From now on, EastMoney is asked first.
    let server = Server::honest(prices());
    scratch.fetched(&server, &["600519", "--to", "2022-03-18"]);
    assert_eq!(server.providers(), ["eastmoney"; 2]);
    let finished =
        scratch.fetched(&server, &["600519", "--to", "2022-03-01", "--provider", "yahoo"]);
    assert!(
        finished
            .stderr
            .contains("was from eastmoney, whose prices cannot be mixed with those of yahoo"),
        "{}",
        finished.stderr
    );
    assert_eq!(
        (&sidecar(&scratch)["provider"], &sidecar(&scratch)["last"]),
        (&"yahoo".into(), &"2022-03-18".into())
    );
}

#[test]
fn a_provider_with_fewer_days_than_the_file_is_at_fault() {
    let named = [&LATER[..], &["--provider", "tencent"]].concat();
    for (server, message) in [
        // Missing: a day in the overlap, the whole overlap, the newest days, or the oldest days of
        // a rewritten history.
        (
            Server::new(|asked, _| {
                let rows = prices()
                    .tencent_rows(&asked.target)
                    .into_iter()
                    .filter(|row| !row.contains("2022-02-10"));
                Does::Says(crate::fetch_server::tencent(&asked.target, &rows.collect::<Vec<_>>()))
            }),
            "tencent: gave no bar of 2022-02-10, a day in sh600519.csv",
        ),
        (
            Server::honest(Prices { first: date(2022, 2, 21), ..prices() }),
            "tencent: gave no bar of 2022-01-24, a day in sh600519.csv",
        ),
        (
            Server::honest(Prices { last: date(2022, 2, 15), ..prices() }),
            "tencent: gave no bar of 2022-02-16",
        ),
        (
            Server::honest(Prices { last: date(2021, 12, 31), ..prices() }),
            "tencent: has no bars of sh600519 from 2022-01-24 to 2022-03-04",
        ),
        (
            Server::honest(Prices { first: date(2021, 9, 1), factor: 0.9, ..prices() }),
            "tencent: lacks 66 days of sh600519.csv, the first 2021-06-01 (use --force to replace \
             the file anyway)",
        ),
        // A gap in the middle of a rewritten history.
        (
            Server::new(|asked, _| {
                let paid = Prices { factor: 0.9, ..prices() };
                let rows = paid
                    .tencent_rows(&asked.target)
                    .into_iter()
                    .filter(|row| !row.contains("2021-09-0"));
                Does::Says(crate::fetch_server::tencent(&asked.target, &rows.collect::<Vec<_>>()))
            }),
            "tencent: lacks 7 days of sh600519.csv, the first 2021-09-01",
        ),
    ] {
        let scratch = fetched();
        let before = both(&scratch);
        let finished = scratch.fetch(&server, &named);
        assert_eq!(finished.code, 1, "{}", finished.stderr);
        assert!(finished.stderr.contains(message), "expected {message} in {}", finished.stderr);
        assert_eq!(both(&scratch), before);
    }
}

#[test]
fn foreign_files_are_refused_without_force() {
    let scratch = fetched();
    let server = Server::honest(prices());
    let good = both(&scratch);
    fs::write(scratch.path("mine.csv"), "date,open\n2020-01-01,1\n").unwrap();
    fs::write(scratch.path("note.csv.json"), "{\"mine\": true}").unwrap();
    fs::create_dir(scratch.path("folder")).unwrap();
    fs::create_dir_all(scratch.path("taken.csv.json")).unwrap();
    let out = |name: &'static str| [&LATER[..], &["--out", name]].concat();
    for (args, message) in [
        (
            vec!["000001", "--to", "2022-03-04", "--out", FILE],
            "sh600519.csv: holds qfq prices of sh600519, expected qfq prices of sz000001 (choose \
             another --out, or use --force to replace it)",
        ),
        (
            [&LATER[..], &["--adjust", "hfq"]].concat(),
            "sh600519.csv: holds qfq prices of sh600519, expected hfq prices of sh600519 (choose \
             another --out, or use --force to replace it)",
        ),
        (
            out("mine.csv"),
            "mine.csv: exists, but not from `rnn-train fetch`: mine.csv.json is missing",
        ),
        (
            out("note.csv"),
            "note.csv.json: expected layout 1, got null (use --force to replace both files)",
        ),
        (out("folder"), "folder: is a folder"),
        (out("taken.csv"), "taken.csv: cannot have a sidecar: its name with .json is a folder"),
        (out("nowhere/x.csv"), "nowhere/x.csv: cannot be written: its folder does not exist"),
        (out(".."), "..: is a folder"),
    ] {
        let finished = scratch.fetch(&server, &args);
        assert_eq!(finished.code, 1, "{args:?}: {}", finished.stderr);
        assert!(
            finished.stderr.contains(message),
            "{args:?}: expected {message} in {}",
            finished.stderr
        );
    }
    for (name, text) in [
        (FILE, good[0].replacen("50.", "51.", 1)),
        (FILE, good[0].clone() + "1,2\n"),
        // As if a fetch was killed between the two files.
        (FILE, whole(prices(), "2021-06-01", "2022-03-04")),
        (FILE, String::new()),
        ("sh600519.csv.json", good[1].replacen("\"rows\": 189", "\"rows\": 188", 1)),
        ("sh600519.csv.json", good[1][..40].to_owned()),
    ] {
        [FILE, "sh600519.csv.json"]
            .iter()
            .zip(&good)
            .for_each(|(name, text)| fs::write(scratch.path(name), text).unwrap());
        fs::write(scratch.path(name), text).unwrap();
        let before = both(&scratch);
        assert_ne!(before, good);
        let finished = scratch.fetch(&server, &LATER);
        assert_eq!(finished.code, 1, "{}", finished.stderr);
        let is_said = ["does not match its sidecar", "expected a sidecar of `rnn-train fetch`"]
            .iter()
            .any(|message| finished.stderr.contains(message));
        assert!(
            is_said && finished.stderr.contains("use --force to replace"),
            "{}",
            finished.stderr
        );
        assert_eq!(both(&scratch), before);
    }
    assert_eq!(server.asked().len(), 0, "what is refused is not asked for");
    for (args, name) in
        [(out("mine.csv"), "mine.csv"), (out("note.csv"), "note.csv"), (LATER.to_vec(), FILE)]
    {
        scratch.fetched(&server, &[&args[..], &["--from", "2021-06-01", "--force"]].concat());
        assert_eq!(scratch.text(name), whole(prices(), "2021-06-01", "2022-03-04"));
    }
}

#[cfg(unix)]
#[test]
fn a_link_keeps_its_target() {
    let scratch = Scratch::new();
    let server = Server::honest(prices());
    fs::create_dir(scratch.path("data")).unwrap();
    scratch.fetched(&server, &[&FIRST[..], &["--out", "data/x.csv"]].concat());
    std::os::unix::fs::symlink("data/x.csv", scratch.path("x.csv")).unwrap();
    scratch.fetched(&server, &[&LATER[..], &["--out", "x.csv"]].concat());
    assert!(
        scratch.path("x.csv").is_symlink()
            && !scratch.path("x.csv.json").exists()
            && !scratch.path(".x.csv.lock").exists()
    );
    assert!(scratch.text("data/x.csv.json").contains("2022-03-04"));
    std::os::unix::fs::symlink("nowhere", scratch.path("y.csv")).unwrap();
    let finished = scratch.fetch(&server, &[&LATER[..], &["--out", "y.csv"]].concat());
    assert!(
        finished.code == 1 && finished.stderr.contains("y.csv: is a dangling link"),
        "{}",
        finished.stderr
    );
    assert_eq!(scratch.text("data/x.csv"), whole(prices(), "2021-06-01", "2022-03-04"));
}
