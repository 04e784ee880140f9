"""From one text to another: a date as people write it into ISO 8601, or English into Swedish.

Bahdanau, Cho, Bengio 2015, "Neural machine translation by jointly learning to align and translate" (`lstm`, the
default), and Vaswani et al. 2017, "Attention is all you need" (`transformer`). What differs from the papers stands in
`models/attention.py`. An encoder reads once; a decoder writes token by token, the likeliest always, drawn, or by a beam
search. They are graphs of their own, which the runner puts together again. The dates are made by a generator.

    python -m train translate
    python -m train translate --set variant=transformer
    python -m train translate --data tatoeba --data-dir DIR                 swe.txt of manythings.org/anki
    edgeproof run saved/translate/export/translate.int8.tflite "Tuesday, March 12th, 2024"
    edgeproof run saved/translate/export --parts tflite:int8 "12 mar '24" --beam 4
"""

from __future__ import annotations

from edgeproof.contract import Decode, Tolerance
from train import texts
from train.fits import Answering
from train.recipe import Goal, Recipe, When

RECIPE = Recipe(
    title="Translation with attention",
    paper="Bahdanau, Cho, Bengio 2015; Vaswani et al. 2017",
    build="models.translate:build_translate",
    arguments={
        "variant": "lstm",
        "length": 32,
        "vocabulary": 80,
        "answer_length": 12,
        "answer_vocabulary": 14,
        "width": 32,
        "units": 64,
        "blocks": 2,
        "heads": 4,
        "dropout": 0.1,
    },
    data={"embedded": "train.data.dates", "tatoeba": "train.data.tatoeba"},
    fit=Answering(epochs=12, batch=64, learning_rate=4e-3, weight_decay=1e-2, clip=1.0),
    when=(
        When({"variant": "transformer"}, {"learning_rate": 2e-3}),
        When(
            {"data": "tatoeba"},
            {
                "script": "pairs",
                "length": 28,
                "vocabulary": 2000,
                "answer_length": 28,
                "answer_vocabulary": 2000,
                "width": 128,
                "units": 256,
                "dropout": 0.3,
                "smoothing": 0.1,
                "epochs": 14,
                "learning_rate": 2e-3,
            },
        ),
        When({"data": "tatoeba", "variant": "transformer"}, {"units": 128, "dropout": 0.15, "epochs": 12}),
    ),
    tiny={"epochs": 2, "blocks": 1, "heads": 2, "batch": 200, "beam": 1},
    goal=Goal(metric="exact match", floors={"embedded": 0.99, "tatoeba": 0.1}),
    frontends=lambda settings: (
        texts.script("tokens", settings["script"], settings["vocabulary"], settings["length"]),
        texts.script(
            "written", settings["script"], settings["answer_vocabulary"], settings["answer_length"], fill="shifted"
        ),
    ),
    decode=Decode("answer", output="logits", scores="logits"),
    graphs={
        "encoder": (("tokens",), ("memory",)),
        "decoder": (("memory", "written"), ("logits",)),
    },
    tolerances={"f32": Tolerance(relative=1e-4, relative_l2=1e-5, drop=0.05)},
    refused=texts.REFUSED,
    use="Writing a date, however a person puts it in English, as ISO 8601 has it: days from 1950 to 2049, by name or "
    "in numbers. Trained on Tatoeba's pairs: short English sentences of daily life into Swedish, for the gist.",
    limits="It always writes something, also for what it can't read; sentences come out fluent and wrong where their "
    "words are rare. Dates with dots are taken as day, month, year and those with slashes as month, day, year. It "
    "learned dates that a generator wrote in 23 ways; others, and slips of the pen, it may get wrong without a sign.",
)
