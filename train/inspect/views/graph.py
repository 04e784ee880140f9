"""The graph of the network: every layer with its output's shape and its parameters, branches side by side."""

from __future__ import annotations

from typing import Any

from train import drawing
from train.inspect.layout import Layout, layered
from train.inspect.subject import Picture, Subject
from train.walk import Call

_WIDE, _HIGH = 2.35, 0.62  # inches a column and a row
_LONGEST = 26
_MOST_PIXELS = 30_000  # what programs that show pictures take
_FILLS = (
    ("InputLayer", "#edf2f7"),
    ("Conv", "#bee3f8"),
    ("Dense", "#fbd38d"),
    ("RBF", "#fbd38d"),
    ("LocallyConnected", "#bee3f8"),
    ("Pool", "#c6f6d5"),
    ("Subsampling", "#c6f6d5"),
    ("Norm", "#e9d8fd"),
    ("Add", "#fed7e2"),
    ("Concatenate", "#fed7e2"),
    ("Multiply", "#fed7e2"),
)


def draw(subject: Subject) -> list[Picture]:
    """One picture, from the inputs at the top to the outputs."""
    calls = subject.calls
    layout = layered(calls)
    figure = picture(calls, layout)
    longest = max(figure.get_size_inches())
    dpi = min(110, int(_MOST_PIXELS / longest))
    total = subject.model.count_params()
    caption = f"{len(calls)} layers, {total:,} parameters. In each box the layer's name, its kind, the shape of its "
    caption += "output without the batch, and the parameters it holds."
    return [Picture("graph", drawing.png(figure, dpi=dpi), caption)]


def picture(calls: list[Call], layout: Layout) -> Any:
    """The figure; each call is one text that begins with its name."""
    width, height = _WIDE * layout.columns + 0.3, _HIGH * layout.rows + 0.3
    figure, axes = drawing.canvas(1, 1, (width, height))
    for _, points in layout.edges:
        line = [(points[0][0], points[0][1] + 0.3), *points[1:-1], (points[-1][0], points[-1][1] - 0.32)]
        axes.plot([x for x, _ in line], [y for _, y in line], color="#718096", linewidth=1, zorder=1)
        axes.plot(*line[-1], marker="v", markersize=3.5, color="#718096", zorder=1)
    for call in calls:
        column, row = layout.places[call.name]
        box = {"boxstyle": "round,pad=0.35", "facecolor": _fill(call), "edgecolor": drawing.LIGHT}
        axes.text(
            column, row, words(call), ha="center", va="center", fontsize=7.5, bbox=box, parse_math=False, zorder=2
        )
    across = [x for x, _ in layout.places.values()] + [x for _, points in layout.edges for x, _ in points]
    axes.set(xlim=(min(across) - 0.55, max(across) + 0.55), ylim=(layout.rows - 0.4, -0.6))
    drawing.bare(axes)
    return figure


def words(call: Call) -> str:
    """What a box says, in two lines."""
    shape = tuple(call.outputs[0].shape)[1:]
    sides = " x ".join("?" if side is None else str(side) for side in shape) or "1"
    more = f" (+{len(call.outputs) - 1})" if len(call.outputs) > 1 else ""
    held = f", {call.parameters:,}" if call.parameters else ""
    name = call.name if len(call.name) <= _LONGEST else call.name[: _LONGEST - 1] + "…"
    return f"{name}\n{call.kind}: {sides}{more}{held}"


def _fill(call: Call) -> str:
    return next((colour for word, colour in _FILLS if word in call.kind), "#ffffff")
