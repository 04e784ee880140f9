"""How good an opinion is, read along its tree: a recursive neural tensor network.

Socher et al. 2013, "Recursive deep models for semantic compositionality over a sentiment treebank": every phrase is
made of two by one and the same cell, and has a mood. The embedded trees are made by a grammar in which "not", "very"
and "but" change what they stand before, so that a bag of words can't do it. `treebank` reads the Stanford Sentiment
Treebank. The whole network answers for a tree; its parts, folded over a tree by the runner, also parse a sentence by
score.

    python -m train rntn
    python -m train rntn --data treebank --data-dir DIR
    edgeproof run saved/rntn/export/rntn.int8.tflite "(3 (2 (2 the) (2 film)) (3 (2 is) (3 good)))"
    edgeproof run saved/rntn/export --parts tflite:int8 "the film is not very good but the music is superb ."
"""

from __future__ import annotations

from edgeproof.contract import Decode, Frontend, Tolerance
from train import texts
from train.fits import Recursive
from train.recipe import Goal, Published, Recipe, When

RECIPE = Recipe(
    title="Recursive neural tensor network",
    paper="Socher et al. 2013",
    build="models.rntn:build_rntn",
    arguments={"length": 16, "levels": 8, "vocabulary": 80, "width": 12, "classes": 5},
    data={"embedded": "train.data.opinions", "treebank": "train.data.treebank"},
    fit=Recursive(epochs=20, batch=32, learning_rate=7e-3, weight_decay=1e-3, clip=1.0),
    when=(
        When(
            {"data": "treebank"},
            {"length": 56, "levels": 36, "vocabulary": 16000, "width": 25, "epochs": 8, "learning_rate": 3e-3},
        ),
    ),
    tiny={"epochs": 6},
    goal=Goal(
        metric="accuracy",
        floors={"embedded": 0.85},
        published={"treebank": Published(0.457, "Socher et al. 2013, table 1, fine-grained, root")},
    ),
    frontends=lambda settings: (
        Frontend(
            "tree",
            "text",
            (
                {
                    "op": "tree",
                    "vocabulary": settings["vocabulary"],
                    "length": settings["length"],
                    "levels": settings["levels"],
                },
            ),
        ),
    ),
    decode=Decode("classify", output="logits", scores="logits"),
    graphs={
        "leaf": (("tokens",), ("leaf",)),
        "compose": (("left", "right"), ("parent", "score")),
        "classify": (("nodes",), ("phrases",)),
    },
    tolerances={
        "f32": Tolerance(relative=1e-4, relative_l2=1e-5, drop=0.0),
        # What rounds at one level goes into the next: largest differences are 2e-4 of the largest score one level up,
        # 1e-3 five levels up, 1e-2 from six on. Numpy, its weights and results rounded so, differs by up to 1.5e-2.
        "f16": Tolerance(relative=2e-2, drop=0.2),
    },
    refused={
        **texts.REFUSED,
        "tflite:int8-dynamic": "the part that tells a node's class has fewer weights than the converter stores in 8 "
        "bits, so the parts would not be of one precision; use int8",
    },
    beside={"bag of words, logistic regression": "train.texts:bag_of_words"},
    use="Telling how good an opinion in English is, and which of its phrases make it so, given the sentence's tree, or "
    "the sentence, which is parsed by score.",
    limits="It has read nothing but the sentences of one small grammar, and a word that is not in that is unknown to "
    "it; parsed by score, a sentence may get a tree that no person would give it.",
)
