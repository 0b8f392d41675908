"""The stock job in Keras on TensorFlow: `python keras_stock.py --cell lstm --epochs 12 --data prices.csv`."""

import os
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import tensorflow as tf
from keras import layers

import stock_job as job

CELLS = {"rnn": layers.SimpleRNN, "lstm": layers.LSTM, "gru": layers.GRU}


def build(cell):
    recurrent = CELLS[cell]
    return keras.Sequential(
        [
            keras.Input((job.WINDOW, 1)),
            recurrent(job.FIRST_UNITS, return_sequences=True),
            layers.Dropout(job.DROPOUT),
            recurrent(job.SECOND_UNITS),
            layers.Dropout(job.DROPOUT),
            layers.Dense(1),
        ]
    )


class EpochReport(keras.callbacks.Callback):
    """Prints every epoch, validation included, and keeps the best weights, as the job asks of everybody."""

    def __init__(self):
        super().__init__()
        self.lowest, self.best_weights, self.started = float("inf"), None, 0.0

    def on_epoch_begin(self, epoch, logs=None):
        self.started = time.perf_counter()

    def on_epoch_end(self, epoch, logs=None):
        if logs["val_loss"] < self.lowest:
            self.lowest, self.best_weights = logs["val_loss"], self.model.get_weights()
        job.write_epoch(epoch + 1, time.perf_counter() - self.started, logs["loss"], logs["val_loss"])


def train(model, data, arguments):
    model.compile(optimizer=keras.optimizers.Adam(job.LEARNING_RATE), loss="mean_squared_error")
    report = EpochReport()
    inputs, targets = data.train
    started = time.perf_counter()
    model.fit(
        inputs,
        targets,
        batch_size=arguments.batch_size,
        epochs=arguments.epochs,
        validation_data=data.test,
        verbose=0,
        callbacks=[report],
    )
    fit_seconds = time.perf_counter() - started
    model.set_weights(report.best_weights)
    rmse = data.rmse(model.predict(data.test[0], verbose=0))
    job.write_summary(f"Keras {keras.__version__} on TensorFlow {tf.__version__}", arguments, fit_seconds, rmse)


def infer(model, data, windows):
    batch = tf.constant(data.inference_batch(windows))
    job.write_inference("eager", windows, lambda: model(batch, training=False).numpy())
    job.write_inference("predict_on_batch", windows, lambda: model.predict_on_batch(batch))


def main():
    arguments = job.arguments("Keras")
    if arguments.threads:
        tf.config.threading.set_intra_op_parallelism_threads(arguments.threads)
        tf.config.threading.set_inter_op_parallelism_threads(arguments.threads)
    tf.config.set_visible_devices([], "GPU")
    keras.utils.set_random_seed(arguments.seed)
    data = job.StockData(arguments.data)
    model = build(arguments.cell)
    if arguments.inference:
        infer(model, data, arguments.inference)
    else:
        train(model, data, arguments)


if __name__ == "__main__":
    main()
