"""A checkpoint and a sample from files to what is looked at."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np

import models.layers  # noqa: F401  (registers them, so that checkpoints load by name)
from edgeproof import frontend, samples
from edgeproof.contract import Contract, Frontend
from edgeproof.errors import Refused, nearest
from edgeproof.frontend import files
from train import walk
from train.inspect.subject import Subject, frontend_of

_SUFFIXES = (".h5", ".hdf5", ".keras")


def open(
    path: Path,
    image: Path | None = None,
    index: int | None = None,
    wanted: str | None = None,
    layer: str | None = None,
    seed: int = 0,
) -> Subject:
    """Open a checkpoint and one sample for it.

    Args:
        path: an .h5 or .keras file, or a folder with one in it.
        image: a picture, or an array in an .npy file; None: evaluation sample `index` of samples.npz beside it.
        wanted: a label or number of a class.
        layer: the name of a layer.

    Raises:
        Refused: no such file, nothing that Keras opens in safe mode, a picture that is none, an unknown class or layer.
    """
    path = _checkpoint(path)
    model = _model(path)
    contract = _contract(path)
    inputs, source, label = _sample(model, contract, path, image, index)
    opened = Subject(path, model, contract, inputs, source, label, _class(wanted, contract), layer or "", seed)
    if layer:
        opened.call(layer)
    return opened


def _checkpoint(path: Path) -> Path:
    if path.is_file():
        return path
    found = [file for file in sorted(path.glob("*")) if file.suffix in _SUFFIXES] if path.is_dir() else []
    if len(found) == 1:
        return found[0]
    raise Refused(
        "inspect: name a checkpoint, or a folder with one in it.",
        received=f"{path}: " + (", ".join(file.name for file in found) or ("none" if path.is_dir() else "no file")),
        fix="python -m train RECIPE makes one in saved/RECIPE",
    )


def _model(path: Path) -> keras.Model:
    try:
        return walk.functional(keras.saving.load_model(path, compile=False, safe_mode=True))
    except Exception as error:  # damage shows as whatever h5py, json and Keras stumble over
        said = " ".join(str(error).split())
        raise Refused(
            "inspect: the checkpoint must be a model that Keras 3 opens without running code from the file.",
            received=f"{path}: {said[:300]}",
            fix="save it again with Keras 3, functional or Sequential; python -m export doctor FILE says more",
        ) from error


def _contract(path: Path) -> Contract | None:
    if not h5py.is_hdf5(path):
        return None
    with h5py.File(path, "r") as file:
        text = file.attrs.get(Contract.KEY)
    return None if text is None else Contract.from_json(text, source=str(path))


def _sample(
    model: keras.Model, contract: Contract | None, path: Path, image: Path | None, index: int | None
) -> tuple[dict[str, np.ndarray] | None, str, int | None]:
    tensors = model.inputs
    if image is not None:
        if len(tensors) > 1:
            raise Refused(
                "inspect: --image is for networks with one input.",
                received=", ".join(t.name for t in tensors),
                fix="put samples.npz beside the checkpoint, with an array for each input",
            )
        steps = frontend_of(contract, tensors[0])
        raw = files.read(image, steps)[None]
        if raw.dtype.kind == "f" and steps.kind == "image":  # an .npy file that is an input already
            steps = Frontend(tensors[0].name)
        return {tensors[0].name: _fitting(tensors[0], frontend.apply(steps, raw), str(image))}, image.name, None
    beside = path.parent / "samples.npz"
    if not beside.is_file():
        if index is not None:
            raise Refused(
                "inspect: --sample needs samples.npz beside the checkpoint.",
                received=f"no file {beside}",
                fix="pass --image FILE",
            )
        return None, f"no --image, and no file {beside}", None
    found = samples.load(beside, [t.name for t in tensors])
    count = len(next(iter(found.evaluation.values())))
    index = index or 0
    if not 0 <= index < count:
        raise Refused(
            "inspect: --sample must be one that samples.npz has.", received=str(index), fix=f"0 to {count - 1}"
        )
    inputs = {}
    for tensor in tensors:
        raw = found.evaluation[tensor.name][index : index + 1]
        # Without a contract, numbers that are no bytes are taken for the input itself.
        bare = contract is None and raw.dtype != np.uint8
        steps = Frontend(tensor.name) if bare else frontend_of(contract, tensor)
        inputs[tensor.name] = _fitting(tensor, frontend.apply(steps, raw), str(beside))
    label = None if found.labels is None else int(found.labels[index])
    return inputs, f"evaluation sample {index} of {found.manifest.get('title') or beside.name}", label


def _fitting(tensor: Any, value: np.ndarray, source: str) -> np.ndarray:
    """The value as the input's type.

    Raises:
        Refused: it has another shape.
    """
    expected = tuple(tensor.shape[1:])
    if len(expected) != value.ndim - 1 or any(
        e not in (None, v) for e, v in zip(expected, value.shape[1:], strict=True)
    ):
        raise Refused(
            f'inspect: a sample must have the shape of input "{tensor.name}".',
            received=f"{source}: shape {value.shape[1:]}, where the network takes {expected}",
            fix="pass a sample of that shape",
        )
    return value.astype(tensor.dtype)


def _class(wanted: str | None, contract: Contract | None) -> int | None:
    if wanted is None:
        return None
    labels = contract.labels if contract else ()
    if wanted in labels:
        return labels.index(wanted)
    if wanted.isdecimal():
        return int(wanted)
    raise Refused(
        "inspect: --class must be a label of the checkpoint, or the number of a class.",
        received=wanted,
        fix=nearest(wanted, labels) if labels else "a number from 0 on: the checkpoint names no labels",
    )
