"""The stock job in PyTorch: `python pytorch_stock.py --cell lstm --epochs 12 --data prices.csv`."""

import copy
import time

import torch
from torch import nn
from torch.nn.functional import mse_loss

import stock_job as job

CELLS = {"rnn": nn.RNN, "lstm": nn.LSTM, "gru": nn.GRU}


class StockModel(nn.Module):
    def __init__(self, cell):
        super().__init__()
        recurrent = CELLS[cell]
        self.first = recurrent(1, job.FIRST_UNITS, batch_first=True)
        self.second = recurrent(job.FIRST_UNITS, job.SECOND_UNITS, batch_first=True)
        self.dropout = nn.Dropout(job.DROPOUT)
        self.dense = nn.Linear(job.SECOND_UNITS, 1)

    def forward(self, windows):
        hidden = self.dropout(self.first(windows)[0])
        last = self.second(hidden)[0][:, -1]
        return self.dense(self.dropout(last))


def train_epoch(model, optimizer, inputs, targets, batch_size):
    """One pass in a new order; gives the mean loss over the samples."""
    model.train()
    total = torch.zeros((), device=inputs.device)
    for rows in torch.randperm(len(inputs), device=inputs.device).split(batch_size):
        optimizer.zero_grad()
        loss = mse_loss(model(inputs[rows]), targets[rows])
        loss.backward()
        optimizer.step()
        total += loss.detach() * len(rows)
    return total.item() / len(inputs)


def validate(model, inputs, targets):
    model.eval()
    with torch.no_grad():
        return mse_loss(model(inputs), targets).item()


def train(model, data, arguments):
    def on_device(array):
        return torch.from_numpy(array).to(arguments.device)

    inputs, targets = map(on_device, data.train)
    test = tuple(map(on_device, data.test))
    optimizer = torch.optim.Adam(model.parameters(), job.LEARNING_RATE, eps=1e-7)
    lowest, best_weights, started = float("inf"), None, time.perf_counter()
    for epoch in range(1, arguments.epochs + 1):
        epoch_started = time.perf_counter()
        loss = train_epoch(model, optimizer, inputs, targets, arguments.batch_size)
        valid_loss = validate(model, *test)
        if valid_loss < lowest:
            lowest, best_weights = valid_loss, copy.deepcopy(model.state_dict())
        job.write_epoch(epoch, time.perf_counter() - epoch_started, loss, valid_loss)
    fit_seconds = time.perf_counter() - started
    model.load_state_dict(best_weights)
    with torch.no_grad():
        rmse = data.rmse(model(test[0]).cpu().numpy())
    place = "" if arguments.device == "cpu" else f" on {torch.cuda.get_device_name()}"
    job.write_summary(f"PyTorch {torch.__version__}{place}", arguments, fit_seconds, rmse)


def infer(model, data, arguments):
    model.eval()
    batch = torch.from_numpy(data.inference_batch(arguments.inference)).to(arguments.device)
    with torch.no_grad():
        job.write_inference("eager", arguments.inference, lambda: model(batch).cpu().numpy())


def main():
    arguments = job.arguments("PyTorch")
    if arguments.threads:
        torch.set_num_threads(arguments.threads)
    torch.manual_seed(arguments.seed)
    # Ours computes in float32.
    torch.backends.cudnn.allow_tf32 = False
    data = job.StockData(arguments.data)
    model = StockModel(arguments.cell).to(arguments.device)
    if arguments.inference:
        infer(model, data, arguments)
    else:
        train(model, data, arguments)


if __name__ == "__main__":
    main()
