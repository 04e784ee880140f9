"""Raw samples from files: pictures through Pillow, sounds, texts, scores, arrays, never by running what they hold."""

from __future__ import annotations

import csv
import math
import warnings
import wave
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from edgeproof.contract import Frontend
from edgeproof.errors import Refused

if TYPE_CHECKING:
    from PIL import Image

_GREY = {"1", "L", "LA"}
_COLOUR = {"RGB", "RGBA", "P", "PA"}
_MAX_PIXELS = 64_000_000
_MAX_CHARACTERS = 1_000_000
# Only these: Pillow knows dozens more, and to read some of them (EPS) it runs other programs.
_FORMATS = ("PNG", "JPEG", "BMP", "PPM")


def read(path: str | Path, frontend: Frontend) -> np.ndarray:
    """One raw sample, as the frontend's kind asks: uint8 for "image", int16 for "sound", a string for "text", int8 for
    "score", any numbers for "series" and "array".

    An `.npy` file serves any kind but text.

    Raises:
        Refused: missing, unreadable, or not what the input takes.
    """
    path = Path(path)
    if not path.is_file():
        raise Refused("input: the file must exist.", received=str(path), fix="check the path")
    if frontend.kind == "text":
        return read_text(path)
    if path.suffix.lower() == ".npy":
        return read_array(path)
    if frontend.kind == "image":
        return read_image(path)
    if frontend.kind == "sound":
        return read_sound(path, frontend.stated("rate"))
    if frontend.kind == "series":
        return read_series(path, frontend.stated("names"))
    voices, grid = frontend.stated("voices"), frontend.stated("grid")
    if frontend.kind == "score" and voices and grid:
        from edgeproof.frontend import midi  # seldom needed

        return midi.read(path, voices=int(voices), grid=int(grid)).notes
    raise Refused(
        f'input: "{frontend.input}" takes numbers, as the file does not say how a raw sample becomes its input.',
        received=str(path),
        fix="save the sample as the graph takes it with numpy.save and pass the .npy file",
    )


def typed_text(given: str, frontend: Frontend) -> np.ndarray:
    """A raw sample from a string that is a text itself or names a text file.

    Raises:
        Refused: as `read`, or as `checked_text`.
    """
    return read(given, frontend) if is_path(given) else checked_text(given, "the text")


def is_path(text: str) -> bool:
    """Whether a string given as a text names a file: one that is there, or ends as a text file's name does."""
    if "\n" in text or len(text) > 4096:
        return False
    return text.lower().endswith(".txt") or Path(text).is_file()


def read_array(path: Path) -> np.ndarray:
    """The array in an `.npy` file; pickled objects are refused, not loaded."""
    try:
        array = np.load(path, allow_pickle=False)
    except Exception as error:  # a damaged header can make numpy raise nearly anything
        raise Refused(
            "input: an .npy file must hold one plain numeric array.",
            received=f"{path}: {error}",
            fix="write it with numpy.save(path, array), without objects",
        ) from error
    if not isinstance(array, np.ndarray) or array.dtype.kind not in "biuf":
        raise Refused(
            "input: an .npy file must hold one plain numeric array.",
            received=f"{path}: {type(array).__name__} of {getattr(array, 'dtype', 'unknown')}",
            fix="write it with numpy.save(path, array), without objects",
        )
    return array


def read_text(path: Path) -> np.ndarray:
    """The text of a file in UTF-8 as one string, () of type str, without the line's end that editors put last.

    Raises:
        Refused: in another encoding, or nothing but white space.
    """
    return checked_text(_utf8(path).removesuffix("\n").removesuffix("\r"), str(path))


def _utf8(path: Path) -> str:
    data = path.read_bytes()
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Refused(
            "text: a text file must be in UTF-8.",
            received=f"{path}: byte {data[error.start]:#04x} at offset {error.start}",
            fix="save it as UTF-8",
        ) from error


def read_series(path: Path, names: Sequence[str] | None = None) -> np.ndarray:
    """Numbers of a .csv file with a header, (rows, columns) float64.

    Args:
        names: of the columns that are taken, in this order, wherever they stand; None: all.

    Raises:
        Refused: no header, a column that is missing or twice there, or a cell that is no finite number.
    """
    reader = csv.reader(_utf8(path).splitlines())
    try:
        head = [cell.strip() for cell in next(reader, [])]
        wanted = list(head if names is None else names)
        absent = [name for name in wanted if head.count(name) != 1]
        if absent:
            raise Refused(
                f"series: a .csv file must have a header with the columns {', '.join(wanted)}, each once.",
                received=f"{path}: {', '.join(head)[:200]}; it is {', '.join(absent)[:200]} that is not",
                fix="name the columns in the first line",
            )
        places = [head.index(name) for name in wanted]
        rows = [_cells(row, places, f"{path}, line {reader.line_num}", head) for row in reader if any(row)]
    except csv.Error as error:
        raise Refused(
            "series: the file must be a .csv file.", received=f"{path}, line {reader.line_num}: {error}",
            fix="write commas between the cells, and quotes around one that holds a comma",
        ) from error  # fmt: skip
    return np.array(rows, np.float64).reshape(len(rows), len(wanted))


def _cells(row: list[str], places: list[int], where: str, head: list[str]) -> list[float]:
    found = []
    for at in places:
        cell = row[at] if at < len(row) else ""
        try:
            value = float(cell)
        except ValueError:
            value = math.nan
        if not math.isfinite(value):
            raise Refused(
                "series: every cell of a .csv file must be a finite number.",
                received=f'{where}, column {head[at]}: "{cell[:60]}"',
                fix="leave the line out, or fill in what is missing",
            )
        found.append(value)
    return found


def checked_text(text: str, source: str) -> np.ndarray:
    """A text as a raw sample.

    Raises:
        Refused: nothing but white space, or over the longest that is read.
    """
    if not text.strip() or len(text) > _MAX_CHARACTERS:
        raise Refused(
            f"text: a text must hold something, and at most {_MAX_CHARACTERS:,} characters.",
            received=f"{source}: {len(text):,} characters" + ("" if text.strip() else ", all of them white space"),
            fix="pass a sentence",
        )
    return np.array(text)


def read_image(path: Path) -> np.ndarray:
    """Pixels of a picture file, see `pixels`; EXIF rotation is applied."""
    # Pillow costs what a quarter of the whole package costs to import, and arrays do not need it.
    from PIL import Image, ImageOps

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(path, formats=_FORMATS) as opened:
                if opened.width * opened.height > _MAX_PIXELS:
                    raise _unreadable(path, f"{opened.width}x{opened.height} pixels, over {_MAX_PIXELS}")
                picture = ImageOps.exif_transpose(opened)
                picture.load()
    except Exception as error:  # damaged files make Pillow's readers raise nearly anything
        if isinstance(error, Refused):
            raise
        raise _unreadable(path, str(error)) from error
    return pixels(picture, str(path))


def read_sound(path: Path, rate: int | None = None) -> np.ndarray:
    """Samples of a .wav file of 16 bits, (samples,) int16; several channels become their mean.

    Args:
        rate: samples a second that the file must have; None: any.

    Raises:
        Refused: damaged, cut off, empty, of another rate or of another sample format.
    """
    try:
        with wave.open(str(path), "rb") as file:
            channels, width, found, stated = file.getparams()[:4]
            data = file.readframes(stated)
    except (wave.Error, EOFError, OSError, MemoryError) as error:
        raise Refused(
            "sound: the file must be a .wav file of whole numbers (PCM).",
            received=f"{path}: {str(error) or 'it ends within its header'}",
            fix="write it as 16-bit PCM",
        ) from error
    if width != 2:
        raise Refused(
            "sound: a .wav file must have 16 bits a sample.",
            received=f"{path}: {8 * width} bits",
            fix="write it as 16-bit PCM",
        )
    if rate is not None and found != rate:
        raise Refused(
            f"sound: a .wav file must have {rate} samples a second, as the sounds that the model learned from.",
            received=f"{path}: {found}",
            fix=f"resample it to {rate} Hz",
        )
    if stated == 0 or len(data) != stated * channels * width:
        raise Refused(
            "sound: a .wav file must hold the samples that its header states, and at least one.",
            received=f"{path}: {len(data) // (channels * width)} of {stated}",
            fix="check that the file is complete",
        )
    samples = np.frombuffer(data, "<i2").reshape(stated, channels)
    return np.asarray(np.rint(samples.mean(axis=1)), np.int16)


def pixels(picture: Image.Image, source: str) -> np.ndarray:
    """Pixels of a Pillow image, uint8: (height, width) if grey, else (height, width, 3).

    Transparency is laid over black.
    """
    from PIL import Image

    if picture.mode not in _GREY | _COLOUR:
        raise Refused(
            "image: a picture must be 8-bit grey or RGB; other modes have no one meaning as brightness.",
            received=f"{source}: mode {picture.mode}",
            fix="convert it, with its colour profile or depth in mind, to grey or RGB",
        )
    if "A" in picture.mode or "transparency" in picture.info:
        picture = picture.convert("RGBA")
        ground = Image.new("RGBA", picture.size, (0, 0, 0, 255))
        picture = Image.alpha_composite(ground, picture).convert("RGB")
    return np.asarray(picture.convert("L" if picture.mode in _GREY else "RGB"))


def _unreadable(path: Path, reason: str) -> Refused:
    return Refused(
        "image: the file must be a picture that decodes whole.",
        received=f"{path}: {reason}",
        fix="check that the file is complete; PNG, JPEG, BMP and PGM are read",
    )
