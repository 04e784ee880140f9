"""Drawings of the report that follow from numbers alone, as SVG: the front of sizes and losses, and histograms."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup, escape

_BLUE, _SOFT, _INK, _GOOD, _BAD = "#2b6cb0", "#b9c4ce", "#1f2d3a", "#21794b", "#b42318"


def front(trials: Sequence[Mapping[str, Any]], best: Sequence[int], limit: float | None) -> Markup:
    """Bytes against points lost, a dot a plan with its interval; `best` joined by a line, the limit across."""
    width, height, left, bottom, top, right = 860, 320, 62, 46, 16, 24
    sizes = [trial["bytes"] for trial in trials]
    lows, highs = [t["interval"][0] for t in trials], [t["interval"][1] for t in trials]
    # One plan that collapses must not squeeze all others into a line: what lies beyond is drawn at the edge.
    ceiling = max(sorted(highs)[int(0.8 * (len(highs) - 1))] * 1.15, (limit or 0) * 1.6, 0.5)
    floor = min([*lows, 0.0, -0.1])
    span = max(max(sizes) - min(sizes), 0.02 * max(sizes), 1)
    first = min(sizes) - 0.08 * span

    def x(size: float) -> float:
        return left + (size - first) / (1.16 * span) * (width - left - right)

    def y(points: float) -> float:
        kept = min(max(points, floor), ceiling)
        return top + (ceiling - kept) / (ceiling - floor) * (height - top - bottom)

    parts = [
        f'<svg viewBox="0 0 {width} {height}" width="100%" role="img" aria-label="Bytes against points of score lost">'
    ]
    for i in range(5):
        points = floor + (ceiling - floor) * i / 4
        parts.append(_line(left, y(points), width - right, y(points), "#e3e8ed"))
        parts.append(_text(left - 8, y(points) + 4, f"{points:+.1f}", "end"))
        size = first + 1.16 * span * i / 4
        parts.append(_text(x(size), height - bottom + 18, f"{size / 1000:,.1f} kB", "middle"))
    if limit is not None:
        parts.append(_line(left, y(limit), width - right, y(limit), _BAD, "6 4"))
        parts.append(_text(width - right, y(limit) - 5, f"budget {limit:g} points", "end", _BAD))
    joined = " ".join(f"{x(sizes[i]):.1f},{y(trials[i]['drop']):.1f}" for i in best)
    parts.append(f'<polyline points="{joined}" fill="none" stroke="{_SOFT}" stroke-width="1.5"/>')
    for trial in trials:
        at, colour = x(trial["bytes"]), _GOOD if trial["within"] else _BAD
        parts.append(_line(at, y(trial["interval"][0]), at, y(trial["interval"][1]), colour, width=1.2))
        said = f"{trial['said']}: {trial['bytes']:,} bytes, {trial['drop']:+.2f} points"
        dot = f'<circle cx="{at:.1f}" cy="{y(trial["drop"]):.1f}" r="4.5" fill="{colour}">'
        parts.append(f"{dot}<title>{escape(said)}</title></circle>")
    parts.append(_text((left + width) / 2, height - 6, "bytes of the file", "middle"))
    parts.append(_text(14, 12, "points lost", "start"))
    return Markup("".join(parts) + "</svg>")


def histogram(values: Mapping[str, Any] | None) -> Markup:
    """Bars of a distribution; what lies outside the chosen range is drawn in red, the range as ticks."""
    if not values:
        return Markup("")
    width, height = 190, 34
    low, high, bars = values["low"], values["high"], values["bars"]
    span = (high - low) or 1.0
    step = width / len(bars)
    parts = [
        f'<svg viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img" aria-label="histogram">'
    ]
    for i, bar in enumerate(bars):
        centre = low + span * (i + 0.5) / len(bars)
        colour = _BLUE if values["range"][0] <= centre <= values["range"][1] else _BAD
        # The square root shows the tails, which is where ranges are chosen.
        tall = (height - 6) * bar**0.5
        place = f'x="{i * step:.1f}" y="{height - 3 - tall:.1f}" width="{step * 0.85:.1f}" height="{tall:.1f}"'
        parts.append(f'<rect {place} fill="{colour}"/>')
    for end in values["range"]:
        at = min(max((end - low) / span * width, 0.5), width - 0.5)
        parts.append(_line(at, 0, at, height - 2, _INK))
    parts.append(_line(0, height - 2.5, width, height - 2.5, _SOFT))
    return Markup("".join(parts) + "</svg>")


def _line(x1: float, y1: float, x2: float, y2: float, colour: str, dashes: str = "", width: float = 1) -> str:
    dashed = f' stroke-dasharray="{dashes}"' if dashes else ""
    ends = f'x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"'
    return f'<line {ends} stroke="{colour}" stroke-width="{width}"{dashed}/>'


def _text(x: float, y: float, text: str, anchor: str, colour: str = "#5c6b7a") -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" font-size="11.5" fill="{colour}" text-anchor="{anchor}">{escape(text)}</text>'
    )
