"""What export asks of its child processes. Arguments and answers are JSON; arrays are in .npz files."""

from __future__ import annotations

import dataclasses
import errno
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from edgeproof import atomic, timing
from edgeproof.contract import Artifact, Contract, Graph
from edgeproof.decode import metric_of
from edgeproof.errors import Refused
from edgeproof.runner import batched
from export import arrays, formats
from export.files import sha256
from export.quantize.plan import WIDTHS, Budget, Plan

_LATENCY_SECONDS = 0.4
_MOST_RUNS = 400
# What a file stores smaller, where a graph may have nothing of the kind.
_SMALLER = {
    "tflite:f16": "weights in 16 bits",
    "onnx:f16": "weights in 16 bits",
    "tflite:int8-dynamic": "in 8 bits the weights of tensors of 1,024 values and more",
    "onnx:int8": "in 8 bits what operators compute from two tensors or from weights",
}
NOTHING_SMALLER = "export: such a file stores"
_BLANK = Contract(name="blank", graphs=(Graph("blank", (), ()),))


def describe(checkpoint: str) -> dict[str, Any]:
    """Ends of the model, whether its last layer gives probabilities, what was translated: what a contract needs."""
    source = _source(checkpoint)
    model = source.model
    last = model.layers[-1]
    activation = getattr(getattr(last, "activation", None), "__name__", "")
    outputs = list(zip(model.output_names, model.outputs, strict=True))
    return {
        "inputs": [(t.name, list(t.shape), str(t.dtype)) for t in model.inputs],
        "outputs": [(name, list(t.shape), str(t.dtype)) for name, t in outputs],
        "probabilities": activation == "softmax" or type(last).__name__ == "Softmax",
        "translated": source.translated,
        "parameters": int(sum(np.prod(w.shape) for w in model.weights)),
    }


def reference(checkpoint: str, tensors: str, out: str) -> None:
    """The checkpoint's own outputs for the tensors in an .npz file."""
    import tensorflow as tf

    from export.source import compiled

    model = _source(checkpoint).model
    names = [t.name for t in model.inputs]
    call = compiled(model)

    def run(batch: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        results = call([tf.constant(batch[name]) for name in names])
        return {name: r.numpy() for name, r in zip(model.output_names, results, strict=True)}

    arrays.write(out, batched(run, arrays.read(tensors), 64))


def convert(
    checkpoint: str, calibration: str, format: str, precision: str, path: str, contract: str, plan: dict[str, Any]
) -> dict[str, Any]:
    """Write the bare artifact at `path`, read its precision back, and put the contract with that precision in.

    `plan` says how integer precisions are made (`export.quantize.plan.Plan.to_dict`).

    Returns:
        seconds, notes, and what `look` gives.

    Raises:
        Refused: the model can't be in this format and precision, or has nothing that it stores smaller.
    """
    kind = formats.load(format)
    stated = Contract.from_json(contract)
    source = _source(checkpoint)
    source.calibrate(_calibration(calibration))
    if stated.graph().stream:
        from export.streaming.source import step_source

        source = step_source(source, stated)
    source.plan = Plan.of(plan)
    with _refusing(Path(path)):
        start = time.monotonic()
        made = kind.convert(source, precision, Path(path))
        seconds = time.monotonic() - start
        found = kind.look(Path(path)).precision
        smaller = _SMALLER.get(f"{format}:{precision}")
        if found == "f32" and smaller:
            raise Refused(
                f"{NOTHING_SMALLER} {smaller}.",
                received=_weights_told(source.model),
                fix="take the float32 file: this one would be the same",
            )
        quantization = {"asked": precision, **made.quantization}
        artifact = Artifact(format, found, stated.graph().name, quantization)
        kind.embed(Path(path), dataclasses.replace(stated, artifact=artifact))
    return {"seconds": seconds, "notes": made.notes, **look(format, path)}


def _weights_told(model: Any) -> str:
    largest = max((int(np.prod(w.shape)) for w in model.weights), default=0)
    return f"a model of no larger tensor than {largest:,} values, all left in floats" if largest else "no weights"


def search(
    checkpoint: str, calibration: str, evaluation: str, truth: str, format: str, precision: str, path: str,
    contract: str, plan: dict[str, Any], budget: dict[str, Any],
) -> dict[str, Any]:  # fmt: skip
    """Look for the smallest file of a format and precision within a budget (`export.quantize.search`).

    Args:
        truth: file with the checkpoint's decisive output, `reference`, and the `truth` that it is scored against.
        path: a file to write candidates to.

    Returns:
        `trials`, each as a dict, and the chosen `plan`.
    """
    from export.quantize import search as quest
    from export.quantize.integers import settled as settle

    kind, stated = formats.load(format), Contract.from_json(contract)
    source = _source(checkpoint)
    source.calibrate(_calibration(calibration))
    source.plan = Plan.of(plan)
    known = arrays.read(truth)

    def size(data: bytes) -> int:
        if kind.flash:
            return kind.flash(data)
        Path(path).write_bytes(data)
        kind.embed(Path(path), dataclasses.replace(stated, artifact=Artifact(format, precision, stated.graph().name)))
        return Path(path).stat().st_size

    judge = quest.Judge(
        arrays.read(evaluation), known["reference"], stated.decode.output, known["truth"],
        metric_of(stated), kind.runtimes, size, Budget(**budget),
    )  # fmt: skip
    with _refusing(Path(path)):
        assert kind.integers
        integers, settled = settle(source, dataclasses.replace(source.plan, width=WIDTHS[precision]), kind.integers)
        trials, chosen = quest.search(integers, settled, judge)
    return {"trials": [trial.to_dict(chosen, judge.budget) for trial in trials], "plan": chosen.to_dict()}


def look(format: str, path: str) -> dict[str, Any]:
    """What a finished artifact says of itself."""
    seen = formats.load(format).look(Path(path))
    return {
        "precision": seen.precision,
        "floats": list(seen.floats),
        "operators": dict(seen.operators),
        "contract": seen.contract.to_json() if seen.contract else None,
        "bytes": seen.bytes,
    }


def attest(format: str, path: str, proof: dict[str, Any]) -> dict[str, Any]:
    """Put into a finished artifact what was found of it, and the digest of everything else in it.

    Returns:
        `bytes`, where the size on the device is not the file's.
    """
    kind = formats.load(format)
    stated = kind.look(Path(path)).contract
    assert stated
    assert stated.artifact
    artifact = dataclasses.replace(stated.artifact, proof={**proof, "payload": digest(format, path)})
    with _refusing(Path(path)):
        kind.embed(Path(path), dataclasses.replace(stated, artifact=artifact))
    return {"bytes": kind.look(Path(path)).bytes}


def digest(format: str, path: str) -> str:
    """SHA-256 of an artifact with an empty contract in place of its own: of graph, weights and scales."""
    with tempfile.TemporaryDirectory() as scratch:
        copy = Path(scratch) / f"blank{formats.load(format).suffix}"
        shutil.copytree(path, copy) if Path(path).is_dir() else shutil.copyfile(path, copy)
        formats.load(format).embed(copy, _BLANK)
        return sha256(copy)


def measure(format: str, path: str, runtime: str, tensors: str, out: str, timed: bool = True) -> dict[str, float]:
    """Run an artifact on every sample; write its outputs; tell single-sample latency and memory.

    Not `timed`, latency is that of the first run alone, for where nobody reads it. Memory is how far loading and
    running raised this process's peak: meant for a child that does only this.
    """
    before = timing.peak_bytes()
    run = formats.load(format).session(Path(path), runtime)
    samples = arrays.read(tensors)
    one = {name: values[:1] for name, values in samples.items()}
    start = time.perf_counter()
    run(one)
    once = time.perf_counter() - start
    runs, median, high = 1, once * 1e3, once * 1e3
    if timed:
        runs = int(min(_MOST_RUNS, max(20, _LATENCY_SECONDS / max(once, 1e-6))))
        median, high = timing.quantiles(lambda: run(one), runs)
    memory = timing.peak_bytes() - before
    arrays.write(out, batched(run, samples, 1))
    return {"median_ms": median, "p90_ms": high, "runs": runs, "peak_bytes": memory}


@contextmanager
def _refusing(path: Path) -> Iterator[None]:
    """As `atomic.refusing`, for TensorFlow's own errors too, which are no OSErrors but quote the same words."""
    with atomic.refusing(path):
        try:
            yield
        except Exception as error:
            for code in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
                if os.strerror(code) in str(error):
                    raise OSError(code, os.strerror(code)) from error
            raise


@lru_cache(maxsize=1)
def _source(checkpoint: str) -> Any:
    from export.checkpoint import Opening
    from export.source import Source

    opening = Opening.of(checkpoint)
    return Source(opening.path, opening=opening)


@lru_cache(maxsize=1)
def _calibration(path: str) -> arrays.Arrays:
    return arrays.read(path) if path else {}
