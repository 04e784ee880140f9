"""The weights that compression is about: the kernels of products, and where their channels are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from export.compress.bridge import Bridged

# attribute -> axes of its output channels, by tf-keras class. Inputs are the axis before the last, but for a depthwise
# kernel, whose inputs are its outputs.
CHANNELS: dict[str, dict[str, tuple[int, ...]]] = {
    "Conv1D": {"kernel": (-1,)},
    "Conv2D": {"kernel": (-1,)},
    "Conv3D": {"kernel": (-1,)},
    "Dense": {"kernel": (-1,)},
    "DepthwiseConv2D": {"depthwise_kernel": (-2, -1)},
    "SeparableConv2D": {"depthwise_kernel": (-2, -1), "pointwise_kernel": (-1,)},
    "Conv2DTranspose": {"kernel": (-2,)},
}
# A depthwise kernel has nine weights a channel: pruning and clustering cost it much and save nothing.
_SMALL = ("depthwise_kernel",)


@dataclass(frozen=True)
class Kernel:
    """One kernel.

    Attributes:
        layer: the tf-keras layer.
        attribute: its name there.
        variable: of tf-keras, in a bridge's pairs.
        blocks: its input channels come in fours, along the axis before the last.
    """

    layer: Any
    attribute: str
    variable: Any
    blocks: bool


def of(bridged: Bridged) -> list[Kernel]:
    """Kernels to prune and to cluster, in the order of the graph; frozen layers keep theirs."""
    found = []
    for layer in bridged.theirs.layers:
        for attribute in CHANNELS.get(type(layer).__name__, {}):
            if attribute in _SMALL or not layer.trainable:
                continue
            variable = getattr(layer, attribute)
            blocks = type(layer).__name__ in ("Conv2D", "Dense") and variable.shape[-2] % 4 == 0
            found.append(Kernel(layer, attribute, variable, blocks))
    return found
