//! `train --seeds`: several models of one experiment.

use std::fs;

use crate::support::{Scratch, bars, quick};

#[test]
fn models_of_several_seeds_equal_single_runs() {
    let scratch = Scratch::new();
    let data = scratch.file("bars.csv", bars(200));
    let finished = scratch.train(
        "series",
        &[
            "--data",
            &data,
            "--seeds",
            "3",
            "--seed",
            "5",
            "--features",
            "open",
            "--naive",
            "last-value",
        ],
    );
    assert!(
        finished.stderr.contains("bars.csv: dates in `date`; predicting `open`"),
        "guessed once: {}",
        finished.stderr
    );
    let report = scratch.read_json("series", "seeds.json");
    let models = report["models"].as_array().unwrap();
    let seeds: Vec<u64> = models.iter().map(|model| model["seed"].as_u64().unwrap()).collect();
    assert_eq!(seeds, [5, 6, 7]);
    let mut rmse: Vec<f64> = models.iter().map(|model| model["rmse"].as_f64().unwrap()).collect();
    rmse.sort_by(f64::total_cmp);
    assert!(rmse[0] < rmse[2], "{rmse:?}");
    for (name, expected) in [("lowest", rmse[0]), ("median", rmse[1]), ("highest", rmse[2])] {
        assert_eq!(report[name]["rmse"].as_f64(), Some(expected), "{name}");
        assert!(finished.stdout.contains(&format!("\n {name} ")), "{}", finished.stdout);
    }
    let mean = report["mean"]["rmse"].as_f64().unwrap();
    assert!(
        mean <= rmse[2]
            && report["mean"]["best_epoch"].is_null()
            && report["mean"]["interval"]["coverage"].is_number(),
        "{report}"
    );
    assert!(finished.stdout.contains("The mean forecast "), "{}", finished.stdout);

    scratch.train(
        "series",
        &[
            "--data",
            &data,
            "--seed",
            "6",
            "--features",
            "open",
            "--naive",
            "last-value",
            "--artifacts",
            "single",
        ],
    );
    let single = |name: &str| fs::read_to_string(scratch.path("single/series").join(name)).unwrap();
    assert!(single("weights.txt") == scratch.read("series", "seeds/6/series/weights.txt"));
    let evaluation: serde_json::Value = serde_json::from_str(&single("evaluation.json")).unwrap();
    assert_eq!(
        (&evaluation["rmse"], &evaluation["best_epoch"]),
        (&models[1]["rmse"], &models[1]["best_epoch"])
    );
}

#[test]
fn the_mean_forecast_uses_the_models_of_the_last_seeds() {
    let scratch = Scratch::new();
    let data = scratch.file("bars.csv", bars(200));
    let mean = ["forecast", "series", "--mean-of-seeds", "--json"];
    scratch.fails(
        &mean,
        1,
        "no models of several seeds yet (run `rnn-train train series --seeds 5` first)",
    );
    // Models of an earlier training stay in their folders, but are not used.
    scratch.train(
        "series",
        &["--data", &data, "--naive", "last-value", "--seeds", "3", "--cell", "gru"],
    );
    scratch.train("series", &["--data", &data, "--naive", "last-value", "--seeds", "2"]);
    let value = |args: &[&str]| scratch.json(args)[0]["values"][0]["value"].as_f64().unwrap();
    let each: Vec<f64> = ["1", "2"]
        .map(|seed| {
            value(&[
                "forecast",
                "series",
                "--artifacts",
                &format!("artifacts/series/seeds/{seed}"),
                "--json",
            ])
        })
        .to_vec();
    assert!(
        each[0] != each[1] && (value(&mean) - (each[0] + each[1]) / 2.0).abs() < 1e-4,
        "{each:?}"
    );
    assert!(scratch.ok(&mean[..3]).stdout.contains(", mean of 2 models"));
    scratch.fails(&["forecast", "series"], 1, "series: not trained yet in ");
    scratch.file("artifacts/series/seeds/seeds.json", "{");
    scratch.fails(&mean, 1, "seeds.json: expected the scores of models, but it cannot be read (");
}

#[test]
fn invalid_settings_of_several_seeds_are_reported_once() {
    let scratch = Scratch::new();
    let data = scratch.file("bars.csv", bars(200));
    for (args, code, expected) in [
        (
            &["--target", "opne"][..],
            1,
            "error: bars.csv, line 1: column `opne` is missing (did you mean `open`?)",
        ),
        (&["--window", "250"], 1, "error: bars.csv: 200 rows are too few"),
        (
            &["--optimizer", "adam", "--weight-decay", "0.5"],
            2,
            "error: --weight-decay 0.5: adam has no weight decay (use --optimizer adamw)",
        ),
        (
            &["--naive", "last-value", "--interval", "0.99"],
            2,
            "error: interval level 0.99: needs at least 99 forecasts of 1 step in the validation \
             set, which has 30",
        ),
    ] {
        scratch.fails(
            &quick(&["train", "series", "--data", &data, "--seeds", "2"], args),
            code,
            expected,
        );
    }
    scratch.fails(&["train", "series", "--seeds", "0"], 2, "from 1 to 1,000,000");
    scratch.fails(
        &["train", "letters-onehot-1", "--seeds", "2"],
        2,
        "--seeds: needs a time-series experiment",
    );
    scratch.fails(
        &["train", "series", "--data", &data, "--jobs", "2"],
        2,
        "--jobs, --threads: only for several models (use --seeds)",
    );
    assert!(!scratch.path("artifacts").exists());
    scratch.train(
        "series",
        &["--data", &data, "--seeds", "2", "--seed", "18446744073709551615", "--jobs", "1"],
    );
    assert_eq!(
        scratch.read_json("series", "seeds.json")["models"][1]["seed"],
        0,
        "seeds wrap around"
    );
}
