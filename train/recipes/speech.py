"""Words one after another, spelled without being told where each is: connectionist temporal classification.

Graves, Fernández, Gomez, Schmidhuber 2006, "Connectionist temporal classification: labelling unsegmented sequence data
with recurrent neural networks". What differs: convolutions instead of a bidirectional LSTM (after Collobert et al.
2016, "Wav2Letter"), so that a stream can be followed, and whole words instead of phonemes. The embedded strings are
spoken by a synthesiser; `fsdd` joins real recordings of digits, by their makers' split. The score, word accuracy, is 1
less the word error rate.

    python -m train speech
    python -m train speech --data fsdd --data-dir DIR
    edgeproof run saved/speech/export/speech.int8.tflite digits.wav
"""

from __future__ import annotations

from edgeproof.contract import Decode, Tolerance
from train import sounds
from train.fits import Transcription
from train.recipe import Goal, Recipe, When

RECIPE = Recipe(
    title="Strings of words",
    paper="Graves et al. 2006",
    build="models.speech:build_speech",
    arguments={"width": 64, "blocks": 4, "classes": 11},
    data={"embedded": "train.data.word_strings", "fsdd": "train.data.fsdd_strings"},
    fit=Transcription(epochs=20, batch=32, learning_rate=4e-3, weight_decay=1e-2, clip=5.0),
    when=(When({"data": "fsdd"}, {"epochs": 30, "loud": 1.0}),),
    tiny={"epochs": 2},
    goal=Goal(metric="word accuracy", floors={"embedded": 0.8, "fsdd": 0.8}),
    frontends=lambda settings: (sounds.bands(whole=True),),
    decode=Decode("transcribe", output="logits", scores="logits", blank=10),
    tolerances={"f32": Tolerance(relative=1e-5, relative_l2=1e-5, drop=0.0)},
    use="Writing down which of ten short words, or digits, were said one after another in up to four seconds of sound "
    "at 8,000 samples a second, one voice, close to the microphone.",
    limits="It knows ten words and spells everything with them; voices, rooms and pauses unlike those it learned from "
    "are heard worse. Real digits are recordings of six speakers, joined, so that no digit runs into the next as in "
    "fluent speech; the embedded words are said by a synthesiser.",
)
