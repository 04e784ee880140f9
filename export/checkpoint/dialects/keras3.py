"""Operations in .h5 files of Keras 3, which say of each only its class, and of `Add` not whether it is the layer.

`x + 3.0` and `keras.ops.mean(x)` become operations between a functional model's layers. The .keras format keeps the
module that each comes from; the HDF5 format leaves it out, and Keras then looks for a layer of that name: what it
finds takes no constants, or there is none, and so no Keras reads back the .h5 that it wrote of such a model
(keras.applications' MobileNetV3 is one).
"""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Mapping
from typing import Any

from export.checkpoint.dialects.notes import Notes, layers


def convert(architecture: dict[str, Any], operations: Mapping[str, str], notes: Notes) -> dict[str, Any]:
    """The architecture, where operations have their modules again; itself where none lacks one.

    Args:
        operations: class of an operation -> its module.
    """
    if not any(_is_operation(entry, operations) for entry in layers(architecture)):
        return architecture
    architecture = copy.deepcopy(architecture)
    found: Counter[str] = Counter()
    for entry in layers(architecture):
        if _is_operation(entry, operations):
            entry["module"], entry["registered_name"] = operations[entry["class_name"]], None
            found[entry["class_name"]] += 1
    said = ", ".join(f"{kind} {n} times" if n > 1 else kind for kind, n in sorted(found.items()))
    notes.tell(f"operations, whose modules the HDF5 format leaves out: {said}")
    return architecture


def _is_operation(entry: dict[str, Any], operations: Mapping[str, str]) -> bool:
    """A layer says whether it is trained and in which dtype, an operation neither."""
    plain = "module" not in entry and not entry.get("registered_name") and "inbound_nodes" in entry
    return plain and entry["class_name"] in operations and not {"trainable", "dtype"} & set(entry["config"])
