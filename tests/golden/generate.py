"""Writes golden vectors of Keras's recurrent layers, forward and gradients, in float64 (see README.md beside this).

    python generate.py OUT_DIR [--seed N] [--shapes B,T,I,H ...]
"""
import argparse
import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
import numpy as np
import tensorflow as tf
from safetensors.numpy import save_file

LAYERS = {"simple_rnn": tf.keras.layers.SimpleRNN, "lstm": tf.keras.layers.LSTM, "gru": tf.keras.layers.GRU}


def vectors(cell, batch, time, features, hidden, rng):
    """All tensors of one file: inputs, weights, outputs, upstream gradients, gradients."""
    states = ["hidden", "cell"] if cell == "lstm" else ["hidden"]
    layer = LAYERS[cell](hidden, return_sequences=True, return_state=True)
    layer.build((batch, time, features))
    limit = hidden**-0.5
    layer.set_weights([rng.uniform(-limit, limit, weight.shape) for weight in layer.get_weights()])

    inputs = {"input": tf.Variable(rng.normal(0, 1, (batch, time, features)))}
    inputs |= {f"initial_{state}": tf.Variable(rng.normal(0, 0.5, (batch, hidden))) for state in states}
    weights = dict(zip(["kernel", "recurrent_kernel", "bias"], [weight.value for weight in layer.trainable_weights]))
    names = ["output", *(f"final_{state}" for state in states)]
    upstream = {name: rng.normal(0, 1, (batch, time, hidden) if name == "output" else (batch, hidden)) for name in names}

    with tf.GradientTape() as tape:
        initial = [inputs[f"initial_{state}"] for state in states]
        outputs = dict(zip(names, layer(inputs["input"], initial_state=initial)))
        loss = tf.add_n([tf.reduce_sum(outputs[name] * upstream[name]) for name in names])
    sources = inputs | weights
    gradients = dict(zip(sources, tape.gradient(loss, list(sources.values()))))
    return (
        inputs
        | weights
        | outputs
        | {f"upstream_{name}": value for name, value in upstream.items()}
        | {f"grad_{name}": value for name, value in gradients.items()}
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("out")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--shapes", nargs="+", default=["1,1,1,1", "5,4,5,3", "3,7,2,10", "2,5,17,33"])
    args = parser.parse_args()
    tf.keras.backend.set_floatx("float64")
    os.makedirs(args.out, exist_ok=True)
    rng = np.random.default_rng(args.seed)
    for cell in LAYERS:
        for shape in args.shapes:
            b, t, i, h = map(int, shape.split(","))
            tensors = {name: np.ascontiguousarray(np.asarray(value), np.float64) for name, value in vectors(cell, b, t, i, h, rng).items()}
            metadata = {"cell": cell, "framework": "keras " + tf.keras.__version__}
            save_file(tensors, os.path.join(args.out, f"{cell}_b{b}_t{t}_i{i}_h{h}.safetensors"), metadata=metadata)
