use std::sync::Arc;

use burn::{
    data::{
        dataloader::batcher::Batcher,
        dataset::{Dataset, DatasetError},
    },
    tensor::{Device, Tensor, TensorData},
};

use super::{Series, Subset};

/// Dataset of all windows of one or many series, each with its target values.
///
/// Windows are views that are created on access. They never cross two series, nor a gap longer than
/// the [limit](crate::ReadOptions::max_gap).
///
/// # Examples
///
/// ```
/// use burn::data::dataset::Dataset;
/// use rnn_data::{CsvFile, Feature, Naive, Subset, ReadOptions, SeriesConfig, Transform};
///
/// let file = CsvFile::sample(None)?;
/// let features = ["gap", "log-return(close)", "weekday"];
/// let features = features.iter().map(|text| Feature::parse(text, file.columns()));
/// let config = SeriesConfig::new("open".into())
///     .with_close(Some("close".into()))
///     .with_features(features.collect::<Result<_, _>>()?)
///     .with_window(20)
///     .with_horizon(5)
///     .with_transform(Transform::LogResidual)
///     .with_naive(Naive::LastClose);
/// let panel = config.init(file.read(&config.columns(), &ReadOptions::default())?)?;
/// let windows = panel.windows(Subset::Test);
/// let window = windows.get(0).unwrap();
/// assert_eq!((window.values().len(), window.targets().count()), (20 * 4, 5));
/// # Ok::<(), rnn_data::DataError>(())
/// ```
#[derive(Debug, Clone)]
pub struct Windows {
    /// Series with windows, the first origin of a run of windows, and the number of windows before.
    series: Arc<[(Arc<Series>, usize, usize)]>,
    count: usize,
    /// Distance of the windows that are kept.
    stride: usize,
}

/// One window of a series.
#[derive(Debug, Clone)]
pub struct Window {
    series: Arc<Series>,
    origin: usize,
}

/// A batch of windows.
#[derive(Debug, Clone)]
pub struct WindowBatch {
    /// Scaled inputs, `[B, T, features]`.
    pub windows: Tensor<3>,
    /// Transformed and scaled values after each window, `[B, horizon]`.
    pub targets: Tensor<2>,
}

/// Batches [`Window`]s.
#[derive(Debug, Clone, Copy)]
pub struct WindowBatcher;

impl Windows {
    /// Creates the windows of a set of series.
    pub fn new(series: &[Arc<Series>], subset: Subset) -> Self {
        let mut count = 0;
        let mut starts = Vec::new();
        for series in series {
            for origins in series.origins(subset).ranges {
                starts.push((series.clone(), origins.start, count));
                count += origins.len();
            }
        }
        Self { series: starts.into(), count, stride: 1 }
    }

    /// Keeps windows at equal distances, about `most`, at all places of each season.
    #[must_use]
    pub fn thinned(self, most: usize) -> Self {
        let least = self.count.div_ceil(most.max(1));
        let stride = self.series.first().map_or(1, |(series, ..)| series.stride(least));
        Self { stride, ..self }
    }
}

impl Window {
    /// Creates the window before the row `origin`, which may follow the last row.
    pub fn new(series: &Arc<Series>, origin: usize) -> Self {
        Self { series: series.clone(), origin }
    }

    /// Returns the scaled inputs, `[T, features]` in row-major order, oldest first.
    pub fn values(&self) -> &[f32] {
        self.series.inputs(self.origin - self.series.config.window..self.origin)
    }

    /// Returns the transformed and scaled values after the window, `[horizon]`.
    ///
    /// They are 0 after the last row.
    pub fn targets(&self) -> impl Iterator<Item = f32> + '_ {
        let known = self.series.target.len();
        (0..self.series.config.horizon).map(move |step| {
            if self.origin + step < known {
                self.series.transform(self.origin, step) as f32
            } else {
                0.0
            }
        })
    }

    /// Returns the series of the window.
    pub fn series(&self) -> &Arc<Series> {
        &self.series
    }

    /// Returns the row of the first value after the window.
    pub fn origin(&self) -> usize {
        self.origin
    }
}

impl Dataset<Window> for Windows {
    fn get(&self, index: usize) -> Result<Window, DatasetError> {
        let index = index.saturating_mul(self.stride);
        assert!(index < self.count, "window {index} of {}", self.count);
        let place = self.series.partition_point(|(_, _, before)| *before <= index) - 1;
        let (series, first, before) = &self.series[place];
        Ok(Window::new(series, first + index - before))
    }

    fn len(&self) -> usize {
        self.count.div_ceil(self.stride)
    }
}

impl Batcher<Window, WindowBatch> for WindowBatcher {
    fn batch(&self, windows: Vec<Window>, device: &Device) -> WindowBatch {
        let Series { config, width, .. } = windows[0].series.as_ref();
        let (count, length, width, horizon) =
            (windows.len(), config.window, *width, config.horizon);
        let mut values = Vec::with_capacity(count * length * width);
        let mut targets = Vec::with_capacity(count * horizon);
        for window in &windows {
            values.extend_from_slice(window.values());
            targets.extend(window.targets());
        }
        WindowBatch {
            windows: Tensor::from_data(TensorData::new(values, [count, length, width]), device),
            targets: Tensor::from_data(TensorData::new(targets, [count, horizon]), device),
        }
    }
}
