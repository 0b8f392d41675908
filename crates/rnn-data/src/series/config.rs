use burn::config::Config;

use super::{Feature, Naive, Split, Transform};

/// What is predicted from what; [`init`](SeriesConfig::init) makes it of a table.
///
/// # Examples
///
/// The next 5 closing prices from the 20 before, as changes from the last one.
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
    /// Column that is predicted.
    pub target: String,
    /// Column of closing prices, if any: its last value is a naive forecast.
    pub close: Option<String>,
    /// What the model reads of each row; the target alone if empty.
    #[config(default = "Vec::new()")]
    pub features: Vec<Feature>,
    /// Rows the model reads.
    #[config(default = 60)]
    pub window: usize,
    /// Rows it predicts at once.
    #[config(default = 1)]
    pub horizon: usize,
    /// The form in which it predicts them.
    #[config(default = "Transform::Standard")]
    pub transform: Transform,
    /// The forecast that the residual transforms are relative to.
    #[config(default = "Naive::LastValue")]
    pub naive: Naive,
    /// Which rows are the training, validation and test set.
    #[config(default = "Split::default()")]
    pub split: Split,
}

impl SeriesConfig {
    /// Columns that must be read of a file, the target first, each once.
    pub fn columns(&self) -> Vec<&str> {
        let mut columns = vec![self.target.as_str()];
        for name in self.features.iter().flat_map(Feature::columns).chain(self.close.as_deref()) {
            if !columns.contains(&name) {
                columns.push(name);
            }
        }
        columns
    }
}
