"""A vector for each item beside that of a user, as a layer."""

from __future__ import annotations

from typing import Any

import keras


@keras.saving.register_keras_serializable(package="edgeproof")
class ItemTable(keras.layers.Layer):
    """Adds a vector of its own for each item: (batch, width) -> (batch, items, width).

    It is what a dense layer over a user's and an item's vectors, joined, adds up before its activation, for all items
    at once: the item's part and the bias are constants, so that nothing is looked up, tiled or joined.

    Args:
        items: number of rows.

    Raises:
        ValueError: no items.
    """

    def __init__(self, items: int, **options: Any) -> None:
        super().__init__(**options)
        if items < 1:
            raise ValueError(f"ItemTable: there must be an item or more. Received: {items}")
        self.items = int(items)

    def build(self, shape: Any) -> None:
        self.vectors = self.add_weight(shape=(self.items, shape[-1]), initializer="glorot_uniform", name="vectors")

    def call(self, inputs: Any) -> Any:
        return keras.ops.expand_dims(inputs, 1) + self.vectors

    def compute_output_shape(self, shape: Any) -> Any:
        return (shape[0], self.items, shape[-1])

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "items": self.items}
