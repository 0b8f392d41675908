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

    /// The name Keras gives to the layer by default: the class in snake case, numbered from the
    /// second of its class on.
    fn keras_name(&self, number: usize) -> String {
        let mut name = String::new();
        let mut before = None;
        for letter in self.layer.chars().filter(|letter| letter.is_alphanumeric()) {
            if letter.is_uppercase() && before.is_some_and(char::is_lowercase) {
                name.push('_');
            }
            name.extend(letter.to_lowercase());
            before = Some(letter);
        }
        if number > 0 { format!("{name}_{number}") } else { name }
    }

    fn shape(&self) -> String {
        let sizes: String = self.output_shape.iter().map(|size| format!(", {size}")).collect();
        format!("(batch{sizes})")
    }
}

impl fmt::Display for ModelSummary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rule = "─".repeat(62);
        writeln!(f, " {:<28} {:<20} {:>12}", "Layer (type)", "Output shape", "Parameters")?;
        writeln!(f, "{rule}")?;
        for (index, layer) in self.layers.iter().enumerate() {
            let before = &self.layers[..index];
            let number = before.iter().filter(|other| other.layer == layer.layer).count();
            writeln!(
                f,
                " {:<28} {:<20} {:>12}",
                format!("{} ({})", layer.keras_name(number), layer.layer),
                layer.shape(),
                thousands(layer.parameters)
            )?;
        }
        writeln!(f, "{rule}")?;
        let total = thousands(self.total());
        writeln!(f, " {:<49} {total:>12}", "Total params")?;
        write!(f, " {:<49} {total:>12}", "Trainable params")
    }
}

/// A whole number with separators: `98,741`.
#[doc(hidden)]
pub fn thousands(number: usize) -> String {
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
