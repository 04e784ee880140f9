"""Writing, a character at a time: an LSTM, and a small Transformer.

Graves 2013, "Generating sequences with recurrent neural networks" (`lstm`, the default), and Radford et al. 2018,
"Improving language understanding by generative pre-training" (`gpt`, three blocks). The embedded text is the reference
manual that Python ships; `shakespeare` is tiny Shakespeare. The score, compression, is the share of eight bits a
character that is saved: 0.7125 is 2.3 bits a character, 0.70 is 2.4.

    python -m train char_lm
    python -m train char_lm --set variant=gpt
    python -m train char_lm --data shakespeare --data-dir DIR
    edgeproof run saved/char_lm/export/char_lm.int8.tflite "The value of "
"""

from __future__ import annotations

from edgeproof.contract import Decode, Frontend, Tolerance
from train import texts
from train.fits import NextToken
from train.recipe import Goal, Recipe, When

RECIPE = Recipe(
    title="Character language model",
    paper="Graves 2013; Radford et al. 2018",
    build="models.char_lm:build_char_lm",
    arguments={
        "variant": "lstm",
        "length": 80,
        "vocabulary": 100,
        "width": 32,
        "units": 192,
        "blocks": 3,
        "heads": 4,
        "dropout": 0.1,
    },
    data={"embedded": "train.data.prose", "shakespeare": "train.data.shakespeare"},
    fit=NextToken(epochs=10, batch=32, learning_rate=4e-3, weight_decay=1e-2, clip=1.0),
    when=(
        When({"variant": "gpt"}, {"units": 128, "learning_rate": 2e-3}),
        When(
            {"data": "shakespeare"},
            {"units": 512, "dropout": 0.4, "epochs": 8, "batch": 64, "learning_rate": 3e-3},
        ),
        When(
            {"data": "shakespeare", "variant": "gpt"},
            {"units": 128, "dropout": 0.1, "batch": 32, "learning_rate": 2e-3},
        ),
    ),
    tiny={"epochs": 2, "length": 40, "units": 96, "blocks": 1, "batch": 128},
    goal=Goal(
        metric="compression",
        floors={"embedded": 0.65, "shakespeare": 0.7125, "shakespeare/gpt": 0.70},
    ),
    frontends=lambda settings: (
        Frontend(
            "tokens",
            "text",
            (
                {
                    "op": "characters",
                    "vocabulary": settings["vocabulary"],
                    "length": settings["length"],
                    "fill": "after",
                },
            ),
        ),
    ),
    decode=Decode("write", output="logits", scores="logits"),
    tolerances={"f32": Tolerance(relative=1e-5, relative_l2=1e-5, drop=0.001)},
    refused=texts.REFUSED,
    use="Writing on from a beginning, in the manner of the text it learned from, a character at a time; and telling "
    "how likely a text in that manner is.",
    limits="It writes what looks like its text and means nothing: it knows neither facts nor grammar beyond the last "
    "eighty characters, and must not be believed. Characters that its text lacks are unknown to it.",
)
