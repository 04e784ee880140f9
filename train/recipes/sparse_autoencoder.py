"""A sparse autoencoder on handwritten digits: many code units, few of them on at a time.

Ng 2011, "Sparse autoencoder": a penalty on the Kullback-Leibler divergence of each unit's mean activation from a small
one; or, with `kl=0.0 l1=0.001`, a penalty on the sum of ReLU codes. Squared error and AdamW, weights not tied.

    python -m train sparse_autoencoder                                      half a minute on 2 cores
    python -m train sparse_autoencoder --set kl=0.0 --set l1=0.001
    python -m train sparse_autoencoder --data mnist --data-dir DIR          three minutes
"""

from __future__ import annotations

from train import handwritten
from train.fits import Reconstruction
from train.recipe import Goal, When

RECIPE = handwritten.unlabelled(
    title="Sparse autoencoder",
    paper="Ng 2011",
    build="models.autoencoder:build_sparse_autoencoder",
    arguments={"widths": (256,), "kl": 1.0, "rate": 0.05, "l1": 0.0},
    fit=Reconstruction(loss="squared", epochs=20, batch=128),
    when=(When({"data": "embedded"}, {"epochs": 60, "batch": 64}),),
    tiny={"epochs": 2, "widths": (64,)},
    goal=Goal(metric="explained variance", floors={"embedded": 0.72}),
)
