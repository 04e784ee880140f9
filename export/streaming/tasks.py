"""What export asks of its child processes about steps. Arguments and answers are JSON; arrays are in .npz files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from edgeproof import metrics
from edgeproof.contract import Contract
from edgeproof.stream import Stream, required
from export import arrays, formats

QUARTERS = 4


def contract(checkpoint: str, contract: str) -> str:
    """The contract of a checkpoint's step files, from the checkpoint's own.

    Raises:
        Refused: a layer that can't be stepped.
    """
    from export.streaming import source
    from export.tasks import _source

    step = source.step_source(_source(checkpoint)).cache["step"]
    return source.streaming(Contract.from_json(contract), source.graph(step)).to_json()


def proof(checkpoint: str, tensors: str, out: str) -> dict[str, Any]:
    """Step the float model through one sequence of `LONG` steps, made of samples without a reset between them.

    Writes the sequence as `in_<input>` and each step's outputs as `out_<output>` (steps, ...).

    Returns:
        `steps`, and `relative`: the largest difference of the steps' outputs from those of the whole model on the
        whole sequence, relative to the largest output.
    """
    from export.streaming import source
    from export.tasks import _source

    whole = _source(checkpoint)
    step = source.step_source(whole).cache["step"]
    sequence = source.joined(step, arrays.read(tensors))
    each, stepped = source.stepped(step, sequence)
    kept = {f"in_{name}": values for name, values in sequence.items()}
    kept |= {f"out_{name}": values for name, values in each.items()}
    arrays.write(out, kept)
    found = source.whole(whole.model, sequence)
    worst = max(metrics.closeness(found[name], stepped[name]).relative for name in found)
    time = next(iter(sequence.values())).shape[1]
    return {"steps": time // step.stream.hop, "relative": worst}


def drift(format: str, path: str, runtime: str, proof: str) -> list[float]:
    """How far an artifact's steps are from the float model's, as relative L2 distance in each quarter of a proof.

    The states are its own from beginning to end: errors that pile up show as quarters that grow.
    """
    kind = formats.load(format)
    found = kind.session(Path(path), runtime)
    if not isinstance(found, Stream):
        required(kind.look(Path(path)).contract)
        raise TypeError(f"{format} gives no stream")
    kept = arrays.read(proof)
    names = [name.removeprefix("out_") for name in kept if name.startswith("out_")]
    found.reset()
    sequence = {name.removeprefix("in_"): values for name, values in kept.items() if name.startswith("in_")}
    outputs = list(found.over(sequence))
    worst = np.zeros(QUARTERS)
    for name in names:
        reference = kept[f"out_{name}"]
        late = len(reference) - sum(name in output for output in outputs)
        ours = np.stack([output[name][0] for output in outputs if name in output])
        parts = zip(np.array_split(reference[late:], QUARTERS), np.array_split(ours, QUARTERS), strict=True)
        distances = [metrics.closeness(a[None], b[None]).relative_l2 for a, b in parts]
        worst = np.maximum(worst, distances)
    return [float(value) for value in worst]
