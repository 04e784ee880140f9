"""Cat or not, on pictures of 64 x 64: logistic regression, a shallow and a deep network.

Three variants of fully connected layers, `logistic` (Cox 1958), `shallow` and `deep` (default; Rumelhart, Hinton,
Williams 1986), as courses build them up on 209 photographs in `train_catvnoncat.h5`. The embedded twin is drawn. What
differs from those courses: widths of hidden layers, AdamW and a cosine schedule.

    python -m train cat                                                     half a minute on 2 cores
    python -m train cat --set variant=logistic
    python -m train cat --data catvnoncat --data-dir DIR                    train_catvnoncat.h5, test_catvnoncat.h5
    python -m train cat --data folder --data-dir DIR                        DIR/train/cat/*.jpg, DIR/train/non-cat/...
"""

from __future__ import annotations

from edgeproof.contract import Decode, Frontend
from train import pictures
from train.data.cats import LABELS
from train.fits import Supervised
from train.recipe import Goal, Recipe, Settings, When


def _frontends(_: Settings) -> tuple[Frontend, ...]:
    return (pictures.frontend(64),)


RECIPE = Recipe(
    title="Cat or not",
    paper="Rumelhart et al. 1986",
    build="models.cat:build_cat",
    arguments={"variant": "deep", "hidden": (64, 32, 16)},
    data={"embedded": "train.data.cats", "catvnoncat": "train.data.catvnoncat", "folder": "train.data.folder"},
    frontends=_frontends,
    decode=Decode("classify", output="logits", scores="logits"),
    labels=LABELS,
    fit=Supervised(epochs=40, batch=32, learning_rate=3e-4, weight_decay=0.1, flip=True),
    when=(
        When({"data": "embedded"}, {"epochs": 14}),
        When({"variant": "logistic"}, {"learning_rate": 1e-3}),
    ),
    tiny={"epochs": 2},
    goal=Goal(metric="accuracy", floors={"embedded": 0.97, "embedded/logistic": 0.9, "embedded/shallow": 0.93}),
    use="Telling whether a small picture shows a cat, as a first exercise: fully connected networks see pixels, not "
    "shapes, and need the cat where their training pictures had it.",
    limits="Trained on the embedded pictures it knows drawings of one kind of cat and of six other things. It always "
    "answers, whatever it is shown; photographs need photographs to train on.",
)
