"""Words in a stream: which was said, and when, from the answers for windows that slide over it.

Chen, Parada, Heigold 2014, "Small-footprint keyword spotting using deep neural networks", section 2.3: probabilities
are averaged over the last windows, and a word is told where its mean is high enough. After one, nothing is told for a
while, so that a word that several windows hold is told once.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from edgeproof import windows
from edgeproof.decode import classes
from edgeproof.errors import Refused, nearest

if TYPE_CHECKING:
    from edgeproof.runner import Model


@dataclass(frozen=True)
class Detection:
    """A class that was heard.

    Attributes:
        time: the middle of the windows whose mean told it, in seconds.
        index: of the class.
        probability: its mean over those windows.
        label: its name, where names are known.
    """

    time: float
    index: int
    probability: float
    label: str = ""


class Detector:
    """Tells words as windows come in; holds no more than the windows of one mean.

    Args:
        threshold: mean probability that a word must exceed, from 0 to below 1.
        smooth: windows a mean; at the start of a stream there are fewer.
        refractory: seconds after a word in which none is told.
        silent: classes that are no words, such as one for noise; they are never told.

    Raises:
        Refused: values outside of these ranges.
    """

    def __init__(
        self, *, threshold: float = 0.8, smooth: int = 3, refractory: float = 1.0, silent: Collection[int] = ()
    ) -> None:
        if not (0 <= threshold < 1 and smooth >= 1 and 0 <= refractory < math.inf):
            raise Refused(
                "detect: the threshold must be from 0 to below 1, a mean of one window or more, "
                "the refractory time 0 or more seconds.",
                received=f"threshold {threshold:g}, {smooth} windows, {refractory:g} s",
                fix="--detect 0.8 --smooth 3 --refractory 1",
            )
        self.threshold, self.refractory, self.silent = threshold, refractory, frozenset(silent)
        self._last: deque[tuple[float, np.ndarray]] = deque(maxlen=smooth)
        self._told = -math.inf

    def hear(self, time: float, probabilities: np.ndarray) -> Detection | None:
        """Take in the next window.

        Args:
            time: of its middle, in seconds.
            probabilities: of the classes, (classes,).
        """
        self._last.append((time, np.asarray(probabilities, np.float64)))
        if time - self._told < self.refractory:
            return None
        mean = np.mean([row for _, row in self._last], axis=0)
        words = [i for i in range(len(mean)) if i not in self.silent]
        index = max(words, key=lambda i: float(mean[i]), default=0)
        if not words or not mean[index] > self.threshold:
            return None
        self._told = time
        return Detection((self._last[0][0] + time) / 2, index, float(mean[index]))


def places(model: Model, labels: Sequence[str]) -> list[int]:
    """The classes that are called so.

    Raises:
        Refused: a label that the file does not have.
    """
    known = list(model.contract.labels) if model.contract else []
    for label in labels:
        if label not in known:
            raise Refused(
                "detect: what is never told must be a class of the file.",
                received=label,
                fix=nearest(label, known),
            )
    return [i for i, label in enumerate(known) if label in labels]


def detections(model: Model, sample: Any, hop: float, detector: Detector) -> Iterator[Detection]:
    """The words in a long recording.

    Args:
        model: one that tells classes apart, as `edgeproof.windows.answers` takes it.
        sample: as `Model.predict` takes one, but longer.
        hop: seconds from one window to the next.

    Raises:
        Refused: a model that does anything else, or as `edgeproof.windows.answers`.
    """
    if model.contract is None or model.contract.decode.kind != "classify":
        raise Refused(
            "detect: the file must hold a model that tells classes apart.",
            received=f'outputs decoded as "{model.contract.decode.kind}"' if model.contract else "no contract",
            fix="leave --detect out",
        )
    decode, labels = model.contract.decode, model.contract.labels
    for begin, end, prediction in windows.answers(model, sample, hop):
        row = classes.probabilities(prediction.outputs[decode.output].reshape(-1), decode)
        found = detector.hear((begin + end) / 2, row)
        if found:
            yield replace(found, label=classes.names(labels, len(row))[found.index])


@dataclass(frozen=True)
class Judged:
    """What became of detections: how many were of no word that was said there, how many words were not told."""

    accepted: int
    rejected: int


def judged(found: Sequence[Detection], said: Sequence[tuple[float, float, int]], slack: float) -> Judged:
    """Detections against what was said.

    A detection is right where its time lies within a word of its class, or at most `slack` seconds outside; a word
    takes the first such detection and no second. A wrong word counts twice: as false, and the right one as missed.

    Args:
        found: in the order of time.
        said: begin and end in seconds, and class, of each word, in the order of time.
    """
    left, accepted = list(said), 0
    for each in found:
        right = [w for w in left if w[2] == each.index and w[0] - slack <= each.time <= w[1] + slack]
        if right:
            left.remove(right[0])
        else:
            accepted += 1
    return Judged(accepted, len(left))
