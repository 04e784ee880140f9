"""Stacked denoising autoencoders on handwritten digits: greedy, then the classifier alone, then the whole system.

Bengio, Lamblin, Popovici, Larochelle 2007, "Greedy layer-wise training of deep networks"; Vincent et al. 2010, "Stacked
denoising autoencoders". The card reports both: the score with only the classifier trained on the codes, and after all
of it was fine-tuned.

    python -m train stacked_autoencoder                                     a minute on 2 cores
    python -m train stacked_autoencoder --data mnist --data-dir DIR         ten minutes
"""

from __future__ import annotations

from train import handwritten
from train.fits import Greedy
from train.recipe import Goal, When

RECIPE = handwritten.recipe(
    title="Stacked denoising autoencoder",
    paper="Bengio et al. 2007, Vincent et al. 2010",
    build="models.dbn:build_dbn",
    arguments={"hidden": (500, 500, 2000), "classes": 10},
    fit=Greedy(
        pretraining="autoencoder", pretraining_epochs=8, pretraining_rate=1e-3, masking=0.25, classifier_epochs=5,
        epochs=15, batch=100, learning_rate=5e-4, weight_decay=0.02,
    ),
    when=(
        When(
            {"data": "embedded"},
            {"hidden": (256, 256), "batch": 32, "pretraining_epochs": 20, "classifier_epochs": 20, "epochs": 40,
             "shift": 2.0, "rotate": 10.0},
        ),
    ),
    tiny={"hidden": (32, 32), "pretraining_epochs": 2, "classifier_epochs": 2, "epochs": 2, "batch": 64, "shift": 0.0,
          "rotate": 0.0},
    goal=Goal(metric="accuracy", floors={"embedded": 0.95}),
    graphs={"encoder": (("image",), ("code",))},
)  # fmt: skip
