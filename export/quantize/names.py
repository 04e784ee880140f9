"""Keras layers by the names that converters give tensors."""

from __future__ import annotations

import re
from collections.abc import Sequence


class LayerNames:
    """Which Keras layer a tensor's name speaks of.

    The converter joins the names of fused operations with ";", each a path such as "model_1/conv_1/Relu", where a
    layer called a second time has a number more.
    """

    def __init__(self, layers: Sequence[str]) -> None:
        self._layers = set(layers)

    def of(self, label: str) -> str:
        """The last layer on the first path that names one; "" when none does."""
        for path in label.split(";"):
            found = [self._known(part) for part in path.split("/")]
            if any(found):
                return [name for name in found if name][-1]
        return ""

    def _known(self, part: str) -> str:
        if part in self._layers:
            return part
        bare = re.sub(r"_\d+$", "", part)
        return bare if bare in self._layers else ""
