"""Keras layers by the names that converters give tensors."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from export.quantize.flat import Flat


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

    def owner(self, flat: Flat, operator: Any) -> str:
        """The layer that an operator belongs to: by its output, which at the end of a graph has another name, or by
        its constants."""
        found = self.of(flat.label(int(operator.outputs[0])))
        constants = [int(t) for t in operator.inputs if t >= 0 and flat.constant(int(t)) is not None]
        return found or next((name for t in constants if (name := self.of(flat.label(t)))), "")

    def _known(self, part: str) -> str:
        if part in self._layers:
            return part
        bare = re.sub(r"_\d+$", "", part)
        return bare if bare in self._layers else ""
