"""The layers of Keras 2 and tf.keras in the words of Keras 3: arguments, defaults, dtypes, activations."""

from __future__ import annotations

from typing import Any

from export.checkpoint.dialects.notes import Notes, is_layer, label

_ANY = object()
_RECURRENT = ("SimpleRNN", "LSTM", "GRU", "RNN", "ConvLSTM1D", "ConvLSTM2D", "ConvLSTM3D")
_UNUSED_KERNEL = {"kernel_initializer": _ANY, "kernel_regularizer": None, "kernel_constraint": None}

CLASSES = {
    "CuDNNLSTM": "LSTM",
    "CuDNNGRU": "GRU",
    "BatchNormalizationV1": "BatchNormalization",
    "BatchNormalizationV2": "BatchNormalization",
    "FusedBatchNormalization": "BatchNormalization",
    "SyncBatchNormalization": "BatchNormalization",
    "LSTMV2": "LSTM",
    "GRUV2": "GRU",
    "DenseV2": "Dense",
    "Convolution1D": "Conv1D",
    "Convolution2D": "Conv2D",
    "Convolution3D": "Conv3D",
    "Convolution2DTranspose": "Conv2DTranspose",
    "ThresholdedReLU": "ReLU",
}
_RENAMED: dict[str, dict[str, str]] = {
    "LeakyReLU": {"alpha": "negative_slope"},
    "ReLU": {"theta": "threshold"},
    "InputLayer": {"batch_input_shape": "batch_shape", "input_dtype": "dtype"},
}
# Arguments that Keras 3's layers no longer take: layer -> argument -> the only value under which nothing is lost.
_DROPPED: dict[str, dict[str, Any]] = {
    "DepthwiseConv1D": {"groups": 1, **_UNUSED_KERNEL},
    "DepthwiseConv2D": {"groups": 1, **_UNUSED_KERNEL},
    "SeparableConv1D": {"groups": 1, **_UNUSED_KERNEL},
    "SeparableConv2D": {"groups": 1, **_UNUSED_KERNEL},
    "Conv1DTranspose": {"groups": 1},
    "Conv2DTranspose": {"groups": 1},
    "Conv3DTranspose": {"groups": 1},
    "BatchNormalization": {
        "fused": _ANY, "virtual_batch_size": _ANY, "adjustment": None, "renorm": False, "renorm_clipping": _ANY,
        "renorm_momentum": _ANY,
    },
    "Embedding": {"input_length": _ANY, "sparse": _ANY},
    "InputLayer": {"ragged": False, "sparse": False, "type_spec": None},
    "MultiHeadAttention": {
        "softmax_robust_masking": False, "query_shape": _ANY, "key_shape": _ANY, "value_shape": _ANY,
    },
    "Attention": {"causal": False},
    "AdditiveAttention": {"causal": False},
    "LSTM": {"return_runtime": False},
    "Dense": {"input_dim": _ANY},
    **{f"SpatialDropout{n}D": {"trainable": _ANY, "noise_shape": None} for n in (1, 2, 3)},
    **{f"Random{what}": {"rng_type": _ANY} for what in (
        "Flip", "Rotation", "Zoom", "Translation", "Contrast", "Brightness", "Crop", "Height", "Width",
    )},
}  # fmt: skip
# Defaults that changed: layer -> argument -> the value that an older file means by leaving it out.
_MEANT: dict[str, dict[str, Any]] = {"GRU": {"reset_after": False}}
_HARD_SIGMOID_BY_DEFAULT = ("LSTM", "GRU", "ConvLSTM2D")
HARD_SIGMOID = {
    "module": "builtins", "class_name": "function", "config": "edgeproof>hard_sigmoid_0_2",
    "registered_name": "function",
}  # fmt: skip


def modernize(entry: dict[str, Any], notes: Notes) -> None:
    """Rewrite one serialized layer in place; `time_major` and models are left to others.

    Raises:
        Refused: an argument that meant something Keras 3 can't do.
    """
    was, config = label(entry), entry["config"]
    _class(entry, notes, was)
    kind = entry["class_name"]
    for old, new in _RENAMED.get(kind, {}).items():
        if old in config:
            config[new] = config.pop(old)
            if kind != "InputLayer":
                notes.tell(f"{was}: {old} is called {new}")
    for argument, harmless in _DROPPED.get(kind, {}).items():
        if argument in config:
            _drop(config, argument, harmless, was, notes)
    for argument, meant in _MEANT.get(kind, {}).items():
        if argument not in config:
            config[argument] = meant
            notes.tell(f"{was}: {argument}={meant} written out, the default when the file was made")
    if kind in _HARD_SIGMOID_BY_DEFAULT and "recurrent_activation" not in config:
        _recurrent_default(config, was, notes)
    for argument, value in config.items():
        if argument.endswith("activation") and value == "hard_sigmoid":
            config[argument] = dict(HARD_SIGMOID)
            notes.tell(f"{was}: {argument} hard_sigmoid is 0.2x + 0.5, clipped, as it was before Keras 3")
        elif argument.endswith("_initializer") and isinstance(value, dict) and isinstance(value.get("config"), dict):
            value["config"].pop("dtype", None)
    _dtype(entry)
    axis = config.get("axis")
    if kind == "BatchNormalization" and isinstance(axis, list):
        if len(axis) != 1:
            raise notes.refuse(
                "BatchNormalization must normalize along one axis.",
                f"{was} with axis {axis}",
                "rebuild the model with one axis, Reshape around it, and pass it as --builder module:function",
            )
        config["axis"] = axis[0]
    if kind == "UpSampling2D" and config.get("interpolation") == "bilinear" and notes.writer.version[:2] < (2, 3):
        raise notes.refuse(
            "bilinear UpSampling2D must say which corners it aligned; that changed between TensorFlow 1 and 2.",
            f"{was}, written by Keras {notes.writer.keras or 'of an unknown version'}",
            "rebuild the model in Keras 3, compare its outputs with known ones, and pass it as --builder",
        )


def _class(entry: dict[str, Any], notes: Notes, was: str) -> None:
    old = entry["class_name"].rpartition("experimental.preprocessing.")[2]
    config = entry["config"]
    new = CLASSES.get(old, old)
    if old == "CuDNNGRU":
        config["reset_after"] = True
    if old.startswith("CuDNN"):
        config["recurrent_activation"] = "sigmoid"
    if old == "SyncBatchNormalization":
        config["synchronized"] = True
    if new != entry["class_name"]:
        entry["class_name"] = new
        notes.tell(f"{was} -> {new}")


def _drop(config: dict[str, Any], argument: str, harmless: Any, was: str, notes: Notes) -> None:
    value = config.pop(argument)
    if harmless is _ANY or (harmless is None and value is None):
        return
    if value != harmless and argument not in _UNUSED_KERNEL:
        raise notes.refuse(
            f"{argument} of {was.split(' ')[0]} must be {harmless}; Keras 3 has it no other way.",
            f"{was} with {argument} {value}",
            "rebuild the model with layers that Keras 3 has, and pass it as --builder module:function",
        )
    if argument not in ("ragged", "sparse", "type_spec", "causal", "renorm", "noise_shape"):
        notes.tell(f"{was}: {argument}={harmless} dropped, which Keras 3 takes for granted")


def _recurrent_default(config: dict[str, Any], was: str, notes: Notes) -> None:
    if notes.writer.keras.endswith("-tf") and notes.writer.version[:2] == (2, 2):
        raise notes.refuse(
            "a recurrent layer must say its recurrent_activation; the default differed between TensorFlow 1 and 2.",
            f"{was}, written by tf.keras {notes.writer.keras}",
            "write the argument into the architecture",
        )
    if notes.writer.version[:2] < (2, 3):
        config["recurrent_activation"] = "hard_sigmoid"


def _dtype(entry: dict[str, Any]) -> None:
    """Policies under their present name; an integer dtype of old layers spoke of their input."""
    config, kind = entry["config"], entry["class_name"]
    dtype = config.get("dtype")
    if is_layer(dtype):
        name = dtype["config"].get("name", "float32")
        name = "float32" if name in ("infer", "_infer") else name
        config["dtype"] = {
            "module": "keras", "class_name": "DTypePolicy", "config": {"name": name}, "registered_name": None,
        }  # fmt: skip
    elif kind != "InputLayer" and isinstance(dtype, str) and dtype.startswith(("int", "uint", "bool", "string")):
        if kind == "Embedding":
            del config["dtype"]
    elif dtype is None:
        config.pop("dtype", None)
