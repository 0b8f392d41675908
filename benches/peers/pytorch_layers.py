"""Forward and backward of one PyTorch layer: `python pytorch_layers.py --cell lstm --device cuda`.

Prints a JSON line for each shape that the Criterion bench `layers` has on a GPU, the gradient of the
input included.
"""

import argparse
import json
import statistics
import time

import torch
from torch import nn

CELLS = {"rnn": nn.RNN, "lstm": nn.LSTM, "gru": nn.GRU}
STOCK = {"B": 64, "T": 60, "I": 80, "H": 100}
RANGES = {"T": [240, 1000], "H": [80, 128, 256, 1024], "B": [256, 512]}
SQUARES = [
    {"B": batch, "I": size, "H": size} for batch, size in [(64, 256), (512, 256), (64, 512)]
]
GROWN = [{**STOCK, axis: size} for axis, sizes in RANGES.items() for size in sizes]
SHAPES = [STOCK, *GROWN, *({**STOCK, **square} for square in SQUARES)]
WARM_UP_SECONDS, SECONDS, MOST_REPEATS = 0.3, 1.0, 200


def wait(device):
    if device == "cuda":
        torch.cuda.synchronize()


def time_calls(call, least):
    started = time.perf_counter()
    while True:
        call()
        if time.perf_counter() - started >= WARM_UP_SECONDS:
            break
    seconds, started = [], time.perf_counter()
    while len(seconds) < least or (
        len(seconds) < MOST_REPEATS and time.perf_counter() - started < SECONDS
    ):
        call_started = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - call_started)
    return seconds


def step(cell, shape, device, least):
    layer = CELLS[cell](shape["I"], shape["H"], batch_first=True).to(device)
    inputs = (2 * torch.rand(shape["B"], shape["T"], shape["I"], device=device) - 1).requires_grad_()

    def call():
        layer.zero_grad()
        inputs.grad = None
        layer(inputs)[0].sum().backward()
        wait(device)

    return time_calls(call, least)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cell", choices=list(CELLS), default="lstm")
    parser.add_argument("--device", default="cpu", help="PyTorch's name of a device: cpu, cuda, ...")
    parser.add_argument("--repeats", type=int, default=10, help="least number of timed calls")
    arguments = parser.parse_args()
    # Ours computes in float32.
    torch.backends.cudnn.allow_tf32 = False
    for shape in SHAPES:
        seconds = step(arguments.cell, shape, arguments.device, arguments.repeats)
        line = {
            "shape": " ".join(f"{axis}{size}" for axis, size in shape.items()),
            "milliseconds": 1e3 * statistics.median(seconds),
            "fastest": 1e3 * min(seconds),
            "slowest": 1e3 * max(seconds),
            "repeats": len(seconds),
        }
        print(json.dumps(line), flush=True)


if __name__ == "__main__":
    main()
