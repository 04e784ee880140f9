"""Keras layers by the names that converters give tensors."""

from __future__ import annotations

import re
from collections.abc import Mapping


class LayerNames:
    """Which Keras layer a tensor's name speaks of.

    The converter joins the names of fused operations with ";", each a path such as "model_1/conv_1/Relu", where a
    layer called a second time has a number more.
    """

    def __init__(self, layers: Mapping[str, bool]) -> None:
        """`layers`: names, and whether the layer has a kernel."""
        self._layers = layers

    def of(self, label: str) -> str:
        """The first layer with a kernel, into which what follows was fused; else the last on the first path that
        names one; "" when none does."""
        paths = [[name for part in path.split("/") if (name := self._known(part))] for path in label.split(";")]
        kernels = [name for path in paths for name in path if self._layers[name]]
        return kernels[0] if kernels else next((path[-1] for path in paths if path), "")

    def _known(self, part: str) -> str:
        if part in self._layers:
            return part
        bare = re.sub(r"_\d+$", "", part)
        return bare if bare in self._layers else ""
