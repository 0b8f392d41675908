use jiff::civil::Date;

use crate::{DataError, MinMaxScaler, PriceFile, Windows};

/// Rows at the end of the file that the course tests on.
const COURSE_TEST_ROWS: usize = 300;

/// Scaled opening prices of one price file, split as the course does (the split named `course`).
///
/// The last 300 rows are the test part, everything before trains; the scaler sees the training part only, and windows are cut
/// inside their part. The course then validates on the test part every epoch and keeps the best weights by that, so its test
/// scores are optimistic: the weights were chosen by the very days they are scored on.
#[derive(Debug, Clone)]
pub struct StockData {
    /// Training windows.
    pub train: Windows,
    /// Test windows.
    pub test: Windows,
    /// Scaler of the opening prices, fitted on the training part.
    pub scaler: MinMaxScaler,
    /// Days predicted by the test windows.
    pub test_dates: Vec<Date>,
    /// Opening prices of those days, as in the file.
    pub test_opens: Vec<f64>,
    /// Opening prices of the trading days before those: the naive forecast "yesterday's open".
    pub test_previous_opens: Vec<f64>,
}

impl StockData {
    /// Splits and scales a price file for windows of `window` days.
    ///
    /// # Errors
    ///
    /// [`DataError::TooFewRows`] when a part is too short for one window, [`DataError::ZeroRange`] for constant prices.
    ///
    /// # Panics
    ///
    /// When `window` is zero.
    pub fn course(file: &PriceFile, window: usize) -> Result<Self, DataError> {
        Self::split(file, window, |train| MinMaxScaler::fit(train, &format!("{}, column `open`", file.path.display())))
    }

    /// The same with the scaler a model was trained with: a model's predictions mean prices only through that one.
    ///
    /// # Errors
    ///
    /// [`DataError::TooFewRows`] when a part is too short for one window.
    ///
    /// # Panics
    ///
    /// When `window` is zero.
    pub fn course_scaled(file: &PriceFile, window: usize, scaler: MinMaxScaler) -> Result<Self, DataError> {
        Self::split(file, window, |_| Ok(scaler))
    }

    fn split(file: &PriceFile, window: usize, scaler: impl FnOnce(&[f64]) -> Result<MinMaxScaler, DataError>) -> Result<Self, DataError> {
        let rows = file.bars.len();
        let test_rows = COURSE_TEST_ROWS;
        let needed = test_rows.max(window + 1) + window + 1;
        if rows < needed || test_rows <= window {
            let why =
                format!("the last {test_rows} rows are the test part, and each part needs a window of {window} days and a day to predict");
            return Err(DataError::TooFewRows { path: file.path.clone(), rows, needed, why });
        }

        let opens: Vec<f64> = file.opens().collect();
        let (train, test) = opens.split_at(rows - test_rows);
        let scaler = scaler(train)?;
        let windows = |part: &[f64]| Windows::new(part.iter().map(|&open| scaler.transform(open) as f32).collect(), window);
        Ok(Self {
            train: windows(train),
            test: windows(test),
            scaler,
            test_dates: file.bars[rows - test_rows + window..].iter().map(|bar| bar.date).collect(),
            test_opens: test[window..].to_vec(),
            test_previous_opens: test[window - 1..test_rows - 1].to_vec(),
        })
    }
}
