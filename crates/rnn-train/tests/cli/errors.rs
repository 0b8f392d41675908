//! Bad input: a clear error, the right exit code, nothing lost, never a panic.

use std::fs;

use crate::support::{Scratch, price_text, quick};

#[test]
fn wrong_usage_exits_2() {
    let scratch = Scratch::new();
    for (args, expected) in [
        (&["train", "stock-lsmt"][..], "did you mean `stock-lstm`"),
        (&["train", "letters-onehot-1", "--epochs", "0"], "from 1 to 1,000,000"),
        (&["train", "letters-onehot-1", "--batch-size", "0"], "from 1 to 1,000,000"),
        (
            &["train", "letters-onehot-1", "--batch-size", "18446744073709551615"],
            "from 1 to 1,000,000",
        ),
        (&["train", "letters-onehot-1", "--progress", "tui"], "needs a terminal"),
        (&["train", "letters-onehot-1", "--learning-rate", "-1"], "above 0"),
        (&["train", "letters-onehot-1", "--learning-rate", "nan"], "above 0"),
        (
            &["train", "letters-onehot-1", "--data", "prices.csv"],
            "--data: needs a time-series experiment",
        ),
        (&["train"], "<EXPERIMENT>"),
        (&["fly"], "unrecognized subcommand"),
        (&["list", "--backend", "cuda"], "invalid value 'cuda'"),
    ] {
        scratch.fails(args, 2, expected);
    }
}

#[test]
fn bad_price_files_are_refused_with_line_and_column() {
    let scratch = Scratch::new();
    let good = price_text(400);
    let change = |from: &str, to: &str| good.replacen(from, to, 1);
    let third = good.lines().nth(3).unwrap();
    let open = third.split(',').nth(2).unwrap();
    for (name, text, expected) in [
        ("empty.csv", String::new(), "line 1: the file is empty"),
        ("no-open.csv", change(",open,", ",start,"), "line 1: column `open` is missing"),
        ("two-opens.csv", change(",close,", ",open,"), "column `open` appears 2 times"),
        (
            "word.csv",
            change(open, "abc"),
            "line 4, column `open`: expected a finite number, got `abc`",
        ),
        (
            "infinite.csv",
            change(open, "inf"),
            "line 4, column `open`: expected a finite number, got `inf`",
        ),
        (
            "date.csv",
            change("2015-01-03", "3/1/15"),
            "line 4, column `date`: expected a date like 2020-04-24, got `3/1/15`",
        ),
        (
            "repeat.csv",
            change("2015-01-03", "2015-01-02"),
            "line 4, column `date`: expected a date after 2015-01-02",
        ),
        (
            "back.csv",
            change("2015-01-03", "2014-01-02"),
            "line 4, column `date`: expected a date after 2015-01-02",
        ),
        ("short.csv", price_text(360), "360 rows are too few: 361 are needed, as "),
        ("ragged.csv", change(third, "1,2"), "line 4: expected 8 values as in the header, got 2"),
    ] {
        fs::write(scratch.path(name), text).unwrap();
        scratch.fails(&["train", "stock-rnn", "--data", name], 1, expected);
    }
    scratch.fails(
        &["train", "stock-rnn", "--data", "nowhere.csv"],
        1,
        "nowhere.csv: cannot be read",
    );
    let header = good.lines().next().unwrap();
    let constant: String = good
        .lines()
        .skip(1)
        .map(|line| {
            let mut values: Vec<&str> = line.split(',').collect();
            values[2] = "7";
            values.join(",") + "\n"
        })
        .collect();
    fs::write(scratch.path("constant.csv"), format!("{header}\n{constant}")).unwrap();
    scratch.fails(
        &["train", "stock-rnn", "--data", "constant.csv"],
        1,
        "every training value is 7",
    );
    assert!(
        !scratch.path("artifacts").exists(),
        "nothing is written for input that cannot be used"
    );
}

#[test]
fn prices_at_or_below_zero_are_only_a_warning() {
    let scratch = Scratch::new();
    let text = price_text(400).replacen("100.000", "-3.5", 1);
    fs::write(scratch.path("adjusted.csv"), text).unwrap();
    let finished = scratch.ok(&["train", "stock-rnn", "--data", "adjusted.csv", "--epochs", "1"]);
    assert!(
        finished
            .stderr
            .contains("warning: adjusted.csv: prices at or below zero in 1 row (first on line 2)"),
        "{}",
        finished.stderr
    );
}

#[test]
fn bad_letters_are_refused() {
    let scratch = Scratch::new();
    scratch.ok(&["train", "letters-onehot-4", "--epochs", "1", "--progress", "none"]);
    scratch.fails(
        &["predict", "letters-onehot-4", "abcx"],
        2,
        "error: `x` is not in the alphabet (use letters from `a` to `e`)",
    );
    scratch.fails(&["predict", "letters-onehot-4", "abc"], 2, "expected 4 letters, got 3: `abc`");
    scratch.fails(&["predict", "letters-onehot-4", "--json"], 2, "needs the letters as arguments");
    let finished = scratch.run_with_input(&["predict", "letters-onehot-4"], "many\n");
    assert_eq!(finished.code, 2);
    assert!(
        finished.stderr.contains("expected a number of predictions, got `many`"),
        "{}",
        finished.stderr
    );
}

#[test]
fn errors_of_untrained_experiments_show_the_train_command() {
    let scratch = Scratch::new();
    for args in [
        &["evaluate", "stock-gru"][..],
        &["predict", "letters-onehot-1", "a"],
        &["export", "stock-rnn", "--format", "text", "--out", "x.txt"],
    ] {
        scratch.fails(args, 1, ": not trained yet in artifacts");
    }
}

#[test]
fn unusable_folders_are_named() {
    let scratch = Scratch::new();
    fs::write(scratch.path("file"), "").unwrap();
    scratch.fails(&["train", "letters-onehot-1", "--artifacts", "file"], 1, "cannot be written");

    scratch.ok(&["train", "letters-onehot-1", "--epochs", "1", "--progress", "none"]);
    let config = scratch.read("letters-onehot-1", "config.json");
    let write = |text: String| {
        fs::write(scratch.artifact("letters-onehot-1", "config.json"), text).unwrap()
    };
    write(config.replace("\"parameters\": 47", "\"parameters\": 99"));
    scratch.fails(
        &["train", "letters-onehot-1"],
        1,
        "config.json: expected the config of a run, but it does not match its checksum",
    );
    scratch.ok(&["train", "letters-onehot-4", "--epochs", "1", "--progress", "none"]);
    write(scratch.read("letters-onehot-4", "config.json"));
    scratch.fails(
        &["train", "letters-onehot-1"],
        1,
        "belongs to letters-onehot-4, expected letters-onehot-1",
    );
    write(config.replace("\"format\": 3", "\"format\": 4"));
    scratch.fails(
        &["train", "letters-onehot-1"],
        1,
        "was written by a newer version of this program (layout 4, this one reads 3)",
    );
    write("{".to_owned());
    scratch.fails(&["train", "letters-onehot-1"], 1, "expected the config of a run");
    scratch.ok(&["train", "letters-onehot-1", "--epochs", "1", "--fresh", "--progress", "none"]);
}

#[test]
fn a_model_of_other_sizes_is_refused_with_both_sizes() {
    let scratch = Scratch::new();
    for units in ["4", "5"] {
        scratch.train("series", &["--units", units, "--artifacts", units]);
    }
    let checkpoint = |root: &str| scratch.path(root).join("series/checkpoint");
    fs::remove_dir_all(checkpoint("4")).unwrap();
    fs::rename(checkpoint("5"), checkpoint("4")).unwrap();
    let config = fs::read_to_string(scratch.path("4/series/config.json")).unwrap();
    scratch.fails(&["train", "series", "--artifacts", "4"], 1, "holds another model");
    scratch.fails(&["evaluate", "series", "--artifacts", "4"], 1, "record has [");
    assert_eq!(
        fs::read_to_string(scratch.path("4/series/config.json")).unwrap(),
        config,
        "nothing is written before the checkpoint is read"
    );
    scratch.train("series", &["--artifacts", "4", "--fresh"]);
}

#[test]
fn settings_files_are_checked() {
    let scratch = Scratch::new();
    for (text, expected) in [
        ("epoch = 3\n", "unknown key `epoch`; did you mean `epochs`?"),
        ("seed = 1\nepochs = \"many\"\n", "line 2"),
        ("epochs = 0\n", "expected a whole number from 1 to 1,000,000, got `0`"),
        ("learning_rate = 0.0\n", "expected a number above 0, got `0`"),
    ] {
        fs::write(scratch.path("run.toml"), text).unwrap();
        scratch.fails(&["train", "letters-onehot-1", "--config", "run.toml"], 1, expected);
    }
    scratch.fails(&["list", "--config", "nowhere.toml"], 1, "nowhere.toml: cannot be read");
}

#[test]
fn a_nan_loss_stops_the_run_and_keeps_the_best_checkpoint() {
    let scratch = Scratch::new();
    scratch.ok(&["train", "letters-onehot-1", "--epochs", "3", "--progress", "none"]);
    let args = [
        "train",
        "letters-onehot-1",
        "--epochs",
        "50",
        "--learning-rate",
        "1e38",
        "--progress",
        "none",
    ];
    // The first step changes the weights; the second computes their loss.
    scratch.fails(
        &args,
        1,
        "training stopped: the loss is NaN after epoch 4; the best epoch was 3 \
         (use a smaller --learning-rate, or --clip-norm 1)",
    );
    assert_eq!(scratch.json(&["evaluate", "letters-onehot-1", "--json"])["best_epoch"], 3);
    // The next run does not start from the broken weights.
    scratch.ok(&["train", "letters-onehot-1", "--epochs", "1", "--progress", "none"]);
    // Inside an epoch, the message names the step.
    let features = ["--features", "open,close,high,low,volume"];
    let large = ["--learning-rate", "1e38", "--batch-size", "8"];
    let args = quick(&["train", "series"], &[&large[..], &features].concat());
    scratch.fails(
        &args,
        1,
        "at step 2 of epoch 1; there is no checkpoint yet (use a smaller --learning-rate, or \
         --clip-norm 1)",
    );
    // Also after a save: resuming from there would fail again.
    let args = [&args[..], &["--checkpoint-every-seconds", "1e-9"]].concat();
    scratch.fails(&args, 1, "; there is no checkpoint yet (use a smaller --learning-rate");
    let going_on = scratch.train("series", &features);
    assert!(!going_on.stderr.contains("continuing from"), "{}", going_on.stderr);
}

#[test]
fn a_failed_fresh_run_keeps_the_previous_run() {
    let scratch = Scratch::new();
    scratch.ok(&["train", "letters-onehot-1", "--epochs", "3", "--progress", "none"]);
    let weights = scratch.read("letters-onehot-1", "weights.txt");
    let args = [
        "train",
        "letters-onehot-1",
        "--fresh",
        "--epochs",
        "5",
        "--learning-rate",
        "1e38",
        "--progress",
        "none",
    ];
    scratch.fails(&args, 1, "(use a smaller --learning-rate");
    assert_eq!(scratch.read("letters-onehot-1", "weights.txt"), weights);
    assert_eq!(scratch.json(&["evaluate", "letters-onehot-1", "--json"])["best_epoch"], 3);
    // A folder in place of a result file is backed up, too.
    fs::remove_file(scratch.artifact("letters-onehot-1", "loss.png")).unwrap();
    fs::create_dir(scratch.artifact("letters-onehot-1", "loss.png")).unwrap();
    scratch.ok(&["train", "letters-onehot-1", "--fresh", "--epochs", "1", "--progress", "none"]);
    assert!(
        scratch.artifact("letters-onehot-1", "loss.png").is_file()
            && !scratch.artifact("letters-onehot-1", ".before").exists()
    );
}

#[test]
fn exports_write_only_their_target() {
    let scratch = Scratch::new();
    scratch.ok(&["train", "letters-onehot-1", "--epochs", "1", "--progress", "none"]);
    let export =
        |out: &str| scratch.run(&["export", "letters-onehot-1", "--format", "text", "--out", out]);
    scratch.fails(
        &["export", "letters-onehot-1", "--format", "text", "--out", "nowhere/x"],
        1,
        "nowhere/x: cannot be written",
    );
    scratch.fails(
        &["export", "letters-onehot-1", "--format", "text", "--out", "artifacts"],
        1,
        "cannot be written",
    );
    #[cfg(unix)]
    {
        fs::write(scratch.path("target.txt"), "old").unwrap();
        std::os::unix::fs::symlink(scratch.path("target.txt"), scratch.path("link.txt")).unwrap();
        assert_eq!(export("link.txt").code, 0);
        assert!(
            fs::symlink_metadata(scratch.path("link.txt")).unwrap().is_symlink(),
            "a link stays a link"
        );
        assert!(fs::read_to_string(scratch.path("target.txt")).unwrap().starts_with("rnn.kernel"));
        assert_eq!(export("/dev/null").code, 0);
        assert!(!fs::metadata("/dev/null").unwrap().is_file(), "a device stays a device");
        let finished = scratch.run(&["list"]);
        assert_eq!(finished.code, 0);
    }
    assert_eq!(crate::support::unfinished(&scratch.path("artifacts")).len(), 0);
}

#[cfg(target_os = "linux")]
#[test]
fn results_that_cannot_be_written_fail_the_command() {
    let scratch = Scratch::new();
    let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let status = scratch
        .command(&["list"])
        .stdout(full)
        .stderr(std::process::Stdio::null())
        .status()
        .unwrap();
    assert_eq!(status.code(), Some(1));
}

#[test]
fn unpredictable_days_are_named() {
    let scratch = Scratch::new();
    let data = scratch.prices("prices.csv", 420);
    scratch.ok(&["train", "stock-rnn", "--epochs", "1", "--data", &data, "--progress", "none"]);
    scratch.fails(&["predict", "stock-rnn", "tomorrow"], 2, "expected a date like 2020-04-24");
    scratch.fails(
        &["predict", "stock-rnn", "1999-01-01"],
        2,
        "1999-01-01: not a date of prices.csv, which has 2015-01-01 to 2016-02-24",
    );
    scratch.fails(
        &["predict", "stock-rnn", "2015-01-20"],
        2,
        "the prediction needs 60 rows before it (choose 2015-03-02 or later)",
    );
}

#[cfg(feature = "wgpu")]
#[test]
fn wgpu_without_an_adapter_is_an_error_and_auto_takes_the_cpu() {
    let scratch = Scratch::new();
    let without_adapters = |args: &[&str]| {
        let mut command = scratch.command(args);
        let hide = [
            "VK_DRIVER_FILES",
            "VK_ICD_FILENAMES",
            "LIBGL_DRIVERS_PATH",
            "__EGL_VENDOR_LIBRARY_FILENAMES",
        ];
        for name in hide {
            command.env(name, "/nonexistent");
        }
        scratch.finish(command, "")
    };
    let finished = without_adapters(&["train", "letters-onehot-1", "--backend", "wgpu"]);
    assert_eq!(finished.code, 1, "{}", finished.stderr);
    assert!(
        finished.stderr.contains("--backend wgpu: no graphics adapter was found"),
        "{}",
        finished.stderr
    );
    let finished = without_adapters(&["train", "letters-onehot-1", "--epochs", "1"]);
    assert_eq!(finished.code, 0, "{}", finished.stderr);
    assert!(
        finished.stderr.contains("backend ndarray (CPU): no hardware graphics adapter was found"),
        "{}",
        finished.stderr
    );
    // Burn restores an optimizer on its default device, which is the GPU that is not there.
    let finished =
        without_adapters(&["train", "letters-onehot-1", "--epochs", "1", "--backend", "ndarray"]);
    assert_eq!(finished.code, 0, "{}", finished.stderr);
    assert!(finished.stderr.contains("continuing from epoch 1"), "{}", finished.stderr);
}

#[cfg(not(feature = "wgpu"))]
#[test]
fn wgpu_without_its_feature_shows_the_build_command() {
    let scratch = Scratch::new();
    scratch.fails(
        &["train", "letters-onehot-1", "--backend", "wgpu"],
        1,
        "cargo run -p rnn-train --features wgpu",
    );
}
