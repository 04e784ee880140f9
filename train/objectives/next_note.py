"""Scores, and which note or chord comes after each: language models of music."""

from __future__ import annotations

import itertools
import math
from pathlib import Path
from typing import Any

import keras
import numpy as np

from edgeproof import atomic, metrics, roll
from edgeproof.decode.write import Taste, drawn
from edgeproof.errors import Refused
from edgeproof.frontend import midi, score, text
from edgeproof.writing import windowed
from train.data import Dataset
from train.objectives.next_token import NextToken
from train.objectives.objective import Picture, Task


class NextNote(NextToken):
    """See `train.fits.NextNote`.

    Raises:
        Refused: a grid that is not the scores', more steps than theirs, or outputs not decoded as what comes next.
    """

    def __init__(self, model: keras.Model, settings: dict[str, Any], dataset: Dataset, task: Task) -> None:
        length = next(iter(dataset.train.samples.values())).shape[1]
        if dataset.rate != settings["grid"] or length < settings["steps"]:
            raise Refused(
                "train: the grid must be the scores', in time steps a quarter note, and steps at most theirs.",
                received=f"grid {settings['grid']}, steps {settings['steps']}; theirs {dataset.rate}, {length}",
                fix=f"--set grid={dataset.rate} --set steps={length}",
            )
        super().__init__(model, settings, dataset, task)

    def in_words(self, value: float) -> str:
        """Compression as negative log-likelihood of all voices together."""
        return f"{self._nats(value):.3f} nats a {self._unit()}"

    def facts(self, dataset: Dataset) -> dict[str, str]:
        """The negative log-likelihood of the test split, and how much of it the vocabulary lacks."""
        ready = self.ready(dataset.test, "the test split")
        values = self.values(ready, self.outputs(ready.tensors), "the test split")
        high, low = (self._nats(end) for end in metrics.interval(values))
        unknown = float(np.mean(ready.tensors[self.model.inputs[0].name] == text.UNKNOWN))
        return {
            f"negative log-likelihood a {self._unit()}": f"**{self._nats(float(np.mean(values))):.3f} nats** on the "
            f"test split (95% interval {low:.3f} to {high:.3f})",
            "tokens that the vocabulary lacks": f"{unknown:.2%} of the test split's; "
            f"it has {len(self._script()['vocabulary'])}",
        }

    def _nats(self, compression: float) -> float:
        return (1.0 - compression) * 8.0 * math.log(2.0) * score.tokens_a_step(self._script())

    def _unit(self) -> str:
        return "time step" if self._script()["op"] == "notes" else "quarter note"

    def draw(self, out: Path, dataset: Dataset) -> list[Picture]:
        """The first half of a test sample, and what the model writes after it."""
        step = self._script()
        notes = dataset.test.samples[self.model.inputs[0].name][0][: self.settings["steps"]]
        begun = notes[: len(notes) // 2 // step["grid"] * step["grid"]]
        given = score.numbered(begun, step)
        following = score.sung(windowed(self._logits, step["length"], score.together(step)), step)
        rows = score.pieced(drawn(following, given, Taste(), self.settings["seed"]), given, step)
        whole = roll.joined(begun, list(itertools.islice(rows, len(notes))))
        body = roll.png(midi.Score(whole, step["grid"]), begun=len(begun))
        atomic.write_bytes(out / "roll.png", body)
        return [Picture("roll.png", "The beginning of a test sample, on grey, and what the model writes after it")]

    def _logits(self, row: np.ndarray) -> np.ndarray:
        return np.asarray(self.outputs({self.model.inputs[0].name: row})[self.output])

    def _script(self) -> dict[str, Any]:
        """The operation that makes tokens of scores."""
        return self.frontends[self.model.inputs[0].name].steps[-1]
