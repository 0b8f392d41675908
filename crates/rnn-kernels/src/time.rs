//! Going from one tensor over all time steps to one tensor per step, and back.

use burn::tensor::Tensor;

use crate::variant::Variant;

/// Cuts a time-major `[T, B, F]` tensor into its `T` steps `[B, F]`.
///
/// By halves, not step by step: the gradient of a slice is a zero tensor as large as what it was
/// cut from, so cutting every step from the whole costs O(T^2) memory traffic backward, and cutting
/// halves of halves O(T log T).
pub(crate) fn unbind(steps: Tensor<3>) -> Vec<Tensor<2>> {
    let [time, batch, features] = steps.dims();
    if time == 1 {
        return vec![steps.reshape([batch, features])];
    }
    let half = time / 2;
    let mut first = unbind(steps.clone().narrow(0, 0, half));
    first.extend(unbind(steps.narrow(0, half, time - half)));
    first
}

/// What one gate adds up before its activation, for every step of a sequence.
pub(crate) struct Gate {
    /// The input's part, `[B, H]` a step.
    pub(crate) projected: Vec<Tensor<2>>,
    recurrent_kernel: Tensor<2>,
    /// Factor of the hidden state before the recurrent product, `[B, H]`.
    dropout: Option<Tensor<2>>,
}

impl Gate {
    /// The hidden state's part, `[B, H]`.
    pub(crate) fn recur(&self, hidden: &Tensor<2>) -> Tensor<2> {
        let hidden = match &self.dropout {
            Some(factor) => hidden.clone() * factor.clone(),
            None => hidden.clone(),
        };
        hidden.matmul(self.recurrent_kernel.clone())
    }

    /// Input's and hidden state's part of step `t` together, `[B, H]`.
    pub(crate) fn at(&self, t: usize, hidden: &Tensor<2>) -> Tensor<2> {
        self.projected[t].clone() + self.recur(hidden)
    }
}

/// Multiplies all steps of a `[B, T, I]` input by a `[I, G*H]` kernel in one product, and hands
/// each gate its part of it and of the `[H, G*H]` recurrent kernel.
///
/// Gates are cut apart here, once a sequence, because cutting them in every step costs a zero
/// tensor of all gates each backward.
pub(crate) fn gates<const G: usize>(
    input: Tensor<3>,
    kernel: Tensor<2>,
    recurrent_kernel: Tensor<2>,
    bias: Option<Tensor<1>>,
    variant: &Variant<'_>,
) -> [Gate; G] {
    let [batch, time, features] = input.dims();
    let [hidden, _] = recurrent_kernel.dims();
    let steps = variant.clean(input).swap_dims(0, 1);
    let cut = |tensor: &Tensor<2>, gate: usize| {
        if G == 1 { tensor.clone() } else { tensor.clone().narrow(1, gate * hidden, hidden) }
    };
    let product = |steps: Tensor<3>, kernel: Tensor<2>, bias: Option<Tensor<1>>| {
        let product = steps.reshape([time * batch, features]).matmul(kernel);
        match bias {
            Some(bias) => product + bias.unsqueeze(),
            None => product,
        }
    };
    let whole = variant
        .input_dropout
        .is_none()
        .then(|| product(steps.clone(), kernel.clone(), bias.clone()));
    std::array::from_fn(|gate| {
        let projected = match (&whole, &variant.input_dropout) {
            (None, Some(factors)) => {
                let bias = bias.clone().map(|bias| bias.narrow(0, gate * hidden, hidden));
                product(
                    steps.clone() * factors[gate].clone().unsqueeze_dim(0),
                    cut(&kernel, gate),
                    bias,
                )
            }
            (whole, _) => whole
                .as_ref()
                .map(|whole| cut(whole, gate))
                .unwrap_or_else(|| unreachable!("one of both is there")),
        };
        Gate {
            projected: unbind(projected.reshape([time, batch, hidden])),
            recurrent_kernel: cut(&recurrent_kernel, gate),
            dropout: variant.recurrent_dropout.as_ref().map(|factors| factors[gate].clone()),
        }
    })
}
