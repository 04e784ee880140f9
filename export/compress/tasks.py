"""What the compression asks of its child process. Arguments and answers are JSON; arrays are in .npz files."""

from __future__ import annotations

import dataclasses
import io
from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np
import tensorflow as tf
from keras.src.legacy.saving import legacy_h5_format

from edgeproof import atomic
from edgeproof.contract import Contract
from edgeproof.runner import batched
from export import arrays
from export.checkpoint import Opening
from export.checkpoint.load import load
from export.compress import bridge
from export.compress.aware import aware
from export.compress.cluster import cluster
from export.compress.prune import prune
from export.compress.recipe import Recipe
from export.compress.tune import Tuner
from export.source import compiled

_BATCH = 64


def compress(
    checkpoint: str, contract: str, training: str, labels: str, recipe: dict[str, Any], out: str
) -> dict[str, Any]:
    """Compress a checkpoint and write it as a Keras 3 .h5 with its contract.

    Args:
        checkpoint: an `Opening` as text.
        contract: JSON; what was done is added to its provenance, and its score goes: it was another model's.
        training: .npz of input tensors by name.
        labels: .npz of their `labels`, or "".
        recipe: see `export.compress.recipe.Recipe`.
        out: path.

    Returns:
        `left`: by step, the names of the layers that it left as they were; `kernels`: by layer, what became of them.

    Raises:
        Refused: a layer that tf-keras can't hold.
    """
    stated, asked = Contract.from_json(contract), Recipe.of(recipe)
    model = load(Opening.of(checkpoint)).model
    given = arrays.read(training)
    known = arrays.read(labels)["labels"] if labels and not asked.taught else None
    inputs = {tensor.name: given[tensor.name] for tensor in model.inputs}
    tuner = Tuner(
        inputs, _answers(model, inputs), model.output_names, known, stated.decode, asked.epochs, asked.batch, asked.seed
    )
    left = apply(model, asked, tuner)
    provenance = stated.provenance
    done = {**asked.to_dict(), "of": provenance.checkpoint_sha256, "samples": len(next(iter(inputs.values())))}
    settings = {**provenance.settings, "compression": done}
    provenance = dataclasses.replace(provenance, settings=settings, checkpoint_sha256="")
    write(Path(out), model, dataclasses.replace(stated, provenance=provenance, score=None))
    return {"left": left, "kernels": figures(model)}


def apply(model: keras.Model, asked: Recipe, tuner: Tuner) -> dict[str, list[str]]:
    """Run a recipe's steps on a Keras 3 model, in place; by step, the names of the layers that it left out."""
    left: dict[str, list[str]] = {}
    if asked.prune:
        bridged = bridge.over(model, tuner.inputs)
        left["prune"] = prune(bridged, asked.prune, tuner, asked.rate)
        bridged.back()
    if asked.clusters:
        bridged = bridge.over(model, tuner.inputs)
        left["cluster"] = cluster(bridged, asked.clusters, tuner, asked.rate)
        bridged.back()
    if asked.aware:
        bridged = bridge.over(model, tuner.inputs)
        left["aware"] = aware(bridged, tuner, per_channel=asked.per_channel, rate=asked.rate)
        bridged.back()
    return left


def figures(model: keras.Model) -> dict[str, dict[str, float]]:
    """By layer with a kernel: its weights, the share of zeros, and the number of distinct values."""
    found = {}
    for layer in model._flatten_layers():
        kernel = getattr(layer, "kernel", None)
        if kernel is not None and hasattr(kernel, "numpy"):
            value = kernel.numpy()
            found[layer.name] = {
                "weights": int(value.size),
                "zeros": float(np.mean(value == 0)),
                "distinct": len(np.unique(value)),
            }
    return found


def write(path: Path, model: keras.Model, contract: Contract) -> None:
    """A Keras 3 .h5 with its contract, atomically."""
    memory = io.BytesIO()
    with h5py.File(memory, "w") as file:
        legacy_h5_format.save_model_to_hdf5(model, file, include_optimizer=False)
        file.attrs[Contract.KEY] = contract.to_json()
    atomic.write_bytes(path, memory.getvalue())


def _answers(model: keras.Model, inputs: arrays.Arrays) -> list[np.ndarray]:
    names = list(inputs)
    call = compiled(model)

    def run(batch: arrays.Arrays) -> arrays.Arrays:
        return {str(i): t.numpy() for i, t in enumerate(call([tf.constant(batch[name]) for name in names]))}

    found = batched(run, inputs, _BATCH)
    return [found[str(i)] for i in range(len(found))]
