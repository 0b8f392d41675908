use serde_json::Value;

use super::{
    super::{
        file::{parse_settings, searchable, settings_text},
        option_list::Changes,
    },
    *,
};

/// Parses flags.
fn flags<O: OptionList>(args: &[&str]) -> O {
    let command = O::augment_args(clap::Command::new("x"));
    O::from_arg_matches(&command.get_matches_from([&["x"], args].concat())).unwrap()
}

fn parsed(args: &[&str]) -> Options {
    flags(args)
}

#[test]
fn flags_settings_files_and_json_are_equivalent() {
    let flags = parsed(&[
        "--epochs",
        "3",
        "--features",
        "open,log(high/low),\"Adj, close\"",
        "--test",
        "2019-05-01",
        "--valid",
        "0.2",
        "--units",
        "32,16",
    ]);
    let file: Options = toml::from_str(
        "epochs = 3\nfeatures = [\"open\", \"log(high/low)\", \"Adj, close\"]\ntest = \
         2019-05-01\nvalid = 0.2\nunits = [32, 16]\n",
    )
    .unwrap();
    assert_eq!(flags, file);
    assert_eq!(
        serde_json::from_value::<Options>(Value::Object(flags.entries().unwrap())).unwrap(),
        flags
    );
    let again = flags.as_flags().unwrap();
    assert_eq!(parsed(&again.iter().map(String::as_str).collect::<Vec<_>>()), flags);
}

#[test]
fn every_option_has_layers_and_a_help_text() {
    let below = parsed(&["--epochs", "3", "--window", "7", "--skip-bad"]);
    let above = parsed(&["--window", "8"]);
    assert_eq!(above.over(below), parsed(&["--epochs", "3", "--window", "8", "--skip-bad"]));
    for (field, text) in Options::described() {
        assert!(!text.is_empty(), "{}", field.name);
    }
}

options! {
    /// A test list: one line per option makes it known everywhere.
    struct Longer {
        program {}
        "Training" {
            /// Number of repetitions of a step
            @[arg(value_name = "N")]
            Training Noted repeats: Typed<Count> = 3,
            /// Alphabet of the model
            @[arg(value_name = "NAME")]
            Model Same alphabet: String,
            /// Number of scored rows
            @[arg(value_name = "N")]
            Scored Free rows: Typed<Count>,
            /// File of the notes
            @[arg(value_name = "PATH")]
            Data Free notes: PathBuf,
            /// Volume of the output
            @[arg(value_name = "N")]
            Program Free volume: Typed<Quantity>,
        }
    }
}

#[test]
fn a_new_option_has_a_flag_a_key_and_a_line_in_settings_files() {
    let typed: Longer = flags(&["--repeats", "7", "--alphabet", "abc"]);
    assert_eq!(typed, parse_settings("repeats = 7\nalphabet = \"abc\"").unwrap());
    assert_eq!(typed, Longer::default().repeats(7).alphabet("abc"));
    assert_eq!(
        flags::<Longer>(&typed.as_flags().unwrap().iter().map(String::as_str).collect::<Vec<_>>()),
        typed
    );
    let problem = parse_settings::<Longer>("repeat = 7").unwrap_err();
    assert!(problem.contains("unknown key `repeat`; did you mean `repeats`?"), "{problem}");
    let file = settings_text::<Longer>(&typed.entries().unwrap(), |_| true);
    assert!(
        file.contains("# Number of repetitions of a step\nrepeats = 7\n")
            && file.contains("\n#~ rows ="),
        "{file}"
    );
    assert_eq!(parse_settings::<Longer>(&file).unwrap(), typed);
    assert_eq!(Longer::default().rows(2).over(typed.clone()).rows(2), typed.clone().rows(2));
    assert_eq!(typed.clone().over(Longer::defaults()).repeats, typed.repeats);
    assert_eq!(Longer::default().over(Longer::defaults()), Longer::default().repeats(3));
    assert!(
        Longer::default()
            .repeats(0)
            .checked()
            .unwrap_err()
            .to_string()
            .contains("repeats: expected a whole number from 1")
    );
}

#[test]
fn roles_decide_search_resume_and_fingerprint() {
    let run = Longer::default().repeats(7).alphabet("abc").rows(2).notes("notes.txt").volume(1.0);
    let same = |other: Longer| other.fingerprint().unwrap() == run.fingerprint().unwrap();
    assert!(same(run.clone().notes("elsewhere.txt").volume(2.0)));
    assert!(
        !same(run.clone().repeats(8))
            && !same(run.clone().alphabet("abd"))
            && !same(run.clone().rows(3))
    );
    assert_eq!(run.clone().changes_from(&run).unwrap(), Changes::default());
    let other = run.clone().repeats(8).alphabet("abd").rows(3).volume(2.0);
    let changes = other.changes_from(&run).unwrap();
    assert_eq!(changes.refused.unwrap(), "alphabet = abc, not abd");
    assert_eq!(changes.noted, ["repeats 8 (before: 7)"]);
    assert_eq!(searchable::<Longer>("repeats"), Ok(()));
    assert_eq!(searchable::<Longer>("alphabet"), Ok(()));
    assert!(
        searchable::<Longer>("rows").unwrap_err().contains("which values are predicted and scored")
    );
    assert!(searchable::<Longer>("volume").unwrap_err().contains("not a training setting"));
    assert!(searchable::<Longer>("repaets").unwrap_err().contains("did you mean `repeats`?"));
}
