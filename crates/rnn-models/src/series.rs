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

/// Configuration of a [`SeriesModel`]; the defaults are those of the course's models of prices.
#[derive(Config, Debug)]
pub struct SeriesModelConfig {
    /// The recurrent cell of all layers.
    pub cell: Cell,
    /// Input features a step.
    #[config(default = 1)]
    pub features: usize,
    /// Hidden units of each recurrent layer.
    #[config(default = "vec![80, 100]")]
    pub units: Vec<usize>,
    /// Values predicted at once.
    #[config(default = 1)]
    pub horizon: usize,
    /// Quantiles predicted of each value; 1: only the value.
    #[config(default = 1)]
    pub quantiles: usize,
    /// Which of the quantiles, from 0, the outputs are themselves; each other is a positive
    /// distance from its neighbour.
    #[config(default = 0)]
    pub median: usize,
    /// Fraction of values dropped after each recurrent layer while training.
    #[config(default = 0.2)]
    pub dropout: f64,
    /// Whether the dense layer starts at zero, so that an untrained model predicts 0: where 0 is a
    /// good forecast to begin with.
    #[config(default = false)]
    pub zero_output: bool,
}

/// Predicts the next values of a series: recurrent layers with dropout after each, then a dense
/// layer.
#[derive(Module, Debug)]
pub struct SeriesModel {
    /// Recurrent layers; all hidden states of one go on to the next, of the last only the last.
    pub layers: Vec<Recurrent>,
    /// Dropout after each recurrent layer.
    pub dropout: Dropout,
    /// From the last hidden state to the predictions.
    pub dense: Linear,
    /// Quantiles of each value.
    #[module(skip)]
    pub quantiles: usize,
    /// Which of them the outputs are themselves.
    #[module(skip)]
    pub median: usize,
}

impl SeriesModelConfig {
    /// Creates the model on a device.
    ///
    /// # Panics
    ///
    /// When there is no layer, a size is zero, `median` is none of the quantiles, or `dropout` is
    /// not in [0, 1).
    pub fn init(&self, device: &Device) -> SeriesModel {
        assert!(
            !self.units.is_empty(),
            "SeriesModelConfig: units is empty, expected a number for each of one or more layers"
        );
        at_least_one("SeriesModelConfig", "horizon", self.horizon);
        let Self { median, quantiles, .. } = self;
        assert!(
            median < quantiles,
            "SeriesModelConfig: median is {median}, expected an index below {quantiles}, the \
             quantiles"
        );
        let inputs = [&[self.features], self.units.as_slice()].concat();
        let pairs = inputs.windows(2);
        let layers = pairs
            .map(|sizes| RecurrentConfig::new(self.cell, sizes[0], sizes[1]).init(device))
            .collect();
        let output = if self.zero_output { zero_dense } else { dense };
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
    /// Predicts the values after each window, or quantiles of them: the lowest of all values first,
    /// and none above the next.
    ///
    /// # Shapes
    ///
    /// - windows: `[B, T, features]`
    /// - output: `[B, quantiles * horizon]`
    pub fn forward(&self, windows: Tensor<3>) -> Tensor<2> {
        let Some((last, before)) = self.layers.split_last() else {
            unreachable!("a model has at least one layer")
        };
        let hidden = before.iter().fold(windows, |input, layer| {
            drop_values(&self.dropout, layer.forward(input).sequence)
        });
        rising(
            self.dense.forward(drop_values(&self.dropout, last.forward(hidden).last)),
            self.quantiles,
            self.median,
        )
    }

    /// The model as a table, for windows of `window` steps.
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

/// Quantiles that never cross: the median is what it is, each other is a positive distance from its
/// neighbour (as in Park et al., "Learning quantile functions without quantile crossing for
/// distribution-free time series forecasting", AISTATS 2022, which adds up positive increments).
///
/// # Shapes
///
/// - outputs: `[B, quantiles * horizon]`
/// - output: the same
fn rising(outputs: Tensor<2>, quantiles: usize, median: usize) -> Tensor<2> {
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
    fn quantiles_never_cross_whatever_the_weights() {
        let device = Device::flex();
        device.seed(1);
        for (quantiles, median) in [(2, 0), (2, 1), (3, 1), (5, 1)] {
            let outputs =
                Tensor::<2>::random([50, quantiles * 4], Distribution::Normal(0.0, 30.0), &device);
            let numbers = |one: Tensor<2>| one.into_data().iter::<f32>().collect::<Vec<f32>>();
            let own = numbers(outputs.clone().chunk(quantiles, 1)[median].clone());
            let all: Vec<Vec<f32>> = rising(outputs, quantiles, median)
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
