use std::{path::Path, sync::Arc};

use burn::{
    data::{dataloader::batcher::Batcher, dataset::Dataset},
    tensor::Device,
    train::{SupervisedTraining, metric::LossMetric},
};
use jiff::civil::Date;
use rnn_data::{EpochLoader, MinMaxScaler, Order, PriceFile, StockData, WindowBatch, WindowBatcher, Windows};
use rnn_models::{Cell, ModelSummary, StockModel, StockModelConfig};
use serde::Serialize;

use super::{Job, Loaders, Schedule};
use crate::{
    Error, Result, baselines,
    checkpoint::Meaning,
    console::note,
    evaluation::{BaselineScores, Day, Evaluation, Reference, Scores, StockEvaluation},
    learner::Trainee,
    recipe::{Experiment, STOCK_WINDOW},
    settings::DataSource,
    weights::{Format, encode},
};

/// Windows predicted at once.
const BATCH: usize = 256;

/// Learning the next day's opening price.
pub(crate) struct StockJob {
    experiment: Experiment,
    cell: Cell,
    file: PriceFile,
    data: StockData,
    source: DataSource,
}

/// A predicted opening price.
#[derive(Debug, Serialize)]
pub(crate) struct StockPrediction {
    /// The predicted day; absent for the trading day after the last row.
    pub(crate) date: Option<Date>,
    /// Last day the prediction knows.
    pub(crate) known_until: Date,
    pub(crate) predicted: f64,
    /// The opening price of that day, where the file has it.
    pub(crate) actual: Option<f64>,
    pub(crate) file: String,
    pub(crate) synthetic: bool,
}

impl StockJob {
    /// Reads a price file, or the embedded sample, and says what is odd about it. The scaler of a trained model is given; a new
    /// model's is fitted on the training part.
    pub(crate) fn open(experiment: Experiment, cell: Cell, path: Option<&Path>, scaler: Option<MinMaxScaler>) -> Result<Self> {
        let file = path.map_or_else(PriceFile::sample, PriceFile::read)?;
        for warning in &file.warnings {
            note(format_args!("warning: {}: {warning}", file.path.display()));
        }
        let data = match scaler {
            Some(scaler) => StockData::course_scaled(&file, STOCK_WINDOW, scaler)?,
            None => StockData::course(&file, STOCK_WINDOW)?,
        };
        let source = DataSource {
            file: file.name(),
            path: path.map(|path| path.canonicalize().unwrap_or_else(|_| path.to_owned())),
            sha256: file.sha256.clone(),
            rows: file.bars.len(),
            synthetic: file.synthetic,
        };
        Ok(Self { experiment, cell, file, data, source })
    }

    /// Predicts the opening price of a day of the file, or of the trading day after its last row.
    ///
    /// # Errors
    ///
    /// When the day is not in the file or has too few days before it.
    pub(crate) fn predict(&self, trainee: &Trainee<StockModel>, date: Option<Date>, device: &Device) -> Result<StockPrediction> {
        let bars = &self.file.bars;
        let index = match date {
            None => bars.len(),
            Some(date) => bars.binary_search_by_key(&date, |bar| bar.date).map_err(|_| {
                let (first, last) = (bars[0].date, bars[bars.len() - 1].date);
                Error::Usage(format!("{date} is no trading day of {}, which has {first} to {last}", self.source.file))
            })?,
        };
        let Some(start) = index.checked_sub(STOCK_WINDOW) else {
            let first = bars[STOCK_WINDOW].date;
            return Err(Error::Usage(format!("{STOCK_WINDOW} days must come before a predicted one; the first such day is {first}")));
        };
        let opens = bars[start..index].iter().map(|bar| self.data.scaler.transform(bar.open) as f32);
        // A window's target is not looked at here; any value ends the series.
        let series: Arc<[f32]> = opens.chain([0.0]).collect();
        let predicted = self.predict_all(trainee, &Windows::new(series, STOCK_WINDOW), device)?[0];
        Ok(StockPrediction {
            date,
            known_until: bars[index - 1].date,
            predicted,
            actual: bars.get(index).map(|bar| bar.open),
            file: self.source.file.clone(),
            synthetic: self.source.synthetic,
        })
    }

    /// Predictions of all windows, in price units.
    fn predict_all(&self, trainee: &Trainee<StockModel>, windows: &Windows, device: &Device) -> Result<Vec<f64>> {
        let mut predictions = Vec::with_capacity(windows.len());
        for start in (0..windows.len()).step_by(BATCH) {
            let items = windows.get_many((start..windows.len().min(start + BATCH)).collect());
            let batch = WindowBatcher.batch(items.map_err(|error| Error::Internal(error.to_string()))?, device);
            let scaled = trainee.model.forward(batch.windows).into_data();
            predictions.extend(scaled.iter::<f64>().map(|scaled| self.data.scaler.inverse_transform(scaled)));
        }
        if let Some(bad) = predictions.iter().position(|price| !price.is_finite()) {
            return Err(Error::Training(format!("prediction {} of the model is {}, no finite price", bad + 1, predictions[bad])));
        }
        Ok(predictions)
    }
}

impl Job for StockJob {
    const VALIDATES: bool = true;
    type Batch = WindowBatch;
    type Trainee = Trainee<StockModel>;

    fn trainee(&self, device: &Device) -> Trainee<StockModel> {
        Trainee { model: StockModelConfig::new(self.cell).init(device) }
    }

    fn summary(&self, trainee: &Trainee<StockModel>) -> ModelSummary {
        trainee.model.summary(STOCK_WINDOW)
    }

    fn weights(&self, trainee: &Trainee<StockModel>, format: Format) -> Result<Vec<u8>> {
        encode(&trainee.model, format, self.experiment.0.name)
    }

    fn loaders(&self, schedule: Schedule, device: &Device) -> Loaders<WindowBatch> {
        let Schedule { batch_size, seed, first_epoch } = schedule;
        let loader = |windows: &Windows, order| EpochLoader::new(windows.clone(), WindowBatcher, batch_size, order, first_epoch, device);
        let train = loader(&self.data.train, Order::Shuffled { seed });
        let valid = loader(&self.data.test, Order::Sequential);
        Loaders { train: Arc::new(train), valid: Arc::new(valid) }
    }

    fn metrics(&self, training: SupervisedTraining<Trainee<StockModel>>) -> SupervisedTraining<Trainee<StockModel>> {
        training.metrics((LossMetric::new(),))
    }

    fn meaning(&self) -> Meaning {
        Meaning { data: Some(self.source.clone()), scaler: Some(self.data.scaler) }
    }

    fn evaluate(&self, trainee: &Trainee<StockModel>, best_epoch: usize, device: &Device) -> Result<Evaluation> {
        let data = &self.data;
        let predicted = self.predict_all(trainee, &data.test, device)?;
        let bars = &self.file.bars;
        let test = bars.len() - data.test_opens.len()..bars.len();
        let train = 0..test.start - STOCK_WINDOW;
        let training = bars[train.clone()].iter().map(|bar| bar.open);
        let reference = Reference::new(&data.test_opens, &data.test_previous_opens, training);
        let (model, naive) = (Scores::of(&reference, &predicted), Scores::of(&reference, &data.test_previous_opens));
        let baselines = baselines::all(bars, train, test).into_iter();
        let baselines: Vec<BaselineScores> =
            baselines.map(|baseline| BaselineScores { name: baseline.name, scores: Scores::of(&reference, &baseline.predicted) }).collect();
        let best = baselines.iter().map(|baseline| baseline.scores.rmse).fold(naive.rmse, f64::min);
        if !model.mse.is_finite() {
            return Err(Error::Training(format!("the scores are not finite (MSE {})", model.mse)));
        }
        let days = data.test_dates.iter().zip(&data.test_opens).zip(&predicted);
        let days = days.map(|((&date, &actual), &predicted)| Day { date, actual, predicted }).collect();
        Ok(Evaluation::Stock(Box::new(StockEvaluation {
            experiment: self.experiment,
            split: "course",
            best_epoch,
            windows: predicted.len(),
            model,
            naive: naive.into(),
            baselines,
            skill: 1.0 - model.rmse / best,
            data: self.source.clone(),
            days,
        })))
    }
}
