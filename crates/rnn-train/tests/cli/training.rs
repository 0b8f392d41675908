//! Early stopping, losses, optimizers, and the sources of settings.

use std::{collections::BTreeMap, fs};

use crate::support::{Scratch, bars, quick};

#[test]
fn patience_stops_training_and_the_best_weights_are_restored() {
    let scratch = Scratch::new();
    let data = scratch.file("bars.csv", bars(200));
    let finished = scratch.train(
        "series",
        &["--data", &data, "--patience", "2", "--epochs", "100", "--learning-rate", "0.1"],
    );
    let evaluation = scratch.read_json("series", "evaluation.json");
    let (best, (_, rows)) = (
        evaluation["best_epoch"].as_u64().unwrap() as usize,
        scratch.read_csv("series", "metrics.csv"),
    );
    assert_eq!(rows.len(), best + 2, "two epochs after the best");
    let message = format!(
        "stopped early after epoch {} of 100: the loss has not improved for 2 epochs \
             (--patience)",
        best + 2
    );
    assert!(finished.stderr.contains(&message), "expected {message} in {}", finished.stderr);
    // A run of as many epochs as the best one gives the same weights.
    scratch.train(
        "series",
        &[
            "--data",
            &data,
            "--fresh",
            "--artifacts",
            "again",
            "--epochs",
            &best.to_string(),
            "--learning-rate",
            "0.1",
        ],
    );
    let again = fs::read_to_string(scratch.path("again/series/weights.txt")).unwrap();
    assert!(again == scratch.read("series", "weights.txt"), "weights of epoch {best}");
}

#[test]
fn optimizer_clipping_loss_and_samples_change_the_weights_and_are_kept() {
    let scratch = Scratch::new();
    let data = scratch.file("bars.csv", bars(200));
    let mut seen = BTreeMap::new();
    for (flags, key, value) in [
        (&["--optimizer", "adam"][..], "optimizer", serde_json::json!("adam")),
        (&["--optimizer", "adamw", "--weight-decay", "0.5"], "weight_decay", 0.5.into()),
        (&["--optimizer", "sgd"], "momentum", 0.9.into()),
        (&["--optimizer", "sgd", "--momentum", "0"], "momentum", 0.into()),
        (&["--optimizer", "rmsprop"], "optimizer", "rmsprop".into()),
        (&["--optimizer", "adam", "--clip-norm", "0.001"], "clip_norm", 0.001.into()),
        (&["--optimizer", "adam", "--loss", "mae"], "loss", "mae".into()),
        (&["--optimizer", "adam", "--loss", "huber"], "loss", "huber".into()),
        (&["--optimizer", "adam", "--samples", "40"], "samples", 40.into()),
        (&["--optimizer", "adam", "--dropout", "0.5"], "dropout", 0.5.into()),
        (&["--optimizer", "adam", "--cell", "gru"], "cell", "gru".into()),
        (
            &["--optimizer", "adam", "--cell", "simple-rnn", "--units", "3,2"],
            "units",
            serde_json::json!([3, 2]),
        ),
    ] {
        let others = [["--loss", "mse"], ["--weight-decay", "0"], ["--clip-norm", "0"]];
        let others = others.iter().filter(|flag| !flags.contains(&flag[0])).flatten().copied();
        let args: Vec<&str> = ["--data", &data, "--fresh"]
            .into_iter()
            .chain(others)
            .chain(flags.iter().copied())
            .collect();
        scratch.train("series", &args);
        assert_eq!(scratch.read_json("series", "config.json")["options"][key], value, "{flags:?}");
        if let Some(other) = seen.insert(scratch.read("series", "weights.txt"), flags) {
            panic!("{flags:?} and {other:?} give the same weights");
        }
    }
}

#[test]
fn a_printed_config_is_an_equivalent_settings_file() {
    let scratch = Scratch::new();
    let data = scratch.file("bars.csv", bars(700));
    let list = scratch.json(&["list", "--json"]);
    for experiment in
        list.as_array().unwrap().iter().map(|experiment| experiment["name"].as_str().unwrap())
    {
        let text = scratch.ok(&["config", experiment]).stdout;
        let file = scratch.file("run.toml", &text);
        assert_eq!(scratch.ok(&["config", experiment, "--config", &file]).stdout, text);
        assert!(
            text.contains("# ---- Training")
                && text.contains(
                    "\n# Learning rate at the start of the schedule\n\
                     learning_rate = "
                ),
            "{text}"
        );
        if ["stock-lstm", "stock-gru", "letters-embedding-4"].contains(&experiment) {
            continue; // As those before them.
        }
        let letters = experiment.starts_with("letters");
        let mut options = Vec::new();
        for config in [&[][..], &["--config", &file]] {
            let train = [&["train", experiment, "--fresh"], config].concat();
            scratch.ok(&if letters {
                [&train[..], &["--epochs", "1"]].concat()
            } else {
                quick(&train, &["--data", &data])
            });
            let mut run = scratch.read_json(experiment, "config.json")["options"].clone();
            // A settings file also sets the output folder.
            run.as_object_mut().unwrap().remove("artifacts");
            options.push(run);
        }
        assert_eq!(options[0], options[1], "{experiment}");
    }
}

#[test]
fn settings_files_take_dates_without_quotes_and_lists() {
    let scratch = Scratch::new();
    let data = scratch.file("bars.csv", bars(200));
    let text = "from = 2020-01-20\ntest = \"2020-09-01\"\nvalid = 0.2\n\
                features = [\"open\", \"gap\"]\nunits = [3, 2]\npatience = 4\n";
    let file = scratch.file("run.toml", text);
    scratch.ok(&[
        "train", "series", "--config", &file, "--data", &data, "--epochs", "1", "--window", "5",
    ]);
    let options = &scratch.read_json("series", "config.json")["options"];
    assert_eq!(
        (&options["from"], &options["test"], &options["valid"]),
        (&"2020-01-20".into(), &"2020-09-01".into(), &0.2.into())
    );
    assert_eq!((&options["units"], &options["patience"]), (&serde_json::json!([3, 2]), &4.into()));
}

#[test]
fn continued_training_keeps_the_data_and_the_model() {
    let scratch = Scratch::new();
    let data = scratch.file("bars.csv", bars(200));
    let flags = [
        "--data",
        &data,
        "--target",
        "close",
        "--features",
        "close,gap",
        "--horizon",
        "2",
        "--transform",
        "standard",
        "--cell",
        "gru",
    ];
    scratch.train(
        "series",
        &[&flags[..], &["--valid", "30", "--test", "40", "--interval", "0.5", "--season", "5"]]
            .concat(),
    );
    let first = scratch.read_json("series", "config.json");
    let named = scratch.ok(&["train", "series", "--epochs", "1", "--data", &data]);
    assert!(
        named.stderr.contains("continuing from epoch ") && !named.stderr.contains("different data"),
        "{}",
        named.stderr
    );
    let finished = scratch.ok(&["train", "series", "--epochs", "2"]);
    assert!(
        finished.stderr.contains("bars.csv, as in the previous run (use --data to change it)"),
        "{}",
        finished.stderr
    );
    assert!(
        finished.stderr.contains("continuing from epoch ") && finished.stderr.contains("epoch 5/5"),
        "{}",
        finished.stderr
    );
    let second = scratch.read_json("series", "config.json");
    assert!(!finished.stderr.contains("different data"), "{}", finished.stderr);
    assert_eq!(first, second);

    let other = scratch.file("other.csv", bars(200).replace("open", "price"));
    let finished = scratch.run(&["train", "series", "--epochs", "1", "--data", &other]);
    let message = "note: different data; unspecified column, split and model options are kept from \
                the previous run (use --fresh to reset)";
    assert_eq!(finished.code, 1);
    assert!(
        finished.stderr.contains(message) && finished.stderr.contains("column `open` is missing"),
        "{}",
        finished.stderr
    );
    assert_eq!(scratch.read_json("series", "config.json"), second);
}

#[test]
fn course_experiments_take_the_holdout_split_and_others_the_course_split() {
    let scratch = Scratch::new();
    let data = scratch.file("bars.csv", bars(500));
    scratch.train("stock-rnn", &["--data", &data, "--split", "holdout", "--interval", "0.9"]);
    let evaluation = scratch.read_json("stock-rnn", "evaluation.json");
    assert_eq!((&evaluation["split"], &evaluation["windows"]), (&"holdout".into(), &75.into()));
    scratch.train("series", &["--data", &data, "--split", "course"]);
    let evaluation = scratch.read_json("series", "evaluation.json");
    assert_eq!(
        (&evaluation["split"], &evaluation["windows"], &evaluation["interval"]),
        (&"course".into(), &240.into(), &().into())
    );
}

#[test]
fn training_does_not_continue_with_incompatible_settings() {
    let scratch = Scratch::new();
    let data = scratch.file("bars.csv", bars(200));
    scratch.train(
        "series",
        &[
            "--data",
            &data,
            "--target",
            "open",
            "--features",
            "open",
            "--valid",
            "30",
            "--test",
            "30",
        ],
    );
    let weights = scratch.read("series", "weights.txt");
    for (flags, message) in [
        (&["--transform", "standard"][..], "was trained with transform = residual, not standard"),
        (
            &["--features", "open,close"],
            "was trained with features = [\"open\"], not [\"open\",\"close\"]",
        ),
        (&["--loss", "mse"], "was trained with loss = mae, not mse"),
        // Former training rows would become test rows.
        (&["--test", "60"], "was trained with test = 30, not 60"),
    ] {
        let finished = scratch.run(&[&["train", "series"], flags].concat());
        assert_eq!(finished.code, 1, "{flags:?}: {}", finished.stderr);
        assert!(
            finished.stderr.contains(message) && finished.stderr.contains("--fresh"),
            "{flags:?}: {}",
            finished.stderr
        );
    }
    assert_eq!(scratch.read("series", "weights.txt"), weights);
    let finished = scratch.ok(&["train", "series", "--epochs", "1", "--learning-rate", "0.0005"]);
    assert!(
        finished.stderr.contains("changed since the previous run: learning_rate 0.0005 (before: "),
        "{}",
        finished.stderr
    );
}

#[test]
fn intervals_are_optional_and_adam_has_no_weight_decay() {
    let scratch = Scratch::new();
    let data = scratch.file("bars.csv", bars(200));
    scratch.train(
        "series",
        &[
            "--data",
            &data,
            "--valid",
            "30",
            "--test",
            "30",
            "--interval",
            "none",
            "--optimizer",
            "adam",
        ],
    );
    assert_eq!(scratch.read_json("series", "evaluation.json")["interval"], serde_json::Value::Null);
    assert!(scratch.read("series", "predictions.csv").starts_with("date,actual,predicted\n"));
}

#[test]
fn training_continues_with_every_optimizer_but_not_with_a_different_one() {
    let scratch = Scratch::new();
    for optimizer in ["sgd", "rmsprop", "adam"] {
        let args = [
            "train",
            "letters-onehot-1",
            "--epochs",
            "3",
            "--progress",
            "none",
            "--optimizer",
            optimizer,
        ];
        scratch.ok(&[&args[..], &["--fresh"]].concat());
        assert!(scratch.ok(&args).stderr.contains("continuing from epoch 3"), "{optimizer}");
    }
    let finished = scratch.run(&["train", "letters-onehot-1", "--optimizer", "sgd"]);
    assert_eq!(finished.code, 1);
    assert!(
        finished.stderr.contains("was trained with optimizer = adam, not sgd"),
        "{}",
        finished.stderr
    );
}
