use burn::{
    config::Config,
    module::Module,
    nn::{Dropout, DropoutConfig, Linear},
    tensor::{Device, Tensor},
};

use crate::{
    Cell, LayerSummary, ModelSummary, Recurrent, RecurrentConfig,
    dropout::drop_values,
    initializers::{dense, zero_dense},
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
    /// Share of values dropped after each recurrent layer while training.
    #[config(default = 0.2)]
    pub dropout: f64,
    /// Whether the dense layer starts at zero, so that an untrained model predicts 0: where 0 is a good forecast to begin with.
    #[config(default = false)]
    pub zero_output: bool,
}

/// Predicts the next values of a series: recurrent layers with dropout after each, then a dense layer.
#[derive(Module, Debug)]
pub struct SeriesModel {
    /// Recurrent layers; all hidden states of one go on to the next, of the last only the last.
    pub layers: Vec<Recurrent>,
    /// Dropout after each recurrent layer.
    pub dropout: Dropout,
    /// From the last hidden state to the predictions.
    pub dense: Linear,
}

impl SeriesModelConfig {
    /// Creates the model on a device.
    ///
    /// # Panics
    ///
    /// When there is no layer, a size is zero, or `dropout` is not in [0, 1).
    pub fn init(&self, device: &Device) -> SeriesModel {
        assert!(!self.units.is_empty(), "a series model has at least one recurrent layer, got no units");
        let inputs = [&[self.features], self.units.as_slice()].concat();
        let pairs = inputs.windows(2);
        let layers = pairs.map(|sizes| RecurrentConfig::new(self.cell, sizes[0], sizes[1]).init(device)).collect();
        let output = if self.zero_output { zero_dense } else { dense };
        SeriesModel {
            layers,
            dropout: DropoutConfig::new(self.dropout).init(),
            dense: output(inputs[inputs.len() - 1], self.horizon, device),
        }
    }
}

impl SeriesModel {
    /// Predicts the values after each window.
    ///
    /// # Shapes
    ///
    /// - windows: `[B, T, features]`
    /// - output: `[B, horizon]`
    pub fn forward(&self, windows: Tensor<3>) -> Tensor<2> {
        let Some((last, before)) = self.layers.split_last() else { unreachable!("a model has at least one layer") };
        let hidden = before.iter().fold(windows, |input, layer| drop_values(&self.dropout, layer.forward(input).sequence));
        self.dense.forward(drop_values(&self.dropout, last.forward(hidden).last))
    }

    /// The model as a table, for windows of `window` steps.
    pub fn summary(&self, window: usize) -> ModelSummary {
        let mut layers = Vec::new();
        for (index, layer) in self.layers.iter().enumerate() {
            let last = index + 1 == self.layers.len();
            let shape = if last { vec![layer.units()] } else { vec![window, layer.units()] };
            layers.push(LayerSummary::new(layer.name(), shape.clone(), layer.num_params()));
            layers.push(LayerSummary::new("Dropout", shape, 0));
        }
        let [_, horizon] = self.dense.weight.dims();
        layers.push(LayerSummary::new("Dense", [horizon], self.dense.num_params()));
        ModelSummary { layers }
    }
}
