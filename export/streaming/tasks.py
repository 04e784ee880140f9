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

    stated = Contract.from_json(contract)
    step = source.step_source(_source(checkpoint), stated).cache["step"]
    return source.streaming(stated, source.graph(step, stated.graph().name)).to_json()


def proof(checkpoint: str, tensors: str, out: str, contract: str = "") -> dict[str, Any]:
    """Step the float model through one sequence of `LONG` steps, made of samples without a reset between them; where
    one can't follow another, through so many that they have as many steps together.

    Writes the sequences as `in_<input>` and each step's outputs as `out_<output>` (n, steps, ...).

    Args:
        contract: of the step, as `contract` gives it; "": nothing is known of it.

    Returns:
        `sequences`, `steps` of each, and `relative`: the largest difference of the steps' outputs from those of the
        whole model on whole sequences, relative to the largest output.
    """
    from export.streaming import source
    from export.tasks import _source

    whole = _source(checkpoint)
    step = source.step_source(whole, Contract.from_json(contract) if contract else None).cache["step"]
    sequence = source.proving(step, arrays.read(tensors))
    each, stepped = source.stepped(step, sequence)
    kept = {f"in_{name}": values for name, values in sequence.items()}
    kept |= {f"out_{name}": values for name, values in each.items()}
    arrays.write(out, kept)
    found = source.whole(whole.model, step, sequence)
    worst = max(metrics.closeness(found[name], stepped[name]).relative for name in found)
    rows = len(next(iter(sequence.values())))
    return {"sequences": rows, "steps": source.time_of(step, sequence) // step.stream.hop, "relative": worst}


def drift(format: str, path: str, runtime: str, proof: str) -> list[float]:
    """How far an artifact's steps are from the float model's: relative L2 distances by quarter of a proof's steps.

    The states are its own from the beginning of a sequence to its end: errors that pile up show as quarters that grow.
    """
    kind = formats.load(format)
    found = kind.session(Path(path), runtime)
    if not isinstance(found, Stream):
        required(kind.look(Path(path)).contract)
        raise TypeError(f"{format} gives no stream")
    kept = arrays.read(proof)
    names = [name.removeprefix("out_") for name in kept if name.startswith("out_")]
    given = {name.removeprefix("in_"): values for name, values in kept.items() if name.startswith("in_")}
    outputs = []
    for row in range(len(next(iter(given.values())))):
        sequence = {name: values[row : row + 1] for name, values in given.items()}
        found.reset(sequence)
        outputs.append(list(found.over(sequence)))
    worst = np.zeros(QUARTERS)
    for name in names:
        ours = np.stack([[output[name][0] for output in each if name in output] for each in outputs])
        reference = kept[f"out_{name}"]
        reference = reference[:, reference.shape[1] - ours.shape[1] :]
        parts = zip(np.array_split(reference, QUARTERS, 1), np.array_split(ours, QUARTERS, 1), strict=True)
        distances = [metrics.closeness(a[None], b[None]).relative_l2 for a, b in parts]
        worst = np.maximum(worst, distances)
    return [float(value) for value in worst]
