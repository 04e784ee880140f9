"""What a checkpoint costs and is worth: its score in float and in int8, its bytes, and what remains of them gzipped."""

from __future__ import annotations

import gzip
from dataclasses import dataclass
from pathlib import Path

from edgeproof.contract import Contract
from edgeproof.errors import Refused
from export import pipeline
from export.checkpoint import Opening
from export.limits import Limits
from export.verdict import Result

_PAIRS = [("tflite", "f32"), ("tflite", "int8")]


@dataclass(frozen=True)
class Figures:
    """Of one checkpoint, as the export pipeline finds them.

    Attributes:
        contract: the checkpoint's, with its score on the samples.
        score: of the checkpoint; `integer` of its int8 file on the kernels where it is worst. None without labels.
        distance: relative L2 of the int8 file from the checkpoint, the worst.
        bytes, gzipped: by "h5", "f32" and "int8".
    """

    contract: Contract
    score: float | None
    integer: float | None
    distance: float
    bytes: dict[str, int]
    gzipped: dict[str, int]


def of(opening: Opening, samples: Path, out: Path, limits: Limits) -> Figures:
    """Export a checkpoint to float and int8 TensorFlow Lite files in `out`, and measure.

    Raises:
        Refused: one of them can't be made.
    """
    asked = pipeline.Request(opening.path, _PAIRS, True, samples, out, opening=opening, limits=limits, as_is=True)
    outcome = pipeline.run(asked)
    paths = {"h5": opening.path, **{result.asked: out / _made(result).file for result in outcome.results}}
    whole = {name: path.read_bytes() for name, path in paths.items()}
    verdicts = next(result for result in outcome.results if result.asked == "int8").verdicts
    scores = [verdict.score for verdict in verdicts if verdict.score is not None]
    return Figures(
        outcome.contract,
        outcome.contract.score.value if outcome.contract.score and outcome.truth is not None else None,
        min(scores) if scores else None,
        max(verdict.relative_l2 for verdict in verdicts),
        {name: len(data) for name, data in whole.items()},
        {name: len(gzip.compress(data, 9, mtime=0)) for name, data in whole.items()},
    )


def _made(result: Result) -> Result:
    if result.file:
        return result
    raise Refused(
        "compress: the model is measured as float and as int8 TensorFlow Lite files.",
        received=f"{result.format}:{result.asked} {result.status}: {result.reason}",
        fix=f"python -m export CHECKPOINT --to {result.format}:{result.asked} tells more",
    )


def table(before: Figures, after: Figures) -> list[str]:
    """Both side by side, as lines."""
    rows = [("score, float", _percent(before.score), _percent(after.score))]
    rows += [("score, int8", _percent(before.integer), _percent(after.integer))]
    rows += [("int8 from float, relative L2", f"{before.distance:.2e}", f"{after.distance:.2e}")]
    for name, title in (("h5", "checkpoint .h5"), ("f32", "float .tflite"), ("int8", "int8 .tflite")):
        rows += [(f"{title}, bytes", f"{before.bytes[name]:,}", f"{after.bytes[name]:,}")]
        rows += [("  gzipped", f"{before.gzipped[name]:,}", f"{after.gzipped[name]:,}")]
    head = ("", "before", "after")
    return [f"{a:<30} {b:>12} {c:>12}".rstrip() for a, b, c in (head, *rows)]


def _percent(score: float | None) -> str:
    return "-" if score is None else f"{score:.2%}"
