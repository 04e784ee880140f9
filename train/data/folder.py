"""A folder of pictures, one folder a class: DIR/train/NAME/*.jpg, DIR/test/NAME/*.jpg and, if there is, DIR/validation.

DIR/train/cat/1.jpg  DIR/train/non-cat/2.png  ...  DIR/test/cat/3.jpg  ...
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np

from edgeproof.errors import Refused
from edgeproof.frontend import files, image
from train.data import Dataset, Split, stratified

SIDE = 64
_HELD_OUT = 7  # every so many training pictures, one is for validation where no folder is
_LAYOUT = "lay it out as DIR/train/NAME/*.jpg and DIR/test/NAME/*.jpg, a folder for each class"


def load(directory: Path | None = None) -> Dataset:
    """Pictures as (64, 64, 3) uint8: the square in the middle of each, made smaller or larger.

    Classes are the folders' names, in alphabetical order, the same in each split. Without a folder "validation" a
    seventh of the training pictures is held out, of which a picture that is there twice is taken once. Names that begin
    with a dot are passed over.

    Raises:
        Refused: no folder, fewer than two classes, other classes in another split, a class without pictures, a file
            that is no picture, or the same picture in two splits or under two names of classes.
    """
    if directory is None:
        raise Refused("folder: pictures must be given.", received="no --data-dir", fix=_LAYOUT)
    parts = [name for name in ("train", "validation", "test") if name != "validation" or (directory / name).is_dir()]
    classes = _classes(directory / "train")
    seen: dict[str, tuple[str, Path]] = {}
    splits = {name: _split(directory / name, name, classes, seen) for name in parts}
    train = splits["train"]
    if "validation" not in splits:
        assert train.labels is not None
        held_out, rest = stratified(train.labels, (len(train) // _HELD_OUT,), seed=0)
        pictures = train.samples["image"]
        splits["validation"] = Split({"image": pictures[held_out]}, train.labels[held_out])
        train = Split({"image": pictures[rest]}, train.labels[rest])
    return Dataset(
        name="folder",
        title=f"{sum(map(len, splits.values())):,} pictures of a folder: {', '.join(classes)}",
        licence="not stated",
        synthetic=False,
        train=train,
        validation=splits["validation"],
        test=splits["test"],
        labels=classes,
    )


def _classes(part: Path) -> tuple[str, ...]:
    if not part.is_dir():
        raise Refused("folder: the folder must exist.", received=str(part), fix=_LAYOUT)
    found = tuple(sorted(p.name for p in part.iterdir() if p.is_dir() and not p.name.startswith(".")))
    if len(found) < 2:
        received = f"{', '.join(found) or 'none'} in {part}"
        raise Refused("folder: there must be two classes or more, a folder each.", received=received, fix=_LAYOUT)
    return found


def _split(part: Path, name: str, classes: tuple[str, ...], seen: dict[str, tuple[str, Path]]) -> Split:
    """One split's pictures; `seen` maps each picture's hash to the split and file in which it was met first."""
    if (own := _classes(part)) != classes:
        raise Refused(
            "folder: every split must have the same classes.",
            received=f"{', '.join(own)} in {part}; {', '.join(classes)} in train",
            fix=_LAYOUT,
        )
    pictures, labels = [], []
    for label, class_name in enumerate(classes):
        paths = sorted(p for p in (part / class_name).iterdir() if p.is_file() and not p.name.startswith("."))
        if not paths:
            raise Refused(
                "folder: every class must have pictures.", received=f"none in {part / class_name}", fix=_LAYOUT
            )
        for path in paths:
            pixels = files.read_image(path)
            digest = hashlib.sha256(f"{pixels.shape}".encode() + pixels.tobytes()).hexdigest()
            split, first = seen.setdefault(digest, (name, path))
            if (split, first.parent) != (name, path.parent):
                raise Refused(
                    "folder: a picture must be in one split and one class alone.",
                    received=f"the same picture in {first} and {path}",
                    fix="delete one of them",
                )
            if first == path:
                pictures.append(_square(pixels))
                labels.append(label)
    return Split({"image": np.stack(pictures)}, np.array(labels, np.int64))


def _square(pixels: np.ndarray) -> np.ndarray:
    height, width = pixels.shape[:2]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    cut = pixels[None, top : top + side, left : left + side]
    resized = image.resize(image.channels(cut, channels=3), height=SIDE, width=SIDE)[0]
    return np.asarray(np.rint(np.clip(resized, 0, 255)), np.uint8)
