"""A restricted Boltzmann machine on handwritten digits.

Hinton 2002, "Training products of experts by minimizing contrastive divergence", and 2010, "A practical guide to
training restricted Boltzmann machines", whose rules are followed: weights from N(0, 0.01), visible biases log(p/(1-p)).
The score is the share of the pixels' variance that the mean-field reconstruction explains; the card tells the
log-likelihood too. Pixels between 0 and 1 are taken for probabilities.

Chains persist from step to step (Tieleman 2008, "Training restricted Boltzmann machines using approximations to the
likelihood gradient"), without momentum, which moves the weights on faster than the chains can follow. CD-1, where it
rises from 0.5 to 0.9, reconstructs better and models worse: nothing takes away probability far from the data.

    python -m train rbm                                                     half a minute on 2 cores
    python -m train rbm --set persistent=false                              CD-1
    python -m train rbm --set visible=gaussian
    python -m train rbm --data mnist --data-dir DIR                         two minutes
"""

from __future__ import annotations

from edgeproof.contract import Frontend
from train import handwritten
from train.fits import Contrastive
from train.recipe import Goal, Settings, When


def _frontends(settings: Settings) -> tuple[Frontend, ...]:
    if settings["visible"] != "gaussian":
        return handwritten.frontends(settings)
    # MNIST's own mean and standard deviation, 0.1307 and 0.3081, for Gaussian units of mean 0 and variance 1.
    ink: dict[str, object] = {"op": "scale", "factor": 1 / (255.0 * 0.3081), "offset": -0.1307 / 0.3081}
    return (Frontend("image", "image", (*handwritten.SIZED, ink)),)


RECIPE = handwritten.unlabelled(
    title="Restricted Boltzmann machine",
    paper="Smolensky 1986, Hinton 2002",
    build="models.rbm:build_rbm",
    arguments={"hidden": 128, "visible": "bernoulli"},
    fit=Contrastive(epochs=20, batch=64, learning_rate=0.05, persistent=True, momentum_first=0.0, momentum=0.0),
    when=(
        When({"data": "embedded"}, {"epochs": 60, "batch": 32}),
        When({"persistent": False}, {"momentum_first": 0.5, "momentum": 0.9}),
        When({"visible": "gaussian"}, {"learning_rate": 0.01}),
        When({"visible": "gaussian", "persistent": False}, {"learning_rate": 0.002}),
    ),
    tiny={"epochs": 3, "batch": 32, "hidden": 32},
    goal=Goal(metric="explained variance", floors={"embedded": 0.8}),
    frontends=_frontends,
    graphs={
        "encoder": (("image",), ("hidden",)),
        "decoder": (("hidden",), ("reconstruction",)),
        "energy": (("image",), ("energy",)),
    },
)
