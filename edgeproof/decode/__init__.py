"""From outputs to an answer, and from samples to what answers are judged by: a `Kind` for each of the contract.

Training, verification and the runner ask here, so that a score means the same wherever it is taken.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from edgeproof.contract import Contract, Decode
from edgeproof.decode import answers, classes, numbers, recommend, transcribe, write
from edgeproof.decode.kind import Answer, Kind

KINDS: dict[str, Kind] = {
    "classify": classes.CLASSIFY,
    "detect": classes.DETECT,
    "label": classes.LABEL,
    "transcribe": transcribe.TRANSCRIBE,
    "write": write.WRITE,
    "answer": answers.ANSWER,
    "forecast": numbers.FORECAST,
    "reconstruct": numbers.RECONSTRUCT,
    "recommend": recommend.RECOMMEND,
    "values": numbers.VALUES,
}
# what a score is in where a contract states none
USUAL = {name: kind.metric for name, kind in KINDS.items() if kind.metric}


def decided(outputs: np.ndarray, decode: Decode) -> np.ndarray | None:
    """The label's index for each decision, (n,), (n, steps), or a string, (n, any), filled up with the
    blank; None where nothing is decided."""
    decides = KINDS[decode.kind].decided
    return decides(outputs, decode) if decides else None


def truth(
    decode: Decode, labels: np.ndarray | None, inputs: Sequence[np.ndarray], outputs: np.ndarray, *, source: str
) -> np.ndarray | None:
    """What the decoded outputs (n, ...) are scored against: labels, numbers, an input; None where nothing is.

    Args:
        labels: of the samples, or None.
        inputs: the graph's inputs, as tensors.
        source: where the labels come from, for messages.

    Raises:
        Refused: labels that are not of these outputs.
    """
    return KINDS[decode.kind].truth(decode, labels, inputs, outputs, source)


def metric_of(contract: Contract) -> str:
    """The name of the metric that a contract's outputs are scored by; "" where they are values."""
    return contract.score.metric if contract.score else USUAL.get(contract.decode.kind, "")


def answer(
    outputs: np.ndarray,
    decode: Decode,
    labels: Sequence[str],
    inputs: Mapping[str, np.ndarray] | None = None,
    *,
    beam: int = 1,
) -> Answer:
    """The answer of one sample, from the decoded output without the batch axis.

    Args:
        labels: names of the classes; numbers stand in for them where they are others than the output has.
        inputs: tensors of the sample by name, without the batch axis, for a way to decode that asks for them.
        beam: hypotheses that are kept at a time, of a way to decode that searches; the answers it finds are ranked.
    """
    kind = KINDS[decode.kind]
    if kind.ranked and beam > 1:
        ranking = kind.ranked(outputs, decode, labels, beam)
        return Answer(*ranking[0], ranking)
    return kind.answer(kind.seen(outputs, inputs or {}) if kind.seen else outputs, decode, labels)


__all__ = ["KINDS", "USUAL", "Answer", "answer", "decided", "metric_of", "truth"]
