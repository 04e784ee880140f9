"""Where the layers of a network stand in a picture: rows by depth, branches side by side (Sugiyama et al. 1981)."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

from train.walk import Call

_SWEEPS = 8


@dataclass(frozen=True)
class Layout:
    """Places by call, and edges as the points that they run through.

    Attributes:
        places: name -> (column, row); row 0 holds the inputs, columns are centred on 0.
        edges: ((from, to), points) with points in the same units, both ends included.
    """

    places: dict[str, tuple[float, float]]
    edges: list[tuple[tuple[str, str], list[tuple[float, float]]]]

    @property
    def rows(self) -> int:
        return 1 + int(max(row for _, row in self.places.values()))

    @property
    def columns(self) -> float:
        """From the leftmost to the rightmost place that anything takes."""
        across = [x for x, _ in self.places.values()] + [x for _, points in self.edges for x, _ in points]
        return 1 + max(across) - min(across)


def layered(calls: Sequence[Call]) -> Layout:
    """Each call one row below the lowest of those it takes from; what passes a row by gets a lane in it."""
    row: dict[str, int] = {}
    for call in calls:  # inputs first, so that every source has its row
        row[call.name] = 1 + max((row[source] for source in call.inputs), default=-1)
    ranks: list[list[str]] = [[] for _ in range(max(row.values()) + 1)]
    for name, depth in row.items():
        ranks[depth].append(name)
    above: dict[str, list[str]] = {name: [] for name in row}
    chains: dict[tuple[str, str], list[str]] = {}
    for call in calls:
        for source in call.inputs:
            lanes = [f"{source}>{call.name}@{depth}" for depth in range(row[source] + 1, row[call.name])]
            for depth, lane in enumerate(lanes, start=row[source] + 1):
                ranks[depth].append(lane)
            chain = [source, *lanes, call.name]
            chains[source, call.name] = chain
            for upper, lower in itertools.pairwise(chain):
                above.setdefault(lower, []).append(upper)
    order(ranks, above)
    column = _columns(ranks, above, set(row))
    places = {name: (column[name], float(depth)) for name, depth in row.items()}
    edges = []
    for (source, end), chain in chains.items():
        points = [(column[name], float(row[source] + i)) for i, name in enumerate(chain)]
        edges.append(((source, end), points))
    return Layout(places, edges)


def order(ranks: list[list[str]], above: dict[str, list[str]]) -> None:
    """Sort each row by the mean position of the neighbours, down and up in turn, so that few edges cross."""
    below: dict[str, list[str]] = {}
    for lower, uppers in above.items():
        for upper in uppers:
            below.setdefault(upper, []).append(lower)
    for sweep in range(_SWEEPS):
        down = sweep % 2 == 0
        neighbours = above if down else below
        position = {name: i for rank in ranks for i, name in enumerate(rank)}
        for rank in ranks if down else ranks[::-1]:
            middle = {
                name: sum(position[n] for n in near) / len(near) if (near := neighbours.get(name)) else position[name]
                for name in rank
            }
            rank.sort(key=lambda name: middle[name])
            position.update({name: i for i, name in enumerate(rank)})


def _columns(ranks: list[list[str]], above: dict[str, list[str]], layers: set[str]) -> dict[str, float]:
    """A layer takes one column, a lane half of one; rows are centred, then moved under what they hang from."""
    column: dict[str, float] = {}
    for rank in ranks:
        widths = [1.0 if name in layers else 0.5 for name in rank]
        left = -sum(widths) / 2
        for name, width in zip(rank, widths, strict=True):
            column[name] = left + width / 2
            left += width
        wished = [column[upper] for name in rank for upper in above.get(name, ()) if upper in column]
        own = [column[name] for name in rank for _ in above.get(name, ())]
        if wished:
            shift = sum(wished) / len(wished) - sum(own) / len(own)
            for name in rank:
                column[name] += shift
    return column
