"""Spoken words and digits, a second at a time, by depthwise-separable convolutions.

Zhang, Suda, Lai, Chandra 2017, "Hello Edge: keyword spotting on microcontrollers" (variant `ds_cnn`, the default), and
after Rybakov et al. 2020, "Streaming keyword spotting on mobile devices" (`stream`, over time alone). What differs from
the papers: 40 mel bands instead of ten cepstra, whose sizes no one scale of eight bits fits; frames of 25 ms, 10 ms
apart; and the sounds. The embedded words are spoken by a synthesiser; the Free Spoken Digit Dataset comes in its
makers' split (`fsdd`, every speaker in each part), by speaker (`fsdd_speakers`), and as windows that slide over a
stream meet it, with an eleventh class for what is no digit (`fsdd_stream`). Speech Commands comes as its makers' twelve
classes (Warden 2018) or with all of its words; a wake word from one recording of it (`wakeword`).

    python -m train keyword
    python -m train keyword --set variant=stream
    python -m train keyword --data fsdd --data-dir DIR
    python -m train keyword --data fsdd_speakers --data-dir DIR
    python -m train keyword --data fsdd_stream --data-dir DIR
    python -m train keyword --data speech_commands --data-dir DIR
    python -m train keyword --data wakeword --data-dir DIR
    edgeproof run saved/keyword/export/keyword.int8.tflite long.wav --windows 0.1 --detect 0.5 --silent nothing
"""

from __future__ import annotations

from edgeproof.contract import Decode, Tolerance
from train import sounds
from train.fits import Supervised
from train.recipe import Goal, Recipe, When

# What voices that it has not heard may be like: of another length, level and place, with parts missing.
_UNHEARD = {"tract": 2.0, "late": 8, "loud": 1.5, "mask_bands": 6, "mask_frames": 12}

RECIPE = Recipe(
    title="Keyword spotting",
    paper="Zhang et al. 2017, Rybakov et al. 2020",
    build="models.keyword:build_keyword",
    arguments={"variant": "ds_cnn", "width": 48, "classes": 10},
    data={
        "embedded": "train.data.words",
        "fsdd": "train.data.fsdd",
        "fsdd_speakers": "train.data.fsdd_speakers",
        "fsdd_stream": "train.data.fsdd_stream",
        "speech_commands": "train.data.speech_commands",
        "speech_commands_words": "train.data.speech_commands_words",
        "wakeword": "train.data.wakeword",
    },
    fit=Supervised(epochs=20, batch=32, learning_rate=3e-3, weight_decay=1e-2),
    when=(
        When({"data": "fsdd_stream"}, {"classes": 11, "epochs": 15}),
        When({"data": "fsdd_speakers"}, {"loud": 1.5}),
        When({"data": "speech_commands"}, {"classes": 12}),
        When({"data": "wakeword"}, {"classes": 2, "epochs": 15, **_UNHEARD}),
    ),
    tiny={"epochs": 6},
    goal=Goal(
        metric="accuracy",
        floors={"embedded": 0.9, "fsdd": 0.97, "fsdd_speakers": 0.5, "fsdd_stream": 0.75, "wakeword": 0.93},
    ),
    frontends=lambda settings: (sounds.bands(),),
    decode=Decode("classify", output="logits", scores="logits"),
    tolerances={"f32": Tolerance(relative=1e-5, relative_l2=1e-5, drop=0.0)},
    use="Telling which of ten short words, or digits, was said in the middle of a second of sound at 8,000 samples a "
    "second (Speech Commands and the wake word: 16,000), one voice, close to the microphone.",
    limits="It always answers with one of its words: silence, noise and other words get one too, unless it was trained "
    "on `fsdd_stream`, which has a class for them. Voices, languages and rooms unlike those it learned from "
    "are heard worse; of the digits there are six speakers, of the embedded words none, since a synthesiser says them.",
)
