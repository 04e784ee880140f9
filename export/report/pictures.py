"""Pictures inside the report, as data URIs."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

_INK, _LIGHT, _BLUE = "#22313f", "#d5dbe1", "#2b6cb0"
_MOST_POINTS = 6000
_MOST_CHARACTERS = 160


def scatter(reference: np.ndarray, panels: Sequence[tuple[str, np.ndarray]]) -> str:
    """Each artifact's outputs against the checkpoint's, a panel an artifact; on the diagonal they are the same."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    x = reference.ravel()
    chosen = np.arange(x.size)
    if x.size > _MOST_POINTS:
        chosen = np.random.default_rng(0).choice(x.size, _MOST_POINTS, replace=False)
    columns = min(4, len(panels))
    rows = -(-len(panels) // columns)
    plt.rcParams.update(
        {
            "font.size": 8,
            "axes.edgecolor": _LIGHT,
            "text.color": _INK,
            "xtick.color": _INK,
            "ytick.color": _INK,
            "axes.labelcolor": _INK,
        }
    )
    figure, axes = plt.subplots(rows, columns, figsize=(2.6 * columns, 2.7 * rows), layout="constrained", squeeze=False)
    ends = [float(x.min()), float(x.max())]
    for axis in axes.ravel():
        axis.set_visible(False)
    for axis, (title, values) in zip(axes.ravel(), panels, strict=False):
        axis.set_visible(True)
        axis.plot(ends, ends, color=_LIGHT, linewidth=1, zorder=0)
        axis.scatter(x[chosen], values.ravel()[chosen], s=2, color=_BLUE, alpha=0.35, linewidths=0)
        axis.set_title(title, fontsize=8, parse_math=False)
        axis.spines[["top", "right"]].set_visible(False)
    figure.supxlabel("checkpoint", fontsize=8)
    figure.supylabel("artifact", fontsize=8)
    body = io.BytesIO()
    figure.savefig(body, format="png", dpi=120, metadata={"Software": None})
    plt.close(figure)
    return _uri(body.getvalue())


def sample(raw: np.ndarray) -> str | None:
    """A raw sample as a small picture, or None if it is not one."""
    if raw.dtype != np.uint8 or raw.ndim not in (2, 3) or (raw.ndim == 3 and raw.shape[-1] not in (1, 3)):
        return None
    from PIL import Image

    body = io.BytesIO()
    Image.fromarray(raw[..., 0] if raw.ndim == 3 and raw.shape[-1] == 1 else raw).save(body, "PNG")
    return _uri(body.getvalue())


def text(raw: np.ndarray) -> str:
    """The beginning of a raw sample that is a text; "" if it is none."""
    if raw.dtype.kind != "U":
        return ""
    said = str(raw)
    return said if len(said) <= _MOST_CHARACTERS else f"{said[:_MOST_CHARACTERS]}..."


def first(samples: Mapping[str, np.ndarray], index: int) -> Any:
    """Sample `index` of the first input."""
    return next(iter(samples.values()))[index]


def _uri(png: bytes) -> str:
    return "data:image/png;base64," + base64.b64encode(png).decode()
