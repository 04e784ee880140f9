"""The score that a compressed checkpoint was found to have, put into its contract."""

from __future__ import annotations

import dataclasses
import io
from pathlib import Path
from typing import Any

import h5py

from edgeproof import atomic
from edgeproof.contract import Contract, Score


def put(path: str, score: dict[str, Any] | None, out: str) -> None:
    """Write the .h5 at `path` to `out`, with this score (`dataclasses.asdict` of one)."""
    memory = io.BytesIO(Path(path).read_bytes())
    with h5py.File(memory, "r+") as file:
        contract = Contract.from_json(file.attrs[Contract.KEY])
        told = Score(**{**score, "interval": tuple(score["interval"])}) if score else None
        file.attrs[Contract.KEY] = dataclasses.replace(contract, score=told).to_json()
    atomic.write_bytes(Path(out), memory.getvalue())
