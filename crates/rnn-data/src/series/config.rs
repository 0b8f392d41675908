use burn::config::Config;

use super::{Feature, Naive, Split, Transform};

/// Configuration of windows over series: target, features, window, horizon, transform and split.
///
/// [`init`](SeriesConfig::init) prepares a table, [`init_many`](SeriesConfig::init_many) many.
///
/// # Examples
///
/// Predicts 5 closing prices from 20, as differences from the last one.
///
/// ```
/// use rnn_data::{CsvFile, ReadOptions, SeriesConfig, SetSize, Split, Transform};
///
/// let config = SeriesConfig::new("close".into())
///     .with_window(20)
///     .with_horizon(5)
///     .with_transform(Transform::Residual)
///     .with_split(Split::holdout(SetSize::Rows(240), SetSize::Fraction(0.1)));
/// let table = CsvFile::sample(None)?.read(&config.columns(), &ReadOptions::default())?;
/// let panel = config.init(table)?;
/// assert_eq!(panel.series[0].width(), 1);
/// # Ok::<(), rnn_data::DataError>(())
/// ```
#[derive(Config, Debug, PartialEq)]
pub struct SeriesConfig {
    /// Column to predict.
    pub target: String,
    /// Column of closing prices, if any, for [`Naive::LastClose`].
    pub close: Option<String>,
    /// Input features of each row; only the target if empty.
    #[config(default = "Vec::new()")]
    pub features: Vec<Feature>,
    /// Columns whose values are known in the future, for [`Feature::Lead`].
    #[config(default = "Vec::new()")]
    pub future: Vec<String>,
    /// Number of input rows.
    #[config(default = 60)]
    pub window: usize,
    /// Number of predicted rows.
    #[config(default = 1)]
    pub horizon: usize,
    /// Transform of the target.
    #[config(default = "Transform::Standard")]
    pub transform: Transform,
    /// Naive forecast that the residual transforms subtract.
    #[config(default = "Naive::LastValue")]
    pub naive: Naive,
    /// Season lengths in rows, for [`Naive::Linear`].
    #[config(default = "Vec::new()")]
    pub seasons: Vec<usize>,
    /// Split into training, validation and test set.
    #[config(default = "Split::default()")]
    pub split: Split,
}

impl SeriesConfig {
    /// Returns the columns to read from a file: the target first, without duplicates.
    pub fn columns(&self) -> Vec<&str> {
        let mut columns = vec![self.target.as_str()];
        let features = self.features.iter().flat_map(Feature::columns);
        let future = self.future.iter().map(String::as_str);
        for name in features.chain(self.close.as_deref()).chain(future) {
            if !columns.contains(&name) {
                columns.push(name);
            }
        }
        columns
    }
}
