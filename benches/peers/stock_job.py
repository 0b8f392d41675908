"""What both peers share: arguments, the windows of the price file, and the lines they print.

Training prints one JSON line an epoch, `{"epoch", "seconds", "loss", "valid_loss"}`, then a summary with `fit_seconds`, the RMSE of the
best epoch's weights in price units and `peak_bytes`, the process's peak memory. Inference prints one line a way of calling the model,
`{"mode", "windows", "milliseconds", "fastest", "slowest", "repeats"}`.
"""

import argparse
import csv
import json
import statistics
import sys
import time

import numpy as np

WINDOW = 60
TEST_ROWS = 300
FIRST_UNITS, SECOND_UNITS = 80, 100
DROPOUT = 0.2
LEARNING_RATE = 1e-3

WARM_UP_SECONDS = 0.5
LEAST_REPEATS, MOST_REPEATS = 10, 200
INFERENCE_SECONDS = 2.0


def arguments(peer):
    parser = argparse.ArgumentParser(description=f"The stock job in {peer}: training, or inference with --inference")
    parser.add_argument("--data", required=True, help="CSV file with a column `open`, oldest row first")
    parser.add_argument("--cell", choices=["rnn", "lstm", "gru"], default="lstm")
    parser.add_argument("--epochs", type=int, default=50)
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--seed", type=int, default=2)
    parser.add_argument("--device", default="cpu", help="PyTorch's name of a device: cpu, cuda, ...")
    parser.add_argument("--threads", type=int, default=0, help="0: as many as the framework takes by itself")
    parser.add_argument("--inference", type=int, metavar="WINDOWS", help="time the prediction of this number of windows at once instead of training")
    return parser.parse_args()


class StockData:
    """Training and test windows of a price file, scaled to [0, 1] by the training set."""

    def __init__(self, path):
        opens = _opens(path)
        train, test = opens[:-TEST_ROWS], opens[-TEST_ROWS:]
        self.low, self.range = train.min(), train.max() - train.min()
        self.train = self._windows(train)
        self.test = self._windows(test)
        self.test_opens = test[WINDOW:]

    def _windows(self, prices):
        rows = np.lib.stride_tricks.sliding_window_view((prices - self.low) / self.range, WINDOW + 1).astype(np.float32)
        return np.ascontiguousarray(rows[:, :-1, None]), np.ascontiguousarray(rows[:, -1:])

    def rmse(self, predicted):
        """Root mean squared error of scaled predictions of the test windows, in price units."""
        errors = np.ravel(predicted) * self.range + self.low - self.test_opens
        return float(np.sqrt(np.mean(errors**2)))

    def inference_batch(self, windows):
        """A number of windows of the test set, repeated from its start if it has fewer."""
        inputs = self.test[0]
        return inputs[np.arange(windows) % len(inputs)]


def _opens(path):
    with open(path, newline="", encoding="utf-8") as file:
        reader = csv.DictReader(file)
        if "open" not in (reader.fieldnames or []):
            sys.exit(f"{path}: expected a column `open`, got {reader.fieldnames}")
        opens = np.array([float(row["open"]) for row in reader])
    if len(opens) < 2 * TEST_ROWS:
        sys.exit(f"{path}: expected at least {2 * TEST_ROWS} rows, got {len(opens)}")
    return opens


def write_epoch(epoch, seconds, loss, valid_loss):
    _write({"epoch": epoch, "seconds": seconds, "loss": float(loss), "valid_loss": float(valid_loss)})


def write_summary(peer, arguments, fit_seconds, rmse):
    _write(
        {
            "peer": peer,
            "cell": arguments.cell,
            "seed": arguments.seed,
            "fit_seconds": fit_seconds,
            "best_rmse": rmse,
            "peak_bytes": _peak_bytes(),
        }
    )


def write_inference(mode, windows, predict):
    """Times `predict` and prints the median, after calls that nobody counts."""
    began = time.perf_counter()
    while time.perf_counter() - began < WARM_UP_SECONDS:
        predict()
    times = []
    began = time.perf_counter()
    while len(times) < LEAST_REPEATS or (len(times) < MOST_REPEATS and time.perf_counter() - began < INFERENCE_SECONDS):
        start = time.perf_counter()
        predict()
        times.append(1e3 * (time.perf_counter() - start))
    _write(
        {
            "mode": mode,
            "windows": windows,
            "milliseconds": statistics.median(times),
            "fastest": min(times),
            "slowest": max(times),
            "repeats": len(times),
        }
    )


def _write(values):
    print(json.dumps(values), flush=True)


def _peak_bytes():
    try:
        import resource
    except ImportError:  # not on Windows
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else 1024 * peak
