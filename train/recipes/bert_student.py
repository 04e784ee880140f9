"""A small student of BERT: taught by what lies between its teacher's ends, then by its answers.

Jiao et al. 2020, "TinyBERT: distilling BERT for natural language understanding": mean squared differences of
embeddings, attention before its softmax, and hidden vectors, by learned projections; then the teacher's probabilities.
The teacher is the recipe `bert_tiny`'s without pretraining, trained here first. What differs from there: no student of
general texts comes before; texts without labels stand for augmented ones, cut before what people did then.

    python -m train bert_student
    python -m train bert_tiny --set pretraining_epochs=0 --set units=4 --set blocks=1  # the same without a teacher
    edgeproof run saved/bert_student/export/bert_student.int8.tflite "the film was dull but the cast was lively"
"""

from __future__ import annotations

from edgeproof.contract import Decode, Tolerance
from train import texts
from train.fits import Distilled
from train.recipe import Goal, Recipe

RECIPE = Recipe(
    title="BERT's student",
    paper="Jiao et al. 2020",
    build="models.bert:build_student",
    arguments={"length": 24, "vocabulary": 64, "units": 4, "blocks": 1, "heads": 2, "dropout": 0.0, "classes": 2},
    data={"embedded": "train.data.receptions"},
    fit=Distilled(epochs=3, learning_rate=2e-3, until=","),
    tiny={"epochs": 2, "distilling_epochs": 2, "teacher_epochs": 6, "batch": 256},
    goal=Goal(metric="accuracy", floors={"embedded": 0.9}),
    frontends=lambda settings: (
        texts.script("tokens", "words", settings["vocabulary"], settings["length"], fill="shifted"),
    ),
    decode=Decode("classify", output="logits", scores="logits"),
    tolerances={"f32": Tolerance(relative=1e-4, relative_l2=1e-5, drop=0.0)},
    refused={
        **texts.REFUSED,
        "tflite:int8-dynamic": "its largest table has 256 numbers; those of fewer than 1,024 stay in floats",
    },
    beside={"bag of words, logistic regression": "train.texts:bag_of_words"},
    use="Telling whether a short English opinion is good or bad where a network of the teacher's size is too large.",
    limits="It has read nothing but the sentences of one small grammar, and what its teacher gets wrong it is taught.",
)
