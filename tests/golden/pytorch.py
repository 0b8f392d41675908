"""Golden vectors: PyTorch recurrent layers, forward and gradients, computed in float64, stored in the Keras layout.

    python3 -m venv benches/.peers && benches/.peers/bin/pip install torch safetensors numpy
    benches/.peers/bin/python tests/golden/pytorch.py OUT_DIR --seed 7 --shapes 1,1,1,1 4,6,3,16 17,3,1,15 2,9,5,20

Each shape is batch,time,input,hidden. Tensor names, shapes and the loss are those of the Keras files (README.md beside this).
"""
import argparse
import os

import numpy as np
import torch
from safetensors.numpy import save_file

parser = argparse.ArgumentParser()
parser.add_argument("out")
parser.add_argument("--seed", type=int, default=7)
parser.add_argument("--shapes", nargs="+", default=["1,1,1,1", "4,6,3,16", "17,3,1,15", "2,9,5,20"])
args = parser.parse_args()

os.makedirs(args.out, exist_ok=True)
rng = np.random.default_rng(args.seed)
# Per cell: the layer, the PyTorch gate at each Keras position, the Keras gates.
CELLS = {
    "simple_rnn": (torch.nn.RNN, [0], "h"),
    "lstm": (torch.nn.LSTM, [0, 1, 2, 3], "i,f,c,o"),  # PyTorch: i, f, g, o
    "gru": (torch.nn.GRU, [1, 0, 2], "z,r,h (reset_after)"),  # PyTorch: r, z, n
}


def keras(tensor, order):
    """A PyTorch weight [G*H, N] as [N, G*H], or a bias [G*H], with its gate blocks in Keras order."""
    blocks = np.split(tensor.detach().numpy(), len(order), axis=0)
    return np.concatenate([blocks[gate] for gate in order], axis=0).T


def normal(scale, *shape):
    """A leaf tensor of normal values that collects a gradient."""
    return torch.tensor(rng.normal(0, scale, shape), requires_grad=True)


for cell, (layer_type, order, gates) in CELLS.items():
    for shape in args.shapes:
        batch, time, features, hidden = map(int, shape.split(","))
        layer = layer_type(features, hidden, batch_first=True, dtype=torch.float64)
        bound = 1 / np.sqrt(hidden)
        with torch.no_grad():
            for parameter in layer.parameters():
                parameter.copy_(torch.from_numpy(rng.uniform(-bound, bound, tuple(parameter.shape))))
        names = ["hidden", "cell"] if cell == "lstm" else ["hidden"]
        x = normal(1, batch, time, features)
        states = [normal(0.5, 1, batch, hidden) for _ in names]
        upstream = [torch.from_numpy(rng.normal(0, 1, (batch, time, hidden)))]
        upstream += [torch.from_numpy(rng.normal(0, 1, (batch, hidden))) for _ in names]

        output, final = layer(x, tuple(states) if cell == "lstm" else states[0])
        finals = [state[0] for state in (final if cell == "lstm" else [final])]
        sum((o * u).sum() for o, u in zip([output, *finals], upstream)).backward()

        weights = [layer.weight_ih_l0, layer.weight_hh_l0]
        biases = [layer.bias_ih_l0, layer.bias_hh_l0]
        if cell == "gru":
            bias = np.stack([keras(b, order) for b in biases])
            grad_bias = np.stack([keras(b.grad, order) for b in biases])
        else:
            bias = keras(biases[0] + biases[1], order)
            grad_bias = keras(biases[0].grad, order)
            assert torch.allclose(biases[0].grad, biases[1].grad, rtol=1e-12)

        tensors = {"input": x, **{f"initial_{n}": s[0] for n, s in zip(names, states)}}
        tensors |= {n: keras(w, order) for n, w in zip(["kernel", "recurrent_kernel"], weights)} | {"bias": bias}
        tensors |= {"output": output, **{f"final_{n}": s for n, s in zip(names, finals)}}
        tensors |= dict(zip(["upstream_output", *(f"upstream_final_{n}" for n in names)], upstream))
        tensors |= {"grad_input": x.grad, **{f"grad_initial_{n}": s.grad[0] for n, s in zip(names, states)}}
        tensors |= {f"grad_{n}": keras(w.grad, order) for n, w in zip(["kernel", "recurrent_kernel"], weights)}
        tensors |= {"grad_bias": grad_bias}
        save_file(
            {
                name: np.ascontiguousarray(t.detach().numpy() if torch.is_tensor(t) else t, dtype=np.float64)
                for name, t in tensors.items()
            },
            f"{args.out}/{cell}_pytorch_b{batch}_t{time}_i{features}_h{hidden}.safetensors",
            metadata={"cell": cell, "gates": gates, "framework": "torch " + torch.__version__.split("+")[0]},
        )
