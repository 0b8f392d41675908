//! Tests of the library interface.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    fs,
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

use jiff::{ToSpan, civil::date};
use rnn_data::Table;
use rnn_train::{
    BackendChoice, EpochProgress, Error, Experiment, Format, LettersTask, Observer, Options,
    RunFolder, SeriesTask, Signal, TrainedModel, Training,
};

fn table(rows: i32) -> Table {
    scaled(rows, 1.0)
}

fn scaled(rows: i32, scale: f64) -> Table {
    let first = date(2024, 1, 1).at(0, 0, 0, 0);
    let times = (0..rows).map(|day| first + day.days()).collect();
    let value = |day| scale * (10.0 + (f64::from(day) / 5.0).sin());
    let values = (0..rows).map(value).collect();
    Table::from_columns("sensor", times, [("temperature", values)]).unwrap()
}

fn options() -> Options {
    Options::default().window(8).units([4]).epochs(4).dropout(0.1).patience(0)
}

fn task() -> SeriesTask {
    SeriesTask::from_table(table(300), options()).unwrap()
}

fn weights(folder: &Path) -> String {
    fs::read_to_string(folder.join("weights.txt")).unwrap()
}

/// Daily values that a promotion doubles, with its days in the next three rows, too.
fn promoted(rows: i32) -> Table {
    let first = date(2024, 1, 1).at(0, 0, 0, 0);
    let times = |from: i32, to: i32| (from..to).map(|day| first + day.days()).collect();
    let promo = |day: i32| f64::from(day * day % 7 == 1);
    let values = (0..rows).map(|day| 10.0 * (1.0 + promo(day)) + f64::from(day % 3)).collect();
    let known = (0..rows).map(promo).collect();
    let columns = [("sales", values), ("promo", known)];
    let table = Table::from_columns("shop", times(0, rows), columns).unwrap();
    let later = [("promo", (rows..rows + 3).map(promo).collect())];
    let later = Table::from_columns("next", times(rows, rows + 3), later).unwrap();
    table.with_later(&later, &["promo"]).unwrap()
}

/// Records the epochs it receives.
#[derive(Default)]
struct EpochRecorder(Arc<Mutex<Vec<usize>>>);

impl Observer for EpochRecorder {
    fn epoch(&self, progress: &EpochProgress<'_>) {
        assert_eq!((progress.epochs, progress.train.len(), progress.valid.len()), (4, 1, 1));
        self.0.lock().unwrap().push(progress.epoch);
    }
}

/// Sends SIGTERM to the process after an epoch.
struct Terminator(usize);

impl Observer for Terminator {
    fn epoch(&self, progress: &EpochProgress<'_>) {
        if progress.epoch == self.0 {
            signal_hook::low_level::raise(signal_hook::consts::SIGTERM).unwrap();
        }
    }
}

#[test]
fn training_in_memory_reports_its_epochs_and_returns_a_model() {
    let (task, epochs) = (task(), Arc::default());
    let observer = EpochRecorder(Arc::clone(&epochs));
    let model = Training::new(&task).backend(BackendChoice::Ndarray).observer(observer).run();
    let model = model.unwrap();
    assert_eq!(*epochs.lock().unwrap(), [1, 2, 3, 4]);
    assert!(model.best_loss().is_finite() && (1..=4).contains(&model.best_epoch()));
    let evaluation = model.evaluate().unwrap();
    assert_eq!((evaluation.target.as_str(), evaluation.data.synthetic), ("temperature", false));
    assert_eq!(model.forecast(3).unwrap()[0].values.len(), 3);
    assert!(model.weights(Format::Text).unwrap().starts_with(b"layers.0"));
}

#[test]
fn values_known_in_the_future_are_read_from_memory() {
    let options = options().horizon(3).future(["promo"]);
    let task = SeriesTask::from_table(promoted(300), options).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let model = Training::new(&task).folder(folder.path()).run().unwrap();
    let forecast = model.forecast(3).unwrap();
    assert_eq!(forecast[0].values.len(), 3);
    let problem = model.forecast(4).unwrap_err().to_string();
    assert!(problem.contains("column `promo` has no value for 2024-10-30"), "{problem}");
    let newer = RunFolder::open(folder.path()).unwrap().series_task(promoted(320)).unwrap();
    let loaded = RunFolder::open(folder.path()).unwrap();
    let loaded = loaded.load(&newer, BackendChoice::Ndarray).unwrap();
    assert_eq!(loaded.forecast(3).unwrap()[0].values.len(), 3);
}

#[test]
fn an_interrupted_run_resumes_to_the_same_bytes_and_a_finished_one_is_loaded() {
    let (folder, task) = (tempfile::tempdir().unwrap(), task());
    let [whole, stopped] = ["whole", "stopped"].map(|name| folder.path().join(name));
    Training::new(&task).folder(&whole).run().unwrap();
    let training = Training::new(&task).folder(&stopped).observer(Terminator(2));
    let error = training.stop_on_signals().run().err().unwrap();
    assert!(matches!(error, Error::Interrupted { signal: Signal::Terminate, .. }), "{error}");
    assert!(!stopped.join("evaluation.json").exists());
    let model = Training::new(&task).folder(&stopped).run().unwrap();
    assert_eq!(weights(&stopped), weights(&whole));
    let loaded = RunFolder::open(&stopped).unwrap().load(&task, BackendChoice::Ndarray).unwrap();
    assert_eq!(loaded.best_epoch(), model.best_epoch());
    let rmse = |evaluation: rnn_train::SeriesEvaluation| evaluation.model.rmse;
    assert_eq!(rmse(loaded.evaluate().unwrap()), rmse(model.evaluate().unwrap()));
}

#[test]
fn a_half_written_history_of_a_complete_training_is_replaced() {
    let (folder, task) = (tempfile::tempdir().unwrap(), task());
    let train = || Training::new(&task).folder(folder.path());
    let stopped = train().observer(Terminator(4)).stop_on_signals().run();
    assert!(matches!(stopped.err().unwrap(), Error::Interrupted { .. }));
    let half = folder.path().join(".metrics.csv.tmp");
    fs::write(&half, "epoch,tra").unwrap();
    train().run().unwrap();
    assert!(!half.exists() && folder.path().join("evaluation.json").exists());
}

#[test]
fn concurrent_training_gives_the_same_weights_as_training_alone() {
    let task = task();
    let weights = |seed| {
        let options = Options::default().seed(seed).epochs(8);
        let model = Training::new(&task).options(options).run().unwrap();
        model.weights(Format::Text).unwrap()
    };
    let alone = [1, 2].map(weights);
    let folder = tempfile::tempdir().unwrap();
    Training::new(&task).folder(folder.path()).run().unwrap();
    let run = RunFolder::open(folder.path()).unwrap();
    let ended = AtomicBool::new(false);
    let beside = thread::scope(|scope| {
        scope.spawn(|| {
            while !ended.load(Ordering::Relaxed) {
                run.load(&task, BackendChoice::Auto).unwrap();
            }
        });
        let trainings = [1, 2].map(|seed| scope.spawn(move || weights(seed)));
        let beside = trainings.map(thread::ScopedJoinHandle::join);
        ended.store(true, Ordering::Relaxed);
        beside.map(Result::unwrap)
    });
    assert_eq!(beside, alone);
}

#[test]
fn invalid_input_gives_typed_errors() {
    let refused = |rows, options| SeriesTask::from_table(table(rows), options).err().unwrap();
    let error = refused(300, options().epochs(0));
    assert!(matches!(error, Error::Usage(_)), "{error}");
    assert!(error.to_string().contains("epochs: expected a whole number from 1"), "{error}");
    assert!(matches!(refused(9, options()), Error::Data(_)), "too few rows");
    let error = refused(300, options().target("humidity"));
    assert!(error.to_string().contains("column `humidity` is missing"), "{error}");

    let (folder, task) = (tempfile::tempdir().unwrap(), task());
    let error = Training::new(&task).options(Options::default().learning_rate(-1.0)).run();
    assert!(matches!(error.err().unwrap(), Error::Usage(_)));
    Training::new(&task).folder(folder.path()).run().unwrap();
    let wider = SeriesTask::from_table(table(300), options().units([5])).unwrap();
    let error = Training::new(&wider).folder(folder.path()).run().err().unwrap();
    assert!(matches!(error, Error::Artifact { .. }), "{error}");
    assert!(error.to_string().contains("was trained with units = [4], not [5]"), "{error}");
    let error = RunFolder::open(folder.path()).unwrap().load(&wider, BackendChoice::Ndarray);
    let error = error.err().unwrap().to_string();
    assert!(error.contains("was trained with units = [4], not [5]"), "{error}");
    assert!(matches!(RunFolder::open(folder.path().join("nothing")), Err(Error::Artifact { .. })));
}

#[test]
fn a_trained_model_forecasts_newer_rows_with_its_own_scalers() {
    let (folder, task) = (tempfile::tempdir().unwrap(), task());
    Training::new(&task).folder(folder.path()).run().unwrap();
    let run = RunFolder::open(folder.path()).unwrap();

    let other = SeriesTask::from_table(scaled(300, 5.0), options()).unwrap();
    let error = run.load(&other, BackendChoice::Ndarray).err().unwrap().to_string();
    assert!(error.contains("data with different scalers"), "{error}");

    let newer = run.series_task(table(320)).unwrap();
    let model = run.load(&newer, BackendChoice::Ndarray).unwrap();
    let values = |model: &TrainedModel<SeriesTask>| -> Vec<f64> {
        model.forecast(1).unwrap()[0].values.iter().map(|value| value.value).collect()
    };
    let forecast = values(&model);
    assert!(forecast.iter().all(|value| (5.0..15.0).contains(value)), "{forecast:?}");
    let same = run.load(&task, BackendChoice::Ndarray).unwrap();
    assert_ne!(forecast, values(&same), "the forecast is for later rows");
    let error = model.forecast(0).err().unwrap().to_string();
    assert!(error.contains("steps: expected at least 1, got 0"), "{error}");
}

#[test]
fn training_rejects_options_of_its_task() {
    let task = task();
    for asked in [Options::default().window(9), Options::default().units([5])] {
        let error = Training::new(&task).options(asked).run().err().unwrap().to_string();
        assert!(error.contains("is an option of the task, not of the training"), "{error}");
    }
    let same = Options::default().window(8).epochs(1);
    assert!(Training::new(&task).options(same).run().is_ok());
}

#[test]
fn a_program_trains_and_loads_a_letters_model() {
    let experiment = |name: &str| name.parse::<Experiment>().unwrap();
    let error = LettersTask::from_experiment(experiment("stock-rnn")).err().unwrap();
    assert!(error.to_string().contains("stock-rnn: predicts series, not letters"), "{error}");
    let task = LettersTask::from_experiment(experiment("letters-onehot-1")).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let training = Training::new(&task).options(Options::default().epochs(2));
    let model = training.folder(folder.path()).run().unwrap();
    let loaded = RunFolder::open(folder.path()).unwrap().load(&task, BackendChoice::Ndarray);
    let loss = loaded.unwrap().best_loss();
    assert_eq!(loss.to_bits(), model.best_loss().to_bits());
}
