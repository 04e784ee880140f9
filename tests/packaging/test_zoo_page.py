"""docs/zoo.md is of the recipes that there are."""

import re
from pathlib import Path

import pytest

from train import registry

PAGE = Path(__file__).resolve().parents[2] / "docs" / "zoo.md"


def rows() -> dict[str, list[str]]:
    """Cells of each system's row, by its name."""
    found = {}
    for line in PAGE.read_text().splitlines():
        name = re.match(r"\| \[(\w+)\]\(\.\./train/recipes/\1\.py\) \|", line)
        if name:
            found[name[1]] = [cell.strip() for cell in line.strip("|").split("|")]
    return found


def test_every_recipe_has_its_row_and_no_other() -> None:
    assert sorted(rows()) == sorted(registry.names())


@pytest.mark.parametrize("name", registry.names())
def test_a_row_tells_what_the_recipe_says_and_leaves_nothing_empty(name: str) -> None:
    cells = rows()[name]
    assert registry.load(name).paper in cells
    assert f"`python -m train {name}`" in cells
    assert all(cells)
    verified, whole = map(int, re.findall(r"\d+", cells[-2]))
    assert 0 < verified <= whole
    # Whatever is not verified is explained below the table.
    told = PAGE.read_text().count(f"\n- `{name}` as ")
    assert told == whole - verified
