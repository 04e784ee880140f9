"""A deep belief network on handwritten digits: restricted Boltzmann machines one above the other, then labels.

Hinton, Osindero, Teh 2006, "A fast learning algorithm for deep belief nets". Each hidden layer is taught by contrastive
divergence on what the layer below gives; then the whole is fine-tuned by back-propagation, where the paper has the
up-down algorithm and joint top-level memory. The paper's 1.25% error is of that network and of digits as they are; here
fine-tuning moves them by up to a pixel and turns them a little. `pretraining=none` is the same network without it,
`labelled` the share of labels that may be seen; `python -m train.study pretraining` compares them.

    python -m train dbn                                                     a minute on 2 cores
    python -m train dbn --set pretraining=none --set labelled=0.1
    python -m train dbn --data mnist --data-dir DIR                         twelve minutes
"""

from __future__ import annotations

from train import handwritten
from train.fits import Greedy
from train.recipe import Goal, Published, When

RECIPE = handwritten.recipe(
    title="Deep belief network",
    paper="Hinton et al. 2006",
    build="models.dbn:build_dbn",
    arguments={"hidden": (500, 500, 2000), "classes": 10},
    fit=Greedy(pretraining_epochs=10, epochs=15, batch=100, learning_rate=5e-4, weight_decay=0.02),
    when=(
        When(
            {"data": "embedded"},
            {"hidden": (256, 256), "batch": 32, "pretraining_epochs": 20, "epochs": 40, "shift": 2.0, "rotate": 10.0},
        ),
        When({"data": "mnist"}, {"epochs": 20, "shift": 1.0, "rotate": 5.0}),
    ),
    tiny={"hidden": (32, 32), "pretraining_epochs": 2, "epochs": 2, "batch": 64, "shift": 0.0, "rotate": 0.0},
    goal=Goal(
        metric="accuracy",
        floors={"embedded": 0.95, "mnist": 0.985},
        published={"mnist/": Published(0.9875, "Hinton et al. 2006, table 1: 1.25% error, up-down fine-tuning")},
    ),
    graphs={"encoder": (("image",), ("code",))},
)
