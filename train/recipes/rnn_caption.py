"""From a picture to a sentence: what one to three things are, and how they stand to each other.

Vinyals et al. 2015, "Show and tell: a neural image caption generator", with the attention of Xu et al. 2015, "Show,
attend and tell". One to many: convolutions see the picture once, a recurrent network writes word by word, the likeliest
always, drawn, or by a beam search. The pictures are drawn by a generator, whose grammar has one right sentence for
each.

    python -m train rnn_caption
    edgeproof run saved/rnn_caption/export/rnn_caption.int8.tflite saved/rnn_caption/sample.png
    edgeproof run saved/rnn_caption/export --parts tflite:int8 saved/rnn_caption/sample.png --beam 4
"""

from __future__ import annotations

from edgeproof.contract import Decode, Tolerance
from train import pictures, texts
from train.fits import Answering
from train.recipe import Goal, Recipe

RECIPE = Recipe(
    title="Sentences for pictures",
    paper="Vinyals et al. 2015, Xu et al. 2015",
    build="models.caption:build_caption",
    arguments={
        "side": 48,
        "maps": (16, 32, 48, 64),
        "answer_length": 17,
        "answer_vocabulary": 19,
        "width": 32,
        "units": 64,
        "dropout": 0.1,
    },
    data={"embedded": "train.data.captions"},
    fit=Answering(epochs=14, batch=64, learning_rate=4e-3, weight_decay=1e-2, clip=1.0, script="words"),
    tiny={"epochs": 2, "batch": 200, "beam": 1},
    goal=Goal(metric="exact match", floors={"embedded": 0.9}),
    frontends=lambda settings: (
        pictures.frontend(settings["side"]),
        texts.script(
            "written", settings["script"], settings["answer_vocabulary"], settings["answer_length"], fill="shifted"
        ),
    ),
    decode=Decode("answer", output="logits", scores="logits"),
    graphs={
        "encoder": (("image",), ("memory",)),
        "decoder": (("memory", "written"), ("logits",)),
    },
    tolerances={"f32": Tolerance(relative=1e-4, relative_l2=1e-5, drop=0.05)},
    use="Learning how a network goes from one picture to many words: it names the size, colour and shape of one to "
    "three drawn things and how they stand to each other, in sentences that it was not trained on.",
    limits="It always writes a sentence of its grammar, whatever it is shown. It knows drawings of five shapes in six "
    "colours on dark grounds, and nothing of photographs.",
)
