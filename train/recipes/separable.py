"""One small network in four forms of convolution: ordinary, depthwise, spatially separable, grouped.

Depthwise: Sifre 2014, Chollet 2017, "Xception: deep learning with depthwise separable convolutions". Spatial: Szegedy
et al. 2016, "Rethinking the Inception architecture for computer vision", section 3.2. Grouped: Krizhevsky et al. 2012.
The network is ours, and small: what the forms cost and learn is compared, not what papers report.
`models.cost.multiply_accumulates` counts what each costs.

    python -m train separable                                               two minutes on 2 cores
    python -m train separable --set variant=depthwise
    python -m train separable --data cifar10 --data-dir DIR --set variant=spatial
"""

from __future__ import annotations

from train import pictures
from train.fits import Supervised
from train.recipe import Goal, When

RECIPE = pictures.recipe(
    title="Network of separable convolutions",
    paper="Sifre 2014, Szegedy et al. 2016",
    build="models.separable:build_separable",
    arguments={"variant": "ordinary", "classes": 10},
    fit=Supervised(epochs=30, batch=64, learning_rate=3e-3, weight_decay=0.05, pad=4, flip=True),
    when=(When({"data": "embedded"}, {"epochs": 10, "pad": 0, "flip": False}),),
    tiny={"epochs": 2, "batch": 128},
    goal=Goal(metric="accuracy", floors={"embedded": 0.95, "embedded/depthwise": 0.92, "embedded/grouped": 0.94}),
)
