"""Pictures of a training: curves, confusion matrix, and TensorBoard's logs by flag."""

from __future__ import annotations

import importlib.util
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from edgeproof import atomic
from edgeproof.errors import Refused
from train import drawing
from train.drawing import BLUE, INK, LIGHT, ORANGE


def curves(path: Path, history: list[dict[str, float]], metric: str) -> None:
    """Loss, validation score, and a panel for every other figure that epochs tell, each by epoch."""
    epochs = np.arange(1, len(history) + 1)
    known = ("loss", "validation_loss", "validation_score", "stage")
    others = [name for name in dict.fromkeys(n for figures in history for n in figures) if name not in known]

    def line(name: str, scale: float = 1.0) -> list[float]:
        return [scale * figures.get(name, float("nan")) for figures in history]

    rows = 1 + math.ceil(len(others) / 2)
    figure, axes = drawing.canvas(rows, 2, (9, 3.4 * rows))
    panels = np.ravel(axes)
    panels[0].plot(epochs, line("loss"), color=BLUE, label="training")
    panels[0].plot(epochs, line("validation_loss"), color=ORANGE, label="validation")
    positive = all(value > 0 for name in ("loss", "validation_loss") for value in line(name) if value == value)
    panels[0].set(xlabel="epoch", ylabel="loss", yscale="log" if positive else "linear")
    panels[0].legend(frameon=False)
    panels[1].plot(epochs, line("validation_score", 100), color=ORANGE)
    panels[1].set(xlabel="epoch", ylabel=f"validation {metric} (%)")
    for panel, name in zip(panels[2:], others, strict=False):
        panel.plot(epochs, line(name), color=BLUE)
        panel.set(xlabel="epoch", ylabel=name.replace("_", " "))
    for panel in panels[2 + len(others) :]:
        panel.set_visible(False)
    ends = [i for i in range(1, len(history)) if history[i].get("stage") != history[i - 1].get("stage")]
    for panel in panels:
        panel.set_xlim(0, len(history) + 1)
        panel.xaxis.get_major_locator().set_params(integer=True)
        for end in ends:
            panel.axvline(end + 0.5, color=LIGHT, zorder=0)
    atomic.write_bytes(path, drawing.png(figure))


def tiles(path: Path, pictures: np.ndarray, columns: int, *, signed: bool = False) -> None:
    """Pictures (n, height, width) in a grid, each on its own scale from black to white.

    Args:
        signed: blue below zero, orange above, on one scale for all.
    """
    n = len(pictures)
    rows = math.ceil(n / columns)
    width = min(9.0, 0.62 * columns)
    figure, axes = drawing.canvas(rows, columns, (width, width * rows / columns))
    largest = float(np.abs(pictures).max()) or 1.0
    scale: dict[str, Any] = {"cmap": "PuOr_r", "vmin": -largest, "vmax": largest} if signed else {"cmap": "gray"}
    for index, panel in enumerate(np.ravel(axes)):
        panel.set_axis_off()
        if index < n:
            panel.imshow(pictures[index], interpolation="nearest", **scale)
    atomic.write_bytes(path, drawing.png(figure))


def planes(path: Path, titled: Mapping[str, np.ndarray], labels: np.ndarray, names: Sequence[str]) -> None:
    """Points (n, 2) in the plane, coloured by label, a panel for each title."""
    figure, axes = drawing.canvas(1, len(titled), (4.4 * len(titled), 4.2))
    for panel, (title, points) in zip(np.ravel(axes), titled.items(), strict=True):
        for label in np.unique(labels):
            chosen = labels == label
            panel.scatter(*points[chosen].T, s=6, color=f"C{label % 10}", label=names[label] if names else str(label))
        panel.set(title=title, xticks=[], yticks=[])
    np.ravel(axes)[-1].legend(frameon=False, fontsize=7, markerscale=2, loc="center left", bbox_to_anchor=(1, 0.5))
    atomic.write_bytes(path, drawing.png(figure))


def confusion(path: Path, counts: np.ndarray, labels: tuple[str, ...]) -> None:
    """Counts (label, decision); the diagonal is right, errors are the coloured cells off it."""
    from matplotlib.colors import LinearSegmentedColormap

    shown = [drawing.drawable(label) for label in labels]
    size = 1.4 + 0.42 * len(counts) + 0.06 * max(map(len, shown), default=0)
    figure, axes = drawing.canvas(1, 1, (size + 0.4, size))
    # The diagonal would drown the errors, which are what one looks for.
    errors = counts.astype(float) * (1 - np.eye(len(counts)))
    shades = LinearSegmentedColormap.from_list("errors", ["#ffffff", "#f6ad55"])
    axes.imshow(errors, cmap=shades, vmin=0, vmax=max(3.0, errors.max()))
    for (row, column), count in np.ndenumerate(counts):
        if count:
            right = row == column
            axes.text(
                column,
                row,
                str(count),
                ha="center",
                va="center",
                fontsize=8,
                color=BLUE if right else INK,
                fontweight="bold" if right else "normal",
            )
    axes.set(
        xticks=range(len(counts)),
        yticks=range(len(counts)),
        xticklabels=shown,
        yticklabels=shown,
        xlabel="decision",
        ylabel="label",
    )
    if max(map(len, shown), default=0) > 5:  # long names would run into each other
        axes.tick_params(axis="x", rotation=90)
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0)
    atomic.write_bytes(path, drawing.png(figure))


@contextmanager
def board(folder: Path | None) -> Iterator[Callable[[int, dict[str, float]], None]]:
    """A function that logs an epoch's figures for TensorBoard in `folder`, or nothing if it is None."""
    if folder is None:
        yield lambda epoch, figures: None
        return
    if importlib.util.find_spec("tensorboard") is None:
        raise Refused(
            "train: --tensorboard needs the package tensorboard.",
            received="it is not installed",
            fix="pip install tensorboard, or leave the flag out",
        )
    import tensorflow as tf

    writer = tf.summary.create_file_writer(str(folder))

    def watch(epoch: int, figures: dict[str, float]) -> None:
        with writer.as_default(step=epoch + 1):
            for name, value in figures.items():
                tf.summary.scalar(name, value)

    try:
        yield watch
    finally:
        writer.close()
