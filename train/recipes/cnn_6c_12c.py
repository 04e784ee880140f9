"""The 6c-2s-12c-2s network on handwritten digits: two convolutions, mean pooling, 3,898 parameters.

Palm 2012, "Prediction as a candidate for learning deep hierarchical models of data", whose toolbox made it the first
convolutional network of many a student; its shape goes back to LeCun et al. 1989. The toolbox minimises the squared
error of ten sigmoids by plain gradient descent; here it is cross-entropy, AdamW and a cosine schedule.

    python -m train cnn_6c_12c                                              a minute on 2 cores
    python -m train cnn_6c_12c --data mnist --data-dir DIR                  three minutes
    python -m train cnn_6c_12c --set activation=relu
"""

from __future__ import annotations

from train import handwritten
from train.fits import Supervised
from train.recipe import Goal, When

RECIPE = handwritten.recipe(
    title="6c-2s-12c-2s network",
    paper="LeCun et al. 1989, Palm 2012",
    build="models.cnn_6c_12c:build_cnn_6c_12c",
    arguments={"activation": "sigmoid", "classes": 10},
    fit=Supervised(epochs=20, batch=64, learning_rate=5e-3),
    when=(When({"data": "embedded"}, {"epochs": 60, "batch": 32, "learning_rate": 1e-2}),),
    tiny={"epochs": 2, "batch": 32, "learning_rate": 1e-2},
    goal=Goal(metric="accuracy", floors={"embedded": 0.965, "mnist": 0.985}),
)
