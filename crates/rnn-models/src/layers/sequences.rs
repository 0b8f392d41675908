use burn::tensor::{Bool, Tensor, TensorData};

/// A batch of sequences, some of which may be padded: what the recurrent layers read (Keras
/// `sequence` and `mask`).
///
/// A plain tensor is a batch without padding, so `layer.forward(tensor, None)` works, too.
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
    /// `[B, T, I]`.
    pub values: Tensor<3>,
    /// Which steps count, `[B, T]`; all, when absent. At a step that does not, a layer keeps its
    /// state and learns nothing.
    pub mask: Option<Tensor<2, Bool>>,
}

impl From<Tensor<3>> for Sequences {
    fn from(values: Tensor<3>) -> Self {
        Self { values, mask: None }
    }
}

impl Sequences {
    /// Sequences of which only the steps of a mask `[B, T]` count.
    pub fn with_mask(values: Tensor<3>, mask: Tensor<2, Bool>) -> Self {
        Self { values, mask: Some(mask) }
    }

    /// Sequences padded at their ends to the longest one's length.
    ///
    /// # Panics
    ///
    /// When there is not one length a sequence, or one is zero or longer than the tensor.
    pub fn with_lengths(values: Tensor<3>, lengths: &[usize]) -> Self {
        let [batch, time, _] = values.dims();
        assert!(
            lengths.len() == batch,
            "sequences: {} lengths for {batch} sequences",
            lengths.len()
        );
        if let Some(row) = lengths.iter().position(|&length| length == 0 || length > time) {
            panic!("sequences: sequence {row} has length {}, expected 1 to {time}", lengths[row]);
        }
        let mask: Vec<bool> =
            lengths.iter().flat_map(|&length| (0..time).map(move |t| t < length)).collect();
        let mask = Tensor::from_data(TensorData::new(mask, [batch, time]), &values.device());
        Self::with_mask(values, mask)
    }

    /// The same with time running backwards; padding at the end comes first then, as in Keras.
    pub(crate) fn reversed(self) -> Self {
        Self { values: self.values.flip([1]), mask: self.mask.map(|mask| mask.flip([1])) }
    }
}
