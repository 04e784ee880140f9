"""The mood of an opinion by a small BERT: masked words of many texts first, then a classifier from a few labels.

Devlin, Chang, Lee, Toutanova 2018, "BERT: pre-training of deep bidirectional transformers for language understanding".
Masked words alone are told, not next sentences, and by a matrix of their own; what else differs is in `models/bert.py`.
The embedded opinions are made by a grammar in which the order of words decides ("dull but lively"), with 400 labels.
No help of pretraining was seen there: 96.3% with it, 99.7% without (one seed each), a bag of words 63.0%.

    python -m train bert_tiny
    python -m train bert_tiny --set pretraining_epochs=0
    edgeproof run saved/bert_tiny/export/bert_tiny.int8.tflite "the film was dull but the cast was lively"
"""

from __future__ import annotations

from edgeproof.contract import Decode, Tolerance
from train import texts
from train.fits import Masked
from train.recipe import Goal, Recipe

RECIPE = Recipe(
    title="BERT, small",
    paper="Devlin et al. 2018",
    build="models.bert:build_bert",
    arguments={
        "length": 24,
        "vocabulary": 64,
        "units": 32,
        "blocks": 2,
        "heads": 2,
        "dropout": 0.0,
        "classes": 2,
    },
    data={"embedded": "train.data.receptions"},
    fit=Masked(epochs=30, batch=16, learning_rate=2e-3, pretraining_epochs=8, pretraining_rate=2e-3, masking=0.3),
    tiny={"epochs": 4, "pretraining_epochs": 2},
    goal=Goal(metric="accuracy", floors={"embedded": 0.8}),
    frontends=lambda settings: (
        texts.script("tokens", "words", settings["vocabulary"], settings["length"], fill="shifted"),
    ),
    decode=Decode("classify", output="logits", scores="logits"),
    tolerances={"f32": Tolerance(relative=1e-4, relative_l2=1e-5, drop=0.0)},
    refused=texts.REFUSED,
    beside={"bag of words, logistic regression": "train.texts:bag_of_words"},
    use="Telling whether a short English opinion is good or bad, where its words alone do not say so.",
    limits="It has read nothing but the sentences of one small grammar, and a word that is not in that is unknown to "
    "it; it says good or bad of whatever it is given.",
)
