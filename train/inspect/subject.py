"""What is looked at: a network, and one sample on its way in."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
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
from train.walk import Call

_SUFFIXES = (".h5", ".hdf5", ".keras")


class Absent(Refused):
    """The network or the sample has nothing that this view could draw; the others may still be drawn."""


@dataclass(frozen=True)
class Picture:
    """One PNG file of a view: its name without suffix, its bytes, and what it shows in a sentence or two."""

    name: str
    png: bytes
    caption: str


@dataclass(frozen=True)
class Subject:
    """A network, one sample, and what a person wants to see of them.

    Attributes:
        path: of the checkpoint.
        model: functional.
        contract: the checkpoint's, or None.
        inputs: one sample as input tensors, each (1, ...), by input name; None: there is none to look at.
        source: where the sample comes from, or why there is none.
        label: its true class, where it is known.
        wanted: the class to explain, or None for the decision.
        layer: the name of the layer to draw, or "".
        seed: for what is drawn at random.
    """

    path: Path
    model: keras.Model
    contract: Contract | None = None
    inputs: dict[str, np.ndarray] | None = None
    source: str = ""
    label: int | None = None
    wanted: int | None = None
    layer: str = ""
    seed: int = 0

    @cached_property
    def calls(self) -> list[Call]:
        """Every call of the network, inputs first."""
        return walk.calls(self.model)

    def call(self, name: str) -> Call:
        """The call of that name.

        Raises:
            Refused: there is none.
        """
        known = {call.name: call for call in self.calls}
        if name not in known:
            raise Refused("inspect: --layer must be a layer of the network.", received=name, fix=nearest(name, known))
        return known[name]

    @property
    def sample(self) -> list[np.ndarray]:
        """The sample in the order of the model's inputs.

        Raises:
            Absent: there is none.
        """
        if self.inputs is None:
            raise Absent(
                "inspect: this view needs a sample to look at.",
                received=self.source,
                fix="pass --image FILE, or put samples.npz beside the checkpoint",
            )
        return [self.inputs[tensor.name] for tensor in self.model.inputs]

    @cached_property
    def scores(self) -> Any:
        """The symbolic output of class scores (batch, classes), before any softmax or sigmoid at the end.

        Simonyan et al. 2014, section 2, explain why: a probability also rises when the other classes fall.

        Raises:
            Absent: the network has no such output.
        """
        names = list(self.model.output_names)
        read = self.contract.decode.output if self.contract else ""
        output = self.model.outputs[names.index(read) if read in names else 0]
        if len(output.shape) != 2 or output.shape[1] is None:
            raise Absent(
                "inspect: classes need an output of shape (batch, classes).",
                received=f"an output of shape {tuple(output.shape)}",
                fix="--only kernels maps graph, which need none",
            )
        return _unsquashed(self.model, output)

    def decision(self) -> int:
        """The class to explain: the one wanted, or the network's own decision on the sample."""
        classes = int(self.scores.shape[1])
        if self.wanted is None:
            return int(np.argmax(keras.Model(self.model.inputs, self.scores)(self.sample, training=False)))
        if self.wanted >= classes:
            raise Refused(
                "inspect: --class must be a class of the network.",
                received=str(self.wanted),
                fix=f"a number from 0 to {classes - 1}",
            )
        return self.wanted

    def told(self, index: int) -> str:
        """The label of a class, else its number."""
        labels = self.contract.labels if self.contract else ()
        return labels[index] if index < len(labels) else str(index)

    @property
    def picture_input(self) -> int:
        """Which input holds a picture: the first that can be seen as one.

        Raises:
            Absent: none can.
        """
        for index, tensor in enumerate(self.model.inputs):
            sides = tuple(tensor.shape[1:])
            if None not in sides and as_picture(np.zeros(sides, np.float32)) is not None:
                return index
        raise Absent(
            "inspect: this view needs an input that can be seen as a picture.",
            received=", ".join(f"{t.name} {tuple(t.shape)}" for t in self.model.inputs),
            fix="--only graph maps, which need none",
        )

    def bounds(self, index: int) -> tuple[float, float]:
        """The least and largest value of an input: what its frontend makes of black and of white, else of the sample.

        Without either, 0 and 1.
        """
        tensor = self.model.inputs[index]
        steps = _frontend(self.contract, tensor)
        if steps.kind == "image":
            height, width = tensor.shape[1], tensor.shape[2]
            shades = np.stack([np.full((height, width), value, np.uint8) for value in (0, 255)])
            reached = frontend.apply(steps, shades)
        elif self.inputs is not None:
            reached = self.inputs[tensor.name]
        else:
            return 0.0, 1.0
        low, high = float(reached.min()), float(reached.max())
        return (low, high) if high > low else (low, low + 1.0)


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


def as_picture(values: np.ndarray) -> np.ndarray | None:
    """One sample as a picture (h, w) or (h, w, 3), or None: grey, colour, or a square of pixels in a row."""
    if values.ndim == 3 and values.shape[-1] in (1, 3):
        return values[..., 0] if values.shape[-1] == 1 else values
    side = round(values.size**0.5)
    if values.ndim == 2 and min(values.shape) > 1:
        return values
    if values.ndim == 1 and side > 3 and side * side == values.size:
        return values.reshape(side, side)
    return None


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


def _frontend(contract: Contract | None, tensor: Any) -> Frontend:
    """How a raw sample becomes an input; without a contract a picture is resized and scaled to 0..1."""
    shape = tuple(tensor.shape)
    if contract is None and len(shape) == 4 and shape[-1] in (1, 3) and None not in shape[1:]:
        steps: tuple[dict[str, Any], ...] = (
            {"op": "channels", "channels": shape[3]},
            {"op": "resize", "height": shape[1], "width": shape[2]},
            {"op": "scale", "factor": 1 / 255.0, "offset": 0.0},
        )
        return Frontend(tensor.name, "image", steps)
    return contract.frontend(tensor.name) if contract else Frontend(tensor.name)


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
        steps = _frontend(contract, tensors[0])
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
        steps = Frontend(tensor.name) if bare else _frontend(contract, tensor)
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


def _unsquashed(model: keras.Model, output: Any) -> Any:
    """The output before the softmax or sigmoid that made it; the output itself where nothing did."""
    call = next(call for call in walk.calls(model) if any(t is output for t in call.outputs))
    squashing = ("softmax", "sigmoid")
    activation = getattr(getattr(call.layer, "activation", None), "__name__", "")
    before = call.taken[0] if call.taken else output
    if call.kind.lower() in squashing or (call.kind == "Activation" and activation in squashing):
        return before
    if activation in squashing and call.kind == "Dense":
        config = {**call.layer.get_config(), "activation": "linear", "name": f"{call.layer.name}_scores"}
        bare = type(call.layer).from_config(config)
        scores = bare(before)
        bare.set_weights(call.layer.get_weights())
        return scores
    return output
