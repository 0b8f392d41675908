use burn::tensor::{Bool, Tensor, TensorData};

/// A batch of sequences, some of which may be padded. It is the input of the recurrent layers
/// (Keras `sequence` and `mask`).
///
/// A tensor `[B, T, I]` converts into a batch without padding, so `layer.forward(tensor, None)`
/// works too.
///
/// # Examples
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// use rnn_models::{LstmConfig, Sequences};
///
/// let device = Device::flex();
/// let batch = Sequences::with_lengths(Tensor::ones([2, 5, 3], &device), &[5, 2]);
/// let output = LstmConfig::new(3, 4).init(&device).forward(batch, None);
/// assert_eq!(output.sequence.dims(), [2, 5, 4]);
/// ```
#[derive(Debug, Clone)]
pub struct Sequences {
    /// Input features, `[B, T, I]`.
    pub values: Tensor<3>,
    /// Mask, `[B, T]`: true at valid steps, false at padding. `None` means that all steps are
    /// valid. At masked steps a layer keeps its state, and the step has no gradient.
    pub mask: Option<Tensor<2, Bool>>,
}

impl From<Tensor<3>> for Sequences {
    fn from(values: Tensor<3>) -> Self {
        Self { values, mask: None }
    }
}

impl Sequences {
    /// Creates a batch with a mask `[B, T]`: true at valid steps, false at padding.
    pub fn with_mask(values: Tensor<3>, mask: Tensor<2, Bool>) -> Self {
        Self { values, mask: Some(mask) }
    }

    /// Creates a batch of sequences that are padded at the end to a common length.
    ///
    /// # Panics
    ///
    /// Panics if the number of lengths is not that of the sequences, or a length is zero or above
    /// `T`.
    pub fn with_lengths(values: Tensor<3>, lengths: &[usize]) -> Self {
        let [batch, time, _] = values.dims();
        assert!(
            lengths.len() == batch,
            "sequences: got {} lengths for {batch} sequences (expected one per sequence)",
            lengths.len()
        );
        if let Some(row) = lengths.iter().position(|&length| length == 0 || length > time) {
            panic!(
                "sequences: length of sequence {row} is {} (expected 1 to {time})",
                lengths[row]
            );
        }
        let mask: Vec<bool> =
            lengths.iter().flat_map(|&length| (0..time).map(move |t| t < length)).collect();
        let mask = Tensor::from_data(TensorData::new(mask, [batch, time]), &values.device());
        Self::with_mask(values, mask)
    }

    /// Returns the batch reversed in time. Padding at the end then comes first, as in Keras.
    pub(crate) fn reversed(self) -> Self {
        Self { values: self.values.flip([1]), mask: self.mask.map(|mask| mask.flip([1])) }
    }
}
