"""Sparse coding of natural pictures: a dictionary of edges, and an encoder that finds its codes in a few steps.

Olshausen, Field 1996, "Emergence of simple-cell receptive field properties by learning a sparse code for natural
images", by alternating LASSO (FISTA) and dictionary update; Gregor, LeCun 2010, "Learning fast approximations of sparse
coding", for the encoder, LISTA, which is what is deployed. Patches lose their mean and are not whitened. The score is
the share of variance that the code gives back; the card tells the objective beside FISTA's.

    python -m train sparse_coding                                           a minute on 2 cores
"""

from __future__ import annotations

from edgeproof.contract import Decode, Frontend, Tolerance
from train.fits import Dictionary
from train.recipe import Goal, Recipe

RECIPE = Recipe(
    title="Sparse coding",
    paper="Olshausen, Field 1996, Gregor, LeCun 2010",
    build="models.lista:build_lista",
    arguments={"features": 64, "atoms": 128, "unrolled": 3, "sparsity": 0.3},
    data={"embedded": "train.data.patches"},
    fit=Dictionary(),
    tiny={"atoms": 32, "dictionary_epochs": 3, "epochs": 3, "iterations": 50},
    goal=Goal(metric="explained variance", floors={"embedded": 0.8}),
    frontends=lambda settings: (Frontend("patch", "array"),),
    decode=Decode("reconstruct", output="reconstruction"),
    graphs={
        "encoder": (("patch",), ("code",)),
        "decoder": (("code",), ("reconstruction",)),
        "energy": (("patch",), ("cost",)),
    },
    # A range ends where the calibration samples' costs end; that of a patch with more in it stays there.
    tolerances={
        "f32": Tolerance(relative=1e-5, relative_l2=1e-5, drop=1e-3),
        "int16x8": Tolerance(relative_l2=0.1, drop=0.5),
    },
    use="Describing small patches of photographs by a few of many edges: codes for patches, patches from codes, and "
    "how much a patch costs to describe.",
    limits="Patches must have 8x8 pixels in grey values, without their mean, on the scale of the training patches. Two "
    "photographs are all that it has seen.",
)
