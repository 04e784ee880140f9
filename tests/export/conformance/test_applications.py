"""Architectures of keras.applications: the smallest by default, one a family in the long tier, all on the page."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from export import formats
from export.conformance import applications
from export.worker import Worker

PAGE = Path(__file__).resolve().parents[3] / "docs" / "applications.md"
# The smallest of each family; the rest of a family is more of the same blocks.
FAMILIES = (
    "ConvNeXtTiny", "DenseNet121", "EfficientNetB0", "EfficientNetV2B0", "InceptionResNetV2", "InceptionV3",
    "MobileNet", "MobileNetV2", "MobileNetV3Small", "NASNetMobile", "ResNet50", "ResNet50V2", "VGG16", "VGG19",
    "Xception",
)  # fmt: skip


def rows() -> dict[str, dict[str, str]]:
    """What the page says of each architecture: a state by "format precision"."""
    head, _, *lines = re.findall(r"^\| (.+) \|$", PAGE.read_text(), re.MULTILINE)
    pairs = [f"{format} {precision}" for format, precision in formats.parse([])]
    assert head.split(" | ")[1 : 1 + len(pairs)] == pairs
    told = (line.split(" | ") for line in lines)
    return {name: dict(zip(pairs, map(state, cells[: len(pairs)]), strict=True)) for name, *cells in told}


def state(cell: str) -> str:
    """A cell of the page as the conformance run names it: a figure alone is the error of a verified file."""
    word = cell.split()[0]
    return "refused" if word == "no" else "verified" if re.fullmatch(r"\de[-+]\d\d", word) else word


def states(name: str, *to: str) -> dict[str, str]:
    (row,) = applications.verify([name], formats.parse(list(to)))
    return {f"{cell.format} {cell.precision}": cell.state for cell in row.cells}


def test_the_smallest_is_verified() -> None:
    assert set(states("MobileNet", "onnx:f32", "tflite:f32", "tflite:int8").values()) == {"verified"}


def test_a_page_is_written_again_from_what_it_tells(tmp_path: Path) -> None:
    missing = re.search(r"^Not run: (.*)\.$", PAGE.read_text(), re.MULTILINE)
    names = [*rows(), *(missing[1].split(", ") if missing else [])]
    told = applications.read(PAGE)
    assert sum(len(row.cells) for row in told) == len(rows()) * len(formats.parse([]))
    applications.write(told, names, tmp_path / "again.md")
    assert (tmp_path / "again.md").read_text() == PAGE.read_text()
    assert applications.read(tmp_path / "none.md") == []


@pytest.mark.long
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("name", [name for name in FAMILIES if name in rows()])
def test_one_of_each_family_is_as_verified_as_the_page_says(name: str) -> None:
    assert states(name) == rows()[name]


def test_the_page_knows_every_architecture_and_none_is_wrong(worker: Worker) -> None:
    names = worker.call("export.conformance.architectures:names")
    text = PAGE.read_text()
    missing = re.search(r"^Not run: (.*)\.$", text, re.MULTILINE)
    assert sorted([*rows(), *(missing[1].split(", ") if missing else [])]) == sorted(names)
    assert {state for row in rows().values() for state in row.values()} <= {"verified", "refused", "mixed", "f32"}


def test_the_long_tier_has_one_of_each_family(worker: Worker) -> None:
    families = worker.call("export.conformance.architectures:families")
    assert {families[name] for name in FAMILIES} == set(families.values())
