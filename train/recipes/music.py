"""Writing for four voices: a chorale note by note (`chorale`, the default), or its harmony chord by chord (`chord`).

A convolution and an LSTM over the voices' notes as one stream, soprano, alto, tenor, bass, after Liang, Gotham,
Johnson, Shotton 2017, "Automatic stylistic composition of Bach chorales with deep LSTM". The embedded scores are
synthetic counterpoint; `chorales` reads the JSB chorales (Boulanger-Lewandowski 2012) as JSON, or a folder of MIDI
files, and `music21` the chorales by Bach in the package music21, where that is installed. The score is compression, the
share of eight bits a token that is saved; the card tells the negative log-likelihood a time step that it comes to: 90%
is 2.25 nats (embedded, where counts of five tokens in a row come to 2.77), 84% is 3.59 (Bach in music21, eighth notes,
where they come to 4.46).

    python -m train music
    python -m train music --set variant=chord
    python -m train music --data chorales --data-dir DIR
    edgeproof run saved/music/export/music.int8.tflite saved/music/sample.mid --write out.mid
"""

from __future__ import annotations

from edgeproof.contract import Decode, Tolerance
from train import scores, texts
from train.fits import NextNote
from train.recipe import Goal, Recipe, When

RECIPE = Recipe(
    title="Four voices",
    paper="Liang, Gotham, Johnson, Shotton 2017",
    build="models.music:build_music",
    arguments={
        "variant": "chorale",
        "steps": 32,
        "grid": 2,
        "voices": 4,
        "vocabulary": 256,
        "width": 32,
        "near": 8,
        "units": 128,
        "dropout": 0.1,
    },
    data={
        "embedded": "train.data.counterpoint",
        "chorales": "train.data.chorales",
        "music21": "train.data.bach",
    },
    fit=NextNote(epochs=18, batch=32, learning_rate=4e-3, weight_decay=1e-2, clip=1.0),
    when=(
        When({"variant": "chord"}, {"vocabulary": 96, "near": 2, "units": 96, "epochs": 20}),
        When({"data": "music21"}, {"epochs": 6, "dropout": 0.3}),
        When({"data": "music21", "variant": "chord"}, {"vocabulary": 400}),
        When(
            {"data": "chorales"}, {"grid": 4, "steps": 64, "vocabulary": 512, "near": 16, "epochs": 6, "dropout": 0.3}
        ),
        When({"data": "chorales", "variant": "chord"}, {"vocabulary": 400, "near": 2}),
    ),
    tiny={"epochs": 2, "units": 32, "steps": 20, "batch": 128},
    goal=Goal(metric="compression", floors={"embedded": 0.885, "embedded/chord": 0.64, "music21/chorale": 0.825}),
    frontends=lambda settings: (scores.tokens(settings),),
    decode=Decode("write", output="logits", scores="logits"),
    tolerances={"f32": Tolerance(relative=1e-5, relative_l2=1e-5, drop=0.001)},
    refused=texts.REFUSED,
    beside={
        "counts of single tokens": "train.scores:one",
        "counts of two in a row": "train.scores:two",
        "counts of three in a row": "train.scores:three",
        "counts of five in a row": "train.scores:five",
    },
    use="Going on with a beginning for four voices, in the manner of the scores it learned from; telling which chord "
    "comes next; and telling how likely a score in that manner is.",
    limits="It knows its own kind of score alone: the embedded ones are counterpoint by rule, in twelve keys, of two "
    "time steps a quarter note. It has no plan beyond what it remembers, and breaks rules that its scores keep. Held "
    "notes and repeated ones are the same to it. Which chord is written says nothing of the octaves of its notes.",
)
