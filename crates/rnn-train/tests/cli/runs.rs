//! Every command on valid input.

use std::{collections::BTreeMap, fs};

use crate::support::{Scratch, unfinished};

const LETTERS: [(&str, u64); 4] = [
    ("letters-onehot-1", 47),
    ("letters-onehot-4", 47),
    ("letters-embedding-1", 48),
    ("letters-embedding-4", 468),
];

#[test]
fn every_letters_experiment_reaches_accuracy_one() {
    let scratch = Scratch::new();
    for (experiment, parameters) in LETTERS {
        let finished = scratch.ok(&["train", experiment]);
        assert!(finished.stdout.contains("accuracy 1.000"), "{}", finished.stdout);
        assert!(
            finished.stdout.contains(&format!("{parameters}\n")),
            "the summary has the total: {}",
            finished.stdout
        );
        assert!(
            finished.stderr.contains("epoch 100/100"),
            "progress is on stderr: {}",
            finished.stderr
        );
        let evaluation = scratch.json(&["evaluate", experiment, "--json"]);
        assert_eq!(evaluation["accuracy"], 1.0, "{experiment}");
        let rows = scratch.read(experiment, "metrics.csv");
        assert_eq!(
            rows.lines().next().unwrap(),
            "epoch,train_loss,valid_loss,train_accuracy,valid_accuracy,learning_rate,seconds,\
             check"
        );
        assert_eq!(rows.lines().count(), 101);
        assert_eq!(
            rows.lines().nth(100).unwrap().split(',').nth(2),
            Some(""),
            "letters have no validation set"
        );
    }
}

#[test]
fn letters_are_predicted_from_arguments_and_from_a_pipe() {
    let scratch = Scratch::new();
    scratch.ok(&["train", "letters-onehot-4", "--progress", "none"]);
    let finished = scratch.ok(&["predict", "letters-onehot-4", "bcde", "eabc"]);
    assert_eq!(finished.stdout, "bcde->a\neabc->d\n");
    let finished = scratch.run_with_input(&["predict", "letters-onehot-4"], "2\nabcd\ncdea\n");
    assert_eq!(
        (finished.code, finished.stdout.as_str()),
        (0, "abcd->e\ncdea->b\n"),
        "{}",
        finished.stderr
    );
    let json = scratch.json(&["predict", "letters-onehot-4", "deab", "--json"]);
    assert_eq!((&json[0]["input"], &json[0]["prediction"]), (&"deab".into(), &"c".into()));
    let probability = json[0]["probability"].as_f64().unwrap();
    assert!(probability > 0.3 && probability <= 1.0, "{probability}");

    let finished = scratch.run_with_input(&["predict", "letters-onehot-4"], "2\nabcd\n");
    assert_eq!(finished.code, 2, "a pipe that ends early");
    assert!(
        finished.stderr.contains("standard input: ended before the answer"),
        "{}",
        finished.stderr
    );
}

#[test]
fn a_stock_run_learns_and_leaves_every_artifact() {
    let scratch = Scratch::new();
    let finished = scratch.ok(&["train", "stock-rnn", "--epochs", "2"]);
    assert!(
        finished.stdout.contains("24,761") && finished.stdout.contains("SYNTHETIC data"),
        "{}",
        finished.stdout
    );
    assert!(
        finished.stderr.contains("epoch 1/2  loss ") && finished.stderr.contains("ETA"),
        "{}",
        finished.stderr
    );
    let rows: Vec<Vec<f64>> = scratch
        .read("stock-rnn", "metrics.csv")
        .lines()
        .skip(1)
        .map(|line| line.split(',').map(|value| value.parse().unwrap_or(f64::NAN)).collect())
        .collect();
    assert_eq!(rows.len(), 2);
    assert!(rows[1][1] < rows[0][1] / 2.0, "the training loss falls: {rows:?}");
    assert!(rows.iter().all(|row| row[2] > 0.0 && row[5] == 0.001 && row[6] > 0.0), "{rows:?}");

    let file = |name: &str| {
        fs::read(scratch.artifact("stock-rnn", name))
            .unwrap_or_else(|error| panic!("{name}: {error}"))
    };
    for name in ["loss.png", "prediction.png"] {
        assert_eq!(&file(name)[..8], b"\x89PNG\r\n\x1a\n", "{name}");
    }
    for name in ["loss.svg", "prediction.svg"] {
        assert!(file(name).starts_with(b"<svg") || file(name).starts_with(b"<?xml"), "{name}");
    }
    assert!(scratch.read("stock-rnn", "prediction.svg").contains("SYNTHETIC"));
    assert_eq!(unfinished(&scratch.path("artifacts")), Vec::<std::path::PathBuf>::new());

    let predictions = scratch.read("stock-rnn", "predictions.csv");
    assert_eq!(
        (predictions.lines().next(), predictions.lines().count()),
        (Some("date,actual,predicted"), 241)
    );
    let evaluation = scratch.read_scores("stock-rnn", "evaluation.json");
    let errors = predictions.lines().skip(1).map(|line| {
        let values: Vec<f64> =
            line.split(',').skip(1).map(|value| value.parse().unwrap()).collect();
        values[1] - values[0]
    });
    let mse = errors.map(|error| error * error).sum::<f64>() / 240.0;
    let score =
        |name: &str| evaluation[name].as_f64().unwrap_or_else(|| panic!("{name} in {evaluation}"));
    assert!(
        (score("mse") - mse).abs() < 1e-6 * mse && (score("rmse") - mse.sqrt()).abs() < 1e-6 * mse,
        "{evaluation}"
    );
    let baselines = evaluation["baselines"].as_array().unwrap();
    let names: Vec<&str> =
        baselines.iter().map(|baseline| baseline["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["last open", "last close", "drift", "mean of 5", "ridge AR(20)"]);
    assert!(
        score("mae") > 0.0
            && baselines
                .iter()
                .all(|baseline| baseline["mae"].as_f64() < baseline["rmse"].as_f64()),
        "{evaluation}"
    );
    let best = baselines
        .iter()
        .map(|baseline| baseline["rmse"].as_f64().unwrap())
        .fold(f64::INFINITY, f64::min);
    assert!((score("skill") - (1.0 - score("rmse") / best)).abs() < 1e-12, "{evaluation}");
    assert_eq!(
        (&evaluation["data"]["synthetic"], &evaluation["data"]["rows"]),
        (&true.into(), &2426.into())
    );
    assert_eq!(
        scratch.json(&["evaluate", "stock-rnn", "--json"]),
        evaluation,
        "evaluate says the same again"
    );

    // The recorded loss is the mean over samples, although the last of the four batches is shorter.
    let manifest: serde_json::Value =
        serde_json::from_str(&scratch.read("stock-rnn", "checkpoint/manifest.json")).unwrap();
    let scaler = &manifest["best"]["scalers"]["target"]["min-max"];
    let range = scaler["max"].as_f64().unwrap() - scaler["min"].as_f64().unwrap();
    let valid_loss = rows[evaluation["best_epoch"].as_u64().unwrap() as usize - 1][2];
    assert!((valid_loss * range * range / mse - 1.0).abs() < 1e-4, "{valid_loss} {mse}");
    assert!(
        (evaluation["scaled"]["mse"].as_f64().unwrap() / valid_loss - 1.0).abs() < 1e-4,
        "scores in scaled units: {evaluation}"
    );

    let config: serde_json::Value =
        serde_json::from_str(&scratch.read("stock-rnn", "config.json")).unwrap();
    let options = &config["options"];
    assert_eq!(
        (&options["epochs"], &options["batch_size"], &config["parameters"]),
        (&2.into(), &64.into(), &24_761.into())
    );
    assert_eq!(config["source"], evaluation["data"]);
}

#[test]
fn prices_are_predicted_for_the_next_day_and_for_known_days() {
    let scratch = Scratch::new();
    let data = scratch.prices("prices.csv", 420);
    scratch.ok(&["train", "stock-gru", "--epochs", "1", "--data", &data, "--progress", "none"]);
    let next = scratch.json(&["predict", "stock-gru", "--json"]);
    assert_eq!(
        (&next[0]["date"], &next[0]["known_until"]),
        (&serde_json::Value::Null, &"2016-02-24".into())
    );
    assert_eq!(next[0]["synthetic"], false);
    let last = scratch.read("stock-gru", "predictions.csv").lines().last().unwrap().to_owned();
    let known = scratch.json(&["predict", "stock-gru", "2016-02-24", "--json"]);
    let row: Vec<f64> = last.split(',').skip(1).map(|value| value.parse().unwrap()).collect();
    assert_eq!(known[0]["actual"].as_f64().unwrap(), row[0]);
    assert!((known[0]["predicted"].as_f64().unwrap() - row[1]).abs() < 1e-3, "{known} {last}");
    let finished = scratch.ok(&["predict", "stock-gru"]);
    assert!(
        finished.stdout.starts_with("row after 2016-02-24: predicted open "),
        "{}",
        finished.stdout
    );
}

#[test]
fn weights_are_exported_as_safetensors_and_text() {
    let scratch = Scratch::new();
    let data = scratch.prices("prices.csv", 420);
    scratch.ok(&["train", "stock-lstm", "--epochs", "1", "--data", &data, "--progress", "none"]);
    scratch.ok(&["export", "stock-lstm", "--format", "safetensors", "--out", "lstm.safetensors"]);
    scratch.ok(&["export", "stock-lstm", "--format", "text", "--out", "lstm.txt"]);
    let bytes = fs::read(scratch.path("lstm.safetensors")).unwrap();
    let tensors = safetensors::SafeTensors::deserialize(&bytes).unwrap();
    let shapes: BTreeMap<String, Vec<usize>> = tensors
        .tensors()
        .into_iter()
        .map(|(name, tensor)| (name, tensor.shape().to_vec()))
        .collect();
    let expected = [
        ("dense.bias", vec![1]),
        ("dense.weight", vec![100, 1]),
        ("layers.0.bias", vec![320]),
        ("layers.0.kernel", vec![1, 320]),
        ("layers.0.recurrent_kernel", vec![80, 320]),
        ("layers.1.bias", vec![400]),
        ("layers.1.kernel", vec![80, 400]),
        ("layers.1.recurrent_kernel", vec![100, 400]),
    ];
    assert_eq!(
        shapes,
        expected.into_iter().map(|(name, shape)| (name.to_owned(), shape)).collect()
    );

    let text = fs::read_to_string(scratch.path("lstm.txt")).unwrap();
    assert_eq!(text, scratch.read("stock-lstm", "weights.txt"));
    assert!(text.starts_with("layers.0.kernel\nshape [1, 320]\n"), "{}", &text[..60]);
    let bias = tensors.tensor("dense.bias").unwrap();
    let value = f32::from_le_bytes(bias.data().try_into().unwrap());
    assert!(
        text.ends_with(&format!("dense.bias\nshape [1]\n{value}\n\n")),
        "values keep all their digits"
    );
}

#[test]
fn the_same_seed_gives_the_same_bytes_for_any_number_of_threads() {
    let weights = |backend: &str, experiment: &str, seed: &str, threads: &str| {
        let scratch = Scratch::new();
        let data = scratch.prices("prices.csv", 520);
        let mut args = vec![
            "train",
            experiment,
            "--epochs",
            "2",
            "--seed",
            seed,
            "--progress",
            "none",
            "--backend",
            backend,
        ];
        if experiment.starts_with("stock") {
            args.extend(["--data", &data]);
        }
        let mut command = scratch.command(&args);
        command.env("RAYON_NUM_THREADS", threads);
        let finished = scratch.finish(command, "");
        assert_eq!(finished.code, 0, "{args:?} failed: {}", finished.stderr);
        scratch.read(experiment, "weights.txt")
    };
    for backend in ["ndarray", "flex"] {
        for experiment in ["letters-embedding-4", "stock-lstm"] {
            let first = weights(backend, experiment, "3", "1");
            assert!(
                first == weights(backend, experiment, "3", "1"),
                "{backend}, {experiment}: two runs with seed 3 differ"
            );
            assert!(
                first == weights(backend, experiment, "3", "2"),
                "{backend}, {experiment}: one and two threads differ"
            );
            assert!(
                first != weights(backend, experiment, "4", "1"),
                "{backend}, {experiment}: seeds 3 and 4 give the same weights"
            );
        }
    }
}

#[test]
fn flags_override_the_settings_file_which_overrides_the_recipe() {
    let scratch = Scratch::new();
    fs::write(
        scratch.path("run.toml"),
        "epochs = 7\nlearning_rate = 0.02\nseed = 9\nartifacts = \"elsewhere\"\n\
         backend = \"flex\"\n",
    )
    .unwrap();
    scratch.ok(&[
        "train",
        "letters-onehot-1",
        "--config",
        "run.toml",
        "--epochs",
        "3",
        "--artifacts",
        "artifacts",
    ]);
    let config: serde_json::Value =
        serde_json::from_str(&scratch.read("letters-onehot-1", "config.json")).unwrap();
    let value = |name: &str| config["options"][name].to_string();
    assert_eq!(
        [value("epochs"), value("learning_rate"), value("seed"), value("batch_size")],
        ["3", "0.02", "9", "32"]
    );
    assert_eq!(config["backend"], "flex");
}

#[test]
fn the_price_file_can_come_from_the_environment() {
    let scratch = Scratch::new();
    let data = scratch.prices("from-environment.csv", 420);
    let mut command =
        scratch.command(&["train", "stock-rnn", "--epochs", "1", "--progress", "none"]);
    command.env("RNN_STOCK_CSV", data);
    let finished = scratch.finish(command, "");
    assert_eq!(finished.code, 0, "{}", finished.stderr);
    assert!(finished.stdout.contains("of `open` of from-environment.csv, "), "{}", finished.stdout);
}

#[test]
fn experiments_and_devices_are_listed() {
    let scratch = Scratch::new();
    scratch.ok(&["train", "letters-onehot-1", "--epochs", "1", "--progress", "none"]);
    let list = scratch.json(&["list", "--json"]);
    let names: Vec<&str> = list
        .as_array()
        .unwrap()
        .iter()
        .map(|experiment| experiment["name"].as_str().unwrap())
        .collect();
    assert_eq!(names[..4], LETTERS.map(|(name, _)| name));
    assert_eq!(
        names[4..],
        ["stock-rnn", "stock-lstm", "stock-gru", "stock-gap", "stock-open", "series"]
    );
    assert_eq!(
        (&list[0]["best_epoch"], &list[1]["best_epoch"]),
        (&1.into(), &serde_json::Value::Null)
    );
    assert!(scratch.ok(&["list"]).stdout.contains("stock-lstm"));
    let devices = scratch.json(&["devices", "--json"]);
    assert_eq!(
        (&devices[0]["backend"], &devices[1]["backend"]),
        (&"ndarray".into(), &"flex".into())
    );
    assert_eq!(
        devices.as_array().unwrap().iter().filter(|device| device["auto"] == true).count(),
        1,
        "{devices}"
    );
    let routes: Vec<&str> = devices[0]["routes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|route| route["route"].as_str().unwrap())
        .collect();
    assert_eq!(routes, ["whole sequences, on all cores"; 3]);
    let text = scratch.ok(&["devices"]).stdout;
    assert!(
        text.contains("ndarray") && text.contains("GRU        whole sequences, on all cores"),
        "{text}"
    );
    assert!(text.contains("\n--backend auto: backend "), "{text}");
}

#[test]
fn flex_and_ndarray_agree_on_the_same_weights() {
    let scratch = Scratch::new();
    let data = scratch.prices("prices.csv", 520);
    scratch.ok(&["train", "stock-gru", "--epochs", "1", "--data", &data, "--progress", "none"]);
    let rmse = |backend: &str| {
        scratch.json(&["evaluate", "stock-gru", "--json", "--backend", backend])["rmse"]
            .as_f64()
            .unwrap()
    };
    let (ndarray, flex) = (rmse("ndarray"), rmse("flex"));
    // Two libraries sum in f32 over 60 steps.
    assert!((ndarray / flex - 1.0).abs() < 1e-4, "{ndarray} {flex}");
}

#[test]
fn appended_days_do_not_change_what_a_model_predicts_for_a_known_day() {
    let scratch = Scratch::new();
    let data = scratch.prices("prices.csv", 420);
    scratch.ok(&["train", "stock-rnn", "--epochs", "1", "--data", &data, "--progress", "none"]);
    let longer = crate::support::price_text(470).replace(",100", ",300");
    fs::write(
        scratch.path("longer.csv"),
        crate::support::price_text(420)
            + &longer.lines().skip(421).map(|line| format!("{line}\n")).collect::<String>(),
    )
    .unwrap();
    let predict = |data: &str| {
        let args = ["predict", "stock-rnn", "2016-02-20", "--data", data, "--json"];
        scratch.json(&args)[0]["predicted"].clone()
    };
    assert_eq!(predict("prices.csv"), predict("longer.csv"));

    fs::copy(scratch.path("longer.csv"), scratch.path("prices.csv")).unwrap();
    let finished = scratch.run(&["evaluate", "stock-rnn"]);
    assert_eq!(finished.code, 1);
    assert!(
        finished.stderr.contains("has changed since the model was trained on it"),
        "{}",
        finished.stderr
    );
}

#[test]
fn without_a_command_stock_lstm_is_trained_on_the_synthetic_sample() {
    let scratch = Scratch::new();
    fs::write(scratch.path("short.toml"), "epochs = 1\nbatch_size = 512\nprogress = \"none\"\n")
        .unwrap();
    let finished = scratch.ok(&["--config", "short.toml"]);
    assert!(
        finished.stdout.contains(
            "stock-lstm, best epoch 1, 240 test values of `open` of synthetic-daily-bars.csv, \
             SYNTHETIC"
        ),
        "{}",
        finished.stdout
    );
    let finished = scratch.ok(&["predict", "stock-lstm"]);
    assert!(finished.stdout.contains("SYNTHETIC data"), "{}", finished.stdout);
    assert_eq!(scratch.json(&["predict", "stock-lstm", "--json"])[0]["synthetic"], true);
}
