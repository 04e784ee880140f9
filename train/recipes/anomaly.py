"""Anomaly detection by an autoencoder's error: it is taught what is normal, and fails at everything else.

Sakurada, Yairi 2014, "Anomaly detection using autoencoders with nonlinear dimensionality reduction"; the network is
that of MLPerf Tiny's benchmark (Banbury et al. 2021), smaller for the embedded data: handwritten zeros are normal, the
other digits anomalies. The score is the area under the ROC curve, a window at a time, where the benchmark takes the
mean over a sound. The threshold lies where the errors of 99% of the training samples end.

    python -m train anomaly                                                 seconds on 2 cores
    python -m train anomaly --data ad01 --data-dir ToyCar
"""

from __future__ import annotations

from edgeproof.contract import Decode, Frontend, Tolerance
from train.fits import Reconstruction
from train.recipe import Goal, Recipe, When

RECIPE = Recipe(
    title="Anomaly detector",
    paper="Sakurada, Yairi 2014",
    build="models.autoencoder:build_anomaly",
    arguments={"features": 64, "hidden": (128, 128), "code": 8},
    data={"embedded": "train.data.one_digit", "ad01": "train.data.ad01"},
    fit=Reconstruction(loss="squared", epochs=100, batch=512),
    when=(
        When({"data": "ad01"}, {"features": 640, "hidden": (128, 128, 128, 128)}),
        When({"data": "embedded"}, {"hidden": (64, 32), "batch": 32, "epochs": 150}),
    ),
    tiny={"hidden": (32,), "epochs": 4},
    goal=Goal(metric="auc", floors={"embedded": 0.95}),
    frontends=lambda settings: (Frontend("features", "array"),),
    decode=Decode("detect", output="error"),
    labels=("normal", "anomaly"),
    graphs={
        "encoder": (("features",), ("code",)),
        "decoder": (("code",), ("reconstruction",)),
        "score": (("features",), ("error",)),
    },
    # The score is no share of whole samples: roundings move it, by less than this.
    # A range ends where the calibration samples' errors end; a larger one stays there, and is decided all the same.
    tolerances={
        "f32": Tolerance(relative=1e-5, relative_l2=1e-5, drop=1e-3),
        "int16x8": Tolerance(relative_l2=0.1, drop=0.5, agreement=0.98),
    },
    use="Telling whether a window of features, of a machine's sound or another signal of which only normal samples are "
    "at hand, is like those that it was trained on.",
    limits="It knows nothing of what an anomaly is: whatever is rare in training counts as one, and an anomaly that is "
    "easy to reproduce passes. The threshold is that of the training samples' own errors.",
)
