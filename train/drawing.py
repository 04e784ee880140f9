"""How every picture of the workshop looks: ink, colours, axes, and the bytes of a PNG."""

from __future__ import annotations

import io
import unicodedata
from typing import Any

INK, LIGHT, BLUE, ORANGE = "#22313f", "#d5dbe1", "#2b6cb0", "#c05621"
# In the order in which lines of one picture take them; told apart in grey and by the colour-blind as well.
COLOURS = (BLUE, ORANGE, "#2f855a", "#805ad5", "#b83280", "#718096", "#b7791f", "#319795", "#22313f")


def canvas(rows: int, columns: int, size: tuple[float, float], **options: Any) -> tuple[Any, Any]:
    """A figure of rows x columns axes, `size` in inches."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    plt.rcParams.update(
        {
            "font.size": 9,
            "axes.edgecolor": LIGHT,
            "axes.labelcolor": INK,
            "text.color": INK,
            "xtick.color": INK,
            "ytick.color": INK,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.grid": False,
        }
    )
    return plt.subplots(rows, columns, figsize=size, layout="constrained", **options)


def png(figure: Any, *, dpi: int = 110, colours: int | None = None) -> bytes:
    """The figure's bytes, the same for the same figure; the figure is closed.

    `colours` of a palette are enough for lines and take a third of the room.
    """
    import matplotlib.pyplot as plt

    body = io.BytesIO()
    figure.savefig(body, format="png", dpi=dpi, metadata={"Software": None})
    plt.close(figure)
    if colours is None:
        return body.getvalue()
    from PIL import Image

    small = io.BytesIO()
    Image.open(body).convert("RGB").quantize(colours, dither=Image.Dither.NONE).save(small, "PNG", optimize=True)
    return small.getvalue()


def drawable(label: str) -> str:
    """A label as pictures can show it: the names of characters that the font lacks, such as emoji, in their place."""
    from matplotlib import font_manager

    font = font_manager.get_font(font_manager.findfont(font_manager.FontProperties()))
    marks = [char for char in label if not unicodedata.category(char).startswith("M")]  # a selector draws nothing
    if all(font.get_char_index(ord(char)) for char in marks):
        return "".join(marks)
    return " ".join(unicodedata.name(char, "?").lower() for char in marks)


def band(axes: Any, x: Any, middle: Any, low: Any, high: Any, *, color: str, label: str = "", **line: Any) -> None:
    """A line with its interval shaded."""
    axes.plot(x, middle, color=color, label=label or None, **line)
    axes.fill_between(x, low, high, color=color, alpha=0.18, linewidth=0)


def bare(axes: Any) -> None:
    """No frame, no ticks: the axes hold a picture."""
    axes.set(xticks=[], yticks=[])
    axes.spines[:].set_visible(False)
