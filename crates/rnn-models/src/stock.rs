use burn::{
    config::Config,
    module::Module,
    nn::{Dropout, DropoutConfig, Linear},
    tensor::{Device, Tensor},
};

use crate::{Cell, LayerSummary, ModelSummary, Recurrent, RecurrentConfig, dropout::drop_values, initializers::dense};

/// Configuration of a [`StockModel`]; the defaults are the course's.
#[derive(Config, Debug)]
pub struct StockModelConfig {
    /// The recurrent cell of both layers.
    pub cell: Cell,
    /// Input features a day.
    #[config(default = 1)]
    pub features: usize,
    /// Hidden units of the first layer.
    #[config(default = 80)]
    pub first_units: usize,
    /// Hidden units of the second layer.
    #[config(default = 100)]
    pub second_units: usize,
    /// Share of values dropped after each recurrent layer while training.
    #[config(default = 0.2)]
    pub dropout: f64,
}

/// Predicts the next value of a series: two recurrent layers with dropout after each, then a dense layer.
#[derive(Module, Debug)]
pub struct StockModel {
    /// First layer; all its hidden states go on.
    pub first: Recurrent,
    /// Second layer; only its last hidden state goes on.
    pub second: Recurrent,
    /// Dropout after each recurrent layer.
    pub dropout: Dropout,
    /// From the last hidden state to the prediction.
    pub dense: Linear,
}

impl StockModelConfig {
    /// Creates the model on a device.
    ///
    /// # Panics
    ///
    /// When a size is zero, or `dropout` is not in [0, 1).
    pub fn init(&self, device: &Device) -> StockModel {
        StockModel {
            first: RecurrentConfig::new(self.cell, self.features, self.first_units).init(device),
            second: RecurrentConfig::new(self.cell, self.first_units, self.second_units).init(device),
            dropout: DropoutConfig::new(self.dropout).init(),
            dense: dense(self.second_units, 1, device),
        }
    }
}

impl StockModel {
    /// Predicts the value after each window.
    ///
    /// # Shapes
    ///
    /// - windows: `[B, T, features]`
    /// - output: `[B, 1]`
    pub fn forward(&self, windows: Tensor<3>) -> Tensor<2> {
        let hidden = drop_values(&self.dropout, self.first.forward(windows).sequence);
        let last = drop_values(&self.dropout, self.second.forward(hidden).last);
        self.dense.forward(last)
    }

    /// The model as a table, for windows of `window` days.
    pub fn summary(&self, window: usize) -> ModelSummary {
        let units = [self.first.units(), self.second.units()];
        ModelSummary {
            layers: vec![
                LayerSummary::new(self.first.name(), [window, units[0]], self.first.num_params()),
                LayerSummary::new("Dropout", [window, units[0]], 0),
                LayerSummary::new(self.second.name(), [units[1]], self.second.num_params()),
                LayerSummary::new("Dropout", [units[1]], 0),
                LayerSummary::new("Dense", [1], self.dense.num_params()),
            ],
        }
    }
}
