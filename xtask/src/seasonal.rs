//! Scores `series` with its defaults on seasonal series, beside stored figures of peers.
//!
//! The score is MASE over the origins of a test set. Its scale is the error of the seasonal naive
//! forecast on the rows before. Peers are fitted once before the test set.

use std::{
    path::Path,
    process::{Command, Stdio},
    time::Instant,
};

use serde_json::Value;

use crate::{
    progress::Progress,
    shell::{Result, built, json, print, run as run_command, say},
    table::{Spread, markdown},
};

/// The best peers by series, one step and a season ahead.
///
/// Measured on 2026-11-29 with statsforecast 2.1, NeuralForecast 3.3, and a ridge regression and
/// LightGBM on seasonal lags.
const PEERS: [(&str, [(&str, f64); 2]); 8] = [
    ("taylor", [("MSTL", 0.057), ("MSTL", 0.156)]),
    ("bikes-hourly", [("AutoTheta", 0.362), ("LightGBM", 0.725)]),
    ("m4-H410", [("MSTL", 0.447), ("ridge", 0.532)]),
    ("bikes-daily", [("ridge", 1.004), ("AutoTheta", 1.240)]),
    ("co2-weekly", [("LightGBM", 0.227), ("MSTL", 0.473)]),
    ("elnino-monthly", [("LightGBM", 0.311), ("AutoARIMA", 0.598)]),
    ("airpassengers", [("AutoARIMA", 0.357), ("ridge", 0.518)]),
    ("m4-M1", [("NHITS", 0.840), ("AutoTheta", 1.194)]),
];

/// Scores of a run.
struct Scores {
    model: f64,
    linear: f64,
    seasonal: f64,
    coverage: f64,
    seconds: f64,
}

/// The description of a series in `meta.json`.
struct Series {
    season: usize,
    test: usize,
    stride: usize,
    values: Vec<f64>,
}

pub(crate) fn run(folder: &Path, seeds: u32, artifacts: &Path) -> Result<()> {
    let meta = json(&folder.join("meta.json"))?;
    let names: Vec<&String> = meta.as_object().into_iter().flat_map(|all| all.keys()).collect();
    if names.is_empty() {
        return Err(format!("{}: expected series in meta.json", folder.display()).into());
    }
    let mut progress = Progress::new("trainings", 2 * names.len() * seeds as usize);
    let (mut rows, mut ratios, mut done) = (Vec::new(), [Vec::new(), Vec::new()], 0);
    for name in names {
        let series = Series::open(folder, name, &meta[name.as_str()])?;
        let peers = PEERS.iter().find(|(known, _)| known == name).map(|(_, peers)| peers);
        for (index, horizon) in [1, series.season].into_iter().enumerate() {
            let mut all = Vec::new();
            for seed in 1..=seeds {
                let path = artifacts.join(format!("{name}-{horizon}-{seed}"));
                all.push(series.train(folder, name, horizon, seed, &path)?);
                done += 1;
                progress.done(done, &format!(" ({name}, {horizon} ahead)"));
            }
            let median = |of: fn(&Scores) -> f64| {
                Spread::of(all.iter().map(of)).map_or(f64::NAN, |spread| spread.median)
            };
            let model = median(|scores| scores.model);
            let peer = peers.map(|peers| peers[index]);
            let ratio = peer.map(|(_, best)| model / best);
            ratios[index].extend(ratio);
            rows.push(vec![
                name.clone(),
                horizon.to_string(),
                format!("{:.3}", median(|scores| scores.seasonal)),
                format!("{:.3}", median(|scores| scores.linear)),
                format!("{model:.3}"),
                peer.map_or_else(String::new, |(peer, best)| format!("{best:.3} {peer}")),
                ratio.map_or_else(String::new, |ratio| format!("{ratio:.2}")),
                format!("{:.0}%", 100.0 * median(|scores| scores.coverage)),
                format!("{:.1} s", median(|scores| scores.seconds)),
            ]);
        }
    }
    let columns = [
        "series",
        "ahead",
        "seasonal naive",
        "linear",
        "model",
        "best peer",
        "model / peer",
        "90% covers",
        "training",
    ];
    let means = ratios.map(|ratios| {
        let sum: f64 = ratios.iter().map(|ratio| ratio.ln()).sum();
        (sum / ratios.len().max(1) as f64).exp()
    });
    let text = format!(
        "MASE, medians of seeds 1 to {seeds}.\n\n{}\nGeometric mean of model / peer: {:.3} one \
         step ahead, {:.3} a season ahead.\n",
        markdown(&columns, 1, &rows),
        means[0],
        means[1]
    );
    let path = artifacts.join("series.md");
    fs_err::write(&path, &text)?;
    print(&text);
    say(&format!("written to {}", path.display()));
    Ok(())
}

impl Series {
    fn open(folder: &Path, name: &str, meta: &Value) -> Result<Self> {
        let path = folder.join(format!("{name}.csv"));
        let number = |key: &str| {
            let found = meta[key].as_u64().filter(|number| *number > 0);
            found
                .map(|number| number as usize)
                .ok_or_else(|| format!("meta.json, {name}: expected a number `{key}`"))
        };
        let text = fs_err::read_to_string(&path)?;
        let value = |(line, text): (usize, &str)| -> Result<f64> {
            let cell = text.split(',').nth(1).and_then(|cell| cell.trim().parse().ok());
            let problem = || format!("{}, line {}: expected a number", path.display(), line + 1);
            Ok(cell.ok_or_else(problem)?)
        };
        let values = text.lines().enumerate().skip(1).map(value).collect::<Result<Vec<_>>>()?;
        let series =
            Self { season: number("m")?, test: number("test")?, stride: number("stride")?, values };
        if series.values.len() <= series.test + series.season {
            return Err(format!("{}: expected more rows than the test set", path.display()).into());
        }
        Ok(series)
    }

    /// Trains with the defaults of `series`, and scores the predictions of the test set.
    fn train(
        &self,
        folder: &Path,
        name: &str,
        horizon: usize,
        seed: u32,
        artifacts: &Path,
    ) -> Result<Scores> {
        let started = Instant::now();
        let mut command = Command::new(built("release", "rnn-train"));
        command
            .args(["train", "series", "--fresh", "--target", "value", "--progress", "none"])
            .args(["--backend", "ndarray", "--horizon", &horizon.to_string()])
            .args(["--test", &self.test.to_string(), "--seed", &seed.to_string(), "--data"])
            .arg(folder.join(format!("{name}.csv")))
            .arg("--artifacts")
            .arg(artifacts)
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        run_command(command)?;
        let seconds = started.elapsed().as_secs_f64();
        let run = artifacts.join("series");
        let errors = errors(&fs_err::read_to_string(run.join("predictions.csv"))?)?;
        let windows = errors.chunks(horizon).step_by(self.stride);
        let (sum, count) =
            windows.flatten().fold((0.0, 0.0), |(sum, count), error| (sum + error, count + 1.0));
        let evaluation = json(&run.join("evaluation.json"))?;
        let scale = self.scale();
        let baseline = |name: &str| {
            let mut all = evaluation["baselines"].as_array().into_iter().flatten();
            let found = all.find(|one| one["name"].as_str() == Some(name));
            found.and_then(|one| one["mae"].as_f64()).map_or(f64::NAN, |mae| mae / scale)
        };
        Ok(Scores {
            model: sum / count / scale,
            linear: baseline("linear"),
            seasonal: baseline(&format!("season of {}", self.season)),
            coverage: evaluation["interval"]["coverage"].as_f64().unwrap_or(f64::NAN),
            seconds,
        })
    }

    /// Mean error of the seasonal naive forecast on the rows before the test set.
    fn scale(&self) -> f64 {
        let known = &self.values[..self.values.len() - self.test];
        let changes = known.iter().zip(&known[self.season..]).map(|(one, next)| (next - one).abs());
        changes.sum::<f64>() / (known.len() - self.season) as f64
    }
}

/// The absolute errors of a file of predictions. It has a column `step` only for several steps.
fn errors(text: &str) -> Result<Vec<f64>> {
    let mut lines = text.lines().map(|line| line.split(',').collect::<Vec<_>>());
    let head = lines.next().unwrap_or_default();
    let place = |name: &str| {
        let found = head.iter().position(|cell| *cell == name);
        found.ok_or_else(|| format!("predictions.csv: expected a column `{name}`"))
    };
    let (actual, predicted) = (place("actual")?, place("predicted")?);
    let number = |line: &[&str], place: usize| line.get(place)?.parse::<f64>().ok();
    let error = |line: Vec<&str>| Some((number(&line, actual)? - number(&line, predicted)?).abs());
    Ok(lines.filter_map(error).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_read_with_and_without_a_column_of_steps() {
        let one = "date,actual,predicted,lower\n2020-01-01,3,5,1\n";
        let several =
            "date,step,actual,predicted,lower\n2020-01-01,1,3,5,1\n2020-01-01,2,3,2.5,1\n";
        assert_eq!(errors(one).unwrap(), [2.0]);
        assert_eq!(errors(several).unwrap(), [2.0, 0.5]);
        assert!(errors("date,value\n").is_err());
    }

    #[test]
    fn the_scale_is_that_of_the_rows_before_the_test_set() {
        let values = vec![1.0, 5.0, 2.0, 7.0, 100.0, 200.0];
        let series = Series { season: 2, test: 2, stride: 1, values };
        assert_eq!(series.scale(), 1.5);
    }
}
