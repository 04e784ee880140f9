"""Keras 1 in the words of Keras 2: class names, argument names, and what has no counterpart."""

from __future__ import annotations

from typing import Any

from export.checkpoint.dialects.notes import Notes, label

CLASSES = {
    "Convolution1D": "Conv1D",
    "Convolution2D": "Conv2D",
    "Convolution3D": "Conv3D",
    "AtrousConvolution1D": "Conv1D",
    "AtrousConv1D": "Conv1D",
    "AtrousConvolution2D": "Conv2D",
    "AtrousConv2D": "Conv2D",
    "Deconvolution2D": "Conv2DTranspose",
    "Deconv2D": "Conv2DTranspose",
    "SeparableConvolution2D": "SeparableConv2D",
    "TimeDistributedDense": "Dense",
}
_MERGES = {
    "sum": "Add", "mul": "Multiply", "ave": "Average", "max": "Maximum", "concat": "Concatenate", "dot": "Dot",
}  # fmt: skip
# Names of arguments, of every layer that has them.
_RENAMED = {
    "init": "kernel_initializer", "inner_init": "recurrent_initializer", "depthwise_init": "depthwise_initializer",
    "pointwise_init": "pointwise_initializer", "gamma_init": "gamma_initializer", "beta_init": "beta_initializer",
    "W_regularizer": "kernel_regularizer", "U_regularizer": "recurrent_regularizer",
    "b_regularizer": "bias_regularizer", "depthwise_regularizer": "depthwise_regularizer",
    "W_constraint": "kernel_constraint", "U_constraint": "recurrent_constraint", "b_constraint": "bias_constraint",
    "nb_filter": "filters", "filter_length": "kernel_size", "border_mode": "padding", "subsample": "strides",
    "subsample_length": "strides", "atrous_rate": "dilation_rate", "bias": "use_bias", "pool_length": "pool_size",
    "stride": "strides", "inner_activation": "recurrent_activation", "dropout_W": "dropout",
    "dropout_U": "recurrent_dropout", "p": "rate", "sigma": "stddev",
}  # fmt: skip
_RENAMED_OF = {
    "Dense": {"output_dim": "units"},
    "SimpleRNN": {"output_dim": "units"},
    "LSTM": {"output_dim": "units"},
    "GRU": {"output_dim": "units"},
    "Embedding": {"init": "embeddings_initializer", "W_regularizer": "embeddings_regularizer",
                  "W_constraint": "embeddings_constraint"},
    "PReLU": {"init": "alpha_initializer"},
    "UpSampling1D": {"length": "size"},
}  # fmt: skip
_UNUSED = (
    "consume_less", "forget_bias_init", "input_length", "weights", "batch_input_dtype", "create_input_layer",
    "cache_enabled", "custom_name",
)  # fmt: skip
_INITIALIZERS = {"zero": "zeros", "one": "ones", "normal": "random_normal", "uniform": "random_uniform"}
_ORDERINGS = {"th": "channels_first", "tf": "channels_last"}
_WORDS = {"nb_filter", "border_mode", "dim_ordering", "output_dim", "inner_activation", "subsample", "W_regularizer"}


def spoken(entries: list[dict[str, Any]]) -> bool:
    """Whether an architecture that does not say its version uses the words of Keras 1."""
    return any(
        entry["class_name"] in {*CLASSES, "Merge"}
        or (entry["class_name"] != "Embedding" and _WORDS & set(entry["config"]))
        for entry in entries
    )


def modernize(entry: dict[str, Any], notes: Notes) -> None:
    """Rewrite one serialized layer in place.

    Raises:
        Refused: it means what no layer of Keras 2 and 3 does.
    """
    was, config = label(entry), entry["config"]
    if entry["class_name"] == "Merge":
        _merge(entry, notes)
        notes.tell(f"{was} -> {entry['class_name']}")
        return
    kind = entry["class_name"] = CLASSES.get(entry["class_name"], entry["class_name"])
    before = dict(config)
    for name in _UNUSED:
        config.pop(name, None)
    if kind != "Embedding":
        config.pop("input_dim", None)
    else:
        config.pop("dropout", None)
    if kind == "BatchNormalization" and config.pop("mode", 0) != 0:
        raise notes.refuse(
            "BatchNormalization must normalize by statistics kept from training (mode 0).",
            f"{was} with mode {before['mode']}",
            "rebuild the model with LayerNormalization (mode 1), or with mode 0, and load these weights into it",
        )
    for old, new in {**_RENAMED, **_RENAMED_OF.get(kind, {})}.items():
        if old in config and old != new:
            config[new] = config.pop(old)
    _kernel_size(config)
    _ordering(config, was, notes)
    if kind == "Conv2DTranspose":
        config.pop("output_shape", None)
    for name, value in list(config.items()):
        if name.endswith("_initializer") and isinstance(value, str):
            config[name] = _INITIALIZERS.get(value, value)
        elif name.endswith("_regularizer"):
            config[name] = _regularizer(value)
        elif name.endswith("_constraint") and value is not None:
            config[name] = None
            notes.tell(f"{was}: {name} dropped, which only training reads")
    changed = sorted({*before} - {*config} - {*_UNUSED, "input_dim", "mode"})
    if changed or was != label(entry):
        renamed = f" ({', '.join(changed)} renamed)" if changed else ""
        notes.tell(f"{was} -> {entry['class_name']}{renamed}")


def _kernel_size(config: dict[str, Any]) -> None:
    for names in (("nb_row", "nb_col"), ("kernel_dim1", "kernel_dim2", "kernel_dim3")):
        if all(name in config for name in names):
            config["kernel_size"] = [config.pop(name) for name in names]


def _ordering(config: dict[str, Any], was: str, notes: Notes) -> None:
    if "dim_ordering" not in config:
        return
    ordering = config.pop("dim_ordering")
    if ordering not in _ORDERINGS:
        raise notes.refuse(
            'dim_ordering must be "th" or "tf".',
            f"{was} with dim_ordering {ordering}",
            "set it in the architecture to what the model was trained with",
        )
    config["data_format"] = _ORDERINGS[ordering]
    if ordering == "th":
        notes.channels_first.add(config["name"])


def _regularizer(value: Any) -> Any:
    """The penalties of Keras 1 that Keras 3 has; others act in training alone."""
    if not isinstance(value, dict) or "class_name" in value:
        return value
    penalties = {key: value[key] for key in ("l1", "l2") if key in value}
    return {"class_name": "L1L2", "config": penalties} if penalties else None


def _merge(entry: dict[str, Any], notes: Notes) -> None:
    config = entry["config"]
    mode = config.get("mode")
    if config.get("mode_type", "raw") != "raw":
        raise notes.refuse(
            "a Merge of Keras 1 must name what it does; Python code in a checkpoint is never opened.",
            f"{label(entry)} with a mode of type {config['mode_type']}",
            f"--replace {config.get('name')}=keras.layers.Add, or what else that function computes",
        )
    if config.get("layers") or mode not in _MERGES:
        what = "branches inside a Sequential model" if config.get("layers") else f"mode {mode!r}"
        raise notes.refuse(
            "a Merge of Keras 1 must be a sum, product, average, maximum, concatenation or dot product of tensors.",
            f"{label(entry)} with {what}",
            "rebuild the model with keras.Model(inputs, outputs), keep the layers' names, and pass it as --builder",
        )
    kept = {key: config[key] for key in ("name", "trainable") if key in config}
    if mode == "concat":
        kept["axis"] = config.get("concat_axis", -1)
    elif mode == "dot":
        kept["axes"] = config.get("dot_axes", -1)
    entry["class_name"], entry["config"] = _MERGES[mode], kept
