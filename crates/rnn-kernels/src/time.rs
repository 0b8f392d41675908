//! Splits a tensor over all time steps into one tensor per step, for the reference operators.

use burn::tensor::Tensor;

use crate::variant::Variant;

/// Cuts a time-major `[T, B, F]` tensor into its `T` steps `[B, F]`.
///
/// It splits by halves. The gradient of a slice is a zero tensor of the size of its source. Slicing
/// each step from the whole would cost O(T^2) memory traffic in the backward pass; halving costs
/// O(T log T).
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

/// Parts of one gate's pre-activation, for all steps of a sequence.
pub(crate) struct Gate {
    /// Input product, `[B, H]` per step.
    pub(crate) projected: Vec<Tensor<2>>,
    recurrent_kernel: Tensor<2>,
    /// Dropout factor of the hidden state before the recurrent product, `[B, H]`.
    dropout: Option<Tensor<2>>,
}

impl Gate {
    /// Recurrent product, `[B, H]`.
    pub(crate) fn recur(&self, hidden: &Tensor<2>) -> Tensor<2> {
        let hidden = match &self.dropout {
            Some(factor) => hidden.clone() * factor.clone(),
            None => hidden.clone(),
        };
        hidden.matmul(self.recurrent_kernel.clone())
    }

    /// Pre-activation of step `t`, `[B, H]`: input product plus recurrent product.
    pub(crate) fn at(&self, t: usize, hidden: &Tensor<2>) -> Tensor<2> {
        self.projected[t].clone() + self.recur(hidden)
    }
}

/// Multiplies all steps of an input `[B, T, I]` by a kernel `[I, G*H]` in one product. Each gate
/// gets its part of the product and of the recurrent kernel `[H, G*H]`.
///
/// The gates are split here, once per sequence. Splitting them in every step would cost one zero
/// tensor of all gates per slice in the backward pass.
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
                .unwrap_or_else(|| unreachable!("either the whole product or the factors exist")),
        };
        Gate {
            projected: unbind(projected.reshape([time, batch, hidden])),
            recurrent_kernel: cut(&recurrent_kernel, gate),
            dropout: variant.recurrent_dropout.as_ref().map(|factors| factors[gate].clone()),
        }
    })
}
