"""Which steps of a sequence of limited length are behind, as a state: for what depends on the place in the sequence."""

from __future__ import annotations

from typing import Any

from keras import ops

from export.streaming.walk import Frames, Walk, refuse


def of(walk: Walk, layer: Any, entry: Frames) -> tuple[Any, Any]:
    """The state before and after this step, (batch, time) each: 1 for each step that there was, the last of them last.

    It moves by one a step, so that ones come in at the end; in integers they stay what they are, and no number is
    counted up that would not fit.

    Raises:
        Refused: the length is not known, or a step is of several frames.
    """
    if entry.frames != 1 or entry.delay:
        raise refuse(
            layer,
            f"it needs each time step's place, and a step brings {entry.frames}, {entry.delay} steps late",
            "no strides or windows before it",
        )
    if entry.time is None:
        raise refuse(layer, "what it remembers would grow without end", "a model that knows its number of time steps")
    if entry.time not in walk.places:
        before, name = walk.state("seen", entry.value, shape=(entry.time,), dtype="float32")
        after = ops.concatenate([before[:, 1:], ops.ones_like(before[:, :1])], axis=1)
        walk.keep(name, after)
        walk.places[entry.time] = before, after
        walk.longest = min(walk.longest or entry.time, entry.time)
    found: tuple[Any, Any] = walk.places[entry.time]
    return found
