"""The emoji that fits a sentence: word vectors averaged, or read in order.

Iyyer et al. 2015, "Deep unordered composition rivals syntactic methods for text classification" (`average`), and
Hochreiter, Schmidhuber 1997, "Long short-term memory" (`lstm`, the default). The embedded sentences are made by a
grammar in which "happy, not sad" and "sad, not happy" want different emoji; an average can't tell them apart. `csv`
reads sentences and labels of your own.

    python -m train emoji
    python -m train emoji --set variant=average
    python -m train emoji --data csv --data-dir DIR --set classes=5
"""

from __future__ import annotations

from edgeproof.contract import Decode, Tolerance
from train import texts
from train.fits import Supervised
from train.recipe import Goal, Recipe, When

RECIPE = Recipe(
    title="Emoji",
    paper="Iyyer et al. 2015; Hochreiter, Schmidhuber 1997",
    build="models.emoji:build_emoji",
    arguments={"variant": "lstm", "length": 12, "vocabulary": 400, "width": 24, "units": 32, "classes": 5},
    data={"embedded": "train.data.moods", "csv": "train.data.csv_sentences"},
    fit=Supervised(epochs=20, batch=32, learning_rate=1e-2, weight_decay=1e-2, clip=1.0),
    tiny={"epochs": 4},
    when=(When({"data": "csv"}, {"epochs": 60}),),
    goal=Goal(metric="accuracy", floors={"embedded": 0.97, "embedded/average": 0.75}),
    frontends=lambda settings: (texts.words(settings),),
    decode=Decode("classify", output="logits", scores="logits"),
    tolerances={"f32": Tolerance(relative=1e-5, relative_l2=1e-5, drop=0.0)},
    refused=texts.REFUSED,
    beside={"bag of words, logistic regression": "train.texts:bag_of_words"},
    use="Answering a short English sentence with one of a few emoji: love, play, gladness, sadness, food.",
    limits="It always answers with one of its emoji, whatever the sentence; it has read nothing but sentences of one "
    "small grammar, and a word that is not in that is unknown to it.",
)
