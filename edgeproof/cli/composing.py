"""Scores that go on: printed, or written as .mid with a piano roll beside it."""

from __future__ import annotations

import argparse
import itertools
import json
from pathlib import Path
from typing import TYPE_CHECKING

from edgeproof import atomic, roll
from edgeproof.errors import Refused
from edgeproof.frontend import midi

if TYPE_CHECKING:
    from edgeproof.decode.write import Taste
    from edgeproof.runner import Model

_LENGTH = 64  # time steps


def act(model: Model, args: argparse.Namespace, taste: Taste) -> int:
    """Each input is a .mid file, or notes as .npy, that the model goes on with.

    Raises:
        Refused: --write with a name that no .mid file has, or as `Model.compose`.
    """
    out = None if args.write is None else Path(args.write)
    if out and out.suffix.lower() not in (".mid", ".midi"):
        raise Refused("write: a score is written as a .mid file.", received=args.write, fix=f"{out.stem}.mid")
    how = model.frontend(model.inputs[0].name)
    for begun in args.inputs:
        notes = model.raw(begun, how)
        steps = list(itertools.islice(model.compose(notes, taste, seed=args.seed), args.length or _LENGTH))
        if args.json:
            print(json.dumps({"input": begun, "score": [step.tolist() for step in steps]}))
        elif not out:
            print("\n".join(" ".join(f"{midi.name(int(note)):<3}" for note in step).rstrip() for step in steps))
        if out:
            grid = int(how.stated("grid"))
            whole = midi.Score(roll.joined(notes, steps), grid, _tempo(begun, notes.shape[1], grid))
            picture = out.with_suffix(".png")
            atomic.write_bytes(out, midi.written(whole))
            atomic.write_bytes(picture, roll.png(whole, begun=len(notes)))
            if not args.json:
                print(f"{begun}: {len(notes)} time steps, then {len(steps)} more: {out}, {picture}")
    return 0


def _tempo(begun: str, voices: int, grid: int) -> int:
    """That of the beginning, where it is a .mid file."""
    if Path(begun).suffix.lower() == ".npy":
        return midi.TEMPO
    return midi.read(Path(begun), voices=voices, grid=grid).tempo
