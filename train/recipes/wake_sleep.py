"""A Helmholtz machine on handwritten digits, taught by the wake-sleep algorithm.

Hinton, Dayan, Frey, Neal 1995, "The wake-sleep algorithm for unsupervised neural networks". One network recognizes,
another generates; awake, what is recognized teaches the one that generates, asleep, what is dreamt teaches the one that
recognizes, each by the local delta rule. The paper's own pictures are 8x8; here they are enlarged to 28x28. The score
is the share of the pixels' variance that comes back from the top layer's means; the card shows dreams.

    python -m train wake_sleep                                              a minute on 2 cores
    python -m train wake_sleep --data mnist --data-dir DIR                  five minutes
"""

from __future__ import annotations

from train import handwritten
from train.fits import WakeSleep
from train.recipe import Goal, When

RECIPE = handwritten.unlabelled(
    title="Helmholtz machine",
    paper="Hinton et al. 1995",
    build="models.helmholtz:build_helmholtz",
    arguments={"hidden": (200, 50)},
    fit=WakeSleep(epochs=30, batch=32, learning_rate=0.1),
    when=(When({"data": "embedded"}, {"epochs": 80, "batch": 16}),),
    tiny={"epochs": 3, "hidden": (32, 16)},
    goal=Goal(metric="explained variance", floors={"embedded": 0.65}),
    graphs={
        "encoder": (("image",), ("code",)),
        "decoder": (("code",), ("reconstruction",)),
        "energy": (("image",), ("cost",)),
    },
)
