"""Piano rolls: a score as a picture, time from left to right, pitch from below, a colour for each voice."""

from __future__ import annotations

import io
from itertools import groupby

import numpy as np

from edgeproof.frontend.midi import NAMES, REST, Score, name

_COLOURS = ("#c05621", "#2f855a", "#2b6cb0", "#553c9a", "#718096")
_INK, _LIGHT, _SHADE = "#22313f", "#d5dbe1", "#f1f4f7"
_WIDEST = 8_000  # pixels, some thousands of time steps
_ROW, _STEP, _LEFT, _TOP, _FOOT = 9, 16, 44, 30, 30


def png(score: Score, *, begun: int = 0) -> bytes:
    """The picture of a score.

    Args:
        begun: time steps that were given; what was written after them stands on white, they on grey.
    """
    from PIL import Image, ImageDraw, ImageFont

    notes, font = score.notes, ImageFont.load_default()
    sung = notes[notes != REST]
    low, high = (int(sung.min()) - 2, int(sung.max()) + 2) if sung.size else (58, 62)
    step = max(1, min(_STEP, _WIDEST // max(1, len(notes))))
    right, bottom = _LEFT + step * len(notes), _TOP + _ROW * (high - low + 1)
    picture = Image.new("RGB", (max(right, _LEFT + 300) + 20, bottom + _FOOT), "white")
    draw = ImageDraw.Draw(picture)

    def below(note: int) -> int:
        return _TOP + _ROW * (high - note + 1)

    draw.rectangle((_LEFT, _TOP, _LEFT + step * begun, bottom), fill=_SHADE)
    for at in range(0, len(notes) + 1, score.grid):
        whole = at % (4 * score.grid) == 0
        draw.line((_LEFT + step * at, _TOP, _LEFT + step * at, bottom), fill="#a0aec0" if whole else _LIGHT)
        if whole:
            draw.text((_LEFT + step * at, bottom + 4), str(at // score.grid), fill=_INK, font=font)
    for note in range(low, high + 1):
        if note % 12 == 0:
            draw.line((_LEFT, below(note), right, below(note)), fill="#a0aec0")
            draw.text((8, below(note) - 11), name(note), fill=_INK, font=font)
    draw.rectangle((_LEFT, _TOP, right, bottom), outline="#a0aec0")
    for voice in reversed(range(notes.shape[1])):
        colour, at = _COLOURS[min(voice, len(_COLOURS) - 1)], 0
        for note, run in groupby(notes[:, voice].tolist()):
            lasts = len(list(run))
            if note != REST:
                left = _LEFT + step * at
                box = (left + 1, below(note) - _ROW + 1, max(left + 1, left + step * lasts - 2), below(note) - 1)
                draw.rectangle(box, fill=colour)
            at += lasts
        called = NAMES[voice] if voice < len(NAMES) else f"voice {voice + 1}"
        draw.rectangle((_LEFT + 74 * voice, 11, _LEFT + 74 * voice + 9, 20), fill=colour)
        draw.text((_LEFT + 74 * voice + 14, 9), called, fill=_INK, font=font)
    draw.text((right - 96, bottom + 13) if right > 400 else (_LEFT, bottom + 13), "quarter notes", fill=_INK, font=font)
    if 0 < begun < len(notes):
        draw.line((_LEFT + step * begun, _TOP - 4, _LEFT + step * begun, bottom), fill=_INK, width=2)
    body = io.BytesIO()
    picture.save(body, "PNG", optimize=True)
    return body.getvalue()


def joined(begun: np.ndarray, written: list[np.ndarray]) -> np.ndarray:
    """A beginning (time, voices) and the time steps after it, as one score's notes."""
    return np.concatenate([begun, np.array(written, np.int8).reshape(-1, begun.shape[1])])
