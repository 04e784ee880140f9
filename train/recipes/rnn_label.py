"""What a wrist does, time step by time step: recurrent networks, many to many.

Graves, Schmidhuber 2005, "Framewise phoneme classification with bidirectional LSTM and other neural network
architectures": a label for each frame. `lstm` (the default), `gru` and `stacked` see what has been and can follow a
stream (`python -m export saved/rnn_label --streaming`); `bidirectional` sees what comes too. The embedded accelerations
are made by a generator.

    python -m train rnn_label
    python -m train rnn_label --set variant=bidirectional
"""

from __future__ import annotations

from edgeproof.contract import Decode, Tolerance
from train import limits, series
from train.fits import Supervised
from train.recipe import Goal, Recipe

RECIPE = Recipe(
    title="Labels of time steps",
    paper="Graves, Schmidhuber 2005",
    build="models.rnn:build_rnn_label",
    arguments={"variant": "lstm", "length": 128, "columns": 3, "units": 40, "dropout": 0.2, "classes": 5},
    data={"embedded": "train.data.motion"},
    fit=Supervised(epochs=15, batch=32, learning_rate=5e-3, weight_decay=1e-3, clip=1.0),
    tiny={"epochs": 2},
    goal=Goal(metric="accuracy a step", floors={"embedded": 0.85}),
    frontends=lambda settings: (series.columns(settings["length"]),),
    decode=Decode("label", output="logits", scores="logits"),
    tolerances={"f32": Tolerance(relative=1e-5, relative_l2=1e-5, drop=0.0)},
    refused_of={"gru": limits.GRU},
    use="Telling what a wrist does at each twentieth of a second, one of five activities, from its acceleration along "
    "three axes; a stream can be followed as it comes.",
    limits="It has felt nothing but a generator's motions: no real wrist moves like them. It always says one of its "
    "five activities, and the first steps after a change are often still called by the activity before.",
)
