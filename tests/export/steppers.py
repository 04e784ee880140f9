"""What a child process with TensorFlow does for the tests of streaming. Arguments and answers are JSON."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from edgeproof.metrics import closeness

Layers = list[list[Any]]  # [class name, configuration] each


def build(layers: Layers, features: int, time: int | None = None, seed: int = 0) -> Any:
    """A Keras model of these layers over sequences (batch, time, features), its weights drawn."""
    import keras

    frames = keras.Input((time, features), name="frames")
    x = frames
    for kind, config in layers:
        x = getattr(keras.layers, kind)(**config)(x)
    model = keras.Model(frames, x)
    rng = np.random.default_rng(seed)
    for weight in model.weights:
        drawn = rng.normal(size=weight.shape) * 0.5
        weight.assign(np.abs(drawn) + 0.5 if "variance" in weight.path else drawn)
    return model


def compare(layers: Layers, features: int, time: int, seed: int) -> dict[str, Any]:
    """Stepping against the whole model on random sequences: largest relative difference, shapes, step."""
    from export.streaming.source import stepped
    from export.streaming.walk import step_model

    model = build(layers, features, time, seed)
    x = np.random.default_rng(seed + 1).normal(size=(1, time, features)).astype(np.float32)
    step = step_model(model)
    _, found = stepped(step, {"frames": x})
    (ours,), whole = found.values(), model(x).numpy()
    same = ours.shape == whole.shape
    return {
        "relative": closeness(whole, ours).relative if same else None,
        "shapes": [list(ours.shape), list(whole.shape)],
        "hop": step.stream.hop,
        "states": [[s.input, s.delay] for s in step.stream.states],
        "names": [step.model.output_names[0], model.output_names[0]],
    }


def save(path: str, layers: Layers, features: int, time: int | None, seed: int = 0) -> None:
    """The model as a checkpoint."""
    build(layers, features, time, seed).save(path)


def integer(layers: Layers, features: int, time: int, seed: int, precision: str) -> dict[str, Any]:
    """The step model in integers, stepped 1,000 times: precision as its bytes say it, drift by quarter and kernels."""
    from edgeproof import formats
    from edgeproof.contract import Contract
    from edgeproof.runner import Model
    from export.formats.tflite import flatbuffer_of
    from export.source import Source
    from export.streaming import source as streaming
    from export.tflite_metadata import with_metadata

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.h5"
        save(str(path), layers, features, time, seed)
        whole = Source(path)
        rng = np.random.default_rng(seed + 1)
        # Sequences with a memory of their own, as signals have.
        drawn = rng.normal(size=(24, time, features)).astype(np.float32)
        signal = np.stack([drawn[:, max(0, t - 3) : t + 1].mean(axis=1) for t in range(time)], axis=1)
        whole.calibrate({"frames": signal[:16]})
        found = streaming.step_source(whole)
        step = found.cache["step"]
        data, _ = flatbuffer_of(found, precision)
        contract = streaming.streaming(Contract("model", (streaming.graph(step),)), streaming.graph(step))
        data = with_metadata(data, contract)
        summary = formats.read_bytes(data, "model")
        sequence = streaming.joined(step, {"frames": signal[16:]})
        each, _ = streaming.stepped(step, sequence)
    (reference,) = each.values()
    drift, last = {}, {}
    for kernels in ("xnnpack", "reference"):
        stream = Model(data, summary, kernels=kernels).stream()
        outputs = [next(iter(o.values()))[0] for o in stream.over(sequence) if o]
        pairs = zip(np.array_split(reference[0], 4), np.array_split(np.stack(outputs), 4), strict=True)
        drift[kernels] = [float(np.linalg.norm(a - b) / np.linalg.norm(a)) for a, b in pairs]
        last[kernels] = len(outputs)
    ends = {p.name: p for p in (*stream._ins.values(), *stream._outs.values())}
    forms = {n: [str(p.dtype), p.scale, p.zero_point] for n, p in ends.items()}
    return {
        "precision": formats.precision(summary)[0],
        "drift": drift,
        "steps": last,
        "states": [[forms[s.input], forms[s.output]] for s in step.stream.states],
    }


def refuse(layer: list[Any]) -> None:
    """Ask for the step model of one layer."""
    import keras

    from export.streaming.walk import step_model

    kind, config = layer
    frames = keras.Input((8, 4))
    made = keras.layers.Bidirectional(keras.layers.GRU(2)) if kind == "Bidirectional" else None
    step_model(keras.Model(frames, (made or getattr(keras.layers, kind)(**config))(frames)))


def _difference(model: Any, time: int) -> dict[str, Any]:
    from export.streaming.source import stepped
    from export.streaming.walk import step_model

    rng = np.random.default_rng(0)
    feeds = {t.name: rng.normal(size=(1, time, t.shape[-1])).astype(np.float32) for t in model.inputs}
    step = step_model(model)
    _, found = stepped(step, feeds)
    given = [feeds[t.name] for t in model.inputs]
    whole = model(given if len(given) > 1 else given[0])
    whole = whole if isinstance(whole, list) else [whole]
    pairs = list(zip(found.values(), (np.asarray(w) for w in whole), strict=True))
    worst = max(float(np.abs(a - b).max() / np.abs(b).max()) for a, b in pairs)
    return {
        "relative": worst,
        "hop": step.stream.hop,
        "states": [[s.input, s.delay] for s in step.stream.states],
    }


def compare_cells(time: int) -> dict[str, Any]:
    """Cells in a row, stepped by Keras's own."""
    import keras

    frames = keras.Input((time, 3), name="frames")
    cells = [keras.layers.LSTMCell(3), keras.layers.GRUCell(2)]
    return _difference(keras.Model(frames, keras.layers.RNN(cells, name="r")(frames)), time)


def compare_branches(time: int) -> float:
    """Two inputs, a layer used twice, a nested model, an output with time and one without."""
    import keras

    layers = keras.layers
    one, other = (keras.Input((time, 4), name=name) for name in ("one", "other"))
    shared = layers.GRU(4, return_sequences=True, name="shared")
    inner_in = keras.Input((time, 4))
    inner = keras.Model(inner_in, layers.Conv1D(4, 3, padding="causal")(inner_in), name="inner")
    joined = layers.Concatenate()([shared(one), layers.Add()([shared(other), inner(other)])])
    kept = layers.TimeDistributed(layers.Dense(3), name="kept")(joined)
    last = layers.Dense(2, name="last")(layers.LSTM(3)(kept))
    return float(_difference(keras.Model([one, other], [kept, last]), time)["relative"])


def uneven_branches() -> None:
    """One branch comes late: the whole model crops the other at its end, which a stream can't know."""
    import keras

    from export.streaming.walk import step_model

    frames = keras.Input((None, 4))
    late = keras.layers.Conv1D(4, 3)(frames)
    step_model(keras.Model(frames, keras.layers.Add()([late, frames])))


def attend() -> None:
    """A Transformer's first layer."""
    import keras

    from export.streaming.walk import step_model

    frames = keras.Input((8, 4))
    step_model(keras.Model(frames, keras.layers.MultiHeadAttention(1, 2)(frames, frames)))


def writer(variant: str, time: int = 7, places: int = 5) -> Any:
    """What writes an answer, of the zoo's parts, over a memory (batch, places, 8); its weights drawn."""
    import keras

    from models.attention import lstm_writer, transformer_writer

    memory = keras.Input((places, 8), name="memory")
    written = keras.Input((time,), dtype="int32", name="written")
    sizes: dict[str, Any] = {"vocabulary": 11, "units": 8, "dropout": 0.5}
    if variant == "lstm":
        logits = lstm_writer(written, memory, width=6, **sizes)
    else:
        logits = transformer_writer(written, memory, blocks=2, heads=2, **sizes)
    model = keras.Model([memory, written], logits)
    rng = np.random.default_rng(1)
    for weight in model.trainable_weights:
        weight.assign(rng.normal(size=weight.shape) * 0.7)
    return model


def compare_writer(variant: str) -> dict[str, Any]:
    """Stepping against the whole model with a memory that is the same in all steps of a sequence."""
    from export.streaming.source import stepped
    from export.streaming.walk import step_model

    model = writer(variant)
    rng = np.random.default_rng(2)
    feeds = {
        "memory": rng.normal(size=(6, 5, 8)).astype(np.float32),
        "written": rng.integers(0, 11, size=(6, 7)).astype(np.int32),
    }
    step = step_model(model, ["memory"])
    _, found = stepped(step, feeds)
    whole = model([feeds["memory"], feeds["written"]]).numpy()
    return {
        "relative": closeness(whole, found["logits"]).relative,
        "constants": list(step.stream.constants),
        "longest": step.stream.longest,
        "states": [state.input for state in step.stream.states],
    }


def calibrated_writer() -> list[list[Any]]:
    """The tokens and places that a step is calibrated on, for answers of 2, no and 6 tokens: each with its count."""
    from edgeproof.contract import Contract, Decode, Graph, Tensor
    from export.source import Source
    from export.streaming.source import step_source

    model = writer("transformer")
    inputs = tuple(Tensor.of(t.name, t.shape, str(t.dtype)) for t in model.inputs)
    outputs = (Tensor.of("logits", model.outputs[0].shape, "float32"),)
    contract = Contract("said", (Graph("main", inputs, outputs),), decode=Decode("answer", "logits"))
    written = np.array([[0, 3, 4, 0, 0, 0, 0], [0] * 7, [0, 5, 6, 7, 8, 9, 10]], np.int32)
    memory = np.random.default_rng(0).normal(size=(3, 5, 8)).astype(np.float32)
    with tempfile.TemporaryDirectory() as folder:
        model.save(Path(folder) / "writer.h5")
        whole = Source(Path(folder) / "writer.h5")
        whole.calibrate({"memory": memory, "written": written})
        taken = step_source(whole, contract).calibration
    pairs = [[int(token), int(seen)] for token, seen in zip(taken["written"][:, 0], taken["seen"].sum(1), strict=True)]
    return sorted(pairs)


def join_memory() -> None:
    """A memory that is added to a sequence step by step."""
    import keras

    from export.streaming.walk import step_model

    memory, frames = keras.Input((8, 4), name="memory"), keras.Input((8, 4), name="frames")
    step_model(keras.Model([memory, frames], keras.layers.Add(name="both")([memory, frames])), ["memory"])
