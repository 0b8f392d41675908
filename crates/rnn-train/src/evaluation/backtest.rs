//! The folds of a backtest and their scores.

use std::{fmt, io::Write, iter, ops::Range, path::PathBuf};

use rnn_data::format_time;
use serde::Serialize;

use super::{
    intervals::coverage_verdict,
    predictions::FoldPrediction,
    report::SeriesEvaluation,
    scores::Scores,
    skill::{BaselineScores, best, skill, verdict},
};
use crate::{
    error::{Error, Result},
    run::DataSource,
    settings::{Experiment, Time},
    text::{cells, number, percent, table},
};

/// File with the predictions of all folds.
pub(crate) const BACKTEST: &str = "backtest.csv";

/// `backtest.json`: the scores of each fold and of all folds together.
#[derive(Debug, Serialize)]
pub(crate) struct BacktestReport {
    experiment: Experiment,
    /// `expanding` or `sliding`.
    kind: &'static str,
    folds: Vec<Fold>,
    /// Scores over all forecasts.
    overall: Scores,
    baselines: Vec<BaselineScores>,
    skill: f64,
    /// Fraction of all values inside the intervals.
    coverage: Option<f64>,
    data: DataSource,
}

#[derive(Debug, Serialize)]
struct Fold {
    fold: usize,
    /// Rows before the test set, for training and validation.
    rows_before: usize,
    #[serde(flatten)]
    evaluation: SeriesEvaluation,
}

/// Rows of a fold.
pub(crate) struct FoldRows {
    pub(crate) train: Range<usize>,
    pub(crate) test: Range<usize>,
}

impl FoldRows {
    /// Plans test sets of equal length at the end, each after its training rows.
    pub(crate) fn plan(rows: usize, folds: usize, sliding: bool) -> Vec<Self> {
        let length = rows / (folds + 1);
        let first = rows - folds * length;
        let plan = |fold: usize| {
            let start = first + fold * length;
            let train = if sliding { start - first..start } else { 0..start };
            Self { train, test: start..start + length }
        };
        (0..folds).map(plan).collect()
    }
}

impl BacktestReport {
    pub(crate) fn new(
        experiment: Experiment,
        kind: &'static str,
        evaluations: Vec<SeriesEvaluation>,
        plans: &[FoldRows],
        data: DataSource,
    ) -> Self {
        let together = |of: &dyn Fn(&SeriesEvaluation) -> Scores| {
            let groups: Vec<_> = evaluations.iter().map(|fold| (fold.windows, of(fold))).collect();
            Scores::together(&groups)
        };
        let overall = together(&|fold| fold.model);
        let of_baseline = |(index, baseline): (usize, &BaselineScores)| BaselineScores {
            name: baseline.name.clone(),
            scores: together(&|fold| fold.baselines[index].scores),
        };
        let baselines: Vec<BaselineScores> =
            evaluations[0].baselines.iter().enumerate().map(of_baseline).collect();
        let windows: usize = evaluations.iter().map(|fold| fold.windows).sum();
        let covered =
            |fold: &SeriesEvaluation| Some(fold.interval.as_ref()?.coverage * fold.windows as f64);
        let covered: Option<f64> = evaluations.iter().map(covered).sum();
        let folds = evaluations.into_iter().zip(plans).enumerate();
        let fold = |(index, (evaluation, plan)): (usize, (SeriesEvaluation, &FoldRows))| Fold {
            fold: index + 1,
            rows_before: plan.train.len(),
            evaluation,
        };
        Self {
            experiment,
            kind,
            skill: skill(&overall, &baselines),
            overall,
            baselines,
            coverage: covered.map(|covered| covered / windows as f64),
            folds: folds.map(fold).collect(),
            data,
        }
    }

    /// The title of the plot.
    pub(crate) fn title(&self) -> String {
        let Self { experiment, folds, overall, baselines, data, .. } = self;
        let (count, rmse) = (folds.len(), number(overall.rmse));
        let best = best(baselines).map_or_else(String::new, |best| {
            format!("{}: {}", best.name, number(best.scores.rmse))
        });
        let (file, mark) = (&data.file, data.mark());
        format!("{experiment}: {count} folds of {file}{mark}, RMSE {rmse} ({best})")
    }
}

impl fmt::Display for BacktestReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { experiment, kind, folds, overall, baselines, skill, coverage, data } = self;
        writeln!(f, "{experiment}, {} folds ({kind}) of {data}", folds.len())?;
        let row =
            |name: Vec<String>, windows: usize, scores: &Scores, others: &[_], skill, inside| {
                let named = best(others).map_or_else(String::new, |best| {
                    format!("{}, {}", best.name, number(best.scores.rmse))
                });
                let (rmse, mae) = (number(scores.rmse), number(scores.mae));
                let skill = format!("{:+.1}%", 100.0 * skill);
                [name, cells![windows, rmse, mae, named, skill, percent(inside)]].concat()
            };
        let fold = |Fold { fold, rows_before, evaluation }: &Fold| {
            let SeriesEvaluation { span, windows, model, baselines, skill, interval, .. } =
                evaluation;
            let span = span.map(format_time).join(" .. ");
            let inside = interval.as_ref().map(|interval| interval.coverage);
            row(cells![fold, rows_before, span], *windows, model, baselines, *skill, inside)
        };
        let head = ["fold", "rows before", "test set", "windows", "RMSE", "MAE"];
        let head = head.into_iter().chain(["best baseline, RMSE", "skill", "coverage"]);
        let rows = iter::once(head.map(str::to_owned).collect()).chain(folds.iter().map(fold));
        let windows = folds.iter().map(|fold| fold.evaluation.windows).sum();
        let last = row(cells!["overall", "", ""], windows, overall, baselines, *skill, *coverage);
        writeln!(f, "{}", table("<><>>>>>>", rows.chain([last])))?;
        let first = &folds[0].evaluation;
        let level = first.interval.as_ref().map(|interval| interval.level);
        if let Some((level, coverage)) = level.zip(*coverage)
            && let Some(said) = coverage_verdict(level, coverage, windows, first.horizon)
        {
            let (level, coverage) = (100.0 * level, 100.0 * coverage);
            writeln!(f, "{level:.0}% intervals cover {coverage:.1}% of all values{said}.")?;
        }
        f.write_str(&verdict("Over all folds, the model", *skill, baselines))
    }
}

/// Writes the predictions of all folds as one CSV file. Returns those for the plot: one step ahead,
/// of the first series.
pub(crate) fn join_predictions(
    files: &[PathBuf],
    out: &mut dyn Write,
) -> Result<Vec<FoldPrediction>> {
    let (mut writer, mut shown) = (csv::Writer::from_writer(out), Vec::new());
    for (fold, path) in (1..).zip(files) {
        let unreadable = |error: csv::Error| Error::Artifact {
            path: path.clone(),
            problem: format!("cannot be read: {error}"),
        };
        let mut reader = csv::Reader::from_path(path).map_err(unreadable)?;
        let header = reader.headers().map_err(unreadable)?.clone();
        if fold == 1 {
            writer.write_record(iter::once("fold").chain(&header)).map_err(unreadable)?;
        }
        let [series, step, date, actual, predicted, lower, upper] =
            ["series", "step", "date", "actual", "predicted", "lower", "upper"]
                .map(|name| header.iter().position(|column| column == name));
        let (number, mut first) = (fold.to_string(), None);
        for record in reader.records() {
            let record = record.map_err(unreadable)?;
            writer.write_record(iter::once(number.as_str()).chain(&record)).map_err(unreadable)?;
            let text = |place: Option<usize>| record.get(place?);
            let name = text(series).map(str::to_owned);
            let is_first = *first.get_or_insert_with(|| name.clone()) == name;
            if is_first && text(step).is_none_or(|step| step == "1") {
                let value = |place| text(place)?.parse::<f64>().ok();
                let read = || {
                    let Time(time) = text(date)?.parse().ok()?;
                    let (actual, predicted) = (value(actual)?, value(predicted)?);
                    let interval = value(lower).zip(value(upper)).map(<[f64; 2]>::from);
                    Some(FoldPrediction { fold, time, actual, predicted, interval })
                };
                shown.extend(read());
            }
        }
    }
    writer.flush().map_err(|source| Error::Write { path: BACKTEST.into(), source })?;
    Ok(shown)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn test_sets_are_adjacent_and_end_with_the_data() {
        for (rows, folds, sliding) in
            [(2426, 5, false), (2426, 5, true), (103, 9, true), (10, 1, false)]
        {
            let plans = FoldRows::plan(rows, folds, sliding);
            assert_eq!((plans.len(), plans[folds - 1].test.end), (folds, rows));
            for pair in plans.windows(2) {
                assert_eq!(pair[0].test.end, pair[1].test.start);
                assert_eq!(pair[0].test.len(), pair[1].test.len());
            }
            for plan in &plans {
                assert_eq!(
                    plan.train.end, plan.test.start,
                    "training rows end where the test set starts"
                );
                assert!(plan.train.start == 0 || sliding);
                if sliding {
                    assert_eq!(plan.train.len(), plans[0].train.len());
                }
            }
        }
    }
}
