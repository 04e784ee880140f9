"""Functions that need TensorFlow, for the tests' child process, which finds this module on its PYTHONPATH."""

import base64
import json
import logging
import marshal
from pathlib import Path

import h5py
import keras
import numpy as np

logging.getLogger("absl").setLevel(logging.ERROR)  # Keras warns at every save that HDF5 is its older format

CLASSES = 3


def pictures(n, seed):
    """Grey 8x8 pictures of three kinds of stripes in noise, uint8 (n, 8, 8), and their kinds (n,)."""
    rng = np.random.default_rng(seed)
    labels = np.arange(n) % CLASSES
    y, x = np.mgrid[:8, :8]
    stripes = np.stack([y // 2 % 2, x // 2 % 2, (x + y) // 2 % 2])
    images = 170 * stripes[labels] + rng.integers(0, 80, (n, 8, 8))
    return images.astype(np.uint8), labels.astype(np.int64)


def save_small(path, kind):
    """Save a classifier of `pictures`: "logits", or "softmax" as others save theirs. Only its head fits them."""
    keras.utils.set_random_seed(0)
    image = keras.Input((8, 8, 1), name="image")
    x = keras.layers.Conv2D(6, 3, activation="relu", name="c1")(image)  # (batch, 6, 6, 6)
    x = keras.layers.MaxPooling2D(2, name="s2")(x)  # (batch, 3, 3, 6)
    x = keras.layers.Flatten(name="flatten")(x)  # (batch, 54)
    # Above 1024 weights, below which TensorFlow's converter leaves a layer in floats when it quantizes weights only.
    features = keras.layers.Dense(40, activation="relu", name="f3")(x)  # (batch, 40)
    name, activation = ("probabilities", "softmax") if kind == "softmax" else ("logits", None)
    head = keras.layers.Dense(CLASSES, activation=activation, name=name)
    model = keras.Model(image, head(features), name=f"small_{kind}")
    images, labels = pictures(300, seed=0)
    found = keras.Model(image, features).predict_on_batch(images[..., None] / np.float32(255))
    wanted = 8 * np.eye(CLASSES)[labels] - 4
    solved = np.linalg.lstsq(np.c_[found, np.ones(len(found))], wanted, rcond=None)[0]
    head.set_weights([solved[:-1], solved[-1]])
    model.save(path)


def save_values(path):
    """Save a model of two inputs and two outputs that decides nothing."""
    keras.utils.set_random_seed(1)
    left, right = keras.Input((4,), name="left"), keras.Input((6,), name="right")
    both = keras.layers.Concatenate()([keras.layers.Dense(5, activation="tanh")(left), right])
    total = keras.layers.Dense(2, name="total")(both)
    share = keras.layers.Dense(3, activation="sigmoid", name="share")(both)
    keras.Model([left, right], [total, share], name="values").save(path)


def save_waves(path):
    """Save a model with an operator that no integer kernel computes."""
    keras.utils.set_random_seed(2)
    x = keras.Input((12, 8), name="x")
    y = keras.layers.Dense(8, activation="softsign", name="phase")(x)
    y = keras.layers.Dense(3, activation="softmax", name="y")(keras.layers.GlobalAveragePooling1D()(y))
    keras.Model(x, y, name="waves").save(path)


def save_lambda(path, where):
    """Save a model with a Lambda layer `where` Keras allows one."""
    layers = keras.layers
    twice = layers.Lambda(lambda t: 2 * t, name="hidden_code")
    x = keras.Input((4, 3), name="x")
    if where == "layer":
        y = twice(x)
    elif where == "time distributed":
        y = layers.TimeDistributed(twice)(x)
    elif where == "submodel":
        inner = keras.Input((4, 3))
        y = keras.Model(inner, keras.Sequential([layers.Dense(3), twice])(inner), name="inner")(x)
    elif where == "named function":
        y = layers.Lambda(keras.ops.square, name="hidden_code")(x)
    else:
        raise ValueError(where)
    keras.Model(x, y).save(path)
    if where == "layer":  # the same as older versions of Keras stored it
        with h5py.File(path, "r+") as file:
            config = json.loads(file.attrs["model_config"])
            layer = next(entry for entry in config["config"]["layers"] if entry["class_name"] == "Lambda")
            layer["config"]["function"] = [layer["config"]["function"]["config"]["code"], None, None]
            layer["config"]["function_type"] = "lambda"
            file.attrs["model_config"] = json.dumps(config)


def save_trapped_lambda(path, marker):
    """Save a model with a Lambda layer whose code writes the file `marker` as soon as anything calls it."""
    code = compile(f"(lambda t: (open({str(marker)!r}, 'w').close(), t)[1])", "trap", "eval").co_consts[0]
    x = keras.Input((3,), name="x")
    keras.Model(x, keras.layers.Lambda(lambda t: 2 * t, name="hidden_code")(x)).save(path)
    with h5py.File(path, "r+") as file:
        text = file.attrs["model_config"]
        config = json.loads(text)
        layer = next(entry for entry in config["config"]["layers"] if entry["class_name"] == "Lambda")
        layer["config"]["function"]["config"]["code"] = base64.b64encode(marshal.dumps(code)).decode()
        file.attrs["model_config"] = json.dumps(config)


def load_unsafely(path):
    """What a careless reader does."""
    keras.models.load_model(path, compile=False, safe_mode=False)


def plain_flatbuffer(checkpoint, calibration, precision, path):
    """What TensorFlow's converter gives, before anything is done to it."""
    from export import arrays
    from export.formats.tflite import flatbuffer_of
    from export.source import Source

    source = Source(Path(checkpoint), arrays.read(calibration))
    Path(path).write_bytes(flatbuffer_of(source, precision)[0])


def outputs(format, path, tensors, out, batch):
    """An artifact's outputs for the samples in an .npz file, in batches of this size."""
    from export import arrays, formats

    form, samples = formats.load(format), arrays.read(tensors)
    run = form.session(Path(path), form.runtimes[0])
    n = len(next(iter(samples.values())))
    parts = [run({name: values[i : i + batch] for name, values in samples.items()}) for i in range(0, n, batch)]
    arrays.write(out, {name: np.concatenate([part[name] for part in parts]) for name in parts[0]})


def graphdef(path):
    """The placeholders of a frozen graph with their shapes, the names of all its nodes, and how it stores weights."""
    from tensorflow.core.framework.graph_pb2 import GraphDef

    graph = GraphDef()
    graph.ParseFromString(Path(path).read_bytes())
    ends = {node.name: node.attr["shape"].shape for node in graph.node if node.op == "Placeholder"}
    return {
        "inputs": {name: [dim.size for dim in shape.dim] for name, shape in ends.items()},
        "nodes": [node.name for node in graph.node],
        "operators": sorted({node.op for node in graph.node}),
        "functions": len(graph.library.function),
    }


def saved_model(path):
    """Names and shapes of the signature of a SavedModel, with its specs of inputs and outputs."""
    import tensorflow as tf

    loaded = tf.saved_model.load(path)
    signature = loaded.signatures["serving_default"]
    (_, inputs), results = signature.structured_input_signature, signature.structured_outputs
    return {
        "signatures": list(loaded.signatures),
        "inputs": {name: spec.shape.as_list() for name, spec in inputs.items()},
        "outputs": {name: spec.shape.as_list() for name, spec in results.items()},
    }


def save_unusual(path):
    """Save a model with an operator that TensorFlow Lite for Microcontrollers has not."""
    keras.utils.set_random_seed(3)
    x = keras.Input((6,), name="x")
    y = keras.layers.RepeatVector(3)(keras.layers.Dense(4, activation="relu")(x))
    keras.Model(x, keras.layers.Flatten(name="y")(y)).save(path)


def save_named(path, name):
    """Save a small model whose input has this name."""
    keras.utils.set_random_seed(4)
    x = keras.Input((4,), name=name)
    keras.Model(x, keras.layers.Dense(3, name="y")(x)).save(path)


def save_seeds(folder):
    """Save models for the fuzzer: nested, recurrent, with layers that take functions, vocabularies and seeds."""
    keras.utils.set_random_seed(5)
    layers = keras.layers
    x = keras.Input((6, 4), name="x")
    inner = keras.Sequential([layers.Dense(3, activation="relu"), layers.BatchNormalization()], name="inner")
    y = layers.Bidirectional(layers.LSTM(3, return_sequences=True), name="both")(inner(x))
    y = layers.TimeDistributed(layers.Dense(2))(layers.Dropout(0.5)(y))
    y = layers.Dense(2, kernel_regularizer="l2", activation="gelu", name="y")(layers.GlobalMaxPooling1D()(y))
    nested = keras.Model(x, y, name="nested")
    plain = keras.Sequential([keras.Input((5,)), layers.Dense(4, activation="relu"), layers.Dense(2)], name="plain")
    tokens = keras.Input((7,), dtype="int32", name="tokens")
    read = keras.Model(tokens, layers.Dense(2)(layers.Flatten()(layers.Embedding(11, 3)(tokens))), name="read")
    paths = [Path(folder) / name for name in ("nested.h5", "plain.h5", "read.h5", "nested.keras", "plain.keras")]
    for model, path in zip((nested, plain, read, nested, plain), paths, strict=True):
        model.save(path)
    with h5py.File(paths[1], "r+") as file:  # as Keras 2 signs
        file.attrs["keras_version"] = "2.9.0"
    return [str(path) for path in paths]


def random_tensors(path):
    """Calibration for the small model."""
    from export import arrays

    arrays.write(path, {"image": np.random.default_rng(0).random((20, 8, 8, 1), np.float32)})
