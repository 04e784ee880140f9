"""The parent's side: training samples made ready, and the child process that compresses with them."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from edgeproof import samples
from edgeproof.contract import Contract, sample_hashes
from edgeproof.decode.classes import check_labels
from edgeproof.errors import Refused
from export import arrays, subject
from export.checkpoint import Opening
from export.compress.recipe import Recipe
from export.limits import Limits
from export.worker import Crashed, Worker

_SECONDS = 4 * 3600.0  # of one compression, where a person named no limit: it is a training
_LEAKED = 0.01  # share of the evaluation samples: real data sets hold a few pictures twice
# tensorflow-model-optimization takes tf.keras as TensorFlow hands it out, once a process: it must be tf-keras.
_ENVIRONMENT = {"TF_USE_LEGACY_KERAS": "1"}


@dataclass(frozen=True)
class Training:
    """Training samples on their way to the child.

    Attributes:
        tensors: .npz of input tensors.
        labels: .npz of their labels, or "".
        n: how many.
    """

    tensors: str
    labels: str
    n: int


def ready(path: Path, contract: Contract, evaluation: Mapping[str, np.ndarray], scratch: Path) -> Training:
    """Read training samples and put them through the contract's frontend.

    Args:
        path: .npz with `training_<input>` (raw) and perhaps `training_label`.
        evaluation: raw samples that the result is judged on.

    Raises:
        Refused: samples that can't be read, or that the result will be judged on.
    """
    given = samples.load(path, [tensor.name for tensor in contract.graph().inputs], "training")
    _apart(given, evaluation)
    tensors, labels = scratch / "training.npz", scratch / "training-labels.npz"
    ready = subject.tensors(contract, given.training, given.source)
    arrays.write(tensors, ready)
    n = len(next(iter(ready.values())))
    if given.training_labels is None or contract.decode.kind != "classify":
        return Training(str(tensors), "", n)
    output = next(t for t in contract.graph().outputs if t.name == contract.decode.output)
    classes = int(np.prod([side or 1 for side in output.shape[1:]]))
    checked = check_labels(given.training_labels, (n,), classes, source=f"{given.source} (training_label)")
    arrays.write(labels, {"labels": checked})
    return Training(str(tensors), str(labels), n)


def compressed(
    opening: Opening, contract: Contract, training: Training, recipe: Recipe, out: Path, limits: Limits
) -> dict[str, Any]:
    """Compress a checkpoint in a child of its own; see `export.compress.tasks.compress`.

    Raises:
        Refused: it can't be, or the child died of it.
    """
    allowed = limits if limits.seconds != Limits().seconds else dataclasses.replace(limits, seconds=_SECONDS)
    with Worker(environment=_ENVIRONMENT, limits=allowed) as child:
        try:
            found: dict[str, Any] = child.call(
                "export.compress.tasks:compress",
                checkpoint=str(opening),
                contract=contract.to_json(),
                training=training.tensors,
                labels=training.labels,
                recipe=recipe.to_dict(),
                out=str(out),
            )
        except Crashed as crash:
            raise Refused(
                "compress: the model must train in tf-keras.",
                received=f"{opening.path}: {crash.reason}",
                fix="the last lines were:\n" + crash.log,
            ) from crash
    return found


def _apart(given: samples.Samples, evaluation: Mapping[str, np.ndarray]) -> None:
    """Refuse to train on what the result is judged by.

    Raises:
        Refused: more than a stray sample is in both.
    """
    for name, values in evaluation.items():
        seen = set(sample_hashes(given.training[name].astype(values.dtype)))
        both = sum(digest in seen for digest in sample_hashes(values))
        if both > _LEAKED * len(values):
            raise Refused(
                "compress: training samples must not be those that the result is judged on.",
                received=f'{both} of {len(values)} evaluation samples of "{name}" are in {given.source}',
                fix="take them from the training split (python -m train RECIPE --only-samples --training-samples N)",
            )
