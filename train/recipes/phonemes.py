"""The phoneme of each hundredth of a second, by dense layers over spliced frames, one of them a bottleneck.

Grézl, Karafiát, Kontár, Černocký 2007, "Probabilistic and bottle-neck features for LVCSR of meetings": what the narrow
layer gives serves another recogniser as its features; it is a part of its own in every format. `attributes` tells what
is so of each sound, voiced, nasal, front (after King, Taylor 2000), and the phoneme whose row in the table of
`models/phonology.py` is nearest to that. What differs from the papers: mel bands of eleven frames as they are, ReLU,
and a synthesiser that says which phoneme each frame is of; on real speech an aligner would.

    python -m train phonemes
    python -m train phonemes --set variant=attributes
    edgeproof run saved/phonemes/export/phonemes.int8.tflite saved/phonemes/sample.wav
    edgeproof run saved/phonemes/export/phonemes.bottleneck.int8.tflite saved/phonemes/sample.wav
"""

from __future__ import annotations

from edgeproof.contract import Decode, Tolerance
from train import sounds
from train.fits import Framewise
from train.recipe import Goal, Recipe, When

RECIPE = Recipe(
    title="Phonemes of frames",
    paper="Grézl et al. 2007",
    build="models.phonemes:build_phonemes",
    arguments={"variant": "phonemes", "width": 128, "bottleneck": 32},
    data={"embedded": "train.data.phonemes"},
    fit=Framewise(epochs=10, batch=16, learning_rate=2e-3, weight_decay=1e-2),
    when=(When({"variant": "attributes"}, {}),),
    tiny={"epochs": 2},
    goal=Goal(metric="accuracy a step", floors={"embedded": 0.8}),
    frontends=lambda settings: (sounds.bands(whole=True),),
    decode=Decode("label", output="logits", scores="logits"),
    graphs={"bottleneck": (("features",), ("bottleneck",)), "classifier": (("bottleneck",), ("logits",))},
    tolerances={"f32": Tolerance(relative=1e-5, relative_l2=1e-5, drop=0.0)},
    beside={
        "the most frequent phoneme": "train.sounds:frequent",
        "a linear discriminant of one frame": "train.sounds:single",
        "a linear discriminant of eleven frames": "train.sounds:spliced",
    },
    use="Telling the phoneme of each hundredth of a second of up to one and a half seconds at 8,000 samples a second, "
    "or the features of its narrow layer, for another network to go on from.",
    limits="It has heard nothing but a synthesiser, whose nineteen phonemes are all that it knows, in ten words. Where "
    "one phoneme passes into the next its answer is late or early by a frame or two, and a shut mouth sounds like "
    "silence.",
)
