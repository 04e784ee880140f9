"""Recurrent layers in int8, step by step: python benchmarks/rows.py --data DIR [--checkpoints DIR] [--epochs 9]

Trains an LSTM and a GRU of 48 units to read MNIST row by row (28 rows of 28 pixels) unless the checkpoints are there,
exports their step models, and prints side by side: the score of the float checkpoint and of the int8 steps on all
10,000 test digits, on both sets of kernels; the file's bytes and the bound of 1.5 times the parameter bytes plus 8 KB;
and over 1,008 rows without a reset how far the int8 steps are from the float ones, by quarter.

Half of the training is for the stream: every sequence is two digits, each to be told at its last row, so that a digit
is read the same whatever came before it. DIR holds MNIST's four files. Training takes minutes a model on one core.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import h5py
import keras
import numpy as np

from edgeproof import formats as files
from edgeproof import metrics
from edgeproof.contract import Contract, Decode, Frontend, Graph, Tensor
from edgeproof.runner import Model
from edgeproof.samples import Samples
from export import formats, pipeline
from train.data import mnist

UNITS, ROWS, PIXELS, CLASSES = 48, 28, 28, 10
RUNTIMES = ("xnnpack", "reference")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with MNIST's four files")
    parser.add_argument("--checkpoints", type=Path, default=Path("saved/rows"), help="kept here (default saved/rows)")
    parser.add_argument("--epochs", type=int, default=9)
    args = parser.parse_args()
    args.checkpoints.mkdir(parents=True, exist_ok=True)
    data = mnist.load(args.data)
    samples = _samples(data, args.checkpoints / "samples.npz")
    for kind in ("LSTM", "GRU"):
        path = args.checkpoints / f"rows-{kind.lower()}.h5"
        if not path.is_file():
            train(kind, data, path, args.epochs)
        tell(kind, path, samples, args.checkpoints / "export")


def train(kind: str, data: object, path: Path, epochs: int) -> None:
    """Fit on pairs of digits, write the checkpoint of the model that reads one."""
    keras.utils.set_random_seed(1)
    images, labels = data.train.samples["image"], data.train.labels
    images = images.astype(np.float32) / 255

    def built(rows: int, each: bool) -> keras.Model:
        frames = keras.Input((rows, PIXELS), name="rows")
        x = getattr(keras.layers, kind)(UNITS, return_sequences=each, name=kind.lower())(frames)
        logits = keras.layers.Dense(CLASSES, name="logits")
        return keras.Model(frames, logits(x[:, ROWS - 1 :: ROWS] if each else x))

    class Pairs(keras.utils.PyDataset):
        batch = 64

        def __init__(self) -> None:
            super().__init__()
            self.rng = np.random.default_rng(1)
            self.on_epoch_end()

        def __len__(self) -> int:
            return len(images) // 2 // self.batch

        def on_epoch_end(self) -> None:
            self.order = self.rng.permutation(len(images))

        def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray]:
            at = self.order[2 * index * self.batch : 2 * (index + 1) * self.batch]
            return images[at].reshape(-1, 2 * ROWS, PIXELS), labels[at].reshape(-1, 2)

    pairs = built(2 * ROWS, each=True)
    steps = epochs * (len(images) // 2 // Pairs.batch)
    pairs.compile(
        keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(4e-3, steps), clipnorm=1.0),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    )
    pairs.fit(Pairs(), epochs=epochs, verbose=2)
    model = built(ROWS, each=False)
    model.set_weights(pairs.get_weights())
    model.save(path)
    contract = Contract(
        path.stem,
        (Graph("main", (Tensor.of("rows", (None, ROWS, PIXELS), "float32"),), (_logits(),)),),
        title=f"{kind} over MNIST rows",
        frontends=(Frontend("rows", "array", ({"op": "scale", "factor": 1 / 255.0, "offset": 0.0},)),),
        decode=Decode("classify", "logits", "logits"),
        labels=tuple("0123456789"),
    )
    with h5py.File(path, "r+") as file:
        file.attrs[Contract.KEY] = contract.to_json()


def _logits() -> Tensor:
    return Tensor.of("logits", (None, CLASSES), "float32")


def _samples(data: object, path: Path) -> Path:
    calibration = data.train.samples["image"][:200]
    Samples({"rows": data.test.samples["image"]}, {"rows": calibration}, data.test.labels, {"data": data.name}).write(
        path
    )
    return path


def tell(kind: str, path: Path, samples: Path, out: Path) -> None:
    """Export the steps and print what they are."""
    request = pipeline.Request(path, formats.parse(["tflite:f32", "tflite:int8"]), True, samples, out, streaming=True)
    outcome = pipeline.run(request)
    parameters = int(outcome.checkpoint["parameters"])
    bound = 1.5 * parameters + 8192
    score = outcome.contract.score
    print(f"{kind} {UNITS}: {parameters:,} parameters; float checkpoint {score.value:.2%} of {score.n:,} test digits")
    for result in outcome.results:
        print(f"  {result.file}: {result.precision}, {result.bytes:,} bytes", end="")
        print(f" (bound {bound:,.0f})" if result.precision == "int8" else "", f": {result.status}")
        for verdict in result.verdicts:
            low, high = verdict.drop_interval
            quarters = " ".join(f"{q:.1e}" for q in result.notes["drift"][verdict.runtime])
            print(
                f"    {verdict.runtime:<10} {verdict.score:.2%}, drop {verdict.drop:+.2f} points (95% {low:+.2f} to "
                f"{high:+.2f}), same decision on {verdict.agreement:.2%}; 1,008 rows without a reset: {quarters}"
            )
        for check in result.checks:
            if check.name == "stepping":
                print(f"    {check.said}")
    _stream(out / f"{path.stem}.step.int8.tflite", samples)


def _stream(file: Path, samples: Path) -> None:
    """Digits one after another without a reset, read by the int8 steps."""
    with np.load(samples) as archive:
        images, labels = archive["evaluation_rows"][:1000], archive["evaluation_label"][:1000]
    data = files.read_file(file)
    for kernels in RUNTIMES:
        stream = Model(data, files.read_bytes(data, str(file)), kernels=kernels).stream()
        rows = images.reshape(1, -1, PIXELS).astype(np.float32) / 255
        logits = [outputs["logits"][0] for outputs in stream.over({"rows": rows})][ROWS - 1 :: ROWS]
        right = float(metrics.accuracy(np.stack(logits), labels).mean())
        print(f"    {kernels:<10} {right:.2%} of 1,000 digits in one stream of 28,000 rows")


if __name__ == "__main__":
    main()
