use std::fmt;

use burn::{
    config::{Config, config_to_json},
    module::Module,
    serde::{Deserialize, Serialize},
    tensor::{Device, Tensor},
};

use super::{
    layer::{RecurrentLayer, RecurrentLayerConfig, refuse_backwards, sum_of_penalties},
    sequences::Sequences,
};

/// How the outputs of both directions are merged (Keras `merge_mode`).
#[derive(Config, Debug, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum MergeMode {
    /// Concatenated: `2*H` features.
    Concat,
    /// Their sum.
    Sum,
    /// Their product.
    Mul,
    /// Their mean.
    Average,
}

/// Configuration of a [`Bidirectional`] layer; both of its layers share one configuration.
///
/// Burn's `#[derive(Config)]` does not support type parameters, so its methods are written out.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(crate = "burn::serde", bound = "")]
pub struct BidirectionalConfig<C: RecurrentLayerConfig> {
    /// Configuration of both layers, which have separate weights. `go_backwards` must be off.
    pub layer: C,
    /// How the outputs are merged; [`MergeMode::Concat`] by default.
    pub merge: MergeMode,
}

impl<C: RecurrentLayerConfig> Config for BidirectionalConfig<C> {}

impl<C: RecurrentLayerConfig> BidirectionalConfig<C> {
    /// Creates a configuration that concatenates the outputs.
    pub fn new(layer: C) -> Self {
        Self { layer, merge: MergeMode::Concat }
    }

    /// Sets how the outputs are merged.
    #[must_use]
    pub fn with_merge(self, merge: MergeMode) -> Self {
        Self { merge, ..self }
    }

    /// Creates both layers on a device, the forward one first.
    ///
    /// # Panics
    ///
    /// Panics if `go_backwards` is set or another field of the configuration is invalid. The
    /// message names the field.
    pub fn init(&self, device: &Device) -> Bidirectional<C::Layer> {
        let layer = || self.layer.layer(self.layer.input_size(), device);
        let both = Bidirectional { forward: layer(), backward: layer(), merge: self.merge };
        both.check();
        both
    }
}

impl<C: RecurrentLayerConfig> fmt::Display for BidirectionalConfig<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&config_to_json(self))
    }
}

/// Two layers over the same sequences, one reading forwards and one backwards in time (Keras
/// `Bidirectional`).
///
/// # Examples
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// use rnn_models::{BidirectionalConfig, GruConfig, MergeMode};
///
/// let device = Device::flex();
/// let config = BidirectionalConfig::new(GruConfig::new(3, 4)).with_merge(MergeMode::Concat);
/// let layer = config.init(&device);
/// let output = layer.forward(Tensor::ones([2, 5, 3], &device), None);
/// assert_eq!(output.sequence.dims(), [2, 5, 8]);
/// assert_eq!(output.last.dims(), [2, 8]);
/// ```
///
/// # References
///
/// Schuster and Paliwal, "Bidirectional recurrent neural networks", IEEE Transactions on Signal
/// Processing 45 (1997).
#[derive(Module, Debug)]
pub struct Bidirectional<L> {
    /// Reads from the first step to the last; its `go_backwards` must be off.
    pub forward: L,
    /// Reads from the last step to the first; its `go_backwards` must be off.
    pub backward: L,
    /// How the outputs are merged.
    #[module(skip)]
    pub merge: MergeMode,
}

/// Output of a [`Bidirectional`] layer.
#[derive(Debug, Clone)]
pub struct BidirectionalOutput<S> {
    /// Merged hidden states, `[B, T, H]` or `[B, T, 2*H]`, both in the order of the input (Keras
    /// `return_sequences=True`). Masked steps are zero.
    pub sequence: Tensor<3>,
    /// Merged final hidden states, `[B, H]` or `[B, 2*H]` (Keras `return_sequences=False`).
    pub last: Tensor<2>,
    /// Final states of the forward and the backward layer (Keras `return_state`).
    pub states: (S, S),
}

impl<L: RecurrentLayer> Bidirectional<L> {
    fn check(&self) {
        refuse_backwards(
            "bidirectional",
            "turn it off: this layer reverses time itself",
            [&self.forward, &self.backward],
        );
    }

    /// Runs both layers.
    ///
    /// # Shapes
    ///
    /// - input: `[B, T, I]`
    /// - initial: one state per direction, forward and backward; zeros if `None`
    ///
    /// # Panics
    ///
    /// Panics if a tensor has the wrong shape, or a layer has `go_backwards` set. The message names
    /// it.
    pub fn forward(
        &self,
        input: impl Into<Sequences>,
        initial: Option<(L::State, L::State)>,
    ) -> BidirectionalOutput<L::State> {
        self.check();
        let input = input.into();
        let mask = input.mask.clone();
        let (initial_forward, initial_backward) = initial.unzip();
        let (forward, last_forward) = self.forward.run(input.clone(), initial_forward);
        let (backward, last_backward) = self.backward.run(input.reversed(), initial_backward);
        let mut sequence = self.merge.apply(forward, backward.flip([1]));
        if let Some(mask) = mask {
            let shape = sequence.dims();
            sequence = sequence.mask_fill(mask.bool_not().unsqueeze_dim::<3>(2).expand(shape), 0.0);
        }
        let last = self.merge.apply(L::hidden(&last_forward), L::hidden(&last_backward));
        BidirectionalOutput { sequence, last, states: (last_forward, last_backward) }
    }

    /// Sum of the penalties of both layers, `[1]`; `None` without a regularizer.
    pub fn penalty(&self) -> Option<Tensor<1>> {
        sum_of_penalties([&self.forward, &self.backward])
    }

    /// Returns the layers with their constraints applied. Call it after each step of the optimizer.
    #[must_use]
    pub fn constrained(self) -> Self {
        Self { forward: self.forward.constrained(), backward: self.backward.constrained(), ..self }
    }
}

impl MergeMode {
    fn apply<const D: usize>(self, forward: Tensor<D>, backward: Tensor<D>) -> Tensor<D> {
        match self {
            Self::Concat => Tensor::cat(vec![forward, backward], D - 1),
            Self::Sum => forward + backward,
            Self::Mul => forward * backward,
            Self::Average => (forward + backward) / 2.0,
        }
    }
}
