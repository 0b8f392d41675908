use std::sync::Arc;

use burn::{
    data::{
        dataloader::batcher::Batcher,
        dataset::{Dataset, DatasetError},
    },
    tensor::{Device, Tensor, TensorData},
};

/// Every window of a series, each with the value that follows; cut when asked for, never stored.
///
/// # Examples
///
/// ```
/// use burn::data::dataset::Dataset;
/// use rnn_data::Windows;
///
/// let windows = Windows::new(vec![1.0, 2.0, 3.0, 4.0, 5.0].into(), 3);
/// assert_eq!(windows.len(), 2);
/// let second = windows.get(1).unwrap();
/// assert_eq!((second.values(), second.target()), (&[2.0, 3.0, 4.0][..], 5.0));
/// ```
#[derive(Debug, Clone)]
pub struct Windows {
    series: Arc<[f32]>,
    length: usize,
}

/// One window of a series.
#[derive(Debug, Clone)]
pub struct Window {
    series: Arc<[f32]>,
    start: usize,
    length: usize,
}

/// A batch of windows.
#[derive(Debug, Clone)]
pub struct WindowBatch {
    /// Values of the windows, `[B, T, 1]`, scaled.
    pub windows: Tensor<3>,
    /// The value after each window, `[B, 1]`, scaled.
    pub targets: Tensor<2>,
}

/// Batches [`Window`]s.
#[derive(Debug, Clone, Copy)]
pub struct WindowBatcher;

impl Windows {
    /// Windows of `length` values over a series; a series of `n` values has `n - length` of them.
    ///
    /// # Panics
    ///
    /// When `length` is zero.
    pub fn new(series: Arc<[f32]>, length: usize) -> Self {
        assert!(length > 0, "a window has at least one value");
        Self { series, length }
    }
}

impl Window {
    /// The values of the window, oldest first.
    pub fn values(&self) -> &[f32] {
        &self.series[self.start..self.start + self.length]
    }

    /// The value after the window.
    pub fn target(&self) -> f32 {
        self.series[self.start + self.length]
    }
}

impl Dataset<Window> for Windows {
    fn get(&self, index: usize) -> Result<Window, DatasetError> {
        assert!(index < self.len(), "window {index} of {}", self.len());
        Ok(Window { series: self.series.clone(), start: index, length: self.length })
    }

    fn len(&self) -> usize {
        self.series.len().saturating_sub(self.length)
    }
}

impl Batcher<Window, WindowBatch> for WindowBatcher {
    fn batch(&self, windows: Vec<Window>, device: &Device) -> WindowBatch {
        let (count, length) = (windows.len(), windows[0].length);
        let mut values = Vec::with_capacity(count * length);
        windows.iter().for_each(|window| values.extend_from_slice(window.values()));
        let targets = windows.iter().map(Window::target).collect::<Vec<_>>();
        WindowBatch {
            windows: Tensor::from_data(TensorData::new(values, [count, length, 1]), device),
            targets: Tensor::from_data(TensorData::new(targets, [count, 1]), device),
        }
    }
}
