"""The perceptron: one neuron with a step tells odd digits from even ones.

Rosenblatt 1958, "The perceptron: a probabilistic model for information storage and organization in the brain". Two
variants: `step` (default), trained by his rule - weights move by the input, times the answer wanted minus the answer
given - and `logistic`, the same neuron as logistic regression (Cox 1958). What differs from the paper: the rule is
applied to the mean of a few samples, with momentum and a rate that falls to zero; the pictures are digits, and all
pixels are wired to the neuron. `models.perceptron.build_decision` is the neuron whose weights a person chooses.

    python -m train perceptron                                              seconds on 2 cores
    python -m train perceptron --set variant=logistic
    python -m train perceptron --data mnist --data-dir DIR                  two minutes
"""

from __future__ import annotations

from edgeproof.contract import Tolerance
from train import handwritten
from train.data.parity import LABELS
from train.fits import Supervised
from train.recipe import Goal, When

RECIPE = handwritten.recipe(
    title="Perceptron",
    paper="Rosenblatt 1958",
    build="models.perceptron:build_perceptron",
    arguments={"variant": "step"},
    data={"embedded": "train.data.digits_parity", "mnist": "train.data.mnist_parity"},
    labels=LABELS,
    fit=Supervised(epochs=20, batch=16, optimizer="sgd", learning_rate=1e-3),
    when=(
        When({"data": "embedded"}, {"epochs": 60}),
        When({"variant": "logistic"}, {"optimizer": "adamw", "learning_rate": 5e-3}),
    ),
    tiny={"epochs": 2},
    goal=Goal(metric="accuracy", floors={"embedded": 0.89, "embedded/logistic": 0.91, "mnist": 0.87}),
    # A step makes a whole output of a hair: one sample in fifty that falls on the other side is sqrt(2 / 50) away.
    tolerances=handwritten.TOLERANCES | {"int16x8": Tolerance(relative_l2=0.2, drop=0.5, agreement=0.98)},
    refused={"tflite:int8-dynamic": "its one matrix has 784 weights; those of fewer than 1,024 stay in floats"},
    use="Showing what one neuron can tell: whether a small picture of one handwritten digit shows an odd or even one.",
    limits="One neuron draws one plane between the classes, and odd and even digits have none: it errs on every tenth "
    "picture. Its answer says nothing of how sure it is.",
)
