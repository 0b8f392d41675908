use std::fmt;

/// One row of a model summary.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LayerSummary {
    /// Layer name, for example `SimpleRNN`.
    pub layer: String,
    /// Output shape without the batch dimension.
    pub output_shape: Vec<usize>,
    /// Number of trainable parameters.
    pub parameters: usize,
}

/// A model as a table of layers, output shapes and parameters, as Keras's `model.summary()` prints
/// it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelSummary {
    /// Layers, from input to output.
    pub layers: Vec<LayerSummary>,
}

impl ModelSummary {
    /// Number of trainable parameters of all layers.
    pub fn total(&self) -> usize {
        self.layers.iter().map(|layer| layer.parameters).sum()
    }
}

impl LayerSummary {
    pub(crate) fn new(
        layer: impl Into<String>,
        output_shape: impl Into<Vec<usize>>,
        parameters: usize,
    ) -> Self {
        Self { layer: layer.into(), output_shape: output_shape.into(), parameters }
    }

    fn shape(&self) -> String {
        let sizes: String = self.output_shape.iter().map(|size| format!(", {size}")).collect();
        format!("(batch{sizes})")
    }
}

impl fmt::Display for ModelSummary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rule = "─".repeat(56);
        writeln!(f, " {:<22} {:<20} {:>12}", "Layer", "Output shape", "Parameters")?;
        writeln!(f, "{rule}")?;
        for layer in &self.layers {
            writeln!(
                f,
                " {:<22} {:<20} {:>12}",
                layer.layer,
                layer.shape(),
                thousands(layer.parameters)
            )?;
        }
        writeln!(f, "{rule}")?;
        write!(f, " {:<43} {:>12}", "Total", thousands(self.total()))
    }
}

fn thousands(number: usize) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
