"""What is looked at: a network, and one sample on its way in."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import keras
import numpy as np

from edgeproof import frontend
from edgeproof.contract import Contract, Frontend
from edgeproof.errors import Refused, nearest
from train import walk
from train.walk import Call


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

    @property
    def chosen(self) -> str:
        """Who chose the class to explain, in words."""
        return "the network's decision" if self.wanted is None else "as asked"

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
        steps = frontend_of(self.contract, tensor)
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


def frontend_of(contract: Contract | None, tensor: Any) -> Frontend:
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
