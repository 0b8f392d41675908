use std::io::{self, BufRead, IsTerminal, Read, Write};
use std::path::PathBuf;

use burn::tensor::Device;
use clap::Args;
use rnn_models::{LettersModel, SeriesModel};

use super::context::{Context, refuse};
use super::output::{json, note, out};
use crate::{
    backend::USE_CPU,
    error::{Error, Result},
    settings::{Experiment, TaskRecipe, Time},
    task::{DayPrediction, LetterPrediction, LettersTask, SeriesTask, WithLoss},
    text::count,
    training::Trained,
};

#[derive(Debug, Args)]
pub(crate) struct PredictArgs {
    /// Name of the experiment (see `rnn-train list`)
    pub(crate) experiment: Experiment,
    /// Letters to continue, or dates to predict [default: letters from a prompt; the row after the
    /// last one]
    pub(crate) inputs: Vec<String>,
    /// CSV file or folder, for time-series experiments [default: the training data]
    #[arg(long, value_name = "FILE")]
    pub(crate) data: Option<PathBuf>,
    /// CSV file with the rows after the last one of columns known in the future [default: that of
    /// the run]
    #[arg(long, value_name = "PATH")]
    pub(crate) future_data: Option<PathBuf>,
    /// Print the probability of each predicted letter
    #[arg(long)]
    pub(crate) probability: bool,
    /// Print one JSON document
    #[arg(long)]
    pub(crate) json: bool,
}

/// Predicts letters, or values of days.
pub(super) fn run(context: &Context, args: &PredictArgs) -> Result<()> {
    context.settings.refuse_data_of_letters(args.experiment, args.data.as_deref())?;
    if args.future_data.is_some() {
        args.experiment.require_series("--future-data")?;
    }
    let trained = Trained::open(&context.settings.artifacts, args.experiment)?
        .continued_by(args.future_data.clone());
    let backend = context.backend()?;
    backend.guard(USE_CPU, || match args.experiment.task() {
        TaskRecipe::Letters(letters) => {
            let task = LettersTask::new(args.experiment, letters);
            let model = trained.load(&task, &backend.device)?;
            predict_letters(&Letters { task: &task, model: &model, device: &backend.device }, args)
        }
        TaskRecipe::Series => {
            refuse(
                &[("--probability", args.probability)],
                "needs a letters experiment (see `rnn-train list`)",
            )?;
            let task = trained.series_task(args.data.clone(), None)?;
            let model = trained.load(&task, &backend.device)?;
            predict_days(&task, &model, &backend.device, args)
        }
    })
}

struct Letters<'a> {
    task: &'a LettersTask,
    model: &'a WithLoss<LettersModel>,
    device: &'a Device,
}

fn predict_letters(letters: &Letters<'_>, args: &PredictArgs) -> Result<()> {
    if args.inputs.is_empty() && !args.json {
        return ask(letters, args.probability);
    }
    if args.inputs.is_empty() {
        return Err(Error::Usage(
            "--json: needs the letters as arguments (there is no prompt)".to_owned(),
        ));
    }
    let predict = |text: &String| letters.task.predict(letters.model, text, letters.device);
    let predictions = args.inputs.iter().map(predict).collect::<Result<Vec<_>>>()?;
    if args.json {
        json(&predictions);
    } else {
        predictions.iter().for_each(|prediction| out(letter(prediction, args.probability)));
    }
    Ok(())
}

fn letter(prediction: &LetterPrediction, probability: bool) -> String {
    let LetterPrediction { input, prediction, probability: found } = prediction;
    if probability {
        format!("{input}->{prediction} ({:.1}%)", 100.0 * found)
    } else {
        format!("{input}->{prediction}")
    }
}

/// Most bytes read from standard input.
const LONGEST: u64 = 1 << 20;

/// Prompts for the number of predictions, then for the letters of each, as in the course.
fn ask(letters: &Letters<'_>, probability: bool) -> Result<()> {
    let mut lines = io::stdin().lock().take(LONGEST).lines();
    let number = |text: &str| {
        let problem = |_| Error::Usage(format!("expected a number of predictions, got `{text}`"));
        text.parse::<usize>().map_err(problem)
    };
    let predict = |text: &str| letters.task.predict(letters.model, text, letters.device);
    let predictions = answer(&mut lines, "Number of predictions: ", number)?;
    let window = count(letters.task.window(), "letter");
    for index in 1..=predictions {
        let prediction =
            answer(&mut lines, &format!("Input {index} of {predictions} ({window}): "), predict)?;
        out(letter(&prediction, probability));
    }
    Ok(())
}

/// Reads a line of standard input. A bad answer is asked for again on a terminal, and fails the
/// command in a pipe.
fn answer<T>(
    lines: &mut impl Iterator<Item = io::Result<String>>,
    question: &str,
    parse: impl Fn(&str) -> Result<T>,
) -> Result<T> {
    loop {
        let _ = write!(io::stderr(), "{question}").and_then(|()| io::stderr().flush());
        let line = lines.next().ok_or_else(|| {
            let question = question.trim_end();
            Error::Usage(format!("standard input: ended before the answer to `{question}`"))
        })?;
        let problem = |error| Error::Usage(format!("standard input: cannot be read: {error}"));
        match parse(line.map_err(problem)?.trim()) {
            Err(error) if io::stdin().is_terminal() => note(format_args!("{error}; try again")),
            result => return result,
        }
    }
}

fn predict_days(
    task: &SeriesTask,
    model: &WithLoss<SeriesModel>,
    device: &Device,
    args: &PredictArgs,
) -> Result<()> {
    let day = |text: &String| match text.parse::<Time>() {
        Ok(Time(day)) => Ok(Some(day)),
        Err(problem) => Err(Error::Usage(format!("INPUTS: {problem}"))),
    };
    let mut days = args.inputs.iter().map(day).collect::<Result<Vec<_>>>()?;
    if days.is_empty() {
        days.push(None);
    }
    let mut predictions = Vec::new();
    for series in &task.data.panel.series {
        for &day in &days {
            predictions.push(task.predict_day(model, series, day, device)?);
        }
    }
    if args.json {
        json(&predictions);
    } else {
        predictions.iter().for_each(|prediction| out(describe(prediction)));
    }
    Ok(())
}

fn describe(prediction: &DayPrediction) -> String {
    let DayPrediction { series, date, known_until, predicted, actual, target, file, synthetic } =
        prediction;
    let file = series.as_ref().unwrap_or(file);
    let source = if *synthetic { format!("{file}, SYNTHETIC data") } else { file.clone() };
    match (date, actual) {
        (Some(date), Some(actual)) => format!(
            "{date}: predicted {target} {predicted:.3}, actual {target} {actual:.3} ({source})"
        ),
        _ => format!("row after {known_until}: predicted {target} {predicted:.3} ({source})"),
    }
}
