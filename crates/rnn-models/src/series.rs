use burn::{
    config::Config,
    module::Module,
    nn::{Dropout, DropoutConfig, Linear},
    tensor::{Device, Tensor, activation::softplus},
};

use rnn_kernels::Cell;

use crate::{
    dropout::drop_values,
    initializers::{dense, zero_dense},
    layers::at_least_one,
    recurrent::{Recurrent, RecurrentConfig},
    summary::{LayerSummary, ModelSummary},
};

/// Configuration of a [`SeriesModel`]; its defaults are those of the course's price models.
#[derive(Config, Debug)]
pub struct SeriesModelConfig {
    /// Recurrent cell of all layers.
    pub cell: Cell,
    /// Input features per step.
    #[config(default = 1)]
    pub features: usize,
    /// Hidden units of each recurrent layer, from first to last.
    #[config(default = "vec![80, 100]")]
    pub units: Vec<usize>,
    /// Number of future values that are predicted at once.
    #[config(default = 1)]
    pub horizon: usize,
    /// Number of quantiles predicted per value; 1 means a point prediction.
    #[config(default = 1)]
    pub quantiles: usize,
    /// Index of the quantile that the dense layer predicts directly, usually the median. Each other
    /// quantile is predicted as a positive distance from its neighbour.
    #[config(default = 0)]
    pub median: usize,
    /// Dropout rate after each recurrent layer, in training.
    #[config(default = 0.2)]
    pub dropout: f64,
    /// Whether the dense layer's weights start at zero, so that an untrained model predicts 0. It
    /// suits targets such as returns, for which 0 is a reasonable first forecast.
    #[config(default = false)]
    pub zero_output: bool,
}

/// A model that predicts the next values of a series. It has recurrent layers with dropout after
/// each, then a dense layer.
///
/// # Examples
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// use rnn_models::{Cell, SeriesModelConfig};
///
/// let device = Device::flex();
/// let config = SeriesModelConfig::new(Cell::Lstm).with_features(5).with_units(vec![32, 16]);
/// let model = config.init(&device);
/// let windows = Tensor::zeros([8, 60, 5], &device);
/// assert_eq!(model.forward(windows).dims(), [8, 1]);
/// println!("{}", model.summary(60));
/// ```
#[derive(Module, Debug)]
pub struct SeriesModel {
    /// Recurrent layers, from first to last. Each passes all hidden states to the next layer; the
    /// last one passes only its last hidden state to the dense layer.
    pub layers: Vec<Recurrent>,
    /// Dropout after each recurrent layer.
    pub dropout: Dropout,
    /// Dense layer from the last hidden state to the predictions.
    pub dense: Linear,
    /// Number of quantiles per value.
    #[module(skip)]
    pub quantiles: usize,
    /// Index of the quantile that the dense layer predicts directly.
    #[module(skip)]
    pub median: usize,
}

impl SeriesModelConfig {
    /// Creates the model on a device.
    ///
    /// # Panics
    ///
    /// Panics if `units` is empty or a size is zero. Panics if `median` is not below `quantiles`,
    /// or `dropout` is not in [0, 1).
    pub fn init(&self, device: &Device) -> SeriesModel {
        let output = if self.zero_output { zero_dense } else { dense };
        self.model(RecurrentConfig::init, output, device)
    }

    /// Returns the number of parameters of the model, or `None` if it exceeds `usize`.
    ///
    /// Nothing is created, so a size from a file can be checked first.
    pub fn num_params(&self) -> Option<usize> {
        let mut inputs = self.features;
        let mut sum = 0usize;
        for &units in &self.units {
            sum = sum.checked_add(RecurrentConfig::new(self.cell, inputs, units).num_params()?)?;
            inputs = units;
        }
        let outputs = self.horizon.checked_mul(self.quantiles)?;
        sum.checked_add(inputs.checked_add(1)?.checked_mul(outputs)?)
    }

    /// Creates the model with kernels of zeros, to load weights into; see
    /// [`RecurrentConfig::init_zeros`].
    ///
    /// # Panics
    ///
    /// As [`init`](Self::init).
    pub fn init_zeros(&self, device: &Device) -> SeriesModel {
        self.model(RecurrentConfig::init_zeros, zero_dense, device)
    }

    fn model(
        &self,
        layer: fn(&RecurrentConfig, &Device) -> Recurrent,
        output: fn(usize, usize, &Device) -> Linear,
        device: &Device,
    ) -> SeriesModel {
        assert!(
            !self.units.is_empty(),
            "SeriesModelConfig: units is empty (give the hidden units of at least one layer)"
        );
        at_least_one("SeriesModelConfig", "horizon", self.horizon);
        let Self { median, quantiles, .. } = self;
        assert!(
            median < quantiles,
            "SeriesModelConfig: median is {median} (expected an index below quantiles, {quantiles})"
        );
        let inputs = [&[self.features], self.units.as_slice()].concat();
        let pairs = inputs.windows(2);
        let layers = pairs
            .map(|sizes| layer(&RecurrentConfig::new(self.cell, sizes[0], sizes[1]), device))
            .collect();
        SeriesModel {
            layers,
            dropout: DropoutConfig::new(self.dropout).init(),
            dense: output(inputs[inputs.len() - 1], self.horizon * self.quantiles, device),
            quantiles: self.quantiles,
            median: self.median,
        }
    }
}

impl SeriesModel {
    /// Predicts the values after each window, or their quantiles. The columns hold the lowest
    /// quantile of all values first, then the next quantile. Quantiles never cross.
    ///
    /// # Shapes
    ///
    /// - windows: `[B, T, features]`
    /// - output: `[B, quantiles * horizon]`
    pub fn forward(&self, windows: Tensor<3>) -> Tensor<2> {
        let Some((last, before)) = self.layers.split_last() else {
            unreachable!("init refuses a model without layers")
        };
        let hidden = before.iter().fold(windows, |input, layer| {
            drop_values(&self.dropout, layer.forward(input).sequence)
        });
        without_crossing(
            self.dense.forward(drop_values(&self.dropout, last.forward(hidden).last)),
            self.quantiles,
            self.median,
        )
    }

    /// Summarises the model as a table, for windows of `window` steps.
    pub fn summary(&self, window: usize) -> ModelSummary {
        let mut layers = Vec::new();
        for (index, layer) in self.layers.iter().enumerate() {
            let last = index + 1 == self.layers.len();
            let shape = if last { vec![layer.units()] } else { vec![window, layer.units()] };
            layers.push(LayerSummary::new(layer.cell().title(), shape.clone(), layer.num_params()));
            layers.push(LayerSummary::new("Dropout", shape, 0));
        }
        let [_, outputs] = self.dense.weight.dims();
        layers.push(LayerSummary::new("Dense", [outputs], self.dense.num_params()));
        ModelSummary { layers }
    }
}

/// Turns raw outputs into quantiles that never cross. The median is kept, and each other quantile
/// lies at a positive distance from its neighbour. The method is that of Park et al., "Learning
/// quantile functions without quantile crossing for distribution-free time series forecasting",
/// AISTATS 2022, which sums positive increments.
///
/// # Shapes
///
/// - outputs: `[B, quantiles * horizon]`
/// - output: the same
fn without_crossing(outputs: Tensor<2>, quantiles: usize, median: usize) -> Tensor<2> {
    if quantiles == 1 {
        return outputs;
    }
    let raw = outputs.chunk(quantiles, 1);
    let mut all = raw.clone();
    for index in median + 1..quantiles {
        all[index] = all[index - 1].clone() + softplus(raw[index].clone(), 1.0);
    }
    for index in (0..median).rev() {
        all[index] = all[index + 1].clone() - softplus(raw[index].clone(), 1.0);
    }
    Tensor::cat(all, 1)
}

#[cfg(test)]
mod tests {
    use burn::tensor::Distribution;

    use super::*;

    #[test]
    fn quantiles_never_cross_for_random_outputs() {
        let device = Device::flex();
        device.seed(1);
        for (quantiles, median) in [(2, 0), (2, 1), (3, 1), (5, 1)] {
            let outputs =
                Tensor::<2>::random([50, quantiles * 4], Distribution::Normal(0.0, 30.0), &device);
            let numbers = |one: Tensor<2>| one.into_data().iter::<f32>().collect::<Vec<f32>>();
            let own = numbers(outputs.clone().chunk(quantiles, 1)[median].clone());
            let all: Vec<Vec<f32>> = without_crossing(outputs, quantiles, median)
                .chunk(quantiles, 1)
                .into_iter()
                .map(numbers)
                .collect();
            assert_eq!(all[median], own);
            for pair in all.windows(2) {
                assert!(pair[0].iter().zip(&pair[1]).all(|(low, high)| low <= high), "{pair:?}");
            }
        }
    }

    #[test]
    fn the_dense_layer_has_an_output_for_each_quantile_of_each_value() {
        let device = Device::flex();
        let config = SeriesModelConfig::new(Cell::Gru)
            .with_units(vec![3])
            .with_horizon(2)
            .with_quantiles(3)
            .with_median(1)
            .with_zero_output(true);
        let model = config.init(&device);
        assert_eq!(model.forward(Tensor::zeros([4, 5, 1], &device)).dims(), [4, 6]);
        assert_eq!(model.summary(5).layers.last().map(|dense| dense.parameters), Some(3 * 6 + 6));
    }
}
