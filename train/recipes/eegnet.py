"""Whether a person's brain has noticed: P300 in the second after a stimulus, by EEGNet.

Lawhern et al. 2018, "EEGNet: a compact convolutional neural network for EEG-based brain-computer interfaces" (`eegnet`,
the default), and Schirrmeister et al. 2017, "Deep learning with convolutional neural networks for EEG decoding and
visualization" (`deep`). What differs: one logit instead of two, 1 to 30 Hz, and ranges that eight bits hold. The
embedded recordings are made by a generator; real ones are those of a headband (`muse`, tested on later recordings, and
`muse_subjects`, on a person never seen) and of a cap with 64 electrodes whose wearer imagines moving the left or the
right fist (`motor_imagery`).

    python -m train eegnet
    python -m train eegnet --set variant=deep
    python -m train eegnet --data muse --data-dir DIR
    python -m train eegnet --data motor_imagery --data-dir DIR
    edgeproof run saved/eegnet/export/eegnet.int8.tflite recording.csv --windows 0.5
"""

from __future__ import annotations

from edgeproof.contract import Decode, Tolerance
from train import eeg
from train.fits import Supervised
from train.recipe import Goal, Recipe, When

RECIPE = Recipe(
    title="EEG decoder",
    paper="Lawhern et al. 2018; Schirrmeister et al. 2017",
    build="models.eegnet:build_eegnet",
    arguments={"variant": "eegnet", "length": 128, "channels": 4, "kernel": 64, "dropout": 0.25},
    data={
        "embedded": "train.data.oddball",
        "muse": "train.data.muse",
        "muse_subjects": "train.data.muse_subjects",
        "motor_imagery": "train.data.motor_imagery",
    },
    fit=Supervised(epochs=20, batch=64, learning_rate=3e-3, weight_decay=1e-2),
    when=(
        When({"variant": "deep"}, {"dropout": 0.5, "learning_rate": 1e-3}),
        When({"data": "motor_imagery"}, {"length": 160, "channels": 64, "kernel": 40, "epochs": 60}),
    ),
    tiny={"epochs": 2},
    goal=Goal(metric="auc", floors={"embedded": 0.8}),
    frontends=lambda settings: (eeg.windows(),),
    decode=Decode("detect", output="logit", scores="logits"),
    # The area is no share of whole samples: two that rounding makes change places move it, by less than this.
    tolerances={"f32": Tolerance(relative=1e-5, relative_l2=1e-5, drop=1e-3)},
    refused={
        "tflite:int8-dynamic": "the largest of EEGNet's kernels has 512 weights; those under 1,024 stay in floats"
    },
    beside={"shrunken linear discriminant": "train.eeg:discriminant"},
    use="Telling from the second after each stimulus whether a person has noticed it as the rare one, by the "
    "electrodes and the task that it learned from; sliding over a recording, when something was noticed.",
    limits="One answer is little to go by: several stimuli have to be taken together. People, headbands and tasks "
    "unlike those it learned from are read worse. It reads no thoughts, and is no medical device.",
)
