//! Memory of a long training, epoch by epoch.

use std::{thread, time::Duration};

use super::{Row, Setup};
use crate::{
    process::memory,
    shell::{Result, say},
    survival::Run,
};

/// Fraction of a run that is not counted: buffers are still growing to their sizes.
const WARM_UP: f64 = 0.3;
/// Allowed growth in MiB per thousand epochs. Each epoch adds a row of `metrics.csv`, which is
/// written whole, and a mean per metric of burn-train.
const MOST: f64 = 2.0;

/// Resident memory after a number of epochs.
struct Look {
    epochs: f64,
    mebibytes: f64,
}

pub(super) fn run(setup: &Setup, epochs: usize) -> Result<Vec<Row>> {
    let all = epochs.to_string();
    let runs = [
        setup.letters(
            "memory-letters",
            &["--epochs", &(10 * epochs).to_string(), "--learning-rate", "0.0001"],
        ),
        setup.prices("memory-prices", &["--epochs", &all, "--learning-rate", "0.0001"]),
    ];
    let mut rows = Vec::new();
    let mut problems = Vec::new();
    for run in runs {
        let looks = watch(&run)?;
        let last = looks.last().map_or(0.0, |look| look.epochs);
        let counted: Vec<&Look> =
            looks.iter().filter(|look| look.epochs > WARM_UP * last).collect();
        let slope = 1000.0 * slope(&counted);
        let most = looks.iter().map(|look| look.mebibytes).fold(0.0, f64::max);
        let figure = format!(
            "{}: {last:.0} epochs, {} samples, {slope:+.2} MiB per 1,000 epochs, at most {most:.0} \
             MiB",
            run.experiment,
            looks.len()
        );
        say(&format!("  {figure}"));
        if slope > MOST {
            problems.push(format!("memory grows: {figure}"));
        }
        rows.push(Row { promise: "training memory does not grow", figure });
    }
    if problems.is_empty() { Ok(rows) } else { Err(problems.join("; ").into()) }
}

fn watch(run: &Run) -> Result<Vec<Look>> {
    let mut child = run.start(&[])?;
    let metrics = run.results().join("metrics.csv");
    let mut looks: Vec<Look> = Vec::new();
    while child.try_wait()?.is_none() {
        thread::sleep(Duration::from_millis(100));
        let epochs = fs_err::read(&metrics)
            .map_or(0, |text| text.iter().filter(|byte| **byte == b'\n').count().saturating_sub(1))
            as f64;
        // Memory of the process itself, without mapped files, which the system may drop.
        let resident = memory(child.id(), "RssAnon:");
        if let (Some(bytes), true) =
            (resident, epochs > looks.last().map_or(0.0, |look| look.epochs))
        {
            looks.push(Look { epochs, mebibytes: bytes as f64 / f64::from(1 << 20) });
        }
    }
    let ended = run.end(child)?;
    if ended.code != Some(0) {
        return Err(ended.stderr.into());
    }
    if looks.len() < 5 {
        Err("the training was too short (use more --epochs)".into())
    } else {
        Ok(looks)
    }
}

/// Growth in MiB per epoch, by least squares.
fn slope(looks: &[&Look]) -> f64 {
    let count = looks.len() as f64;
    let mean = |value: fn(&Look) -> f64| looks.iter().map(|look| value(look)).sum::<f64>() / count;
    let (epochs, mebibytes) = (mean(|look| look.epochs), mean(|look| look.mebibytes));
    let shared: f64 =
        looks.iter().map(|look| (look.epochs - epochs) * (look.mebibytes - mebibytes)).sum();
    let square: f64 = looks.iter().map(|look| (look.epochs - epochs).powi(2)).sum();
    if square > 0.0 { shared / square } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_slope_of_a_line_is_found() {
        let looks: Vec<Look> = (0..10)
            .map(|at| Look { epochs: f64::from(at), mebibytes: 40.0 + 0.5 * f64::from(at) })
            .collect();
        assert!((slope(&looks.iter().collect::<Vec<_>>()) - 0.5).abs() < 1e-12);
    }
}
