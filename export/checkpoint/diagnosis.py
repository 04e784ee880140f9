"""What a checkpoint's model is once it loads, and a clean copy of it: the doctor's work in a child process."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np
import tensorflow as tf

from edgeproof import atomic
from edgeproof.errors import Refused
from export.checkpoint import custom
from export.checkpoint.file import parse
from export.checkpoint.graphs import fed
from export.checkpoint.load import load
from export.checkpoint.opening import Opening

_SAMPLES = 8
_FREE = 8  # length of an axis that the model leaves open


def diagnose(checkpoint: str, write: str) -> dict[str, Any]:
    """Load a checkpoint, describe its model, and write it as a file of Keras 3 where that is asked for.

    Args:
        checkpoint: an `Opening` as text.
        write: path, or "".

    Raises:
        Refused: it does not load, or what was written is not the same model.
    """
    opening = Opening.of(checkpoint)
    loaded = load(opening)
    model = loaded.model
    kinds = Counter(_kinds(model))
    return {
        "keras": keras.__version__,
        "inputs": [(t.name, list(t.shape), str(t.dtype)) for t in model.inputs],
        "outputs": [(n, list(t.shape), str(t.dtype)) for n, t in zip(model.output_names, model.outputs, strict=True)],
        "layers": kinds.most_common(),
        "parameters": int(model.count_params()),
        "changes": loaded.changes,
        "written": _write(model, Path(write), opening) if write else None,
    }


def _kinds(model: keras.Model) -> Iterator[str]:
    for layer in model.layers:
        yield type(layer).__name__
        if isinstance(layer, keras.Model):
            yield from _kinds(layer)


def _write(model: keras.Model, path: Path, opening: Opening) -> dict[str, Any]:
    contract = parse(opening.path).contract
    with tempfile.TemporaryDirectory() as folder:
        clean = Path(folder) / f"clean{path.suffix}"
        try:
            model.save(clean)
            with keras.saving.custom_object_scope(custom.objects(opening)):
                again = keras.models.load_model(clean, compile=False, safe_mode=True)
            same = _same(model, again)
        except Refused:
            raise
        except Exception as error:
            raise _unfaithful(opening, " ".join(str(error).split())[:300]) from error
        if not same:
            raise _unfaithful(opening, "other numbers when it is loaded again")
        if contract:
            with h5py.File(clean, "r+") as file:
                file.attrs["edgeproof.contract"] = contract
        data = clean.read_bytes()
    atomic.write_bytes(path, data)
    return {"path": str(path), "bytes": len(data), "samples": _SAMPLES}


def _same(model: keras.Model, again: keras.Model) -> bool:
    feeds = [_random(tensor) for tensor in model.inputs]
    left, right = (tf.nest.flatten(m(fed(m, feeds), training=False)) for m in (model, again))
    weights = zip(model.weights, again.weights, strict=True)
    return all(np.array_equal(a, b) for a, b in weights) and all(
        np.array_equal(a, b, equal_nan=True) for a, b in zip(left, right, strict=True)
    )


def _random(tensor: Any) -> Any:
    rng = np.random.default_rng(0)
    shape = [tensor.shape[0] or _SAMPLES, *(side or _FREE for side in tensor.shape[1:])]
    if str(tensor.dtype).startswith(("int", "uint", "bool")):
        return tf.constant(rng.integers(0, 2, shape).astype(tensor.dtype))
    return tf.constant(rng.standard_normal(shape).astype(tensor.dtype))


def _unfaithful(opening: Opening, received: str) -> Refused:
    return Refused(
        "checkpoint: what is written must load again as the same model.",
        received=f"{opening.path}: {received}",
        fix="--write clean.keras, as Keras reads no operations between layers (keras.ops) from its own .h5; "
        "export takes the file as it is",
    )
