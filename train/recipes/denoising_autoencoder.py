"""A denoising autoencoder on handwritten digits: pictures with a quarter of the pixels missing, made whole.

Vincent, Larochelle, Bengio, Manzagol 2008, "Extracting and composing robust features with denoising autoencoders".
One layer of more units than there is to describe, tied weights, cross-entropy. The corruption is masking, as in the
paper, or Gaussian noise; the score is on clean pictures, and the card tells how much of corrupted ones comes back.

    python -m train denoising_autoencoder                                   half a minute on 2 cores
    python -m train denoising_autoencoder --set masking=0.0 --set noise=0.5
    python -m train denoising_autoencoder --data mnist --data-dir DIR       three minutes
"""

from __future__ import annotations

from train import handwritten
from train.fits import Reconstruction
from train.recipe import Goal, When

RECIPE = handwritten.unlabelled(
    title="Denoising autoencoder",
    paper="Vincent et al. 2008",
    build="models.autoencoder:build_denoising_autoencoder",
    arguments={"widths": (500,), "tied": True},
    fit=Reconstruction(epochs=20, batch=128, masking=0.25),
    when=(When({"data": "embedded"}, {"epochs": 60, "batch": 64}),),
    tiny={"epochs": 2, "widths": (64,)},
    goal=Goal(metric="explained variance", floors={"embedded": 0.85}),
)
