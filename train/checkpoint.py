"""The HDF5 checkpoint: architecture and weights as Keras writes them, the contract, and while training the state.

A run in progress keeps what the next epoch needs in the group `edgeproof_training`; the finished file has none.
"""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np
from keras.src.legacy.saving import legacy_h5_format

from edgeproof import atomic
from edgeproof.contract import Contract
from edgeproof.errors import Refused

STATE = "edgeproof_training"


@dataclass(frozen=True)
class State:
    """Where a run stands: epochs done, their figures, the settings it runs under, and all its variables."""

    epoch: int
    history: list[dict[str, float]]
    settings: dict[str, Any]
    data_sha256: str
    variables: Sequence[np.ndarray]
    seconds: float


def write(path: Path, model: keras.Model, contract: Contract, state: State | None = None) -> None:
    """Replace the checkpoint at `path` atomically.

    The file is put together in memory and its bytes are moved over the old one: HDF5 itself doesn't write
    atomically, and a disk that fills up under it takes the process down.
    """
    memory = io.BytesIO()
    with h5py.File(memory, "w") as file:
        # What `model.save` calls for an .h5; that one takes a name only, this one an open file too.
        legacy_h5_format.save_model_to_hdf5(model, file, include_optimizer=False)
        file.attrs[Contract.KEY] = contract.to_json()
        if state:
            _write_state(file.create_group(STATE), state)
    atomic.write_bytes(path, memory.getvalue())


def read_state(path: Path) -> State | None:
    """The state of an unfinished run, or None when the checkpoint is finished.

    Raises:
        Refused: no checkpoint that can be read.
    """
    if not path.is_file():
        raise Refused(
            "train: --resume needs a checkpoint to go on from.",
            received=f"no file {path}",
            fix="train without --resume",
        )
    try:
        with h5py.File(path, "r") as file:
            if STATE not in file:
                return None
            group = file[STATE]
            head = json.loads(group.attrs["state"])
            variables = [group[f"{i:05d}"][()] for i in range(head["variables"])]
        # JSON has no tuples; a recipe's settings have no lists.
        settings = {k: tuple(v) if isinstance(v, list) else v for k, v in head["settings"].items()}
        return State(head["epoch"], head["history"], settings, head["data_sha256"], variables, head["seconds"])
    except Exception as error:  # damage shows as whatever h5py and numpy stumble over
        raise Refused(
            "train: --resume needs a whole checkpoint of a run in progress.",
            received=f"{path}: {error}",
            fix="train without --resume",
        ) from error


def _write_state(group: h5py.Group, state: State) -> None:
    for i, value in enumerate(state.variables):
        group.create_dataset(f"{i:05d}", data=value)
    group.attrs["state"] = json.dumps(
        {
            "epoch": state.epoch,
            "history": state.history,
            "settings": state.settings,
            "data_sha256": state.data_sha256,
            "variables": len(state.variables),
            "seconds": state.seconds,
        }
    )
