"""The hard sigmoid of Keras 1 and 2, which Keras 3 gave another slope."""

from typing import Any

import keras


@keras.saving.register_keras_serializable(package="edgeproof", name="hard_sigmoid_0_2")
def hard_sigmoid_0_2(x: Any) -> Any:
    """clip(0.2x + 0.5, 0, 1), any shape in, the same shape out; `hard_sigmoid` of Keras 3 is clip(x/6 + 0.5, 0, 1)."""
    return keras.ops.clip(0.2 * x + 0.5, 0.0, 1.0)
