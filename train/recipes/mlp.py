"""A multilayer perceptron on handwritten digits.

Rumelhart, Hinton, Williams 1986, "Learning representations by back-propagating errors". Two hidden layers by default;
`hidden` takes any number of them, `activation`, `initialisation`, `l2`, `dropout` and `batch_norm` what is compared in
textbooks. Trained with AdamW and a cosine schedule, where the paper has steepest descent with momentum.

    python -m train mlp                                                     seconds on 2 cores
    python -m train mlp --data mnist --data-dir DIR                         a minute
    python -m train mlp --set hidden="(30,)" --set activation=sigmoid --set initialisation=xavier
"""

from __future__ import annotations

from train import handwritten
from train.fits import Supervised
from train.recipe import Goal, When

RECIPE = handwritten.recipe(
    title="Multilayer perceptron",
    paper="Rumelhart et al. 1986",
    build="models.mlp:build_mlp",
    arguments={
        "hidden": (256, 128),
        "activation": "relu",
        "initialisation": "he",
        "l2": 0.0,
        "dropout": 0.2,
        "batch_norm": False,
        "classes": 10,
    },
    fit=Supervised(epochs=30, batch=128, learning_rate=1e-3, weight_decay=0.01),
    when=(When({"data": "embedded"}, {"epochs": 60, "batch": 32, "shift": 2.0, "rotate": 10.0}),),
    tiny={"epochs": 2, "batch": 64, "shift": 0.0, "rotate": 0.0},
    goal=Goal(metric="accuracy", floors={"embedded": 0.965, "mnist": 0.983}),
)
