"""Pictures of a training: curves, confusion matrix, and TensorBoard's logs by flag."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from edgeproof import atomic
from edgeproof.errors import Refused
from train import drawing
from train.drawing import BLUE, INK, ORANGE


def curves(path: Path, history: list[dict[str, float]], metric: str) -> None:
    """Loss on the left, validation score on the right, by epoch."""
    epochs = np.arange(1, len(history) + 1)
    figure, (left, right) = drawing.canvas(1, 2, (9, 3.4))
    left.plot(epochs, [h["loss"] for h in history], color=BLUE, label="training")
    left.plot(epochs, [h["validation_loss"] for h in history], color=ORANGE, label="validation")
    left.set(xlabel="epoch", ylabel="loss", yscale="log")
    left.legend(frameon=False)
    for axes in (left, right):
        axes.xaxis.get_major_locator().set_params(integer=True)
    right.plot(epochs, [100 * h["validation_score"] for h in history], color=ORANGE)
    right.set(xlabel="epoch", ylabel=f"validation {metric} (%)")
    atomic.write_bytes(path, drawing.png(figure))


def confusion(path: Path, counts: np.ndarray, labels: tuple[str, ...]) -> None:
    """Counts (label, decision); the diagonal is right, errors are the coloured cells off it."""
    from matplotlib.colors import LinearSegmentedColormap

    size = 1.4 + 0.42 * len(counts)
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
        xticklabels=labels,
        yticklabels=labels,
        xlabel="decision",
        ylabel="label",
    )
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
