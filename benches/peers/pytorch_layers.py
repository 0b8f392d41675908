"""Forward and backward of one PyTorch layer: `python pytorch_layers.py --cell lstm --device cuda`.

Prints the JSON lines of our program `layers growth --large`: the same shapes, the gradient of the input included; with `--sizes B,T,I,H ...`, those
of `layers step`.
"""

import argparse
import json
import statistics
import time

import torch
from torch import nn

CELLS = {"rnn": nn.RNN, "lstm": nn.LSTM, "gru": nn.GRU}
STOCK = {"B": 64, "T": 60, "I": 80, "H": 100}
RANGES = {"T": [60, 240, 1000], "H": [80, 128, 256, 1024], "B": [64, 256, 512]}
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
    while len(seconds) < least or (len(seconds) < MOST_REPEATS and time.perf_counter() - started < SECONDS):
        call_started = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - call_started)
    return seconds


def step(cell, shape, device, least, forward=False):
    layer = CELLS[cell](shape["I"], shape["H"], batch_first=True).to(device)
    inputs = (2 * torch.rand(shape["B"], shape["T"], shape["I"], device=device) - 1).requires_grad_(not forward)

    @torch.no_grad()
    def infer():
        layer(inputs)
        wait(device)

    def call():
        layer.zero_grad()
        inputs.grad = None
        layer(inputs)[0].sum().backward()
        wait(device)

    return time_calls(infer if forward else call, least)


def summary(seconds):
    return {
        "milliseconds": 1e3 * statistics.median(seconds),
        "fastest": 1e3 * min(seconds),
        "slowest": 1e3 * max(seconds),
        "repeats": len(seconds),
    }


def given(arguments):
    for text in arguments.sizes:
        sizes = [int(size) for size in text.split(",")]
        shape = dict(zip("BTIH", sizes, strict=True))
        seconds = step(arguments.cell, shape, arguments.device, arguments.repeats, arguments.forward)
        line = {"cell": arguments.cell, "sizes": sizes, "pass": "forward" if arguments.forward else "both", **summary(seconds)}
        print(json.dumps(line), flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cell", choices=list(CELLS), default="lstm")
    parser.add_argument("--device", default="cpu", help="PyTorch's name of a device: cpu, cuda, ...")
    parser.add_argument("--repeats", type=int, default=10, help="least number of timed calls")
    parser.add_argument("--quick", action="store_true", help="only the ends of each range")
    parser.add_argument("--sizes", nargs="+", metavar="B,T,I,H", help="these sizes instead of the ranges")
    parser.add_argument("--forward", action="store_true", help="with --sizes: forward alone, without gradients")
    arguments = parser.parse_args()
    # Ours computes in float32.
    torch.backends.cudnn.allow_tf32 = False
    if arguments.sizes:
        given(arguments)
        return
    for axis, values in RANGES.items():
        for value in [values[0], values[-1]] if arguments.quick else values:
            shape = {**STOCK, axis: value}
            seconds = step(arguments.cell, shape, arguments.device, arguments.repeats)
            work = shape["B"] * shape["T"] * shape["H"] * (shape["I"] + shape["H"])
            line = {
                "axis": axis,
                "value": value,
                **summary(seconds),
                "nanoseconds_per_unit_of_work": 1e9 * statistics.median(seconds) / work,
            }
            print(json.dumps(line), flush=True)


if __name__ == "__main__":
    main()
