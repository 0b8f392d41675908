use burn::tensor::{Bool, Tensor, TensorData};
use rnn_kernels::{Resets, Steps};

/// A batch of sequences, some of which may be padded, and whose state may be reset before some
/// steps. It is the input of the recurrent layers (Keras `sequence` and `mask`).
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
    /// Steps before which a layer resets its state, `[B, T]`. `None` means that it never does.
    pub resets: Option<Resets>,
}

impl From<Tensor<3>> for Sequences {
    fn from(values: Tensor<3>) -> Self {
        Self { values, mask: None, resets: None }
    }
}

impl Sequences {
    /// Creates a batch with a mask `[B, T]`: true at valid steps, false at padding.
    pub fn with_mask(values: Tensor<3>, mask: Tensor<2, Bool>) -> Self {
        Self { values, mask: Some(mask), resets: None }
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

    /// Returns the batch with resets of the state, for instance at the first step of each episode
    /// in reinforcement learning.
    ///
    /// A reset separates the steps before it from those after it, in both directions of time. All
    /// layers of a stack reset their states.
    ///
    /// # Examples
    ///
    /// ```
    /// use burn::tensor::{Bool, Device, Tensor, TensorData};
    /// use rnn_models::{LstmConfig, Resets, Sequences};
    ///
    /// let device = Device::flex();
    /// let begins = TensorData::from([[false, false, true], [true, false, false]]);
    /// let begins = Tensor::<2, Bool>::from_data(begins, &device);
    /// let batch = Sequences::from(Tensor::ones([2, 3, 5], &device))
    ///     .with_resets(Resets::to_zeros(begins));
    /// let output = LstmConfig::new(5, 4).init(&device).forward(batch, None);
    /// assert_eq!(output.sequence.dims(), [2, 3, 4]);
    /// ```
    #[must_use]
    pub fn with_resets(self, resets: Resets) -> Self {
        Self { resets: Some(resets), ..self }
    }

    /// Mask and resets.
    pub(crate) fn steps(&self) -> Steps {
        Steps { mask: self.mask.clone(), resets: self.resets.clone() }
    }

    /// Returns the batch reversed in time. Padding at the end then comes first, as in Keras. A step
    /// that follows a reset becomes the last one before it.
    pub(crate) fn reversed(self) -> Self {
        let reversed = |resets: Resets| {
            let [batch, time] = resets.before.dims();
            let device = resets.before.device();
            let none = Tensor::<2, Bool>::from_data(
                TensorData::new(vec![false; batch], [batch, 1]),
                &device,
            );
            let before = Tensor::cat(vec![none, resets.before.flip([1])], 1).narrow(1, 0, time);
            Resets { before, ..resets }
        };
        Self {
            values: self.values.flip([1]),
            mask: self.mask.map(|mask| mask.flip([1])),
            resets: self.resets.map(reversed),
        }
    }
}
