"""What a model that writes writes: texts in pieces, scores in time steps, on graphs that see a window and on steps."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from edgeproof import stream
from edgeproof.contract import Frontend
from edgeproof.decode.write import Taste, drawn
from edgeproof.errors import Refused
from edgeproof.frontend import files, score, text

if TYPE_CHECKING:
    from edgeproof.runner import Model

Following = Callable[[Sequence[int]], np.ndarray]


def texts(model: Model, prompt: str, taste: Taste | None, seed: int) -> Iterator[str]:
    """See `edgeproof.runner.Model.write`."""
    how = _frontend(model, text.SCRIPTS, "goes on with a text", "char_lm")
    step = how.steps[-1]
    given = text.numbered(str(files.checked_text(prompt, "the beginning")), step)
    tokens = drawn(_following(model, int(step["length"])), given, taste or Taste(), seed)
    return text.pieced(tokens, given, step)


def scores(model: Model, beginning: Any, taste: Taste | None, seed: int) -> Iterator[np.ndarray]:
    """See `edgeproof.runner.Model.compose`."""
    how = _frontend(model, score.SCRIPTS, "goes on with a score", "music")
    step = how.steps[-1]
    given = score.numbered(model.raw(beginning, how), step)
    following = score.sung(_following(model, int(step["length"]), score.together(step)), step)
    return score.pieced(drawn(following, given, taste or Taste(), seed), given, step)


def _frontend(model: Model, scripts: Collection[str], does: str, recipe: str) -> Frontend:
    """How the beginning becomes tokens of one of some scripts."""
    how = model.frontend(model.inputs[0].name)
    kind = model.contract.decode.kind if model.contract else ""
    if kind != "write" or not how.steps or how.steps[-1].get("op") not in scripts:
        wrote = f", of {how.kind}s" if kind == "write" else ""
        raise Refused(
            f"write: the file must hold a model that says which token comes next, and {does}.",
            received=f'outputs decoded as "{kind}"{wrote}' if model.contract else "a file without a contract",
            fix=f"export a model that does, such as the recipe {recipe}'s",
        )
    return how


def _following(model: Model, length: int, together: int = 1) -> Following:
    """The logits of the token after these: a step file is stepped through those that are new."""
    if model.steps:
        stepped = stream.Following(model.stream(), model.decoded)
        return lambda tokens: np.asarray(stepped([tokens])[0])
    return windowed(lambda row: model.decoded(model.infer({model.inputs[0].name: row})), length, together)


def windowed(run: Callable[[np.ndarray], np.ndarray], length: int, together: int = 1) -> Following:
    """The logits of the token after these, from a graph that sees so many at a time.

    Args:
        run: logits (1, length, tokens) for a row of tokens, (1, length).
        together: what is too long loses a multiple of so many tokens at its beginning.
    """

    def following(tokens: Sequence[int]) -> np.ndarray:
        lost = -(-max(0, len(tokens) - length) // together) * together
        seen = tokens[lost:]
        row = np.zeros((1, length), np.int32)
        row[0, : len(seen)] = seen
        return np.asarray(run(row)[0, len(seen) - 1])

    return following
