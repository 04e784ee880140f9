"""ResNet-20 on small colour pictures: 0.27 million parameters, and shortcuts around every two layers.

He, Zhang, Ren, Sun 2016, "Deep residual learning for image recognition", section 4.2, with shortcuts A as there (zeros
for new maps; `shortcut=B` has 1x1 convolutions). What differs from the paper: a cosine schedule over fewer epochs
instead of 64,000 steps with the rate divided twice; inputs from -1 to 1 instead of the pixels less their mean; weight
decay is decoupled.

    python -m train resnet                                                  four minutes on 2 cores
    python -m train resnet --data cifar10 --data-dir DIR                    hours
    python -m train resnet --set depth=32 --set shortcut=B
"""

from __future__ import annotations

from train import pictures
from train.fits import Supervised
from train.recipe import Goal, Published, When

RECIPE = pictures.recipe(
    title="ResNet, CIFAR form",
    paper="He et al. 2016",
    build="models.resnet:build_resnet",
    arguments={"depth": 20, "width": 16, "shortcut": "A", "classes": 10},
    fit=Supervised(epochs=80, batch=128, optimizer="sgd", learning_rate=0.1, weight_decay=0.005, pad=4, flip=True),
    when=(When({"data": "embedded"}, {"epochs": 4, "batch": 32, "learning_rate": 0.05, "pad": 0, "flip": False}),),
    tiny={"depth": 8, "width": 16, "epochs": 4, "batch": 64},
    goal=Goal(
        metric="accuracy",
        floors={"embedded": 0.94},
        published={"cifar10/": Published(0.9125, "He et al. 2016, table 6: 8.75% error with 20 layers")},
    ),
)
