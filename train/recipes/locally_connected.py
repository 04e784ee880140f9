"""Local connectivity without weight sharing on handwritten digits, beside a convolution and a dense network.

LeCun 1989, "Generalization and network design strategies", which shows on digits that fewer free weights of the right
kind learn more from the same samples. Three variants of equal width: `local` (default), `shared` and `dense`. Widths,
ReLU, AdamW and the data are ours, so the paper's own figures are not comparable.

    python -m train locally_connected                                       a minute on 2 cores
    python -m train locally_connected --set variant=shared
    python -m train locally_connected --data mnist --data-dir DIR --set variant=dense
"""

from __future__ import annotations

from train import handwritten
from train.fits import Supervised
from train.recipe import Goal, When

RECIPE = handwritten.recipe(
    title="Locally connected network",
    paper="LeCun 1989",
    build="models.locally_connected:build_locally_connected",
    arguments={"variant": "local", "classes": 10},
    fit=Supervised(epochs=15, batch=64, learning_rate=2e-3, weight_decay=0.05),
    when=(When({"data": "embedded"}, {"epochs": 60, "batch": 32, "shift": 2.0, "rotate": 10.0}),),
    tiny={"epochs": 2, "batch": 64, "shift": 0.0, "rotate": 0.0},
    goal=Goal(metric="accuracy", floors={"embedded": 0.96}),
    refused={"tflite:int16x8": "with 16-bit activations the kernels of a batched product must be 16 bits too"},
)
