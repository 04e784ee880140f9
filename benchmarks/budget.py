"""int8 within a budget, on networks that plain int8 spoils: trained here on MNIST, exported, scored on its test set.

    python benchmarks/budget.py DIR [--keep FOLDER] [--only NAME]

DIR holds MNIST's four files. The networks: one of depthwise-separable layers, with half the channels of two of them
scaled by 1e3 between depthwise and pointwise, once up and once down (the function is kept), with ReLU and with ReLU6;
and a Transformer of two blocks over the 28 rows, with GELU and with ReLU. `converter` is `tf.lite.TFLiteConverter` as
its guide shows it; drops are in points of accuracy on 10,000 samples, with a 95% paired bootstrap interval.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from edgeproof import formats as file_formats
from edgeproof import metrics, samples
from edgeproof.runner import Model
from export import formats, pipeline
from export.quantize.plan import Budget
from export.worker import Crashed, Worker
from train.data import idx

FILES = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")
CASES = {
    "separable, ReLU, up": ("separable", "relu", 1e3, 0.3),
    "separable, ReLU, down": ("separable", "relu", 1e-3, 0.3),
    "separable, ReLU6, up": ("separable", "relu6", 1e3, 0.3),
    "separable, ReLU6, down": ("separable", "relu6", 1e-3, 0.3),
    "transformer, GELU": ("transformer", "gelu", 1.0, 0.5),
    "transformer, ReLU": ("transformer", "relu", 1.0, 0.5),
}


def train(kind: str, activation: str, factor: float, data: str, out: str) -> None:
    """Train one network and leave its checkpoint. Runs in a child."""
    import keras

    keras.utils.set_random_seed(1)
    with np.load(data) as arrays:
        x, y = arrays["train_x"], arrays["train_y"]
    bare = Path(out).with_name(f"{kind}-{activation}.h5")
    if not bare.exists():
        model = _separable(activation) if kind == "separable" else _transformer(activation)
        steps = 3 * (len(x) // 128)
        rate = keras.optimizers.schedules.CosineDecay(3e-3 if kind == "separable" else 2e-3, steps)
        model.compile(keras.optimizers.Adam(rate), "sparse_categorical_crossentropy")
        model.fit(x, y, batch_size=128, epochs=3, verbose=0)
        model.save(bare)
    model = keras.models.load_model(bare, compile=False)
    for name in ("s1", "s2") if kind == "separable" else ():
        layer = model.get_layer(name)
        kernel, after = np.asarray(layer.depthwise_kernel), np.asarray(layer.pointwise_kernel)
        factors = np.ones(kernel.shape[2], np.float32)
        factors[::2] = factor
        layer.depthwise_kernel.assign(kernel * factors[:, None])
        layer.pointwise_kernel.assign(after / factors[:, None])
    model.save(out)


def _separable(activation: str) -> Any:
    import keras
    from keras import layers

    def act() -> Any:
        return layers.ReLU(6.0 if activation == "relu6" else None)

    image = keras.Input((28, 28, 1), name="image")
    x = layers.Conv2D(16, 3, strides=2, padding="same", use_bias=False, name="c1")(image)  # (batch, 14, 14, 16)
    x = act()(layers.BatchNormalization(momentum=0.9)(x))
    for i, (width, stride) in enumerate([(32, 1), (64, 2), (64, 1)]):
        x = layers.SeparableConv2D(width, 3, strides=stride, padding="same", use_bias=False, name=f"s{i}")(x)
        x = act()(layers.BatchNormalization(momentum=0.9)(x))
    x = layers.GlobalAveragePooling2D(name="pool")(x)
    return keras.Model(image, layers.Dense(10, activation="softmax", name="digit")(x))


def _transformer(activation: str) -> Any:
    import keras
    from keras import layers

    width, heads = 48, 4
    image = keras.Input((28, 28, 1), name="image")
    x = layers.Dense(width, name="embed")(layers.Reshape((28, 28), name="rows")(image))  # (batch, 28, 48)
    for i in (1, 2):
        y = layers.LayerNormalization(name=f"block{i}_norm1")(x)
        y = layers.MultiHeadAttention(heads, width // heads, name=f"block{i}_attention")(y, y)
        x = layers.Add(name=f"block{i}_add1")([x, y])
        y = layers.LayerNormalization(name=f"block{i}_norm2")(x)
        y = layers.Dense(2 * width, activation=activation, name=f"block{i}_up")(y)
        x = layers.Add(name=f"block{i}_add2")([x, layers.Dense(width, name=f"block{i}_down")(y)])
    x = layers.Flatten(name="flatten")(layers.LayerNormalization(name="norm")(x))
    return keras.Model(image, layers.Dense(10, activation="softmax", name="digit")(x))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="folder of MNIST's four files")
    parser.add_argument("--keep", type=Path, help="folder for the checkpoints, which are trained once")
    parser.add_argument("--only", default="", help="cases whose name begins so")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = args.keep or Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        train_x, train_y, test_x, test_y = (_read(args.data, name) for name in FILES)
        train_x, test_x = ((x / 255).astype(np.float32)[..., None] for x in (train_x, test_x))
        np.savez(folder / "data.npz", train_x=train_x, train_y=train_y)
        seen = train_x[np.random.default_rng(0).permutation(len(train_x))[:200]]
        np.save(folder / "seen.npy", seen)
        given = samples.Samples({"image": test_x}, {"image": seen}, test_y.astype(np.int64), {"data": "mnist"})
        given.write(folder / "samples.npz")
        head = ("network", "float", "converter int8", "int8 here, XNNPACK", "reference kernels", "bytes", "plan")
        print("{:<24} {:>7} {:>15} {:>28} {:>28} {:>8}  {}".format(*head))
        for name, case in CASES.items():
            if name.startswith(args.only):
                _case(name, case, folder, test_x, test_y)


def _read(folder: Path, name: str) -> np.ndarray:
    path = next(p for p in sorted(folder.iterdir()) if p.name.replace(".", "-").startswith(name))
    return idx.read(path, dimensions=3 if "images" in name else 1)


def _case(name: str, case: tuple[str, str, float, float], folder: Path, x: np.ndarray, y: np.ndarray) -> None:
    kind, activation, factor, drop = case
    checkpoint = folder / f"{kind}-{activation}-{factor:g}.h5"
    plain = folder / "plain.tflite"
    with Worker() as child:
        if not checkpoint.exists():
            child.call(
                "benchmarks.budget:train",
                kind=kind, activation=activation, factor=factor, data=str(folder / "data.npz"), out=str(checkpoint),
            )  # fmt: skip
        try:
            child.call(
                "benchmarks.other_tools:converter",
                checkpoint=str(checkpoint), seen=str(folder / "seen.npy"), out=str(plain),
            )  # fmt: skip
            theirs = f"{_accuracy(plain.read_bytes(), x, y):.2%}"
        except Crashed:
            theirs = "fails"
    request = pipeline.Request(
        checkpoint, formats.parse(["tflite:int8"]), samples=folder / "samples.npz", out=folder / "out",
        budget=Budget(drop=drop),
    )  # fmt: skip
    outcome = pipeline.run(request)
    (result,) = outcome.results
    score = outcome.contract.score
    cells = []
    for verdict in result.verdicts:
        low, high = verdict.drop_interval or (0.0, 0.0)
        cells.append(f"{verdict.score:.2%} {verdict.drop:+.2f} ({low:+.2f} to {high:+.2f})")
    chosen = next((trial["said"] for trial in result.trials if trial["chosen"]), "")
    value = f"{score.value:.2%}" if score else ""
    state = result.status if result.status == "verified" else f"{result.status}: {result.reason}"
    print(
        f"{name:<24} {value:>7} {theirs:>15} {cells[0]:>28} {cells[1]:>28} {result.bytes:>8,}  {chosen}; {state}",
        flush=True,
    )


def _accuracy(data: bytes, x: np.ndarray, y: np.ndarray) -> float:
    model = Model(data, file_formats.read_bytes(data, "plain"), kernels="xnnpack")
    end = model.session.inputs[0].name
    found = np.concatenate([next(iter(model.infer({end: one[None]}).values())) for one in x])
    return float(np.mean(metrics.decisions(found) == y))


if __name__ == "__main__":
    main()
