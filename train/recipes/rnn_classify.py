"""Which library a passage of documentation is from: recurrent networks, many to one.

Hochreiter, Schmidhuber 1997, "Long short-term memory", and Cho et al. 2014, "Learning phrase representations using RNN
encoder-decoder": `lstm` (the default), `gru`, `stacked` and `bidirectional`, gradients clipped (Pascanu, Mikolov,
Bengio 2013). The embedded passages are real: the docstrings of five Python packages, each source file in one split
only; telling their makers apart is hard, and the card has a bag of words beside it. `folder` reads texts of your own, a
folder a class.

    python -m train rnn_classify
    python -m train rnn_classify --set variant=gru
    python -m train rnn_classify --data folder --data-dir DIR --set classes=2
"""

from __future__ import annotations

from edgeproof.contract import Decode, Tolerance
from train import limits, texts
from train.fits import Supervised
from train.recipe import Goal, Recipe

RECIPE = Recipe(
    title="Document classification",
    paper="Hochreiter, Schmidhuber 1997; Cho et al. 2014",
    build="models.rnn:build_rnn_classify",
    arguments={
        "variant": "lstm",
        "length": 48,
        "vocabulary": 2000,
        "width": 64,
        "units": 32,
        "dropout": 0.7,
        "classes": 5,
    },
    data={"embedded": "train.data.passages", "folder": "train.data.text_folder"},
    fit=Supervised(epochs=12, batch=32, learning_rate=4e-3, weight_decay=1e-2, clip=1.0),
    tiny={"epochs": 2},
    goal=Goal(metric="accuracy", floors={"embedded": 0.65}),
    frontends=lambda settings: (texts.words(settings),),
    decode=Decode("classify", output="logits", scores="logits"),
    tolerances={"f32": Tolerance(relative=1e-5, relative_l2=1e-5, drop=0.0)},
    refused=texts.REFUSED,
    refused_of={"gru": limits.GRU},
    beside={"bag of words, logistic regression": "train.texts:bag_of_words"},
    use="Telling which of a few kinds a short English text is of, from its words and their order, for texts like those "
    "it learned from.",
    limits="It always answers with one of its classes, whatever the text; words outside its vocabulary are all alike "
    "to it, and what follows after the first 48 words it does not see.",
)
