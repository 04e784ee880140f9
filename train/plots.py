"""Pictures of a training: curves, confusion matrix, and TensorBoard's logs by flag."""

from __future__ import annotations

import importlib.util
import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from edgeproof import atomic
from edgeproof.errors import Refused

_INK, _LIGHT, _BLUE, _ORANGE = "#22313f", "#d5dbe1", "#2b6cb0", "#c05621"


def curves(path: Path, history: list[dict[str, float]], metric: str) -> None:
    """Loss on the left, validation score on the right, by epoch."""
    epochs = np.arange(1, len(history) + 1)
    figure, (left, right) = _figure(1, 2, (9, 3.4))
    left.plot(epochs, [h["loss"] for h in history], color=_BLUE, label="training")
    left.plot(epochs, [h["validation_loss"] for h in history], color=_ORANGE, label="validation")
    left.set(xlabel="epoch", ylabel="loss", yscale="log")
    left.legend(frameon=False)
    for axes in (left, right):
        axes.xaxis.get_major_locator().set_params(integer=True)
    right.plot(epochs, [100 * h["validation_score"] for h in history], color=_ORANGE)
    right.set(xlabel="epoch", ylabel=f"validation {metric} (%)")
    _save(figure, path)


def confusion(path: Path, counts: np.ndarray, labels: tuple[str, ...]) -> None:
    """Counts (label, decision); the diagonal is right, errors are the coloured cells off it."""
    from matplotlib.colors import LinearSegmentedColormap

    size = 1.4 + 0.42 * len(counts)
    figure, axes = _figure(1, 1, (size + 0.4, size))
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
                color=_BLUE if right else _INK,
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
    _save(figure, path)


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


def _figure(rows: int, columns: int, size: tuple[float, float]) -> tuple[Any, Any]:
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    plt.rcParams.update(
        {
            "font.size": 9,
            "axes.edgecolor": _LIGHT,
            "axes.labelcolor": _INK,
            "text.color": _INK,
            "xtick.color": _INK,
            "ytick.color": _INK,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.grid": False,
        }
    )
    return plt.subplots(rows, columns, figsize=size, layout="constrained")


def _save(figure: Any, path: Path) -> None:
    import matplotlib.pyplot as plt

    body = io.BytesIO()
    figure.savefig(body, format="png", dpi=110, metadata={"Software": None})
    plt.close(figure)
    atomic.write_bytes(path, body.getvalue())
