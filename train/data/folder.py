"""A folder of samples, one folder a class: DIR/train/NAME/*.jpg, DIR/test/NAME/*.jpg and, if there is, DIR/validation.

DIR/train/cat/1.jpg  DIR/train/non-cat/2.png  ...  DIR/test/cat/3.jpg  ...
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from edgeproof.errors import Refused
from edgeproof.frontend import files, image
from train.data import Dataset, Split, stratified

SIDE = 64
_HELD_OUT = 7  # every so many training samples, one is for validation where no folder is


@dataclass(frozen=True)
class Kind:
    """What the files are.

    Attributes:
        one: of them, in a word.
        suffix: that their names usually have.
        input: the tensor's name.
        read: the sample in a file; what makes it the same as another.
        ready: a sample as the data set holds it.
    """

    one: str
    suffix: str
    input: str
    read: Callable[[Path], np.ndarray]
    ready: Callable[[np.ndarray], np.ndarray] = lambda sample: sample

    @property
    def layout(self) -> str:
        return f"lay it out as DIR/train/NAME/*{self.suffix} and DIR/test/NAME/*{self.suffix}, a folder for each class"


def load(directory: Path | None = None) -> Dataset:
    """Pictures as (64, 64, 3) uint8: the square in the middle of each, made smaller or larger.

    Raises:
        Refused: as `read`.
    """
    return read(directory, Kind("picture", ".jpg", "image", files.read_image, _square))


def read(directory: Path | None, kind: Kind) -> Dataset:
    """Samples of a kind.

    Classes are the folders' names, in alphabetical order, the same in each split. Without a folder "validation" a
    seventh of the training samples is held out, of which a sample that is there twice is taken once. Names that begin
    with a dot are passed over.

    Raises:
        Refused: no folder, fewer than two classes, other classes in another split, a class without samples, a file
            that is of another kind, or the same sample in two splits or under two names of classes.
    """
    if directory is None:
        raise Refused(f"folder: {kind.one}s must be given.", received="no --data-dir", fix=kind.layout)
    parts = [name for name in ("train", "validation", "test") if name != "validation" or (directory / name).is_dir()]
    classes = _classes(directory / "train", kind)
    seen: dict[str, tuple[str, Path]] = {}
    splits = {name: _split(directory / name, name, classes, seen, kind) for name in parts}
    train = splits["train"]
    if "validation" not in splits:
        assert train.labels is not None
        held_out, rest = stratified(train.labels, (len(train) // _HELD_OUT,), seed=0)
        samples = train.samples[kind.input]
        splits["validation"] = Split({kind.input: samples[held_out]}, train.labels[held_out])
        train = Split({kind.input: samples[rest]}, train.labels[rest])
    return Dataset(
        name="folder",
        title=f"{sum(map(len, splits.values())):,} {kind.one}s of a folder: {', '.join(classes)}",
        licence="not stated",
        synthetic=False,
        train=train,
        validation=splits["validation"],
        test=splits["test"],
        labels=classes,
    )


def _classes(part: Path, kind: Kind) -> tuple[str, ...]:
    if not part.is_dir():
        raise Refused("folder: the folder must exist.", received=str(part), fix=kind.layout)
    found = tuple(sorted(p.name for p in part.iterdir() if p.is_dir() and not p.name.startswith(".")))
    if len(found) < 2:
        received = f"{', '.join(found) or 'none'} in {part}"
        raise Refused("folder: there must be two classes or more, a folder each.", received=received, fix=kind.layout)
    return found


def _split(part: Path, name: str, classes: tuple[str, ...], seen: dict[str, tuple[str, Path]], kind: Kind) -> Split:
    """One split's samples; `seen` maps each sample's hash to the split and file in which it was met first."""
    if (own := _classes(part, kind)) != classes:
        raise Refused(
            "folder: every split must have the same classes.",
            received=f"{', '.join(own)} in {part}; {', '.join(classes)} in train",
            fix=kind.layout,
        )
    samples, labels = [], []
    for label, class_name in enumerate(classes):
        paths = sorted(p for p in (part / class_name).iterdir() if p.is_file() and not p.name.startswith("."))
        if not paths:
            raise Refused(
                f"folder: every class must have {kind.one}s.", received=f"none in {part / class_name}", fix=kind.layout
            )
        for path in paths:
            found = kind.read(path)
            digest = hashlib.sha256(f"{found.dtype.str}{found.shape}".encode() + found.tobytes()).hexdigest()
            split, first = seen.setdefault(digest, (name, path))
            if (split, first.parent) != (name, path.parent):
                raise Refused(
                    f"folder: a {kind.one} must be in one split and one class alone.",
                    received=f"the same {kind.one} in {first} and {path}",
                    fix="delete one of them",
                )
            if first == path:
                samples.append(kind.ready(found))
                labels.append(label)
    return Split({kind.input: np.stack(samples)}, np.array(labels, np.int64))


def _square(pixels: np.ndarray) -> np.ndarray:
    height, width = pixels.shape[:2]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    cut = pixels[None, top : top + side, left : left + side]
    resized = image.resize(image.channels(cut, channels=3), height=SIDE, width=SIDE)[0]
    return np.asarray(np.rint(np.clip(resized, 0, 255)), np.uint8)
