"""What a checkpoint file is, read without believing it: its kind, who wrote it, its architecture as text."""

from __future__ import annotations

import contextlib
import json
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py

from edgeproof.errors import Refused
from export.checkpoint import archive, hdf5
from export.checkpoint.dialects import Writer

_LARGEST_JSON = 1 << 27


@dataclass(frozen=True)
class File:
    """A checkpoint's own words.

    Attributes:
        kind: for people.
        layout: of the weights: "named" (by layer names) or "paths" (by attributes).
        writer: version and backend.
        architecture: JSON, None where the file holds weights alone.
        contract: JSON, "" without one.
        optimizer: it holds an optimizer's state, which is not read.
    """

    path: Path
    kind: str
    layout: str
    writer: Writer
    architecture: dict[str, Any] | None
    contract: str = ""
    optimizer: bool = False

    @contextlib.contextmanager
    def weights(self) -> Iterator[h5py.Group]:
        """The group that holds the weights."""
        with opened(self.path) as file:
            yield file.get("model_weights", file)


def is_archive(path: Path) -> bool:
    """Whether a file is a zip archive, by its bytes."""
    with path.open("rb") as file:
        return file.read(4) == b"PK\x03\x04" and zipfile.is_zipfile(path)


def opened(path: Path) -> h5py.File:
    """The HDF5 in a checkpoint: the file itself, or the one in its archive."""
    return h5py.File(archive.weights(path) if is_archive(path) else path, "r")


def parse(path: Path) -> File:
    """What a file says; structure and links are for `export.checkpoint.read` to check before.

    Raises:
        Refused: an architecture that is no JSON object.
    """
    if is_archive(path):
        metadata = _object(archive.member(path, archive.METADATA), path, "metadata")
        version = str(metadata.get("keras_version", ""))
        config = _object(archive.member(path, archive.CONFIG), path, "architecture")
        backend = "tensorflow" if version[:1] == "2" else ""
        with opened(path) as file:
            optimizer = bool({"optimizer", "_optimizer"} & set(file))
        return File(
            path, "Keras archive (.keras), a whole model", "paths", Writer(version, backend), config, "", optimizer
        )
    with h5py.File(path, "r") as file:
        group = file.get("model_weights", file)
        found = [hdf5.text(group.attrs.get(key, file.attrs.get(key, ""))) for key in ("keras_version", "backend")]
        writer = Writer(*found)
        stored = file.attrs.get("edgeproof.contract")
        contract = hdf5.text(stored) if stored is not None else ""
        optimizer = bool({"optimizer_weights", "optimizer", "_optimizer"} & set(file))
        raw = file.attrs.get("model_config")
        if raw is not None:
            config = _object(hdf5.text(raw), path, "architecture")
            return File(path, "HDF5 (.h5), a whole model", "named", writer, config, contract, optimizer)
        layout = "named" if _has(file, "layer_names") else "paths" if set(hdf5.PATHS) & set(file) else ""
        if not layout:
            raise Refused(
                "checkpoint: the file must hold the architecture with the weights, or weights as Keras stores them.",
                received=f"{path}: no attribute model_config, no layer_names, no layers",
                fix="save it with model.save(...)",
            )
        kind = "HDF5 (.h5), weights alone" if layout == "named" else "HDF5 (.weights.h5), weights alone"
        return File(path, kind, layout, writer, None, contract, optimizer)


def stated(path: Path) -> tuple[dict[str, Any], Writer]:
    """An architecture in a JSON file of its own, and who wrote it.

    Raises:
        Refused: no such file, or no JSON object with layers.
    """
    if not path.is_file() or path.stat().st_size > _LARGEST_JSON:
        raise Refused(
            "checkpoint: --architecture takes the JSON of model.to_json().",
            received=f"{path}: " + ("too large" if path.is_file() else "no such file"),
            fix="write model.to_json() to a file",
        )
    config = _object(path.read_bytes(), path, "architecture")
    if "class_name" not in config:
        raise Refused(
            "checkpoint: --architecture takes the JSON of model.to_json().",
            received=f"{path}: an object without class_name",
            fix="write model.to_json() to a file",
        )
    return config, Writer(str(config.get("keras_version") or ""), str(config.get("backend") or ""))


def _has(group: h5py.Group, attribute: str) -> bool:
    return attribute in group.attrs or f"{attribute}0" in group.attrs


def _object(raw: bytes | str, path: Path, what: str) -> dict[str, Any]:
    try:
        config = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise Refused(
            f"checkpoint: the {what} must be JSON.",
            received=f"{path}: {error}",
            fix="save the model again with Keras",
        ) from error
    if not isinstance(config, dict):
        raise Refused(
            f"checkpoint: the {what} must be a JSON object.",
            received=f"{path}: {type(config).__name__}",
            fix="save the model again with Keras",
        )
    return config
