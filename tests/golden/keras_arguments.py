"""Golden vectors: what each argument of the Keras recurrent layers does, forward and gradients, computed in float64.

    python3 -m venv benches/.peers && benches/.peers/bin/pip install tensorflow-cpu safetensors numpy
    benches/.peers/bin/python tests/golden/keras_arguments.py OUT_DIR --seed 7

One file per cell and case, `<cell>-<case>.safetensors`; its metadata describe the layer, README.md beside this lists the tensors.
"""
import argparse
import os
import zlib

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
import numpy as np
import tensorflow as tf
from safetensors.numpy import save_file

parser = argparse.ArgumentParser()
parser.add_argument("out")
parser.add_argument("--seed", type=int, default=7)
args = parser.parse_args()

tf.keras.backend.set_floatx("float64")
os.makedirs(args.out, exist_ok=True)
BATCH, TIME, FEATURES, HIDDEN = 3, 5, 2, 4
CELLS = {"simple_rnn": tf.keras.layers.SimpleRNN, "lstm": tf.keras.layers.LSTM, "gru": tf.keras.layers.GRU}
GATES = {"simple_rnn": "h", "lstm": "i,f,c,o", "gru": "z,r,h"}
WEIGHTS = ["kernel", "recurrent_kernel", "bias"]
KINKS = {"relu": [0.0], "selu": [0.0], "hard_sigmoid": [-3.0, 3.0], "elu": [0.0], "softsign": [0.0], "gelu": [0.0]}
ACTIVATIONS = ["relu", "linear", "hard_sigmoid", "softsign", "elu", "selu", "gelu", "sigmoid"]
RECURRENT_ACTIVATIONS = ["hard_sigmoid", "relu", "tanh", "linear", "softsign"]
MASKS = {
    "right": [[1, 1, 1, 1, 1], [1, 1, 1, 0, 0], [1, 0, 0, 0, 0]],
    "holes": [[0, 1, 0, 1, 1], [0, 0, 0, 0, 0], [1, 0, 0, 1, 0]],
}


def gelu(x):
    """Keras' default gelu, the exact one. TensorFlow's own rounds sqrt(2) to float32, which is 1e-8 off in float64."""
    return 0.5 * x * (1 + tf.math.erf(x / tf.constant(np.sqrt(2), x.dtype)))


def exact(regularizer, **coefficients):
    """A regularizer whose coefficients are float64: Keras rounds them to float32, whatever the dtype of the weights."""
    for name, value in coefficients.items():
        setattr(regularizer, name, tf.constant(value, tf.float64))
    return regularizer


class Probe:
    """An activation that remembers what it was applied to."""

    def __init__(self, name):
        self.name, self.__name__ = name, name
        self.function, self.seen = gelu if name == "gelu" else tf.keras.activations.get(name), []

    def __call__(self, x):
        self.seen.append(np.asarray(x).ravel())
        return self.function(x)

    def informative(self):
        """Whether the values seen lie on every piece of the function, none of them close to a kink."""
        seen, kinks = np.concatenate(self.seen), KINKS.get(self.name, [])
        counts = [((seen > low) & (seen < high)).mean() for low, high in zip([-np.inf, *kinks], [*kinks, np.inf])]
        return min(counts) >= (0.03 if len(kinks) > 1 else 0.2) and all(abs(seen - k).min() > 0.01 for k in kinks)


def states_of(cell):
    """The names of the cell's states."""
    return ["hidden", "cell"] if cell == "lstm" else ["hidden"]


def text(value):
    """A metadata value."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def describe(cell, case, options, **extra):
    """The metadata that say how to build the layer: Keras' arguments, defaults included, as strings."""
    fields = {"activation": "tanh", "recurrent_activation": "sigmoid", "use_bias": True, "go_backwards": False, "reset_after": True}
    fields |= {"return_sequences": True, "return_state": True, "stateful": False, "dropout": 0.0, "recurrent_dropout": 0.0}
    fields |= {key: options[key] for key in fields.keys() & options.keys()}
    if cell == "simple_rnn":
        del fields["recurrent_activation"]
    if cell != "gru":
        del fields["reset_after"]
    if "gelu" in fields.values():
        fields["gelu_approximate"] = False
    fields |= {"units": HIDDEN, "initial_state": "zero", "mask": False, **extra}
    return {
        "cell": cell,
        "case": case,
        "gates": GATES[cell],
        "framework": "keras " + tf.keras.__version__,
        **{key: text(value) for key, value in fields.items()},
    }


def save(cell, case, tensors, metadata):
    """Writes one file."""
    tensors = {name: np.ascontiguousarray(np.asarray(t), dtype=np.float64) for name, t in tensors.items()}
    assert all(np.isfinite(t).all() for t in tensors.values()), (cell, case)
    save_file(tensors, f"{args.out}/{cell}-{case}.safetensors", metadata=metadata)


def generator(cell, case):
    """The random numbers of one file, whatever other files there are."""
    return np.random.default_rng([args.seed, zlib.crc32(f"{cell}-{case}".encode())])


def fill(layer, rng, scale=1.0):
    """Draws the weights of a layer, uniform within scale / sqrt(hidden)."""
    bound = scale / np.sqrt(HIDDEN)
    layer.set_weights([rng.uniform(-bound, bound, w.shape) for w in layer.get_weights()])


def weights_of(layer, prefix=""):
    """The weights of a recurrent layer, by name."""
    return {prefix + name: w.value for name, w in zip(WEIGHTS, layer.trainable_weights)}


def gradients(tape, loss, sources):
    """The gradients of the loss, by name."""
    return {f"grad_{n}": g for n, g in zip(sources, tape.gradient(loss, list(sources.values()), unconnected_gradients="zero"))}


def weighted(outputs, upstream):
    """The loss: every output times the gradient that comes from above."""
    return tf.add_n([tf.reduce_sum(o * u) for o, u in zip(outputs, upstream)])


def layer_case(cell, case, initial=True, mask_name=None, prepare=None, scale=1.0, **options):
    """One layer, whole sequence and final states; draws again until the activations see informative values."""
    rng, names = generator(cell, case), states_of(cell)
    mask = MASKS.get(mask_name)
    metadata = describe(cell, case, options, initial_state="given" if initial else "zero", mask=mask is not None)
    for _ in range(500):
        probes = {key: Probe(options[key]) for key in ("activation", "recurrent_activation") if key in options}
        layer = CELLS[cell](HIDDEN, return_sequences=True, return_state=True, **(options | probes))
        layer.build((BATCH, TIME, FEATURES))
        fill(layer, rng, scale)
        x = tf.Variable(rng.normal(0, 1, (BATCH, TIME, FEATURES)))
        given = [tf.Variable(rng.normal(0, 0.5, (BATCH, HIDDEN))) for _ in names] if initial else []
        tensors = {"input": x, **{f"initial_{n}": s for n, s in zip(names, given)}}
        sources = tensors | weights_of(layer)
        extra = prepare(layer, rng) if prepare else {}
        if mask:
            extra["mask"] = mask
        upstream = [rng.normal(0, 1, (BATCH, TIME, HIDDEN))] + [rng.normal(0, 1, (BATCH, HIDDEN)) for _ in names]
        with tf.GradientTape() as tape:
            outputs = layer(
                x,
                initial_state=given or None,
                mask=tf.cast(mask, tf.bool) if mask else None,
                training=prepare is not None,
            )
            loss = weighted(outputs, upstream)
        grads = gradients(tape, loss, sources)
        largest = max(np.abs(t).max() for t in [*outputs, *grads.values()])
        alive = mask or np.count_nonzero(outputs[0]) > 0.5 * BATCH * TIME * HIDDEN
        if largest < 100 and alive and all(probe.informative() for probe in probes.values()):
            break
    else:
        raise ValueError(f"{cell}-{case}: no informative draw")
    tensors = sources | extra | dict(zip(["output", *(f"final_{n}" for n in names)], outputs))
    tensors |= dict(zip(["upstream_output", *(f"upstream_final_{n}" for n in names)], upstream))
    save(cell, case, tensors | grads, metadata)


def dropout_mask(rng, rate, *shape):
    """A dropout mask, 0 or 1 / (1 - rate), with both values in each column."""
    while True:
        columns = (rng.uniform(0, 1, shape) >= rate).reshape(-1, shape[-1])
        if columns.any(axis=0).all() and not columns.all(axis=0).any():
            return columns.reshape(shape) / (1 - rate)


def input_dropout(layer, rng):
    """Fixes the mask of the input, which every gate and step shares."""
    mask = dropout_mask(rng, layer.cell.dropout, BATCH, FEATURES)
    layer.cell.get_dropout_mask = lambda _: tf.constant(mask)
    return {"dropout_mask": mask}


def recurrent_dropout(layer, rng):
    """Fixes the masks of the hidden state, one per gate, shared by the steps."""
    count = getattr(layer.cell, "dropout_mask_count", None)
    masks = dropout_mask(rng, layer.cell.recurrent_dropout, count or 1, BATCH, HIDDEN)
    fixed = [tf.constant(mask) for mask in masks]
    layer.cell.get_recurrent_dropout_mask = lambda _: fixed if count else fixed[0]
    return {"recurrent_dropout_mask": masks}


def bidirectional_case(cell, case, merge_mode, mask_name=None, return_sequences=True):
    """Bidirectional around a layer, zero initial states, no final states."""
    rng, mask = generator(cell, case), MASKS.get(mask_name)
    layer = tf.keras.layers.Bidirectional(CELLS[cell](HIDDEN, return_sequences=return_sequences), merge_mode=merge_mode)
    layer.build((BATCH, TIME, FEATURES))
    x = tf.Variable(rng.normal(0, 1, (BATCH, TIME, FEATURES)))
    fill(layer, rng)
    sources = {"input": x, **weights_of(layer.forward_layer, "forward_"), **weights_of(layer.backward_layer, "backward_")}
    with tf.GradientTape() as tape:
        output = layer(x, mask=tf.cast(mask, tf.bool) if mask else None)
        upstream = rng.normal(0, 1, output.shape)
        loss = weighted([output], [upstream])
    tensors = sources | ({"mask": mask} if mask else {}) | {"output": output, "upstream_output": upstream}
    options = {"return_sequences": return_sequences, "return_state": False}
    metadata = describe(cell, case, options, merge_mode=merge_mode, mask=mask is not None)
    save(cell, case, tensors | gradients(tape, loss, sources), metadata)


def regularizer_case(cell, case):
    """The penalty that regularizers add to the loss, and its gradients."""
    rng, r = generator(cell, case), tf.keras.regularizers
    layer = CELLS[cell](
        HIDDEN,
        kernel_regularizer=exact(r.L1L2(0.01, 0.02), l1=0.01, l2=0.02),
        recurrent_regularizer=exact(r.L2(0.03), l2=0.03),
        bias_regularizer=exact(r.L1(0.04), l1=0.04),
    )
    layer.build((BATCH, TIME, FEATURES))
    fill(layer, rng)
    sources = weights_of(layer)
    with tf.GradientTape() as tape:
        penalty = tf.add_n(layer.losses)
    coefficients = {"kernel_l1": 0.01, "kernel_l2": 0.02, "recurrent_l1": 0.0, "recurrent_l2": 0.03, "bias_l1": 0.04, "bias_l2": 0.0}
    metadata = describe(cell, case, {"return_sequences": False, "return_state": False}, **coefficients)
    save(cell, case, sources | {"penalty": [penalty]} | gradients(tape, penalty, sources), metadata)


def constraint_case(cell, case):
    """A kernel and what the constraint makes of it."""
    kernel = generator(cell, case).normal(0, 1, (FEATURES, HIDDEN * len(GATES[cell].split(","))))
    if case == "constraint-max-norm":
        limit = float(np.median(np.linalg.norm(kernel, axis=0)).round(2))
        constraint = tf.keras.constraints.MaxNorm(max_value=limit, axis=0)
        extra = {"constraint": "max_norm", "max_value": limit, "axis": 0, "epsilon": tf.keras.backend.epsilon()}
    else:
        constraint, extra = tf.keras.constraints.NonNeg(), {"constraint": "non_neg"}
    metadata = describe(cell, case, {"return_sequences": False, "return_state": False}, **extra)
    save(cell, case, {"kernel": kernel, "constrained_kernel": constraint(kernel)}, metadata)


def stateful_case(cell, case):
    """Two batches in a row, then a reset and the first again; the gradients stop at the border between batches."""
    rng, names = generator(cell, case), states_of(cell)
    layer = CELLS[cell](HIDDEN, stateful=True, return_sequences=True, return_state=True)
    layer.build((BATCH, TIME, FEATURES))
    fill(layer, rng)
    inputs = {f"input_{n}": tf.Variable(rng.normal(0, 1, (BATCH, TIME, FEATURES))) for n in (1, 2)}
    sources = inputs | weights_of(layer)
    with tf.GradientTape() as tape:
        outputs = [layer(x) for x in inputs.values()]
        upstream = [[rng.normal(0, 1, o.shape) for o in call] for call in outputs]
        loss = tf.add_n([weighted(o, u) for o, u in zip(outputs, upstream)])
    layer.reset_state()
    outputs.append(layer(inputs["input_1"]))
    fields = ["output", *(f"final_{n}" for n in names)]
    tensors = dict(sources)
    for call, values in enumerate(outputs, 1):
        tensors |= {f"{field}_{call}": value for field, value in zip(fields, values)}
    for call, values in enumerate(upstream, 1):
        tensors |= {f"upstream_{field}_{call}": value for field, value in zip(fields, values)}
    metadata = describe(cell, case, {"stateful": True}, reset_state_before="3", gradient="of batches 1 and 2, stopped between them")
    save(cell, case, tensors | gradients(tape, loss, sources), metadata)


def stack_case(cell, case, units=(4, 3)):
    """Two layers in sequence."""
    rng = generator(cell, case)
    layers = [CELLS[cell](size, return_sequences=True) for size in units]
    for layer, features in zip(layers, [FEATURES, units[0]]):
        layer.build((BATCH, TIME, features))
        fill(layer, rng)
    x = tf.Variable(rng.normal(0, 1, (BATCH, TIME, FEATURES)))
    sources = {"input": x, **weights_of(layers[0], "first_"), **weights_of(layers[1], "second_")}
    upstream = rng.normal(0, 1, (BATCH, TIME, units[1]))
    with tf.GradientTape() as tape:
        output = layers[1](layers[0](x))
        loss = weighted([output], [upstream])
    metadata = describe(cell, case, {"return_state": False}, units=",".join(map(str, units)))
    tensors = sources | {"output": output, "upstream_output": upstream}
    save(cell, case, tensors | gradients(tape, loss, sources), metadata)


for cell in CELLS:
    layer_case(cell, "plain-zero-state", initial=False)
    layer_case(cell, "no-bias", use_bias=False)
    for name in ACTIVATIONS:
        wide = 5.0 if name == "hard_sigmoid" else 1.5
        layer_case(cell, f"activation-{name.replace('_', '-')}", activation=name, scale=wide)
    for name in RECURRENT_ACTIVATIONS if cell != "simple_rnn" else []:
        wide = 4.0 if name == "hard_sigmoid" else 1.0
        layer_case(cell, f"recurrent-activation-{name.replace('_', '-')}", recurrent_activation=name, scale=wide)
    layer_case(cell, "go-backwards", go_backwards=True)
    for mask in MASKS:
        layer_case(cell, f"mask-{mask}", initial=False, mask_name=mask)
        layer_case(cell, f"mask-{mask}-initial", mask_name=mask)
    layer_case(cell, "mask-go-backwards", initial=False, mask_name="right", go_backwards=True)
    if cell == "gru":
        layer_case(cell, "reset-before", reset_after=False)
        layer_case(cell, "reset-before-mask", initial=False, mask_name="right", reset_after=False)
        layer_case(cell, "reset-before-no-bias", reset_after=False, use_bias=False)
    layer_case(cell, "dropout", dropout=0.5, prepare=input_dropout)
    layer_case(cell, "recurrent-dropout", recurrent_dropout=0.25, prepare=recurrent_dropout)
    for mode in ["concat", "sum", "mul", "ave"]:
        bidirectional_case(cell, f"bidirectional-{mode}", mode)
    bidirectional_case(cell, "bidirectional-last-concat", "concat", return_sequences=False)
    bidirectional_case(cell, "bidirectional-mask-concat", "concat", mask_name="right")
    regularizer_case(cell, "regularizer-l1-l2")
    stateful_case(cell, "stateful")
    stack_case(cell, "stack")
for case in ["constraint-max-norm", "constraint-non-neg"]:
    constraint_case("lstm", case)
