"""A deep autoencoder on handwritten digits, 784-1000-500-250-30 and back with tied weights.

Hinton, Salakhutdinov 2006, "Reducing the dimensionality of data with neural networks". The score is the share of the
pixels' variance that the reconstruction explains; the card tells what as many principal components explain. The paper
pretrains each layer as a restricted Boltzmann machine and minimises by conjugate gradients; here it is ReLU units, He's
initialisation and AdamW, which need neither. The embedded pictures were 8x8 pixels, 64 numbers, so that their code is
10 wide. Codes of width 2 are drawn beside two principal components.

    python -m train autoencoder                                             a minute on 2 cores
    python -m train autoencoder --set widths="(1000, 500, 250, 2)"
    python -m train autoencoder --data mnist --data-dir DIR                 fifteen minutes
"""

from __future__ import annotations

from train import handwritten
from train.fits import Reconstruction
from train.recipe import Goal, When

RECIPE = handwritten.unlabelled(
    title="Deep autoencoder",
    paper="Hinton, Salakhutdinov 2006",
    build="models.autoencoder:build_autoencoder",
    arguments={"widths": (1000, 500, 250, 30), "activation": "relu", "tied": True},
    fit=Reconstruction(loss="squared", epochs=30, batch=128, learning_rate=1e-3),
    when=(When({"data": "embedded"}, {"epochs": 60, "batch": 64, "widths": (1000, 500, 250, 10)}),),
    tiny={"epochs": 2, "widths": (64, 30)},
    goal=Goal(metric="explained variance", floors={"embedded": 0.9}),
)
