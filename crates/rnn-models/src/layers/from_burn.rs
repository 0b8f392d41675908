//! Conversions between the layers of `burn::nn` and ours.
//!
//! In `burn::nn`, a gate is two linear layers with a bias each. Our layers keep all gates side by
//! side, in Keras's order, with one bias. The GRU keeps both biases, because its reset gate acts
//! between them.
//!
//! | weights | exactness |
//! |---|---|
//! | kernels, and both biases of the GRU | bit for bit, in both directions |
//! | bias of SimpleRNN and LSTM, from Burn | the sum of both biases, rounded once |
//! | bias of SimpleRNN and LSTM, to Burn | bit for bit, in the input's layer; the state's is zero |
//!
//! Weights become new parameters on the same device. They are trainable, unless all parameters that
//! make up one are frozen on an autodiff device. A setting without a counterpart is an error; it is
//! never dropped.

use std::mem::discriminant;

use burn::{
    module::Param,
    nn::{self, GateController, Linear, activation::Activation},
    tensor::Tensor,
};

use super::{
    bidirectional::{Bidirectional, MergeMode},
    conversion_error::{ConversionError, refuse, refuse_options},
    gru::Gru,
    lstm::Lstm,
    options::LayerOptions,
    simple_rnn::SimpleRnn,
};

const CLIP: &str = "`clip` is set (it has no counterpart; set it to `None`)";
const REVERSE: &str = "`reverse` is on (flip the input and the outputs in time instead)";
const TIME_FIRST: &str =
    "`batch_first` is off (swap the first two dimensions of input and outputs instead)";

/// True if both activations are the same and have no parameters.
fn is_same(one: &Activation, other: &Activation) -> bool {
    use Activation::{HardSwish, Identity, Relu, Selu, Sigmoid, Softsign, Tanh};
    let plain = matches!(
        one,
        Tanh(_) | Sigmoid(_) | Relu(_) | Identity(_) | Softsign(_) | Selu(_) | HardSwish(_)
    );
    plain && discriminant(one) == discriminant(other)
}

/// Weights of one of our layers, with the gates side by side.
struct Weights {
    kernel: Param<Tensor<2>>,
    recurrent_kernel: Param<Tensor<2>>,
    bias: Option<Param<Tensor<1>>>,
    recurrent_bias: Option<Param<Tensor<1>>>,
}

/// Creates a parameter on the device of its value.
fn parameter<const D: usize>(value: Tensor<D>, is_frozen: bool) -> Param<Tensor<D>> {
    Param::from_tensor(value.detach()).set_require_grad(!is_frozen)
}

fn is_frozen<const D: usize>(value: &Tensor<D>) -> bool {
    value.is_autodiff() && !value.is_require_grad()
}

fn side_by_side<const D: usize>(parts: Vec<Tensor<D>>) -> Param<Tensor<D>> {
    let frozen = parts.iter().all(is_frozen);
    parameter(Tensor::cat(parts, D - 1), frozen)
}

/// Biases side by side, with zeros for missing ones; `None` if all are missing.
fn biases(layers: &[&Linear]) -> Option<Param<Tensor<1>>> {
    let biases: Vec<_> = layers.iter().map(|layer| layer.bias.as_ref().map(Param::val)).collect();
    let zeros = biases.iter().flatten().next()?.zeros_like();
    Some(side_by_side(
        biases.into_iter().map(|bias| bias.unwrap_or_else(|| zeros.clone())).collect(),
    ))
}

impl Weights {
    /// Joins the weights of `burn::nn` gates, which are in our order.
    fn join(gates: &[&GateController]) -> Self {
        let inputs: Vec<&Linear> = gates.iter().map(|gate| &gate.input_transform).collect();
        let states: Vec<&Linear> = gates.iter().map(|gate| &gate.hidden_transform).collect();
        let kernels = |layers: &[&Linear]| {
            side_by_side(layers.iter().map(|layer| layer.weight.val()).collect())
        };
        Self {
            kernel: kernels(&inputs),
            recurrent_kernel: kernels(&states),
            bias: biases(&inputs),
            recurrent_bias: biases(&states),
        }
    }

    /// Sum of both biases.
    fn summed_bias(&self) -> Option<Param<Tensor<1>>> {
        match (&self.bias, &self.recurrent_bias) {
            (Some(bias), Some(recurrent_bias)) => {
                let (bias, recurrent_bias) = (bias.val(), recurrent_bias.val());
                let frozen = is_frozen(&bias) && is_frozen(&recurrent_bias);
                Some(parameter(bias + recurrent_bias, frozen))
            }
            (one, other) => one.clone().or_else(|| other.clone()),
        }
    }

    /// Splits the weights into gates of `burn::nn`, in our order. Burn's configurations create both
    /// biases or none, so a single missing bias becomes zeros.
    fn split<const G: usize>(self) -> [GateController; G] {
        let present = self.bias.as_ref().or(self.recurrent_bias.as_ref());
        let zeros = present.map(|bias| parameter(bias.val().zeros_like(), is_frozen(&bias.val())));
        let mut inputs =
            linears::<G>(&self.kernel, self.bias.as_ref().or(zeros.as_ref())).into_iter();
        let mut states =
            linears::<G>(&self.recurrent_kernel, self.recurrent_bias.as_ref().or(zeros.as_ref()))
                .into_iter();
        std::array::from_fn(|_| match (inputs.next(), states.next()) {
            (Some(input_transform), Some(hidden_transform)) => {
                GateController { input_transform, hidden_transform }
            }
            _ => unreachable!("every gate has a pair of layers"),
        })
    }
}

/// Creates one linear layer per gate.
fn linears<const G: usize>(
    kernel: &Param<Tensor<2>>,
    bias: Option<&Param<Tensor<1>>>,
) -> Vec<Linear> {
    fn pieces<const D: usize>(
        whole: Tensor<D>,
        count: usize,
    ) -> impl Iterator<Item = Param<Tensor<D>>> {
        let frozen = is_frozen(&whole);
        whole.chunk(count, D - 1).into_iter().map(move |piece| parameter(piece, frozen))
    }
    let mut biases = bias.map(|bias| pieces(bias.val(), G));
    pieces(kernel.val(), G)
        .map(|weight| Linear { weight, bias: biases.as_mut().and_then(Iterator::next) })
        .collect()
}

/// Fails for a layer with `clip`, `reverse` or without `batch_first`.
impl TryFrom<nn::Rnn> for SimpleRnn {
    type Error = ConversionError;

    fn try_from(layer: nn::Rnn) -> Result<Self, ConversionError> {
        refuse(
            "burn::nn::Rnn",
            &[
                (layer.clip.is_some(), CLIP),
                (layer.reverse, REVERSE),
                (!layer.batch_first, TIME_FIRST),
            ],
        )?;
        let weights = Weights::join(&[&layer.gate]);
        let bias = weights.summed_bias();
        let Weights { kernel, recurrent_kernel, .. } = weights;
        Ok(Self {
            kernel,
            recurrent_kernel,
            bias,
            activation: layer.hidden_activation,
            options: LayerOptions::default(),
        })
    }
}

/// Fails for a layer with `dropout`, `recurrent_dropout`, `go_backwards`, regularizers or
/// constraints.
impl TryFrom<SimpleRnn> for nn::Rnn {
    type Error = ConversionError;

    fn try_from(layer: SimpleRnn) -> Result<Self, ConversionError> {
        refuse_options("SimpleRnn", &layer.options)?;
        let SimpleRnn { kernel, recurrent_kernel, bias, activation, .. } = layer;
        let [d_hidden, _] = recurrent_kernel.dims();
        let [gate] = Weights { kernel, recurrent_kernel, bias, recurrent_bias: None }.split();
        Ok(Self {
            gate,
            d_hidden,
            batch_first: true,
            reverse: false,
            clip: None,
            hidden_activation: activation,
        })
    }
}

/// Fails for a layer with `clip`, `reverse`, `input_forget` or without `batch_first`. It also fails
/// if the activations of candidate and output differ or have parameters.
impl TryFrom<nn::Lstm> for Lstm {
    type Error = ConversionError;

    fn try_from(layer: nn::Lstm) -> Result<Self, ConversionError> {
        let coupled = "`input_forget` is on (it has no counterpart)";
        let differ = "`cell_activation` and `hidden_activation` differ or have parameters";
        let reasons = [
            (layer.clip.is_some(), CLIP),
            (layer.reverse, REVERSE),
            (!layer.batch_first, TIME_FIRST),
            (layer.input_forget, coupled),
            (!is_same(&layer.cell_activation, &layer.hidden_activation), differ),
        ];
        refuse("burn::nn::Lstm", &reasons)?;
        let forget_gate = layer.forget_gate.as_ref().ok_or(ConversionError {
            layer: "burn::nn::Lstm",
            reason: "it has no `forget_gate`",
        })?;
        let weights =
            Weights::join(&[&layer.input_gate, forget_gate, &layer.cell_gate, &layer.output_gate]);
        let bias = weights.summed_bias();
        let Weights { kernel, recurrent_kernel, .. } = weights;
        let (activation, recurrent_activation) = (layer.cell_activation, layer.gate_activation);
        Ok(Self {
            kernel,
            recurrent_kernel,
            bias,
            activation,
            recurrent_activation,
            options: LayerOptions::default(),
        })
    }
}

/// Fails for a layer with `dropout`, `recurrent_dropout`, `go_backwards`, regularizers,
/// constraints, or an `activation` with weights.
impl TryFrom<Lstm> for nn::Lstm {
    type Error = ConversionError;

    fn try_from(layer: Lstm) -> Result<Self, ConversionError> {
        refuse_options("Lstm", &layer.options)?;
        let has_weights = matches!(layer.activation, Activation::PRelu(_) | Activation::SwiGlu(_));
        refuse(
            "Lstm",
            &[(
                has_weights,
                "`activation` has weights (Burn's two activations could not share them)",
            )],
        )?;
        let Lstm { kernel, recurrent_kernel, bias, activation, recurrent_activation, .. } = layer;
        let [d_hidden, _] = recurrent_kernel.dims();
        let [input_gate, forget_gate, cell_gate, output_gate] =
            Weights { kernel, recurrent_kernel, bias, recurrent_bias: None }.split();
        Ok(Self {
            input_gate,
            forget_gate: Some(forget_gate),
            output_gate,
            cell_gate,
            d_hidden,
            batch_first: true,
            reverse: false,
            clip: None,
            input_forget: false,
            gate_activation: recurrent_activation,
            cell_activation: activation.clone(),
            hidden_activation: activation,
        })
    }
}

/// Fails for a layer with `clip`.
impl TryFrom<nn::Gru> for Gru {
    type Error = ConversionError;

    fn try_from(layer: nn::Gru) -> Result<Self, ConversionError> {
        refuse("burn::nn::Gru", &[(layer.clip.is_some(), CLIP)])?;
        let Weights { kernel, recurrent_kernel, bias, recurrent_bias } =
            Weights::join(&[&layer.update_gate, &layer.reset_gate, &layer.new_gate]);
        Ok(Self {
            kernel,
            recurrent_kernel,
            bias,
            recurrent_bias,
            activation: layer.hidden_activation,
            recurrent_activation: layer.gate_activation,
            reset_after: layer.reset_after,
            options: LayerOptions::default(),
        })
    }
}

/// Fails for a layer with `dropout`, `recurrent_dropout`, `go_backwards`, regularizers or
/// constraints.
impl TryFrom<Gru> for nn::Gru {
    type Error = ConversionError;

    fn try_from(layer: Gru) -> Result<Self, ConversionError> {
        refuse_options("Gru", &layer.options)?;
        let Gru {
            kernel,
            recurrent_kernel,
            bias,
            recurrent_bias,
            activation,
            recurrent_activation,
            reset_after,
            ..
        } = layer;
        let [d_hidden, _] = recurrent_kernel.dims();
        let [update_gate, reset_gate, new_gate] =
            Weights { kernel, recurrent_kernel, bias, recurrent_bias }.split();
        Ok(Self {
            update_gate,
            reset_gate,
            new_gate,
            d_hidden,
            reset_after,
            gate_activation: recurrent_activation,
            hidden_activation: activation,
            clip: None,
        })
    }
}

/// Implements the conversions of bidirectional layers; `burn::nn` concatenates both outputs.
macro_rules! both_directions {
    ($burn:ident, $layer:ident) => {
        /// Fails for a layer without `batch_first`, or if one of its two layers cannot be
        /// converted.
        impl TryFrom<nn::$burn> for Bidirectional<$layer> {
            type Error = ConversionError;

            fn try_from(layer: nn::$burn) -> Result<Self, ConversionError> {
                refuse(
                    concat!("burn::nn::", stringify!($burn)),
                    &[(!layer.batch_first, TIME_FIRST)],
                )?;
                Ok(Self {
                    forward: layer.forward.try_into()?,
                    backward: layer.reverse.try_into()?,
                    merge: MergeMode::Concat,
                })
            }
        }

        /// Fails unless the outputs are concatenated, or if one of its two layers cannot be
        /// converted.
        impl TryFrom<Bidirectional<$layer>> for nn::$burn {
            type Error = ConversionError;

            fn try_from(layer: Bidirectional<$layer>) -> Result<Self, ConversionError> {
                let merged = "`merge` is not `Concat` (no other mode has a counterpart)";
                refuse("Bidirectional", &[(layer.merge != MergeMode::Concat, merged)])?;
                let [d_hidden, _] = layer.forward.recurrent_kernel.dims();
                Ok(Self {
                    forward: layer.forward.try_into()?,
                    reverse: layer.backward.try_into()?,
                    d_hidden,
                    batch_first: true,
                })
            }
        }
    };
}

both_directions!(BiRnn, SimpleRnn);
both_directions!(BiLstm, Lstm);
both_directions!(BiGru, Gru);
