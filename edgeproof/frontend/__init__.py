"""From a raw sample to an input tensor: the one implementation, for training, calibration, verification, device.

A frontend is data in the contract: `{"op": "resize", "height": 28, "width": 28}` and so on, in order. An
operation takes and gives a batch, (n, ...), so that a training set and a single picture take the same road.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from edgeproof.contract import Frontend
from edgeproof.errors import Refused, nearest
from edgeproof.frontend import image, score, series, sound, text, titles, tree

# what a raw sample can be: the type of its values ("": any number), the rule in words, what to pass
KINDS = {
    "image": (
        "uint8",
        "images as unsigned bytes",
        "pass pixels 0 to 255 as uint8, (height, width) or (height, width, 3)",
    ),
    "sound": ("int16", "sounds of 16 bits", "pass samples -32768 to 32767 as int16, (samples,)"),
    "text": ("str", "texts", "pass strings, (n,)"),
    "series": ("", "numbers by time step and column", "pass numbers, (time, columns)"),
    "score": ("int8", "notes by time step and voice", "pass MIDI notes 0 to 127, or -1, as int8, (time, voices)"),
    "array": ("", "numbers", "pass them as the graph takes them"),
}
OPERATIONS: dict[str, Callable[..., np.ndarray]] = {
    "channels": image.channels,
    "resize": image.resize,
    "scale": image.scale,
    "pad": image.pad,
    "samples": sound.samples,
    "log_mel": sound.log_mel,
    "cepstra": sound.cepstra,
    "characters": text.characters,
    "words": text.words,
    "pairs": text.pairs,
    "tree": tree.tree,
    "titles": titles.titles,
    "columns": series.columns,
    "standardise": series.standardise,
    "band_pass": series.band_pass,
    "decimate": series.decimate,
    "centre": series.centre,
    "clip": series.clip,
    "notes": score.notes,
    "chords": score.chords,
}


def apply(frontend: Frontend, samples: np.ndarray) -> np.ndarray:
    """Raw samples (n, ...) as the input tensor (n, ...).

    float32 for images, sounds and series, int32 for texts and scores, unchanged type for arrays.

    Raises:
        Refused: samples that the frontend's rules forbid, or an operation this version does not know.
    """
    samples = np.asarray(samples)
    if frontend.kind not in KINDS:
        raise Refused(
            f'frontend: input "{frontend.input}" must be of a kind this version knows.',
            received=frontend.kind,
            fix="install a newer edgeproof; " + nearest(frontend.kind, KINDS),
        )
    dtype, rule, fix = KINDS[frontend.kind]
    texts = samples.dtype.kind == "U"
    if texts != (dtype == "str") or (dtype not in ("", "str") and samples.dtype != dtype):
        raise Refused(
            f'frontend: input "{frontend.input}" takes {rule}.',
            received=f"an array of {samples.dtype}, shape {samples.shape}",
            fix=fix,
        )
    for step in frontend.steps:
        samples = _operation(frontend, step)(samples)
    if samples.dtype.kind == "f" and not np.isfinite(samples).all():
        raise Refused(
            f'frontend: input "{frontend.input}" takes finite numbers.',
            received=f"NaN or infinity in {np.size(samples) - int(np.isfinite(samples).sum())} places",
            fix="find where they come from, or leave those samples out",
        )
    return samples


def _operation(frontend: Frontend, step: dict[str, Any]) -> Callable[[np.ndarray], np.ndarray]:
    arguments = dict(step)
    name = str(arguments.pop("op", ""))
    if name not in OPERATIONS:
        raise Refused(
            f'frontend: each step of input "{frontend.input}" must be an operation this version knows.',
            received=f'"{name}"',
            fix="install a newer edgeproof; " + nearest(name, OPERATIONS),
        )

    def run(samples: np.ndarray) -> np.ndarray:
        try:
            return OPERATIONS[name](samples, **arguments)
        except (TypeError, ValueError, ArithmeticError) as error:
            if isinstance(error, Refused):
                raise
            raise Refused(
                f'frontend: step "{name}" of input "{frontend.input}" must have the arguments it takes.',
                received=str(step),
                fix="export the file again; a contract is not meant to be edited by hand",
            ) from error

    return run


__all__ = ["OPERATIONS", "apply"]
