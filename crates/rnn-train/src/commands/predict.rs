use std::io::{self, BufRead, IsTerminal, Read, Write};

use burn::tensor::Device;
use rnn_models::{LettersModel, SeriesModel};

use super::trained::Trained;
use crate::{
    Error, Result,
    backend::{Backend, USE_CPU},
    cli::PredictArgs,
    console::{json, note, out},
    job::{DayPrediction, LettersJob, SeriesJob},
    learner::Trainee,
    recipe::Task,
    settings::GlobalSettings,
    values::Time,
};

/// Predicts letters or values of days.
pub(super) fn run(global: &GlobalSettings, args: &PredictArgs) -> Result<()> {
    global.refuse_data_of_letters(args.experiment, args.data.as_deref())?;
    let trained = Trained::open(&global.artifacts, args.experiment)?;
    let (backend, why) = Backend::choose(global.backend)?;
    note(why);
    backend.guard(USE_CPU, || match args.experiment.0.task {
        Task::Letters(letters) => {
            let job = LettersJob::new(args.experiment, letters);
            let trainee = trained.load(&job, &backend.device)?;
            predict_letters(&Letters { job: &job, trainee: &trainee, device: &backend.device }, args)
        }
        Task::Series(_) => {
            let job = trained.series_job(args.data.clone(), None)?;
            let trainee = trained.load(&job, &backend.device)?;
            predict_days(&job, &trainee, &backend.device, args)
        }
    })
}

struct Letters<'a> {
    job: &'a LettersJob,
    trainee: &'a Trainee<LettersModel>,
    device: &'a Device,
}

fn predict_letters(letters: &Letters<'_>, args: &PredictArgs) -> Result<()> {
    if args.inputs.is_empty() && !args.json {
        return ask(letters);
    }
    if args.inputs.is_empty() {
        return Err(Error::Usage("--json needs the letters as arguments".to_owned()));
    }
    let predict = |text: &String| letters.job.predict(letters.trainee, text, letters.device);
    let predictions = args.inputs.iter().map(predict).collect::<Result<Vec<_>>>()?;
    if args.json {
        json(&predictions);
    } else {
        predictions.iter().for_each(|prediction| out(format_args!("{}->{}", prediction.input, prediction.prediction)));
    }
    Ok(())
}

/// Bytes of all answers.
const LONGEST: u64 = 1 << 20;

/// As in the course: how many, then each. On a terminal a bad answer is asked for again; in a pipe it ends the command.
fn ask(letters: &Letters<'_>) -> Result<()> {
    let terminal = io::stdin().is_terminal();
    let mut lines = io::stdin().lock().take(LONGEST).lines();
    let mut answer = |question: &str| -> Result<String> {
        let _ = write!(io::stderr(), "{question}").and_then(|()| io::stderr().flush());
        match lines.next() {
            Some(Ok(line)) => Ok(line.trim().to_owned()),
            Some(Err(error)) => Err(Error::Usage(format!("standard input cannot be read: {error}"))),
            None => Err(Error::Usage(format!("standard input ended; expected an answer to: {}", question.trim_end()))),
        }
    };
    let retry = |error: Error| {
        if !terminal {
            return Err(error);
        }
        note(format_args!("{error}; try again"));
        Ok(())
    };

    let count = loop {
        let text = answer("How many predictions? ")?;
        match text.parse::<usize>() {
            Ok(count) => break count,
            Err(_) => retry(Error::Usage(format!("expected a number of predictions, got `{text}`")))?,
        }
    };
    let window = letters.job.window();
    for index in 1..=count {
        loop {
            let text = answer(&format!("{index} of {count}, {window} letter{}: ", if window == 1 { "" } else { "s" }))?;
            match letters.job.predict(letters.trainee, &text, letters.device) {
                Ok(prediction) => {
                    out(format_args!("{}->{}", prediction.input, prediction.prediction));
                    break;
                }
                Err(error) => retry(error)?,
            }
        }
    }
    Ok(())
}

fn predict_days(job: &SeriesJob, trainee: &Trainee<SeriesModel>, device: &Device, args: &PredictArgs) -> Result<()> {
    let day = |text: &String| match text.parse::<Time>() {
        Ok(Time(day)) => Ok(Some(day)),
        Err(problem) => Err(Error::Usage(format!("{problem}, as the day to predict"))),
    };
    let mut days = args.inputs.iter().map(day).collect::<Result<Vec<_>>>()?;
    if days.is_empty() {
        days.push(None);
    }
    let mut predictions = Vec::new();
    for series in &job.data.panel.series {
        for &day in &days {
            predictions.push(job.predict_day(trainee, series, day, device)?);
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
    let DayPrediction { series, date, known_until, predicted, actual, target, file, synthetic } = prediction;
    let file = series.as_ref().unwrap_or(file);
    let source = if *synthetic { format!("{file}, SYNTHETIC data") } else { file.clone() };
    match (date, actual) {
        (Some(date), Some(actual)) => format!("{date}: predicted {target} {predicted:.3}, actual {target} {actual:.3} ({source})"),
        _ => format!("row after {known_until}: predicted {target} {predicted:.3} ({source})"),
    }
}
