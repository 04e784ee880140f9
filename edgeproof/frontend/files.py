"""Raw samples from files: pictures through Pillow, arrays through numpy, never by running what they hold."""

from __future__ import annotations

import warnings
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
# Only these: Pillow knows dozens more, and to read some of them (EPS) it runs other programs.
_FORMATS = ("PNG", "JPEG", "BMP", "PPM")


def read(path: str | Path, frontend: Frontend) -> np.ndarray:
    """One raw sample, as the frontend's kind asks: uint8 pixels for "image", any numbers for "array".

    An `.npy` file serves either kind.

    Raises:
        Refused: missing, unreadable, or not what the input takes.
    """
    path = Path(path)
    if not path.is_file():
        raise Refused("input: the file must exist.", received=str(path), fix="check the path")
    if path.suffix.lower() == ".npy":
        return read_array(path)
    if frontend.kind == "image":
        return read_image(path)
    raise Refused(
        f'input: "{frontend.input}" takes numbers, as the file does not say how a raw sample becomes its input.',
        received=str(path),
        fix="save the sample as the graph takes it with numpy.save and pass the .npy file",
    )


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
